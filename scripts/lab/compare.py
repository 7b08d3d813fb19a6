# SPDX-License-Identifier: GPL-2.0-or-later
"""seine's word against tcpdump's and the truth: what belongs together, tables, verdict. Pure.

Times in microseconds, printed in milliseconds.
"""

import collections
import math
from typing import NamedTuple

import cases as truth

RTT_ERROR_US = 200              # figures that must hold
FALSE_SINGLE = 0.0004
FALSE_DUAL = 0.00005
MISSED = 0.015
UNSEEN = 0.001


class Sample(NamedTuple):
    """One connection. `row`: what seine said, None when nothing."""
    case: truth.Case
    wire: object
    trip: int                   # round trip at the client's end, None when not clean
    row: dict


class Pairs(NamedTuple):
    """What belongs together."""
    samples: list
    strangers: int              # connections that nobody had asked for
    pieces: int                 # rows of connections that had one before


def rows_for(wires, rows):
    """The row of each connection of one source and port, in order. Where a port was used again and
    has not as many rows as connections, none of them can be told."""
    if len(wires) == 1:
        return rows[:1] or [None]
    return rows if len(rows) == len(wires) else [None] * len(wires)


def pair(connections, trips, rows, jobs):
    """Everything about each connection of a capture. Rows come in the order of their time."""
    said = collections.defaultdict(list)
    for row in rows:
        said[row["source"], row["sport"]].append(row)
    samples, strangers, pieces = [], 0, 0
    for key, wires in connections.items():
        mine, ends = rows_for(wires, said[key]), trips.get(key, [])
        pieces += max(0, len(said[key]) - len(wires))
        for number, wire in enumerate(wires):
            case = jobs.get(wire.mark) or truth.relay_of(wire.source)
            if not case:
                strangers += wire.mark != truth.EXTRA
                continue
            trip = ends[number] if len(ends) == len(wires) else None
            samples.append(Sample(case, wire, trip, mine[number]))
    return Pairs(samples, strangers, pieces)


def rows_of_wire(connections):
    """tcpdump's own measures in the form of seine's: to try the laboratory without it."""
    return [{"source": wire.source, "sport": wire.sport, "rtt_tcp_us": wire.rtt_tcp,
             "g1_us": wire.g1, "delta_us": wire.delta, "gap": wire.gap, "tls": None, "flags": None}
            for wires in connections.values() for wire in wires]


def quantile(values, share):
    """None of nothing."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else None


def errors(samples, name):
    """|seine - tcpdump| of one time, wherever both have it."""
    found = []
    for sample in samples:
        said = sample.row and sample.row.get(f"{name}_us")
        if said is not None and sample.wire.complete:
            found.append(abs(said - getattr(sample.wire, name)))
    return found


def trip_errors(samples):
    """How far both ends of a connection are apart on its round trip, where lines are quiet."""
    return [abs(sample.trip - sample.wire.rtt_tcp) for sample in samples
            if sample.trip is not None and sample.wire.complete
            and sample.case.ends_at_exit and not sample.case.noisy]


def gap_counts(samples):
    """What seine took the gaps for; None: unknown."""
    return collections.Counter(sample.row["gap"] for sample in samples if sample.row)


def wrong_tls(samples):
    """Samples whose kind of handshake seine got wrong, or whether its hello came in one segment."""
    wrong = []
    for sample in samples:
        row = sample.row
        if not row or row["tls"] is None or not sample.wire.complete:
            continue
        split = "hello_split" in row["flags"]
        if row["tls"] not in sample.case.tls or split != (sample.wire.segments > 1):
            wrong.append(sample)
    return wrong


def ms(value, width):
    """Two digits: the error allowed is two tenths."""
    return "-".rjust(width) if value is None else f"{value / 1000:{width}.2f}"


HEADS = (f"{'':<26}{'rtt_tcp, ms':>13}{'g1':>7}{'delta, ms':>13}{'gaps seine saw':>21}",
         f"{'':<20}{'conns':>6}{'median':>7}{'error':>6}{'median':>7}{'median':>7}{'error':>6}"
         f"{'two':>6}{'one':>5}{'none':>6}{'?':>4}{'tls!':>5}")


def table_row(name, samples):
    """Medians are tcpdump's; errors the 99th percentile of seine's distance from them."""
    wires = [sample.wire for sample in samples if sample.wire.complete]
    gaps = gap_counts(samples)
    cells = [f"{name:<20}{len(samples):>6}",
             ms(quantile([wire.rtt_tcp for wire in wires], 0.5), 7),
             ms(quantile(errors(samples, "rtt_tcp"), 0.99), 6),
             ms(quantile([wire.g1 for wire in wires], 0.5), 7),
             ms(quantile([wire.delta for wire in wires], 0.5), 7),
             ms(quantile(errors(samples, "delta"), 0.99), 6),
             f"{gaps['dual']:>6}{gaps['single']:>5}{gaps['none']:>6}{gaps[None]:>4}",
             f"{len(wrong_tls(samples)):>5}"]
    return "".join(cells)


def table(samples):
    """Lines of 80 columns: by route and place, and the quiet near place by kind of handshake."""
    near = truth.PLACES[0]
    lines = [*HEADS]
    for place in truth.PLACES:
        for route in truth.ROUTES:
            some = [sample for sample in samples
                    if sample.case.place == place and sample.case.route == route]
            if some:
                lines.append(table_row(f"{route.name} {place.name}", some))
    for proxied, name in ((False, "direct"), (True, "proxied")):
        lines.append("")
        for kind in truth.KINDS:
            some = [sample for sample in samples if sample.case.place == near
                    and sample.case.kind == kind and sample.case.route.proxied == proxied
                    and sample.case.route.name not in ("nat", "relay")]
            if some:
                lines.append(table_row(f"{name} {kind}", some))
    return lines


class Figure(NamedTuple):
    """One thing that must hold."""
    what: str
    found: str
    bound: str
    holds: bool


def share_figure(what, count, of, bound):
    """A count that must not be above a share; with few samples one is no proof against it."""
    allowed = math.ceil(bound * of)
    return Figure(what, f"{count} of {of}", f"<= {bound:.3%}", of > 0 and count <= allowed)


def rtt_figure(what, samples):
    found = errors(samples, "rtt_tcp")
    worst = quantile(found, 0.99)
    return Figure(f"{what} ({len(found)})", f"{ms(worst, 0)} ms", f"<= {RTT_ERROR_US / 1000} ms",
                  worst is not None and worst <= RTT_ERROR_US)


def as_it_should(sample):
    """Whether the gaps that tcpdump saw are those of the case. A client or a proxy that has to wait
    for a processor, or a packet that comes late, makes a gap that is none of the network's."""
    return sample.wire.gap in sample.case.gaps


