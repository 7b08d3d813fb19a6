#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A made-up day in a minute, played into a veth at its own times, while an agent runs on the other
# end: it must find what `seine replay` finds in the same packets, with the same settings.
#
# The window is 2 h, so that no border of its shortest part, 5 minutes, passes in between: where
# windows end is a matter of the time of day, which a capture replayed later does not share. Members
# are not held over rounds, because the two have their rounds at different moments.
#
# What the machine does to the times of packets on the way is in what tcpdump records behind the
# program: that is replayed as well.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash; values by same.py

bats_require_minimum_version 1.5.0

load ../net/host.bash

setup_file() {
	export server=seine-sim-s-$$ client=seine-sim-c-$$
	pair_up sim "$server" "$client"
	cat >"$dir/seine.conf" <<-END
		[interface]
		name = eth0
		[service]
		port = 443
		proof = ack
		[agent]
		interval = 1s
		window = 2h
		pin_dir = $pins
		socket = $dir/sock
		allow_dir = $dir/allow.d
		hello_names = $dir/lib/hello.names
		state = $dir/state.db
		[datapath]
		sources = 16384
		prefixes = 16384
		[correlate]
		hold = 0
		[guard]
		special_use = no
	END
	"$BUILD/tests/sim/sim_capture" --seed 20255 --honest 400 --exits 200 --day 60 \
		"$dir/sent.pcap" "$dir/truth.tsv"
	start_agent
	record_start
	# Frames at their times need a processor at their times.
	nsenter --net="/run/netns/$client" nice -n -10 "$BUILD/tests/sim/sim_send" eth0 \
		"$dir/sent.pcap" >"$dir/sent.txt"
	record_stop
	ask
}

teardown_file() {
	[ -n "${dir:-}" ] || return 0
	[ ! -e "$dir/seined.pid" ] || stop_agent -TERM
	nsenter --net="/run/netns/$server" ip link set dev eth0 xdp off 2>/dev/null || true
	ip netns del "$client"
	ip netns del "$server"
	rm -rf "$pins"
}

record_start() {
	(in_server tcpdump -i eth0 -w "$dir/seen.pcap" -B 262144 --time-stamp-precision=nano -s 0 \
		'tcp dst port 443' 2>"$dir/tcpdump.log") 3>&- &
	echo $! >"$dir/tcpdump.pid"
	wait_until grep -q listening "$dir/tcpdump.log"
}

record_stop() {
	sleep 1 # what tcpdump has not read yet
	kill -TERM "$(cat "$dir/tcpdump.pid")"
	wait "$(cat "$dir/tcpdump.pid")" || true
}

# A cycle that began after the last packet has come.
settled() {
	[ "$(seine status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["cycle"]["number"])')" -ge "$1" ]
}

ask() {
	local now
	now=$(seine status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["cycle"]["number"])')
	wait_until settled $((now + 2))
	seine status --json >"$dir/status.json"
	seine campaign list --json >"$dir/list.json"
	seine campaign show "$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["campaigns"][0]["id"])' "$dir/list.json")" \
		--limit 10000 --json >"$dir/show.json"
	seine replay "$dir/sent.pcap" --json >"$dir/replay-sent.json"
	seine replay "$dir/seen.pcap" --json >"$dir/replay-seen.json"
}

# same REPLAY: sets the values of same.py.
same() {
	local line
	line=$(python3 "$BATS_TEST_DIRNAME/same.py" "$dir/status.json" "$dir/list.json" \
		"$dir/show.json" "$1")
	echo "$line"
	cat "$dir/sent.txt" "$dir/tcpdump.log"
	eval "$line"
}

# holds EXPRESSION: a python expression over the values.
holds() {
	python3 -c 'import sys; sys.exit(0 if eval(sys.argv[1]) else "not so: " + sys.argv[1])' "$1"
}

# A stall of the machine gives all handshakes that go on meanwhile other times. Of a minute, 1.2 s are
# the 2 % in which members may differ.
stall_most_us=1200000

@test "live and in a replay of what was sent: the same campaign, the same members" {
	local sent late latest_us
	eval "$(cat "$dir/sent.txt")"
	[ "$latest_us" -le $stall_most_us ] ||
		skip "the machine stalled: $late of $sent frames went out late, up to $latest_us us"
	same "$dir/replay-sent.json"
	[ -n "$live_keys" ]
	[ "$live_keys" = "$replay_keys" ]
	[ "$live_members" -ge 180 ]
	holds "$jaccard >= 0.98"
	holds "$apart <= 0.001"
}

@test "and in a replay of what came out of the veth" {
	grep -q '^0 packets dropped by kernel' "$dir/tcpdump.log"
	same "$dir/replay-seen.json"
	[ "$live_keys" = "$replay_keys" ]
	holds "$jaccard >= 0.98"
	holds "$apart <= 0.001"
}

@test "members are exits" {
	python3 - "$dir/show.json" "$dir/truth.tsv" <<-'END'
		import json, sys
		truth = dict(line.split() for line in open(sys.argv[2]))
		members = json.load(open(sys.argv[1]))["members"]
		right = sum(truth.get(m["source"].split("/")[0]) == "exit" for m in members)
		sys.exit(0 if right >= 0.995 * len(members) > 0 else f"{right} of {len(members)}")
	END
}
