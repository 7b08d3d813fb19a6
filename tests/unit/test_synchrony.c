/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Synchrony on simulated campaigns and crowds: awake for 40 minutes a day, on and off, and in shifts
 * are seen; users who share hours, time zones, outages and addresses are not.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "tests/unit/timeline.h"
#include "user/base/cleanup.h"
#include "user/shoal/family.h"
#include "user/shoal/turns.h"

#define CROWD 600

static void crowd(struct timeline *t, size_t n, timeline_profile awake)
{
	size_t at = timeline_add(t, n, false);

	for (size_t i = 0; i < n; i++)
		timeline_user(t, at + i, 40 * exp(timeline_normal(t)), 1.5, awake);
}

static struct evidence judge(struct timeline *t)
{
	struct cohort *c = timeline_judge(t);
	struct evidence e;

	assert_int_equal(synchrony_judge(t->tempo, c, &e), 0);
	assert_int_equal(e.family, FAMILY_SYNCHRONY);
	assert_true(e.p > 0 && e.p <= 1);
	return e;
}

static void say(const char *name, const struct evidence *e)
{
	print_message("%-32s p %.2g, %s %.0f of %.0f, %.1f expected\n", name, e->p,
		      e->test == SYNCHRONY_SLOTS ? "slots" : "neighbours", e->observed, e->of,
		      e->expected);
}

/* ---- campaigns ---- */

static double on_off(double sec)
{
	return fmod(sec, 3600) < 1800;
}

/* A pool awake now and then, with so many requests a day in all. */
static double pool_p(const char *name, size_t n, double per_day, timeline_profile awake,
		     double awake_share)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = n };
	struct pool pool = { .n = n, .days = 1.3, .awake = awake };
	struct evidence e;

	crowd(&t, CROWD, profile_day);
	pool.first = timeline_add(&t, n, true);
	pool.per_day = per_day / awake_share;
	timeline_pool(&t, &pool);
	e = judge(&t);
	say(name, &e);
	return e.p;
}

static void test_awake_together(void **state)
{
	(void)state;
	assert_true(pool_p("64 in 40 minutes, 13 a day", 64, 13, profile_minutes40, 1.0 / 36) < 1);
	assert_true(pool_p("64 in 40 minutes, 25 a day", 64, 25, profile_minutes40, 1.0 / 36) < 1);
	pool_p("1000 in 40 minutes, 25 a day", 1000, 25, profile_minutes40, 1.0 / 36);
	pool_p("64 half an hour on and off, 25", 64, 25, on_off, 0.5);
	pool_p("1000 half an hour on and off, 25", 1000, 25, on_off, 0.5);
	pool_p("64 on and off, 330", 64, 330, on_off, 0.5);
	pool_p("64 always", 64, 25, NULL, 1);
	pool_p("1000 always", 1000, 25, NULL, 1);
	pool_p("1000 by day", 1000, 25, profile_day, 0.5);
}

/* Shifts: groups of 8, each awake in slots of its own. */
static void test_shifts(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 3 };
	struct evidence e;
	double sec;
	size_t at;

	(void)state;
	crowd(&t, CROWD, profile_day);
	at = timeline_add(&t, 400, true);
	for (size_t i = 0; i < 400; i++) {
		for (unsigned int hour = 0; hour < 24; hour++) {
			sec = TIMELINE_END - TIMELINE_END % 3600 - 3600 * (24 - hour);
			sec += 600 * (double)(seine_mix64(100 * (i / 8) + hour) % 6);
			if (timeline_uniform(&t) < 0.8)
				timeline_note(&t, at + i, sec + 600 * timeline_uniform(&t));
		}
	}
	e = judge(&t);
	say("50 shifts of 8", &e);
	assert_true(e.p < 1e-6);
	assert_int_equal(e.test, SYNCHRONY_NEIGHBOURS);
}

/* ---- innocents ---- */

#define RUNS 200
#define LEVEL 0.01

