#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares `seine replay` with what other programs say of the same captures.

usage: compare.py run SEINE CAPTURES OUT     replays every capture, leaves the answers in OUT
       compare.py check CAPTURES OUT KIND    KIND: counts, ja4, syn, rtt

A difference is known when differences.tsv has it with both values and a reason. An unknown
difference fails, and so does an entry there that no longer differs.
"""
import csv
import gzip
import ipaddress
import json
import pathlib
import re
import subprocess
import sys

KNOWN = pathlib.Path(__file__).with_name("differences.tsv")
KINDS = ("counts", "ja4", "syn", "rtt")
RTT_TOLERANCE_US = 1
OPTIONS = {"1": "nop", "2": "mss", "3": "ws", "4": "sok", "5": "sack", "8": "ts"}


def table(captures, name):
    opened = gzip.open if name.endswith(".gz") else open
    with opened(captures / name, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def by_file(rows):
    found = {}
    for row in rows:
        found.setdefault(pathlib.Path(row["file"]).stem, []).append(row)
    return found


class Truth:
    def __init__(self, captures):
        self.names = sorted(path.stem for path in (captures / "pcap").glob("*.pcap"))
        self.hellos = by_file(table(captures, "hellos.tsv"))
        self.syns = by_file(table(captures, "syns.tsv.gz"))
        self.servers = by_file(table(captures, "servers.tsv.gz"))
        self.handshakes = by_file(table(captures, "handshakes.tsv.gz"))

    def ports(self, name):
        """The ports that somebody connects to, as --ports takes them."""
        found = {("tcp", row["dport"]) for row in self.servers.get(name, [])
                 if row["l4"] == "tcp" and int(row["syn"] or 0)}
        found |= {("tcp", row["sport"]) for row in self.handshakes.get(name, [])}
        found |= {("udp" if row["transport"] == "quic" else "tcp", row["dport"])
                  for row in self.hellos.get(name, []) if row["transport"] != "dtls"}
        return {(l4, port) for l4, port in found if port}


# --- Replaying ------------------------------------------------------------------------------------

def replay(seine, capture, ports, *options):
    done = subprocess.run([seine, "replay", capture, "--ports", ports, *options],
                          capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        sys.exit(f"{capture.name}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def run(seine, captures, out):
    truth = Truth(captures)
    for name in truth.names:
        capture = captures / "pcap" / f"{name}.pcap"
        ports = ",".join(f"{l4}:{port}" for l4, port in sorted(truth.ports(name))) or "443"
        (out / f"{name}.all").write_text(replay(seine, capture, "all", "--json"))
        (out / f"{name}.json").write_text(replay(seine, capture, ports, "--json"))
        (out / f"{name}.conn").write_text(replay(seine, capture, ports, "--connections"))


def answers(out, name):
    with open(out / f"{name}.conn", encoding="utf-8") as file:
        connections = [json.loads(line) for line in file]
    found = {}
    for row in connections:
        key = (canonical(row["source"]), str(row["sport"]), str(row["dport"]))
        found.setdefault(key, []).append(row)
    return found


# --- Comparing: each yields (value, ours, theirs) --------------------------------------------------

def canonical(address):
    return str(ipaddress.ip_address(address))


def source_of(address):
    """The source an address is accounted to: IPv6 by /64."""
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        return str(ip)
    return str(ipaddress.ip_network((ip, 64), strict=False).network_address)


def counts_of(rows, ports):
    total = {}
    for row in rows:
        if ports is not None and (row["l4"], row["dport"]) not in ports:
            continue
        at = total.setdefault(source_of(row["src"]), [0, 0, 0])
        for i, column in enumerate(("packets", "ip_bytes", "syn")):
            at[i] += int(row[column] or 0)
    return total


def compare_counts(truth, out, name):
    servers = truth.servers.get(name, [])
    for suffix, ports in ((".all", None), (".json", truth.ports(name) or {("tcp", "443"),
                                                                          ("udp", "443")})):
        answer = json.loads((out / (name + suffix)).read_text())
        ours = {row["source"]: [row["packets"], row["bytes"], row["syn"]]
                for row in answer["sources"]}
        theirs = counts_of(servers, ports)
        which = "all ports" if ports is None else "server ports"
        for source in sorted(ours.keys() | theirs.keys()):
            a, b = ours.get(source, [0, 0, 0]), theirs.get(source, [0, 0, 0])
            if a != b:
                yield (f"{which} {source}", "/".join(map(str, a)), "/".join(map(str, b)))
        yield None


def compare_ja4(truth, out, name):
    ours = answers(out, name)
    theirs = {}
    for row in truth.hellos.get(name, []):
        if row["direct"] == "1" and row["ipfrag"] == "0" and row["transport"] != "dtls":
            key = (canonical(row["src"]), row["sport"], row["dport"])
            theirs.setdefault(key, set()).add(row["ja4_best"])
    for key in sorted(ours.keys() | theirs.keys()):
        a = {row["ja4"] for row in ours.get(key, []) if row["ja4"]}
        b = theirs.get(key, set())
        if a != b:
            yield ("ja4 {}:{}>{}".format(*key), ",".join(sorted(a)) or "-",
                   ",".join(sorted(b)) or "-")
        elif b:
            yield None


def initial_ttl(ttl):
    return next(top for top in (32, 64, 128, 255) if ttl <= top)


def facts_of_row(row):
    kinds = [kind for kind in row["opt_kinds"].split("-") if kind and kind != "0"]
    return {
        "ttl": initial_ttl(int(row["ttl"])),
        "mss": int(row["mss"] or 0),
        "window": int(row["win"]),
        "scale": int(row["wscale"] or 0),
        "layout": ",".join(OPTIONS.get(kind, "?") for kind in kinds),
        "df": row["df"] == "1",
        "ecn": int(row["tcp_flags"], 16) & 0xc0 != 0 or row["ecn"] not in ("", "0"),
    }


def facts_of_signature(text, version):
    parts = text.split(":")
    ttl, mss, (window, scale) = int(parts[1]), int(parts[3]), parts[4].split(",")
    layout = ",".join(word for word in parts[5].split(",")
                      if word and not word.startswith("eol"))
    quirks = parts[6].split(",")
    if "*" in window:
        unit, times = window.split("*")
        window = int(times) * (mss if unit == "mss" else mss + (60 if version == "6" else 40))
    return {"ttl": ttl, "mss": mss, "window": int(window), "scale": int(scale), "layout": layout,
            "df": "df" in quirks, "ecn": "ecn" in quirks}


def p0f_plain(raw):
    """A signature as far as both sides know it: p0f writes TTL and distance, seine the initial TTL;
    seine keeps neither the padding behind the end of options nor numbers of options it does not
    name."""
    parts = raw.split(":")
    parts[1] = str(sum(map(int, parts[1].rstrip("-").split("+"))))
    parts[5] = re.sub(r"eol\+\d+", "eol", re.sub(r"\?\d+", "?", parts[5]))
    return ":".join(parts)


def compare_syn(truth, out, name):
    theirs = {}
    for row in truth.syns.get(name, []):
        if row["encap"] == "direct" and row["frag"] in ("", "0", "atomic"):
            key = (canonical(row["src"]), row["sport"], row["dport"])
            theirs.setdefault(key, []).append(row)
    for key, rows in sorted(answers(out, name).items()):
        for connection in rows:
            text = connection["syn_signature"]
            if not text:
                continue
            candidates = theirs.get(key, [])
            label = "{}:{}>{}".format(*key)
            wanted = [facts_of_row(row) for row in candidates]
            facts = facts_of_signature(text, text[0])
            if facts not in wanted:
                for fact in facts:
                    values = sorted({str(want[fact]) for want in wanted})
                    if str(facts[fact]) not in values:
                        yield (f"syn {fact} {label}", str(facts[fact]), "|".join(values) or "-")
            else:
                yield None
            raws = sorted({p0f_plain(row["p0f_raw"]) for row in candidates if row["p0f_raw"]})
            if raws and p0f_plain(text) not in raws:
                yield (f"p0f {label}", p0f_plain(text), "|".join(raws))
            elif raws:
                yield None


def compare_rtt(truth, out, name):
    ours = answers(out, name)
    for row in truth.handshakes.get(name, []):
        if (row["clean"], row["direct"], row["ipfrag"]) != ("1", "1", "0"):
            continue
        key = (canonical(row["client"]), row["cport"], row["sport"])
        rows = [one for one in ours.get(key, []) if "unproven" not in one["flags"]]
        if not rows:
            continue  # no data ever came, so nothing was proven
        theirs = int(row["syn_to_synack_us"]) + int(row["synack_to_ack_us"])
        measured = [one["rtt_tcp_us"] for one in rows if one["rtt_tcp_us"] is not None]
        if not any(abs(one - theirs) <= RTT_TOLERANCE_US for one in measured):
            yield ("rtt {}:{}>{}".format(*key), ",".join(map(str, measured)) or "-", str(theirs))
        else:
            yield None


COMPARE = {"counts": compare_counts, "ja4": compare_ja4, "syn": compare_syn, "rtt": compare_rtt}


# --- Judging --------------------------------------------------------------------------------------

def known_differences():
    with open(KNOWN, encoding="utf-8", newline="") as file:
        rows = csv.reader((line for line in file if not line.startswith("#")), delimiter="\t",
                          quoting=csv.QUOTE_NONE)
        next(rows)
        return {(kind, capture, value): (ours, theirs, reason)
                for kind, capture, value, ours, theirs, reason in rows}


def check(captures, out, kind):
    truth, same, differ = Truth(captures), 0, {}
    for name in truth.names:
        for found in COMPARE[kind](truth, out, name):
            if found is None:
                same += 1
            else:
                differ[kind, name, found[0]] = found[1:]
    known = {key: row for key, row in known_differences().items() if key[0] == kind}
    new = [(*key, *values) for key, values in differ.items() if known.get(key, ())[:2] != values]
    gone = [key for key in known if key not in differ]
    print(f"# {kind}: {same} equal, {len(differ)} different, {len(differ) - len(new)} of them known")
    for row in new:
        print("# differs:", "\t".join(row))
    for row in gone:
        print("# listed in differences.tsv, but equal:", "\t".join(row))
    return bool(new or gone or not same)


def main(words):
    if len(words) == 4 and words[0] == "run":
        return run(words[1], pathlib.Path(words[2]), pathlib.Path(words[3]))
    if len(words) == 4 and words[0] == "check" and words[3] in KINDS:
        return check(pathlib.Path(words[1]), pathlib.Path(words[2]), words[3])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
