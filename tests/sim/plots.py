# SPDX-License-Identifier: GPL-2.0-or-later
"""Plots of the simulation's results, as SVG."""

import math
from html import escape

from results import DAY, NEVER, duration, histories, percent, poisson_interval

WIDTH, LEFT, RIGHT, TOP, LINE, GAP = 860, 190, 90, 76, 20, 26
INK, GREY, LIGHT, BLUE, RED = "#1f2328", "#6e7781", "#d8dee4", "#0969da", "#cf222e"
PALE = "#eaf2fb"


class Svg:
    def __init__(self, height, width=WIDTH):
        self.width, self.height = width, height
        self.parts = []

    def line(self, x1, y1, x2, y2, colour=LIGHT, width=1.0, dash=""):
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width}"{dash}/>'
        )

    def text(self, x, y, text, size=12, colour=INK, anchor="start", bold=False):
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}>{escape(text)}</text>'
        )

    def mark(self, shape, x, y, colour, filled=True):
        fill = colour if filled else "white"
        style = f'fill="{fill}" stroke="{colour}" stroke-width="1.6"'
        if shape == "circle":
            self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {style}/>')
        elif shape == "square":
            self.parts.append(
                f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" {style}/>'
            )
        else:
            self.parts.append(
                f'<path d="M{x:.1f} {y - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5-5.5z" {style}/>'
            )

    def rect(self, x, y, width, height, fill):
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'fill="{fill}"/>'
        )

    def __str__(self):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" font-family="sans-serif">\n'
            f'<rect width="{self.width}" height="{self.height}" fill="white"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


class Axis:
    """From values to places. What lies beyond is drawn at the end; None is a column of its own,
    right of it or left of it."""

    def __init__(self, ticks, log, none, unit):
        self.ticks, self.log, self.none, self.unit = ticks, log, none, unit
        low, high = ticks[0][0], ticks[-1][0]
        self.low, self.high = self.scale(low), self.scale(high)
        left = self.none and self.none[0] == "left"
        right = self.none and self.none[0] == "right"
        self.from_x, self.to_x = LEFT + (70 if left else 10), WIDTH - RIGHT - (70 if right else 0)
        self.none_x = LEFT + 25 if left else WIDTH - RIGHT - 15

    def scale(self, value):
        return math.log(value) if self.log else value

    def at(self, value):
        if value is None:
            return self.none_x
        low = self.ticks[0][0]
        value = self.scale(max(value, low)) if self.log else value
        share = (value - self.low) / (self.high - self.low)
        return self.from_x + min(max(share, 0), 1) * (self.to_x - self.from_x)


def frame(svg, axis, title, legend, bottom):
    svg.text(16, 24, title, 16, bold=True)
    x = 16
    for shape, filled, text in legend:
        svg.mark(shape, x + 5, 42, BLUE, filled)
        svg.text(x + 16, 46, text, 12, GREY)
        x += 30 + 6.6 * len(text)
    for value, text in axis.ticks:
        svg.line(axis.at(value), TOP - 6, axis.at(value), bottom)
        svg.text(axis.at(value), bottom + 16, text, 11, GREY, "middle")
    if axis.none:
        svg.line(axis.none_x, TOP - 6, axis.none_x, bottom, LIGHT, 1, "2 3")
        svg.text(axis.none_x, bottom + 16, axis.none[1], 11, GREY, "middle")
    svg.text((axis.from_x + axis.to_x) / 2, bottom + 34, axis.unit, 12, GREY, "middle")