static void make_users(struct timeline *t, size_t n, double log_sd, double per_day,
		       timeline_profile awake)
{
	size_t at = timeline_add(t, n, true);

	for (size_t i = 0; i < n; i++)
		timeline_user(t, at + i, per_day * exp(log_sd * timeline_normal(t)), 1.5, awake);
}

static void make_equal(struct timeline *t)
{
	make_users(t, 100, 0, 25, NULL);
}

static void make_few(struct timeline *t)
{
	make_users(t, 12, 0, 25, NULL);
}

static void make_varied(struct timeline *t)
{
	make_users(t, 100, 2, 25, NULL);
}

static void make_busy(struct timeline *t)
{
	make_users(t, 100, 0, 900, NULL);
}

static void make_office(struct timeline *t)
{
	make_users(t, 200, 0.5, 100, profile_office);
}

static void make_office_busy(struct timeline *t)
{
	make_users(t, 200, 0, 500, profile_office);
}

static void make_sharp(struct timeline *t)
{
	make_users(t, 200, 0, 100, profile_sharp);
}

static void make_bursts(struct timeline *t)
{
	size_t at = timeline_add(t, 100, true);

	for (size_t i = 0; i < 100; i++)
		timeline_bursts(t, at + i, 50, 1.5, 8, 180);
}

/* Machines that ask every hour, each at a minute of its own. */
static void make_hourly(struct timeline *t)
{
	size_t at = timeline_add(t, 100, true);

	for (size_t i = 0; i < 100; i++)
		timeline_monitor(t, at + i, 3600, 1.5, 10);
}

static double outage(double sec)
{
	double hour = fmod(sec, DAY_SEC) / 3600;

	return hour < 7.2 || hour > 7.6;
}

static void make_outage(struct timeline *t)
{
	make_users(t, 200, 0.5, 50, outage);
}

/* Each person has two addresses, and asks from both. */
static void make_pairs(struct timeline *t)
{
	size_t at;

	make_users(t, 60, 0.3, 25, profile_day);
	at = timeline_add(t, 60, true);
	for (size_t i = 0; i < 60; i++)
		t->rhythms[at + i] = t->rhythms[at + i - 60];
}

static const struct {
	const char *name;
	void (*make)(struct timeline *t);
	timeline_profile crowd;
} innocents[] = {
	{ "equal rates", make_equal, NULL },
	{ "twelve users", make_few, NULL },
	{ "rates log-sd 2", make_varied, profile_day },
	{ "900 a day", make_busy, NULL },
	{ "office", make_office, profile_day },
	{ "busy office", make_office_busy, profile_day },
	{ "office, sharp hours", make_sharp, NULL },
	{ "bursts", make_bursts, NULL },
	{ "hourly, each its own minute", make_hourly, NULL },
	{ "outage", make_outage, outage },
	{ "two addresses each", make_pairs, profile_day },
};

static void test_innocents(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(innocents); i++) {
		unsigned int rejected = 0;
		double least[SYNCHRONY_TESTS + 1] = { 1, 1, 1 };

		for (unsigned int run = 0; run < RUNS; run++) {
			_cleanup_(timeline_clear) struct timeline t = { .random = run << 8 | i };
			struct cohort *c;
			struct evidence e;
			struct group g;

			crowd(&t, CROWD, innocents[i].crowd);
			innocents[i].make(&t);
			e = judge(&t);
			least[SYNCHRONY_TESTS] = fmin(least[SYNCHRONY_TESTS], e.p);
			rejected += e.p <= LEVEL;
			c = &t.cohorts->list[0];
			g = (struct group){ c->proven, c->n };
			slots_test(t.tempo, &g, &e);
			least[SYNCHRONY_SLOTS] = fmin(least[SYNCHRONY_SLOTS], e.p);
			neighbours_test(t.tempo, &g, &e);
			least[SYNCHRONY_NEIGHBOURS] = fmin(least[SYNCHRONY_NEIGHBOURS], e.p);
		}
		print_message("%-32s %u of %d below %g, least p %.2g %.2g %.2g\n",
			      innocents[i].name, rejected, RUNS, LEVEL, least[0], least[1],
			      least[2]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_awake_together),
		cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_innocents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
