#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the command line sends, prints and exits with, against an agent that only talks.

bats_require_minimum_version 1.5.0

setup_file() {
	export root=$BATS_TEST_DIRNAME/../..
	export BUILD=${BUILD:-$root/.build} dir=$BATS_FILE_TMPDIR
	[ -x "$BUILD/seine" ] || skip "$BUILD/seine is not built"
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 "$BATS_TEST_DIRNAME/fake_agent.py" "$dir/sock" "$dir/log" 3>&- &
	echo $! >"$dir/pid"
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$dir/sock" ] || break
		sleep 0.05
	done
	echo 203.0.113.0/24 >"$dir/list.txt"
	echo bad >"$dir/bad.txt"
	echo later >"$dir/later.txt"
}

teardown_file() {
	[ ! -e "$dir/pid" ] || kill "$(cat "$dir/pid")"
}

setup() {
	: >"$dir/log"
}

seine() {
	"$BUILD/seine" --socket "$dir/sock" "$@"
}

# sent: the requests so far, without spaces and quotes.
sent() {
	tr -d '" ' <"$dir/log"
}

# asks REQUEST COMMAND...: the command sends just this.
asks() {
	local request=$1
	shift
	: >"$dir/log"
	seine "$@" >"$dir/out" 2>&1 || true
	[ "$(sent)" = "$request" ] || {
		echo "$*: $(sent)"
		return 1
	}
}

@test "requests say what was typed" {
	asks '{origin:feed,sort:hits,verb:droplist}' drop list --origin feed --sort hits
	asks '{action:drop,dry_run:true,note:x,prefix:203.0.113.0/24,share:9500,ttl_sec:5400,verb:dropadd}' \
		drop add 203.0.113.0/24 --ttl 1h30m --share 95% --note x --dry-run --action drop
	asks '{permanent:true,prefix:203.0.113.9,verb:dropadd}' drop add 203.0.113.9 --permanent
	asks '{verb:dropflush}' drop flush
	asks '{dry_run:true,origin:all,verb:dropflush}' drop flush --origin all --dry-run
	asks '{feed:x,origin:feed,verb:dropflush}' drop flush --origin feed --feed x
	asks '{feed:x,origin:feed,verb:dropflush}' drop flush --feed x
	asks '{verb:droplist}' drop list --origin all
	asks '{verb:dropconflicts}' drop conflicts --limit 5
	asks '{verb:dropwatch,within:203.0.113.0/24}' drop watch 203.0.113.0/24
	asks '{dry_run:true,prefix:203.0.113.9,verb:allowadd}' allow add 203.0.113.9 --dry-run
	asks '{id:c-1f3a,note:x,verb:campaignapprove}' campaign approve c-1f3a --note x
	asks '{id:c-1f3a,verb:campaignpause}' campaign pause c-1f3a
	asks '{id:c-1f3a,verb:campaignreject}' campaign reject c-1f3a
	asks '{verb:apply}' apply
	asks '{verb:applybegin,within_sec:300}' apply --confirm-within 5m
	asks '{verb:applyconfirm}' apply --confirm
	asks '{verb:applyrevert}' apply --revert
	asks '{limit:3,verb:log,within:203.0.113.0/24}' log 203.0.113.0/24 --limit 3
	asks '{id:c-1f3a,verb:log}' log c-1f3a
}

@test "files go along" {
	asks "{file:203.0.113.0/24\\n,format:auto,name:$dir/list.txt,verb:dropreplace}" drop replace "$dir/list.txt"
	asks "{action:watch,file:203.0.113.0/24\\n,format:plain,name:stdin,ttl_sec:60,verb:dropreplace}" \
		drop replace - --format plain --action watch --ttl 1m <"$dir/list.txt"
	asks "{feed:x,file:203.0.113.0/24\\n,force:true,format:auto,name:$dir/list.txt,verb:dropimport}" \
		drop import "$dir/list.txt" --feed x --force
	local long
	long=$dir/$(printf './%.0s' {1..130})list.txt # longer than the agent takes
	asks "{file:203.0.113.0/24\\n,format:auto,name:list.txt,verb:dropreplace}" drop replace "$long"
	asks '{format:csv,verb:dropexport}' drop export
	[ "$(cat "$dir/out")" = "$(printf 'prefix,action\n203.0.113.0/24,drop')" ]
	[[ $(seine drop export --json) == *'"text": "prefix,action\n'* ]]
}

