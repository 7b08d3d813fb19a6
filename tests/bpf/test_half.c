// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What may leave a trace and what may not: half-open connections, proven ones, the rows of sources
 * and prefixes, and what happens when there is no room for them.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include "tests/bpf/stage.h"

/* ---- Who leaves a trace ---- */

static void test_syn_only(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_ack(&t);
	assert_nothing_learnt();
	assert_int_equal(stats().half_new, 1);
}

static void test_wrong_sequence(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_syn(&t);
	t.seq += 12345;
	talk_ack(&t);
	talk_hello(&t, 517);
	assert_nothing_learnt();
}

static void test_no_handshake(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_hello(&t, 517);
	talk_data(&t, 900);
	assert_nothing_learnt();
	assert_int_equal(stats().proof_failed, 2);
}

/* A SYN that comes again, and then an ACK of the wrong number: no round trip, and no row. */
static void test_wrong_ack(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_syn(&t);
	talk_syn(&t);
	t.seq += 1;
	talk_ack(&t);
	t.seq -= 1;
	talk_flags(&t, TH_RST);
	assert_nothing_learnt();
	assert_int_equal(stats().half_new, 1);
}

/* Data without what precedes it proves nothing; the missing piece does. */
static void test_hole(void **state)
{
	static uint8_t hello[WIRE_MAX];
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_half half;
	uint32_t len;

	(void)state;
	t.hello.bytes = 1800;
	len = tls_hello(&t.hello, hello);
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_ack(&t);
	t.seq += 1000;
	talk_send(&t, hello + 1000, len - 1000, 1448);
	assert_nothing_learnt();
	assert_int_equal(stats().proof_deferred, 1);
	assert_true(bed_half(bed, &half));
	assert_int_equal(half.hello_key, 0);
	assert_true(half.flags & SEINE_F_DATA);
	talk_again(&t, hello, 1000, len);
	assert_int_equal(stats().flow_new, 1);
	assert_int_equal(stats().hello, 1);
	assert_false(bed_half(bed, &half));
}

/* Every row that a connection makes, in IPv6: the source is its /64, the prefix its /48. */
static void test_rows_v6(void **state)
{
	struct talk t = talk_new(bed, "2001:db8:1:ab02:3:4:5:6", 40000);
	struct talk u = talk_new(bed, "2001:db8:1:ab02:ffff::1", 40001);
	struct seine_net net;

	(void)state;
	talk_open(&t, 20 * MS, 300, 517);
	talk_finish(&t, 21 * MS);
	talk_data(&t, 900);
	talk_open(&u, 20 * MS, 300, 517);
	assert_int_equal(bed_count(bed, "seine_src"), 1);
	assert_int_equal(source("2001:db8:1:ab02::").connections, 2);
	assert_int_equal(source("2001:db8:1:ab02::").open_max, 2);
	assert_true(source("2001:db8:1:ab02::").syn.quirks & SEINE_Q_V6);
	assert_true(bed_net(bed, "2001:db8:1::/48", &net));
	assert_int_equal(net.sources, 1);
	assert_int_equal(net.connections, 2);
	assert_int_equal(net.requests, 1);
}

static void test_rows_v4(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000), u = talk_new(bed, "192.0.2.8", 40000);
	struct seine_source s;
	struct seine_net net;

	(void)state;
	talk_open(&t, 20 * MS, 300, 517);
	talk_open(&u, 10 * MS, 300, 517);
	talk_wait(&t, 5 * SEC);
	u.shape.sport++;
	u.hello.stack = STACK_GO;
	talk_open(&u, 15 * MS, 300, 517);
	s = source("192.0.2.8");
	assert_int_equal(s.connections, 2);
	assert_int_equal(s.handshakes, 2);
	assert_int_equal(s.hello_changes, 1);
	assert_int_equal(s.syn_changes, 0);
	assert_int_equal(s.rtt_min_us, 10 * MS);
	assert_int_equal(s.first_sec, BED_START_SEC);
	assert_int_equal(s.last_sec, BED_START_SEC + 5);
	assert_int_equal(s.syn.mss, 1460);
	assert_int_equal(s.syn.wscale, 7);
	assert_int_equal(__builtin_popcountll(s.stacks), 2);
	assert_true(bed_net(bed, NET, &net));
	assert_int_equal(net.sources, 2);
	assert_int_equal(net.connections, 3);
	assert_int_equal(net.syns, 2); /* the first came before there was a row */
	assert_int_equal(stats().src_new, 2);
}

