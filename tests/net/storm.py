#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A storm of SIGKILLs against an agent, while people change its lists, its mode and its trials all the time.

storm.py SEINED SEINE CONFIG NAMESPACE PINS OLDER

Each round kills the agent twice: while it starts, on maps that are there and a program that is attached, its own or
an older one (OLDER, an object file; one round in four), and at a random moment of its work. After every kill the
interface must still carry a program and every database must be readable; after the restart what is in force, in the
kernel and as the agent tells it, must be what the command line was told is done, and the log must have an event for
each of these commands. Of what it was told nothing, either is right, but nothing between.

KILLS: how many in all. WITHIN: seconds that half of the restarts may take until all that is so; none may
take five times as long, which is for machines that do other things too. SEED: of the moments.
"""

import contextlib
import functools
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

from storm_work import Turns, everybody, key_of
from storm_world import HANDS, Found, Worlds

KILLS = int(os.environ.get("KILLS", "40"))
WITHIN_SEC = float(os.environ.get("WITHIN", "2"))
START_SEC = 0.8  # kills while it starts come within this time
WORK_SEC = 0.8  # those at work within this one
OLDER_ONE_IN = 4
HAND_ONE_IN = 3
GIVE_UP_SEC = 30  # for one command
LOG_SPARE = 100  # events of what was done and not told, and of what nobody asked for


class Failure(Exception):
    pass


class Storm:
    def __init__(self, seined, seine, config, namespace, pins, older):
        self.seined_path, self.seine_path, self.config = seined, seine, config
        self.namespace, self.pins, self.older = namespace, pins, older
        self.home = os.path.dirname(config)
        self.seed = os.environ.get("SEED", str(random.randrange(1 << 32)))
        self.random = random.Random(self.seed)
        self.log = open(os.path.join(self.home, "storm.log"), "ab")
        self.agent = self.broken = None
        self.kills = self.olders = 0
        self.attached = False
        self.took = []
        self.acknowledged = []
        self.acknowledging = threading.Lock()
        self.worlds, self.turns = Worlds(), Turns()
        self.workers = everybody(self)

    # --- what people do

    def inside(self, *command):
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *command]

    def seine(self, *command):
        return subprocess.run([self.seine_path, "--config", self.config, *command],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)

    def command(self, verb, *options):
        """True: the agent said that it is done. The log knows its process."""
        words = verb.split()[:1] if verb.startswith("apply ") else verb.split()
        with subprocess.Popen([self.seine_path, "--config", self.config, *words, *options],
                              stdout=subprocess.DEVNULL, stderr=self.log) as asked:
            if asked.wait() != 0:
                return False
        with self.acknowledging:
            self.acknowledged.append((asked.pid, verb))
        return True

    def write_list(self, name, lines):
        path = os.path.join(self.home, f"{name}.list")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(line + "\n" for line in lines)
        return path

    def pin(self, name):
        pins = max(glob.glob(f"{self.pins}/[0-9]*"), key=lambda p: int(os.path.basename(p)))
        return f"{pins}/{name}"

    @functools.cache
    def entry_bytes(self):
        shown = subprocess.run(["bpftool", "-j", "map", "show", "pinned", self.pin("seine_drop")],
                               stdout=subprocess.PIPE, check=True)
        return json.loads(shown.stdout)["bytes_value"]

    def by_hand(self, prefix, add):
        """An entry all of zeros is harmless. There may be none to delete."""
        value = ["value", "hex", *(["00"] * self.entry_bytes())]
        subprocess.run(["bpftool", "map", "update" if add else "delete", "pinned", self.pin("seine_drop"),
                        "key", *key_of(prefix), *(value if add else [])],
                       stdout=subprocess.DEVNULL, stderr=self.log, check=add)

    # --- the agent

    def start(self):
        self.agent = subprocess.Popen(self.inside(self.seined_path, "--config", self.config),
                                      stdout=self.log, stderr=self.log)

    def kill(self):
        if self.agent.poll() is not None:
            raise Failure(f"the agent ended by itself with status {self.agent.returncode}")
        self.agent.send_signal(signal.SIGKILL)
        self.agent.wait()
        self.kills += 1

    def put_older(self):
        """What an upgrade finds: another program, on the same maps (the drop list is in one of them)."""
        maps = [word for path in glob.glob(self.pin("*")) if not path.endswith("seine_drop")
                for word in ("map", "name", os.path.basename(path), "pinned", path)]
        pinned = f"{self.pins}-older"
        subprocess.run(["bpftool", "prog", "load", self.older, pinned, *maps],
                       stdout=self.log, stderr=self.log, check=True)
        try:
            subprocess.run(self.inside("bpftool", "net", "attach", "xdpdrv", "pinned", pinned, "dev", "eth0",
                                       "overwrite"), stdout=self.log, stderr=self.log, check=True)
        finally:
            os.unlink(pinned)
        self.olders += 1

    # --- what must hold while it is dead

    def program(self):
        link = subprocess.run(self.inside("ip", "-j", "link", "show", "eth0"), stdout=subprocess.PIPE, check=True)
        return json.loads(link.stdout)[0].get("xdp", {}).get("prog", {}).get("id")

    def check_interface(self):
        self.attached = self.attached or self.program() is not None
        if self.attached and self.program() is None:
            raise Failure("the interface is bare")

    def check_databases(self):
        """In copies: the agent itself must find them as it left them, with their logs."""
        for path in glob.glob(os.path.join(self.home, "*.db")):
            with tempfile.TemporaryDirectory(dir=self.home) as copies:
                copy = os.path.join(copies, os.path.basename(path))
                for suffix in ("", "-wal"):
                    if os.path.exists(path + suffix):
                        shutil.copy(path + suffix, copy + suffix)
                said = self.integrity(copy)
            if said != [("ok",)]:
                raise Failure(f"{path}: {said}")
        if glob.glob(os.path.join(self.home, "*.db.damaged-*")):
            raise Failure("a database was set aside as damaged")

    @staticmethod
    def integrity(path):
        try:
            with contextlib.closing(sqlite3.connect(path)) as db:
                return db.execute("PRAGMA integrity_check").fetchall()
        except sqlite3.Error as e:
            return e

    def check_dead(self):
        self.check_interface()
        self.check_databases()

    # --- what must hold once it is back

    def told_drops(self, options=()):
        """The prefixes that the agent lists; None: it does not answer yet."""
        said = self.seine("drop", "export", "--format", "plain", *options)
        if said.returncode != 0:
            return None
        return {line.split()[0] for line in said.stdout.decode().splitlines() if line and line[0] != "#"}

    def dump(self, name):
        """As the map's types tell it; without -j nothing stands there twice."""
        dump = subprocess.run(["bpftool", "map", "dump", "pinned", self.pin(name)],
                              stdout=subprocess.PIPE, check=True)
        return json.loads(dump.stdout)

    @staticmethod
    def prefix(ip, length, of_whole):
        """`of_whole`: the length counts in 128 bits."""
        address = ipaddress.IPv6Address(bytes(ip))
        if address.ipv4_mapped:
            address, length = address.ipv4_mapped, length - 96 if of_whole else length
        return str(address) if length == address.max_prefixlen else f"{address}/{length}"

    def held(self):
        """What packets meet."""
        drops, uptime_sec = {}, time.clock_gettime(time.CLOCK_MONOTONIC)
        for row in self.dump("seine_drop"):
            value = row["value"]
            value["left_sec"] = (value["expires_sec"] or 1 << 32) - uptime_sec
            drops[self.prefix(row["key"]["ip"], row["key"]["len"], False)] = value
        allows = {self.prefix(row["key"]["ip"], row["key"]["len128"], True) for row in self.dump("seine_allow")}
        mode = self.dump("seine_cfg")[0]["value"]["mode"]
        return drops, allows, {"SEINE_OBSERVE": "observe", "SEINE_ENFORCE": "enforce"}[mode]

    def unlogged(self):
        said = self.seine("log", "--limit", str(len(self.acknowledged) + LOG_SPARE), "--json")
        if said.returncode != 0:
            return ["the agent does not tell its log"]
        done = {(e["pid"], e["verb"]) for e in json.loads(said.stdout)["events"] if e["result"] == "done"}
        return [f"the log does not know {verb} (pid {pid})" for pid, verb in self.acknowledged
                if (pid, verb) not in done]

    def wrongs(self):
        told, trial, mode = self.told_drops(), self.seine("apply", "--json"), self.seine("mode", "--json")
        if told is None or trial.returncode != 0 or mode.returncode != 0:
            return ["the agent does not answer"]
        drops, allows, held_mode = self.held()
        wrong = self.worlds.wrong(Found(drops, allows, held_mode, json.loads(trial.stdout)["active"]))
        if set(drops) != told:
            wrong.append(f"the agent and the kernel differ in {sorted(set(drops) ^ told)[:5]}")
        if json.loads(mode.stdout)["mode"] != held_mode:
            wrong.append(f"the mode is {held_mode}, and the agent tells another one")
        wrong += self.unlogged()
        if not wrong:
            self.acknowledged = []
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

    def check_program(self, older):
        if older is not None and self.program() == older:
            raise Failure("an older program is attached still")

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
        self.pause()
        self.check_dead()
        if self.random.randrange(HAND_ONE_IN) == 0:
            prefix = self.random.choice(HANDS)
            self.by_hand(prefix, True)
            self.worlds.must("hands", prefix, True)

    def pause(self):
        for worker in self.workers:
            worker.going.clear()
        for worker in self.workers:
            if not worker.idle.wait(GIVE_UP_SEC):
                raise Failure(f"a command of the worker {worker.name_of} never ended")
        if self.broken:
            raise Failure(f"a worker failed: {self.broken}")

    def back(self, older):
        began = time.monotonic()
        self.start()
        self.check_back(began)
        self.check_program(older)

    def run(self):
        for worker in self.workers:
            worker.start()
        while self.kills < KILLS:
            older = None
            if self.attached and self.random.randrange(OLDER_ONE_IN) == 0:
                self.put_older()
                older = self.program()
            self.kill_at_start()
            self.back(older)
            self.kill_at_work()
        self.back(None)
        if sorted(self.took)[len(self.took) // 2] > WITHIN_SEC:
            raise Failure(f"half of the restarts took longer than {WITHIN_SEC:.0f} s")

    def summary(self):
        took = sorted(self.took) or [0]
        done = ", ".join(f"{w.name_of} {w.done}" for w in self.workers)
        return (f"{self.kills} kills (seed {self.seed}), {self.olders} starts over an older program; "
                f"done: {done}; told nothing: {sum(w.untold for w in self.workers)}; back after "
                f"{took[len(took) // 2]:.2f} s, 99 of 100 within {took[len(took) * 99 // 100]:.2f} s, "
                f"all within {took[-1]:.2f} s")

    def end(self):
        if self.agent and self.agent.poll() is None:
            self.agent.kill()
            self.agent.wait()


def main():
    storm = Storm(*sys.argv[1:7])
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
