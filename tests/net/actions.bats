#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What each action of an entry does to real TLS traffic: two namespaces joined by a veth, a TLS server on port 443 in
# one, and in the other clients (client.py) behind any address of 198.18.0.0/17 and 2001:db8:5e1::/48.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

# Maps are pinned under the number of their layout.
abi=$(sed -nE 's/^#define SEINE_ABI ([0-9]+)$/\1/p' "$BATS_TEST_DIRNAME/../../bpf/seine.h")

# Two cipher lists, two ClientHellos.
other=ECDHE-ECDSA-AES128-GCM-SHA256

setup_file() {
	host_up actions
	on_server ip address add 2001:db8:1::1/64 dev eth0 nodad
	on_client ip address add 2001:db8:1::2/64 dev eth0 nodad
	on_server ip route add 198.18.0.0/17 via 198.51.100.2
	on_server ip route add 2001:db8:5e1::/48 via 2001:db8:1::2
	on_client ip link set lo up
	on_client ip route add local 198.18.0.0/17 dev lo
	on_client ip route add local 2001:db8:5e1::/48 dev lo
	on_client sysctl -qw net.ipv6.ip_nonlocal_bind=1

	printf '198.18.4.%d\n' {0..255} >"$dir/crowd"
	printf '198.18.5.%d\n' {0..43} >>"$dir/crowd"
	printf '2001:db8:5e1:%x::1\n' {1..100} >>"$dir/crowd"
	crowd_prefixes=(198.18.4.0/23 2001:db8:5e1::/48)
	wait_until reaches answer 198.18.0.1
	wait_until reaches answer 2001:db8:5e1::1
}

teardown_file() {
	host_down
}

setup() {
	[ -n "${dir:-}" ] || return 0
	crowd_prefixes=(198.18.4.0/23 2001:db8:5e1::/48)
	talkers=()
	seine on
	seine mode enforce
} >/dev/null

