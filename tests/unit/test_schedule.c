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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_random_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
