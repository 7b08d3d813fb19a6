#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# When the agent is dead: what it listed by itself stops to drop after the heartbeat's limit, what people listed goes on
# to its end, and a restart brings all of it back. A made-up swarm, a capture, talks meanwhile; its campaign has climbed
# to the end of the ladder at once.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

silent_sec=3 # the limit

setup_file() {
	export server=seine-silence-s-$$ client=seine-silence-c-$$
	pair_up silence "$server" "$client"
	cat >"$dir/seine.conf" <<-END
		[interface]
		name = eth0
		[service]
		port = 443
		proof = ack
		[agent]
		mode = enforce
		interval = 500ms
		window = 2h
		heartbeat = ${silent_sec}s
		pin_dir = $pins
		socket = $dir/sock
		allow_dir = $dir/allow.d
		hello_names = $dir/lib/hello.names
		history = $dir/history.db
		state = $dir/state.db
		[datapath]
		sources = 4096
		prefixes = 4096
		[correlate]
		hold = 0
		[judge]
		observe_for = 0s
		canary_for = 0s
		[guard]
		special_use = no
	END
	"$BUILD/tests/sim/sim_capture" --seed 20255 --honest 300 --exits 100 --day 120 "$dir/sent.pcap" "$dir/truth.tsv"
	start_agent
	(exec nsenter --net="/run/netns/$client" "$BUILD/tests/sim/sim_send" eth0 "$dir/sent.pcap") \
		>"$dir/sent.txt" 2>&1 3>&- &
	echo $! >"$dir/sender.pid"
	patience=30 wait_until json \
		'sum((e["origin"], e["action"]) == ("auto", "drop") for e in a["entries"]) >= 20' \
		drop list --limit 1000
}

teardown_file() {
	[ -n "${dir:-}" ] || return 0
	kill "$(cat "$dir/sender.pid")" 2>/dev/null || true
	[ ! -e "$dir/seined.pid" ] || stop_agent -TERM
	nsenter --net="/run/netns/$server" ip link set dev eth0 xdp off 2>/dev/null || true
	ip netns del "$client"
	ip netns del "$server"
	rm -rf "$pins"
}

# counter NAME: of the kernel's, whether or not there is an agent.
counter() {
	bpftool -j map dump pinned "$pins"/*/seine_stats | python3 -c 'import json, sys
print(sum(cpu["value"][sys.argv[1]] for row in json.load(sys.stdin) for cpu in row["formatted"]["values"]))' "$1"
}

above() {
	[ "$(counter "$1")" -gt "$2" ]
}

grows() {
	wait_until above "$1" $(($(counter "$1") + ${2:-10}))
}

# rests COUNTER OTHER: it stays as it is while the other one grows.
rests() {
	local from
	from=$(counter "$1")
	grows "$2"
	[ "$(counter "$1")" -eq "$from" ] || {
		echo "$1 goes on: $(counter "$1"), was $from"
		return 1
	}
}

# members of the campaign in its most crowded /24: that network.
crowded() {
	seine drop list --origin auto --limit 1000 --json | python3 -c 'import collections, json, sys
nets = collections.Counter(e["prefix"].rpartition(".")[0] for e in json.load(sys.stdin)["entries"]
                           if ":" not in e["prefix"] and "/" not in e["prefix"])
print(nets.most_common(1)[0][0] + ".0/24")'
}

@test "entries of a dead agent stop to drop after the heartbeat's limit, and drop again after a restart" {
	grows dropped
	stop_agent -KILL
	# Not before it: a restart is no gap.
	[ "$(counter agent_silent)" -eq 0 ]
	grows dropped 1
	sleep $((silent_sec + 1))
	grows agent_silent
	rests dropped agent_silent
	start_agent
	patience=5 wait_until above dropped "$(($(counter dropped) + 10))"
	rests agent_silent dropped
	json 'sum((e["origin"], e["action"]) == ("auto", "drop") for e in a["entries"]) >= 20' drop list --limit 1000
}

@test "an operator's entry goes on without an agent, until its own end" {
	local net silent
	net=$(crowded)
	seine drop add "$net" --ttl 14s
	silent=$(counter agent_silent)
	stop_agent -KILL
	sleep $((silent_sec + 1))
	grows agent_silent
	[ "$(counter agent_silent)" -gt "$silent" ]
	grows dropped 3
	wait_until above expired 0
	rests dropped expired
	start_agent
	grows dropped
}
