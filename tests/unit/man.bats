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
		/^  [a-z]/ { print $2 ~ /^(list|show|explain|history|seed|seeds|unseed|add|del)$/ ? $1 " " $2 : $1 }'
}

options() {
	commands | cut -d' ' -f1 | sort -u | while read -r noun; do
		"$seine" "$noun" --help
	done | cat - <("$seine" help) | grep -oE '^  --[a-z]+' | sort -u | tr -d ' '
}

@test "every command is in seine.8" {
	[ "$(commands | wc -l)" -ge 18 ]
	commands | while read -r command; do
		grep -qE "Cm $command( |\$)" "$man/seine.8" || {
			echo "missing: $command"
			exit 1
		}
	done
}

@test "every option is in seine.8" {
	[ "$(options | wc -l)" -ge 15 ]
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

@test "every command is completed" {
	command -v bash >/dev/null
	PATH=$(dirname "$seine"):$PATH
	# shellcheck source=/dev/null
	source "$root/user/completion/seine"
	COMP_WORDS=(seine dr) COMP_CWORD=1
	_seine
	[ "${COMPREPLY[*]}" = drop ]
	COMP_WORDS=(seine drop '') COMP_CWORD=2
	_seine
	[ "${COMPREPLY[*]}" = "list add del" ]
	COMP_WORDS=(seine drop add --sh) COMP_CWORD=3
	_seine
	[ "${COMPREPLY[*]}" = --share ]
}
