/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What trips and what does not, on simulated hosts. usage: test_rollback [DAYS [HOST]], where one
 * day of each host is the default; the rates in rollback.h are from 20.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/traffic.h"
#include "user/base/cleanup.h"
#include "user/base/number.h"
#include "user/judge/rollback.h"

#define WATCH 600
#define HISTORY (3 * 3600 + 1800)
#define CAMPAIGN 0x1f3a

static uint64_t days = 1;
static const char *only = ""; /* hosts whose name has this in it */

/* Settings that are asked side by side. */
static const struct rollback_settings asked[] = {
	{ 0.05, WATCH },
	{ 0.10, WATCH },
	{ 0.20, WATCH },
};
#define ASKED ARRAY_LEN(asked)
#define DEFAULT 2

static const double losses[] = { 0, 0.3, 0.5 };
#define LOSSES ARRAY_LEN(losses)

struct tally {
	uint32_t climbs;
	uint32_t fell[LOSSES][ASKED];
	uint64_t sec[LOSSES]; /* till the default tripped, in all */
};

/* A host that is watched. */
struct watched {
	struct traffic traffic;
	struct rollback rollback;
};

static void cycle(struct watched *w)
{
	traffic_step(&w->traffic);
	rollback_add(&w->rollback, w->traffic.now_sec, w->traffic.requests, w->traffic.connections);
}

static void run(struct watched *w, uint32_t sec)
{
	for (uint32_t i = 0; i < sec / TRAFFIC_CYCLE; i++)
		cycle(w);
}

/* What would be, if a campaign climbed now and so many others were lost with it. */
static void branch(const struct watched *w, double loss, uint32_t fell[ASKED], uint64_t *sec)
{
	struct rollback_fall fall;
	struct watched b = *w;
	bool done[ASKED] = { false };

	rollback_climbed(&b.rollback, CAMPAIGN, 0, 0, b.traffic.now_sec);
	traffic_keep(&b.traffic, 1 - loss);
	b.traffic.random ^= 1;
	for (uint32_t t = 0; t < WATCH + 90; t += TRAFFIC_CYCLE) {
		cycle(&b);
		for (size_t i = 0; i < ASKED; i++) {
			if (done[i] ||
			    !rollback_check(&b.rollback, &asked[i], b.traffic.now_sec, &fall))
				continue;
			done[i] = true;
			fell[i]++;
			*sec += i == DEFAULT ? t + TRAFFIC_CYCLE : 0;
		}
	}
}

static struct tally measure(const struct traffic_kind *kind)
{
	struct tally tally = { 0 };
	struct watched w;

	traffic_begin(&w.traffic, kind, 7);
	rollback_begin(&w.rollback, &asked[0]);
	run(&w, HISTORY);
	for (uint32_t i = 0; i < days * 86400 / WATCH; i++) {
		run(&w, WATCH);
		for (size_t l = 0; l < LOSSES; l++)
			branch(&w, losses[l], tally.fell[l], &tally.sec[l]);
		tally.climbs++;
	}
	return tally;
}

static double share_of_climbs(const struct tally *t, size_t loss, size_t setting)
{
	return (double)t->fell[loss][setting] / t->climbs;
}

/* name: tripped without a loss, with losses of 30 and of 50 %, in percent of climbs, where falls of
 * 5, 10 and 20 % are let pass; and how long the last took on average. */
static void show(const char *name, const struct tally *t)
{
	print_message("%-24s", name);
	for (size_t l = 0; l < LOSSES; l++)
		print_message(" |%6.2f %6.2f %6.2f %4.0f s", 100 * share_of_climbs(t, l, 0),
			      100 * share_of_climbs(t, l, 1), 100 * share_of_climbs(t, l, 2),
			      t->fell[l][DEFAULT] ? (double)t->sec[l] / t->fell[l][DEFAULT] : 0);
	print_message("\n");
}

