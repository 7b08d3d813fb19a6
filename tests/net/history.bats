#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What outlives the agent, and what it does when nothing can.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

setup_file() {
	host_up history
	# The kernel's tables can only be removed where no program uses them.
	sed -i 's|^interval = .*|&\non_stop = detach|' "$dir/seine.conf"
	stop_agent -TERM
	start_agent
}

teardown_file() {
	host_down
}

setup() {
	: >"$dir/seined.log"
}

curl_once() {
	nsenter --net="/run/netns/$client" curl -sk --max-time 2 -o "$dir/page" \
		--interface 198.51.100.2 https://198.51.100.1/
}

# asked EXPRESSION: of the requests `n` of the only source.
asked() {
	json "len(a['sources']) == 1 and (lambda n: $1)(a['sources'][0]['requests'])" src
}

start_without_maps() {
	"$BUILD/seined" --config "$dir/seine.conf" --remove-maps
	start_agent
}

@test "what a source did is known after a start without the kernel's tables" {
	curl_once
	curl_once
	wait_until asked "n == 2"
	stop_agent -TERM
	[ "$(stat -c %a "$dir/history.db")" = 640 ]
	start_without_maps
	curl_once
	wait_until asked "n == 3"
	json 'not a["degraded"]' status
}

@test "a second start adds nothing twice" {
	stop_agent -TERM
	start_without_maps
	curl_once
	wait_until asked "n == 4"
}

@test "prefixes are remembered too" {
	stop_agent -TERM
	run -0 sqlite_count net_day
	[ "$output" -ge 1 ]
	start_agent
}

sqlite_count() {
	python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM " + sys.argv[2]).fetchone()[0])' \
		"$dir/history.db" "$1"
}

@test "status says how much there is" {
	json 'a["history"]["bytes"] > 0 and a["history"]["oldest"] > 0' status
	json 'not a["history"]["recalling"] and a["history"]["lost"] == 0' status
	run -0 seine status
	grep -q "^history  *[01] days, .* of " <<<"$output"
}

@test "a damaged file is set aside, named, and replaced" {
	stop_agent -TERM
	printf 'no database%.0s' {1..100} >"$dir/history.db"
	rm -f "$dir/history.db-wal"
	start_without_maps
	grep -q "history: .*not a database; set aside as .*history.db.damaged-" "$dir/seined.log"
	[ "$(cat "$dir"/history.db.damaged-* | head -c 11)" = "no database" ]
	json 'not a["degraded"]' status
	curl_once
	wait_until asked "n == 1"
}

@test "without a place for it the agent works, and says what is missing" {
	stop_agent -TERM
	cp "$dir/seine.conf" "$dir/good.conf"
	sed -i "s|^history = .*|history = $dir/no/such/dir/history.db|" "$dir/seine.conf"
	start_agent
	wait_until json 'a["degraded"] and "No such file" in a["trouble"]' status
	curl_once
	stop_agent -TERM
	sed -i "s|^history = .*|history = none|" "$dir/seine.conf"
	start_agent
	wait_until json 'a["cycle"] and not a["degraded"]' status
	cp "$dir/good.conf" "$dir/seine.conf"
}

@test "one history belongs to one agent" {
	local other=$dir/other.conf

	stop_agent -TERM
	start_agent
	sed "s|^pin_dir = .*|pin_dir = $pins-other|; s|^socket = .*|socket = $dir/other.sock|
		s|^name = .*|name = lo\nxdp = generic|; s|^state = .*|state = $dir/other-state.db|" "$dir/seine.conf" >"$other"
	(in_server "$BUILD/seined" --config "$other") >"$dir/other.log" 2>&1 3>&- &
	wait_until grep -q "history is not kept: .*another process uses it" "$dir/other.log"
	json 'not a["degraded"]' status
	# Once it is free, the other one takes it.
	stop_agent -TERM
	for _ in {1..4}; do
		wait_until grep -q "history: opened now" "$dir/other.log" && break
	done
	grep -q "history: opened now" "$dir/other.log"
	kill %1
	wait || true
	rm -rf "$pins-other"
	start_agent
}

@test "seeds outlive a file that is set aside while the agent runs" {
	echo 203.0.113.7 >"$dir/seeds"
	seine campaign seed "$dir/seeds"
	stop_agent -TERM
	# Met by the first who looks for what is old.
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("INSERT INTO day VALUES (?, ?, ?)", ("no number", b"1234", b"0"))
db.commit()' "$dir/history.db"
	start_agent
	wait_until grep -q "set aside as" "$dir/seined.log"
	json 'not a["degraded"]' status
	stop_agent -TERM
	start_agent
	json "len(a['seeds']) == 1" campaign seeds
}

# More rows than are read in a turn, of sources that are not seen here.
@test "a long past is read while the agent answers" {
	stop_agent -TERM
	python3 -c 'import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
hour = int(time.time()) // 3600 * 6
deed = bytes(16) + b"\x01"
for ago in (6, 12, 18):
	db.executemany("INSERT OR IGNORE INTO hour VALUES (?, ?, ?)",
		((hour - ago, i.to_bytes(4, "big"), deed) for i in range(0x0a000000, 0x0a030000)))
db.commit()' "$dir/history.db"
	: >"$dir/seined.log"
	start_agent
	wait_until grep -q "history: the past of . sources is known" "$dir/seined.log"
	grep -q "history: the past of sources is being read" "$dir/seined.log"
	wait_until json 'a["judgement"] and not a["history"]["recalling"]' status
	json 'not a["degraded"] and a["counters"]["agent_silent"]["total"] == 0' status
}