def dot_plot(title, axis, legend, goal, lines):
    """`lines`: (group, name, points); a point is (value, low, high, shape, filled, missed)."""
    groups = len({group for group, *_ in lines})
    bottom = TOP + len(lines) * LINE + groups * GAP
    svg = Svg(bottom + 46)
    frame(svg, axis, title, legend, bottom)
    svg.line(axis.at(goal[0]), TOP - 6, axis.at(goal[0]), bottom, INK, 1.4, "6 4")
    svg.text(axis.at(goal[0]) + 5, TOP - 8, goal[1], 11, INK)
    y, group = TOP, None
    for of_group, name, points in lines:
        if of_group != group:
            group = of_group
            y += GAP
            svg.text(16, y - 6, group, 12, GREY)
        svg.text(LEFT - 6, y + 8, name, 12, INK, "end")
        svg.line(axis.from_x, y + 4, axis.to_x, y + 4, LIGHT, 0.6)
        for value, low, high, shape, filled, missed in points:
            colour = RED if missed else BLUE
            if low is not None:
                svg.line(axis.at(low), y + 4, axis.at(high), y + 4, colour, 2)
            svg.mark(shape, axis.at(value), y + 4, colour, filled)
        y += LINE
    return str(svg)


def campaigns(rows):
    for row in rows.values():
        for swarm in row.swarms if row.group != "scale" else ():
            yield row, swarm


def times(rows):
    ticks = [(600, "10 min"), (1800, "30 min"), (3600, "1 h"), (7200, "2 h"), (21600, "6 h"),
             (43200, "12 h"), (DAY, "1 day"), (3 * DAY, "3 days")]
    axis = Axis(ticks, True, ("right", "never"), "since the campaign's first request (log scale); looked at each 10 minutes until the alarm")
    lines = []
    for row, swarm in campaigns(rows):
        points = []
        for moment, shape in ("most", "diamond"), ("half", "square"), ("alarm", "circle"):
            took = swarm.time(moment)
            late = took == NEVER or (swarm.name == "28.8M" and moment == "alarm" and took > 7200)
            value = None if took == NEVER else took
            points.append((value, None, None, shape, moment == "alarm", late))
        lines.append((row.group, swarm.name, points))
    legend = [("circle", True, "first alarm"), ("square", False, "50 % of its sources are members"),
              ("diamond", False, "90 %")]
    return dot_plot("How long until a campaign is found (median over seeds)", axis, legend,
                    (7200, "goal for the alarm on 28.8M"), lines)


def recalls(rows):
    ticks = [(x / 100, f"{x} %") for x in range(0, 101, 10)]
    axis = Axis(ticks, False, None, "share of the campaign's sources that are members")
    lines = []
    for row, swarm in campaigns(rows):
        points = []
        for when, filled, goal in ("three_days", False, 0.97), ("day", True, 0.9):
            got = swarm.recall(when)
            if got.n:
                missed = got.value < (goal if swarm.has_member_goals() else 0.5)
                points.append((got.value, got.low, got.high, "circle", filled, missed))
        lines.append((row.group, swarm.name, points))
    legend = [("circle", True, "after 24 h, with its 95 % interval"), ("circle", False, "after 72 h")]
    return dot_plot("How much of a campaign is found", axis, legend, (0.9, "goal at 24 h"), lines)


def harms(rows):
    ticks = [(x, f"{x:g}") for x in (0.1, 1, 10, 100, 1000, 10000)]
    axis = Axis(ticks, True, ("left", "none"), "per million honest sources and day (log scale)")
    lines = []
    for row in rows.values():
        if row.group == "scale":
            continue
        points = []
        hits = sum(r["harm"]["sources"] for r in row.runs)
        for field, filled, shape in ("users", False, "square"), ("sources", True, "circle"):
            value = row.harm(field)
            low = high = None
            if field == "sources" and hits:
                low, high = (x * value / hits for x in poisson_interval(hits))
            points.append((value or None, low, high, shape, filled, value > 10))
        lines.append((row.group, row.name, points))
    legend = [("circle", True, "honest sources, with the 95 % interval"),
              ("square", False, "people behind them")]
    return dot_plot("Who else entries would have hit", axis, legend, (10, "goal"), lines)


def shade(share):
    """From red over white to blue."""
    if share is None:
        return "#f6f8fa"
    t = min(max((share - 0.5) * 2, 0), 1)
    low, high = (250, 220, 218), (200, 224, 250)
    return "#" + "".join(f"{round(a + (b - a) * t):02x}" for a, b in zip(low, high))


