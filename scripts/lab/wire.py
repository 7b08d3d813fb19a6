# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcpdump saw, connection by connection: the measure that seine is held against.

Reads classic pcap as tcpdump writes it on this machine, of Ethernet and of raw IPv4. Shares no code
and no rule of thumb with seine: times are differences between packets, nothing is left out of them.
"""

import struct

FIN_SYN_RST_ACK = 0x17
SYN, ACK = 0x02, 0x10
RAW = (12, 101)                 # link types
MARK_EXTENSION = 0xfe5e         # of handshakes.c
LONG_US = 20000                 # a gap, for Wire.gap
HALF = 1 << 31


def read_pcap(path):
    """(microseconds, IPv4 packet) for each packet that is one."""
    with open(path, "rb") as file:
        head = file.read(24)
        if len(head) < 24 or head[:4] != b"\xd4\xc3\xb2\xa1":
            return
        start = 0 if struct.unpack("<I", head[20:])[0] in RAW else 14
        while len(head := file.read(16)) == 16:
            sec, usec, stored, _ = struct.unpack("<IIII", head)
            packet = file.read(stored)[start:]
            if len(packet) >= 40 and packet[0] >> 4 == 4 and packet[9] == 6:
                yield sec * 1000000 + usec, packet


class Segment:
    """A TCP segment over IPv4."""

    __slots__ = ("source", "target", "sport", "dport", "seq", "ack", "flags", "size", "payload")

    def __init__(self, packet):
        start = (packet[0] & 15) * 4
        self.source = "%d.%d.%d.%d" % tuple(packet[12:16])
        self.target = "%d.%d.%d.%d" % tuple(packet[16:20])
        self.sport, self.dport, self.seq, self.ack = struct.unpack_from("!HHII", packet, start)
        data = start + (packet[start + 12] >> 4) * 4
        self.flags = packet[start + 13] & FIN_SYN_RST_ACK
        self.size = int.from_bytes(packet[2:4], "big") - data
        self.payload = packet[data:data + self.size]


def ahead(a, b):
    """How far sequence number a is ahead of b."""
    return (a - b + HALF) % (1 << 32) - HALF


def find_mark(hello):
    """The ID that handshakes.c put into the beginning of a ClientHello; None when there is none."""
    try:
        at = 43                                                 # record, message, version, random
        at += 1 + hello[at]                                     # session
        at += 2 + int.from_bytes(hello[at:at + 2], "big")       # ciphers
        at += 1 + hello[at] + 2                                 # compression, length of extensions
        while at + 8 <= len(hello):
            kind, size = struct.unpack_from("!HH", hello, at)
            if kind == MARK_EXTENSION:
                return int.from_bytes(hello[at + 4:at + 8], "big")
            at += 4 + size
    except IndexError:
        pass
    return None


class Wire:
    """One connection, from what came in at the server. Times in microseconds; None: not seen."""

    def __init__(self, now, syn):
        self.source, self.sport = syn.source, syn.sport
        self.isn = syn.seq
        self.syn, self.syns = now, 1
        self.ack = None                 # when the first ACK came, and its number
        self.ack_number = None
        self.first = None               # first byte of the hello
        self.whole = None               # last byte of it
        self.flight = None              # the client's next data after something of the server's
        self.mark = None
        self.segments = 0               # of the hello
        self.disturbed = False          # before the flight, data came twice or out of order
        self.next = (syn.seq + 1) % (1 << 32)
        self.early = []                 # begin and end of segments that came before their turn
        self.end = None                 # sequence number after the hello

    def take(self, now, segment):
        if segment.flags & SYN:
            self.syn, self.syns = now, self.syns + 1
            return
        if not segment.flags & ACK or self.flight is not None:
            return
        if self.ack is None:
            self.ack, self.ack_number = now, segment.ack
        if segment.size > 0:
            self.take_data(now, segment)

    def take_data(self, now, segment):
        end = (segment.seq + segment.size) % (1 << 32)
        if ahead(segment.seq, self.next):
            self.disturbed = True
        if self.first is None and segment.seq == self.next and len(segment.payload) >= 5:
            self.first = now
            size = int.from_bytes(segment.payload[3:5], "big")
            self.end = (segment.seq + 5 + size) % (1 << 32)
            self.mark = find_mark(segment.payload)
        self.early.append((segment.seq, end))
        for begin, end in sorted(self.early, key=lambda piece: ahead(piece[0], self.isn)):
            if ahead(begin, self.next) <= 0 < ahead(end, self.next):
                self.next = end
        self.early = [piece for piece in self.early if ahead(piece[1], self.next) > 0]
        if self.end is None:
            return
        if self.whole is None:
            self.segments += 1
            if ahead(self.next, self.end) >= 0:
                self.whole = now
        elif ahead(segment.ack, self.ack_number) > 0:
            self.flight = now

    @property
    def complete(self):
        """Whether all times were seen and mean what they say."""
        return self.flight is not None and self.syns == 1 and not self.disturbed

    @property
    def rtt_tcp(self):
        return None if self.ack is None else self.ack - self.syn

    @property
    def g1(self):
        return None if self.first is None else self.first - self.ack

    @property
    def delta(self):
        return None if self.flight is None else self.flight - self.whole - self.rtt_tcp

    @property
    def gap(self):
        """The plainest of rules: how many of the two gaps are long."""
        if not self.complete:
            return None
        return ("none", "single", "dual")[(self.delta >= LONG_US) + (self.g1 >= LONG_US)]


def read_connections(path, port=443):
    """{(source, port): connections, the first one first} of a capture at the server."""
    connections = {}
    for now, packet in read_pcap(path):
        segment = Segment(packet)
        if segment.dport != port:
            continue
        key = segment.source, segment.sport
        rows = connections.get(key)
        if segment.flags & (SYN | ACK) == SYN and (not rows or rows[-1].isn != segment.seq):
            connections.setdefault(key, []).append(Wire(now, segment))
        elif rows:
            rows[-1].take(now, segment)
    return connections


def read_round_trips(path, port=443):
    """{(source, port): [microseconds]} from SYN to SYN-ACK, in a capture at the client's end; None
    where one of them came twice."""
    sent, trips = {}, {}
    for now, packet in read_pcap(path):
        segment = Segment(packet)
        if segment.dport == port and not segment.flags & ACK:
            key = segment.source, segment.sport
            old = sent.get(key)
            if old and old[1] == segment.seq:
                trips[key][-1] = None
                sent[key] = 0, segment.seq, True
            else:
                sent[key] = now, segment.seq, False
                trips.setdefault(key, []).append(None)
        elif segment.sport == port and segment.flags & ACK:
            key = segment.target, segment.dport
            began, seq, again = sent.get(key, (0, 0, True))
            if not again:
                trips[key][-1] = now - began
                sent[key] = 0, seq, True
    return trips
