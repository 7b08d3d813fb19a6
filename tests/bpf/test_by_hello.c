// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries for one ClientHello: the stack that misbehaves is dropped, and its neighbours behind the
 * same address are not.
 */
#include <stdio.h>
#include "tests/bpf/stage.h"

#define SHARERS 24

static void test_hello_entry(void **state)
{
	struct talk guilty = talk_new(bed, SRC, 40000), neighbour = talk_new(bed, SRC, 40001);
	struct seine_entry e = { .action = SEINE_DROP, .slot = 2 };
	struct seine_hit hit;

	(void)state;
	talk_open(&guilty, 20 * MS, 300, 1800);
	e.hello_key = shake().hello_key;
	neighbour.hello.stack = STACK_BROWSER;
	talk_open(&neighbour, 20 * MS, 300, 1800);
	bed_entry(bed, 0, "192.0.2.7/32", &e);

	talk_data(&guilty, 900);
	assert_int_equal(guilty.verdict, XDP_DROP);
	talk_data(&neighbour, 900);
	assert_int_equal(neighbour.verdict, XDP_PASS);

	/* A new connection shakes hands, and is stopped at its hello, however often that comes. */
	guilty = talk_new(bed, SRC, 40002);
	talk_syn(&guilty);
	assert_int_equal(guilty.verdict, XDP_PASS);
	talk_ack(&guilty);
	assert_int_equal(guilty.verdict, XDP_PASS);
	for (int i = 0; i < 3; i++) {
		talk_hello(&guilty, 517);
		assert_int_equal(guilty.verdict, XDP_DROP);
		guilty.seq -= 517;
	}
	bed_hits(bed, 2, &hit);
	assert_int_equal(hit.packets, 4);
	bed_allow(bed, SRC "/32", 0);
	talk_hello(&guilty, 517);
	assert_int_equal(guilty.verdict, XDP_PASS);
}

/* An entry for another hello gives way to a shorter one for this hello. */
static void test_two_hello_entries(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_entry this = { .action = SEINE_DROP }, other = { .action = SEINE_DROP };

	(void)state;
	talk_open(&t, 20 * MS, 300, 517);
	this.hello_key = shake().hello_key;
	other.hello_key = ~this.hello_key;
	bed_entry(bed, 0, "192.0.2.7/32", &other);
	talk_data(&t, 900);
	assert_int_equal(t.verdict, XDP_PASS);
	bed_entry(bed, 0, "192.0.2.0/24", &this);
	talk_data(&t, 900);
	assert_int_equal(t.verdict, XDP_DROP);
}

/* A longer entry that watches this hello keeps a shorter one from dropping it. */
static void test_hello_watch(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_entry watch = { .action = SEINE_WATCH }, drop = { .action = SEINE_DROP };

	(void)state;
	talk_open(&t, 20 * MS, 300, 517);
	watch.hello_key = shake().hello_key;
	bed_entry(bed, 0, "192.0.2.7/32", &watch);
	bed_entry(bed, 0, "192.0.2.0/24", &drop);
	talk_data(&t, 900);
	assert_int_equal(t.verdict, XDP_PASS);
	assert_int_equal(stats().watched, 1);
	assert_int_equal(stats().dropped, 0);
	talk_syn(&(struct talk){ .bed = bed, .shape = t.shape, .seq = 9 });
	assert_int_equal(stats().dropped, 1);
}

/* A share of the sources of one ClientHello: who is in it without a hello is in it with one, and
 * the rest, like every other hello, passes. */
static void test_hello_share(void **state)
{
	struct seine_entry plain = { .action = SEINE_CANARY, .share = SEINE_SHARE / 2 }, e = plain;
	int in_share = 0;

	(void)state;
	for (int i = 0; i < SHARERS; i++) {
		char address[32];
		struct talk guilty, neighbour;
		int expected;

		/* The verdict on a SYN, by an entry for all. */
		stage_empty(NULL);
		snprintf(address, sizeof(address), "192.0.2.%d", i + 1);
		guilty = talk_new(bed, address, 40000);
		neighbour = talk_new(bed, address, 40001);
		bed_entry(bed, 0, NET, &plain);
		talk_syn(&guilty);
		expected = guilty.verdict;
		in_share += expected == XDP_DROP;

		stage_empty(NULL);
		guilty = talk_new(bed, address, 40000);
		talk_open(&guilty, 20 * MS, 300, 517);
		e.hello_key = shake().hello_key;
		neighbour.hello.stack = STACK_BROWSER;
		talk_open(&neighbour, 20 * MS, 300, 517);
		bed_entry(bed, 0, NET, &e);
		talk_data(&guilty, 900);
		assert_int_equal(guilty.verdict, expected);
		assert_int_equal(stats().canary_spared, expected == XDP_PASS);
		talk_data(&neighbour, 900);
		assert_int_equal(neighbour.verdict, XDP_PASS);
		assert_int_equal(stats().hello_differs, 1);
	}
	assert_in_range(in_share, 1, SHARERS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST("entry for one hello spares the neighbours", test_hello_entry, NULL),
		STAGE_TEST("entries for two hellos", test_two_hello_entries, NULL),
		STAGE_TEST("entry for one hello that watches", test_hello_watch, NULL),
		STAGE_TEST("entry for a share of one hello's sources", test_hello_share, NULL),
	};

	return cmocka_run_group_tests(tests, stage_open, stage_close);
}
