#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The drop list as operators work with it: whole files, feeds, trials, the audit, and what is left of
# it all after a restart. An agent in a namespace, without traffic.

# shellcheck disable=SC2154 # server, client, dir and pins are set by host.bash

bats_require_minimum_version 1.5.0

load host.bash

setup_file() {
	host_up drops "allow_entries = 64"
}

teardown_file() {
	host_down
}

teardown() {
	seine apply --revert >/dev/null 2>&1 || true
	seine drop flush --origin all >/dev/null
	seine mode observe >/dev/null
}

# entries: how many are in force.
entries() {
	seine drop export --format plain | grep -vc '^#' || true
}

holds() {
	[ "$(entries)" -eq "$1" ]
}

is_listed() {
	seine drop export --format plain | sed 's/ .*//' | grep -qxF "$1"
}

# kept: what must be the same after a restart. Times of day are a second off now and then.
kept() {
	seine drop list --limit 100 --json | python3 -c 'import json, sys
for e in json.load(sys.stdin)["entries"]:
    print({k: v for k, v in e.items() if k not in ("added", "expires", "left_sec", "hits")},
          (e["expires"] or 0) // 10)'
}

# restart SIGNAL
restart() {
	stop_agent "$1"
	start_agent
}

@test "whom a single address hits is said too" {
	run -0 seine drop add 203.0.113.77 --ttl 1h
	[[ $output == *"covers      1 address"* && $output == *"seen        no source"* ]]
	seine drop del 203.0.113.77
}

# --- replace ----------------------------------------------------------------------------------------

@test "a file replaces the operator's entries, and says what that changes" {
	seine drop add 203.0.113.1 --note old
	printf '203.0.113.2 # two\n203.0.113.0/28\n' >"$dir/list"
	run -0 seine drop replace "$dir/list" --ttl 1h --dry-run
	[[ $output == *"2 added"* && $output == *"1 removed"* ]]
	[ "$(entries)" -eq 1 ]
	run -0 seine drop replace "$dir/list" --ttl 1h
	[[ $output == *"2 added"* && $output == *"1 removed"* ]]
	is_listed 203.0.113.2
	run ! is_listed 203.0.113.1
	# Once more: nothing changes but the time that is left.
	json 'a["added"] == 0 and a["removed"] == 0 and a["changed"] == 0 and a["kept"] == 2' \
		drop replace "$dir/list" --ttl 2h
}

@test "one bad line in the middle changes nothing, and is named" {
	seine drop add 203.0.113.1
	{
		seq -f '198.18.%g.0/24' 0 99
		echo '198.18.100.1/24'
		seq -f '198.18.%g.0/24' 101 199
	} >"$dir/list"
	run seine drop replace "$dir/list"
	[ "$status" -ne 0 ]
	[[ $output == *"$dir/list:101: "* ]]
	[ "$(entries)" -eq 1 ]
	is_listed 203.0.113.1
}

@test "an empty file is no list" {
	seine drop add 203.0.113.1
	run -4 seine drop replace - </dev/null
	[[ $output == *"seine drop flush"* ]]
	is_listed 203.0.113.1
}

@test "a line that a guard forbids changes nothing, and is named with the rule" {
	printf '203.0.113.1\n198.51.100.1\n203.0.113.2\n' >"$dir/list"
	run -4 seine drop replace "$dir/list"
	[[ $output == *"$dir/list:2: "*"own address"* ]]
	[ "$(entries)" -eq 0 ]
}

@test "what is exported is read back the same" {
	local format
	printf 'prefix,action,share,note\n203.0.113.1,drop,,one\n2001:db8::/32,canary,5%%,two\n' \
		>"$dir/list"
	seine drop replace - <"$dir/list"
	for format in csv ndjson; do
		seine drop export --format $format >"$dir/out"
		json 'a["added"] == 0 and a["removed"] == 0 and a["changed"] == 0 and a["kept"] == 2' \
			drop replace "$dir/out" --format $format
	done
	seine drop export --format plain | grep -q '^203.0.113.1 # one$'
}

# --- feeds ------------------------------------------------------------------------------------------

# feed FIRST LAST: a list of so many addresses.
feed() {
	seq -f '198.18.7.%g' "$1" "$2"
}

@test "the first copy of a feed only watches, whatever was asked" {
	feed 1 20 | seine drop import - --feed first --ttl 1h --action drop
	json '(len(a["entries"]) == 20 and all(
		(e["action"], e["origin"], e["actor"]) == ("watch", "feed", "first")
		for e in a["entries"]))' drop list --limit 100
	feed 1 20 | seine drop import - --feed first --ttl 1h --action drop
	json 'all(e["action"] == "drop" for e in a["entries"])' drop list --limit 100
}

