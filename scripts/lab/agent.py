# SPDX-License-Identifier: GPL-2.0-or-later
"""seined at work on the server of a laboratory, and the command line that asks it.

It runs in the server's namespace with settings, socket and pins of its own, and ends with the
laboratory. What differs from the defaults is time alone: a laboratory lives for minutes, not days.
"""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """\
# SPDX-License-Identifier: GPL-2.0-or-later
[interface]
name = api0

[service]
port = 443

[agent]
interval = 2s
heartbeat = 10s
window = 10m
idle = 10m
on_stop = detach
pin_dir = {pins}
socket = {socket}
allow_dir = {allow}
hello_names = {names}
history = {history}
state = {state}

[judge]
ttl = 10m
observe_for = 15s
canary_for = 10s

[guard]
special_use = no
"""
# Maps are pinned under the number of their layout.
ABI = re.search(r"^#define SEINE_ABI (\d+)$", (ROOT / "bpf/seine.h").read_text(), re.M)[1]
ALL = ["--limit", "100000"]     # rows


class Agent:
    """The agent of a laboratory. build: where make has put seined and seine."""

    def __init__(self, world, build):
        self.world = world
        self.build = build
        self.socket = world.dir / "seine.sock"
        self.conf = world.dir / "seine.conf"
        self.maps = world.pins / ABI

    def start(self):
        """Starts it, observing, and returns when it answers."""
        allow = self.world.dir / "allow.d"
        allow.mkdir(exist_ok=True)
        self.conf.write_text(encoding="ascii", data=SETTINGS.format(
            pins=self.world.pins, socket=self.socket, allow=allow,
            names=self.world.dir / "hello.names", history=self.world.dir / "history.db",
            state=self.world.dir / "state.db"))
        self.world.start("seined", "api", self.build / "seined", "--config", self.conf)
        self.world.wait_for(lambda: self.run("version").returncode == 0
                            and self.run("status").returncode == 0, "seined")

    def command(self, *words):
        return [str(self.build / "seine"), *map(str, words), "--config", str(self.conf)]

    def run(self, *words):
        """One command of the command line, run to its end."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False)

    def ask(self, *words):
        """What it answers, as the object that --json prints."""
        done = self.run(*words, "--json")
        if not done.stdout:
            raise OSError(f"seine {' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def entries(self):
        """The entries in force, with all their fields."""
        return self.ask("drop", "list", *ALL)["entries"]

    def dump_source(self, source):
        """The row of an IPv4 source as it lies in the kernel, read without seine."""
        key = [0] * 10 + [255, 255] + [int(part) for part in source.split(".")]
        return ["bpftool", "map", "lookup", "pinned", str(self.maps / "seine_src"),
                "key", *map(str, key)]
