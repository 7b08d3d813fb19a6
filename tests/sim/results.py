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

    def later(self):
        """Sightings of each five days, by day: recall, its share of requests, precision, and the
        honest hit so far, per million and day."""
        for at in range(min(len(s["later"]) for s in self.swarms)):
            seen = [s["later"][at] for s in self.swarms]
            days = [(s["start_day"] - 1 + x["sec"] / DAY) for s, x in zip(self.swarms, seen)]
            exposed = sum(run["honest"] * d for run, d in zip(self.runs, days))
            found = sum(x["found"] for x in seen)
            yield (
                round(seen[0]["sec"] / DAY), Share(found, sum(x["sources"] for x in seen)),
                Share(sum(x["found_requests"] for x in seen), sum(x["requests"] for x in seen)),
                Share(found, found + sum(x["wrong"] for x in seen)),
                sum(x["hit"] for x in seen) / exposed * 1e6 if exposed else 0,
            )

    def has_member_goals(self):
        p = self.plan
        return p["sources"] >= MEMBERS_GOAL and p["per_day"] >= RATE_GOAL and not p["rotate"]


def kinds_hit(runs):
    hit = {}
    for run in runs:
        for kind, n in run["harm"]["of"].items():
            hit[kind] = hit.get(kind, 0) + n
    return hit


def carrier_harm(runs):
    """Shares of carriers' addresses and of all others that were hit."""
    carriers = sum(r["crowd"]["carrier"] for r in runs)
    others = sum(r["honest"] for r in runs) - carriers
    hit = sum(r["harm"]["of"].get("carrier", 0) for r in runs)
    all_hit = sum(r["harm"]["sources"] for r in runs)
    return hit / carriers if carriers else 0, (all_hit - hit) / others if others else 0


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
        exposed = self.exposed_days()
        return sum(r["harm"][field] for r in self.runs) / exposed * 1e6 if exposed else 0

    def exposed_days(self):
        """Days of honest sources, watched. Who moves to another address counts once."""
        return sum(r["honest"] * (r["days"] - 1) for r in self.runs)

    def windows(self):
        """Which windows made members of the honest that were hit, and how many were hit early."""
        by = {}
        for run in self.runs:
            for window, n in run["harm"]["by"].items():
                by[window] = by.get(window, 0) + n
        early = sum(run["harm"]["early"] for run in self.runs)
        text = ", ".join(f"{n} {window}" for window, n in by.items() if n)
        return f"{text}; {early} in the first 6 h" if text else "-"

    def false_kinds(self):
        found = {" + ".join(f["kinds"]) for run in self.runs for f in run["false"]}
        return "; ".join(sorted(found)) or "-"

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


class History:
    """Growth of a run's history file, once hours and slots have reached their age."""

    SETTLED = 4  # midnights: hours live two days, and a day is told after its end

    def __init__(self, run):
        self.bytes, self.rows = run["history"]["bytes"], run["history"]["rows"]
        self.lost, self.full = run["history"]["lost"], run["history"]["full"]
        self.last = self.bytes[-1] if self.bytes else 0

    def per_day(self):
        days = len(self.bytes) - self.SETTLED
        return (self.last - self.bytes[self.SETTLED - 1]) / days if days > 0 else None

    def per_row(self):
        """Bytes of one source's day."""
        rows = sum(self.rows[self.SETTLED:])
        return (self.last - self.bytes[self.SETTLED - 1]) / rows if rows else None


def histories(rows):
    for row in rows.values():
        for run in row.runs:
            if run["history"]:
                yield row, run, History(run)


class Goal:
    """`of`: the line of the design that it belongs to; `cause`: why it was missed; `share`: the
    value, where that is a share."""

    def __init__(self, what, value, goal, met, of="", cause="", share=None):
        self.what, self.value, self.goal, self.met = what, value, goal, met
        self.of, self.cause, self.share = of, "" if met else cause, share


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


def by_count(kinds):
    return ", ".join(f"{n} {k}" for k, n in sorted(kinds.items(), key=lambda x: -x[1])) or "-"


def why_missing(swarm, when):
    """What those have in common who are no members."""
    seen = swarm.sightings(when)
    if not seen:
        return "it did not last until then"
    silent = sum(not s["campaigns"] for s in seen)
    if silent:
        return f"not reported by then in {silent} of {len(seen)} runs"
    recall, requests = swarm.recall(when), swarm.recall(when, "requests")
    text = f"{recall.n - recall.k} of {recall.n} are no members"
    if requests.value > recall.value + 0.01:
        text += f", mostly those that ask little: {percent(requests.value)} of requests are found"
    return text


