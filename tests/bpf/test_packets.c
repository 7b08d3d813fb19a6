// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One packet at a time through the program: what becomes of it, and which counter says why.
 *
 * Every packet leaves through exactly one exit. The exits are those counters whose text says
 * "passed" or "dropped"; a row names the one that must move, and no other may. All rows run twice,
 * the second time after the program has been replaced by another load on the same maps.
 */
#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/bpf/packets_table.h"
#include "tests/bpf/bed.h"

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct bed *bed;

/* ---- Exits ---- */

struct counter {
	const char *name, *text;
	size_t offset;
};

static const struct counter counters[] = {
#define X(name, text) { #name, text, offsetof(struct seine_stats, name) },
	SEINE_COUNTERS(X)
#undef X
};

static bool is_exit(const struct counter *c)
{
	return !strncmp(c->text, "passed", 6) || !strcmp(c->text, "dropped");
}

static uint64_t value_of(const struct seine_stats *s, size_t offset)
{
	return *(const uint64_t *)((const uint8_t *)s + offset);
}

static void assert_exit(const struct seine_stats *before, const struct seine_stats *after,
			size_t expected)
{
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		const struct counter *c = &counters[i];
		uint64_t moved = value_of(after, c->offset) - value_of(before, c->offset);
		uint64_t wanted = c->offset == expected;

		if (is_exit(c) && moved != wanted)
			fail_msg("%s moved by %lu, expected %lu", c->name, moved, wanted);
	}
}

/* ---- The table ---- */

static void set_state(const struct state *s)
{
	struct seine_cfg cfg;

	bed_reset(bed);
	bed_config(bed, &cfg);
	cfg.mode = s->observe ? SEINE_OBSERVE : SEINE_ENFORCE;
	cfg.decap = s->decap;
	bed_configure(bed, &cfg);
	bed_switch_off(bed, s->off);
	bed_beat(bed, NOW - s->silent);
	for (size_t i = 0; i < STATE_ENTRIES && s->entry[i].prefix; i++)
		bed_entry(bed, s->entry[i].generation, s->entry[i].prefix, &s->entry[i].row);
	if (s->allow)
		bed_allow(bed, s->allow, s->allow_expires);
	bed_activate(bed, s->active);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct seine_stats before, after;
	struct wire w;

	set_state(&row->state);
	wire_build(&row->shape, &w);
	for (int i = 0; i < row->state.before; i++)
		bed_run(bed, &w);
	bed_stats(bed, &before);
	assert_int_equal(bed_run(bed, &w), row->verdict);
	bed_stats(bed, &after);
	assert_exit(&before, &after, row->counter);
	assert_int_equal(after.packets - before.packets, 1);
}

static void test_replace(void **state)
{
	int before = bed_prog(bed);

	(void)state;
	assert_int_equal(bed_replace(bed), 0);
	assert_int_not_equal(bed_prog(bed), before);
}

/* ---- Truncation ---- */

/* A buffer that ends inside a header passes as truncated; behind the headers all is known. */
static void test_truncated(void **state)
{
	const struct shape *whole = *state;
	struct seine_stats before, after;
	struct wire w, full;

	set_state(&(struct state){ .entry = { { "0.0.0.0/8", .row = { .action = SEINE_DROP } } } });
	bed_entry(bed, 0, "192.0.2.0/24", &(struct seine_entry){ .action = SEINE_DROP });
	bed_entry(bed, 0, "2001:db8::/32", &(struct seine_entry){ .action = SEINE_DROP });
	wire_build(whole, &full);
	for (uint32_t cut = 14; cut <= full.len; cut++) {
		struct shape s = *whole;
		uint32_t header = s.proto == IPPROTO_UDP ? 8 : 20;
		bool known = cut >= full.l4 + header;

		s.cut = cut;
		wire_build(&s, &w);
		bed_stats(bed, &before);
		assert_int_equal(bed_run(bed, &w), known ? XDP_DROP : XDP_PASS);
		bed_stats(bed, &after);
		assert_exit(&before, &after, known ? COUNTER(dropped) : COUNTER(truncated));
	}
}

static struct shape truncated[] = {
	{ .options = OPTIONS_LINUX, .flags = TH_SYN },
	{ .ip_options = 40, .options = OPTIONS_FULL, .flags = TH_ACK, .payload_len = 4 },
	{ .vlans = 2, .options = OPTIONS_TIMESTAMP, .flags = TH_ACK, .payload_len = 20 },
	{ .src = "2001:db8::7", .options = OPTIONS_LINUX, .flags = TH_SYN },
	{ .src = "2001:db8::7", .ext = { EXT_HOP, 60, 43, 44, 51 }, .flags = TH_SYN },
	{ .proto = IPPROTO_UDP, .payload_len = 9 },
};

