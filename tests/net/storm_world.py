# SPDX-License-Identifier: GPL-2.0-or-later
"""What a storm (storm.py) may find in force: from what commands were told, and from those that were told nothing.

Of each small thing (an entry, an allowed address, the mode, the copy of a feed) a set says what it may be. What
changes as a whole (a replaced list, a trial) makes two worlds instead: it happened in one and not in the other.
"""

import copy
import ipaddress

DROPS = [f"203.0.113.{i}" for i in range(12)], [f"2001:db8:{i:x}::/48" for i in range(1, 13)]
ALLOWS = [f"192.0.2.{i}" for i in range(12)]
HANDS = [f"203.0.114.{i}" for i in range(6)]  # entries written with bpftool
WHOLE = ipaddress.IPv4Network("198.18.0.0/16")  # of lists that replace all others
FEED = ipaddress.IPv4Network("198.19.0.0/16")
DAY_SEC = 86400
TRIAL_SEC = 600


def addresses(network, first, n):
    return [str(network[i]) for i in range(first, first + n)]


class Found:
    """What is in force: `drops` maps prefixes to rows, `allows` is a set, `feed` and `whole` are the prefixes of
    DROPS that lie in these networks."""

    def __init__(self, drops, allows, mode, trial):
        self.drops, self.allows, self.mode, self.trial = drops, allows, mode, trial
        self.whole = self.within(WHOLE)
        self.feed = self.within(FEED)

    def within(self, network):
        start = str(network.network_address).rpartition(".0.0")[0] + "."
        return frozenset(p for p in self.drops if p.startswith(start))


class World:
    def __init__(self):
        self.drops = {p: {False} for some in DROPS for p in some}
        self.allows = {p: {False} for p in ALLOWS}
        self.hands = {p: {False} for p in HANDS}
        self.modes = {"observe"}
        self.whole = frozenset()
        self.feeds = {frozenset()}
        self.feed_known = self.feed_drops = False  # its first copy only watches
        self.trial = None  # the world that it would lead back to

    def copy(self):
        return copy.deepcopy(self)

    # --- what changes as a whole

    def replaced(self, whole):
        world = self.copy()
        world.drops = {p: {False} for p in self.drops}
        world.whole = frozenset(whole)
        return world

    def tried(self):
        world = self.copy()
        world.trial = self.copy()
        return world

    def confirmed(self):
        world = self.copy()
        world.trial = None
        return world

    def reverted(self):
        """What feeds say is not part of a trial. What somebody wrote by hand meanwhile joins what is recorded where
        the agent died on the way."""
        world = self.trial.copy()
        world.feeds, world.feed_known, world.feed_drops = self.feeds, self.feed_known, self.feed_drops
        world.hands = {p: self.hands[p] | self.trial.hands[p] for p in HANDS}
        return world

    def imported(self, feed):
        self.feeds = {feed}
        self.feed_drops = self.feed_known
        self.feed_known = True

    # --- found

    def wrong(self, found):
        yield from self.differ("drop", self.drops, found.drops)
        yield from self.differ("by hand", self.hands, found.drops)
        yield from self.differ("allow", self.allows, found.allows)
        if found.mode not in self.modes:
            yield f"mode {found.mode}, not {self.modes}"
        if found.whole != self.whole:
            yield f"{len(found.whole)} entries of a list of {len(self.whole)}"
        if found.feed not in self.feeds:
            yield f"{len(found.feed)} entries of a feed of {[len(f) for f in self.feeds]}"
        if found.trial != bool(self.trial):
            yield f"trial {found.trial}"
        known = {*self.drops, *self.hands}
        for prefix, row in found.drops.items():
            if prefix not in known and prefix not in found.whole and prefix not in found.feed:
                yield f"{prefix}: listed by nobody"
            elif row["origin"] != self.origin(prefix, found):
                yield f"{prefix}: {row['origin']}"
            elif row["origin"] == "SEINE_FEED" and self.feed_drops and row["action"] != "SEINE_DROP":
                yield f"{prefix}: {row['action']}, as if it were a feed's first copy"
            elif row["origin"] == "SEINE_OPERATOR" and not self.trial and row["left_sec"] < DAY_SEC / 2:
                yield f"{prefix}: ends in {row['left_sec']} s, as if on trial"

    @staticmethod
    def origin(prefix, found):
        if prefix in HANDS:
            return "SEINE_EXTERNAL"
        return "SEINE_FEED" if prefix in found.feed else "SEINE_OPERATOR"

    @staticmethod
    def differ(what, may_be, found):
        for prefix, either in may_be.items():
            if (prefix in found) not in either:
                yield f"{what} {prefix}: {'there' if prefix in found else 'gone'}"

    def settle(self, found):
        for may_be, there in ((self.drops, found.drops), (self.hands, found.drops), (self.allows, found.allows)):
            for prefix in may_be:
                may_be[prefix] = {prefix in there}
        self.modes = {found.mode}
        self.feeds = {found.feed}


class Worlds:
    """All that may be. `change` is for one small thing in each of them."""

    def __init__(self):
        self.list = [World()]

    def may(self, name, key, value):
        for world in self.list:
            getattr(world, name)[key] = getattr(world, name)[key] | {value}

    def must(self, name, key, value):
        for world in self.list:
            getattr(world, name)[key] = {value}

    def split(self, change):
        """The worlds before a change of the whole, and those after it."""
        before, after = self.list, [change(w) for w in self.list]
        self.list = before + after
        return after

    def wrong(self, found):
        """Of the world that comes nearest. Nothing: it is the only one from now on."""
        wrongs = [(list(w.wrong(found)), w) for w in self.list]
        least, world = min(wrongs, key=lambda pair: len(pair[0]))
        if not least:
            world.settle(found)
            self.list = [world]
        return least