@test "a feed needs an end, is not taken empty, and not at half its size" {
	local r=0
	feed 1 20 | seine drop import - --feed ends || r=$?
	[ $r -eq 2 ] || [ $r -eq 1 ]
	seq -f '198.19.%g.0/24' 0 199 | seine drop import - --feed size --ttl 1h
	r=0
	echo '# nothing today' | seine drop import - --feed size --ttl 1h || r=$?
	[ $r -eq 4 ]
	r=0
	seq -f '198.19.%g.0/24' 0 90 | seine drop import - --feed size --ttl 1h || r=$?
	[ $r -eq 4 ]
	[ "$(entries)" -eq 200 ]
	seq -f '198.19.%g.0/24' 0 90 | seine drop import - --feed size --ttl 1h --force
	[ "$(entries)" -eq 91 ]
}

@test "what a guard forbids is left out of a feed, and told" {
	feed 1 9 | seine drop import - --feed guarded --ttl 1h
	run -0 --separate-stderr seine drop import - --feed guarded --ttl 1h --action drop --json \
		< <(printf '198.18.7.1\n127.0.0.1\n198.51.100.1\n198.18.7.2\n')
	[[ $output == *'"skipped_all": 2'* ]]
	is_listed 198.18.7.1
	run ! is_listed 127.0.0.1
}

@test "two feeds have a word each, and people's word is above them" {
	echo 198.18.7.1 | seine drop import - --feed one --ttl 1h
	echo 198.18.7.1 | seine drop import - --feed two --ttl 1h
	seine drop flush --feed one
	json 'a["entries"][0]["actor"] == "two"' drop list
	seine drop add 198.18.7.0/24
	json '(a["total"] == 1 and a["conflicts"][0]["loser"]["actor"] == "two" and
	       a["conflicts"][0]["winner"]["origin"] == "operator")' drop conflicts
	run ! is_listed 198.18.7.1
	run -0 seine drop flush --dry-run
	[[ $output == *"198.18.7.1 ("*"comes into force"* ]]
	run seine check 198.18.7.1
	[[ $output == *"198.18.7.0/24"* && $output == *"feed"* ]]
	seine drop del 198.18.7.0/24
	is_listed 198.18.7.1
}

@test "a feed is known after a death: by its name, and as one that may drop" {
	feed 1 20 | seine drop import - --feed lasts --ttl 1h
	restart -KILL
	json 'all(e["actor"] == "lasts" for e in a["entries"])' drop list --limit 100
	feed 1 20 | seine drop import - --feed lasts --ttl 1h --action drop
	json 'all((e["actor"], e["action"]) == ("lasts", "drop") for e in a["entries"])' drop list --limit 100
	restart -KILL
	# Another one does not get its number, and with that its entries.
	feed 31 33 | seine drop import - --feed comes --ttl 1h
	[ "$(entries)" -eq 23 ]
	seine drop flush --feed lasts
	[ "$(entries)" -eq 3 ]
}

# --- who asked, and what is left --------------------------------------------------------------------

@test "adding for another ClientHello is not silently the end of the first" {
	seine drop add 203.0.113.1 --hello 1111111111111111
	run seine drop add 203.0.113.1 --hello 2222222222222222
	[ "$status" -ne 0 ]
	[[ $output == *"1111111111111111"* ]]
	json 'a["entries"][0]["hello"] == "1111111111111111"' drop list
}

@test "entries, allow list and mode are there after a death, and after new maps" {
	local before after
	seine drop add 203.0.113.1 --ttl 1h --note kept
	seine drop add 203.0.113.2 --permanent --action watch
	seine allow add 192.0.2.7 --note office
	seine mode enforce
	before=$(kept)
	restart -KILL
	after=$(kept)
	[ "$before" == "$after" ]
	json 'a["mode"] == "enforce"' mode

	stop_agent -TERM
	(in_server ip link set dev eth0 xdp off)
	(in_server "$BUILD/seined" --config "$dir/seine.conf" --remove-maps)
	start_agent
	is_listed 203.0.113.1
	json 'any(e["prefix"] == "192.0.2.7" and e["actor"] == "root" for e in a["entries"])' allow list
	json 'a["mode"] == "enforce"' mode
	seine allow del 192.0.2.7
	restart -KILL
	json 'a["entries"] == []' allow list
}