/* ---- More than one packet ---- */

static int run_from(uint32_t host, uint8_t flags)
{
	char src[32];
	struct shape s = { .src = src, .flags = flags };
	struct wire w;

	snprintf(src, sizeof(src), "198.18.%u.%u", host >> 8 & 255, host & 255);
	wire_build(&s, &w);
	return bed_run(bed, &w);
}

#define CANARY_SOURCES 20000 /* ten thousandths are seen: a share of none is none */

static uint32_t canary_round(uint32_t share, uint8_t dropped[CANARY_SOURCES])
{
	uint32_t n = 0;

	bed_entry(bed, 0, "198.18.0.0/15",
		  &(struct seine_entry){ .action = SEINE_CANARY, .share = share });
	for (uint32_t i = 0; i < CANARY_SOURCES; i++) {
		dropped[i] = run_from(i, TH_SYN) == XDP_DROP;
		n += dropped[i];
	}
	return n;
}

/* The share is met within four standard deviations, the same sources are hit again, also by another
 * load of the program, and a larger share hits them too. */
static void test_canary(void **state)
{
	static uint8_t first[CANARY_SOURCES], again[CANARY_SOURCES], more[CANARY_SOURCES];
	uint32_t n;

	(void)state;
	bed_reset(bed);
	assert_int_equal(canary_round(0, first), 0);
	n = canary_round(500, first);
	assert_in_range(n, 877, 1123);
	canary_round(500, again);
	assert_memory_equal(first, again, sizeof(first));
	assert_int_equal(bed_replace(bed), 0);
	canary_round(500, again);
	assert_memory_equal(first, again, sizeof(first));
	assert_in_range(canary_round(2500, more), 4755, 5245);
	for (uint32_t i = 0; i < CANARY_SOURCES; i++)
		assert_true(more[i] >= first[i]);
}

/* 100 packets a second for ten seconds against 10 a second with a burst of 5. */
static void test_limit(void **state)
{
	uint32_t passed = 0, again = 0;

	(void)state;
	bed_reset(bed);
	bed_entry(bed, 0, "198.18.0.0/16",
		  &(struct seine_entry){
			  .action = SEINE_LIMIT, .rate_pps = 10, .burst = 5, .slot = 3 });
	for (int i = 0; i < 1000; i++) {
		passed += run_from(i, TH_SYN) == XDP_PASS;
		bed_clock(bed, bed_now(bed) + 10000000);
	}
	assert_in_range(passed, 103, 105);

	bed_clock(bed, bed_now(bed) + 60 * 1000000000ull);
	for (int i = 0; i < 100; i++)
		again += run_from(i, TH_SYN) == XDP_PASS;
	assert_int_equal(again, 5);
}

/* What was used up at one packet a second does not count at a thousand. */
static void test_limit_raised(void **state)
{
	uint32_t passed = 0;

	(void)state;
	bed_reset(bed);
	bed_entry(bed, 0, "198.18.0.0/16",
		  &(struct seine_entry){
			  .action = SEINE_LIMIT, .rate_pps = 1, .burst = 100, .slot = 3 });
	for (int i = 0; i < 200; i++)
		passed += run_from(i, TH_SYN) == XDP_PASS;
	assert_int_equal(passed, 100);

	bed_entry(bed, 0, "198.18.0.0/16",
		  &(struct seine_entry){
			  .action = SEINE_LIMIT, .rate_pps = 1000, .burst = 5, .slot = 3 });
	passed = 0;
	for (int i = 0; i < 1000; i++) {
		passed += run_from(i, TH_SYN) == XDP_PASS;
		bed_clock(bed, bed_now(bed) + 100000);
	}
	assert_in_range(passed, 98, 102);
}

/* Entries without a slot of their own share slot 0, and must not use up each other's rate. */
static void test_limit_shared(void **state)
{
	struct seine_entry e = { .action = SEINE_LIMIT, .rate_pps = 1, .slot = 0 };

	(void)state;
	bed_reset(bed);
	bed_entry(bed, 0, "198.18.0.1/32", &e);
	bed_entry(bed, 0, "198.18.0.2/32", &e);
	assert_int_equal(run_from(1, TH_SYN), XDP_PASS);
	assert_int_equal(run_from(2, TH_SYN), XDP_PASS);
}

