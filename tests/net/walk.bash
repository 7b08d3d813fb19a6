# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the commands of a document as a reader would type them.

# walk_lines FILE HEADING: the indented lines below a heading, up to the next one.
walk_lines() {
	awk -v heading="$2" '
		/^#+ / { inside = $0 ~ "^#+ " && substr($0, index($0, " ") + 1) == heading; next }
		inside && sub(/^    /, "") && NF { print }' "$1"
}

# walk_replace LINE [TEXT=VALUE]...: the document's examples give way to what there is.
walk_replace() {
	local line=$1 pair
	shift
	for pair; do
		line=${line//"${pair%%=*}"/${pair#*=}}
	done
	echo "$line"
}

# walk FILE HEADING HOOK [TEXT=VALUE]...: stops at the first command whose exit status is not the expected one, and that
# is 0 unless its comment begins with "exit N". After each command HOOK is called with it, and may look at what it did.
walk() {
	local file=$1 heading=$2 hook=$3 line command expected status said lines=()
	shift 3
	mapfile -t lines < <(walk_lines "$file" "$heading")
	[ ${#lines[@]} -gt 0 ] || {
		echo "$file has no commands below '$heading'"
		return 1
	}
	for line in "${lines[@]}"; do
		[[ $line != '#'* ]] || continue
		line=$(walk_replace "$line" "$@")
		command=${line%%  #*}
		command=${command%"${command##*[! ]}"}
		expected=0
		[[ ! $line =~ '# exit '([0-9]+) ]] || expected=${BASH_REMATCH[1]}
		status=0
		said=$(bash -c "$command" 2>&1 3>&-) || status=$?
		printf '$ %s\n%s\n[exit %d]\n' "$command" "$said" "$status"
		[ "$status" -eq "$expected" ] || {
			echo "'$command' ended with $status, not $expected"
			return 1
		}
		"$hook" "$command" || {
			echo "and then it was not as it should be"
			return 1
		}
	done
}
