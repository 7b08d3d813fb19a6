#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line against a living agent: two namespaces joined by a veth, a TLS server on port 443 in
# one, clients in the other. The client's addresses:
#
#   198.51.100.2    the one that talks
#   198.51.100.3    one more
#   198.51.100.32   and the seven behind it: a crowd

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

setup_file() {
	host_up cli
	client_address 198.51.100.3
	for ((i = 32; i < 40; i++)); do
		client_address 198.51.100.$i
	done
}

teardown_file() {
	host_down
}

# request [ADDRESS]: exits with 0 when there was an answer.
request() {
	nsenter --net="/run/netns/$client" curl -sk --max-time 1 -o "$dir/page" \
		--interface "${1:-198.51.100.2}" https://198.51.100.1/
}

forget_everything() {
	seine on
	seine mode observe
	seine campaign unseed
	for prefix in 198.51.100.2 198.51.100.3 198.51.100.2/31 198.51.100.32/29 203.0.113.0/24 203.0.113.9; do
		seine drop del "$prefix" || true
		seine allow del "$prefix" || true
	done
} >/dev/null 2>&1

setup() {
	[ -z "${dir:-}" ] || forget_everything
}

@test "status says that all is well" {
	run seine
	[ "$status" -eq 0 ]
	[[ $output == *"observe"* ]]
	[[ $output == *"eth0: program "*", native mode"* ]]
	[[ $output != *trouble* ]]
	json 'a["seine"] == {"schema": 1, "kind": "status"}' status
	json 'a["interfaces"][0]["xdp"] == "native" and not a["off"]' status
}

@test "a source that talks is shown with what was measured" {
	request
	wait_until json 'a["total"] >= 1' src
	wait_until json 'a["sources"][0]["requests"] >= 1' src
	json 'a["sources"][0]["source"] == "198.51.100.2"' src
	json 'a["sources"][0]["hello"] and len(a["sources"][0]["hello"]) == 16' src
	json 'a["totals"]["connections"] >= 1 and a["syn"].startswith("4:64:0:")' src 198.51.100.2
	json 'a["total"] >= 1' src 198.51.100.0/24
	json 'a["total"] == 0 and a["sources"] == []' src 203.0.113.0/24
	json 'a["prefixes"][0]["prefix"] == "198.51.100.0/24"' net
	run seine src 198.51.100.2
	[[ $output == *ClientHello* ]]
	run seine src 203.0.113.9
	[ "$status" -eq 1 ]
}

@test "rows are sorted and limited by the agent" {
	request 198.51.100.2
	request 198.51.100.3
	request 198.51.100.3
	wait_until json 'a["total"] == 2' src
	json 'len(a["sources"]) == 1 and a["total"] == 2' src --limit 1
	json '[s["idle_sec"] for s in a["sources"]] == sorted(s["idle_sec"] for s in a["sources"])' \
		src --sort last
	run seine src --limit 1
	[[ $output == *"1 of 2 "*"--limit N shows more"* ]]
	run seine src --sort colour
	[ "$status" -eq 2 ]
	[[ $output == *"one of requests connections"* ]]
}

@test "an observed entry counts and passes, an enforced one drops" {
	run seine drop add 198.51.100.2 --note "three bad ones"
	[ "$status" -eq 0 ]
	[[ $output == *"left: 1 h"*"nothing is dropped"* ]]
	run seine check 198.51.100.2
	[ "$status" -eq 1 ]
	[[ $output == *"would be dropped when enforcing"* ]]
	request
	json 'a["entries"][0]["hits"]["packets"] > 0' drop list
	[[ $(seine drop list) == *"three bad ones"* ]]

	seine mode enforce
	[ "$(seine mode)" = enforce ]
	run seine check 198.51.100.2
	[ "$status" -eq 0 ]
	run ! request
	request 198.51.100.3
	json 'a["counters"]["dropped"]["total"] > 0' status

	seine drop del 198.51.100.2
	request
	run seine check 198.51.100.2
	[ "$status" -eq 1 ]
}

@test "the allow list wins" {
	seine drop add 198.51.100.2/31
	seine mode enforce
	run ! request
	seine allow add 198.51.100.2 --note office
	request
	run ! request 198.51.100.3
	run seine check 198.51.100.2
	[ "$status" -eq 1 ]
	[[ $output == *"the allow list wins"*"198.51.100.2 office"* ]]
	[[ $(seine allow list) == *office* ]]
	seine allow del 198.51.100.2
	run ! request
}

