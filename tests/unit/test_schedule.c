/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schedule on simulated pools and crowds: pools in turn are seen at any rate, with sticky sessions
 * and noise; users of any kind are not, however they were chosen; monitors are what they are.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/unit/timeline.h"
#include "user/base/cleanup.h"
#include "user/shoal/family.h"
#include "user/shoal/turns.h"

static void crowd(struct timeline *t, size_t n, double log_sd)
{
	size_t at = timeline_add(t, n, false);

	for (size_t i = 0; i < n; i++)
		timeline_user(t, at + i, 12 * exp(log_sd * timeline_normal(t)), 2, NULL);
}

static struct evidence judge(struct timeline *t)
{
	struct cohort *c = timeline_judge(t);
	struct evidence e;

	assert_int_equal(schedule_judge(t->tempo, c, &e), 0);
	assert_int_equal(e.family, FAMILY_SCHEDULE);
	assert_true(e.p > 0 && e.p <= 1);
	return e;
}

/* ---- pools ---- */

static const double rates[] = { 13, 25.6, 330, 900 };

static struct evidence judge_pool(struct pool pool, uint64_t seed)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = seed };
	struct evidence e;

	crowd(&t, 500, 1);
	pool.first = timeline_add(&t, pool.n, true);
	pool.days = fmax(1, 20 / pool.per_day);
	timeline_pool(&t, &pool);
	e = judge(&t);
	print_message("%4zu sources at %5.1f a day, sticky %.1f, noise %.1f%s: p %.2g, %s %.3g of "
		      "%.0f\n",
		      pool.n, pool.per_day, pool.sticky, pool.noise, pool.random ? ", random" : "",
		      e.p, e.test == SCHEDULE_HANDOFF ? "rank" : "regular", e.observed, e.of);
	return e;
}

#define FOUND 1e-9 /* beyond what a correction for any number of cohorts takes away */

static void test_pool(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		assert_true(judge_pool((struct pool){ .n = 64, .per_day = rates[i] }, i).p < FOUND);
	assert_true(judge_pool((struct pool){ .n = 1000, .per_day = 13 }, 4).p < FOUND);
	assert_true(judge_pool((struct pool){ .n = 1000, .per_day = 25.6 }, 5).p < FOUND);
}

static void test_small_pool(void **state)
{
	(void)state;
	assert_true(judge_pool((struct pool){ .n = 16, .per_day = 25.6 }, 1).p < FOUND);
}

/* Sessions of sources that are hardly ever out of one leave no order: no promise at 900 a day. */
static void test_sticky(void **state)
{
	struct evidence e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		for (unsigned int in_ten = 5; in_ten <= 8; in_ten += 3) {
			e = judge_pool((struct pool){ .n = 64,
						      .per_day = rates[i],
						      .sticky = in_ten / 10.0 },
				       i);
			if (rates[i] < 900)
				assert_true(e.p < (rates[i] < 100 ? FOUND : 1e-4));
		}
	}
}

static void test_noise(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		assert_true(
			judge_pool((struct pool){ .n = 64, .per_day = rates[i], .noise = 0.5 }, i)
				.p < 1e-6);
}

/* A balancer that chooses at random leaves no order to be found. */
static void test_random_choice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		judge_pool((struct pool){ .n = 64, .per_day = rates[i], .random = true }, i);
}

/* Ten sources strictly in turn: nine have waited less, so the rank is 9.5 of 10, and nobody has
 * unequal waits. */
static void test_exact(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 1 };
	struct evidence e;
	struct cohort *c;
	struct group g;

	(void)state;
	crowd(&t, 60, 1);
	timeline_add(&t, 10, true);
	for (unsigned int turn = 0; turn < 100; turn++)
		timeline_note(&t, 60 + turn % 10, TIMELINE_END - 120 * (100 - turn));
	c = timeline_judge(&t);
	g = (struct group){ c->proven, c->n };
	assert_int_equal(handoff_test(t.tempo, &g, &e), 0);
	/* Of 90 turns those of the first round are compared with who is known by then. */
	assert_true(e.of == 90);
	assert_true(fabs(e.observed - 0.95) < 1e-6);
	regularity_test(t.tempo, &g, &g, &e);
	assert_true(e.observed == 10 && e.of == 10);
}

/* All at the same seconds: equal waits are no order. */
static void test_ties(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 1 };
	struct evidence e;
	struct cohort *c;
	struct group g;

	(void)state;
	crowd(&t, 60, 1);
	timeline_add(&t, 20, true);
	for (unsigned int turn = 0; turn < 10; turn++)
		for (unsigned int i = 0; i < 20; i++)
			timeline_note(&t, 60 + i, TIMELINE_END - 900 * (10 - turn));
	c = timeline_judge(&t);
	g = (struct group){ c->proven, c->n };
	assert_int_equal(handoff_test(t.tempo, &g, &e), 0);
	assert_true(e.of == 180 && fabs(e.observed - 0.5) < 1e-6 && e.p == 1);
}

