#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a living agent refuses to drop, after it has given up its privileges, and from when on: the host
# is 198.51.100.1, and 198.51.100.2 to .5 are beside it.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

setup_file() {
	host_up guards
	for ((i = 3; i < 6; i++)); do
		client_address 198.51.100.$i
	done
}

teardown_file() {
	host_down
}

# talk NAMESPACE CODE: python with a peer's socket `s`, which stays until `quiet`; `listen` and
# `connect` are helpers. Returns when the code has run.
talk() {
	rm -f "$dir/talks"
	nsenter --net="/run/netns/$1" python3 -c "
import socket, threading, time
kept = []
def listen(port):
    s = socket.create_server(('', port))
    def accept():
        while True:
            kept.append(s.accept())
    threading.Thread(target=accept, daemon=True).start()
    return s
def connect(to, port, source='', kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_INET, kind)
    s.bind((source, 0))
    s.connect((to, port))
    return s
$2
open('$dir/talks', 'w').close()
time.sleep(60)
" 3>&- &
	echo $! >>"$dir/talking"
	wait_until test -e "$dir/talks"
}

quiet() {
	local pid
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
	done <"$dir/talking"
	rm -f "$dir/talking"
}

teardown() {
	[ ! -e "${dir:-/nonexistent}/talking" ] || quiet
	seine drop del 198.51.100.2 >/dev/null 2>&1 || true
}

# refused PREFIX BECAUSE
refused() {
	run seine drop add "$1"
	[ "$status" -eq 4 ]
	[[ $output == *"overlaps $2"* ]] || { echo "$output" && return 1; }
}

@test "who has a session of ssh is not dropped while it lasts" {
	talk "$server" "a = listen(22)"
	talk "$client" "b = connect('198.51.100.1', 22, '198.51.100.2')"
	wait_until eval "! seine drop add 198.51.100.2" # until it is accepted
	refused 198.51.100.2 "ssh peer 198.51.100.2"
	refused 198.51.100.2/31 "ssh peer 198.51.100.2"
	quiet
	wait_until seine drop add 198.51.100.2
}

@test "whom the host is connected to is not dropped" {
	talk "$client" "a = listen(5432)"
	talk "$server" "b = connect('198.51.100.3', 5432)
c = connect('198.51.100.4', 514, kind=socket.SOCK_DGRAM)"
	refused 198.51.100.3 "outbound peer 198.51.100.3 (TCP port 5432)"
	refused 198.51.100.4 "outbound peer 198.51.100.4 (UDP port 514)"
	quiet
}

@test "whoever is connected to a served port may be dropped" {
	talk "$server" "a = listen(8080)"
	talk "$client" "b = connect('198.51.100.1', 8080, '198.51.100.2')
c = connect('198.51.100.1', 443, '198.51.100.2')"
	seine drop add 198.51.100.2
	quiet
}

@test "routes are read anew" {
	(in_server ip route add 203.0.113.0/24 via 198.51.100.5)
	refused 198.51.100.5 "gateway 198.51.100.5 (eth0)"
	(in_server ip route del 203.0.113.0/24)
	seine drop add 198.51.100.5
	seine drop del 198.51.100.5
}

@test "health checkers and special ranges follow the settings" {
	seine drop add 203.0.113.9 --ttl 10m
	sed -i "s/^special_use = .*/special_use = yes\nhealth_checker = 198.51.100.4/" "$dir/seine.conf"
	kill -HUP "$(cat "$dir/seined.pid")"
	wait_until grep -q "reloaded" "$dir/seined.log"
	refused 198.51.100.4 "health checker 198.51.100.4"
	refused 203.0.113.10 "documentation 203.0.113.0/24 (RFC 5737)"
	refused 10.1.2.3 "private 10.0.0.0/8 (RFC 1918)"
	json 'not a["degraded"]' status
}