/* What the default must do, as shares of climbs. */
static const struct {
	struct traffic_kind kind;
	double false_most;
	double seen30_least, seen50_least;
} hosts[] = {
	{ { "3 a minute", 0.05, 1, 0, 0, 0, 0 }, 0, 0, 0 },
	{ { "3 a minute, sessions", 0.05, 5, 0, 0.88, 0, 0 }, 0.01, 0, 0 },
	{ { "0.5 a second, sessions", 0.5, 8, 0.05, 0.88, 0, 0 }, 0.01, 0, 0.1 },
	{ { "5 a second, even", 5, 1, 0, 0, 0, 0 }, 0.01, 1, 1 },
	{ { "5 a second, day", 5, 2, 0.05, 0.88, 0, 0 }, 0.01, 0.8, 1 },
	{ { "50 a second, day", 50, 3, 0.05, 0.88, 0, 0 }, 0.01, 0.9, 1 },
	{ { "50 a second, restless", 50, 3, 0.2, 0.88, 0, 0 }, 0.01, 0.05, 0.4 },
	{ { "50 a second, batches", 50, 3, 0.05, 0.88, 0.3, 0 }, 0.02, 0.5, 0.9 },
	{ { "50 a second, bursts", 50, 3, 0.05, 0.88, 0, 3 }, 0.01, 0.9, 1 },
	{ { "500 a second, day", 500, 3, 0.05, 0.88, 0, 0 }, 0.01, 0.9, 1 },
};

static void hosts_of_all_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct tally t;

		if (!strstr(hosts[i].kind.name, only))
			continue;
		t = measure(&hosts[i].kind);
		show(hosts[i].kind.name, &t);
		assert_true(share_of_climbs(&t, 0, DEFAULT) <= hosts[i].false_most);
		assert_true(share_of_climbs(&t, 1, DEFAULT) >= hosts[i].seen30_least);
		assert_true(share_of_climbs(&t, 2, DEFAULT) >= hosts[i].seen50_least);
	}
}

/* ---- what has nothing to do with us ---- */

/* A host with exactly so many requests a second, and half as many connections. */
struct clock {
	struct rollback r;
	uint32_t now_sec;
	uint64_t requests, connections;
	struct rollback_fall fall;
};

static void clock_begin(struct clock *c)
{
	memset(c, 0, sizeof(*c));
	c->now_sec = 50000;
	c->requests = 1000;
	rollback_begin(&c->r, &rollback_defaults);
}

/* Goes on for so long; whether it tripped meanwhile. */
static bool clock_run(struct clock *c, uint32_t sec, uint32_t per_sec, uint32_t connections_per_sec)
{
	bool fell = false;

	for (uint32_t t = 0; t < sec; t += TRAFFIC_CYCLE) {
		c->now_sec += TRAFFIC_CYCLE;
		c->requests += per_sec * TRAFFIC_CYCLE;
		c->connections += connections_per_sec * TRAFFIC_CYCLE;
		rollback_add(&c->r, c->now_sec, c->requests, c->connections);
		if (rollback_check(&c->r, &rollback_defaults, c->now_sec, &c->fall))
			fell = true;
	}
	return fell;
}

static void climb(struct clock *c, uint32_t campaign, double share)
{
	rollback_climbed(&c->r, campaign, share, share, c->now_sec);
}

static void a_fall_without_a_climb_is_not_ours(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	assert_false(clock_run(&c, 3600, 5, 2));
	/* Nor one that comes when the time is over. */
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	climb(&c, CAMPAIGN, 0.1);
	assert_false(clock_run(&c, WATCH + 60, 45, 22));
	assert_false(clock_run(&c, 3600, 5, 2));
}

