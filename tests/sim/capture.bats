#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Made-up days of an API host as captures, with real handshakes, through `seine replay`: the same
# datapath and the same line as on a card. The seeds played no part in making the generator. Goals:
# members right in 99.5 %, nine of ten exits found after a day, nobody blamed without a campaign; of
# second legs at most 1.5 % unseen, of direct handshakes at most 0.05 % with two gaps, a fifth of them
# on lossy mobile lines.

# shellcheck disable=SC2154 # values that score.py prints

bats_require_minimum_version 1.5.0

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	"$BATS_TEST_DIRNAME/../../scripts/bpffs"
	dir=$BATS_TEST_TMPDIR
}

# day OPTION...: makes a capture, replays it, and sets the values of score.py.
day() {
	local line
	"$BUILD/tests/sim/sim_capture" "$@" "$dir/day.pcap" "$dir/truth.tsv"
	"$BUILD/seine" replay "$dir/day.pcap" --ports 443 --json >"$dir/answer.json"
	rm "$dir/day.pcap"
	line=$(python3 "$BATS_TEST_DIRNAME/score.py" "$dir/answer.json" "$dir/truth.tsv")
	echo "$*: $line"
	eval "$line"
}

# holds EXPRESSION: a python expression over the values.
holds() {
	python3 -c 'import sys; sys.exit(0 if eval(sys.argv[1]) else "not so: " + sys.argv[1])' "$1"
}

found() {
	[ "$campaigns" -eq 1 ]
	holds "$precision >= 0.995"
	holds "$recall >= 0.9"
	[ "$lost" -eq 0 ]
	holds "$missed <= 0.015"
	holds "$false_dual <= 0.0005"
}

@test "a seed gives the same capture" {
	for name in a b; do
		"$BUILD/tests/sim/sim_capture" --seed 20250 --honest 300 --exits 50 --hours 2 \
			"$dir/$name.pcap" "$dir/$name.tsv"
	done
	cmp "$dir/a.pcap" "$dir/b.pcap"
	cmp "$dir/a.tsv" "$dir/b.tsv"
}

@test "300 exits among 1,500 sources, least recently used first: found after a day" {
	day --seed 20251 --honest 1500 --exits 300
	found
}

@test "300 exits among 1,500 sources, drawn at random: found after a day" {
	day --seed 20252 --honest 1500 --exits 300 --random
	found
}

@test "1,500 honest sources: nobody is blamed" {
	for seed in 20253 20254; do
		day --seed $seed --honest 1500 --exits 0
		[ "$campaigns" -eq 0 ]
		[ "$drops" -eq 0 ]
		holds "$false_dual <= 0.0005"
	done
}