@test "what was typed wrong is answered without an agent" {
	for wrong in "drop import $dir/list.txt" "drop flush --origin nobody" "drop list --origin al" "drop flush --origin auto --feed x" "apply $dir/list.txt" \
		"apply --confirm --revert" "apply --confirm-within 5" "drop add 203.0.113.9 --ttl 30m1h" \
		"campaign approve nonsense" "log nonsense" "drop watch 203.0.113.7/24" "drop conflicts --limit 0"; do
		# shellcheck disable=SC2086 # words
		run seine $wrong
		echo "$wrong: $status $output"
		[ "$status" -eq 2 ]
	done
	[ ! -s "$dir/log" ]
	run seine drop imprt
	[[ $output == *"did you mean import?"* ]]
	run seine drop add 203.0.113.9 --dryrun
	[[ $output == *"did you mean dry-run?"* ]]
	run seine aply
	[[ $output == *"did you mean apply?"* ]]
}

@test "what is missing may be" {
	run seine drop del 192.0.2.9
	[ "$status" -eq 1 ]
	[[ $output == *"192.0.2.9: not listed"* ]]
	run seine drop del 192.0.2.9 --missing-ok
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "bad lines are named, and how many more there are" {
	run seine drop replace "$dir/bad.txt"
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = "seine: $dir/bad.txt:7: 203.0.113.300: no address" ]
	[ "${lines[1]}" = "seine: $dir/bad.txt: cut short" ]
	[ "${lines[2]}" = "seine: $dir/bad.txt: and 20 lines more" ]
	[ "${lines[3]}" = "seine: list.txt: 2 bad lines; nothing has changed" ]
	run seine drop import /nonexistent --feed x
	[ "$status" -eq 1 ]
	[ "$output" = "seine: /nonexistent: No such file or directory" ]
	run --separate-stderr seine drop import - --feed x <"$dir/list.txt"
	[ "$status" -eq 0 ]
	# shellcheck disable=SC2154 # set by run
	[ "$stderr" = "$(printf 'seine: stdin:3: 10.0.0.0/8: overlaps a guard\nseine: stdin: and 24 lines more')" ]
	[[ $output == *"and 3,113 more"*"change      3,124 added"*"skipped     25 lines"* ]]
}

@test "a file on trial is tried first, and a failure ends the trial" {
	run seine apply --confirm-within 5m "$dir/list.txt"
	[ "$status" -eq 0 ]
	[ "$(sent | grep -oE 'verb:[a-z]+')" = "$(printf 'verb:dropreplace\nverb:applybegin\nverb:dropreplace')" ]
	[ "$(sent | grep -c dry_run)" -eq 1 ]
	[[ $output == *"on trial"* ]]

	: >"$dir/log"
	run seine apply --confirm-within 5m "$dir/bad.txt"
	[ "$status" -eq 2 ]
	[ "$(sent | grep -oE 'verb:[a-z]+')" = verb:dropreplace ]

	: >"$dir/log"
	run seine apply --confirm-within 5m "$dir/later.txt"
	[ "$status" -eq 2 ]
	[ "$(sent | grep -oE 'verb:[a-z]+' | tail -2)" = "$(printf 'verb:dropreplace\nverb:applyrevert')" ]
}

@test "the log goes on where the past ends" {
	run seine log --follow --json
	[ "$status" -eq 3 ]
	[ "$(grep -oE '"id":[0-9]+' <<<"$output" | tr -d '\n')" = '"id":1"id":2"id":3"id":4"id":5"id":6' ]
	[ "$(grep -c '"kind":"event"' <<<"$output")" -eq 6 ]
	run seine log 192.0.2.0/24 --follow
	[[ $output == *"drop add 192.0.2.1"* && $output != *"drop add c-1f3a"* ]]
	run seine log 1f3a --follow
	[ "$status" -eq 2 ]
	run seine log c-1f3a --follow
	[[ $output == *"drop add c-1f3a"* && $output != *"drop add 192.0.2.1"* ]]
}

