# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of the simulation: what rows say when their seeds are taken together, and the goals."""

import json
import math
import statistics

DAY = 86400
MEMBERS_GOAL = 1000  # sources from which on, and
RATE_GOAL = 25  # requests a day from which on the goals for members hold
NEVER = math.inf


def wilson(k, n, z=1.96):
    """95 % interval of a share (Wilson 1927)."""
    if not n:
        return 0.0, 1.0
    p = k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def binomial_tail(k, n, p):
    """P(X >= k)."""
    if p <= 0:
        return float(k == 0)
    if p >= 1:
        return 1.0
    terms = (
        math.exp(
            math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
            + i * math.log(p) + (n - i) * math.log1p(-p)
        )
        for i in range(k, n + 1)
    )
    return min(1.0, sum(terms))


def solve(function, target):
    """Where a rising function of [0, 1] meets its target."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if function(middle) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def clopper_pearson(k, n, alpha=0.05):
    low = 0.0 if k == 0 else solve(lambda p: binomial_tail(k, n, p), alpha / 2)
    high = 1.0 if k == n else solve(lambda p: binomial_tail(k + 1, n, p), 1 - alpha / 2)
    return low, high


def poisson_interval(k):
    """95 % interval of a mean after k events, good to two digits (Wilson and Hilferty 1931)."""
    low = k * (1 - 1 / (9 * k) - 1.96 / (3 * math.sqrt(k))) ** 3 if k else 0
    m = k + 1
    return low, m * (1 - 1 / (9 * m) + 1.96 / (3 * math.sqrt(m))) ** 3


class Share:
    """k of n, with its interval."""

    def __init__(self, k, n, exact=False):
        self.k, self.n = k, n
        self.low, self.high = (clopper_pearson if exact else wilson)(k, n)

    @property
    def value(self):
        return self.k / self.n if self.n else None


class Swarm:
    """One campaign of a row, over all seeds."""

    def __init__(self, name, runs, at):
        self.name, self.runs = name, runs
        self.swarms = [run["swarms"][at] for run in runs]
        self.plan = self.swarms[0]

    def times(self, moment):
        got = (s[moment + "_sec"] for s in self.swarms)
        return [NEVER if t is None else t for t in got]

    def time(self, moment):
        return statistics.median_low(self.times(moment)) if self.swarms else NEVER

    def sightings(self, when):
        return [s[when] for s in self.swarms if s[when]]

    def pooled(self, when, k, *n):
        seen = self.sightings(when)
        return Share(sum(s[k] for s in seen), sum(s[x] for s in seen for x in n))

    def recall(self, when, by=""):
        if by:
            return self.pooled(when, "found_requests", "requests")
        return self.pooled(when, "found", "sources")

    def precision(self, when, by=""):
        if by:
            return self.pooled(when, "found_requests", "found_requests", "wrong_requests")
        return self.pooled(when, "found", "found", "wrong")

    def leaked_days(self, moment):
        """Requests until then, in days' worth."""
        per_day = self.plan["sources"] * self.plan["per_day"]
        got = [
            NEVER if s[moment + "_sec"] is None else s[moment + "_leaked"] / per_day
            for s in self.swarms
        ]
        return statistics.median_low(got)

    def families(self, when):
        seen = self.sightings(when)
        count = {}
        for s in seen:
            for family in s["families"]:
                count[family] = count.get(family, 0) + 1
        return [f for f, n in count.items() if 2 * n >= len(seen)]

    def has_member_goals(self):
        p = self.plan
        return p["sources"] >= MEMBERS_GOAL and p["per_day"] >= RATE_GOAL and not p["rotate"]


class Row:
    def __init__(self, name, runs):
        self.name, self.runs, self.group = name, runs, runs[0]["group"]
        n = len(runs[0]["swarms"])
        names = [name] if n < 2 else [name + ", first pool", name + ", next pool"]
        self.swarms = [Swarm(names[i], runs, i) for i in range(n)]

    def watched_days(self):
        return sum(r["days"] - 1 for r in self.runs)

    def harm(self, field):
        """Honest sources or users hit, per million sources and day."""
        exposed = sum(r["honest"] * (r["days"] - 1) for r in self.runs)
        return sum(r["harm"][field] for r in self.runs) / exposed * 1e6 if exposed else 0

    def carrier_harm(self):
        """Shares of carriers' addresses and of all others that were hit."""
        carriers = sum(r["crowd"]["carrier"] for r in self.runs)
        others = sum(r["honest"] for r in self.runs) - carriers
        hit = sum(r["harm"]["of"].get("carrier", 0) for r in self.runs)
        all_hit = sum(r["harm"]["sources"] for r in self.runs)
        return hit / carriers if carriers else 0, (all_hit - hit) / others if others else 0

    def over_block(self):
        wide = sum(r["harm"]["wide"] for r in self.runs)
        return Share(sum(r["harm"]["wide_honest"] for r in self.runs), wide)

    def false(self, but=()):
        """False campaigns, but for those with only such kinds among their members."""
        return sum(
            not set(f["kinds"]) <= set(but) for r in self.runs for f in r["false"]
        )

    def with_false(self):
        return Share(sum(bool(r["false"]) for r in self.runs), len(self.runs), exact=True)

    def acted_wrongly(self):
        return Share(sum(bool(r["false_acted"]) for r in self.runs), len(self.runs), exact=True)


