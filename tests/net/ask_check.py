#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks the agent what `seine check` asks it, for many addresses at the cost of one process.

Usage: ask_check.py SOCKET <ADDRESSES. Writes "ADDRESS drops" or "ADDRESS passes" for each.
"""

import json
import socket
import sys


def ask(path, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        with s.makefile("rw", encoding="utf-8") as stream:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            return json.loads(stream.readline())


def main(path):
    for address in sys.stdin.read().split():
        answer = ask(path, {"verb": "check", "address": address})
        print(address, "drops" if answer["drops"] else "passes")


if __name__ == "__main__":
    main(sys.argv[1])
