#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real captures through `seine replay`, against what tshark, p0f and others say of them. The
# captures are not part of the tree: SEINE_CAPTURES names the directory that holds them.

bats_require_minimum_version 1.5.0

setup_file() {
	captures=${SEINE_CAPTURES:-"$BATS_TEST_DIRNAME/../../../shared/data/captures"}
	export captures
	[ -d "$captures/pcap" ] || return 0
	mkdir "$BATS_FILE_TMPDIR/out"
	"$BATS_TEST_DIRNAME/compare.py" run "$BUILD/seine" "$captures" "$BATS_FILE_TMPDIR/out"
}

# check KIND: see compare.py, which prints each difference that is not in differences.tsv.
check() {
	[ -d "$captures/pcap" ] || skip "no captures: SEINE_CAPTURES names no directory with pcap/ in it"
	"$BATS_TEST_DIRNAME/compare.py" check "$captures" "$BATS_FILE_TMPDIR/out" "$1"
}

@test "packets, bytes and SYNs of every source" {
	check counts
}

@test "JA4 of every ClientHello, over TCP and QUIC" {
	check ja4
}

@test "SYN signatures, and p0f's reading of them" {
	check syn
}

@test "round trips of every clean handshake" {
	check rtt
}