# conf_mode MODE: as the file says, read anew.
conf_mode() {
	sed -i -e '/^mode = /d' -e "/^\[agent\]/a mode = $1" "$dir/seine.conf"
	kill -HUP "$(cat "$dir/seined.pid")"
	wait_until json "a['mode'] == '$1'" mode
}

@test "a mode of the command line is over when the file says another, and does not come back" {
	conf_mode observe
	seine mode enforce
	sed -i 's/^mode = .*/mode = enforce/' "$dir/seine.conf"
	kill -HUP "$(cat "$dir/seined.pid")"
	wait_until json '(a["events"][-1]["verb"] == "mode" and
		a["events"][-1]["actor"] == "seined")' log
	conf_mode observe
	restart -KILL
	json 'a["mode"] == "observe"' mode
}

# standing: puts one on the rung enforce, or says on which it is.
standing() {
	python3 - "$dir/state.db" "$@" <<-'END'
		import json, sqlite3, sys, time
		db = sqlite3.connect(sys.argv[1], timeout=10)
		if len(sys.argv) > 2:
		    now = int(time.time())
		    row = {"campaign": 77, "first": now, "hello": "0" * 16, "seen": now, "rung": "enforce",
		           "since": now - 86400, "stopped": False, "order": "none", "urged": False,
		           "ordered": 0, "actor": 0, "note": "", "rollbacks": 0, "reason": "",
		           "held_out": 0, "held_out_alike": 0, "dropped": True}
		    db.execute("DELETE FROM list WHERE kind = 'standing'")
		    db.execute("INSERT INTO list VALUES ('standing', 0, ?)", [json.dumps(row)])
		    db.commit()
		else:
		    print(json.loads(db.execute(
		        "SELECT json FROM list WHERE kind = 'standing'").fetchone()[0])["rung"])
	END
}

on_rung() {
	[ "$(standing)" == "$1" ]
}

@test "who enforces again by the file alone begins the ladder anew" {
	conf_mode observe
	sleep 1 # cycles
	stop_agent -TERM
	standing put
	sed -i 's/^mode = .*/mode = enforce/' "$dir/seine.conf"
	start_agent
	sleep 2 # cycles
	stop_agent -TERM # nobody else reads the file while it runs
	on_rung canary
	standing put
	start_agent
	sleep 2
	stop_agent -TERM
	on_rung enforce
	start_agent
	conf_mode observe
}

@test "a feed keeps its name and its claims over a death" {
	feed 1 3 | seine drop import - --feed older --ttl 1h
	restart -KILL
	json 'all(e["actor"] == "older" for e in a["entries"])' drop list
	feed 7 9 | seine drop import - --feed younger --ttl 1h
	[ "$(entries)" -eq 6 ]
	seine drop flush --feed older
	[ "$(entries)" -eq 3 ]
}

@test "what does not fit into the allow list is not recorded either" {
	local i
	for i in $(seq 0 300); do
		seine allow add "192.0.2.$((i % 256))/32" >"$dir/allowed" 2>&1 || break
	done
	echo "$i: $(cat "$dir/allowed")"
	[ "$i" -lt 256 ]
	restart -KILL
	json "a['total'] == $i" allow list
	for i in $(seq 0 $((i - 1))); do seine allow del "192.0.2.$i"; done
}