@test "guards refuse with exit 4" {
	run seine drop add 198.51.100.1
	[ "$status" -eq 4 ]
	seine allow add 203.0.113.9
	run seine drop add 203.0.113.0/24
	[ "$status" -eq 4 ]
	[[ $output == *allow* ]]
	json 'a["error"]["code"] == "refused"' drop add 203.0.113.0/24
}

@test "adding again never shortens" {
	seine drop add 203.0.113.0/24 --ttl 2h --note first
	run seine drop add 203.0.113.0/24 --ttl 10m
	[ "$status" -eq 0 ]
	[[ $output == *"never shortens"* ]]
	json '7100 < a["entries"][0]["left_sec"] <= 7200 and a["entries"][0]["note"] == "first"' drop
	seine drop add 203.0.113.0/24 --ttl 3h
	json 'a["entries"][0]["left_sec"] > 10700' drop
	seine drop add 203.0.113.0/24 --permanent
	json 'a["entries"][0]["left_sec"] is None' drop
}

@test "each action arrives" {
	seine drop add 203.0.113.0/24 --action canary --share 5%
	json 'a["entries"][0]["action"] == "canary" and a["entries"][0]["share"] == 500' drop
	seine drop add 203.0.113.0/24 --action limit --rate 100 --burst 20
	json '(a["entries"][0]["rate_pps"], a["entries"][0]["burst"]) == (100, 20)' drop
	seine drop add 203.0.113.0/24 --action watch --hello 00c0ffee00c0ffee
	json '(a["entries"][0]["action"], a["entries"][0]["hello"]) == ("watch", "00c0ffee00c0ffee")' drop
}

@test "check says of a canary what the datapath does" {
	local i dropped
	seine drop add 198.51.100.32/29 --action canary --share 50%
	seine mode enforce
	for ((i = 32; i < 40; i++)); do
		dropped=0
		request 198.51.100.$i || dropped=1
		run seine check 198.51.100.$i
		echo "198.51.100.$i: dropped $dropped, check $status: $output"
		[ "$status" -eq $((1 - dropped)) ]
	done
}

@test "an entry runs out" {
	seine drop add 198.51.100.2 --ttl 2s
	seine mode enforce
	run ! request
	wait_until request
}

@test "deleting needs the exact entry" {
	seine drop add 203.0.113.0/24
	run seine drop del 203.0.113.9
	[ "$status" -eq 1 ]
	[[ $output == *"203.0.113.0/24 covers it"* ]]
	run seine allow del 203.0.113.9
	[ "$status" -eq 1 ]
}

@test "prefixes are read strictly, before anybody is asked" {
	for bad in 203.0.113.7/24 0.0.0.0/0 128.0.0.0/1 10.0.0.0/7 203.0.113.07 203.0.113 2000::/3 \
		name.example 203.0.113.0/33 ''; do
		run "$BUILD/seine" --socket /nonexistent drop add "$bad"
		echo "$bad: $output"
		[ "$status" -eq 2 ]
	done
	run seine drop add 203.0.113.7/24
	[[ $output == *"did you mean 203.0.113.0/24?"* ]]
}

@test "off stops at once and on ends it" {
	seine drop add 198.51.100.2
	seine mode enforce
	run ! request
	run seine off
	[ "$status" -eq 0 ]
	request
	[[ $(seine status) == *"off: everything passes"* ]]
	json 'a["off"]' mode
	run seine check 198.51.100.2
	[ "$status" -eq 1 ]
	seine on
	run ! request
}

@test "off works with the agent dead" {
	seine drop add 198.51.100.2
	seine mode enforce
	stop_agent -KILL
	run ! request
	run seine status
	[ "$status" -eq 3 ]
	[[ $output == *"the agent has died"*"seine off stops all"* ]]
	seine off
	request
	seine on
	run ! request
	start_agent
}

@test "campaigns can be asked for" {
	run seine campaign
	[ "$status" -eq 0 ]
	[[ $output == *"No campaign"* ]]
	json 'a["campaigns"] == []' campaign list
	run seine campaign show c-1f3a
	[ "$status" -eq 1 ]
	run seine campaign history c-1f3a
	[ "$status" -eq 1 ]
	run seine campaign explain nonsense
	[ "$status" -eq 2 ]
}