/* Tables full: counted, and the connection is tracked all the same. */
static void test_tables_full(void **state)
{
	struct seine_net overflow;
	char src[32];

	(void)state;
	for (int i = 0; i < BED_NETS + 3; i++) {
		struct talk t;

		snprintf(src, sizeof(src), "10.0.%d.1", i);
		t = talk_new(bed, src, 40000);
		talk_open(&t, 20 * MS, 300, 517);
	}
	assert_int_equal(bed_count(bed, "seine_net"), BED_NETS);
	assert_int_equal(stats().net_full, 3);
	assert_int_equal(stats().map_error, 0);
	assert_false(bed_net(bed, "::/0", &overflow));
}

static void test_overflow_row(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_net row = { 0 };
	struct seine_addr zero = { 0 };

	(void)state;
	bpf_map_update_elem(bed_map(bed, "seine_net"), &zero, &row, BPF_ANY);
	talk_syn(&t);
	assert_true(bed_net(bed, "::/0", &row));
	assert_int_equal(row.syns, 1);
}

/* Beyond the limit no connection is kept, and in the next second they are again. */
static void test_flow_limit(void **state)
{
	struct talk t[3];
	struct seine_cfg cfg = settings();

	(void)state;
	cfg.flows_per_sec = 2;
	bed_configure(bed, &cfg);
	for (int i = 0; i < 3; i++) {
		t[i] = talk_new(bed, SRC, 40000 + i);
		talk_open(&t[i], 100, 0, 517);
	}
	assert_int_equal(stats().flow_new, 2);
	assert_int_equal(stats().flow_refused, 1);
	talk_wait(&t[0], SEC);
	talk_open(&t[2], 100, 0, 517);
	assert_int_equal(stats().flow_new, 3);
}

/* In a flood of SYNs there is room for those that were proven before. */
static void test_syn_limit(void **state)
{
	struct talk known = talk_new(bed, SRC, 40000), stranger = talk_new(bed, "203.0.113.9", 1);
	struct seine_cfg cfg = settings();

	(void)state;
	talk_open(&known, 100, 0, 517);
	cfg.syns_per_sec = 0;
	bed_configure(bed, &cfg);
	talk_syn(&stranger);
	assert_int_equal(stats().half_refused, 1);
	known = talk_new(bed, SRC, 40001);
	talk_open(&known, 20 * MS, 300, 517);
	assert_int_equal(source(SRC).handshakes, 2);
	assert_int_equal(stats().half_refused, 1);
}

/* A flood from everywhere leaves nothing but half-open rows, counts, and the way of a known source.
 */
static void test_flood(void **state)
{
	struct talk known = talk_new(bed, SRC, 40000);
	struct seine_cfg cfg = settings();
	const uint32_t *limit = *state;
	char src[32];

	talk_open(&known, 20 * MS, 300, 517);
	cfg.syns_per_sec = *limit;
	bed_configure(bed, &cfg);
	known = talk_new(bed, SRC, 40001);
	talk_syn(&known);
	for (int i = 0; i < 5000; i++) {
		struct talk t;

		snprintf(src, sizeof(src), "10.%d.%d.1", i / 250, i % 250);
		t = talk_new(bed, src, 1024 + i);
		talk_syn(&t);
	}
	assert_in_range(stats().half_new, 2 + *limit - *limit / 100, 2 + *limit);
	assert_int_equal(stats().half_new + stats().half_refused, 2 + 5000);
	assert_int_equal(bed_count(bed, "seine_src"), 1);
	assert_int_equal(bed_count(bed, "seine_net"), 1);
	talk_wait(&known, 20 * MS);
	talk_ack(&known);
	talk_hello(&known, 517);
	assert_int_equal(source(SRC).handshakes, 2);
	assert_int_equal(stats().flow_pickup, 0);
}

/* ---- The same ports again ---- */

/* A client vanished without a word, and its address and port belong to another connection now. */
static void test_ports_reused(void **state)
{
	struct talk old = talk_new(bed, SRC, 40000), new = talk_new(bed, SRC, 40000);
	uint64_t old_key;

	(void)state;
	talk_open(&old, 20 * MS, 300, 517);
	talk_finish(&old, 21 * MS);
	talk_data(&old, 900);
	old_key = shake().hello_key;
	talk_wait(&old, 600 * SEC);

	new.seq = 3000000000;
	new.hello.stack = STACK_GO;
	talk_open(&new, 30 * MS, 300, 517);
	assert_int_equal(flow().rtt_us, 30 * MS);
	assert_int_not_equal(shake().hello_key, old_key);
	assert_int_equal(source(SRC).connections, 2);
	assert_int_equal(source(SRC).open, 1);
	talk_finish(&new, 31 * MS);
	talk_data(&new, 900);
	assert_int_equal(source(SRC).requests, 2);
	assert_int_equal(stats().out_of_window, 0);
}