/* Among many other sources a pool's order is lost; among those that density found it is there. */
static void test_dense(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 1 };
	struct pool pool = { .first = 60, .n = 64, .per_day = 25.6, .days = 2 };
	struct evidence all, dense;
	struct cohort *c;

	(void)state;
	crowd(&t, 60, 1);
	timeline_add(&t, 264, true);
	timeline_pool(&t, &pool);
	for (size_t i = 124; i < 324; i++)
		timeline_user(&t, i, 25 * exp(2 * timeline_normal(&t)), 2, NULL);
	c = timeline_judge(&t);
	assert_int_equal(schedule_judge(t.tempo, c, &all), 0);
	for (size_t i = 0; i < 64; i++)
		c->lfdr[i] = 0.01f; /* addresses rise with positions */
	assert_int_equal(schedule_judge(t.tempo, c, &dense), 0);
	assert_int_equal(dense.test, SCHEDULE_HANDOFF);
	assert_true(dense.of == 960 && dense.p < FOUND && all.p > dense.p);
	for (size_t i = 10; i < 64; i++)
		c->lfdr[i] = 1;
	assert_int_equal(schedule_judge(t.tempo, c, &dense), 0);
	assert_true(dense.p == all.p); /* ten are not enough */
}

/* Nothing is known of the times of some or all. */
static void test_unknown(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 1 };

	(void)state;
	timeline_add(&t, 30, true);
	assert_true(judge(&t).p == 1);
}

/* ---- machines ---- */

/* Monitors with one period take turns like a pool, and are as regular: why one family is never
 * enough. With a period of its own each is regular, but there is no turn. */
static void test_monitors(void **state)
{
	(void)state;
	for (unsigned int own = 0; own < 2; own++) {
		_cleanup_(timeline_clear) struct timeline t = { .random = 1 };
		double period = 1800;
		struct cohort *c;
		struct evidence e;
		struct group g;

		crowd(&t, 500, 1);
		timeline_add(&t, 60, true);
		for (size_t i = 0; i < 60; i++) {
			if (own)
				period = 900 * exp(2 * timeline_uniform(&t));
			timeline_monitor(&t, 500 + i, period, 1, 20);
		}
		e = judge(&t);
		assert_true(e.p < FOUND * 10);
		c = &t.cohorts->list[0];
		g = (struct group){ c->proven, c->n };
		assert_int_equal(handoff_test(t.tempo, &g, &e), 0);
		assert_true(own ? e.p > 0.01 : e.p < FOUND);
		regularity_test(t.tempo, &g, &g, &e);
		assert_true(e.p < FOUND * 10);
	}
}

/* Where most of the crowd is regular, that proves nothing. */
static void test_regular_crowd(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 1 };

	(void)state;
	timeline_add(&t, 300, false);
	timeline_add(&t, 60, true);
	for (size_t i = 0; i < 360; i++)
		timeline_monitor(&t, i, 900 * exp(2 * timeline_uniform(&t)), 1, 20);
	assert_true(judge(&t).p > 0.01);
}

/* ---- innocents ---- */

#define RUNS 300
#define LEVEL 0.01
#define REJECTED_MAX 9 /* of 300 at 0.01 the chance of more is 0.1 % */

/* Fills a cohort of so many sources that [first, first + n) are. */
struct innocents {
	const char *name;
	void (*make)(struct timeline *t, size_t first, size_t n);
	size_t n;
};

static void make_heterogeneous(struct timeline *t, size_t first, size_t n, double log_sd,
			       double median)
{
	for (size_t i = 0; i < n; i++)
		timeline_user(t, first + i, median * exp(log_sd * timeline_normal(t)), 2, NULL);
}

static void make_half(struct timeline *t, size_t first, size_t n)
{
	make_heterogeneous(t, first, n, 0.5, 12);
}

static void make_one(struct timeline *t, size_t first, size_t n)
{
	make_heterogeneous(t, first, n, 1, 12);
}

static void make_two(struct timeline *t, size_t first, size_t n)
{
	make_heterogeneous(t, first, n, 2, 8);
}

static void make_equal(struct timeline *t, size_t first, size_t n)
{
	make_heterogeneous(t, first, n, 0, 25);
}

static void make_bursts(struct timeline *t, size_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		timeline_bursts(t, first + i, 25, 2, 4, 90);
}

static void make_office(struct timeline *t, size_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		timeline_user(t, first + i, 40, 3, profile_office);
}

