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

# Another cipher list, another ClientHello.
other=(--cipher ECDHE-ECDSA-AES128-GCM-SHA256)

setup_file() {
	# A row that makes room for another connection takes along what was known of its ClientHello.
	connections=65536 host_up actions
	sed -i 's/^interval = .*/interval = 200ms/; s/^heartbeat = .*/heartbeat = 4s/' "$dir/seine.conf"
	kill -HUP "$(cat "$dir/seined.pid")"
	# Without what stands before it in PATH to choose among versions, which takes longer than most of its work here.
	PATH=$(python3 -c 'import os, sys; print(os.path.dirname(sys.executable))'):$PATH
	export PATH
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
	wait_until reaches answer 198.18.0.1
	wait_until reaches answer 2001:db8:5e1::1
	learn_hellos
}

teardown_file() {
	host_down
}

# Each test begins with a living agent that enforces, and no entries.
setup() {
	[ -n "${dir:-}" ] || return 0
	crowd_prefixes=(198.18.4.0/23 2001:db8:5e1::/48)
	background=()
	seine status || start_agent
	forget_everything
	seine on
	seine mode enforce
} >/dev/null 2>&1

teardown() {
	local pid
	for pid in "${background[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
}

forget_everything() {
	local list prefix
	for list in drop allow; do
		for prefix in $(seine $list list --limit 1000 --json | python3 -c 'import json, sys
print(*[e["prefix"] for e in json.load(sys.stdin)["entries"]])'); do
			seine $list del "$prefix"
		done
	done
}

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

# in_background OUTPUT VERB...: clients that go on, until the end of the test. Sets pid.
in_background() {
	(exec nsenter --net="/run/netns/$client" python3 "$BATS_TEST_DIRNAME/client.py" "${@:2}") >"$1" 2>&1 3>&- &
	pid=$!
	background+=("$pid")
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

# silent ADDRESS: its SYN is dropped.
silent() {
	local before
	before=$(counter dropped)
	reaches none --connect 0.5 "$1"
	[ "$(counter dropped)" -gt "$before" ]
}

# stopped [OPTION]... ADDRESS: its connection gets no further than TCP, because its packets are dropped: the ClientHello
# and, within a second, at least one repetition.
stopped() {
	local before
	before=$(counter dropped)
	reaches tcp --patience 1 "$@"
	[ "$(counter dropped)" -ge $((before + 2)) ]
}

# counter NAME: out of the datapath itself, as of this moment, with the agent alive or dead.
counter() {
	bpftool map dump pinned "$pins/$abi/seine_stats" |
		awk -F'[":, ]+' -v name="$1" '$2 == name { n += $3 } END { print n + 0 }'
}

# hits PREFIX: packets of it so far.
hits() {
	seine drop list --limit 1000 --json | python3 -c 'import json, sys
print(*[e["hits"]["packets"] for e in json.load(sys.stdin)["entries"] if e["prefix"] == sys.argv[1]])' "$1"
}

# --- canary and hold-out --------------------------------------------------------------------------

# crowd_meets PART CHECKED PASS... -- OPTION...: an entry with these options takes this part of the crowd, the same
# sources in each pass; what came of it stands in files of that name. CHECKED may be "-".
crowd_meets() {
	local part=$1 checked=$2 passes=() prefix crowd pass
	shift
	for ((; ; )); do
		shift
		[ "$1" != -- ] || break
		passes+=("$dir/$1")
	done
	shift
	for prefix in "${crowd_prefixes[@]}"; do
		seine drop add "$prefix" "$@"
	done
	if [ "$checked" != - ]; then
		checked=$dir/$checked
		python3 "$BATS_TEST_DIRNAME/ask_check.py" "$dir/sock" <"$dir/crowd" >"$checked"
	fi
	mapfile -t crowd <"$dir/crowd"
	for pass in "${passes[@]}"; do
		clients once "${crowd[@]}" >"$pass"
	done
	python3 "$BATS_TEST_DIRNAME/shares.py" "$part" "$checked" "${passes[@]}"
}

# only_more FILE FILE: all sources that got no answer in the first got none in the second either.
only_more() {
	local left
	[ -s "$dir/$1" ] || skip "needs $1 of a test before"
	left=$(comm -23 <(sed -n 's/ none$//p' "$dir/$1" | sort) <(sed -n 's/ none$//p' "$dir/$2" | sort))
	[ -z "$left" ] || {
		echo "taken in $1 and not in $2: $left"
		return 1
	}
}

@test "a canary takes its share of the sources, the same ones again, and check knows which" {
	crowd_meets 0.05 - canary-5 -- --action canary --share 5%
	crowd_meets 0.25 checked-25 canary-25 canary-25-again -- --action canary --share 25%
	only_more canary-5 canary-25
}

@test "a drop with a share takes the canary's sources too, and counts whom it holds out" {
	local before
	before=$(counter held_out)
	crowd_meets 0.95 checked-95 drop-95 -- --action drop --share 95%
	only_more canary-5 drop-95
	only_more canary-25 drop-95
	[ "$(counter held_out)" -gt "$before" ]
	wait_until json "a['counters']['held_out']['total'] == $(counter held_out) > $before" status
}

@test "addresses of one IPv6 /64 share their fate" {
	local n pair both=()
	seine drop add 2001:db8:5e1::/48 --action canary --share 50%
	for n in {1..20}; do
		both+=("2001:db8:5e1:$n::1" "2001:db8:5e1:$n:abc::2")
	done
	clients once --connect 0.5 "${both[@]}" >"$dir/pairs"
	mapfile -t pair <"$dir/pairs"
	for ((n = 0; n < 40; n += 2)); do
		echo "${pair[n]}, ${pair[n + 1]}"
		[ "${pair[n]#* }" = "${pair[n + 1]#* }" ]
	done
	grep -q none "$dir/pairs"
	grep -q answer "$dir/pairs"
}

# --- one ClientHello ------------------------------------------------------------------------------

# hello_of ADDRESS: the key of what spoke from there.
hello_of() {
	seine src "$1" --json 2>/dev/null | python3 -c 'import json, sys
print(json.load(sys.stdin)["source"]["hello"])'
}

# The clients of these tests, by name; each has a ClientHello of its own.
options_of() {
	case $1 in
	plain) ;;
	other) echo "${other[@]}" ;;
	tls-1.2) echo --tls 1.2 ;;
	tls-1.3) echo --tls 1.3 ;;
	esac
}

