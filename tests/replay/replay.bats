#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `seine replay` on the captures that the fuzzer starts from, and on a generated one: what is
# printed, and what is said of what cannot be read.

# shellcheck disable=SC2154 # run sets $stderr

bats_require_minimum_version 1.5.0

setup() {
	corpus=$BATS_TEST_DIRNAME/../fuzz/corpus/capture
	seine=$BUILD/seine
}

# value EXPRESSION: of the JSON that the last `run` printed
value() {
	python3 -c 'import json, sys; a = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" <<<"$output"
}

@test "every link type: one SYN each" {
	for name in ethernet.pcap ethernet.pcapng big_endian.pcap nanoseconds.pcap raw.pcap ipv6.pcap \
		sll.pcap sll2.pcap null.pcap loop.pcap offload.pcap; do
		run --separate-stderr "$seine" replay "$corpus/$name" --json
		[ "$status" -eq 0 ] || { echo "$name: $stderr"; false; }
		[ "$(value 'all(s["syn"] for s in a["sources"]) and a["syn"] > 0')" = True ] ||
			{ echo "$name"; false; }
	done
}

@test "an IP length of 0 becomes that of the packet" {
	run --separate-stderr "$seine" replay "$corpus/offload.pcap" --json
	[ "$(value 'a["bytes"]')" = 3440 ]
	[ "$(value 'a["capture"]["offloaded"]')" = 1 ]
}

@test "a pipe" {
	run --separate-stderr bash -c "$seine replay - --json <$corpus/raw.pcap"
	[ "$status" -eq 0 ]
	[ "$(value 'a["packets"]')" = 2 ]
}

@test "a cut capture: what could be read, then where it ends" {
	run --separate-stderr "$seine" replay "$corpus/cut.pcapng" --json
	[ "$status" -eq 1 ]
	[[ $stderr == "seine: $corpus/cut.pcapng: offset 48: "* ]]
	[ "$(value 'a["seine"]["kind"]')" = replay ]
}

@test "what is no capture is refused in a sentence" {
	: >"$BATS_TEST_TMPDIR/empty"
	for file in "$corpus/text" "$corpus/unknown_link.pcap" "$BATS_TEST_TMPDIR/empty" \
		"$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/missing"; do
		run --separate-stderr "$seine" replay "$file"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[[ $stderr == "seine: $file: "?* ]] || { echo "$stderr"; false; }
	done
}

@test "a table of networks that cannot be read is named by file and line" {
	printf '[interface]\nname = eth0\n[service]\nport = 443\n[correlate]\nnetworks = %s\n' \
		"$BATS_TEST_TMPDIR/networks" >"$BATS_TEST_TMPDIR/seine.conf"
	echo '198.51.100.0/24 AS64500 ours' >"$BATS_TEST_TMPDIR/networks"
	run --separate-stderr "$seine" --config "$BATS_TEST_TMPDIR/seine.conf" replay "$corpus/raw.pcap"
	[ "$status" -eq 0 ]
	echo '198.51.100.0/24 ours' >>"$BATS_TEST_TMPDIR/networks"
	run --separate-stderr "$seine" --config "$BATS_TEST_TMPDIR/seine.conf" replay "$corpus/raw.pcap"
	[ "$status" -eq 1 ]
	[[ $stderr == *"$BATS_TEST_TMPDIR/networks:2: ours: not a number"* ]]
}

@test "ports that are none are a misuse" {
	run --separate-stderr "$seine" replay "$corpus/raw.pcap" --ports 443,htps
	[ "$status" -eq 2 ]
	[[ $stderr == *"htps: not a port"* ]]
}

@test "connections of a generated capture: all measured, all told" {
	"$BUILD/bench/capture" 6000000 >"$BATS_TEST_TMPDIR/made.pcap"
	run --separate-stderr "$seine" replay "$BATS_TEST_TMPDIR/made.pcap" --json
	connections=$(value 'a["all"]["connections"]')
	[ "$connections" -gt 1000 ]
	[ "$(value 'a["stats"]["connection_lost"] + a["stats"]["hello_lost"]')" = 0 ]
	[ "$(value 'len(a["all"]["ja4"])')" = 16 ]
	[ "$(value 'sum(s["connections"] for s in a["sources"])')" = "$connections" ]
	run --separate-stderr bash -c "$seine replay $BATS_TEST_TMPDIR/made.pcap --connections |
		grep -v unproven | wc -l"
	[ "$output" -eq "$connections" ]
}

@test "a run leaves nothing pinned" {
	before=$(ls /sys/fs/bpf)
	"$seine" replay "$corpus/raw.pcap" >/dev/null
	[ "$(ls /sys/fs/bpf)" = "$before" ]
}