static void make_sharp(struct timeline *t, size_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		timeline_user(t, first + i, 60, 3, profile_sharp);
}

/* Of a varied crowd those who asked exactly so often, and never before. */
static void make_selected(struct timeline *t, size_t first, size_t n, unsigned int count)
{
	for (size_t i = 0; i < n; i++) {
		do {
			t->rhythms[first + i] = (struct rhythm){ 0 };
			timeline_user(t, first + i, count * exp(timeline_normal(t)), 1, NULL);
		} while (t->rhythms[first + i].n != count);
	}
}

static void make_two_each(struct timeline *t, size_t first, size_t n)
{
	make_selected(t, first, n, 2);
}

static void make_four_each(struct timeline *t, size_t first, size_t n)
{
	make_selected(t, first, n, 4);
}

static void make_twelve_each(struct timeline *t, size_t first, size_t n)
{
	make_selected(t, first, n, 12);
}

/* People who ask once a day, each at a time of his own. */
static void make_habits(struct timeline *t, size_t first, size_t n)
{
	double hour;

	for (size_t i = 0; i < n; i++) {
		hour = 9 + timeline_normal(t);
		for (unsigned int day = 5; day < 20; day++)
			timeline_note(t, first + i,
				      day * DAY_SEC + 3600 * hour + 600 * timeline_normal(t));
	}
}

static const struct innocents innocents[] = {
	{ "rates log-sd 0.5", make_half, 60 },
	{ "rates log-sd 1", make_one, 60 },
	{ "rates log-sd 2", make_two, 60 },
	{ "equal rates", make_equal, 60 },
	{ "equal rates, few", make_equal, 12 },
	{ "bursts", make_bursts, 60 },
	{ "office hours", make_office, 60 },
	{ "sharp office hours", make_sharp, 60 },
	{ "chosen by count 2", make_two_each, 200 },
	{ "chosen by count 4", make_four_each, 100 },
	{ "chosen by count 12", make_twelve_each, 60 },
	{ "daily habits", make_habits, 60 },
};

/* At the level of one in a hundred at most about one in a hundred runs, and none far below. */
static void test_innocents(void **state)
{
	struct evidence e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(innocents); i++) {
		unsigned int rejected = 0;
		double least = 1;

		for (unsigned int run = 0; run < RUNS; run++) {
			_cleanup_(timeline_clear) struct timeline t = { .random = run << 8 | i };

			crowd(&t, 60, 1);
			innocents[i].make(&t, timeline_add(&t, innocents[i].n, true),
					  innocents[i].n);
			e = judge(&t);
			least = fmin(least, e.p);
			rejected += e.p <= LEVEL;
		}
		print_message("%-20s %u of %d below %g, least p %.2g\n", innocents[i].name,
			      rejected, RUNS, LEVEL, least);
		assert_true(rejected <= REJECTED_MAX && least > 1e-6);
	}
}

static double mean_rank(size_t n, unsigned int count, unsigned int runs)
{
	double sum = 0;

	for (unsigned int run = 0; run < runs; run++) {
		_cleanup_(timeline_clear) struct timeline t = { .random = run };
		struct cohort *c;
		struct evidence e;
		struct group g;

		crowd(&t, 60, 1);
		timeline_add(&t, n, true);
		if (count)
			make_selected(&t, 60, n, count);
		else
			make_equal(&t, 60, n);
		c = timeline_judge(&t);
		g = (struct group){ c->proven, c->n };
		assert_int_equal(handoff_test(t.tempo, &g, &e), 0);
		sum += e.observed / runs;
	}
	return sum;
}

/* The mean rank is what theory says: a half of equal users, more of those chosen by count, but
 * never more than (n + 1) / (2n + 1). */
static void test_mean_rank(void **state)
{
	(void)state;
	assert_true(fabs(mean_rank(60, 0, 100) - 0.5) < 0.01);
	for (unsigned int count = 2; count <= 8; count *= 2) {
		double rank = mean_rank(100, count, 50);

		assert_true(rank > 0.51 && rank < (count + 1) / (2.0 * count + 1) + 0.01);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool),	      cmocka_unit_test(test_small_pool),
		cmocka_unit_test(test_sticky),	      cmocka_unit_test(test_noise),
		cmocka_unit_test(test_random_choice), cmocka_unit_test(test_exact),
		cmocka_unit_test(test_ties),	      cmocka_unit_test(test_dense),
		cmocka_unit_test(test_unknown),	      cmocka_unit_test(test_monitors),
		cmocka_unit_test(test_regular_crowd), cmocka_unit_test(test_innocents),
		cmocka_unit_test(test_mean_rank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