static void a_fall_after_a_climb_is_told(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	climb(&c, CAMPAIGN, 0.08);
	assert_true(clock_run(&c, 120, 20, 10));
	assert_int_equal(c.fall.n, 1);
	assert_int_equal(c.fall.campaigns[0], CAMPAIGN);
	assert_true(fabs(c.fall.left - 0.4) < 0.01);
	assert_true(fabs(c.fall.expected - 0.92) < 1e-9);
	assert_non_null(strstr(c.fall.text, "accepted requests fell to 40 % of what they were"));
	assert_non_null(strstr(c.fall.text, "since c-1f3a climbed"));
	assert_non_null(strstr(c.fall.text, "92 % was expected"));
}

/* A swarm may be most of what comes in. */
static void what_was_expected_to_go_may_go(void **state)
{
	static const double shares[] = { 0.05, 0.3, 0.6, 0.8, 0.95, 1 };
	struct clock c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		uint32_t left = (uint32_t)(1000 * (1 - shares[i]) + 0.5);

		clock_begin(&c);
		assert_false(clock_run(&c, 3600, 1000, 500));
		climb(&c, CAMPAIGN, shares[i]);
		assert_false(clock_run(&c, 900, left, left / 2));
	}
	/* But not half of the others with it. */
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 1000, 500));
	climb(&c, CAMPAIGN, 0.6);
	assert_true(clock_run(&c, 180, 200, 100));
}

/* The share was measured over a day, and this is another hour of it. */
static void what_is_expected_may_be_a_tenth_off(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 1000, 500));
	climb(&c, CAMPAIGN, 0.6);
	assert_false(clock_run(&c, 900, 340, 170));
}

/* Of a pool that gives up whole more may go than was known of it. */
static void a_quarter_of_a_pool_may_be_unknown(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 1000, 500));
	climb(&c, CAMPAIGN, 0.4);
	assert_false(clock_run(&c, 900, 468, 234));
}

static void a_fall_of_fewer_than_let_pass_passes(void **state)
{
	struct rollback_settings never = { .fall_for_sec = WATCH };
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 1000, 500));
	climb(&c, CAMPAIGN, 0);
	assert_false(clock_run(&c, 600, 810, 405));
	assert_false(rollback_check(&c.r, &never, c.now_sec, &c.fall));
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 1000, 500));
	climb(&c, CAMPAIGN, 0);
	assert_true(clock_run(&c, 600, 780, 390));
	assert_false(rollback_check(&c.r, &never, c.now_sec, &c.fall));
}

static void all_that_climbed_are_told(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 100, 50));
	climb(&c, 1, 0.1);
	assert_false(clock_run(&c, 300, 90, 45));
	climb(&c, 2, 0.2);
	climb(&c, 3, 0.2);
	assert_false(clock_run(&c, 120, 50, 25)); /* a half is expected to go */
	climb(&c, 3, 0.1);
	assert_true(clock_run(&c, 120, 15, 7));
	assert_int_equal(c.fall.n, 3);
	assert_non_null(strstr(c.fall.text, "since 3 campaigns climbed"));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(c.fall.campaigns[i], i + 1);
	/* The first one's time ends before the others'. */
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 100, 50));
	climb(&c, 1, 0.1);
	assert_false(clock_run(&c, 500, 90, 45));
	climb(&c, 2, 0);
	assert_false(clock_run(&c, 200, 90, 45));
	assert_true(clock_run(&c, 200, 20, 10));
	assert_int_equal(c.fall.n, 1);
	assert_int_equal(c.fall.campaigns[0], 2);
}

/* What comes back is no new level to fall from, and the next climb is judged as the first was. */
static void rolled_back_it_is_as_before(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 100, 50));
	climb(&c, 1, 0.5);
	assert_true(clock_run(&c, 120, 10, 5));
	rollback_withdrawn(&c.r, 1, c.now_sec);
	assert_false(clock_run(&c, 120, 10, 5));
	assert_false(clock_run(&c, 1200, 100, 50));
	climb(&c, 2, 0);
	assert_false(clock_run(&c, 600, 100, 50));
	assert_false(clock_run(&c, 3600, 100, 50));
	climb(&c, 2, 0);
	assert_true(clock_run(&c, 120, 50, 25));
}

