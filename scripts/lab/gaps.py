#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Round trips by class, from a capture: an independent measure of what seine measures.

Usage: gaps.py CAPTURE TRUTH. Looks at incoming packets to port 443 alone: rtt_tcp is SYN to
handshake ACK, g1 that ACK to the first byte of the ClientHello, delta the last segment of the
ClientHello to the client's next TLS record, less rtt_tcp. TRUTH is the truth.tsv of the laboratory.
Reads classic pcap of Ethernet, as tcpdump writes it on the server's interface.
"""

import collections
import ipaddress
import struct
import sys


def read_pcap(path):
    """(time in ms, frame) for each packet."""
    with open(path, "rb") as file:
        magic = file.read(24)[:4]
        scale = 1e6 if magic == b"\x4d\x3c\xb2\xa1" else 1e3
        while len(head := file.read(16)) == 16:
            sec, fraction, stored, _ = struct.unpack("<IIII", head)
            yield sec * 1000 + fraction / scale, file.read(stored)


def parse(frame):
    """(source, source port, destination port, sequence number, flags, payload length, payload), or
    None when it is not TCP."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 6:
        start, end = 14 + (frame[14] & 15) * 4, 14 + int.from_bytes(frame[16:18], "big")
        source = ipaddress.ip_address(frame[26:30])
    elif kind == b"\x86\xdd" and frame[20] == 6:
        start, end = 54, 54 + int.from_bytes(frame[18:20], "big")
        source = ipaddress.ip_address(frame[22:38])
    else:
        return None
    sport, dport, seq = struct.unpack("!HHI", frame[start:start + 8])
    data = start + (frame[start + 12] >> 4) * 4
    return str(source), sport, dport, seq, frame[start + 13], end - data, frame[data:end]


def measure(path):
    """(source, rtt_tcp, g1, delta) in ms for each whole handshake."""
    connections = {}
    for now, frame in read_pcap(path):
        packet = parse(frame)
        if not packet or packet[2] != 443:
            continue
        source, sport, _, seq, flags, length, payload = packet
        if flags & 0x12 == 0x02:
            connections[source, sport] = {"syn": now, "next": (seq + 1) & 0xffffffff}
            continue
        row = connections.get((source, sport))
        if not row or not flags & 0x10:
            continue
        row.setdefault("ack", now)
        if length <= 0:
            continue
        if "hello" not in row:
            row["hello"] = row["whole"] = now
            row["end"] = (row["next"] + 5 + int.from_bytes(payload[3:5], "big")) & 0xffffffff
        elif (seq - row["end"]) & 0x80000000:
            row["whole"] = now
        else:
            del connections[source, sport]
            rtt = row["ack"] - row["syn"]
            yield source, rtt, row["hello"] - row["ack"], now - row["whole"] - rtt


def main(capture, truth):
    with open(truth, encoding="ascii") as file:
        classes = dict(line.split("\t")[:2] for line in file)
    groups = collections.defaultdict(list)
    for source, *times in measure(capture):
        groups[classes.get(source, "unknown")].append(times)
    titles = "  ".join(f"{name:^27}" for name in ("rtt_tcp", "g1", "delta"))
    print(f"{'ms: p5 median p95 p99':<21} {'handshakes':>10}  {titles}")
    for name, rows in sorted(groups.items()):
        columns = []
        for values in zip(*rows):
            values = sorted(values)
            quantiles = [values[len(values) * part // 100] for part in (5, 50, 95, 99)]
            columns.append(" ".join(f"{value:6.1f}" for value in quantiles))
        print(f"{name:<21} {len(rows):>10}  " + "  ".join(columns))


if __name__ == "__main__":
    main(*sys.argv[1:])
