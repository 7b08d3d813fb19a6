// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handshakes, packet by packet: what the datapath makes of their timing, of what is lost, repeated
 * or missing, and of who may and who may not leave a trace.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/bpf/talk.h"

#define SRC "192.0.2.7"
#define NET "192.0.2.0/24"

static struct bed *bed;

static struct seine_source source(const char *address)
{
	struct seine_source s;

	if (!bed_source(bed, address, &s))
		fail_msg("%s has no row", address);
	return s;
}

static struct seine_flow flow(void)
{
	struct seine_flow f;

	if (!bed_flow(bed, &f))
		fail_msg("not one connection");
	return f;
}

static struct seine_stats stats(void)
{
	struct seine_stats s;

	bed_stats(bed, &s);
	return s;
}

static void assert_nothing_learnt(void)
{
	assert_int_equal(bed_count(bed, "seine_src"), 0);
	assert_int_equal(bed_count(bed, "seine_net"), 0);
	assert_int_equal(stats().flow_new, 0);
}

/* ---- Handshakes, and what they show ---- */

enum flight {
	FLIGHT_13,	    /* ChangeCipherSpec, Finished */
	FLIGHT_13_BARE,	    /* Finished only: no middlebox compatibility */
	FLIGHT_13_APART,    /* the same two, in segments of their own */
	FLIGHT_13_REQUEST,  /* Finished and the request in one segment */
	FLIGHT_RETRY,	    /* a second hello, one more round trip, Finished */
	FLIGHT_RETRY_LONG,  /* the second hello needs two segments */
	FLIGHT_CERTIFICATE, /* a client certificate of three segments */
	FLIGHT_12,	    /* key exchange, ChangeCipherSpec, Finished */
	FLIGHT_12_RESUMED,  /* ChangeCipherSpec, Finished */
};

struct shake {
	const char *name;
	uint32_t hello; /* bytes */
	enum flight flight;
	uint32_t rtt_us, g1_us;
	uint32_t trip_us; /* hello to flight */
	enum seine_gap gap;
	int32_t delta_us;
};

static const struct shake shakes[] = {
	{ "TLS 1.3 direct", 517, FLIGHT_13, 20500, 300, 22200, SEINE_GAP_NONE, 1700 },
	{ "TLS 1.3 direct, far away", 517, FLIGHT_13, 81000, 200, 82700, SEINE_GAP_NONE, 1700 },
	{ "TLS 1.3 without CCS", 517, FLIGHT_13_BARE, 20500, 300, 22200, SEINE_GAP_NONE, 1700 },
	{ "TLS 1.3, CCS apart", 517, FLIGHT_13_APART, 20500, 300, 22200, SEINE_GAP_NONE, 1700 },
	{ "TLS 1.3, request with Finished", 517, FLIGHT_13_REQUEST, 20500, 300, 22200,
	  SEINE_GAP_NONE, 1700 },
	{ "TLS 1.3 proxied, strict", 517, FLIGHT_13, 20400, 60800, 83000, SEINE_GAP_DUAL, 62600 },
	{ "TLS 1.3 proxied, optimistic", 517, FLIGHT_13, 20400, 40200, 82900, SEINE_GAP_DUAL,
	  62500 },
	{ "TLS 1.3, PSK", 700, FLIGHT_13, 20400, 300, 21000, SEINE_GAP_NONE, 600 },
	{ "TLS 1.3, PSK, proxied", 700, FLIGHT_13, 20400, 61000, 81900, SEINE_GAP_DUAL, 61500 },
	{ "hello in two segments", 1800, FLIGHT_13, 20500, 300, 22200, SEINE_GAP_NONE, 1700 },
	{ "hello in two segments, proxied", 1800, FLIGHT_13, 20400, 60800, 83000, SEINE_GAP_DUAL,
	  62600 },
	{ "retry direct", 517, FLIGHT_RETRY, 20400, 300, 21400, SEINE_GAP_NONE, 1000 },
	{ "retry proxied", 517, FLIGHT_RETRY, 20400, 60900, 82200, SEINE_GAP_DUAL, 61800 },
	{ "retry with a long hello", 517, FLIGHT_RETRY_LONG, 20400, 300, 21400, SEINE_GAP_NONE,
	  1000 },
	{ "client certificate", 517, FLIGHT_CERTIFICATE, 20400, 300, 22400, SEINE_GAP_NONE, 2000 },
	{ "TLS 1.2 full, direct", 300, FLIGHT_12, 20400, 200, 22000, SEINE_GAP_NONE, 1600 },
	{ "TLS 1.2 full, proxied", 300, FLIGHT_12, 20400, 61000, 82900, SEINE_GAP_DUAL, 62500 },
	{ "TLS 1.2 resumed, direct", 400, FLIGHT_12_RESUMED, 20400, 200, 21000, SEINE_GAP_NONE,
	  600 },
	{ "TLS 1.2 resumed, proxied", 400, FLIGHT_12_RESUMED, 20400, 61000, 81900, SEINE_GAP_DUAL,
	  61500 },
	{ "slow client", 517, FLIGHT_13, 20400, 90000, 22000, SEINE_GAP_SINGLE, 1600 },
	{ "slow server", 517, FLIGHT_13, 20400, 300, 120000, SEINE_GAP_SINGLE, 99600 },
	{ "gaps that do not agree", 517, FLIGHT_13, 20400, 300000, 82900, SEINE_GAP_SINGLE, 62500 },
	{ "too fast to be a network", 517, FLIGHT_13, 90, 300, 30000, SEINE_GAP_UNKNOWN, 29910 },
	{ "second trip shorter than the first", 517, FLIGHT_13, 80000, 300, 20000,
	  SEINE_GAP_UNKNOWN, -60000 },
};

