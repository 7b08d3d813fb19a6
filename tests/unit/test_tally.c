/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What replay counts of each source, and the hellos it keeps until their connection ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/replay/pending.h"
#include "user/replay/tally.h"

#define V4(n) (0xffff00000000ull | (n))

static void packets_go_to_their_source(void **state)
{
	_cleanup_(tally_freep) struct tally *t = NULL;
	struct tally_source sum;

	(void)state;
	assert_int_equal(tally_new(64, &t), 0);
	for (unsigned int i = 0; i < 3000; i++)
		assert_int_equal(tally_packet(t, 0, V4(i % 1000), 40, i < 1000), 0);
	assert_int_equal(tally_count(t), 1000);
	assert_int_equal(tally_source(t, 7)->packets, 3);
	assert_int_equal(tally_source(t, 7)->bytes, 120);
	assert_int_equal(tally_source(t, 7)->syn, 1);
	assert_null(tally_source(t, 7)->proven);
	tally_sum(t, &sum);
	assert_int_equal(sum.packets, 3000);
	assert_int_equal(sum.syn, 1000);
}

static void ipv6_counts_by_its_network(void **state)
{
	_cleanup_(tally_freep) struct tally *t = NULL;
	static const uint8_t net[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	(void)state;
	assert_int_equal(tally_new(64, &t), 0);
	assert_int_equal(tally_packet(t, 0x20010db800000000, 1, 60, false), 0);
	assert_int_equal(tally_packet(t, 0x20010db800000000, 2, 60, false), 0);
	assert_int_equal(tally_packet(t, 0x20010db800000001, 1, 60, false), 0);
	assert_int_equal(tally_count(t), 2);
	assert_memory_equal(tally_source(t, 0)->ip, net, 16);
}

static void who_sent_something_is_told_once(void **state)
{
	_cleanup_(tally_freep) struct tally *t = NULL;
	uint8_t source[16];
	unsigned int n = 0;

	(void)state;
	assert_int_equal(tally_new(64, &t), 0);
	assert_false(tally_touched(t, source));
	for (unsigned int i = 0; i < 3000; i++)
		assert_int_equal(tally_packet(t, 0, V4(i % 1500), 40, false), 0);
	while (tally_touched(t, source))
		n++;
	assert_int_equal(n, 1500);
	assert_int_equal(tally_packet(t, 0, V4(7), 40, false), 0);
	assert_true(tally_touched(t, source));
	assert_int_equal(source[15], 7);
	assert_false(tally_touched(t, source));
}

static struct seine_connection connection(uint32_t rtt_us)
{
	return (struct seine_connection){
		.source.ip = { [10] = 0xff, [11] = 0xff, [15] = 1 },
		.rtt_us = rtt_us,
		.syn.ttl = 64,
		.requests = 2,
		.gap = SEINE_GAP_NONE,
		.delta_us = -3,
	};
}

static void connections_are_summed_and_measured(void **state)
{
	_cleanup_(tally_freep) struct tally *t = NULL;
	struct tally_proven *p;

	(void)state;
	assert_int_equal(tally_new(64, &t), 0);
	for (uint32_t i = 1; i <= 4; i++) {
		struct seine_connection c = connection(i * 100);

		c.flags = i == 1 ? SEINE_F_NO_HANDSHAKE : 0;
		assert_int_equal(tally_connection(t, &c), 0);
	}
	p = tally_source(t, 0)->proven;
	assert_int_equal(p->connections, 4);
	assert_int_equal(p->handshakes, 3);
	assert_int_equal(p->requests, 8);
	assert_int_equal(p->gap[SEINE_GAP_NONE], 4);
	assert_int_equal(p->rtt.min, 100);
	assert_true(samples_median(&p->rtt) == 250);
	assert_int_equal(p->delta.min, -3);
	assert_int_equal(p->g1.n, 0);
	assert_int_equal(p->syn.n, 1);
	assert_int_equal(p->syn.list[0].n, 4);
}

static void many_samples_stay_bounded(void **state)
{
	_cleanup_(tally_freep) struct tally *t = NULL;
	struct tally_proven *p;

	(void)state;
	assert_int_equal(tally_new(64, &t), 0);
	for (uint32_t i = 1; i <= 10 * TALLY_SAMPLES; i++) {
		struct seine_connection c = connection(i);

		assert_int_equal(tally_connection(t, &c), 0);
	}
	p = tally_all(t);
	assert_int_equal(p->rtt.n, TALLY_SAMPLES);
	assert_int_equal(p->rtt.min, 1);
	assert_in_range((uint64_t)samples_median(&p->rtt), 4.5 * TALLY_SAMPLES,
			5.5 * TALLY_SAMPLES);
}

static struct hello_sight sight(unsigned int n)
{
	struct hello_sight s = { .tag = n + 1 };

	s.source.ip[10] = s.source.ip[11] = 0xff;
	snprintf(s.ja4, sizeof(s.ja4), "t13d%u", n);
	return s;
}

static void names_behind_a_source_are_bounded(void **state)
{
	_cleanup_(tally_freep) struct tally *t = NULL;
	const struct counts *c;

	(void)state;
	assert_int_equal(tally_new(64, &t), 0);
	for (unsigned int i = 0; i < 2 * (TALLY_KINDS + 10); i++) {
		struct hello_sight s = sight(i / 2);

		assert_int_equal(tally_hello(t, &s), 0);
	}
	c = &tally_source(t, 0)->proven->ja4;
	assert_int_equal(c->n, TALLY_KINDS);
	assert_int_equal(c->others, 20);
	assert_int_equal(c->list[5].n, 2);
	assert_string_equal(tally_ja4(t, c->list[5].name), "t13d5");
	assert_int_equal(tally_all(t)->ja4.n, TALLY_KINDS + 10);
	assert_int_equal(tally_all(t)->hellos, 2 * (TALLY_KINDS + 10));
}

static void a_hello_waits_for_its_connection(void **state)
{
	_cleanup_(pending_freep) struct pending *p = NULL;
	struct hello_sight first = sight(1), again = sight(1), got;

	(void)state;
	assert_int_equal(pending_new(&p), 0);
	strcpy(again.ja4, "t13i");
	assert_false(pending_put(p, &first, &got));
	assert_true(pending_differs(p, &again));
	assert_false(pending_put(p, &again, &got));
	assert_true(pending_take(p, first.tag, &got));
	assert_string_equal(got.ja4, first.ja4);
	assert_false(pending_take(p, first.tag, &got));
	assert_false(pending_any(p, &got));
}

static void the_oldest_hello_goes(void **state)
{
	_cleanup_(pending_freep) struct pending *p = NULL;
	struct hello_sight got;

	(void)state;
	assert_int_equal(pending_new(&p), 0);
	for (unsigned int i = 0; i < PENDING_MAX; i++) {
		struct hello_sight s = sight(i);

		assert_false(pending_put(p, &s, &got));
	}
	assert_true(pending_put(p, &(struct hello_sight){ .tag = UINT64_MAX }, &got));
	assert_int_equal(got.tag, 1);
	assert_true(pending_any(p, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_go_to_their_source),
		cmocka_unit_test(ipv6_counts_by_its_network),
		cmocka_unit_test(who_sent_something_is_told_once),
		cmocka_unit_test(connections_are_summed_and_measured),
		cmocka_unit_test(many_samples_stay_bounded),
		cmocka_unit_test(names_behind_a_source_are_bounded),
		cmocka_unit_test(a_hello_waits_for_its_connection),
		cmocka_unit_test(the_oldest_hello_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
