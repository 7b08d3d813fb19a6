// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What depends on time, by a clock that the test sets: entries that let a rate through, and
 * automatic entries that need a living agent.
 *
 * A rate belongs to an entry, not to each source it covers nor to each CPU: all packets that meet
 * the entry share one bucket. CPUs do not lock it: two that ask in the same moment may both get
 * the same turn, so that a rate can be exceeded by as many packets as there are CPUs at a time.
 */
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>
#include "tests/bpf/rig.h"
#include "user/base/cleanup.h"

#define PINS "/sys/fs/bpf/seine-test-limits"
#define MS 1000000ull
#define RATE 100
#define BURST 10
#define BEAT_MAX_SEC 60 /* as rig_enforce() sets it */

static const uint8_t here[16] = { [10] = 0xff, 0xff, 192, 0, 2, 7 },
		     there[16] = { [10] = 0xff, 0xff, 192, 0, 2, 8 };

static void apply(struct datapath *d, const struct entry *list, size_t n)
{
	struct entries e = { .list = (struct entry *)list, .n = n };
	char why[DATAPATH_WHY];

	if (datapath_apply(d, &e, why) < 0)
		fail_msg("%s", why);
}

static struct entry entry_of(const uint8_t ip[16], unsigned int len, struct seine_entry row)
{
	return (struct entry){ .prefix = prefix_of(ip, PREFIX_V4_BASE + len), .row = row };
}

static void at(struct datapath *d, uint64_t ns)
{
	datapath_set_clock(d, RIG_NOW_SEC * RIG_SECOND + ns);
}

static bool passes(struct datapath *d, const uint8_t ip[16])
{
	return rig_syn(d, ip, 1) == XDP_PASS;
}

static unsigned int passing(struct datapath *d, const uint8_t ip[16], unsigned int of)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < of; i++)
		n += passes(d, ip);
	return n;
}

static struct seine_stats stats(struct datapath *d)
{
	struct seine_stats s;

	assert_int_equal(datapath_stats(d, &s), 0);
	return s;
}

/* ---- rates ---- */

/* With a fresh bucket: an entry that stays listed keeps the one it has. */
static void limit(struct datapath *d, unsigned int len)
{
	struct entry e = entry_of(here, len,
				  (struct seine_entry){ .action = SEINE_LIMIT,
							.origin = SEINE_OPERATOR,
							.rate_pps = RATE,
							.burst = BURST });

	apply(d, NULL, 0);
	apply(d, &e, 1);
}

static void burst_then_rate(void **state)
{
	struct datapath *d = *state;
	struct seine_stats before;

	at(d, 0);
	limit(d, 32);
	before = stats(d);
	assert_int_equal(passing(d, here, 50), BURST);
	assert_int_equal(stats(d).within_limit - before.within_limit, BURST);
	assert_int_equal(stats(d).dropped - before.dropped, 50 - BURST);

	/* A hundredth of a second later one more is due, and not a nanosecond before. */
	at(d, 10 * MS - 1);
	assert_int_equal(passing(d, here, 5), 0);
	at(d, 10 * MS);
	assert_int_equal(passing(d, here, 5), 1);

	/* After a rest it is the burst again, not more. */
	at(d, 10 * RIG_SECOND);
	assert_int_equal(passing(d, here, 50), BURST);
}

static void ten_seconds_at_ten_times_the_rate(void **state)
{
	struct datapath *d = *state;
	unsigned int n = 0;

	limit(d, 32);
	for (unsigned int i = 0; i < 10 * RATE * 10; i++) {
		at(d, 100 * RIG_SECOND + i * MS);
		n += passes(d, here);
	}
	assert_int_equal(n, 10 * RATE + BURST - 1);
}

static void below_the_rate_nothing_is_dropped(void **state)
{
	struct datapath *d = *state;

	limit(d, 32);
	for (unsigned int i = 0; i < 300; i++) {
		at(d, 200 * RIG_SECOND + i * 10 * MS);
		assert_true(passes(d, here));
	}
}

static void sources_of_an_entry_share_its_rate(void **state)
{
	struct datapath *d = *state;
	struct entry two[] = {
		entry_of(here, 32, (struct seine_entry){ .action = SEINE_LIMIT, .rate_pps = RATE }),
		entry_of(there, 32,
			 (struct seine_entry){ .action = SEINE_LIMIT, .rate_pps = RATE }),
	};

	at(d, 300 * RIG_SECOND);
	limit(d, 24);
	assert_int_equal(passing(d, here, 5), 5);
	assert_int_equal(passing(d, there, 50), BURST - 5);

	/* Two entries have two buckets. */
	apply(d, two, 2);
	assert_int_equal(passing(d, here, 5), 1);
	assert_int_equal(passing(d, there, 5), 1);
}

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static void cpus_share_the_rate(void **state)
{
	struct datapath *d = *state;
	unsigned int n = 0, cpus = 0;
	cpu_set_t all;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	at(d, 400 * RIG_SECOND);
	limit(d, 32);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || run_on(cpu) < 0)
			continue;
		n += passing(d, here, 8);
		cpus++;
	}
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	print_message("# %u CPUs\n", cpus);
	assert_int_equal(n, cpus < 2 ? 8 : BURST);
}

