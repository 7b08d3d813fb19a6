# SPDX-License-Identifier: GPL-2.0-or-later
"""A laboratory as one thing: built from a plan, watched, and taken down again.

What it is made of stands elsewhere: who and how far in plan.py, namespaces and lines in network.py,
the server and the proxies in services.py, the clients in engine.py and node.js.

Every process of a laboratory lives in one of its namespaces. So taking it down needs no list of
what was started: end whatever runs in them, then delete them. Its files stay to be read until the
next one of the same name is built.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import network
import plan as planning
import services

HERE = Path(__file__).resolve().parent
DEADLINE_SEC = 15       # for a process to come up
END_SEC = 3             # for a process to end when asked
NICE = -15


class LabError(Exception):
    """Something a laboratory needs is missing or did not come up."""


def put_first(pid):
    """Lets a process go before whatever else the machine does, for a client that waits for a
    processor looks as if it were far away. Where a session is scheduled as one, nice alone counts
    only inside of it."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
        Path(f"/proc/{pid}/autogroup").write_text(str(NICE), encoding="ascii")


class World:
    """A laboratory by its name. up() builds it, down() removes it; both work in any state."""

    spaces = network.SPACES

    def __init__(self, name, directory, delay):
        self.name = name
        self.dir = Path(directory)
        self.delay = Path(delay)
        self.pins = Path(f"/sys/fs/bpf/seine-{name}")   # of an agent at work in it
        self.plan_path = self.dir / "plan.json"
        self.results = self.dir / "results.ndjson"
        self.services_path = self.dir / "services.json"
        self.children = {}

    def netns(self, space):
        return f"{self.name}-{space}"

    def inside(self, space, *command):
        """The command as it is run inside a namespace; /sys/fs/bpf stays in sight."""
        return ["nsenter", f"--net=/run/netns/{self.netns(space)}", "--", *map(str, command)]

    @staticmethod
    def run(*command, text=None):
        """Runs a command to its end and returns what it printed."""
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        if done.returncode:
            problem = (done.stderr or done.stdout).strip()[:500]
            raise LabError(f"{' '.join(map(str, command))}: {problem}")
        return done.stdout

    def run_inside(self, space, *command, text=None):
        return self.run(*self.inside(space, *command), text=text)

    def log_path(self, label):
        return self.dir / f"{label.partition('@')[0]}.log"

    def start(self, label, space, *command):
        """Starts a process that is to stay. What it prints goes to the log of its label; labels
        that differ only after an @ share one."""
        with open(self.log_path(label), "ab") as log:
            child = subprocess.Popen(
                self.inside(space, *command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.children[label] = child
        put_first(child.pid)

    def stop(self, label):
        """Ends a process we started, and what it started."""
        child = self.children.pop(label, None)
        if child and child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()

    def ended(self):
        """Labels of the processes that were to stay and did not: our own children, and the
        services started by whoever built the laboratory."""
        labels = [label for label, child in self.children.items() if child.poll() is not None]
        if self.services_path.exists():
            services = json.loads(self.services_path.read_text(encoding="ascii"))
            alive = set(self.pids())
            labels += [label for label, pid in services.items() if pid not in alive]
        return labels

    def check(self):
        """Raises when a process that was to stay has ended."""
        for label in self.ended():
            tail = self.log_path(label).read_text(errors="replace")[-300:].strip()
            raise LabError(f"{label} ended: {tail or 'it said nothing'}")

    def wait_for(self, condition, what):
        deadline = time.monotonic() + DEADLINE_SEC
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise LabError(f"{what} did not come up within {DEADLINE_SEC} s")
            time.sleep(0.05)

    def pids(self):
        """Every process that lives in the laboratory."""
        inodes = set()
        for space in self.spaces:
            if os.path.exists(f"/run/netns/{self.netns(space)}"):
                inodes.add(os.stat(f"/run/netns/{self.netns(space)}").st_ino)
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.stat(f"/proc/{entry}/ns/net").st_ino in inodes:
                    found.append(int(entry))
            except OSError:
                continue        # gone in the meantime
        return found

    def up(self, seed):
        """Builds everything but the clients, and returns the plan."""
        if not self.delay.exists():
            raise LabError(f"{self.delay} is missing: run make tools")
        self.down()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        plan = planning.make_plan(seed, {name for name in planning.OPTIONAL if shutil.which(name)})
        plan["files"] = {"ca": str(self.dir / "ca.pem")}
        self.plan_path.write_text(json.dumps(plan, indent=1) + "\n", encoding="ascii")
        self.write_truth(plan)
        network.build(self, plan)
        services.start(self, plan)
        self.services_path.write_text(json.dumps(
            {label: child.pid for label, child in self.children.items()}), encoding="ascii")
        return plan

    def down(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass        # ended by itself
            deadline = time.monotonic() + END_SEC
            while self.pids() and time.monotonic() < deadline:
                for child in self.children.values():
                    child.poll()
                time.sleep(0.05)
        self.children.clear()
        for space in self.spaces:
            if os.path.exists(f"/run/netns/{self.netns(space)}"):
                self.run("ip", "netns", "del", self.netns(space))
        shutil.rmtree(self.pins, ignore_errors=True)

    def write_truth(self, plan):
        rows = [f"{source}\t{kind}\t{','.join(sorted(stacks))}\n"
                for source, (kind, stacks) in planning.truth(plan).items()]
        text = "source\tclass\tstacks\n" + "".join(rows)
        (self.dir / "truth.tsv").write_text(text, encoding="ascii")

    def start_clients(self, group, kind, *more):
        """Starts clients of a group. kind: python, tools, swarm (engine.py) or node (node.js)."""
        if kind == "node":
            program = ["node", HERE / "node.js", self.plan_path, group]
        else:
            program = [sys.executable, HERE / "engine.py", self.plan_path, group, kind]
        self.start(f"{group}-{kind}", group, *program, self.results, *more)

    def start_honest(self, plan):
        """Starts every honest client."""
        tools = ("curl", "wget")
        for group, kind in sorted({(client["group"], "tools" if client["stack"] in tools
                                    else client["stack"]) for client in plan["clients"]}):
            self.start_clients(group, kind)

    def start_swarm(self, rate):
        """Starts the swarm's controller at so many requests a second."""
        self.start_clients("hidden", "swarm", rate)

    def cpu_sec(self):
        """{program: processor seconds} used so far by what lives in the laboratory."""
        used = {}
        for pid in self.pids():
            try:
                stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue        # gone in the meantime
            name = stat[stat.index("(") + 1:stat.rindex(")")]
            if name.startswith("python"):
                name = " ".join([Path(words[1]).name] + words[3:5])
            ticks = sum(map(int, stat.rpartition(")")[2].split()[11:15]))
            used[name] = used.get(name, 0) + ticks / os.sysconf("SC_CLK_TCK")
        return used