def why_wrong(swarm, when):
    wrong = {}
    for s in swarm.sightings(when):
        for kind, n in s["wrong_of"].items():
            wrong[kind] = wrong.get(kind, 0) + n
    return "members that are honest: " + by_count(wrong)


def why_late(swarm):
    never = sum(t == NEVER for t in swarm.times("alarm"))
    if never:
        return f"never reported in {never} of {len(swarm.runs)} runs"
    asked = statistics.median_low([s["alarm_leaked"] for s in swarm.swarms])
    return f"it took {asked / swarm.plan['sources']:.1f} requests of each source"


def why_hit(row):
    return f"{by_count(kinds_hit(row.runs))}; members by {row.windows()}"


def swarm_goals(swarm):
    goals = []

    def share(what, got, goal, of="", cause=""):
        if got.n:
            goals.append(
                Goal(f"{swarm.name}: {what}", percent(got.value, 2), f">= {goal:.1%}",
                     got.value >= goal, of, cause, got.value)
            )

    def found_by(what, moment, limit, of=""):
        took = swarm.time(moment)
        goals.append(
            Goal(f"{swarm.name}: {what}", duration(took), f"<= {duration(limit)}", took <= limit, of,
                 why_late(swarm))
        )

    if swarm.name == "28.8M":
        found_by("first alarm", "alarm", 2 * 3600, "alarm")
        leaked = swarm.leaked_days("alarm")
        value = "all" if leaked == NEVER else percent(leaked)
        goals.append(
            Goal(f"{swarm.name}: of a day leaked before", value, "<= 8 %", leaked <= 0.08,
                 cause=why_late(swarm))
        )
    if swarm.name == "200x25.6":
        found_by("first alarm", "alarm", DAY)
        share("recall at 24 h", swarm.recall("day"), 0.8, cause=why_missing(swarm, "day"))
    if swarm.name == "timing-100":
        share("recall at 24 h", swarm.recall("day"), 0.75, cause=why_missing(swarm, "day"))
    if swarm.has_member_goals():
        share("precision at 24 h", swarm.precision("day"), 0.995, "precision",
              why_wrong(swarm, "day"))
        if swarm.name != "timing-100":
            share("recall at 24 h", swarm.recall("day"), 0.9, "recall", why_missing(swarm, "day"))
            share("recall at 72 h", swarm.recall("three_days"), 0.97,
                  cause=why_missing(swarm, "three_days"))
    return goals


SCALE_PARTS = ("harvest", "hour", "day", "week", "season", "judge_once", "history_once")


def scale_goals(row):
    run = row.runs[0]
    ms = run["ms"]
    windows = [ms[w] for w in ("hour", "day", "week", "season")]
    rest = ms["harvest"] + ms["judge_once"] + ms["history_once"]
    own = run["rss_max_mib"] - run["world_mib"]
    slow = sorted(SCALE_PARTS, key=lambda part: -ms[part])[:2]
    cause = ", ".join(f"{part} {ms[part] / 1000:.1f} s" for part in slow)
    for what, value in (
        ("a turn with the slowest window, s", rest + max(windows)),
        ("a turn, were all windows due, s", rest + sum(windows)),
    ):
        value /= 1000
        yield Goal(f"scale: {what}", f"{value:.1f}", "<= 5", value <= 5, "scale", cause)
    yield Goal("scale: resident, MiB", f"{own}", "<= 1024", own <= 1024, "scale",
               f"{run['sources_max']:,} sources in the table")


def null_goals(row):
    for what, got in ("reports one", row.with_false()), ("acts on one", row.acted_wrongly()):
        text = f"{got.k} of {got.n} ({percent(got.low)} to {percent(got.high)})"
        yield Goal(f"honest crowd: {what}", text, "<= 1 %", got.value <= 0.01,
                   cause=row.false_kinds())


def month_goals(row):
    acted = row.acted_wrongly().k
    yield Goal(f"{row.name}: runs that acted on a campaign", f"{acted} of {len(row.runs)}", "0",
               not acted, "month", row.false_kinds())
    yield Goal(f"{row.name}: campaigns reported", f"{row.false()}", "<= 1", row.false() <= 1,
               cause=row.false_kinds())


def harm_goals(row):
    hits = sum(r["harm"]["sources"] for r in row.runs)
    for field, what in ("sources", "honest sources hit"), ("users", "people hit"):
        value = row.harm(field)
        text = f"{value:.1f}"
        if field == "sources" and value:
            low, high = (x * value / hits for x in poisson_interval(hits))
            text = f"{value:.1f} ({low:.0f} to {high:.0f})"
        yield Goal(f"{row.name}: {what}", text, "<= 10 /M/day", value <= 10, cause=why_hit(row))
    carriers, others = carrier_harm(row.runs)
    if carriers > others:
        yield Goal(f"{row.name}: carriers hit", percent(carriers, 3), f"<= {percent(others, 3)}",
                   False, cause=why_hit(row))
    wide = row.over_block()
    if wide.n:
        yield Goal(f"{row.name}: honest in prefixes", percent(wide.value), "<= 1 %",
                   wide.value <= 0.01, cause=f"{wide.k} of {wide.n} sources in them")


