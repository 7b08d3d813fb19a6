# SPDX-License-Identifier: GPL-2.0-or-later
"""What people do all the time while a storm (storm.py) kills the agent: workers, one command after the other, who
tell the worlds (storm_world.py) what may be and, when a command is done, what must be."""

import contextlib
import ipaddress
import random
import threading
import time

from storm_world import (ALLOWS, DROPS, FEED, HANDS, TRIAL_SEC, WHOLE, World, addresses)

TTL = ["--ttl", "1d"]
FEED_LINES = 150, 180  # of the copies of a feed: no large step
WHOLE_LINES = 300, 20000
BIG_ONE_IN = 10  # looking at one takes this test a second
TOLD_SEC = 1.5  # for what is done by hand: a cycle, and some


class Turns:
    """Small things may happen at the same time; what changes as a whole happens alone."""

    def __init__(self):
        self.changed = threading.Condition()
        self.small, self.wanting, self.whole = 0, 0, False

    @contextlib.contextmanager
    def among_others(self):
        with self.changed:
            self.changed.wait_for(lambda: not self.whole and not self.wanting)
            self.small += 1
        try:
            yield
        finally:
            with self.changed:
                self.small -= 1
                self.changed.notify_all()

    @contextlib.contextmanager
    def alone(self):
        with self.changed:
            self.wanting += 1
            self.changed.wait_for(lambda: not self.whole and not self.small)
            self.wanting -= 1
            self.whole = True
        try:
            yield
        finally:
            with self.changed:
                self.whole = False
                self.changed.notify_all()


class Worker(threading.Thread):
    name_of = "worker"

    def __init__(self, storm, number=0):
        super().__init__(daemon=True)
        self.storm, self.worlds, self.turns = storm, storm.worlds, storm.turns
        self.random = random.Random(f"{storm.seed} {self.name_of} {number}")
        self.going, self.idle = threading.Event(), threading.Event()
        self.done = self.untold = 0

    def run(self):
        while True:
            self.idle.set()
            self.going.wait()
            self.idle.clear()
            try:
                self.once()
            except Exception as e:  # of a thread nobody looks at
                self.storm.broken = e
                self.idle.set()
                raise

    def ask(self, verb, *command):
        """True: done, and the log must know of it."""
        done = self.storm.command(verb, *command)
        self.done += done
        self.untold += not done
        if not done:
            time.sleep(0.02)
        return done

    def once(self):
        raise NotImplementedError

    def one(self, name, prefix):
        return next(iter(self.worlds.list)).__dict__[name][prefix]

    def toggle(self, name, noun, prefix, options):
        with self.turns.among_others():
            add = self.one(name, prefix) != {True}
            self.worlds.may(name, prefix, add)
            if self.ask(f"{noun} {'add' if add else 'del'}", prefix, *(options if add else [])):
                self.worlds.must(name, prefix, add)


class Dropper(Worker):
    name_of = "drop"

    def __init__(self, storm, number):
        super().__init__(storm, number)
        self.prefixes = DROPS[number]

    def once(self):
        self.toggle("drops", "drop", self.random.choice(self.prefixes), TTL)


class Allower(Worker):
    name_of = "allow"

    def once(self):
        self.toggle("allows", "allow", self.random.choice(ALLOWS), TTL)


class Switcher(Worker):
    name_of = "mode"

    def once(self):
        mode = self.random.choice(["observe", "enforce"])
        with self.turns.among_others():
            for world in self.worlds.list:
                world.modes = world.modes | {mode}
            if self.ask("mode", mode):
                for world in self.worlds.list:
                    world.modes = {mode}
        time.sleep(self.random.random() * 0.1)


class Importer(Worker):
    name_of = "feed"

    def once(self):
        lines = addresses(FEED, self.random.choice([1, 20]), self.random.choice(FEED_LINES))
        path = self.storm.write_list("feed", lines)
        with self.turns.among_others():
            for world in self.worlds.list:
                world.feeds = world.feeds | {frozenset(lines)}
            if self.ask("drop import", path, "--feed", "storm", "--action", "drop", *TTL):
                for world in self.worlds.list:
                    world.imported(frozenset(lines))
        time.sleep(self.random.random() * 0.1)


class Hand(Worker):
    """With bpftool, into the pinned list. Done is what the agent tells: until then it may be overtaken by the
    agent's own changes, or die with it."""

    name_of = "hand"

    def once(self):
        prefix = self.random.choice(HANDS)
        with self.turns.alone():
            add = self.one("hands", prefix) != {True}
            self.worlds.may("hands", prefix, add)
            self.storm.by_hand(prefix, add)
        began = time.monotonic()
        while self.going.is_set() and time.monotonic() - began < TOLD_SEC:
            with self.turns.among_others():
                told = self.storm.told_drops(["--origin", "external"])
                if told is not None and (prefix in told) == add:
                    self.worlds.must("hands", prefix, add)
                    self.done += 1
                    return
            time.sleep(0.05)


class Whole(Worker):
    """Lists that replace all others, and trials."""

    name_of = "whole"

    def once(self):
        with self.turns.alone():
            trial = self.worlds.list[0].trial
            draw = self.random.random()
            if draw < 0.5:
                self.replace()
            elif trial:
                self.end("confirm" if draw < 0.75 else "revert")
            else:
                self.change(World.tried, "apply begin", "--confirm-within", f"{TRIAL_SEC}s")
        time.sleep(self.random.random() * 0.15)

    def replace(self):
        n = WHOLE_LINES[self.random.randrange(BIG_ONE_IN) == 0]
        lines = addresses(WHOLE, self.random.randrange(1, 20000), n)
        path = self.storm.write_list("whole", lines)
        self.change(lambda w: w.replaced(lines), "drop replace", path, *TTL)

    def end(self, how):
        self.change(World.confirmed if how == "confirm" else World.reverted, f"apply {how}", f"--{how}")

    def change(self, change, verb, *command):
        after = self.worlds.split(change)
        if self.ask(verb, *command):
            self.worlds.list = after


def everybody(storm):
    return [Dropper(storm, 0), Dropper(storm, 1), Allower(storm), Switcher(storm), Importer(storm), Hand(storm),
            Whole(storm)]


def key_of(prefix):
    """Of the drop list, as bpftool wants it."""
    address = ipaddress.IPv4Address(prefix)
    key = bytes(10) + b"\xff\xff" + address.packed + (32).to_bytes(4, "little")
    return ["hex", *(f"{b:02x}" for b in key)]