# by_hand: 203.0.113.1 goes from the kernel's list.
by_hand() {
	bpftool map delete pinned "$pins"/*/seine_drop key hex \
		00 00 00 00 00 00 00 00 00 00 ff ff cb 00 71 01 20 00 00 00
}

@test "what is listed again after a hand took it away stays" {
	seine drop add 203.0.113.1
	by_hand
	seine drop add 203.0.113.1
	sleep 2 # cycles
	is_listed 203.0.113.1
}

@test "what is edited by hand is in the audit once, whoever's change finds it" {
	seine drop add 203.0.113.1
	by_hand
	seine drop add 203.0.113.2
	sleep 1
	json '[e["verb"] for e in a["events"]][-3:].count("edited") == 1' log --limit 3
}

@test "the audit says who did what, what was refused, and what was there before" {
	seine drop add 203.0.113.1 --note "ticket 4711"
	seine drop add 203.0.113.1 --action watch
	run -4 seine drop add 198.51.100.1
	seine drop del 203.0.113.1
	json '([e["verb"] + " " + e["result"] for e in a["events"]][-4:] == [
		"drop add done", "drop add done", "drop add refused", "drop del done"] and
		a["events"][-1]["actor"] == "root" and a["events"][-1]["pid"] > 0 and
		a["events"][-3]["before"]["action"] == "drop" and
		a["events"][-3]["after"]["action"] == "watch")' log
	json 'len(a["events"]) == 3' log 203.0.113.0/24 --limit 3
	grep -q "drop add 203.0.113.1: drop: ticket 4711, by root" "$dir/seined.log"
	grep -q "drop add 198.51.100.1: refused: overlaps own address .*, by root" "$dir/seined.log"
	run -0 seine log
	echo "$output"
	[[ $output == *"own addr"* ]]
}

@test "who follows hears of changes and events as they happen" {
	seine drop watch --json >"$dir/watch" 3>&- &
	echo $! >"$dir/watch.pid"
	seine log --follow --json >"$dir/follow" 3>&- &
	echo $! >"$dir/follow.pid"
	json 'a["followers"] == 2' status || wait_until json 'a["followers"] == 2' status
	seine drop add 203.0.113.1 --ttl 2s
	wait_until grep -q '"change":"added"' "$dir/watch"
	wait_until grep -q '"change":"expired"' "$dir/watch"
	wait_until grep -q '"verb":"drop add"' "$dir/follow"
	kill "$(cat "$dir/watch.pid")" "$(cat "$dir/follow.pid")"
}

@test "an entry that is edited or taken away by hand is followed, and told" {
	local row
	seine drop add 203.0.113.1
	row=$(bpftool map lookup pinned "$pins"/*/seine_drop key hex \
		00 00 00 00 00 00 00 00 00 00 ff ff cb 00 71 01 20 00 00 00 -j | python3 -c '
import json, sys
print(" ".join(b[2:] for b in json.load(sys.stdin)["value"]))')
	bpftool map delete pinned "$pins"/*/seine_drop key hex \
		00 00 00 00 00 00 00 00 00 00 ff ff cb 00 71 01 20 00 00 00
	wait_until eval '! is_listed 203.0.113.1'
	# shellcheck disable=SC2086 # bytes
	bpftool map update pinned "$pins"/*/seine_drop key hex \
		00 00 00 00 00 00 00 00 00 00 ff ff cb 00 71 01 20 00 00 00 value hex $row
	wait_until json 'a["entries"][0]["origin"] == "external"' drop list
	json 'a["events"][-1]["verb"] == "edited"' log
}

# --- trials -----------------------------------------------------------------------------------------

@test "what is on trial comes back unless it is confirmed" {
	seine drop add 203.0.113.1
	seine allow add 192.0.2.7
	seine apply --confirm-within 10s
	seine drop del 203.0.113.1
	seine drop add 203.0.113.2 --ttl 1h
	seine allow del 192.0.2.7
	seine mode enforce
	run -0 seine status
	[[ $output == *trial* ]]
	json 'a["active"] and len(a["changes"]) == 3' apply
	# The kernel itself ends what is listed on trial.
	json 'all(e["left_sec"] <= 10 for e in a["entries"])' drop list
	wait_until json 'not a["active"]' apply
	is_listed 203.0.113.1
	run ! is_listed 203.0.113.2
	json 'a["mode"] == "observe"' mode
	json 'a["entries"][0]["prefix"] == "192.0.2.7"' allow list
	seine allow del 192.0.2.7
}

@test "what is confirmed stays, with all the time it was meant to have" {
	seine apply --confirm-within 1m
	seine drop add 203.0.113.2 --ttl 1h
	seine apply --confirm
	json 'a["entries"][0]["left_sec"] > 3000' drop list
}

@test "a trial outlives the agent, and ends without it" {
	seine drop add 203.0.113.1
	seine apply --confirm-within 10s
	seine drop add 203.0.113.2 --ttl 1h
	restart -KILL
	json 'a["active"]' apply
	is_listed 203.0.113.2
	stop_agent -KILL
	sleep 11
	start_agent
	json 'not a["active"]' apply
	is_listed 203.0.113.1
	run ! is_listed 203.0.113.2
}