teardown() {
	local prefix pid
	for pid in "${talkers[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	for prefix in $(seine drop list --json | python3 -c 'import json, sys
print(*[e["prefix"] for e in json.load(sys.stdin)["entries"]])'); do
		seine drop del "$prefix"
	done
	for prefix in $(seine allow list --json | python3 -c 'import json, sys
print(*[e["prefix"] for e in json.load(sys.stdin)["entries"]])'); do
		seine allow del "$prefix"
	done
} >/dev/null

serve() {
	in_server python3 "$BATS_TEST_DIRNAME/server.py" "$dir/cert" "$dir/key" "$dir/served" 22
}

on_server() {
	nsenter --net="/run/netns/$server" "$@"
}

on_client() {
	nsenter --net="/run/netns/$client" "$@"
}

clients() {
	on_client python3 "$BATS_TEST_DIRNAME/client.py" "$@"
}

# reaches STAGE [OPTION]... ADDRESS: how far a client comes; see client.py.
reaches() {
	local stage=$1 got
	shift
	got=$(clients once "$@")
	[ "$got" = "${*: -1} $stage" ] || {
		echo "$got, not $stage"
		return 1
	}
}

# Those that must not get through need not be waited for long.
stopped() {
	reaches tcp --patience 2 "$@"
}

# counter NAME: out of the datapath itself, as of this moment, with the agent alive or dead.
counter() {
	bpftool map dump pinned "$pins/$abi/seine_stats" |
		awk -F'[":, ]+' -v name="$1" '$2 == name { n += $3 } END { print n + 0 }'
}

# hits PREFIX: packets of it so far.
hits() {
	seine drop list --json | python3 -c 'import json, sys
print(*[e["hits"]["packets"] for e in json.load(sys.stdin)["entries"] if e["prefix"] == sys.argv[1]])' "$1"
}

# --- canary and hold-out --------------------------------------------------------------------------

# In a shell of its own: bats looks at each command of this one.
check_crowd() {
	bash -c 'while read -r address; do
		if "$@" check "$address" >/dev/null; then
			echo "$address drops"
		else
			echo "$address passes"
		fi
	done' - "$BUILD/seine" --config "$dir/seine.conf" <"$dir/crowd"
}

# crowd_meets PART PASS... -- OPTION...: an entry with these options takes this part of the crowd, the same sources in
# each pass; what came of it stands in files of that name.
crowd_meets() {
	local part=$1 passes=() prefix crowd pass
	for ((; ; )); do
		shift
		[ "$1" != -- ] || break
		passes+=("$dir/$1")
	done
	shift
	for prefix in "${crowd_prefixes[@]}"; do
		seine drop add "$prefix" "$@"
	done
	check_crowd >"$dir/checked"
	mapfile -t crowd <"$dir/crowd"
	for pass in "${passes[@]}"; do
		clients once "${crowd[@]}" >"$pass"
	done
	python3 "$BATS_TEST_DIRNAME/shares.py" "$part" "$dir/checked" "${passes[@]}"
}

# none_left FILE FILE: all sources that got no answer in the first got none in the second either.
only_more() {
	local left
	left=$(comm -23 <(sed -n 's/ none$//p' "$dir/$1" | sort) <(sed -n 's/ none$//p' "$dir/$2" | sort))
	[ -z "$left" ] || {
		echo "taken in $1 and not in $2: $left"
		return 1
	}
}

@test "a canary takes its share of the sources, the same ones again, and check knows which" {
	crowd_meets 0.05 canary-5 -- --action canary --share 5%
	crowd_meets 0.25 canary-25 canary-25-again -- --action canary --share 25%
	only_more canary-5 canary-25
}

@test "a drop with a share takes the canary's sources too, and counts whom it holds out" {
	local before
	before=$(counter held_out)
	crowd_meets 0.95 drop-95 -- --action drop --share 95%
	only_more canary-5 drop-95
	only_more canary-25 drop-95
	[ "$(counter held_out)" -gt "$before" ]
	wait_until json "a['counters']['held_out']['total'] == $(counter held_out) > $before" status
}

# --- one ClientHello ------------------------------------------------------------------------------

# hello_of ADDRESS: the key of what spoke from there.
hello_of() {
	seine src "$1" --json 2>/dev/null | python3 -c 'import json, sys
print(json.load(sys.stdin)["source"]["hello"])'
}

# key_of ADDRESS OPTION...: of a client with these options, seen from an address that nobody else has.
key_of() {
	reaches answer "${@:2}" "$1"
	wait_until hello_of "$1"
	hello_of "$1"
}

# talk NAME [OPTION]... ADDRESS: a client that goes on in the background; waits until it was answered. Sets pid.
talk() {
	local name=$1
	shift
	clients talk "$@" >"$dir/talk.$name" 2>&1 3>&- &
	pid=$!
	talkers+=("$pid")
	wait_until grep -q answer "$dir/talk.$name"
}

answers() {
	grep -c answer "$dir/talk.$1" || true
}

more_answers() {
	[ "$(answers "$1")" -gt "$2" ]
}

# goes_on NAME: it is answered ten times more.
goes_on() {
	wait_until more_answers "$1" $(($(answers "$1") + 10))
}

port_of() {
	sed -n 's/^port //p' "$dir/talk.$1"
}

# received NAME ADDRESS: bytes that the server's kernel took of its connection, and requests that the server read.
received() {
	local port
	port=$(port_of "$1")
	on_server ss -Htin state established "( sport = :443 and dport = :$port and dst = $2 )" |
		grep -o 'bytes_received:[0-9]*'
	grep -c "$2 $port request" "$dir/served"
}

@test "an entry for one ClientHello stops that software, and not its neighbour behind the same address" {
	local key before address=198.18.8.1
	key=$(key_of 198.18.8.10 --cipher $other)
	[ "$key" != "$(key_of 198.18.8.11)" ]
	json "'$key' in [h['hello'] for h in a['hellos']]" hello list

	talk stopped --cipher $other --patience 2 $address
	talk neighbour $address
	seine drop add $address --hello "$key"
	wait_until grep -q "ended after answer" "$dir/talk.stopped"
	goes_on neighbour
	stopped --cipher $other $address
	reaches answer $address
	run ! grep -q ended "$dir/talk.neighbour"
}