static void renewed_entry_keeps_its_bucket(void **state)
{
	struct entry e = entry_of(here, 32,
				  (struct seine_entry){ .action = SEINE_LIMIT,
							.origin = SEINE_OPERATOR,
							.rate_pps = RATE,
							.burst = BURST,
							.expires_sec = 5000 });
	struct datapath *d = *state;

	at(d, 500 * RIG_SECOND);
	limit(d, 32);
	assert_int_equal(passing(d, here, 50), BURST);
	apply(d, &e, 1);
	assert_int_equal(passing(d, here, 50), 0);
}

/* ---- the agent's heartbeat ---- */

struct origin_row {
	enum seine_origin origin;
	uint8_t last; /* of 192.0.2.x */
};

static const struct origin_row origins[] = {
	{ SEINE_EXTERNAL, 1 }, { SEINE_OPERATOR, 2 }, { SEINE_AUTO, 3 },
	{ SEINE_FEED, 4 },     { SEINE_FLEET, 5 },
};

#define EXPIRES_SEC (RIG_NOW_SEC + 1000)

static void list_origins(struct datapath *d)
{
	struct entry list[ARRAY_LEN(origins)];

	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		uint8_t ip[16];

		memcpy(ip, here, 16);
		ip[15] = origins[i].last;
		list[i] = entry_of(ip, 32,
				   (struct seine_entry){ .action = SEINE_DROP,
							 .origin = origins[i].origin,
							 .expires_sec = EXPIRES_SEC });
	}
	apply(d, list, ARRAY_LEN(origins));
}

/* Whom the entries drop; automatic ones only with `automatic`. */
static void assert_drops(struct datapath *d, bool automatic, bool others)
{
	struct seine_stats before = stats(d), after;

	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		uint8_t ip[16];
		bool drops = origins[i].origin == SEINE_AUTO ? automatic : others;

		memcpy(ip, here, 16);
		ip[15] = origins[i].last;
		if (passes(d, ip) == drops)
			fail_msg("origin %d %s", origins[i].origin, drops ? "passes" : "drops");
	}
	after = stats(d);
	assert_int_equal(after.agent_silent - before.agent_silent, others && !automatic);
	assert_int_equal(after.dropped - before.dropped, 4 * others + automatic);
}

static void silent_agent_only_watches(void **state)
{
	struct datapath *d = *state;
	uint32_t beat = RIG_NOW_SEC + 100;

	list_origins(d);
	assert_int_equal(datapath_beat(d, beat), 0);
	at(d, 100 * RIG_SECOND);
	assert_drops(d, true, true);
	/* The last moment at which it may still live, and the first at which it is dead. */
	at(d, (100 + BEAT_MAX_SEC + 1) * RIG_SECOND - 1);
	assert_drops(d, true, true);
	at(d, (100 + BEAT_MAX_SEC + 1) * RIG_SECOND);
	assert_drops(d, false, true);

	/* It is back. */
	assert_int_equal(datapath_beat(d, beat + BEAT_MAX_SEC + 1), 0);
	assert_drops(d, true, true);
}

static void all_drops_end_with_a_dead_agent(void **state)
{
	struct datapath *d = *state;

	list_origins(d);
	assert_int_equal(datapath_beat(d, RIG_NOW_SEC), 0);
	at(d, 1000 * RIG_SECOND - 1);
	assert_drops(d, false, true);
	at(d, 1000 * RIG_SECOND);
	assert_drops(d, false, false);
}

static void never_a_heartbeat(void **state)
{
	struct datapath *d = *state;

	list_origins(d);
	assert_int_equal(datapath_beat(d, 0), 0);
	at(d, 0);
	assert_drops(d, false, true);
}

/* A canary and a limit of the judge's need the agent as a drop does. */
static void every_automatic_action_needs_the_agent(void **state)
{
	struct entry list[] = {
		entry_of(here, 32,
			 (struct seine_entry){ .action = SEINE_CANARY,
					       .origin = SEINE_AUTO,
					       .share = SEINE_SHARE }),
		entry_of(there, 32,
			 (struct seine_entry){
				 .action = SEINE_LIMIT, .origin = SEINE_AUTO, .rate_pps = 1 }),
	};
	struct datapath *d = *state;

	at(d, 600 * RIG_SECOND);
	apply(d, list, 2);
	assert_int_equal(datapath_beat(d, RIG_NOW_SEC + 600), 0);
	assert_int_equal(passing(d, here, 3), 0);
	assert_int_equal(passing(d, there, 3), 1);
	assert_int_equal(datapath_beat(d, 0), 0);
	assert_int_equal(passing(d, here, 3), 3);
	assert_int_equal(passing(d, there, 3), 3);
}

static int setup(void **state)
{
	struct datapath *d = rig_open(PINS);

	rig_enforce(d);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state, PINS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_rate),
		cmocka_unit_test(ten_seconds_at_ten_times_the_rate),
		cmocka_unit_test(below_the_rate_nothing_is_dropped),
		cmocka_unit_test(sources_of_an_entry_share_its_rate),
		cmocka_unit_test(cpus_share_the_rate),
		cmocka_unit_test(renewed_entry_keeps_its_bucket),
		cmocka_unit_test(silent_agent_only_watches),
		cmocka_unit_test(all_drops_end_with_a_dead_agent),
		cmocka_unit_test(never_a_heartbeat),
		cmocka_unit_test(every_automatic_action_needs_the_agent),
	};

	return cmocka_run_group_tests_name("limits", tests, setup, teardown);
}