/* One of the two series is enough: requests are not seen without TLS, or inside of few connections.
 */
static void either_series_is_enough(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 0, 50));
	climb(&c, CAMPAIGN, 0);
	assert_true(clock_run(&c, 120, 0, 20));
	assert_int_equal(c.fall.series, ROLLBACK_CONNECTIONS);
	assert_non_null(strstr(c.fall.text, "connections fell to 40 %"));
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 1));
	climb(&c, CAMPAIGN, 0);
	assert_true(clock_run(&c, 120, 20, 1));
	assert_int_equal(c.fall.series, ROLLBACK_REQUESTS);
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 0, 0));
	climb(&c, CAMPAIGN, 0);
	assert_false(clock_run(&c, 600, 0, 0));
}

/* A campaign's share of connections is another one than that of requests. */
static void each_series_has_its_share(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 100, 50));
	rollback_climbed(&c.r, CAMPAIGN, 0.05, 0.6, c.now_sec);
	assert_false(clock_run(&c, 600, 95, 20));
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 100, 50));
	rollback_climbed(&c.r, CAMPAIGN, 0.6, 0.05, c.now_sec);
	assert_true(clock_run(&c, 600, 95, 20));
	assert_int_equal(c.fall.series, ROLLBACK_CONNECTIONS);
}

/* The map was made anew: its counters begin at zero. */
static void counters_that_begin_anew(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	climb(&c, CAMPAIGN, 0);
	assert_false(clock_run(&c, 100, 50, 25));
	c.requests = c.connections = 0;
	assert_false(clock_run(&c, 500, 50, 25));
	/* And once more in the middle of the loss: it is still seen. */
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	climb(&c, CAMPAIGN, 0);
	assert_false(clock_run(&c, 50, 20, 10));
	c.requests = c.connections = 0;
	assert_true(clock_run(&c, 200, 20, 10));
}

static void a_clock_that_goes_back(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	climb(&c, CAMPAIGN, 0);
	rollback_withdrawn(&c.r, CAMPAIGN, c.now_sec);
	climb(&c, CAMPAIGN, 0);
	c.now_sec -= 8000;
	assert_false(clock_run(&c, 300, 20, 10));
	assert_false(rollback_ready(&c.r));
	assert_false(clock_run(&c, 3600, 50, 25));
	climb(&c, CAMPAIGN, 0);
	assert_true(clock_run(&c, 120, 20, 10));
}

/* Somebody restarts the service every few hours. */
static void what_a_host_does_by_itself(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	for (int i = 0; i < 180; i++) {
		uint32_t per_sec = i == 90 || i == 91 ? 5 : 47 + i % 3 * 3;

		assert_false(clock_run(&c, 60, per_sec, per_sec / 2));
	}
	climb(&c, CAMPAIGN, 0);
	assert_false(clock_run(&c, 120, 15, 7));
	assert_false(clock_run(&c, 600, 50, 25));
	/* What goes on for longer than that is something else. */
	climb(&c, CAMPAIGN, 0);
	assert_true(clock_run(&c, 600, 15, 7));
}

/* The agent stood still, shortly or long, and the host went on. */
static void an_agent_that_paused(void **state)
{
	static const uint32_t pauses[] = { 25, 60, 110, 121, 300, 1000, 20000 };
	struct clock c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		for (int lost = 0; lost < 2; lost++) {
			clock_begin(&c);
			assert_false(clock_run(&c, 3600, 50, 25));
			climb(&c, CAMPAIGN, 0);
			c.now_sec += pauses[i];
			/* Lost: somebody reset the counters to where they were. */
			c.requests += lost ? 0 : 50ull * pauses[i];
			c.connections += lost ? 0 : 25ull * pauses[i];
			if (lost && pauses[i] <= 120)
				continue;
			assert_false(clock_run(&c, 600, 50, 25));
		}
	}
}