static void flight_send(struct talk *t, enum flight flight, uint32_t rtt_us)
{
	static uint8_t at[WIRE_MAX];
	uint32_t end = tls_append(at, 0, TLS_CCS, 1, 1);

	switch (flight) {
	case FLIGHT_13: end = tls_append(at, end, TLS_23, 0xa5, 53); break;
	case FLIGHT_13_BARE: end = tls_append(at, 0, TLS_23, 0xa5, 53); break;
	case FLIGHT_13_APART:
		talk_send(t, at, end, 1448);
		talk_wait(t, 500);
		end = tls_append(at, 0, TLS_23, 0xa5, 53);
		break;
	case FLIGHT_13_REQUEST:
		end = tls_append(at, end, TLS_23, 0xa5, 53);
		end = tls_append(at, end, TLS_23, 0xa5, 400);
		break;
	case FLIGHT_RETRY:
	case FLIGHT_RETRY_LONG:
		end = tls_append(at, end, TLS_22, 1, flight == FLIGHT_RETRY ? 500 : 1700);
		talk_send(t, at, end, 1448);
		talk_served(t, 3000);
		talk_wait(t, rtt_us);
		end = tls_append(at, 0, TLS_23, 0xa5, 53);
		break;
	case FLIGHT_CERTIFICATE: end = tls_append(at, end, TLS_23, 0xa5, 3000); break;
	case FLIGHT_12:
		end = tls_append(at, 0, TLS_22, 16, 66);
		end = tls_append(at, end, TLS_CCS, 1, 1);
		end = tls_append(at, end, TLS_22, 0, 40);
		break;
	case FLIGHT_12_RESUMED: end = tls_append(at, end, TLS_22, 0, 40); break;
	}
	talk_send(t, at, end, 1448);
}

static uint32_t gap_count(const struct seine_source *s, enum seine_gap gap)
{
	const uint32_t counts[] = { s->gap_unknown, s->gap_none, s->gap_single, s->gap_dual };

	assert_int_equal(s->gap_unknown + s->gap_none + s->gap_single + s->gap_dual, 1);
	return counts[gap];
}