def figures(pairs, failed, with_tls, busy):
    """What must hold, in the order it is told. `busy`: of gaps only what tcpdump saw right."""
    samples = pairs.samples
    quiet = [sample for sample in samples if not sample.case.noisy]
    judged = [sample for sample in quiet if as_it_should(sample)] if busy else quiet
    near = [sample for sample in judged if sample.case.place == truth.PLACES[0]]
    false = gap_counts(sample for sample in near if not sample.case.route.proxied)
    missed = gap_counts(sample for sample in near if sample.case.route.proxied)
    early = gap_counts(sample for sample in judged
                       if not sample.case.route.proxied and "early" in sample.case.kind)
    unseen = sum(sample.row is None for sample in samples)
    found = [
        share_figure("connections that failed", failed, len(samples) + failed, UNSEEN),
        share_figure("connections of nobody", pairs.strangers, len(samples), UNSEEN),
        share_figure("connections seine said nothing of", unseen, len(samples), UNSEEN),
        share_figure("connections told in pieces", pairs.pieces, len(samples), UNSEEN),
        rtt_figure("rtt_tcp error p99, quiet", quiet),
        rtt_figure("rtt_tcp error p99, all", samples),
        share_figure("false gaps: single", false["single"], sum(false.values()), FALSE_SINGLE),
        share_figure("false gaps: dual", false["dual"], sum(false.values()), FALSE_DUAL),
        share_figure("false gaps of 0-RTT", early["single"] + early["dual"],
                     sum(early.values()), FALSE_SINGLE),
        share_figure("missed gaps (none or unknown)", missed["none"] + missed[None],
                     sum(missed.values()), MISSED),
    ]
    if with_tls:
        wrong = wrong_tls(quiet)
        unnamed = sum(sample.row["tls"] is None for sample in quiet if sample.row)
        found += [share_figure("handshakes without a name, quiet", unnamed, len(quiet), UNSEEN),
                  Figure("handshakes called by another name, quiet",
                         f"{len(wrong)} of {len(quiet)}", "none", not wrong)]
    return found


def false_on_wire(samples):
    """(false gaps that seine saw in quiet places, those of them that tcpdump's times show too)"""
    false = [sample for sample in samples if sample.row and not sample.case.noisy
             and not sample.case.route.proxied and sample.row["gap"] in ("single", "dual")]
    return len(false), sum(sample.wire.gap != "none" for sample in false)


def examples(samples, at_most=5):
    """Lines about what seine got wrong, a few of each sort."""
    wrong = collections.defaultdict(list)
    for sample in samples:
        if sample.row and not sample.case.noisy and sample.row["gap"] not in sample.case.gaps:
            if sample.row["tls"] is None and sample.row["flags"] is not None:
                wrong["no name"].append(sample)
            wrong[f"gap {sample.row['gap'] or 'unknown'}"].append(sample)
    for sample in wrong_tls([sample for sample in samples if not sample.case.noisy]):
        wrong["tls"].append(sample)
    wrong["no row"] = [sample for sample in samples if not sample.row]
    lines = []
    for name, some in sorted(wrong.items()):
        for sample in some[:at_most]:
            row, wire = sample.row or {}, sample.wire
            lines.append(f"{name}: {sample.case}, {wire.source}:{wire.sport}")
            lines.append(f"  seine    rtt {row.get('rtt_tcp_us')} g1 {row.get('g1_us')} delta"
                         f" {row.get('delta_us')} {row.get('tls')} {row.get('flags')}")
            lines.append(f"  tcpdump  rtt {wire.rtt_tcp} g1 {wire.g1} delta {wire.delta}"
                         f" segments {wire.segments}{'' if wire.complete else ' disturbed'}")
    return lines
