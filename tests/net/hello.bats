#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ClientHellos and ended connections, from the wire to the command line: two namespaces joined by a veth, a TLS
# server on port 443 in one, two different TLS clients in the other.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

setup_file() {
	host_up hello "hello_one_in = 1"
	client_address 198.51.100.3
}

teardown_file() {
	host_down
}

# follow FILE OPTION...: in the background, $! is the command itself.
follow() {
	exec "$BUILD/seine" --config "$dir/seine.conf" connections "${@:2}" >"$1" 2>&1 3>&-
}

curl_once() {
	nsenter --net="/run/netns/$client" curl -sk --max-time 2 -o "$dir/page" \
		--interface 198.51.100.2 https://198.51.100.1/
}

# Another client: no ALPN, no server name, few ciphers.
openssl_once() {
	printf 'GET / HTTP/1.0\r\n\r\n' | nsenter --net="/run/netns/$client" timeout 2 \
		openssl s_client -quiet -bind 198.51.100.3 -noservername -connect 198.51.100.1:443 \
		-ciphersuites TLS_AES_128_GCM_SHA256 -cipher ECDHE-ECDSA-AES128-GCM-SHA256 \
		>"$dir/page2" 2>"$dir/client2.log"
}

# get EXPRESSION COMMAND...: prints it.
get() {
	local expression=$1
	shift
	seine "$@" --json | python3 -c 'import json, sys
a = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$expression"
}

key_of() {
	get 'a["source"]["hello"]' src "$1"
}

two_clients_seen() {
	json 'len([h for h in a["hellos"] if h["count"]]) == 2' hello list
}

fits_terminal() {
	[ "$(wc -L <<<"$output")" -le 80 ]
}

setup() {
	[ -n "${dir:-}" ] || return 0
	curl_once
	openssl_once
	wait_until two_clients_seen
	wait_until key_of 198.51.100.2
	wait_until key_of 198.51.100.3
}

@test "clients are told apart, with the JA4 that others know them by" {
	[ "$(key_of 198.51.100.2)" != "$(key_of 198.51.100.3)" ]
	# TLS 1.3, no server name, one cipher suite of each, no ALPN: all but the extensions is known.
	[[ $(get 'a["hello"]["ja4"]' hello show "$(key_of 198.51.100.3)") == t13i0[0-9]*00_*_* ]]
	json 'a["hello"]["sources"] == 1 and a["hello"]["first"] and not a["hello"]["hello_name"]' \
		hello show "$(key_of 198.51.100.2)"
	run seine hello list
	[[ $output == *HELLO*JA4* && $output == *t13i* ]]
	fits_terminal
	run seine hello show "$(key_of 198.51.100.2)"
	[[ $output == *"stable JA4"* ]]
	fits_terminal
}

@test "a name is shown wherever the client is" {
	local key
	key=$(key_of 198.51.100.2)
	seine hello name "$key" "python sdk"
	json 'a["hello"]["hello_name"] == "python sdk"' hello show "$key"
	json 'a["source"]["hello_name"] == "python sdk"' src 198.51.100.2
	run seine src 198.51.100.2
	[[ $output == *"python sdk ($key)"* ]]
	seine drop add 203.0.113.9 --action watch --hello "$key"
	run seine drop list
	[[ $output == *"watch +python sd"* ]]
	json 'a["entries"][0]["hello_name"] == "python sdk"' drop list
	seine drop del 203.0.113.9
	run seine hello list --sort name
	[[ ${lines[1]} == "$key"*"python sdk"* ]]
	fits_terminal
}

@test "names outlive the agent, and go when they are taken away" {
	local key ja4
	key=$(key_of 198.51.100.3)
	ja4=$(get 'a["hello"]["ja4"]' hello show "$key")
	seine hello name "$ja4" "our probe"
	grep -q "^$key our probe\$" "$dir/lib/hello.names"
	stop_agent -TERM
	start_agent
	json 'a["hello"]["hello_name"] == "our probe"' hello show "$key"
	run seine hello name "$key" ""
	[ "$status" -eq 0 ]
	[[ $output == "$key has no name now" ]]
	run seine hello name "$key" ""
	[ "$status" -eq 1 ]
	run ! grep -q "our probe" "$dir/lib/hello.names"
}