@test "a file can be applied on trial, and taken back at once" {
	seine drop add 203.0.113.1
	printf '203.0.113.3\n203.0.113.4\n' >"$dir/list"
	seine apply --confirm-within 1m "$dir/list"
	[ "$(entries)" -eq 2 ]
	seine apply --revert
	[ "$(entries)" -eq 1 ]
	is_listed 203.0.113.1
}

# --- guards that follow -----------------------------------------------------------------------------

@test "an address that becomes ours ends what others listed there, at once" {
	feed 1 3 | seine drop import - --feed moves --ttl 1h
	feed 1 3 | seine drop import - --feed moves --ttl 1h --action drop
	[ "$(entries)" -eq 3 ]
	(in_server ip address add 198.18.7.2/32 dev lo)
	wait_until eval '! is_listed 198.18.7.2'
	json 'a["withheld"] == 1' status
	(in_server ip address del 198.18.7.2/32 dev lo)
	wait_until is_listed 198.18.7.2
}

@test "an address that becomes ours while no agent is there ends it as well, and is nobody's edit" {
	feed 1 3 | seine drop import - --feed moved --ttl 1h
	feed 1 3 | seine drop import - --feed moved --ttl 1h --action drop
	stop_agent -KILL
	(in_server ip address add 198.18.7.2/32 dev lo)
	start_agent
	run ! is_listed 198.18.7.2
	json 'a["withheld"] == 1' status
	json 'a["total"] == 0' drop list --origin external
	(in_server ip address del 198.18.7.2/32 dev lo)
	wait_until is_listed 198.18.7.2
}

# --- size -------------------------------------------------------------------------------------------

@test "more entries than rows for hits is told, with what helps" {
	seq -f '198.18.%g.0/24' 0 255 | seine drop replace - --ttl 1h
	wait_until json 'a["degraded"] and "hit_slots" in a["trouble"]' status
	seine drop flush
	wait_until json 'not a["degraded"]' status
}

@test "a million lines: one bad one changes nothing, none replaces all" {
	local began resident
	sed -i 's/^hit_slots = .*/hit_slots = 1024/' "$dir/seine.conf"
	python3 - >"$dir/million" <<-END
		for i in range(1000000):
		    print("%d.%d.%d.%d" % (11 + (i >> 24), i >> 16 & 255, i >> 8 & 255, i & 255))
	END
	sed '500000s/$/x/' "$dir/million" >"$dir/bad"
	run seine drop replace "$dir/bad" --ttl 1h
	[ "$status" -ne 0 ]
	[[ $output == *"$dir/bad:500000: "* ]]
	[ "$(entries)" -eq 0 ]
	began=$(date +%s.%N)
	json 'a["added"] == 1000000 and a["entries"] == 1000000' drop replace "$dir/million" --ttl 1h
	resident=$(awk '/^VmHWM/ { print $2 / 1024 }' "/proc/$(cat "$dir/seined.pid")/status")
	echo "# $(python3 -c "import time; print('%.1f s' % (time.time() - $began))"), $resident MiB" >&3
	seine drop flush
	[ "$(entries)" -eq 0 ]
}

# --- by hand, at a bad moment -----------------------------------------------------------------------

@test "what is written by hand while lists are swapped is not lost" {
	local i hex=(00 00 00 00 00 00 00 00 00 00 ff ff cb 00 72) row
	seine drop add 203.0.114.250 --action watch
	row=$(bpftool map lookup pinned "$pins"/*/seine_drop key hex "${hex[@]}" fa 20 00 00 00 -j |
		python3 -c 'import json, sys
print(" ".join(b[2:] for b in json.load(sys.stdin)["value"]))')
	# bpftool has a list open for some 20 ms: it may go meanwhile, but not twice.
	(for i in {1..20}; do
		seine drop add "203.0.113.$i" --action watch
		sleep 0.15
	done >/dev/null) 3>&- &
	for ((i = 1; i <= 80; i++)); do
		# shellcheck disable=SC2086 # bytes
		bpftool map update pinned "$pins"/*/seine_drop key hex "${hex[@]}" "$(printf %x "$i")" \
			20 00 00 00 value hex $row
	done
	wait
	wait_until holds 101
	json 'a["total"] == 80' drop list --origin external --limit 1
}
