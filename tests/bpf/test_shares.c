// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shares of sources, through the real program: whom a canary takes a drop takes too, the rest is
 * counted as spared or held out, and what `seine check` computes is what happens to packets.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "tests/bpf/rig.h"
#include "user/base/cleanup.h"
#include "user/control/check.h"

#define PINS "/sys/fs/bpf/seine-test-shares"
#define SOURCES 4000 /* half of them IPv6, each in a /64 of its own */
#define PERCENT (SEINE_SHARE / 100)
#define SIGMAS 5

static uint8_t sources[SOURCES][16];

static void sources_make(void)
{
	uint64_t seed = 11;

	for (size_t i = 0; i < SOURCES; i++) {
		uint64_t word[2] = { rig_random(&seed), rig_random(&seed) };
		uint8_t *ip = sources[i];

		memcpy(ip, word, 16);
		if (i % 2) {
			memset(ip, 0, 10);
			ip[10] = ip[11] = 0xff;
			ip[12] = 10;
		} else {
			memcpy(ip, "\x20\x01\x0d\xb8", 4);
		}
	}
}

/* One entry for all IPv4 sources and one for all IPv6 ones. */
static struct entries *list_of(enum seine_action action, uint32_t share)
{
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 10 },
			     v6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct entry e = { .row = { .action = action,
				    .origin = SEINE_OPERATOR,
				    .share = share,
				    .actor = SEINE_NO_ACTOR } };
	struct entries *list = NULL;

	assert_int_equal(entries_new(4, &list), 0);
	e.prefix = prefix_of(v4, PREFIX_V4_BASE + 8);
	assert_int_equal(entries_put(list, &e), 0);
	e.prefix = prefix_of(v6, 32);
	assert_int_equal(entries_put(list, &e), 0);
	return list;
}

static void apply(struct datapath *d, const struct entries *e)
{
	char why[DATAPATH_WHY];

	if (datapath_apply(d, e, why) < 0)
		fail_msg("%s", why);
}

struct result {
	bool dropped[SOURCES];
	size_t n;
	struct seine_stats moved; /* dropped, held_out and canary_spared only */
};

static void run(struct datapath *d, const struct entries *list, struct result *ret)
{
	struct seine_stats before, after;

	memset(ret, 0, sizeof(*ret));
	apply(d, list);
	assert_int_equal(datapath_stats(d, &before), 0);
	for (size_t i = 0; i < SOURCES; i++) {
		ret->dropped[i] = rig_syn(d, sources[i], 1) == XDP_DROP;
		ret->n += ret->dropped[i];
	}
	assert_int_equal(datapath_stats(d, &after), 0);
	ret->moved.dropped = after.dropped - before.dropped;
	ret->moved.held_out = after.held_out - before.held_out;
	ret->moved.canary_spared = after.canary_spared - before.canary_spared;
	assert_int_equal(ret->moved.dropped, ret->n);
}

static void run_share(struct datapath *d, enum seine_action action, uint32_t share,
		      struct result *ret)
{
	struct entries *list = list_of(action, share);

	run(d, list, ret);
	entries_free(list);
}

static void assert_share(const struct result *r, double share)
{
	double expected = SOURCES * share, sigma = sqrt(SOURCES * share * (1 - share));

	if (fabs((double)r->n - expected) > SIGMAS * sigma)
		fail_msg("%zu of %d sources, expected %.0f", r->n, SOURCES, expected);
}

static void assert_subset(const struct result *few, const struct result *many)
{
	for (size_t i = 0; i < SOURCES; i++)
		assert_false(few->dropped[i] && !many->dropped[i]);
}

