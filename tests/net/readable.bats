#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What README.md promises an operator, on a laboratory at work: every command it shows succeeds, what it prints
# fits a terminal and names what is really there, and the maps are readable without seine.

# Maps are pinned under the number of their layout.
abi=$(sed -nE 's/^#define SEINE_ABI ([0-9]+)$/\1/p' "$BATS_TEST_DIRNAME/../../bpf/seine.h")

lab() {
	scripts/lab/lab --name readable "$@"
}

seine() {
	lab seine "$@"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift

	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 1
	done
}

# json COMMAND... PYTHON: what --json prints, as `a` in an expression.
json() {
	local expression=${*: -1}

	seine "${@:1:$#-1}" --json |
		python3 -c "import json, sys; a = json.load(sys.stdin); print($expression)"
}

fits_terminal() {
	local wide

	wide=$(wc -L <<<"$output")
	if [ -z "$output" ] || [ "$wide" -gt 80 ]; then
		echo "$wide columns: $output"
		return 1
	fi
}

# Sources of a class, one a line.
truth() {
	lab truth | awk -F '\t' -v class="$1" '$2 == class { print $1 }'
}

enough_seen() {
	[ "$(json status 'a["counters"]["requests"]["total"]')" -gt 200 ]
}

# A campaign is there before its members are proven, and they before their entries are in force.
found() {
	[ "$(json campaign list 'sum(c["entries"] for c in a["campaigns"])')" -gt 0 ]
}

# Commands as README.md shows them, one a line, on this laboratory's maps and its campaign.
shown_in_readme() {
	# The first night has a test of its own, which looks at what each command does.
	awk '/^## / { night = /The first night/ } !night' README.md |
		sed -nE 's/^    (sudo )?((seine|bpftool) .*)/\2/p' | sed -E "
		s/ +#.*//
		s|/sys/fs/bpf/seine/|/sys/fs/bpf/seine-readable/|
		s/c-1f3a/$(json campaign list 'a["campaigns"][0]["id"]')/
		s/8f3a0c52d1e977b4/$(json hello list 'a["hellos"][0]["hello"]')/
		s|banned.list|$BATS_FILE_TMPDIR/banned.list|
		s|capture.pcap|$BATS_FILE_TMPDIR/capture.pcap|"
}

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
	"${BUILD:-.build}/bench/capture" 1000000 >"$BATS_FILE_TMPDIR/capture.pcap"
	echo "203.0.113.250 ticket 4711" >"$BATS_FILE_TMPDIR/banned.list"
	lab up
	lab seined
	lab traffic --seconds 400 >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/traffic"
	wait_for 60 enough_seen
}

teardown_file() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
	kill "$(cat "$BATS_FILE_TMPDIR/traffic")" || true
	lab down
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || exit
}

@test "status says how it is" {
	run seine status
	[ "$status" -eq 0 ]
	fits_terminal
	[[ $output == *observe*"nothing is dropped"* ]]
	[[ $output == *"api0: program "*"native"* ]]
}

@test "src lists real sources, the busiest first" {
	run seine src --sort requests --limit 5
	[ "$status" -eq 0 ]
	fits_terminal
	[[ $output == *SOURCE*REQ*GAP* ]]
	# The carrier and the company have the most users behind one address.
	[[ $output == *"$(truth carrier) "* ]]
	[[ $output == *"$(truth corporate) "* ]]
}

@test "src of one address tells all that is known of it" {
	run seine src "$(truth corporate)"
	[ "$status" -eq 0 ]
	fits_terminal
	[[ $output == *ClientHello* && $output == *"round trip"* ]]
}

@test "net lists the dense prefixes" {
	run seine net --sort sources --limit 2
	[ "$status" -eq 0 ]
	fits_terminal
	[[ $output == *203.0.113.0/24* && $output == *198.51.100.0/24* ]]
}

@test "check of an innocent says it passes" {
	run seine check "$(truth carrier)"
	[ "$status" -eq 1 ]
	fits_terminal
	[[ $output == *"none covers it"*"What was measured"*"Not a member"* ]]
}

@test "every reading verb prints JSON with a schema" {
	local verb

	for verb in status src net "campaign list" "drop list" "allow list"; do
		# shellcheck disable=SC2086 # noun and verb
		[ "$(json $verb 'a["seine"]["schema"]')" -eq 1 ]
	done
}

@test "bpftool prints the maps with the names of their fields" {
	local maps=/sys/fs/bpf/seine-readable/$abi

	run bpftool map dump pinned "$maps"/seine_stats
	[[ $status -eq 0 && $output == *'"requests":'* && $output == *'"would_drop":'* ]]
	run bpftool map dump pinned "$maps"/seine_src
	[[ $status -eq 0 && $output == *'"rtt_min_us":'* ]]
	run bpftool map dump pinned "$maps"/seine_net
	[[ $status -eq 0 && $output == *'"syns":'* ]]
}

@test "a campaign is found, and explained in sentences" {
	wait_for 120 found
	run seine campaign list
	[ "$status" -eq 0 ]
	fits_terminal
	[[ $output == *c-* && $output == *path* ]]
	run seine campaign explain "$(json campaign list 'a["campaigns"][0]["id"]')"
	[ "$status" -eq 0 ]
	fits_terminal
	[[ $output == *"What speaks for it"*"+ Path, p "*"What speaks against it"* ]]
	[[ $output == *"If one kind of evidence were wrong"*"What dropping it would hit"*"How it lives"* ]]
}

@test "entries dump with their notes" {
	run bpftool map dump pinned "/sys/fs/bpf/seine-readable/$abi/seine_drop"
	[[ $status -eq 0 && $output == *'"expires_sec":'* && $output == *'"note":'* ]]
}

# The exit has an entry, or its prefix has: not all members are proven at once.
listed() {
	seine check "$1" | grep -qE '^entry .*\(watch, auto c-'
}

@test "check of an exit names its entry" {
	local exit

	exit=$(truth swarm | grep ^203.0.113. | head -n 1)
	wait_for 60 listed "$exit"
	run seine check "$exit"
	fits_terminal
	[[ $output == *"entry "*"(watch, auto c-"*"It is a member of c-"* ]]
}

@test "every command of README.md works" {
	local command

	wait_for 60 found
	while read -r command; do
		echo "$command"
		eval "run $command"
		echo "$output"
		# check says no with 1.
		[[ $status -eq 0 || $command == "seine check "* && $status -eq 1 ]]
		[[ $command == bpftool* ]] || fits_terminal
	done < <(shown_in_readme)
	[[ $(seine status) == *off* ]]
	run seine on
	[ "$status" -eq 0 ]
}