@test "seeds are taken all or none, and each bad line is named" {
	printf '%s\n' 203.0.113.7 203.0.113.0/24 '# fine' 203.0.113.07 >"$dir/banned"
	run seine campaign seed "$dir/banned"
	echo "$output"
	[ "$status" -eq 2 ]
	[[ $output == *"$dir/banned:2: 203.0.113.0/24: a prefix"*"$dir/banned:4: "*"2 bad lines; nothing has changed"* ]]
	json 'a["total"] == 0' campaign seeds

	request
	wait_until json 'a["total"] >= 1' src
	printf '%s\n' '198.51.100.2 ticket 4711' 2001:db8::1 2001:db8::2 | seine campaign seed - --ttl 2h
	json 'a["total"] == 2 and not a["seeds"][0]["campaign"]' campaign seeds
	json '[(s["source"], s["seen"]) for s in a["seeds"]] == [("198.51.100.2", True), ("2001:db8::", False)]' \
		campaign seeds
	json '[s["note"] for s in a["seeds"]] == ["ticket 4711", ""]' campaign seeds
	json 'a["profile"]["seed"] == "ticket 4711"' check 198.51.100.2 || [ $? -eq 1 ]
	run seine check 198.51.100.2
	[[ $output == *"It is a seed: an operator knows it to be bad, ticket 4711."* ]]
	run seine campaign unseed
	[ "$output" = "2 seeds forgotten" ]
	json 'a["total"] == 0' campaign seeds
	run seine campaign seed /nonexistent
	[ "$status" -eq 1 ]
	run seine campaign seed - </dev/null
	[ "$status" -eq 2 ]
}

@test "seeds outlive a restart where history is kept" {
	run seine campaign seed - <<<"203.0.113.7 ticket 4711"
	[ "$status" -eq 0 ]
	[[ $output != *"No history"* ]]
	stop_agent -TERM
	start_agent
	json '[(s["source"], s["note"]) for s in a["seeds"]] == [("203.0.113.7", "ticket 4711")]' campaign seeds
	seine campaign unseed
	stop_agent -KILL
	start_agent
	json 'a["total"] == 0' campaign seeds
}

@test "a hundred thousand seeds go in one request" {
	awk 'BEGIN { for (i = 0; i < 100000; i++)
		printf "10.%d.%d.%d a note that is long enough to be one: %d\n", i / 65536, i / 256 % 256, i % 256, i }' \
		>"$dir/many"
	run seine campaign seed "$dir/many"
	[ "$status" -eq 0 ]
	[[ $output == "100 k seeds: 100 k new, 0 seen here, 0 in campaigns already"* ]]
	run seine campaign seed - <<<203.0.113.7
	[ "$status" -eq 2 ]
	[[ $output == *"more than 100000"* ]]
	json 'len(a["seeds"]) == 20 and a["total"] == 100000' campaign seeds
	seine campaign unseed
}

@test "check says what was measured, and what would change it" {
	request
	wait_until json 'a["total"] >= 1' src
	run seine check 198.51.100.2
	[ "$status" -eq 1 ]
	[[ $output == *"What was measured"*"handshake"*"A second leg is not proven"*"Not a member"* ]]
	run seine check 203.0.113.9
	[[ $output == *"No proven connection from there is known."* ]]
	seine check 203.0.113.9 --json >"$dir/answer" || [ $? -eq 1 ]
	grep -q '"standing": "unseen"' "$dir/answer"
}

@test "exit codes tell what went wrong" {
	run "$BUILD/seine" --socket /nonexistent status
	[ "$status" -eq 3 ]
	run "$BUILD/seine" --config /nonexistent status
	[ "$status" -eq 78 ]
	run seine stauts
	[ "$status" -eq 2 ]
	[[ $output == *"did you mean status?"* ]]
}

@test "a stranger may not ask" {
	command -v setpriv >/dev/null || skip "setpriv is not installed"
	chmod 0711 "$BATS_FILE_TMPDIR" "$dir"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/seine" --socket "$dir/sock" status
	[ "$status" -eq 3 ]
	[[ $output == *"only root and members of group seine"* ]]
}

@test "every table fits 80 columns" {
	seine drop add 203.0.113.0/24 --note "a note that is exactly 35 bytes lon"
	seine drop add 2001:db8:1234:5678::/64 --action limit --rate 4000000000 --note "a note that is long"
	seine campaign seed - <<<"2001:db8:1234:5678::1 a note that is as long as the longest one that is accepted 63"
	for verb in status src net drop allow campaign "src 198.51.100.2" "check 203.0.113.9" \
		"check 198.51.100.2" "campaign seeds"; do
		# shellcheck disable=SC2086 # verb and argument
		seine $verb >"$dir/table" || [ $? -eq 1 ]
		[ "$(LC_ALL=C.UTF-8 wc -L <"$dir/table")" -le 80 ]
	done
	seine drop del 2001:db8:1234:5678::/64
	seine campaign unseed
}
