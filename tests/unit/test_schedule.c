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

static void test_pool(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		assert_true(judge_pool((struct pool){ .n = 64, .per_day = rates[i] }, i).p < 1e-9);
		if (rates[i] < 100)
			assert_true(
				judge_pool((struct pool){ .n = 1000, .per_day = rates[i] }, i).p <
				1e-9);
	}
}

static void test_sticky(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		for (double sticky = 0.5; sticky < 1; sticky += 0.3)
			judge_pool((struct pool){ .n = 64, .per_day = rates[i], .sticky = sticky },
				   i);
}

static void test_noise(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		judge_pool((struct pool){ .n = 64, .per_day = rates[i], .noise = 0.5 }, i);
}

/* A balancer that chooses at random leaves no order to be found. */
static void test_random_choice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		judge_pool((struct pool){ .n = 64, .per_day = rates[i], .random = true }, i);
}

/* ---- innocents ---- */

#define RUNS 300
#define LEVEL 0.01

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

static void test_innocents(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(innocents); i++) {
		unsigned int rejected = 0;
		double least = 1, rank = 0;

		for (unsigned int run = 0; run < RUNS; run++) {
			_cleanup_(timeline_clear) struct timeline t = { .random = run << 8 | i };
			struct cohort *c;
			struct evidence e;
			struct group g;

			crowd(&t, 60, 1);
			innocents[i].make(&t, timeline_add(&t, innocents[i].n, true),
					  innocents[i].n);
			e = judge(&t);
			least = fmin(least, e.p);
			rejected += e.p <= LEVEL;
			c = &t.cohorts->list[0];
			g = (struct group){ c->proven, c->n };
			handoff_test(t.tempo, &g, &e);
			rank += e.observed / RUNS;
		}
		print_message("%-20s %u of %d below %g, least p %.2g, rank %.3f\n", innocents[i].name,
			      rejected, RUNS, LEVEL, least, rank);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_random_choice),
		cmocka_unit_test(test_innocents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