def load(path):
    """Rows by name, in the order of the table."""
    runs = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            run = json.loads(line)
            runs.setdefault(run["row"], []).append(run)
    for of_row in runs.values():
        of_row.sort(key=lambda run: run["seed"])
    in_order = sorted(runs.items(), key=lambda item: item[1][0]["order"])
    return {name: Row(name, of_row) for name, of_row in in_order}


class Goal:
    def __init__(self, what, value, goal, met):
        self.what, self.value, self.goal, self.met = what, value, goal, met


def percent(x, digits=1):
    return "-" if x is None else f"{100 * x:.{digits}f} %"


def duration(sec):
    if sec == NEVER:
        return "never"
    minutes = round(sec / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d}"
    return f"{minutes / 1440:.1f} days"


def swarm_goals(swarm):
    goals = []

    def share(what, got, goal):
        if got.n:
            met = got.value is not None and got.value >= goal
            goals.append(Goal(f"{swarm.name}: {what}", percent(got.value, 2), f">= {goal:.1%}", met))

    def found_by(what, moment, limit):
        took = swarm.time(moment)
        goals.append(
            Goal(f"{swarm.name}: {what}", duration(took), f"<= {duration(limit)}", took <= limit)
        )

    if swarm.name == "28.8M":
        found_by("first alarm", "alarm", 2 * 3600)
        leaked = swarm.leaked_days("alarm")
        value = "all" if leaked == NEVER else percent(leaked)
        goals.append(
            Goal(f"{swarm.name}: of a day leaked before", value, "<= 8 %", leaked <= 0.08)
        )
    if swarm.name == "200x25.6":
        found_by("first alarm", "alarm", DAY)
        share("recall at 24 h", swarm.recall("day"), 0.8)
    if swarm.name == "timing-100":
        share("recall at 24 h", swarm.recall("day"), 0.75)
    if swarm.has_member_goals():
        share("precision at 24 h", swarm.precision("day"), 0.995)
        if swarm.name != "timing-100":
            share("recall at 24 h", swarm.recall("day"), 0.9)
            share("recall at 72 h", swarm.recall("three_days"), 0.97)
    return goals


def row_goals(row):
    goals = []

    def at_most(what, value, limit, text=None):
        goals.append(
            Goal(f"{row.name}: {what}", text or f"{value:.1f}", f"<= {limit:g}", value <= limit)
        )

    if row.name == "scale":
        run = row.runs[0]
        ms = run["ms"]
        windows = [ms[w] for w in ("hour", "day", "week", "season")]
        rest = ms["harvest"] + ms["judge_once"]
        at_most("a turn with the slowest window, s", (rest + max(windows)) / 1000, 5)
        at_most("a turn, were all windows due, s", (rest + sum(windows)) / 1000, 5)
        at_most("resident, MiB", run["rss_max_mib"] - run["world_mib"], 1024)
        return goals
    if row.name == "null":
        for what, got in ("reports one", row.with_false()), ("acts on one", row.acted_wrongly()):
            text = f"{got.k} of {got.n} ({percent(got.low)} to {percent(got.high)})"
            goals.append(Goal(f"honest crowd: {what}", text, "<= 1 %", got.value <= 0.01))
        return goals
    if row.name.startswith("month"):
        at_most("false campaigns acted on, runs", row.acted_wrongly().k, 0)
        at_most("false campaigns reported", row.false(), 1)
    for field, what in ("sources", "honest sources hit"), ("users", "people hit"):
        value = row.harm(field)
        text = f"{value:.1f}"
        if field == "sources" and value:
            hits = sum(r["harm"]["sources"] for r in row.runs)
            low, high = (x * value / hits for x in poisson_interval(hits))
            text = f"{value:.1f} ({low:.0f} to {high:.0f})"
        goals.append(Goal(f"{row.name}: {what}", text, "<= 10 /M/day", value <= 10))
    carriers, others = row.carrier_harm()
    if carriers > others:
        goals.append(
            Goal(f"{row.name}: carriers hit", percent(carriers, 3), f"<= {percent(others, 3)}", False)
        )
    wide = row.over_block()
    if wide.n:
        goals.append(
            Goal(f"{row.name}: honest in prefixes", percent(wide.value), "<= 1 %",
                 wide.value <= 0.01)
        )
    if len(row.swarms) > 1:
        new = row.swarms[1]
        first_200 = 200 / (new.plan["sources"] * new.plan["per_day"]) * DAY
        took = max(new.times("linked"))
        goals.append(
            Goal(f"{row.name}: next pool linked, slowest", duration(took), "<= 1 h",
                 took <= 3600 + first_200)
        )
    return goals


def all_goals(rows):
    for row in rows.values():
        for swarm in row.swarms if row.name != "scale" else ():
            yield from swarm_goals(swarm)
        yield from row_goals(row)