# Each shows itself at an address that nobody else has.
learn_hellos() {
	local name address=198.18.1.0
	for name in plain other tls-1.2 tls-1.3; do
		address=198.18.1.$((${address##*.} + 1))
		# shellcheck disable=SC2046 # several words
		reaches answer $(options_of $name) $address
		wait_until hello_of $address
		hello_of $address >"$dir/hello.$name"
	done
}

hello_key() {
	cat "$dir/hello.$1"
}

# talk NAME [OPTION]... ADDRESS: a client that goes on in the background; waits until it was answered. Sets pid.
talk() {
	local name=$1
	shift
	in_background "$dir/talk.$name" talk "$@"
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
	key=$(hello_key other)
	[ "$key" != "$(hello_key plain)" ]
	json "'$key' in [h['hello'] for h in a['hellos']]" hello list

	talk stopped "${other[@]}" --patience 1 $address
	talk neighbour $address
	seine drop add $address --hello "$key"
	sleep 0.2 # what had come in before
	before=$(received stopped $address)
	wait_until grep -q "ended after answer" "$dir/talk.stopped"
	goes_on neighbour
	stopped "${other[@]}" $address
	reaches answer $address
	run ! grep -q ended "$dir/talk.neighbour"
	echo "before: $before; after: $(received stopped $address)"
	[ "$(received stopped $address)" = "$before" ]
}

@test "it stops that software where a wider entry only watches, and check says so" {
	local address=198.18.16.1
	seine drop add 198.18.16.0/24 --action watch
	seine drop add $address --hello "$(hello_key other)"
	stopped "${other[@]}" $address
	wait_until seine check $address
	reaches answer $address
	wait_until json "a['verdict'] == 'watched' and a['entry']['prefix'] == '198.18.16.0/24'" check $address
}

# all_same FILE "COUNT LINE"
all_same() {
	local found
	found=$(sort "$1" | uniq -c | xargs)
	[ "$found" = "$2" ] || {
		echo "$1: $found, not $2"
		return 1
	}
}

@test "it tells the two apart however often they come at the same moment" {
	local address=198.18.8.2
	seine drop add $address --hello "$(hello_key other)"
	in_background "$dir/many.stopped" once --connections 50 --patience 2 "${other[@]}" $address
	clients once --connections 50 $address >"$dir/many.neighbour"
	wait "$pid"
	all_same "$dir/many.stopped" "50 $address tcp"
	all_same "$dir/many.neighbour" "50 $address answer"
}

@test "it knows a ClientHello in two segments, over TLS 1.2 and 1.3" {
	local address=198.18.8.3
	seine drop add $address --hello "$(hello_key tls-1.3)"
	stopped --tls 1.3 --split 200 $address
	reaches answer --tls 1.2 --split 100 $address
	seine drop add 2001:db8:5e1:803::/64 --hello "$(hello_key tls-1.2)"
	stopped --tls 1.2 --split 100 2001:db8:5e1:803::1
	reaches answer --tls 1.3 --split 200 2001:db8:5e1:803::1
}

@test "a ClientHello that is cut before the end of its cipher list is not known, and passes" {
	local dropped differs address=198.18.8.5
	seine drop add $address --hello "$(hello_key other)"
	dropped=$(counter dropped) differs=$(counter hello_differs)
	reaches answer "${other[@]}" --split 40 $address
	[ "$(counter dropped)" -eq "$dropped" ]
	[ "$(counter hello_differs)" -ge $((differs + 5)) ]
}

# openssl_asks ADDRESS OPTION...: another TLS stack; its exit status says whether it was answered.
openssl_asks() {
	local address=$1
	shift
	printf 'GET / HTTP/1.0\r\n\r\n' | on_client timeout 1 openssl s_client -ign_eof -bind "$address" \
		-connect 198.51.100.1:443 -ciphersuites TLS_AES_128_GCM_SHA256 "$@" >"$dir/openssl.log" 2>&1 || true
	grep -q "^HTTP/1.1 200" "$dir/openssl.log"
}

curl_asks() {
	on_client curl -sk --max-time 5 -o "$dir/page" --interface "$1" https://198.51.100.1/
}

@test "it knows a resumed session, and other programs" {
	local key version other address=198.18.8.4
	for version in tls1_3 tls1_2; do
		other=198.18.8.1${version#tls1_} # what is known of it is of this version
		openssl_asks "$other" -$version -sess_out "$dir/session.$version"
		wait_until hello_of "$other"
		key=$(hello_of "$other")
		openssl_asks $address -$version -sess_in "$dir/session.$version"
		grep -q "^Reused" "$dir/openssl.log"
		seine drop add $address --hello "$key"
		run ! openssl_asks $address -$version -sess_in "$dir/session.$version"
		curl_asks $address
		seine drop del $address
	done
}

# --- limit ----------------------------------------------------------------------------------------

# hammered ADDRESS...: packets of TCP per second that the server's kernel gets while these addresses ask as fast as they
# can, eight connections each. The first moment, when all connect and a burst passes, does not count.
hammered() {
	local from began packets
	in_background "$dir/hammer" hammer --connections 8 --seconds 2.2 --patience 1 "$@"
	sleep 0.7
	from=$(segments) began=${EPOCHREALTIME/./}
	sleep 1.5
	packets=$(($(segments) - from))
	echo $((packets * 1000000 / (${EPOCHREALTIME/./} - began)))
	wait "$pid"
}

segments() {
	# shellcheck disable=SC2016 # awk's $
	on_server awk '$1 == "Tcp:" { n = $11 } END { print n }' /proc/net/snmp
}

# within VALUE LOW HIGH
within() {
	if [ "$1" -lt "$2" ] || [ "$1" -gt "$3" ]; then
		echo "$1, not $2 to $3"
		return 1
	fi
}

@test "a limit holds an address at its rate, all of a prefix together at one, and nobody else" {
	local free held both apart before
	free=$(hammered 198.18.9.1)
	seine drop add 198.18.9.0/24 --action limit --rate 100 --burst 20
	held=$(hammered 198.18.9.1)
	both=$(hammered 198.18.9.1 198.18.9.2)
	seine drop add 198.18.9.1 --action limit --rate 100 --burst 20
	seine drop add 198.18.9.2 --action limit --rate 100 --burst 20
	apart=$(hammered 198.18.9.1 198.18.9.2)
	echo "packets per second: free $free, one address $held, two in one entry $both, in two $apart"
	[ "$free" -gt 1000 ]
	within "$held" 50 120
	within "$both" 50 120
	within "$apart" 130 240

	talk neighbour 198.18.10.1
	before=$(answers neighbour)
	hammered 198.18.9.1 >/dev/null
	# Two seconds, a request every 50 ms, on a machine that has other things to do.
	within $(($(answers neighbour) - before)) 10 50
}

# burst_of PACKETS: so many pass at once, before one per second does.
burst_of() {
	local before passed began=$SECONDS
	seine drop add 198.18.9.0/24 --action limit --rate 1 --burst "$1"
	before=$(counter within_limit)
	clients once --connections 20 --patience 1 198.18.9.1 >"$dir/burst"
	passed=$(($(counter within_limit) - before))
	seine drop del 198.18.9.0/24
	echo "burst $1: $passed passed, $(grep -c answer "$dir/burst") of 20 answered"
	within "$passed" "$1" $(($1 + 2 + SECONDS - began))
}

@test "a burst passes, and what comes after it waits for the rate" {
	burst_of 1
	run ! grep -q answer "$dir/burst"
	burst_of 60
	seine drop add 198.18.9.0/24 --action limit --rate 1 --burst 20
	reaches answer 198.18.9.3 # some ten packets
	seine drop add 198.18.9.0/24 --action limit --rate 1 --burst 1000
	clients once --connections 20 198.18.9.1 >"$dir/burst"
	all_same "$dir/burst" "20 198.18.9.1 answer"
}

@test "a limit that is raised counts at once, whatever was used up before" {
	local address=198.18.9.4
	seine drop add $address --action limit --rate 1 --burst 60
	clients once --connections 20 --patience 1 $address >/dev/null
	seine drop add $address --action limit --rate 1000 --burst 100
	reaches answer $address
}

# --- watch, and who wins --------------------------------------------------------------------------

@test "a watch lets all pass, and counts each packet" {
	local watched
	seine drop add 198.18.11.0/24 --action watch
	watched=$(counter watched)
	clients once --connections 30 198.18.11.1 >"$dir/watched"
	all_same "$dir/watched" "30 198.18.11.1 answer"
	watched=$(($(counter watched) - watched))
	[ "$watched" -ge $((30 * 5)) ]
	[ "$(hits 198.18.11.0/24)" -eq "$watched" ]
}

@test "allow beats drop, off beats all, observing drops nothing" {
	local address=198.18.12.1
	seine drop add 198.18.12.0/24
	silent $address
	seine allow add $address --note ours
	reaches answer $address
	silent 198.18.12.2
	seine allow del $address
	silent $address
	seine off
	reaches answer $address
	seine on
	silent $address
	seine mode observe
	reaches answer $address
	[ "$(counter would_drop)" -gt 0 ]
	seine mode enforce
	silent $address
}

# --- without the agent ----------------------------------------------------------------------------

# Bytes of a number, lowest first, as bpftool takes them.
number() {
	local bytes=$1 value=$2
	while ((bytes--)); do
		printf '%d ' $((value & 255))
		value=$((value >> 8))
	done
}

# key A.B.C.D LEN
key() {
	echo 0 0 0 0 0 0 0 0 0 0 255 255 "${1//./ }" "$(number 4 "$2")"
}

# row ACTION ORIGIN EXPIRES: struct seine_entry of bpf/seine.h.
row() {
	number 8 0
	for field in "$1" "$2" "$(uptime_sec)" "$3" 0 0 0 0 0 4294967295; do
		number 4 "$field"
	done
	number 40 0
}

uptime_sec() {
	cut -d. -f1 /proc/uptime
}

# by_hand A.B.C.D LEN ROW: an entry that no seine wrote.
by_hand() {
	# shellcheck disable=SC2046,SC2086 # bytes are words
	bpftool map update pinned "$pins/$abi/seine_drop" key $(key "$1" "$2") value $3
}

by_hand_away() {
	# shellcheck disable=SC2046 # bytes are words
	bpftool map delete pinned "$pins/$abi/seine_drop" key $(key "$1" "$2")
}

# Of enum seine_action and enum seine_origin.
drop=2 external=0 auto=2

@test "with the agent dead: off works, an operator's entry ends by its time, an automatic one by the silence" {
	local before operators=198.18.13.1 automatic=198.18.13.2
	seine drop add $operators --ttl 8s
	stop_agent -KILL
	# Its /24 is in the bitmap because of the other one.
	by_hand $automatic 32 "$(row $drop $auto $(($(uptime_sec) + 100)))"
	before=$(counter agent_silent)
	silent $automatic
	[ "$(counter agent_silent)" -eq "$before" ]

	seine off
	reaches answer $operators
	seine on
	silent $operators

	wait_until reaches answer $automatic
	[ "$(counter agent_silent)" -gt "$before" ]
	silent $operators
	wait_until reaches answer $operators
	start_agent
	seine mode enforce
	silent $automatic
}

@test "what somebody writes with bpftool is adopted, drops, is counted, and can be taken away" {
	local address=198.18.14.1
	reaches answer $address
	by_hand $address 32 "$(row $drop $external 0)"
	wait_until silent $address
	json "('$address', 'external', 'drop') in [(e['prefix'], e['origin'], e['action']) for e in a['entries']]" drop list
	[ "$(hits $address)" -gt 0 ]
	by_hand_away $address 32
	wait_until reaches answer $address
	wait_until json "'$address' not in [e['prefix'] for e in a['entries']]" drop list
}

# --- protected ports ------------------------------------------------------------------------------

@test "only packets to protected ports are dropped: others, and what the host itself asks for, are not" {
	local address=198.18.15.1
	seine drop add $address
	silent $address
	[ "$(clients greet --port 22 $address)" = "$address hello" ]

	(exec nsenter --net="/run/netns/$client" python3 "$BATS_TEST_DIRNAME/server.py" "$dir/cert" "$dir/key" \
		"$dir/served.back" 22) >"$dir/back.log" 2>&1 3>&- &
	background+=($!)
	wait_until host_asks once 443 answer
	host_asks greet 22 hello
	silent $address
}

# host_asks VERB PORT WHAT: the host itself is a client of the listed address.
host_asks() {
	local got
	got=$(on_server python3 "$BATS_TEST_DIRNAME/client.py" "$1" --to 198.18.15.1 --port "$2" 198.51.100.1)
	[ "$got" = "198.51.100.1 $3" ] || {
		echo "$got, not $3"
		return 1
	}
}
