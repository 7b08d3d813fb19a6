#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The manual says what the programs can do: each command, option and setting has its place there.

setup() {
	root=$BATS_TEST_DIRNAME/../..
	seine=${BUILD:-$root/.build}/seine
	[ -x "$seine" ] || skip "$seine is not built"
	man=$root/user/man
}

# The commands of `seine help`: noun, and verb where there is one.
commands() {
	"$seine" help | awk '/^Options/ { exit }
		/^  [a-z]/ {
			split(substr($0, 3, 28), word, " ")
			print word[2] ~ /^[a-z]+$/ ? word[1] " " word[2] : word[1]
		}'
}

options() {
	commands | cut -d' ' -f1 | sort -u | while read -r noun; do
		"$seine" "$noun" --help
	done | cat - <("$seine" help) | grep -oE '^  --[a-z-]+' | sort -u | tr -d ' '
}

@test "every command is in seine.8" {
	[ "$(commands | wc -l)" -ge 38 ]
	commands | while read -r command; do
		grep -qE "Cm $command( |\$)" "$man/seine.8" || {
			echo "missing: $command"
			exit 1
		}
	done
}

@test "every option is in seine.8" {
	[ "$(options | wc -l)" -ge 25 ]
	options | while read -r option; do
		grep -qE "Fl -${option#--}( |\$)" "$man/seine.8" || {
			echo "missing: $option"
			exit 1
		}
	done
}

@test "every setting is in seine.conf.5" {
	keys=$(sed -nE 's/^#?([a-z_0-9]+) = .*/\1/p' "$root/user/conf/seine.conf")
	[ "$(wc -l <<<"$keys")" -ge 30 ]
	for key in $keys; do
		grep -qE "^\.It Cm (.* , )?$key( ,|\$)" "$man/seine.conf.5" || {
			echo "missing: $key"
			return 1
		}
	done
}

@test "help fits 80 columns" {
	for noun in "" $(commands | cut -d' ' -f1 | sort -u); do
		# shellcheck disable=SC2086 # no noun is no argument
		"$seine" $noun --help | awk 'length > 80 { print; bad = 1 } END { exit bad }'
	done
}

# complete_words WORD...: what the shell is offered for the last of them.
complete_words() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
	COMPREPLY=()
	_seine
	echo "${COMPREPLY[*]}"
}

@test "every command is completed" {
	command -v bash >/dev/null
	PATH=$(dirname "$seine"):$PATH
	# shellcheck source=/dev/null
	source "$root/user/completion/seine"
	[ "$(complete_words seine dr)" = drop ]
	[ "$(complete_words seine drop '')" = "list add del flush replace import export conflicts watch" ]
	[ "$(complete_words seine connections '')" = "" ]
	[ "$(complete_words seine drop add --sh)" = --share ]
	[ "$(complete_words seine drop add --dry)" = --dry-run ]
	[ "$(complete_words seine drop del --mi)" = --missing-ok ]
	[ "$(complete_words seine drop del --sh)" = "" ]
	[ "$(complete_words seine drop add 192.0.2.1 --action '')" = "watch canary drop limit" ]
	[ "$(complete_words seine drop flush --origin a)" = "auto all" ]
	[ "$(complete_words seine drop list --origin a)" = "auto all" ]
	[ "$(complete_words seine drop export --format '')" = "plain csv ndjson firehol spamhaus" ]
	[ "$(complete_words seine mode e)" = enforce ]
}