def grid(rows):
    cells = {}
    for row, swarm in campaigns(rows):
        if row.group == "size and rate":
            cells[swarm.plan["sources"], swarm.plan["per_day"]] = swarm
    sizes = sorted({size for size, _ in cells}, reverse=True)
    rates = sorted({rate for _, rate in cells})
    width, height = 118, 58
    svg = Svg(TOP + 20 + height * len(sizes) + 60, 130 + width * max(len(rates), 4) + 20)
    svg.text(16, 24, "By size and rate: members after 24 h, and time of the first alarm", 16,
             bold=True)
    svg.text(16, 46, "least recently used first, fixed addresses; empty: not run", 12, GREY)
    for i, size in enumerate(sizes):
        y = TOP + height * i
        svg.text(118, y + height / 2 + 4, f"{size:,} sources", 12, INK, "end")
        for k, rate in enumerate(rates):
            swarm = cells.get((size, rate))
            got = swarm.recall("day").value if swarm else None
            svg.rect(130 + width * k, y, width - 3, height - 3, shade(got))
            if not swarm:
                continue
            middle = 130 + width * k + width / 2
            svg.text(middle, y + 25, percent(got), 15, INK, "middle", True)
            svg.text(middle, y + 43, duration(swarm.time("alarm")), 12, GREY, "middle")
    for k, rate in enumerate(rates):
        svg.text(130 + width * k + width / 2, TOP + height * len(sizes) + 16, f"{rate:g}", 12, INK,
                 "middle")
    svg.text(130 + width * len(rates) / 2, TOP + height * len(sizes) + 36,
             "requests a day of each source", 12, GREY, "middle")
    return str(svg)


def round_up(value):
    """A round number at or above it, for the end of an axis."""
    decade = 10 ** math.ceil(math.log10(max(value, 1)))
    return next(t for t in (decade / 5, decade / 2, decade) if t >= value)


def days_panel(svg, top, title, curves):
    """`curves`: (label, values in MiB by day)."""
    most = round_up(max(max(values) for _, values in curves))
    bottom = top + 170
    at_x = lambda day: 70 + day * (WIDTH - 260) / 31
    at_y = lambda mib: bottom - mib / most * 150
    svg.text(16, top - 2, title, 13, INK, bold=True)
    for i in range(6):
        svg.line(70, at_y(most * i / 5), at_x(31), at_y(most * i / 5))
        svg.text(62, at_y(most * i / 5) + 4, f"{most * i / 5:g}", 11, GREY, "end")
    for day in range(0, 32, 5):
        svg.text(at_x(day), bottom + 16, str(day), 11, GREY, "middle")
    svg.text(at_x(15), bottom + 34, "day", 12, GREY, "middle")
    ends = []
    for label, values in curves:
        points = " ".join(f"{at_x(i + 1):.1f},{at_y(v):.1f}" for i, v in enumerate(values))
        svg.parts.append(
            f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-width="2"/>'
        )
        y = at_y(values[-1]) + 4
        while any(abs(y - other) < 13 for other in ends):
            y += 1
        ends.append(y)
        svg.text(at_x(len(values)) + 6, y, label, 11, INK)


def memory(rows):
    """By day of honest months: what is resident, the world's own taken off, and history."""
    runs = [(r.name, run) for r in rows.values() if r.name.startswith("month") for run in r.runs]
    if not runs:
        return ""
    svg = Svg(520)
    svg.text(16, 24, "Memory and history over a month", 16, bold=True)
    days_panel(svg, 60, "resident, MiB: without the made-up world's own, with the cache of the history file, "
               "which fills with it", [
        (f"{name}, {run['sources_max'] / 1000:.0f} k sources",
         [max(m - run["world_mib"], 0) for m in run["rss_mib"]]) for name, run in runs
    ])
    kept = [(row.name, h) for row, _, h in histories(rows) if row.name.startswith("month")]
    if kept:
        days_panel(svg, 300, "history file and its log, MiB", [
            (f"{name}: {h.per_row() or 0:.0f} B a source, day",
             [b / 2**20 for b in h.bytes]) for name, h in kept
        ])
    return str(svg)


ALL = {"times": times, "recall": recalls, "harm": harms, "grid": grid, "memory": memory}
