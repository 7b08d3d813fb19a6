#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An agent that only talks: for tests of what the command line sends and prints.

usage: fake_agent.py SOCKET LOG

Every verb has one answer, with texts as long as they get; a list is an answer and the lines that follow
it. Each request goes to LOG as a line of JSON; of a file that came with it, the text is its member "file".
"drop del" misses 192.0.2.9, a file with "bad" in it has bad lines, and one with "later" has them unless it
is a dry run.
"""
import json
import os
import socket
import sys

T = 1795000000


def kind(name, **members):
    return {"seine": {"schema": 1, "kind": name}, **members}


def error(code, text, **members):
    return kind("error", error={"code": code, "text": text}, **members)


def entry(prefix, **members):
    return {"prefix": prefix, "action": "drop", "origin": "operator", "actor": "root", "share": 0, "rate_pps": 0,
            "burst": 0, "hello": None, "hello_name": None, "campaign": None, "added": T, "expires": T + 3600,
            "left_sec": 3600, "hits": {"packets": 12345, "bytes": 1, "syns": 1, "last": T}, "note": "", **members}


OFFICE = entry("203.0.113.0/24", note="three bad ones, of ticket 4711 (39 b)")
WIDE = entry("203.0.112.0/20", action="watch", origin="external", actor=None, left_sec=None)
FEED = entry("2001:db8:1234:5678::/64", action="limit", rate_pps=4294967295, hello="00c0ffee00c0ffee",
             hello_name="python sdk", origin="feed", actor="a-feed-with-a-long-name")
AUTO = entry("192.0.2.128/25", action="canary", share=500, origin="auto", actor="seined", campaign="c-1f3a")
IMPACT = {"addresses_v4": 4294967296, "networks_v6": 65536, "sources": 12, "members": 9, "honest_sources": 7,
          "honest_requests": 1234, "honest": ["203.0.113.%d" % i for i in range(4)] + ["2001:db8:1234:5678::"]}
TRIAL = {"active": True, "until": T + 252, "left_sec": 252, "began": T, "actor": "root",
         "changes": ["mode observe -> enforce", "3,124 entries of the drop list added, 3 removed, 12 changed by others"]}
STANDING = {"campaign": "c-1f3a", "rung": "canary", "order": "approved", "actor": "root", "note": "seen in the logs",
            "since": T, "rises": T + 4 * 10**8, "reason": "accepted traffic fell by 12 %, which is more than 5 %",
            "rollbacks": 1, "entries": 12, "held_out": 1250, "held_out_alike": 1190, "mode": "enforce"}
CAMPAIGN = {"id": "c-1f3a", "ended": None, "awake": 9, "awake_expected": 9, "members": 25000, "grown_from": 25000,
            "rate": 640000, "entries": 12, "first": T, "last": T, "evidence": ["path", "schedule", "density"],
            "sources": 30000, "requests": 10**6, "hello": "00c0ffee00c0ffee", "hello_name": "python sdk",
            "gap": "dual", "gap_low_ms": 60, "gap_high_ms": 90, "q": 1e-9, "standing": STANDING}
CHANGE = kind("change", added=3124, removed=1, changed=1, kept=100, entries=3225, diff_all=3116, impact=IMPACT,
              skipped=[{"line": 3, "text": "10.0.0.0/8: overlaps a guard"}], skipped_all=25, mode="enforce",
              dry_run=False, trial=TRIAL,
              diff=[{"change": "added", "entry": FEED, "was": None}, {"change": "removed", "entry": WIDE, "was": None},
                    {"change": "changed", "entry": AUTO, "was": OFFICE}])
BAD = error("invalid", "list.txt: 2 bad lines; nothing has changed", lines_all=22,
            lines=[{"line": 7, "text": "203.0.113.300: no address"}, {"line": 0, "text": "cut short"}])


def event(number, **members):
    return {"id": number, "at": T + number, "actor": "root", "uid": 0, "pid": 4711, "verb": "drop add",
            "object": "203.0.113.0/24", "result": "done", "text": "drop, operator root, for 1 h, as asked for",
            "before": None, "after": OFFICE, "evidence": None, **members}


STATUS = kind("status", version="0", mode="enforce", off=False, degraded=True, trouble="", started=T, uptime_sec=60,
              reasons=["the list in the kernel is not the one recorded: 3 entries of 3,225 could not be written"],
              interval_ms=10000, silent_after_sec=60, interfaces=[], cycle=None, tables={}, judgement=None,
              entries={"operator": 3, "auto": 9, "feed": 0}, campaigns=None, hellos={}, history=None, server_us={},
              counters={}, conflicts=3, guards={"own": 4, "gateway": 1}, trial=TRIAL,
              ladder={"observe": 2, "canary": 1, "enforce": 3, "paused": 1, "rejected": 0},
              state={"path": "/var/lib/seine/state.db", "recorded": True})
COVERING = [{"entry": OFFICE, "in_force": True, "overruled_by": None},
            {"entry": FEED, "in_force": False, "overruled_by": OFFICE},
            {"entry": WIDE, "in_force": True, "overruled_by": None}]

ANSWERS = {
    "status": STATUS,
    "drop list": kind("drops", mode="observe", total=5, entries=[OFFICE, WIDE, FEED, AUTO]),
    "drop add": kind("drop", entry=FEED, existed=True, kept_expiry=True, was=AUTO, overruled_by=WIDE, impact=IMPACT,
                     dry_run=True, mode="observe"),
    "drop del": kind("drop", removed=OFFICE, still_covered_by="203.0.112.0/20", now=FEED),
    "drop flush": CHANGE, "drop replace": CHANGE, "drop import": CHANGE,
    "drop export": kind("export", entries=1, bytes=34),
    "drop conflicts": kind("conflicts", total=1200, conflicts=[{"loser": FEED, "winner": OFFICE},
                                                               {"loser": AUTO, "winner": WIDE}]),
    "drop watch": [kind("drops_watch"), kind("drop_change", change="added", entry=OFFICE, was=None),
                   kind("drop_change", change="changed", entry=FEED, was=OFFICE),
                   kind("drop_change", change="bulk", entry=None, was=None, count=3112)],
    "allow list": kind("allows", total=1, entries=[OFFICE]),
    "allow add": kind("allow", entry=OFFICE, existed=False, kept_expiry=False, overrules=7, overruled=[FEED, WIDE],
                      dry_run=True),
    "allow del": kind("allow", removed=OFFICE),
    "campaign list": kind("campaigns", sources=1, cohorts=1, campaigns=[CAMPAIGN]),
    "campaign show": kind("campaign", campaign=CAMPAIGN, prefixes=[], members=[]),
    "campaign explain": kind("explanation", campaign=CAMPAIGN, sentences=[], refusals=[]),
    "campaign approve": kind("standing", **STANDING),
    "campaign pause": kind("standing", **{**STANDING, "order": "paused"}),
    "campaign reject": kind("standing", **{**STANDING, "order": "rejected"}),
    "check": kind("check", address="203.0.113.9", drops=True, sentence="is dropped", mode="enforce", off=False,
                  entry=OFFICE, allow=None, campaign=None, source=None, profile=None, covering=COVERING,
                  guards=[{"rule": "gateway", "prefix": "203.0.113.9", "note": "of eth0"}]),
    "apply": kind("trial", **TRIAL), "apply begin": kind("trial", **TRIAL),
    "apply confirm": kind("trial", active=False), "apply revert": kind("trial", active=False),
    "log": kind("log", total=40, events=[event(1), event(2, result="refused"), event(3, actor="a-long-name")]),
    "log follow": [kind("log_follow"), kind("event", **event(3)), kind("event", **event(4)),
                   kind("event", **event(5, object="192.0.2.1")), kind("event", **event(6, object="c-1f3a"))],
    "mode": kind("mode", mode="enforce", off=False), "mode set": kind("mode", mode="enforce", off=False),
}


def answer_to(request):
    verb, file = request["verb"], request.get("file", "")
    if verb == "drop del" and request["prefix"] == "192.0.2.9":
        return error("missing", "192.0.2.9: not listed")
    if request.get("origin") == "feed" and verb == "drop list":
        return {**ANSWERS[verb], "entries": [FEED]}
    if "bad" in file or ("later" in file and "dry_run" not in request):
        return BAD
    return ANSWERS.get(verb, error("invalid", verb + ": the agent knows no such verb"))


def receive(client):
    line, files = b"", []
    while not line.endswith(b"\n"):
        part, fds, _, _ = socket.recv_fds(client, 65536, 4)
        if not part:
            return None, files
        line += part
        files += fds
    return json.loads(line), files


def serve(client, log):
    request, files = receive(client)
    if request is None:
        return
    for fd in files:
        if request["verb"] == "drop export":
            os.pwrite(fd, b"prefix,action\n203.0.113.0/24,drop\n", 0)
        else:
            request["file"] = os.pread(fd, 1 << 20, 0).decode()
    print(json.dumps(request, sort_keys=True), file=log, flush=True)
    answer = answer_to(request)
    for line in answer if isinstance(answer, list) else [answer]:
        client.sendall(json.dumps(line).encode() + b"\n")


def main():
    path, log = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    with open(log, "a") as out:
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                serve(client, out)
                os._exit(0)
            client.close()


main()
