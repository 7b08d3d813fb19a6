#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How the agent comes onto an interface, stays there and leaves it. One namespace with an end of a veth (eth0)
# and the loopback, whose driver has no XDP. Every test starts with no program and no maps.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

# Maps are pinned under the number of their layout.
abi=$(sed -nE 's/^#define SEINE_ABI ([0-9]+)$/\1/p' "$BATS_TEST_DIRNAME/../../bpf/seine.h")

bats_require_minimum_version 1.5.0

load host.bash

setup_file() {
	export host=seine-attach-h-$$ peer=seine-attach-p-$$
	pair_up attach "$host" "$peer"
}

teardown_file() {
	[ -n "${dir:-}" ] || return 0
	ip netns del "$peer"
	ip netns del "$host"
}

setup() {
	agents=()
	: >"$dir/log"
	configure
}

teardown() {
	local pid
	for pid in "${agents[@]}"; do
		kill -KILL "$pid" 2>/dev/null || continue
		gone "$pid"
	done
	on_host ip link set dev eth0 xdpdrv off
	on_host ip link set dev eth0 xdpgeneric off
	on_host ip link set dev lo xdpgeneric off
	on_host ip link set dev eth0 mtu 1500
	on_peer ip link set dev eth0 mtu 1500
	rm -rf "$pins" "$pins-other" "$dir/seine.conf.d" "$dir"/allow.d/* "$dir"/state*.db*
}

# `ip netns exec` would hide the bpf file system, and `ip -n` needs a root that is a mount point.
on_host() {
	nsenter --net="/run/netns/$host" "$@"
}

on_peer() {
	nsenter --net="/run/netns/$peer" "$@"
}

# configure [SED]: the configuration, changed by a script.
configure() {
	sed -e "${1:-}" >"$dir/seine.conf" <<-END
		[interface]
		name = eth0
		xdp = native
		[service]
		port = 443
		[agent]
		mode = observe
		interval = 1s
		on_stop = keep
		pin_dir = $pins
		socket = $dir/sock
		allow_dir = $dir/allow.d
		history = $dir/history.db
		state = $dir/state.db
		heartbeat = 5s
		[datapath]
		sources = 1024
		prefixes = 1024
		connections = 1024
		half_open = 1024
		hit_slots = 256
		[judge]
		entries_max = 100
		[guard]
		special_use = no
	END
}

seine() {
	on_host "$BUILD/seine" --socket "$dir/sock" "$@"
}

# Runs the agent to its end, which must come soon.
seined() {
	run -"$1" on_host timeout 20 "$BUILD/seined" --config "$dir/seine.conf" "${@:2}"
}

# Starts the agent, and waits until it answers.
start() {
	nsenter --net="/run/netns/$host" "$BUILD/seined" --config "$dir/seine.conf" \
		>>"$dir/log" 2>&1 3>&- &
	agent=$!
	agents+=("$agent")
	disown
	wait_until answers_or_is_gone
	seine status >/dev/null || {
		cat "$dir/log"
		return 1
	}
}

answers_or_is_gone() {
	not_running "$agent" || seine status
}

stop() {
	kill "${1:--TERM}" "$agent"
	gone "$agent"
}

gone() {
	wait_until not_running "$1"
}

not_running() {
	! kill -0 "$1" 2>/dev/null
}

wait_until() {
	local deadline=$((SECONDS + 20))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

logged() {
	grep -qF -- "$1" "$dir/log" || {
		cat "$dir/log"
		return 1
	}
}

# Id and mode ("xdp": native, "xdpgeneric") of the program on an interface; nothing when there is none.
program() {
	on_host ip -json link show dev "${1:-eth0}" |
		python3 -c '
import json, sys
xdp = json.load(sys.stdin)[0].get("xdp")
if xdp:
    print(xdp["prog"]["id"], {1: "native", 2: "generic"}.get(xdp["mode"], xdp["mode"]))'
}

connect() {
	on_peer timeout 1 bash -c "exec 3<>/dev/tcp/198.51.100.1/443"
}

@test "attaches natively, and says so" {
	start
	[[ $(program) == *" native" ]]
	logged "eth0: attached, native mode (program id $(program | cut -d' ' -f1))"
}

@test "attaches to an interface with jumbo frames" {
	on_host ip link set dev eth0 mtu 9000
	on_peer ip link set dev eth0 mtu 9000
	start
	[[ $(program) == *" native" ]]
}

@test "a driver without XDP is refused, not served slowly in silence" {
	configure 's/name = eth0/name = lo/'
	seined 1
	[[ $output == *"lo: the driver has no native XDP"*"xdp = generic"* ]]
	[ -z "$(program lo)" ]
}

@test "generic mode when asked" {
	configure 's/name = eth0/name = lo/; s/xdp = native/xdp = generic/'
	start
	[[ $(program lo) == *" generic" ]]
	logged "lo: attached, generic mode"
}

@test "a change of mode takes effect at the next start" {
	start
	stop
	configure 's/xdp = native/xdp = generic/'
	start
	[[ $(program) == *" generic" ]]
}

@test "an interface that does not exist is named" {
	configure 's/name = eth0/name = eth9/'
	seined 1
	[[ $output == *"there is no interface eth9"* ]]
}

@test "another XDP program is left alone" {
	command -v xdp-filter >/dev/null || skip "xdp-filter is not installed"
	local before
	on_host xdp-filter load --mode skb eth0
	before=$(program)
	configure 's/xdp = native/xdp = generic/'
	seined 1
	[[ $output == *"eth0: runs another XDP program (xdpfilt_"*"left alone"* ]]
	[ "$(program)" = "$before" ]
	on_host xdp-filter unload eth0
}

@test "a seine on other maps is left alone, and how to remove it is said" {
	local before
	start
	stop
	before=$(program)
	configure "s|$pins|$pins-other|; s|state.db|state-other.db|"
	seined 1
	[[ $output == *"runs a seine on other maps"*"ip link set dev eth0 xdpdrv off"* ]]
	[ "$(program)" = "$before" ]
}

@test "a restart keeps the program, the maps and what is in them" {
	local before
	start
	before=$(program)
	seine drop add 198.51.100.7 --ttl 10m
	seine allow add 198.51.100.2 --note peer
	stop
	[ "$(program)" = "$before" ]
	start
	[ "$(program)" = "$before" ]
	logged "eth0: still attached"
	seine drop list --json | grep -qF 198.51.100.7
	seine allow list --json | grep -qF 198.51.100.2
}

@test "an agent that is killed leaves the interface as it was" {
	local before
	start
	before=$(program)
	seine drop add 198.51.100.2 --ttl 10m
	seine mode enforce
	run -124 connect
	stop -KILL
	[ "$(program)" = "$before" ]
	run -124 connect # the operator's entry holds without the agent
	start
	[ "$(program)" = "$before" ]
	seine drop list --json | grep -qF 198.51.100.2
}

@test "only one agent at a time" {
	start
	seined 1
	[[ $output == *"another seined uses the maps in $pins"* ]]
}

@test "on_stop = observe: nothing is dropped any more" {
	configure 's/on_stop = keep/on_stop = observe/; s/mode = observe/mode = enforce/'
	start
	seine drop add 198.51.100.2 --ttl 10m
	run -124 connect
	stop
	run -1 connect # refused by the host: it arrived
	[ -n "$(program)" ]
}

@test "on_stop = detach: the interface is free, the maps are kept" {
	configure 's/on_stop = keep/on_stop = detach/'
	start
	stop
	[ -z "$(program)" ]
	logged "eth0: detached"
	[ -e "$pins/$abi/seine_src" ]
}

@test "a missing pin is named, and the program left alone" {
	local before
	start
	stop
	before=$(program)
	rm "$pins/$abi/seine_bits"
	seined 1
	[[ $output == *"$pins/$abi is incomplete"* ]]
	[ "$(program)" = "$before" ]
}

@test "maps of another layout are refused" {
	start
	stop
	on_host ip link set dev eth0 xdpdrv off
	rm "$pins/$abi/seine_net"
	bpftool map create "$pins/$abi/seine_net" type hash key 16 value 48 entries 1024 name seine_net
	seined 1
	[[ $output == *"seine_net has another layout"* ]]
	seined 0 --remove-maps
	[ ! -e "$pins/$abi" ]
	start
}

@test "other table sizes are told, and the maps kept" {
	start
	stop
	configure 's/sources = 1024/sources = 4096/'
	start
	logged "sources: 1024 as the maps were made, not 4096 as configured"
}

@test "a reload that is wrong changes nothing" {
	configure 's/mode = observe/mode = enforce/'
	start
	seine drop add 198.51.100.2 --ttl 10m
	echo 'interval = soon' >>"$dir/seine.conf"
	kill -HUP "$agent"
	wait_until logged "the settings stay as they were"
	logged "seine.conf:"
	run -124 connect
	seine status --json | grep -qF enforce
}

@test "a reload brings new settings and a new allow list" {
	start
	seine drop add 198.51.100.2 --ttl 10m
	configure 's/mode = observe/mode = enforce/'
	kill -HUP "$agent"
	wait_until logged "mode: enforce (was observe)"
	run -124 connect
	echo '198.51.100.0/24 # office' >"$dir/allow.d/net.list"
	kill -HUP "$agent"
	wait_until grep -q '@net: office' <(seine allow list --json)
	run -1 connect
	rm "$dir/allow.d/net.list"
	kill -HUP "$agent"
	wait_until allow_list_is_empty
	run -124 connect
}

allow_list_is_empty() {
	! seine allow list --json | grep -qF 198.51.100.0
}

@test "a table of networks is read at start and on reload, and never half" {
	printf '198.51.100.0/24 64500 ours\n2001:db8::/32 AS64501\n' >"$dir/networks"
	configure "\$a [correlate]\nnetworks = $dir/networks"
	start
	logged "$dir/networks: 2 prefixes of networks"

	printf '203.0.113.0/24 64502\n203.0.113.1/24 64502\n' >"$dir/networks"
	kill -HUP "$agent"
	wait_until logged "the settings stay as they were"
	logged "$dir/networks:2: 203.0.113.1/24: host bits set"
	stop
	seined 1
	[[ $output == *"$dir/networks:2: "* ]]
}

@test "a mode set on the command line outlives a reload" {
	start
	seine mode enforce
	kill -HUP "$agent"
	wait_until logged "reloaded"
	seine status --json | grep -qF enforce
}

@test "interfaces that change in a reload wait for the next start" {
	start
	configure 's/name = eth0/name = lo/'
	kill -HUP "$agent"
	wait_until logged "interfaces changed, which takes effect at the next start"
	[[ $(program) == *" native" ]]
}

@test "privileges are given up after the start" {
	local bpf_and_net_admin=0000008000001000
	start
	grep -q "^CapEff:.*$bpf_and_net_admin" "/proc/$agent/status"
	grep -q "^CapPrm:.*$bpf_and_net_admin" "/proc/$agent/status"
	grep -q '^NoNewPrivs:.*1' "/proc/$agent/status"
	grep -q '^Seccomp:.*2' "/proc/$agent/status"
}

@test "the heartbeat goes on with the cycles, and ends with them" {
	local beat
	start
	beat=$(heartbeat)
	wait_until later_than "$beat"
	kill -STOP "$agent"
	beat=$(heartbeat)
	sleep 3
	[ "$(heartbeat)" = "$beat" ]
	kill -CONT "$agent"
	wait_until later_than "$beat"
}

heartbeat() {
	bpftool -j map dump pinned "$pins/$abi/seine_beat" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["formatted"]["value"])'
}

later_than() {
	[ "$(heartbeat)" -gt "$1" ]
}

@test "exit status: misuse 2, settings 78, asked for 0" {
	seined 2 --no-such-option
	seined 2 something
	seined 0 --check-config
	configure 's/interval = 1s/interval = soon/'
	seined 78 --check-config
	[[ $output == *"seine.conf:8:"* ]]
	seined 78
	run -0 "$BUILD/seined" --version
	run -0 "$BUILD/seined" --help
	[ "$(wc -L <<<"$output")" -le 80 ]
}
