/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What trips and what does not, on simulated hosts. With an argument, so many days of each are
 * simulated instead of one; the rates in rollback.h are from 60.
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
	{ { "3 a minute", 0.05, 1, 0, 0, 0, 0 }, 0.01, 0, 0 },
	{ { "3 a minute, sessions", 0.05, 5, 0, 0.88, 0, 0 }, 0.02, 0, 0 },
	{ { "0.5 a second, sessions", 0.5, 8, 0.05, 0.88, 0, 0 }, 0.02, 0, 0 },
	{ { "5 a second, even", 5, 1, 0, 0, 0, 0 }, 0.01, 0.98, 1 },
	{ { "5 a second, day", 5, 2, 0.05, 0.88, 0, 0 }, 0.01, 0, 0 },
	{ { "50 a second, day", 50, 3, 0.05, 0.88, 0, 0 }, 0.01, 0, 0 },
	{ { "50 a second, restless", 50, 3, 0.2, 0.88, 0, 0 }, 0.01, 0, 0 },
	{ { "50 a second, batches", 50, 3, 0.05, 0.88, 0.3, 0 }, 0.05, 0, 0.9 },
	{ { "50 a second, bursts", 50, 3, 0.05, 0.88, 0, 3 }, 0.01, 0, 0 },
	{ { "500 a second, day", 500, 3, 0.05, 0.88, 0, 0 }, 0.01, 0, 0 },
};

static void hosts_of_all_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct tally t = measure(&hosts[i].kind);

		show(hosts[i].kind.name, &t);
		assert_true(share_of_climbs(&t, 0, DEFAULT) <= hosts[i].false_most);
		assert_true(share_of_climbs(&t, 1, DEFAULT) >= hosts[i].seen30_least);
		assert_true(share_of_climbs(&t, 2, DEFAULT) >= hosts[i].seen50_least);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_of_all_kinds),
	};

	if (argc > 1 && number_parse(argv[1], 1, 1000, &days) < 0)
		return 2;
	return cmocka_run_group_tests_name("rollback", tests, NULL, NULL);
}
