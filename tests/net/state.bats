#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The state of an agent on a disk that is full for a while, or that gives back what nobody wrote: what
# was asked for meanwhile is recorded afterwards.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

setup_file() {
	host_up state
	stop_agent -TERM
	mkdir "$dir/disk"
	mount -t tmpfs -o size=1m tmpfs "$dir/disk"
	sed -i "s,^state = .*,state = $dir/disk/state.db," "$dir/seine.conf"
	start_agent
}

teardown_file() {
	host_down
	umount "$dir/disk"
}

teardown() {
	rm -f "$dir/disk/full"
}

restart() {
	stop_agent "$1"
	start_agent
}

is_recorded() {
	json 'a["state"] and a["state"]["recorded"]' status
}

is_listed() {
	seine drop export --format plain | sed 's/ .*//' | grep -qxF "$1"
}

is_allowed() {
	seine allow list --json | grep -qF "\"$1\""
}

# fill: until not even one more event can be recorded.
fill() {
	local i
	cat /dev/zero >"$dir/disk/full" 2>/dev/null || true
	for i in $(seq 300); do
		is_recorded || return 0
		seine allow add "203.0.113.$((i % 200))" --note "fill $i" >/dev/null
	done
	return 1
}

@test "what a full disk did not take is recorded when there is room" {
	seine allow add 192.0.2.7
	seine drop add 192.0.2.9
	fill
	seine allow add 192.0.2.8
	seine allow del 192.0.2.7
	seine drop add 192.0.2.10 --permanent
	seine drop del 192.0.2.9
	seine mode enforce
	rm "$dir/disk/full"
	wait_until is_recorded
	restart -KILL
	is_allowed 192.0.2.8
	run ! is_allowed 192.0.2.7
	is_listed 192.0.2.10
	run ! is_listed 192.0.2.9
	json 'a["mode"] == "enforce"' mode
	seine mode observe
}

@test "a trial that was confirmed on a full disk stays confirmed" {
	seine apply --confirm-within 10s
	seine drop add 192.0.2.20 --ttl 1h
	fill
	seine apply --confirm
	rm "$dir/disk/full"
	wait_until is_recorded
	restart -KILL
	is_listed 192.0.2.20
	json 'not a["active"]' apply
}

@test "a trial that was begun on a full disk is one after a death" {
	seine drop add 192.0.2.30 --ttl 1h
	fill
	seine apply --confirm-within 1h
	seine drop del 192.0.2.30
	rm "$dir/disk/full"
	wait_until is_recorded
	restart -KILL
	json 'a["active"]' apply
	run ! is_listed 192.0.2.30
	seine apply --revert
	is_listed 192.0.2.30
}

# spoil FROM: the file, from a page on.
spoil() {
	dd if=/dev/urandom of="$dir/disk/state.db" bs=4096 seek="$1" count=60 conv=notrunc status=none
}

@test "what a file held that was damaged meanwhile is in the one in its place" {
	seine allow add 192.0.2.40
	seine drop add 192.0.2.41 --permanent
	echo 192.0.2.42 | seine drop import - --feed kept --ttl 1h
	restart -TERM # the log is in the file
	spoil 1
	for i in $(seq 5); do seine drop add "192.0.2.$((50 + i))" --ttl 1h; done
	wait_until is_recorded
	restart -KILL
	is_allowed 192.0.2.40
	is_listed 192.0.2.41
	is_listed 192.0.2.55
	json 'any(e["actor"] == "kept" for e in a["entries"])' drop list --limit 100
}

@test "a file damaged while no agent was there is set aside, and the kernel's lists go on" {
	seine drop add 192.0.2.61 --permanent
	seine allow add 192.0.2.62
	echo 192.0.2.63 | seine drop import - --feed older --ttl 1h
	stop_agent -TERM
	spoil 1
	start_agent
	is_listed 192.0.2.61
	is_allowed 192.0.2.62
	wait_until is_recorded
	restart -KILL
	is_listed 192.0.2.61
	is_allowed 192.0.2.62
	# Its name is lost, and its claims are nobody else's.
	echo 192.0.2.64 | seine drop import - --feed younger --ttl 1h
	is_listed 192.0.2.63
}