/* A late copy of a connection's own SYN is not a new connection. */
static void test_late_syn(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000), late = t;

	(void)state;
	talk_open(&t, 20 * MS, 300, 517);
	talk_finish(&t, 21 * MS);
	talk_syn(&late);
	talk_data(&t, 900);
	assert_int_equal(source(SRC).connections, 1);
	assert_int_equal(source(SRC).requests, 1);
	assert_int_equal(shake().hello_key, source(SRC).hello_key);
}

/* What lies outside the window belongs to something else: it has no ClientHello to be dropped for. */
static void test_out_of_window(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000), other = t;
	struct seine_entry e = { .action = SEINE_DROP };

	(void)state;
	talk_open(&t, 20 * MS, 300, 517);
	e.hello_key = shake().hello_key;
	bed_entry(bed, 0, "192.0.2.7/32", &e);
	talk_data(&t, 900);
	assert_int_equal(t.verdict, XDP_DROP);
	other.seq += 0x40000000;
	talk_data(&other, 900);
	assert_int_equal(stats().out_of_window, 1);
	assert_int_equal(other.verdict, XDP_PASS);
}

static void test_eviction(void **state)
{
	struct seine_stats s;
	uint32_t n = 4 * BED_FLOWS;

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		struct talk t = talk_new(bed, SRC, 1000 + i);

		talk_open(&t, 1 * MS, 0, 300);
	}
	s = stats();
	assert_int_equal(s.flow_new, n);
	assert_in_range(s.flow_evicted, n - BED_FLOWS, n - BED_FLOWS + BED_FLOWS / 8);
	assert_int_equal(source(SRC).connections, n);
}

/* Of a full bucket it is never the one whose client was heard of last. */
static void test_busy_survives(void **state)
{
	struct talk busy = talk_new(bed, "192.0.2.99", 40000);

	(void)state;
	talk_open(&busy, 1 * MS, 0, 300);
	for (uint32_t i = 0; i < 4 * BED_FLOWS; i++) {
		struct talk t = talk_new(bed, SRC, 1000 + i);

		talk_open(&t, 1 * MS, 0, 300);
		talk_wait(&t, 1 * MS);
		talk_served(&busy, 100);
		talk_ack(&busy);
	}
	talk_finish(&busy, 20 * MS);
	talk_data(&busy, 900);
	assert_int_equal(source("192.0.2.99").requests, 1);
	assert_int_equal(source("192.0.2.99").connections, 1);
}

int main(void)
{
	static uint32_t few = 100, all = 5000;
	const struct CMUnitTest tests[] = {
		STAGE_TEST("SYN and ACK alone leave no row", test_syn_only, NULL),
		STAGE_TEST("wrong sequence numbers leave no row", test_wrong_sequence, NULL),
		STAGE_TEST("data without handshake leaves no row", test_no_handshake, NULL),
		STAGE_TEST("an ACK of the wrong number, and a reset, leave no row", test_wrong_ack,
			   NULL),
		STAGE_TEST("data behind a hole proves nothing", test_hole, NULL),
		STAGE_TEST("rows of IPv6: /64 and /48", test_rows_v6, NULL),
		STAGE_TEST("rows of IPv4: address and /24", test_rows_v4, NULL),
		STAGE_TEST("prefix table full", test_tables_full, NULL),
		STAGE_TEST("SYNs of unknown prefixes go to the overflow row", test_overflow_row,
			   NULL),
		STAGE_TEST("new connections are limited by the second", test_flow_limit, NULL),
		STAGE_TEST("SYNs are limited by the second, but for known sources", test_syn_limit,
			   NULL),
		STAGE_TEST("a flood of SYNs from everywhere", test_flood, &few),
		STAGE_TEST("the same, as many as there is room for", test_flood, &all),
		STAGE_TEST("same ports, new connection", test_ports_reused, NULL),
		STAGE_TEST("a late SYN is no new connection", test_late_syn, NULL),
		STAGE_TEST("out of the window", test_out_of_window, NULL),
		STAGE_TEST("connections beyond the table are counted", test_eviction, NULL),
		STAGE_TEST("the connection silent longer is forgotten", test_busy_survives, NULL),
	};

	return cmocka_run_group_tests(tests, stage_open, stage_close);
}