static void test_shake(void **state)
{
	const struct shake *k = *state;
	struct talk t;
	struct seine_flow f;
	struct seine_source s;

	bed_reset(bed);
	t = talk_new(bed, SRC, 40000);
	talk_open(&t, k->rtt_us, k->g1_us, k->hello);
	talk_served(&t, 3000);
	talk_wait(&t, k->trip_us - 500);
	talk_ack(&t);
	talk_wait(&t, 500);
	flight_send(&t, k->flight, k->rtt_us);
	f = flow();
	assert_int_equal(f.rtt_us, k->rtt_us);
	assert_int_equal(f.g1_us, k->g1_us);
	assert_int_equal(f.delta_us, k->delta_us);
	s = source(SRC);
	assert_int_equal(gap_count(&s, k->gap), 1);
	assert_int_equal(s.gap_us, k->gap >= SEINE_GAP_SINGLE ? k->delta_us : 0);
	assert_int_equal(s.requests, k->flight == FLIGHT_13_REQUEST);
	assert_int_equal(s.handshakes, 1);
	assert_int_equal(s.rtt_min_us, k->rtt_us);
	assert_int_equal(stats().gap_untrusted, k->gap == SEINE_GAP_UNKNOWN);

	if (k->flight != FLIGHT_13_REQUEST)
		talk_data(&t, 900);
	assert_int_equal(source(SRC).requests, 1);
	assert_int_equal(stats().requests, 1);
}

/* The server's own time is taken out of delta. */
static void test_server_time(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_cfg cfg;

	(void)state;
	bed_config(bed, &cfg);
	cfg.server_us = 15000;
	bed_configure(bed, &cfg);
	talk_open(&t, 20 * MS, 300, 517);
	talk_finish(&t, 50 * MS);
	assert_int_equal(flow().delta_us, 15000);
	assert_int_equal(source(SRC).gap_none, 1);
}

/* ---- What makes timing worthless ---- */

static void assert_untrusted(uint16_t flag)
{
	assert_true(flow().flags & flag);
	assert_int_equal(source(SRC).gap_unknown, 1);
	assert_int_equal(stats().gap_untrusted, 1);
}

static void test_syn_again(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000), u = talk_new(bed, SRC, 40001);

	(void)state;
	talk_syn(&t);
	talk_wait(&t, SEC);
	talk_open(&t, 20 * MS, 300, 517);
	talk_finish(&t, 83 * MS);
	assert_untrusted(SEINE_F_SYN_AGAIN);
	assert_int_equal(flow().rtt_us, 20 * MS);
	assert_int_equal(source(SRC).rtt_min_us, 0);
	assert_int_equal(source(SRC).hello_key, flow().hello_key);

	/* The least round trip is that of a connection that can be trusted. */
	talk_open(&u, 30 * MS, 300, 517);
	assert_int_equal(source(SRC).rtt_min_us, 30 * MS);
	u = talk_new(bed, SRC, 40002);
	talk_syn(&u);
	talk_open(&u, 10 * MS, 300, 517);
	assert_int_equal(source(SRC).rtt_min_us, 30 * MS);
}

static void test_hello_again(void **state)
{
	static uint8_t hello[WIRE_MAX];
	struct talk t = talk_new(bed, SRC, 40000);
	uint32_t len = tls_hello(&t.hello, hello);

	(void)state;
	talk_open(&t, 20 * MS, 300, 0);
	talk_wait(&t, 200 * MS);
	talk_again(&t, hello, len, len);
	talk_finish(&t, 21 * MS);
	assert_untrusted(SEINE_F_RETRANS);
	assert_int_equal(stats().hello, 1);
}

/* The second half of the hello is lost and comes again. */
static void test_hello_half_lost(void **state)
{
	static uint8_t hello[WIRE_MAX];
	struct talk t = talk_new(bed, SRC, 40000);
	uint32_t len;

	(void)state;
	t.hello.bytes = 1800;
	len = tls_hello(&t.hello, hello);
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_ack(&t);
	talk_send(&t, hello, 1400, 1448);
	talk_again(&t, hello, 1400, 1400);
	talk_wait(&t, 200 * MS);
	talk_send(&t, hello + 1400, len - 1400, 1448);
	talk_finish(&t, 21 * MS);
	assert_untrusted(SEINE_F_RETRANS | SEINE_F_HELLO_SPLIT);
	assert_int_equal(source(SRC).requests, 0);
}

