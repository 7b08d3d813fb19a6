/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Synchrony on simulated campaigns and crowds: awake for 40 minutes a day, on and off, and in
 * shifts are seen; users who share hours, time zones, outages and addresses are not.
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

#define CROWD 300

static void crowd(struct timeline *t, size_t n, timeline_profile awake)
{
	size_t at = timeline_add(t, n, false);

	for (size_t i = 0; i < n; i++)
		timeline_user(t, at + i, 30 * exp(timeline_normal(t)), 1.4, awake);
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

#define FOUND 1e-9

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
	assert_true(pool_p("64 in 40 minutes, 13", 64, 13, profile_minutes40, 1.0 / 36) < 1e-3);
	assert_true(pool_p("64 in 40 minutes, 25", 64, 25, profile_minutes40, 1.0 / 36) < 1e-3);
	assert_true(pool_p("1000 in 40 minutes, 25", 1000, 25, profile_minutes40, 1.0 / 36) <
		    FOUND);
}

static void test_on_and_off(void **state)
{
	(void)state;
	assert_true(pool_p("64 on and off, 25", 64, 25, on_off, 0.5) < 1e-6);
	assert_true(pool_p("64 on and off, 330", 64, 330, on_off, 0.5) < 0.01);
	assert_true(pool_p("1000 on and off, 25", 1000, 25, on_off, 0.5) < FOUND);
}

/* How much a pool's own turns show depends on how unevenly they come: no promise. */
static void test_always(void **state)
{
	(void)state;
	pool_p("64 always, 25", 64, 25, NULL, 1);
	pool_p("1000 always, 25", 1000, 25, NULL, 1);
	pool_p("1000 by day, 25", 1000, 25, profile_day, 0.5);
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
	assert_true(e.p < 1e-8);
	assert_int_equal(e.test, SYNCHRONY_NEIGHBOURS);
}

/* ---- innocents ---- */

#define RUNS 200
#define LEVEL 0.01
#define REJECTED_MAX 7 /* of 200 at 0.01 the chance of more is 0.1 % */

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
	make_users(t, 40, 0, 900, NULL);
}

static void make_office(struct timeline *t)
{
	make_users(t, 200, 0.5, 100, profile_office);
}

static void make_office_busy(struct timeline *t)
{
	make_users(t, 80, 0, 500, profile_office);
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

static void make_periodic(struct timeline *t)
{
	size_t at = timeline_add(t, 100, true);

	for (size_t i = 0; i < 100; i++)
		timeline_monitor(t, at + i, 3000, 1.5, 60);
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
	{ "every 50 minutes", make_periodic, NULL },
	{ "outage", make_outage, outage },
	{ "two addresses each", make_pairs, profile_day },
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

			crowd(&t, CROWD, innocents[i].crowd);
			innocents[i].make(&t);
			e = judge(&t);
			least = fmin(least, e.p);
			rejected += e.p <= LEVEL;
		}
		print_message("%-28s %u of %d below %g, least p %.2g\n", innocents[i].name,
			      rejected, RUNS, LEVEL, least);
		assert_true(rejected <= REJECTED_MAX && least > 1e-6);
	}
}

/* Many people of one company, whose hours begin and end to the second: all within what innocents
 * may deviate by, however many they are. */
static void test_many_innocents(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 1 };

	(void)state;
	crowd(&t, CROWD, profile_day);
	make_users(&t, 8000, 0.5, 40, profile_sharp);
	assert_true(judge(&t).p > 0.1);
}

/* Machines with one crontab are as synchronous as a campaign: why one family is never enough. */
static void test_crontab(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 1 };
	struct evidence e;

	(void)state;
	crowd(&t, CROWD, NULL);
	timeline_add(&t, 100, true);
	for (size_t i = 0; i < 100; i++)
		for (unsigned int hour = 24; hour > 0; hour--)
			timeline_note(&t, CROWD + i,
				      TIMELINE_END - 3600 * hour + 20 * timeline_uniform(&t));
	e = judge(&t);
	assert_true(e.p < FOUND);
	assert_int_equal(e.test, SYNCHRONY_SLOTS);
	assert_true(e.observed == e.of && e.expected < 0.2 * e.of);
}

/* Nothing is known of the cohort's times, or there is no crowd to compare with. */
static void test_unknown(void **state)
{
	_cleanup_(timeline_clear) struct timeline times = { .random = 1 };
	_cleanup_(timeline_clear) struct timeline alone = { .random = 1 };

	(void)state;
	crowd(&times, 100, NULL);
	timeline_add(&times, 30, true);
	assert_true(judge(&times).p == 1);

	make_users(&alone, 30, 0, 40, NULL);
	assert_true(judge(&alone).p > 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_awake_together), cmocka_unit_test(test_on_and_off),
		cmocka_unit_test(test_always),	       cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_innocents),      cmocka_unit_test(test_many_innocents),
		cmocka_unit_test(test_crontab),	       cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