def row_goals(row):
    if row.name == "scale":
        yield from scale_goals(row)
        return
    if row.name == "null":
        yield from null_goals(row)
        return
    if row.name.startswith("month"):
        yield from month_goals(row)
    yield from harm_goals(row)
    if len(row.swarms) > 1:
        new = row.swarms[1]
        first_200 = 200 / (new.plan["sources"] * new.plan["per_day"]) * DAY
        took = max(new.times("linked"))
        yield Goal(f"{row.name}: next pool linked, slowest", duration(took), "<= 1 h",
                   took <= 3600 + first_200, cause="its alarm came after "
                   + duration(max(new.times("alarm"))))


def all_goals(rows):
    for row in rows.values():
        for swarm in row.swarms if row.name != "scale" else ():
            yield from swarm_goals(swarm)
        yield from row_goals(row)


# What the design promises and a simulation can judge.
PROMISES = (
    ("precision", "precision, 24 h, >= 1,000 at >= 25 a day", ">= 99.5 %"),
    ("recall", "recall of the same", ">= 90 %"),
    ("alarm", "first alarm, 25,000 at 25.6 a day", "<= 2 h"),
    ("month", "runs that acted in 30 honest days", "0"),
    ("scale", "1 M: s a turn, all due; MiB resident", "5 s, 1 GiB"),
)


def promise(name, what, limit, every):
    goals = [g for g in every if g.of == name]
    missed = [g for g in goals if not g.met]
    shares = [g.share for g in goals if g.share is not None]
    if shares:
        seen = f"{percent(min(shares), 2)} at worst of {len(shares)}"
    else:
        seen = ", ".join(g.value for g in goals)
    cause = "; ".join(f"{g.what} {g.value}: {g.cause}" for g in missed)
    return Goal(what, seen, limit, not missed, name, cause)


def harm_promises(rows):
    """Taken over all rows together: in one there are too few to tell 10 from 20."""
    judged = [row for row in rows.values() if row.name != "scale"]
    exposed = sum(row.exposed_days() for row in judged)
    if not exposed:
        return
    hits = sum(r["harm"]["sources"] for row in judged for r in row.runs)
    value = hits / exposed * 1e6
    low, high = (x / exposed * 1e6 for x in poisson_interval(hits))
    beyond = []
    for row in judged:
        of_row = sum(r["harm"]["sources"] for r in row.runs)
        if poisson_interval(of_row)[0] > 10 * row.exposed_days() / 1e6:
            beyond.append(f"{row.name} {row.harm('sources'):.0f}: {why_hit(row)}")
    yield Goal("honest hit, a million and day",
               f"{value:.1f} ({low:.1f} to {high:.1f})", "<= 10", value <= 10 and not beyond,
               "harm", "; ".join(beyond) or "in all rows together")
    runs = [r for row in judged for r in row.runs]
    carriers, others = carrier_harm(runs)
    yield Goal("carrier NAT hit, share", percent(carriers, 4),
               f"<= {percent(others, 4)}", carriers <= others, "carriers",
               by_count(kinds_hit(runs)))


def promises(rows):
    every = list(all_goals(rows))
    for name, what, limit in PROMISES:
        if any(g.of == name for g in every):
            yield promise(name, what, limit, every)
    yield from harm_promises(rows)


def provenance(rows):
    """Whose behaviour honest clients have, and which seeds were run."""
    runs = [run for row in rows.values() for run in row.runs]
    traced = sum(run["clients"] == "trace" for run in runs)
    if traced == len(runs):
        yield "honest clients are those of a real trace of API traffic (clients.csv)"
    elif not traced:
        yield "clients.csv was not found: honest clients are made up from published parameters"
    else:
        yield f"{traced} of {len(runs)} runs with clients of a real trace (clients.csv), the others " \
            "with made-up ones from published parameters"
    if any(run["seed"] < 1001 for run in runs):
        yield "seeds for tuning: these figures are not for reporting"
    yield f"{len(runs)} runs, {sum(r['days'] for r in runs):,.0f} days of made-up traffic, " \
        f"{sum(r['requests'] for r in runs) / 1e6:,.0f} M requests, " \
        f"{sum(r['ms']['cpu'] for r in runs) / 1000:,.0f} s of CPU"
