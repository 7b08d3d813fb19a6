# SPDX-License-Identifier: GPL-2.0-or-later
"""What the clients of a laboratory saw: reads their results, sums them up, prints them."""

import collections
import json


def read(path, since=0.0):
    """The results of requests begun at or after a time; none when there is no file yet."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    items = [json.loads(line) for line in lines if line.endswith("\n")]
    return [item for item in items if item["t"] >= since]


def by_class(items, with_stack=False):
    """{class: results}, and with_stack also {"class stack": results}, in order."""
    groups = collections.defaultdict(list)
    for item in items:
        groups[item["class"]].append(item)
        if with_stack:
            groups[f"{item['class']} {item['stack']}"].append(item)
    return dict(sorted(groups.items()))


def success(items):
    """Share of requests that ended with a whole answer; None without requests."""
    return sum(item["ok"] for item in items) / len(items) if items else None


def print_table(items, seconds):
    """One row a class and software: addresses, requests, how many succeeded, how long they took."""
    print(f"{'class':<19} {'sources':>7} {'requests':>8} {'per s':>6} {'ok %':>6} {'median ms':>9}"
          f" {'p95 ms':>7}")
    for name, group in by_class(items, with_stack=True).items():
        times = sorted(item["ms"] for item in group)
        print(f"{'  ' * name.count(' ') + name:<19} {len({item['source'] for item in group}):>7}"
              f" {len(group):>8} {len(group) / seconds:>6.1f} {100 * success(group):>6.1f}"
              f" {times[len(times) // 2]:>9} {times[len(times) * 95 // 100]:>7}")
    errors = collections.Counter(item["error"] for item in items if not item["ok"])
    for error, count in errors.most_common(5):
        print(f"  {count} x {error}")