static void test_flip(void **state)
{
	(void)state;
	bed_reset(bed);
	bed_entry(bed, 0, "198.18.0.0/24", &(struct seine_entry){ .action = SEINE_DROP });
	bed_entry(bed, 1, "198.18.1.0/24", &(struct seine_entry){ .action = SEINE_DROP });
	for (uint32_t i = 0; i < 100; i++) {
		bed_activate(bed, i & 1);
		assert_int_equal(run_from(7, TH_SYN), i & 1 ? XDP_PASS : XDP_DROP);
		assert_int_equal(run_from(263, TH_SYN), i & 1 ? XDP_DROP : XDP_PASS);
	}
}

/* The switch works from the next packet on, in both directions. */
static void test_switch(void **state)
{
	(void)state;
	bed_reset(bed);
	bed_entry(bed, 0, "198.18.0.0/24", &(struct seine_entry){ .action = SEINE_DROP });
	for (uint32_t i = 0; i < 10; i++) {
		bed_switch_off(bed, i & 1);
		assert_int_equal(run_from(7, TH_SYN), i & 1 ? XDP_PASS : XDP_DROP);
	}
}

/* What an entry has met is counted whether it drops or would have; what is allowed is not. */
static void test_hits(void **state)
{
	struct seine_hit hit;

	(void)state;
	bed_reset(bed);
	bed_entry(bed, 0, "198.18.0.0/24",
		  &(struct seine_entry){ .action = SEINE_DROP, .slot = 5 });
	run_from(1, TH_SYN);
	run_from(2, TH_ACK);
	bed_allow(bed, "198.18.0.3/32", 0);
	run_from(3, TH_SYN);
	bed_hits(bed, 5, &hit);
	assert_int_equal(hit.packets, 2);
	assert_int_equal(hit.bytes, 80);
	assert_int_equal(hit.syns, 1);
	assert_int_equal(hit.last_sec, BED_START_SEC);
}

/* What is dropped has still come to a protected port. */
static void test_dropped_counts(void **state)
{
	struct seine_stats s;
	struct wire w;

	(void)state;
	bed_reset(bed);
	bed_entry(bed, 0, "198.18.0.0/24", &(struct seine_entry){ .action = SEINE_DROP });
	run_from(1, TH_SYN);
	wire_build(&(struct shape){ .src = "198.18.0.1", .proto = IPPROTO_UDP }, &w);
	bed_run(bed, &w);
	bed_stats(bed, &s);
	assert_int_equal(s.protected, 2);
	assert_int_equal(s.syn, 1);
	assert_int_equal(s.udp, 1);
	assert_int_equal(s.dropped, 2);
	assert_int_equal(s.dropped_bytes, 68);
	assert_int_equal(bed_count(bed, "seine_src"), 0);
	assert_int_equal(s.half_new, 0);
}

static int open_rig(void **state)
{
	(void)state;
	return bed_open(NULL, &bed);
}

static int close_rig(void **state)
{
	(void)state;
	bed_close(bed);
	return 0;
}

static const struct CMUnitTest others[] = {
	{ "buffer ends in IPv4, TCP options", test_truncated, NULL, NULL, &truncated[0] },
	{ "buffer ends in IPv4 options", test_truncated, NULL, NULL, &truncated[1] },
	{ "buffer ends in VLAN tags", test_truncated, NULL, NULL, &truncated[2] },
	{ "buffer ends in IPv6", test_truncated, NULL, NULL, &truncated[3] },
	{ "buffer ends in IPv6 extensions", test_truncated, NULL, NULL, &truncated[4] },
	{ "buffer ends in UDP", test_truncated, NULL, NULL, &truncated[5] },
	{ "canary hits its share, always the same", test_canary, NULL, NULL, NULL },
	{ "limit meets its rate and burst", test_limit, NULL, NULL, NULL },
	{ "limit that is raised counts at once", test_limit_raised, NULL, NULL, NULL },
	{ "limits without a slot leave each other alone", test_limit_shared, NULL, NULL, NULL },
	{ "generations flip between packets", test_flip, NULL, NULL, NULL },
	{ "kill switch works at once", test_switch, NULL, NULL, NULL },
	{ "an entry counts what it meets", test_hits, NULL, NULL, NULL },
	{ "dropped packets are counted, and leave nothing", test_dropped_counts, NULL, NULL, NULL },
};

#define OTHERS (sizeof(others) / sizeof(others[0]))

int main(void)
{
	static struct CMUnitTest tests[2 * ROWS + 1 + OTHERS];
	size_t n = 0;

	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < ROWS; i++) {
			tests[n++] = (struct CMUnitTest){ .name = rows[i].name,
							  .test_func = test_row,
							  .initial_state = (void *)&rows[i] };
		}
		if (!again)
			tests[n++] = (struct CMUnitTest){ .name = "program replaced",
							  .test_func = test_replace };
	}
	memcpy(tests + n, others, sizeof(others));
	return cmocka_run_group_tests(tests, open_rig, close_rig);
}
