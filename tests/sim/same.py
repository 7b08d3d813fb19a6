#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Did the agent find live what `seine replay` finds in the capture of the same packets?

usage: same.py STATUS LIST SHOW REPLAY: the agent's answers to `status`, `campaign list` and `campaign
show`, and that of the replay. Prints one line of names and values, which shells can read; members
that only one of them has go to standard error.
"""

import json
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    status, listed, shown, replay = (load(path) for path in sys.argv[1:5])
    live = {m["source"] for m in shown["members"]}
    offline = {m for c in replay["campaigns"] for m in c["members"]}
    for name, rest in (("live", live - offline), ("replay", offline - live)):
        for member in sorted(rest):
            print(f"only {name}: {member}", file=sys.stderr)
    counters = {
        name: (status["counters"][name]["total"], replay["stats"][name])
        for name in ("protected", "flow_new", "hello", "requests")
    }
    print(f"live, replay: {counters}", file=sys.stderr)
    values = {
        "live_keys": ",".join(sorted(c["hello"] for c in listed["campaigns"])),
        "replay_keys": ",".join(sorted(c["hello"] for c in replay["campaigns"])),
        "live_members": len(live),
        "replay_members": len(offline),
        "jaccard": round(len(live & offline) / max(1, len(live | offline)), 4),
        "apart": max(abs(a - b) / max(1, b) for a, b in counters.values()),
    }
    print(" ".join(f"{name}={value}" for name, value in values.items()))


main()
