# SPDX-License-Identifier: GPL-2.0-or-later
"""The report as a page of HTML, with plots in it and beside it."""

import os
from html import escape

import plots
from results import (
    NEVER, all_goals, by_count, carrier_harm, duration, histories, kinds_hit, percent, promises,
    provenance,
)

STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em; color: #1f2328 }
table { border-collapse: collapse; font-size: 13px; margin: 1em 0 }
th, td { padding: 3px 9px; text-align: right; border-bottom: 1px solid #d8dee4 }
th:first-child, td:first-child, td.text { text-align: left }
td.group { color: #6e7781; padding-top: 1em; text-align: left }
.missed { color: #cf222e; font-weight: bold }
svg { max-width: 100%; height: auto; margin: 1.5em 0 }
p.note { color: #6e7781 }
"""


def cells(values, tag="td"):
    return "".join(f"<{tag}>{escape(str(v))}</{tag}>" for v in values)


def lines_of(goals):
    for goal in goals:
        state = "<td>held</td>" if goal.met else '<td class="missed">missed</td>'
        yield (
            f"<tr>{cells((goal.what, goal.value, goal.goal))}{state}"
            f'<td class="text">{escape(goal.cause)}</td></tr>'
        )


def goals(rows):
    head = "<tr><th>{}</th><th>seen</th><th>goal</th><th></th><th></th></tr>"
    design = ["<table>" + head.format("of the design")] + list(lines_of(promises(rows)))
    each = ["<table>" + head.format("row by row")]
    each += lines_of(sorted(all_goals(rows), key=lambda g: g.met))
    return "\n".join(design + ["</table>"] + each + ["</table>"])


def interval(share):
    if not share.n:
        return "-"
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)})"


def leaked(swarm):
    days = swarm.leaked_days("alarm")
    return "all" if days == NEVER else percent(days)


def campaign(swarm, row):
    day = swarm.recall("day")
    values = (
        swarm.name, len(swarm.runs), duration(swarm.time("alarm")), duration(swarm.time("half")),
        duration(swarm.time("most")), leaked(swarm), interval(day),
        percent(swarm.recall("day", "requests").value), percent(swarm.recall("three_days").value),
        interval(swarm.precision("day")), percent(swarm.precision("three_days").value, 2),
        f"{row.harm('sources'):.1f} / {row.harm('users'):.1f}", row.false(),
        ", ".join(swarm.families("day" if day.n else "end")) or "-",
    )
    return f"<tr>{cells(values)}</tr>"


def campaigns(rows):
    head = ("campaign", "seeds", "alarm", "50 %", "90 %", "leaked before the alarm, of a day's",
            "recall 24 h", "by requests", "72 h", "precision 24 h", "72 h",
            "honest hit (sources / people), a million and day", "false campaigns", "families")
    lines = [f"<table><tr>{cells(head, 'th')}</tr>"]
    group = None
    for row, swarm in plots.campaigns(rows):
        if row.group != group:
            group = row.group
            lines.append(f'<tr><td class="group" colspan="{len(head)}">{escape(group)}</td></tr>')
        lines.append(campaign(swarm, row))
    return "\n".join(lines + ["</table>"])


def harm(rows):
    head = ("row", "runs", "watched days", "honest sources", "false campaigns", "whose",
            "runs that acted on one", "honest sources hit", "by window", "carriers / others hit",
            "honest in prefixes")
    lines = [f"<table><tr>{cells(head, 'th')}</tr>"]
    for row in rows.values():
        if row.group == "scale":
            continue
        carriers, others = carrier_harm(row.runs)
        wide = row.over_block()
        values = (
            row.name, len(row.runs), f"{row.watched_days():.0f}",
            sum(r["honest"] for r in row.runs), row.false(), row.false_kinds(),
            row.acted_wrongly().k, by_count(kinds_hit(row.runs)), row.windows(),
            f"{percent(carriers, 3)} / {percent(others, 3)}",
            percent(wide.value) if wide.n else "-",
        )
        lines.append(f"<tr>{cells(values)}</tr>")
    return "\n".join(lines + ["</table>"])


def life(rows):
    """Campaigns that were followed for long."""
    lines = []
    head = ("day", "recall", "by requests", "precision", "honest hit so far, a million and day")
    for row, swarm in plots.campaigns(rows):
        later = list(swarm.later())
        if not later:
            continue
        lines.append(f"<h3>{escape(swarm.name)}, day by day</h3><table><tr>{cells(head, 'th')}</tr>")
        for day, recall, requests, precision, hit in later:
            values = (day, interval(recall), percent(requests.value), interval(precision), f"{hit:.1f}")
            lines.append(f"<tr>{cells(values)}</tr>")
        lines.append("</table>")
    return "\n".join(lines)


def mib(size):
    return "-" if size is None else f"{size / 2**20:.1f}"


def history(rows):
    head = ("row", "seed", "days", "file, MiB", "a day more, MiB", "bytes a source and day",
            "of it days cut short", "rows lost", "CPU, s")
    lines = [f"<h2>History</h2><table><tr>{cells(head, 'th')}</tr>"]
    for row, run, kept in histories(rows):
        per_row = kept.per_row()
        values = (
            row.name, run["seed"], len(kept.bytes), mib(kept.last), mib(kept.per_day()),
            f"{per_row:.0f}" if per_row else "-", "yes" if kept.full else "no", kept.lost,
            f"{run['ms']['history'] / 1000:.0f}",
        )
        lines.append(f"<tr>{cells(values)}</tr>")
    if len(lines) == 1:
        return ""
    note = (
        "A day more is what the file grew by each day since hours and slots went as fast as they"
        " came. What is resident grows with the file until SQLite's cache is full (32 MiB)."
    )
    return "\n".join(lines + ["</table>", f'<p class="note">{note}</p>'])


def scale(rows):
    if "scale" not in rows:
        return ""
    lines = []
    for run in rows["scale"].runs:
        ms = run["ms"]
        parts = "".join(
            f"<tr>{cells((name, round(ms[key])))}</tr>"
            for name, key in (
                ("harvest, every row", "harvest"), ("round, hour", "hour"), ("round, day", "day"),
                ("round, week", "week"), ("round, season", "season"), ("judge", "judge_once"),
                ("history, its part of a cycle", "history_once"),
            )
        )
        lines.append(
            f"<p>{run['sources_max']:,} sources in the table; {run['rss_max_mib']} MiB resident at"
            f" most, of which the made-up world holds {run['world_mib']}.</p>"
            f"<table><tr><th>part of a cycle</th><th>ms of one core</th></tr>{parts}</table>"
        )
    return "<h2>Scale</h2>" + "".join(lines)


def write(rows, results):
    """Returns where it is."""
    path = os.path.splitext(results)[0]
    drawn = {name: draw(rows) for name, draw in plots.ALL.items()}
    for name, svg in drawn.items():
        if svg:
            with open(f"{path}-{name}.svg", "w", encoding="utf-8") as out:
                out.write(svg)
    body = "\n".join(
        ["<h1>Campaigns and honest crowds, simulated</h1>"]
        + [f'<p class="note">{escape(n)}</p>' for n in provenance(rows)]
        + ["<h2>Goals</h2>", goals(rows), "<h2>Detection</h2>"]
        + [drawn["times"], drawn["recall"], drawn["grid"], campaigns(rows), life(rows)]
        + ["<h2>Harm</h2>", drawn["harm"], harm(rows), drawn["memory"], history(rows), scale(rows)]
    )
    with open(path + ".html", "w", encoding="utf-8") as out:
        out.write(
            '<!doctype html>\n<html lang="en"><meta charset="utf-8">\n<title>seine: simulation'
            f"</title>\n<style>{STYLE}</style>\n{body}\n</html>\n"
        )
    return path + ".html"