static void canary_is_part_of_the_drop(void **state)
{
	struct datapath *d = *state;
	static struct result canary, drop, again;

	run_share(d, SEINE_CANARY, 5 * PERCENT, &canary);
	run_share(d, SEINE_DROP, 95 * PERCENT, &drop);
	assert_share(&canary, 0.05);
	assert_share(&drop, 0.95);
	assert_subset(&canary, &drop);
	assert_int_equal(canary.moved.canary_spared, SOURCES - canary.n);
	assert_int_equal(canary.moved.held_out, 0);
	assert_int_equal(drop.moved.held_out, SOURCES - drop.n);
	assert_int_equal(drop.moved.canary_spared, 0);
	print_message("# of %d sources the canary takes %zu, and %zu are held out of the drop\n",
		      SOURCES, canary.n, SOURCES - drop.n);

	/* After two more lists the same sources are taken. */
	run_share(d, SEINE_CANARY, 5 * PERCENT, &again);
	assert_memory_equal(again.dropped, canary.dropped, sizeof(again.dropped));
}

static void growing_share_only_adds(void **state)
{
	static const uint32_t shares[] = {
		1, PERCENT, 5 * PERCENT, 30 * PERCENT, 95 * PERCENT, SEINE_SHARE - 1, SEINE_SHARE
	};
	static struct result before, now;

	memset(&before, 0, sizeof(before));
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		run_share(*state, i % 2 ? SEINE_CANARY : SEINE_DROP, shares[i], &now);
		assert_subset(&before, &now);
		before = now;
	}
	assert_int_equal(now.n, SOURCES);
}

static void share_of_zero(void **state)
{
	static struct result r;

	run_share(*state, SEINE_CANARY, 0, &r);
	assert_int_equal(r.n, 0);
	run_share(*state, SEINE_DROP, 0, &r);
	assert_int_equal(r.n, SOURCES);
	assert_int_equal(r.moved.held_out, 0);
}

/* Who has a /64 has all addresses in it: they are one source. IPv4 addresses are each their own. */
static void ipv6_counts_by_64(void **state)
{
	static struct result r;
	uint64_t seed = 5;
	size_t differ = 0;

	run_share(*state, SEINE_CANARY, 50 * PERCENT, &r);
	for (size_t i = 0; i < SOURCES / 4; i++) {
		uint64_t low = rig_random(&seed);
		uint8_t ip[16];
		bool dropped;

		memcpy(ip, sources[i], 16);
		if (i % 2)
			ip[15] ^= 1;
		else
			memcpy(ip + 8, &low, 8);
		dropped = rig_syn(*state, ip, 1) == XDP_DROP;
		if (i % 2)
			differ += dropped != r.dropped[i];
		else
			assert_int_equal(dropped, r.dropped[i]);
	}
	assert_true(differ > 0);
}

/* What the command line says of an address, and what the program does to it. */
static void check_says_what_happens(void **state)
{
	static const struct {
		enum seine_action action;
		uint32_t share;
		enum check_verdict spared;
	} rows[] = {
		{ SEINE_CANARY, 5 * PERCENT, CHECK_CANARY_SPARED },
		{ SEINE_DROP, 95 * PERCENT, CHECK_HELD_OUT },
		{ SEINE_CANARY, 50 * PERCENT, CHECK_CANARY_SPARED },
		{ SEINE_DROP, 3333, CHECK_HELD_OUT },
	};
	struct check_state s = { .agent_alive = true, .now_sec = RIG_NOW_SEC };
	struct datapath *d = *state;
	static struct result r;

	assert_int_equal(datapath_config(d, &s.cfg), 0);
	assert_int_equal(datapath_meta(d, &s.meta), 0);
	for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
		struct entries *list = list_of(rows[row].action, rows[row].share);

		run(d, list, &r);
		s.entries = list;
		for (size_t i = 0; i < SOURCES; i++) {
			struct prefix p = prefix_of(sources[i], 128);
			struct check c;

			check_address(&s, &p, &c);
			assert_int_equal(c.verdict,
					 r.dropped[i] ? CHECK_DROPPED : rows[row].spared);
		}
		entries_free(list);
	}
}

static int setup(void **state)
{
	struct datapath *d = rig_open(PINS);

	sources_make();
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
		cmocka_unit_test(canary_is_part_of_the_drop),
		cmocka_unit_test(growing_share_only_adds),
		cmocka_unit_test(share_of_zero),
		cmocka_unit_test(ipv6_counts_by_64),
		cmocka_unit_test(check_says_what_happens),
	};

	return cmocka_run_group_tests_name("shares", tests, setup, teardown);
}