@test "changes are told as they happen" {
	run seine drop watch --json
	[ "$(grep -c '"kind":"drop_change"' <<<"$output")" -eq 3 ]
	run seine drop watch
	[[ $output == *"added "*"203.0.113.0/24"*"changed "*"bulk "*"3,112 entries at once"* ]]
}

@test "orders and trials are answered with where things stand" {
	[[ $(seine campaign approve c-1f3a) == *"c-1f3a, 12 entries"*"canary for "*"approved by root: seen in the logs"* ]]
	[[ $(seine campaign pause c-1f3a) == *"paused for "*"until it is approved"* ]]
	[[ $(seine campaign show c-1f3a) == *"canary for "*"rollbacks   1 time"*"held out    1,250 sources"* ]]
	[[ $(seine apply) == *"on trial    4 m 12 s left, begun by root"*"mode observe -> enforce"* ]]
	[ "$(seine apply --confirm)" = "confirmed: the changes stay" ]
	[ "$(seine apply --revert)" = "reverted: mode, entries and allow list are as they were before the trial" ]
}

@test "whoever enforces is warned of a trial" {
	run --separate-stderr seine mode enforce
	[ "$status" -eq 0 ]
	[[ $stderr == *"warning: on trial, 4 m 12 s left"* && $stderr != *guards* ]]
	run --separate-stderr seine mode observe
	[ -z "$stderr" ]
}

@test "colours are for terminals, or when asked for" {
	[[ $(seine apply) != *$'\033'* ]]
	[[ $(seine apply --color always) == *$'\033'* ]]
	[[ $(NO_COLOR=1 seine apply --color always) == *$'\033'* ]]
	[[ $(seine apply --color never) != *$'\033'* ]]
	[[ $(seine drop replace "$dir/list.txt" --color always 2>&1) == *$'\033[32m+  2001:db8'* ]]
}

@test "nothing is wider than 80 columns" {
	local command
	for command in status "drop list" "drop add 203.0.113.9 --dry-run" "drop del 203.0.113.9" "drop flush" \
		"drop replace $dir/list.txt" "drop conflicts" "drop watch" "allow list" "allow add 203.0.113.9" \
		"campaign list" "campaign show c-1f3a" "campaign explain c-1f3a" "campaign approve c-1f3a" \
		"campaign pause c-1f3a" "check 203.0.113.9" apply log "log --follow" "mode enforce"; do
		# shellcheck disable=SC2086 # words
		seine $command >"$dir/out" 2>/dev/null || [ $? -eq 3 ]
		[ -s "$dir/out" ]
		[ "$(LC_ALL=C.UTF-8 wc -L <"$dir/out")" -le 80 ] || {
			cat "$dir/out"
			return 1
		}
	done
}

@test "what only the agent knows is completed" {
	PATH=$BUILD:$PATH
	# shellcheck source=/dev/null
	source "$root/user/completion/seine"
	# shellcheck disable=SC2034 # read by the completion
	complete_words() {
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
		COMPREPLY=()
		_seine
		echo "${COMPREPLY[*]}"
	}
	[ "$(complete_words seine --socket "$dir/sock" campaign explain '')" = c-1f3a ]
	[ "$(complete_words seine --socket "$dir/sock" campaign approve c-)" = c-1f3a ]
	[ "$(complete_words seine --socket "$dir/sock" drop del 203)" = "203.0.112.0/20 203.0.113.0/24" ]
	[ "$(complete_words seine --socket "$dir/sock" drop flush --feed '')" = a-feed-with-a-long-name ]
	[ "$(complete_words seine --socket /nonexistent drop del '')" = "" ]
	# The shell takes a colon for the end of a word.
	COMP_WORDS=(seine --socket "$dir/sock" drop del 2001 : db) COMP_CWORD=7
	COMP_LINE="seine --socket $dir/sock drop del 2001:db" COMP_POINT=${#COMP_LINE}
	_seine
	[ "${COMPREPLY[*]}" = db8:1234:5678::/64 ]
}