@test "names that cannot be are refused" {
	run seine hello name xyz abc
	[ "$status" -eq 2 ]
	run seine hello name 8f3a5d0c11e0b7a2 "$(printf 'x%.0s' {1..60})"
	[ "$status" -eq 2 ]
	[[ $output == *"1 to 47 bytes"* ]]
	run seine hello show 8f3a5d0c11e0b7a2
	[ "$status" -eq 1 ]
	[[ $output == *"not seen yet"* ]]
}

@test "a broken file of names stops a start, and on reload changes nothing" {
	local key
	key=$(key_of 198.51.100.2)
	seine hello name "$key" "python sdk"
	cp "$dir/lib/hello.names" "$dir/good"
	echo "8f3a x" >>"$dir/lib/hello.names"
	kill -HUP "$(cat "$dir/seined.pid")"
	wait_until grep -q "hello.names:.*8f3a: neither a key" "$dir/seined.log"
	json 'a["hello"]["hello_name"] == "python sdk"' hello show "$key"
	stop_agent -TERM
	(in_server "$BUILD/seined" --config "$dir/seine.conf") >"$dir/refused.log" 2>&1 3>&- && false
	grep -q "hello.names:.*neither a key" "$dir/refused.log"
	printf '%s renamed by hand\n' "$key" >"$dir/lib/hello.names"
	start_agent
	json 'a["hello"]["hello_name"] == "renamed by hand"' hello show "$key"
	cp "$dir/good" "$dir/lib/hello.names"
	kill -HUP "$(cat "$dir/seined.pid")"
	wait_until json 'a["hello"]["hello_name"] == "python sdk"' hello show "$key"
}

followed() {
	json "a['followers'] == $1" status
}

@test "connections are shown as they end, while somebody looks" {
	local pid
	follow "$dir/connection" --json --limit 1 &
	pid=$!
	wait_until followed 1
	curl_once
	wait_until test -s "$dir/connection"
	wait "$pid"
	[ "$(wc -l <"$dir/connection")" -eq 1 ]
	python3 -c 'import json, sys, time
a = json.load(open(sys.argv[1]))
assert a["source"] == "198.51.100.2" and a["dport"] == 443 and a["sport"], a
assert 0 < a["rtt_tcp_us"] < 1000000, a
assert a["gap"] in (None, "none") and a["tls"].startswith("1.3"), a
assert a["hello"] and a["ja4"].startswith("t13"), a
assert abs(a["time"] - time.time()) < 30, a' "$dir/connection"
	wait_until followed 0
}

@test "for people there is a line for each, and the end of the reader is noticed" {
	local pid
	follow "$dir/lines" &
	pid=$!
	wait_until followed 1
	curl_once
	openssl_once
	wait_until grep -q "198.51.100.3" "$dir/lines"
	grep -qE "^198.51.100.2 +[0-9.]+ .* python sdk$" "$dir/lines"
	[ "$(wc -L <"$dir/lines")" -le 80 ]
	kill "$pid"
	wait "$pid" || true
	wait_until followed 0
}

@test "only so many may follow" {
	local pids=() i
	for i in 1 2 3 4; do
		follow "$dir/lines.$i" &
		pids+=($!)
	done
	wait_until followed 4
	run seine connections
	[ "$status" -eq 1 ]
	[[ $output == *"4 clients follow"* ]]
	kill "${pids[@]}"
	wait_until followed 0
}

@test "status says what is known of clients" {
	run seine status
	[[ $output == *"ClientHellos known"* ]]
	json 'a["hellos"]["complete"] >= 2 and a["counters"]["hello_copied"]["total"] >= 2' status
	json 'a["server_time"] == "auto" and "1.3" in a["server_us"]' status
}

@test "the server's own time is measured" {
	nsenter --net="/run/netns/$client" openssl s_time -connect 198.51.100.1:443 -new -time 2 \
		>/dev/null 2>&1 || true
	[ "$(get 'a["counters"]["hello"]["total"]' status)" -gt 250 ] || skip "too slow a machine"
	wait_until json '0 < a["server_us"]["1.3"] < 50000' status
	run seine status
	[[ $output == *"server time"*"ms from hello to answer, measured"* ]]
	fits_terminal
}
