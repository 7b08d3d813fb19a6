// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Small worlds through the whole line, with generous margins: red when detection breaks, or when it
 * begins to blame the innocent. How good it is, `make sim` measures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>
#include "tests/sim/rows.h"

#define PEOPLE .people = { 5000 }
#define NULLS 5
#define NO_FILE "" /* clients are made up: results do not depend on what lies around */

static const struct row even = {
	.name = "even",
	.plans = { { .sources = 400, .per_day = 46, .schedule = SCHEDULE_LRU, .dense = 0.15 } },
	.days = { 1.1 },
	PEOPLE,
};
static const struct row at_random = {
	.name = "random",
	.plans = { { .sources = 400, .per_day = 46, .schedule = SCHEDULE_RANDOM, .dense = 0.15 } },
	.days = { 1.1 },
	PEOPLE,
};
static const struct row direct = {
	.name = "direct",
	.plans = { { .sources = 400, .per_day = 46, .schedule = SCHEDULE_RANDOM, .direct = true } },
	.days = { 1.1 },
	PEOPLE,
};
static const struct row month = {
	.name = "month",
	.sort = ROW_MONTH,
	.days = { 3 },
	.people = { 1000 },
};
static const struct row honest = { .name = "honest", .sort = ROW_NULL, .days = { 1 }, PEOPLE };

static void run(const struct row *row, uint64_t seed, struct outcome *ret)
{
	assert_int_equal(row_run(row, PROFILE_SIM, seed, NO_FILE, ret), 0);
}

static void assert_found(const struct row *row, uint64_t seed)
{
	const struct verdict *v;
	struct outcome o;

	run(row, seed, &o);
	v = &o.measure->verdicts[0];
	assert_in_range(v->sec[MOMENT_ALARM], 0, 8 * 3600);
	assert_true(v->day.sources == row->plans[0].sources);
	assert_in_range(v->day.found, row->plans[0].sources * 8 / 10, row->plans[0].sources);
	assert_in_range(v->day.acted, row->plans[0].sources * 8 / 10, row->plans[0].sources);
	assert_in_range(v->day.wrong, 0, row->plans[0].sources / 20);
	assert_int_equal(o.measure->n_false, 0);
	assert_in_range(o.measure->harm.sources, 0, 10);
	outcome_clear(&o);
}

static void finds_an_even_campaign(void **state)
{
	(void)state;
	assert_found(&even, 1);
}

static void finds_one_at_random(void **state)
{
	(void)state;
	assert_found(&at_random, 1);
}

/* Without a second leg there is one kind of evidence at most. */
static void blames_no_direct_fleet(void **state)
{
	struct outcome o;

	(void)state;
	run(&direct, 1, &o);
	assert_int_equal(o.measure->verdicts[0].sec[MOMENT_ALARM], NOT_YET);
	assert_int_equal(o.measure->harm.sources, 0);
	outcome_clear(&o);
}

static void blames_no_honest_crowd(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= NULLS; seed++) {
		struct outcome o;

		run(&honest, seed, &o);
		assert_true(o.honest > 500);
		assert_int_equal(o.measure->n_false, 0);
		assert_int_equal(o.measure->harm.sources, 0);
		outcome_clear(&o);
	}
}

/* What the line knows of sources is what they did. */
static void rows_arrive(void **state)
{
	size_t known = 0;
	struct outcome o;

	(void)state;
	run(&even, 3, &o);
	for (size_t i = 0; i < o.world->n; i++) {
		const struct world_source *s = &o.world->list[i];
		struct features f;

		if (s->kind != KIND_MEMBER)
			continue;
		assert_int_equal(observations_find(o.mind->observations, s->ip, WINDOW_SEASON,
						   s->last_sec, &f),
				 0);
		assert_int_equal(f.requests, s->total);
		assert_int_equal(f.handshakes, s->total);
		assert_int_equal(f.gap_dual, s->row.dual);
		assert_int_equal(f.rhythm->n, s->total < RHYTHM_TIMES ? s->total : RHYTHM_TIMES);
		known++;
	}
	assert_int_equal(known, even.plans[0].sources);
	outcome_clear(&o);
}

/* What sources did each day is in the file the next midnight, and nothing is left behind. */
static void keeps_history(void **state)
{
	const struct archive *a;
	char dir[PATH_MAX];
	struct outcome o;

	(void)state;
	run(&month, 1, &o);
	a = o.archive;
	assert_int_equal(a->n, 4);
	assert_int_equal(a->rows[0], 0); /* its day has not been told yet */
	for (uint32_t day = 1; day < a->n; day++) {
		assert_in_range(a->rows[day], month.people[0] / 2, o.honest);
		assert_true(a->bytes[day] > a->bytes[0]);
	}
	assert_int_equal(a->last.days, 3);
	assert_int_equal(a->last.queued, 0);
	assert_int_equal(a->last.lost, 0);
	assert_false(a->last.full);
	memcpy(dir, a->dir, sizeof(dir));
	assert_int_equal(access(dir, F_OK), 0);
	outcome_clear(&o);
	assert_int_not_equal(access(dir, F_OK), 0);
}

static void one_seed_one_world(void **state)
{
	struct outcome a, b;

	(void)state;
	run(&honest, 7, &a);
	run(&honest, 7, &b);
	assert_int_equal(a.world->n, b.world->n);
	assert_true(a.world->requests == b.world->requests && a.world->rows == b.world->rows);
	assert_int_equal(a.measure->members_max, b.measure->members_max);
	outcome_clear(&a);
	outcome_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_an_even_campaign),
		cmocka_unit_test(finds_one_at_random),
		cmocka_unit_test(blames_no_direct_fleet),
		cmocka_unit_test(blames_no_honest_crowd),
		cmocka_unit_test(rows_arrive),
		cmocka_unit_test(keeps_history),
		cmocka_unit_test(one_seed_one_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
