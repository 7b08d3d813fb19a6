#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demonstration's own judgement, on made-up entries: it must say so when a member was missed, an
# innocent hit, the swarm not stopped, or honest clients were.

# judge PYTHON: run with `plan`, the entry lists `good` and `drop`, and `said(entries, before, after)`.
judge() {
	cd "$BATS_TEST_DIRNAME/../../scripts/lab" || exit
	python3 -B - <<-E
		import plan as planning
		import verdict
		plan = planning.make_plan(1, set())
		def drop(*prefixes):
		    return [{"prefix": prefix, "action": "drop"} for prefix in prefixes]
		good = drop("203.0.113.0/24", "198.51.100.0/24", *[
		    item["source"] for item in plan["exits"] if item["source"].startswith("198.18.")])
		def said(entries, swarm=0.0, carrier=1.0):
		    success = {kind: {"before": 1.0, "after": 1.0} for kind in verdict.CLASSES}
		    success["swarm"]["after"] = swarm
		    success["carrier"]["after"] = carrier
		    return "; ".join(verdict.breaches(verdict.judge_swarm(plan, entries),
		                                      verdict.judge_innocents(plan, entries), success))
		def expect(text, *words):
		    assert all(word in text for word in words) and bool(text) == bool(words), text
		$1
	E
}

@test "all found, nobody else hit: nothing to say" {
	judge 'expect(said(good))'
}

@test "members found are counted by where they are" {
	judge 'row = verdict.judge_swarm(plan, good[1:]); assert row == {
	    "exits": 492, "found": 408, "missed": 84, "dense": {"exits": 168, "found": 84, "missed": 84},
	    "scattered": {"exits": 324, "found": 324, "missed": 0}}, row'
}

@test "less than nine in ten found" {
	judge 'expect(said(good[1:]), "408 of 492 exits were found")'
}

@test "an entry that only watches finds nobody" {
	judge 'good[0]["action"] = "watch"; expect(said(good), "408 of 492")'
}

@test "an innocent address hit, alone and in a prefix of either family" {
	judge 'one = plan["clients"][0]["source"]; expect(said(good + drop(one)), "1 direct addresses")'
	judge 'expect(said(good + drop("10.20.0.0/16")), "210 direct addresses")'
	judge 'expect(said(good + drop("2001:db8:100::/40")), "70 direct addresses with 70 innocent")'
}

@test "a shared address counts with all its users" {
	judge 'expect(said(good + drop(planning.CARRIER)), "1 carrier addresses with 40 innocent users")'
	judge 'expect(said(good + drop(planning.OFFICE_PROXY)), "1 corporate addresses with 60")'
}

@test "the swarm goes on, or was not asked" {
	judge 'expect(said(good, swarm=0.11), "success after enforcement is 11%")'
	judge 'expect(said(good, swarm=None), "success after enforcement is None")'
}

@test "honest clients lose more than two points" {
	judge 'expect(said(good, carrier=0.985))'
	judge 'expect(said(good, carrier=0.97), "carrier clients went from 1.0 to 0.97")'
}

@test "requests that may not be over count on neither side" {
	judge 'rows = verdict.judge_success(
	    [{"class": "swarm", "t": t, "ok": ok} for t, ok in ((1, True), (95, False), (101, False), (195, True))],
	    100, 200, 8)["swarm"]; assert rows == {"requests": 4, "before": 1.0, "after": 0.0}, rows'
}
