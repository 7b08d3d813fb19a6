#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A storm of SIGKILLs against an agent, while its command line adds and removes entries all the time.

storm.py SEINED SEINE CONFIG NAMESPACE PINS

Each round kills the agent twice: while it starts, and at a random moment of its work. After every kill
the interface must still carry a program and every database must be readable; after the restart the
entries in force, in the kernel and as the agent tells them, must be those that the command line was told
are done. Of what it was told nothing, either is right.

KILLS: how many in all. WITHIN: seconds that half of the restarts may take until all that is so; none may
take five times as long, which is for machines that do other things too. SEED: of the moments.
"""

import contextlib
import glob
import ipaddress
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

KILLS = int(os.environ.get("KILLS", "80"))
WITHIN_SEC = float(os.environ.get("WITHIN", "2"))
START_SEC = 0.8  # kills while it starts come within this time
WORK_SEC = 0.4  # those at work within this one
PREFIXES = 12  # of each worker: few, so that each is added and removed often
GIVE_UP_SEC = 30  # for one command


class Failure(Exception):
    pass


class Worker(threading.Thread):
    """Adds and removes entries of its own, one command after the other, and remembers for each what it
    may be: {True}, {False}, or both where a command was told nothing."""

    def __init__(self, storm, noun, prefixes, options):
        super().__init__(daemon=True)
        self.storm, self.noun, self.options = storm, noun, options
        self.may_be = {p: {False} for p in prefixes}
        self.random = random.Random(f"{storm.seed} {noun} {prefixes[0]}")
        self.going = threading.Event()
        self.idle = threading.Event()
        self.done = self.untold = 0

    def run(self):
        while True:
            self.idle.set()
            self.going.wait()
            self.idle.clear()
            self.once()

    def once(self):
        prefix = self.random.choice(list(self.may_be))
        add = self.may_be[prefix] != {True} if self.random.random() < 0.9 else self.random.random() < 0.5
        if not add and self.may_be[prefix] == {False}:
            return
        command = [self.noun, "add", prefix, *self.options] if add else [self.noun, "del", prefix]
        self.may_be[prefix] = self.may_be[prefix] | {add}
        if self.storm.seine(*command).returncode == 0:
            self.may_be[prefix] = {add}
            self.done += 1
        else:
            self.untold += 1
            time.sleep(0.02)

    def pause(self):
        self.going.clear()
        if not self.idle.wait(GIVE_UP_SEC):
            raise Failure(f"a command on the {self.noun} list never ended")

    def wrong(self, listed):
        """What is there and must not be, or is not and must be."""
        for prefix, may_be in self.may_be.items():
            if (prefix in listed) not in may_be:
                yield f"{self.noun} {prefix}: {'there' if prefix in listed else 'gone'}"

    def settle(self, listed):
        for prefix in self.may_be:
            self.may_be[prefix] = {prefix in listed}


class Storm:
    def __init__(self, seined, seine, config, namespace, pins):
        self.seined_path, self.seine_path, self.config = seined, seine, config
        self.namespace, self.pins = namespace, pins
        self.seed = os.environ.get("SEED", str(random.randrange(1 << 32)))
        self.random = random.Random(self.seed)
        self.log = open(os.path.join(os.path.dirname(config), "storm.log"), "ab")
        self.agent = None
        self.kills = 0
        self.attached = False
        self.took = []
        ttl = ["--ttl", "1d"]
        self.workers = [
            Worker(self, "drop", [f"203.0.113.{i}" for i in range(PREFIXES)], ttl),
            Worker(self, "drop", [f"2001:db8:{i:x}::/48" for i in range(1, PREFIXES + 1)], ttl),
            Worker(self, "allow", [f"192.0.2.{i}" for i in range(PREFIXES)], ttl),
        ]

    def inside(self, *command):
        return [f"--net=/run/netns/{self.namespace}", *command]

    def seine(self, *command):
        return subprocess.run([self.seine_path, "--config", self.config, *command],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)

    def start(self):
        self.agent = subprocess.Popen(
            ["nsenter", *self.inside(self.seined_path, "--config", self.config)],
            stdout=self.log, stderr=self.log)

    def kill(self):
        if self.agent.poll() is not None:
            raise Failure(f"the agent ended by itself with status {self.agent.returncode}")
        self.agent.send_signal(signal.SIGKILL)
        self.agent.wait()
        self.kills += 1

    # --- what must hold while it is dead

    def program(self):
        link = subprocess.run(["nsenter", *self.inside("ip", "-j", "link", "show", "eth0")],
                              stdout=subprocess.PIPE, check=True)
        return json.loads(link.stdout)[0].get("xdp", {}).get("prog", {}).get("id")

    def check_interface(self):
        self.attached = self.attached or self.program() is not None
        if self.attached and self.program() is None:
            raise Failure("the interface is bare")

    def check_databases(self):
        """In copies: the agent itself must find them as it left them, with their logs."""
        home = os.path.dirname(self.config)
        for path in glob.glob(os.path.join(home, "*.db")):
            with tempfile.TemporaryDirectory(dir=home) as copies:
                copy = os.path.join(copies, os.path.basename(path))
                for suffix in ("", "-wal"):
                    if os.path.exists(path + suffix):
                        shutil.copy(path + suffix, copy + suffix)
                said = self.quick_check(copy)
            if said != [("ok",)]:
                raise Failure(f"{path}: {said}")
        if glob.glob(os.path.join(home, "*.db.damaged-*")):
            raise Failure("a database was set aside as damaged")

    @staticmethod
    def quick_check(path):
        try:
            with contextlib.closing(sqlite3.connect(path)) as db:
                return db.execute("PRAGMA quick_check").fetchall()
        except sqlite3.Error as e:
            return e

    def check_dead(self):
        self.check_interface()
        self.check_databases()

    # --- what must hold once it is back

    def told(self, noun):
        """The prefixes that the agent lists; None: it does not answer yet."""
        said = self.seine(noun, "list", "--limit", "10000", "--json")
        if said.returncode != 0:
            return None
        return {e["prefix"] for e in json.loads(said.stdout)["entries"]}

    def held(self):
        """The prefixes of the list that packets meet."""
        pins = max(glob.glob(f"{self.pins}/[0-9]*"), key=lambda p: int(os.path.basename(p)))
        dump = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", f"{pins}/seine_drop"],
                              stdout=subprocess.PIPE, check=True)
        return {self.prefix(row["formatted"]["key"]) for row in json.loads(dump.stdout)}

    @staticmethod
    def prefix(key):
        address = ipaddress.IPv6Address(bytes(key["ip"]))
        address = address.ipv4_mapped or address
        whole = key["len"] == address.max_prefixlen
        return str(address) if whole else f"{address}/{key['len']}"

    def wrongs(self):
        found = {"drop": self.told("drop"), "allow": self.told("allow")}
        if None in found.values():
            return ["the agent does not answer"]
        held = self.held()
        wrong = [w for worker in self.workers for w in worker.wrong(found[worker.noun])]
        if held != found["drop"]:
            wrong.append(f"the agent and the kernel differ in {sorted(held ^ found['drop'])}")
        if not wrong:
            for worker in self.workers:
                worker.settle(found[worker.noun])
        return wrong

    def check_back(self, began):
        while True:
            wrong = self.wrongs()
            took = time.monotonic() - began
            if not wrong:
                self.took.append(took)
                return
            if took > 5 * WITHIN_SEC:
                raise Failure(f"{took:.1f} s after the restart: {'; '.join(wrong[:5])}")
            if self.agent.poll() is not None:
                raise Failure(f"the agent ended with status {self.agent.returncode}")
            time.sleep(0.02)

    # --- one round

    def kill_at_start(self):
        self.start()
        time.sleep(self.random.random() * START_SEC)
        self.kill()
        self.check_dead()

    def kill_at_work(self):
        for worker in self.workers:
            worker.going.set()
        time.sleep(self.random.random() * WORK_SEC)
        self.kill()
        for worker in self.workers:
            worker.pause()
        self.check_dead()

    def run(self):
        for worker in self.workers:
            worker.start()
        while self.kills < KILLS:
            self.kill_at_start()
            began = time.monotonic()
            self.start()
            self.check_back(began)
            self.kill_at_work()
        began = time.monotonic()
        self.start()
        self.check_back(began)
        if sorted(self.took)[len(self.took) // 2] > WITHIN_SEC:
            raise Failure(f"half of the restarts took longer than {WITHIN_SEC:.0f} s")

    def summary(self):
        took = sorted(self.took) or [0]
        done, untold = (sum(getattr(w, what) for w in self.workers) for what in ("done", "untold"))
        return (f"{self.kills} kills (seed {self.seed}), {done} commands done, {untold} told nothing; "
                f"back after {took[len(took) // 2]:.2f} s, {took[-1]:.2f} s at most")

    def end(self):
        if self.agent and self.agent.poll() is None:
            self.agent.kill()
            self.agent.wait()


def main():
    storm = Storm(*sys.argv[1:6])
    try:
        storm.run()
    except Failure as e:
        print(f"{e}\nafter {storm.summary()}")
        return 1
    finally:
        storm.end()
    print(storm.summary())
    return 0


sys.exit(main())
