#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make sim`, one of its rows: it plans, runs, and reports in a table that fits a terminal, and in a page
# with plots. Its figures are judged by the report itself, not here.

bats_require_minimum_version 1.5.0

setup_file() {
	export root=$BATS_TEST_DIRNAME/../.. out=$BATS_FILE_TMPDIR
	mkdir -p "$out/tests/sim" # results that somebody waited for stay as they are
	ln -s "$BUILD/tests/sim/sim_rows" "$out/tests/sim/sim_rows"
	BUILD=$out SEEDS=tuning "$root/tests/sim/run" sim '^200x330$' >"$out/table" 2>"$out/told"
}

@test "make sim runs it" {
	make -C "$root" -n --no-print-directory ROWS='^200x330$' sim | grep -q 'tests/sim/run sim '
}

@test "the plan is told before it begins" {
	grep -q '^plan: [0-9]* runs, about ' "$out/told"
}

@test "the table fits a terminal and has the row" {
	grep -q '^200x330 ' "$out/table"
	[ "$(LC_ALL=C.UTF-8 awk '{ if (length > n) n = length } END { print n }' "$out/table")" -le 80 ]
}

@test "the page has plots, which are well formed" {
	[ -s "$out/sim/sim.html" ]
	python3 - "$out"/sim/*.svg <<-END
		import sys
		import xml.dom.minidom
		assert len(sys.argv) > 1
		for path in sys.argv[1:]:
		    xml.dom.minidom.parse(path)
	END
}

@test "a row that is none is named" {
	BUILD=$out run "$root/tests/sim/run" sim '^nothing$'
	[ "$status" -ne 0 ]
	[[ $output == *"no such row"* ]]
}