/* The first segment is lost, the second comes: wait for the first. */
static void test_first_segment_lost(void **state)
{
	static uint8_t hello[WIRE_MAX];
	struct talk t = talk_new(bed, SRC, 40000);
	uint32_t len;

	(void)state;
	t.hello.bytes = 1800;
	len = tls_hello(&t.hello, hello);
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_ack(&t);
	t.seq += 1400;
	talk_send(&t, hello + 1400, len - 1400, 1448);
	talk_wait(&t, 200 * MS);
	talk_again(&t, hello, 1400, len);
	talk_wait(&t, 20 * MS);
	talk_again(&t, hello + 1400, len - 1400, len - 1400);
	talk_finish(&t, 21 * MS);
	assert_untrusted(SEINE_F_RETRANS);
	assert_int_equal(stats().hello, 1);
	assert_int_equal(stats().hello_bad, 0);
	assert_int_equal(source(SRC).requests, 0);
	talk_data(&t, 500);
	assert_int_equal(source(SRC).requests, 1);
}

/* Fast open: the hello is in the SYN. Its timing means nothing, but it is a connection. */
static void test_fast_open(void **state)
{
	static uint8_t hello[WIRE_MAX];
	struct talk t = talk_new(bed, SRC, 40000);
	uint32_t len = tls_hello(&t.hello, hello);
	struct wire w;

	(void)state;
	t.shape.flags = TH_SYN;
	t.shape.seq = t.seq - 1;
	t.shape.payload = hello;
	t.shape.payload_len = len;
	t.shape.options = OPTIONS_LINUX;
	wire_build(&t.shape, &w);
	bed_run(bed, &w);
	assert_nothing_learnt();
	t.seq += len;
	talk_wait(&t, 20 * MS);
	talk_served(&t, 3000);
	talk_record(&t, TLS_CCS, 1, 1);
	assert_int_equal(source(SRC).connections, 1);
	assert_true(source(SRC).hello_key);
	assert_true(flow().flags & SEINE_F_TFO);
	assert_int_equal(source(SRC).rtt_min_us, 0);
	assert_int_equal(source(SRC).gap_none + source(SRC).gap_single + source(SRC).gap_dual, 0);
}

/* Without a pure ACK the round trip ends at the hello, and there is no first gap. */
static void test_ack_lost(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_hello(&t, 517);
	talk_finish(&t, 21 * MS);
	assert_true(flow().flags & SEINE_F_NO_PURE_ACK);
	assert_int_equal(flow().rtt_us, 20 * MS);
	assert_int_equal(flow().g1_us, 0);
	assert_int_equal(source(SRC).gap_none, 1);
}

/* Early data leaves with the hello, long before the server's flight; it is neither a second round
 * trip nor the Finished. */
static void test_early_data(void **state)
{
	static uint8_t at[WIRE_MAX];
	struct talk t = talk_new(bed, SRC, 40000);
	uint32_t end;

	(void)state;
	talk_open(&t, 20 * MS, 300, 700);
	end = tls_append(at, 0, TLS_CCS, 1, 1);
	end = tls_append(at, end, TLS_23, 0xa5, 400);
	talk_send(&t, at, end, 1448);
	assert_int_equal(flow().phase, SEINE_WAIT_FLIGHT);
	talk_served(&t, 3000);
	talk_wait(&t, 21 * MS);
	end = tls_append(at, 0, TLS_23, 0xa5, 21);
	end = tls_append(at, end, TLS_23, 0xa5, 53);
	talk_send(&t, at, end, 1448);
	assert_int_equal(flow().delta_us, 1 * MS);
	assert_int_equal(source(SRC).gap_none, 1);
	assert_int_equal(source(SRC).gap_unknown, 0);
}

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
	struct seine_cfg cfg;

	(void)state;
	bed_config(bed, &cfg);
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
	struct seine_cfg cfg;

	(void)state;
	talk_open(&known, 100, 0, 517);
	bed_config(bed, &cfg);
	cfg.syns_per_sec = 0;
	bed_configure(bed, &cfg);
	talk_syn(&stranger);
	assert_int_equal(stats().half_refused, 1);
	known = talk_new(bed, SRC, 40001);
	talk_open(&known, 20 * MS, 300, 517);
	assert_int_equal(source(SRC).handshakes, 2);
	assert_int_equal(stats().half_refused, 1);
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
	old_key = flow().hello_key;
	talk_wait(&old, 600 * SEC);

	new.seq = 3000000000;
	new.hello.stack = STACK_GO;
	talk_open(&new, 30 * MS, 300, 517);
	assert_int_equal(flow().rtt_us, 30 * MS);
	assert_int_not_equal(flow().hello_key, old_key);
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
	assert_int_equal(flow().hello_key, source(SRC).hello_key);
}

