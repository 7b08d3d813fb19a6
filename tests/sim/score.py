#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `seine replay --json` found in a made-up capture, against who is who in it.

usage: score.py ANSWER TRUTH: prints one line of names and values, which shells can read.
"""

import json
import sys


def address(text):
    """The address of a member: IPv6 sources are told as their /64."""
    return text.split("/")[0]


def share(n, of):
    return round(n / of, 6) if of else 0


def gaps(answer, truth, classes):
    """Of the handshakes of these sources that show anything: shares without a gap and with both."""
    sums = {"none": 0, "single": 0, "dual": 0}
    for source in answer["sources"]:
        if truth.get(address(source["source"])) in classes:
            for name in sums:
                sums[name] += source["gap"][name]
    return share(sums["none"], sum(sums.values())), share(sums["dual"], sum(sums.values()))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        answer = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        truth = dict(line.split() for line in file)
    exits = {source for source, kind in truth.items() if kind == "exit"}
    members = {address(m) for c in answer["campaigns"] for m in c["members"]}
    entries = {address(d["prefix"]) for d in answer["drops"]}
    values = {
        "campaigns": len(answer["campaigns"]),
        "members": len(members),
        "precision": share(len(members & exits), len(members)),
        "recall": share(len(members & exits), len(exits)),
        "drops": len(entries),
        "missed": gaps(answer, truth, {"exit", "split", "office"})[0],
        "false_dual": gaps(answer, truth, {"direct", "carrier"})[1],
        "lost": sum(answer["stats"][n] for n in ("flow_evicted", "src_full", "hello_bad")),
    }
    print(" ".join(f"{name}={value}" for name, value in values.items()))


main()
