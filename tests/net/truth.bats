#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The laboratory truth in short (scripts/lab/truth): every kind of TLS handshake over every kind of
# route from every place, with seined on the server's interface and tcpdump on both ends. The long
# version, with enough of them for shares of a thousandth: `scripts/lab/truth --connections 20000`.

bats_require_minimum_version 1.5.0

setup_file() {
	local tool
	export BUILD=${BUILD:-$BATS_TEST_DIRNAME/../../.build}
	export name=seine-truth-$$ said=$BATS_FILE_TMPDIR/said

	for tool in nginx tinyproxy microsocks tcpdump nft openssl chrt python3; do
		command -v $tool >/dev/null || skip "$tool is not installed"
	done
	# Other things may run on the machine: what tcpdump saw as well is no error of seine's.
	"$BATS_TEST_DIRNAME/../../scripts/lab/truth" --busy --rate 60 \
		--name "$name" --dir "$BATS_FILE_TMPDIR/lab" >"$said" 2>&1 3>&- || true
}

# holds FIGURE...: each of them was judged, and holds.
holds() {
	local figure
	for figure; do
		grep -q "^ok  $figure" "$said" || {
			cat "$said"
			return 1
		}
	done
}

@test "every connection is made, and seine reports it" {
	holds "connections that failed" "connections of nobody" \
		"connections seine said nothing of" "connections told in pieces"
}

@test "the round trip of TCP is what tcpdump saw" {
	holds "rtt_tcp error p99, quiet" "rtt_tcp error p99, all"
}

@test "every kind of handshake is called by its name" {
	holds "handshakes without a name, quiet" "handshakes called by another name"
}

@test "no gap where there is no second leg" {
	holds "false gaps: single" "false gaps: dual"
}

@test "no gap from 0-RTT" {
	holds "false gaps of 0-RTT"
}

@test "a gap where a second leg is" {
	holds "missed gaps"
}

@test "nothing of the laboratory is left" {
	run ip netns list
	[[ $output != *"$name"* ]]
	[ ! -e "/sys/fs/bpf/seine-$name" ]
}
