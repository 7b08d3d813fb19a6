#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An agent that dies at any moment does no harm: see storm.py. KILLS sets how often it dies.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

setup_file() {
	host_up storm
	stop_agent -TERM
}

teardown_file() {
	host_down
}

@test "killed at any moment, nothing is lost and the interface is never bare" {
	python3 -c 'import sqlite3' || skip "python3 without sqlite3"
	run python3 -B "$BATS_TEST_DIRNAME/storm.py" "$BUILD/seined" "$BUILD/seine" "$dir/seine.conf" \
		"$server" "$pins" "$BUILD/tests/bpf/older.bpf.o"
	echo "# $output" | head -20 >&3
	[ "$status" -eq 0 ] || tail -n 20 "$dir/storm.log"
	[ "$status" -eq 0 ]
}

@test "nothing of all these agents is left" {
	local map
	[ "$(ls "$pins")" = "$(sed -nE 's/^#define SEINE_ABI ([0-9]+)$/\1/p' "$root/bpf/seine.h")" ]
	map=$(bpftool -j map show pinned "$pins"/*/seine_cfg | python3 -c 'import json, sys
print(json.load(sys.stdin)["id"])')
	bpftool -j prog show | python3 -c 'import json, sys
n = sum(int(sys.argv[1]) in p.get("map_ids", []) for p in json.load(sys.stdin))
sys.exit(0 if n == 1 else "%d programs" % n)' "$map"
}
