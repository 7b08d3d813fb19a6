#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether an entry with a share took the sources it should.

Usage: shares.py SHARE CHECKED PASS...

SHARE is the part, 0 to 1, that gets no answer. CHECKED has a line "ADDRESS drops" or "ADDRESS passes" from `seine
check`, asked before, or is "-"; each PASS is what `client.py once` wrote. The hash that picks sources is keyed anew at
each start, so the number that is taken is a binomial one; it lies outside of the limits here once in a million times.
"""

import math
import sys

CHANCE = 1e-6
NAMED = 5                       # addresses in a complaint


def read(path):
    """A dictionary of lines with two words; empty for "-"."""
    if path == "-":
        return {}
    with open(path, encoding="ascii") as lines:
        return dict(line.split() for line in lines)


def limits(n, p):
    """Least and most of n, each beyond which lies half of CHANCE."""
    mass = [math.comb(n, k) * p ** k * (1 - p) ** (n - k) for k in range(n + 1)]
    low, high = 0, n
    while sum(mass[:low + 1]) < CHANCE / 2:
        low += 1
    while sum(mass[high:]) < CHANCE / 2:
        high -= 1
    return low, high


def complain(what, addresses):
    if addresses:
        rest = f" and {len(addresses) - NAMED} more" if len(addresses) > NAMED else ""
        print(f"{what}: {' '.join(sorted(addresses)[:NAMED])}{rest}")
    return bool(addresses)


def main(share, checked, *passes):
    checked, passes = read(checked), [read(p) for p in passes]
    first = passes[0]
    taken = {a for a, stage in first.items() if stage == "none"}
    low, high = limits(len(first), float(share))
    wrong = [
        complain("cut off half way", {a for p in passes for a in p if p[a] not in ("none", "answer")}),
        complain("another fate in another pass", {a for p in passes for a in first if p.get(a) != first[a]}),
        complain("dropped, though check said it passes", {a for a in taken if checked.get(a) == "passes"}),
        complain("answered, though check said it is dropped",
                 {a for a in first.keys() - taken if checked.get(a) == "drops"}),
    ]
    if checked and checked.keys() != first.keys():
        wrong.append(True)
        print(f"check was asked about {len(checked)} addresses, not about the {len(first)} that came")
    if not low <= len(taken) <= high:
        wrong.append(True)
        print(f"{len(taken)} of {len(first)} got no answer, not {low} to {high}")
    sys.exit(any(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