/* What lies outside the window belongs to something else: it has no ClientHello to be dropped for. */
static void test_out_of_window(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000), other = t;
	struct seine_entry e = { .action = SEINE_DROP };

	(void)state;
	talk_open(&t, 20 * MS, 300, 517);
	e.hello_key = flow().hello_key;
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

/* ---- Entries for one ClientHello ---- */

static void test_hello_entry(void **state)
{
	struct talk guilty = talk_new(bed, SRC, 40000), neighbour = talk_new(bed, SRC, 40001);
	struct seine_entry e = { .action = SEINE_DROP, .slot = 2 };
	struct seine_hit hit;

	(void)state;
	talk_open(&guilty, 20 * MS, 300, 1800);
	e.hello_key = flow().hello_key;
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
	this.hello_key = flow().hello_key;
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
	watch.hello_key = flow().hello_key;
	bed_entry(bed, 0, "192.0.2.7/32", &watch);
	bed_entry(bed, 0, "192.0.2.0/24", &drop);
	talk_data(&t, 900);
	assert_int_equal(t.verdict, XDP_PASS);
	assert_int_equal(stats().watched, 1);
	assert_int_equal(stats().dropped, 0);
	talk_syn(&(struct talk){ .bed = bed, .shape = t.shape, .seq = 9 });
	assert_int_equal(stats().dropped, 1);
}

static int open_bed(void **state)
{
	(void)state;
	return bed_open(NULL, &bed);
}

static int close_bed(void **state)
{
	(void)state;
	bed_close(bed);
	return 0;
}

static int reset(void **state)
{
	(void)state;
	bed_reset(bed);
	return 0;
}

#define TEST(name, f) ((struct CMUnitTest){ name, f, reset, NULL, NULL })
#define SHAKES (sizeof(shakes) / sizeof(shakes[0]))

static const struct CMUnitTest others[] = {
	TEST("the server's own time is taken out", test_server_time),
	TEST("SYN retransmitted: no timing", test_syn_again),
	TEST("hello retransmitted: no timing", test_hello_again),
	TEST("hello half lost: no timing", test_hello_half_lost),
	TEST("first segment lost: the hello is read when it comes", test_first_segment_lost),
	TEST("fast open: no timing", test_fast_open),
	TEST("no pure ACK: no first gap", test_ack_lost),
	TEST("early data is no second round trip", test_early_data),
	TEST("SYN and ACK alone leave no row", test_syn_only),
	TEST("wrong sequence numbers leave no row", test_wrong_sequence),
	TEST("data without handshake leaves no row", test_no_handshake),
	TEST("rows of IPv6: /64 and /48", test_rows_v6),
	TEST("rows of IPv4: address and /24", test_rows_v4),
	TEST("prefix table full", test_tables_full),
	TEST("SYNs of unknown prefixes go to the overflow row", test_overflow_row),
	TEST("new connections are limited by the second", test_flow_limit),
	TEST("SYNs are limited by the second, but for known sources", test_syn_limit),
	TEST("same ports, new connection", test_ports_reused),
	TEST("a late SYN is no new connection", test_late_syn),
	TEST("out of the window", test_out_of_window),
	TEST("connections beyond the table are counted", test_eviction),
	TEST("the connection silent longer is forgotten", test_busy_survives),
	TEST("entry for one hello spares the neighbours", test_hello_entry),
	TEST("entries for two hellos", test_two_hello_entries),
	TEST("entry for one hello that watches", test_hello_watch),
};

#define OTHERS (sizeof(others) / sizeof(others[0]))

int main(void)
{
	static struct CMUnitTest tests[SHAKES + OTHERS];

	for (size_t i = 0; i < SHAKES; i++)
		tests[i] = (struct CMUnitTest){ .name = shakes[i].name,
						.test_func = test_shake,
						.initial_state = (void *)&shakes[i] };
	memcpy(tests + SHAKES, others, sizeof(others));
	return cmocka_run_group_tests(tests, open_bed, close_bed);
}