/* Two blocks are not enough of a time of which nothing else is known. */
static void little_is_known_after_a_pause(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	climb(&c, CAMPAIGN, 0);
	c.now_sec += 450;
	assert_false(clock_run(&c, 90, 20, 10));
}

/* It broke down, and came back by itself. */
static void a_hiccup(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	climb(&c, CAMPAIGN, 0);
	assert_false(clock_run(&c, 30, 0, 0));
	assert_false(clock_run(&c, 600, 50, 25));
}

/* The traffic of a quarter of an hour was three times higher, and ended with the climb. */
static void a_burst_before_the_climb(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(clock_run(&c, 3600, 50, 25));
	assert_false(clock_run(&c, 900, 150, 75));
	climb(&c, CAMPAIGN, 0);
	assert_false(clock_run(&c, 900, 50, 25));
}

/* After a start nothing is known, and a while later enough. */
static void it_takes_a_while_to_know_a_host(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	assert_false(rollback_ready(&c.r));
	assert_false(clock_run(&c, 500, 50, 25));
	assert_false(rollback_ready(&c.r));
	climb(&c, CAMPAIGN, 0);
	assert_false(clock_run(&c, 300, 5, 2));
	clock_begin(&c);
	assert_false(clock_run(&c, 700, 50, 25));
	assert_true(rollback_ready(&c.r));
	climb(&c, CAMPAIGN, 0);
	assert_true(clock_run(&c, 120, 20, 10));
}

/* Half a second a cycle, twenty seconds watched. */
static void quick_settings(void **state)
{
	struct rollback_settings s = { .fall_max = 0.2, .fall_for_sec = 20 };
	struct rollback_fall fall;
	uint64_t requests = 0;
	struct rollback r;
	bool fell = false;
	uint32_t half;

	(void)state;
	rollback_begin(&r, &s);
	for (half = 2000; half < 2080; half++)
		rollback_add(&r, half / 2, requests += 25, 0);
	assert_true(rollback_ready(&r));
	rollback_climbed(&r, CAMPAIGN, 0.1, 0.1, half / 2);
	for (; half < 2086; half++) {
		rollback_add(&r, half / 2, requests += 22, 0);
		assert_false(rollback_check(&r, &s, half / 2, &fall));
	}
	for (; half < 2096; half++) {
		rollback_add(&r, half / 2, requests += 2, 0);
		fell |= rollback_check(&r, &s, half / 2, &fall);
	}
	assert_true(fell);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fall_without_a_climb_is_not_ours),
		cmocka_unit_test(a_fall_after_a_climb_is_told),
		cmocka_unit_test(what_was_expected_to_go_may_go),
		cmocka_unit_test(what_is_expected_may_be_a_tenth_off),
		cmocka_unit_test(a_quarter_of_a_pool_may_be_unknown),
		cmocka_unit_test(a_fall_of_fewer_than_let_pass_passes),
		cmocka_unit_test(all_that_climbed_are_told),
		cmocka_unit_test(rolled_back_it_is_as_before),
		cmocka_unit_test(either_series_is_enough),
		cmocka_unit_test(each_series_has_its_share),
		cmocka_unit_test(counters_that_begin_anew),
		cmocka_unit_test(an_agent_that_paused),
		cmocka_unit_test(a_clock_that_goes_back),
		cmocka_unit_test(what_a_host_does_by_itself),
		cmocka_unit_test(little_is_known_after_a_pause),
		cmocka_unit_test(a_hiccup),
		cmocka_unit_test(a_burst_before_the_climb),
		cmocka_unit_test(it_takes_a_while_to_know_a_host),
		cmocka_unit_test(quick_settings),
		cmocka_unit_test(hosts_of_all_kinds),
	};

	if (argc > 1 && number_parse(argv[1], 1, 1000, &days) < 0)
		return 2;
	if (argc > 2)
		only = argv[2];
	return cmocka_run_group_tests_name("rollback", tests, NULL, NULL);
}
