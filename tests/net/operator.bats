#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the documentation tells an operator to type, typed while a made-up swarm and an honest crowd talk: they are a
# capture, played into one end of a veth, and the agent runs on the other.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash
load walk.bash

heading="The first night" # of README.md

setup_file() {
	export server=seine-operator-s-$$ client=seine-operator-c-$$
	pair_up operator "$server" "$client"
	cat >"$dir/seine.conf" <<-END
		[interface]
		name = eth0
		[service]
		port = 443
		proof = ack
		[agent]
		interval = 500ms
		window = 2h
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
		observe_for = 1h
		[guard]
		special_use = no
	END
	mkdir "$dir/bin"
	printf '#!/bin/sh\nexec "%s" --config "%s" "$@"\n' "$BUILD/seine" "$dir/seine.conf" >"$dir/bin/seine"
	printf '#!/bin/sh\nexec "$@"\n' >"$dir/bin/sudo"
	chmod +x "$dir/bin/seine" "$dir/bin/sudo"
	export PATH=$dir/bin:$PATH

	"$BUILD/tests/sim/sim_capture" --seed 20255 --honest 300 --exits 100 --day 120 "$dir/sent.pcap" "$dir/truth.tsv"
	start_agent
	(exec nsenter --net="/run/netns/$client" "$BUILD/tests/sim/sim_send" eth0 "$dir/sent.pcap") \
		>"$dir/sent.txt" 2>&1 3>&- &
	echo $! >"$dir/sender.pid"
	patience=30 wait_until has_entries
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

# get EXPRESSION COMMAND...: prints it.
get() {
	local expression=$1
	shift
	seine "$@" --json | python3 -c 'import json, sys
a = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$expression"
}

campaign() {
	get 'a["campaigns"][0]["id"]' campaign list
}

has_entries() {
	json "len([e for e in a['entries'] if e['campaign'] == '$(campaign)']) >= 20" drop list --limit 1000
}

counter() {
	get "a['counters']['$1']['total']" status
}

# grows COUNTER: by more than a packet or two.
grows() {
	local from
	from=$(counter "$1")
	wait_until above "$1" $((from + 20))
}

above() {
	[ "$(counter "$1")" -gt "$2" ]
}

# rests COUNTER: it stays as it is while packets come.
rests() {
	local from
	sleep 0.6 # a cycle, so that the number is later than the command
	from=$(counter "$1")
	grows packets
	[ "$(counter "$1")" -eq "$from" ] || {
		echo "$1 goes on: $(counter "$1"), was $from"
		return 1
	}
}

# An operator's entry drops now, whatever the ladder does with the campaign.
is_dropping() {
	json 'a["mode"] == "enforce" and not a["off"]' mode &&
		json 'any(e["origin"] == "operator" and e["action"] == "drop" for e in a["entries"])' \
			drop list --limit 1000
}

# What must have happened when a command returns. Where it began to drop stands in `dropping`.
look_after() {
	case ${1#sudo } in
	"seine mode enforce" | "seine on" | "seine drop add "*)
		is_dropping >/dev/null 2>&1 || return 0
		echo "$1" >>"$dir/dropping"
		grows dropped
		;;
	"seine mode observe" | "seine off" | "seine apply --revert") rests dropped ;;
	esac
}

# crowded: the /24 with most members, and one of them.
crowded() {
	get '(lambda all: (lambda net: net + " " + next(m for m in all if m.startswith(net)))(
		max((m.rpartition(".")[0] + "." for m in all),
			key=lambda net: sum(m.startswith(net) for m in all))))(
		[m["source"] for m in a["members"] if ":" not in m["source"]])' \
		campaign show "$(campaign)" --limit 1000
}

# walk_with FILE HEADING: the examples of the documentation stand for a campaign, one of its members, and the member's
# neighbourhood.
walk_with() {
	local net member
	read -r net member <<<"$(crowded)"
	printf '%s0/24\n' "$net" >"$dir/bad.list"
	cd "$dir" || return 1
	rm -f "$dir/dropping"
	walk "$1" "$2" look_after c-1f3a="$(campaign)" 203.0.113.7="$member" 203.0.113.="$net"
}

@test "what the README tells for the first night works" {
	local readme=$BATS_TEST_DIRNAME/../../README.md
	grep -q "^## $heading\$" "$readme" || skip "README.md has no section '$heading'"
	walk_with "$readme" "$heading"
	[ -s "$dir/dropping" ]
}

@test "look, act, and take it back, while a swarm talks" {
	cat >"$dir/tale.md" <<-'END'
		## Look, act, undo
		    seine status                        # is all well?
		    seine src --limit 5
		    seine campaign list

		Then

		    seine campaign explain c-1f3a       # why
		    seine check 203.0.113.7             # exit 1: nothing is dropped yet
		    seine drop add 203.0.113.0/24 --action canary --share 5% --ttl 1h --note "ticket 4711"
		    sudo seine mode enforce
		    seine drop add 203.0.113.0/24 --ttl 1h
		    seine check 203.0.113.7
		    seine drop list --sort hits --limit 5
		    sudo seine off
		    sudo seine on
		    seine drop del 203.0.113.0/24
		    sudo seine mode observe
		## Other
		    false
	END
	walk_with "$dir/tale.md" "Look, act, undo"
	[ "$(wc -l <"$dir/dropping")" -eq 2 ] # the second entry, and on
}

@test "a walk takes the lines below its heading, and nothing else" {
	printf '%s\n' '# A' '    echo a' '## B C' 'text' '    echo b  # say b' '' '    # aside' \
		'    echo "c # d"' '### D' '    echo d' >"$dir/tale.md"
	run walk "$dir/tale.md" "B C" true
	[ "$status" -eq 0 ]
	[ "$output" = $'$ echo b\nb\n[exit 0]\n$ echo "c # d"\nc # d\n[exit 0]' ]
	run walk "$dir/tale.md" B true
	[ "$status" -eq 1 ]
	[[ $output == *"no commands below 'B'"* ]]
}

@test "a walk ends at the first command that does not end as told" {
	printf '%s\n' '## A' '    sh -c "exit 3"  # exit 3: so be it' '    echo X' '    sh -c "echo why; exit 4"' \
		'    echo c' >"$dir/tale.md"
	run walk "$dir/tale.md" A true X=here
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *$'[exit 3]\n$ echo here\nhere\n[exit 0]\n$ sh -c "echo why; exit 4"\nwhy\n[exit 4]'* ]]
	[[ $output == *"ended with 4, not 0" ]]
	printf '%s\n' '## A' '    true  # exit 1: never' >"$dir/tale.md"
	run walk "$dir/tale.md" A true
	[ "$status" -eq 1 ]
	printf '%s\n' '## A' '    true' >"$dir/tale.md"
	run walk "$dir/tale.md" A false
	[ "$status" -eq 1 ]
}
