// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ended connections in the ring: one report for each, with all that was learnt.
 */
#include <string.h>
#include "tests/bpf/ring.h"

/* A connection with two answered requests, before its end. */
static struct talk used(void)
{
	struct talk t = talk_new(bed, SRC, 40000);

	talk_open(&t, 20 * MS, 300, 517);
	talk_finish(&t, 83 * MS);
	for (int i = 0; i < 2; i++) {
		talk_data(&t, 900);
		talk_served(&t, 4000);
		talk_wait(&t, SEC);
		talk_ack(&t);
	}
	return t;
}

static void assert_report(const struct seine_connection *c)
{
	uint8_t ip[16];

	wire_address(SRC, ip);
	assert_int_equal(c->tag, flow().tag);
	assert_true(c->hello_key);
	assert_int_equal(c->hello_key, source(SRC).hello_key);
	assert_memory_equal(c->source.ip, ip, sizeof(ip));
	assert_int_equal(c->syn.mss, 1460);
	assert_int_equal(c->sport, 40000);
	assert_int_equal(c->dport, 443);
	assert_int_equal(c->first_sec, BED_START_SEC);
	assert_int_equal(c->rtt_us, 20 * MS);
	assert_int_equal(c->rtt_min_us, 20 * MS);
	assert_int_equal(c->g1_us, 300);
	assert_int_equal(c->delta_us, 63 * MS);
	assert_int_equal(c->requests, 2);
	assert_int_equal(c->request_bytes, 1800);
	assert_int_equal(c->response_bytes, 8000);
	assert_int_equal(c->gap, SEINE_GAP_SINGLE);
	assert_int_equal(c->tls, SEINE_TLS_13);
	assert_int_equal(c->reserved, 0);
}

/* By FIN or by RST, and once, however often that comes. */
static void test_closed(void **state)
{
	const uint8_t *how = *state;
	struct talk t = used();

	ring_read();
	assert_int_equal(ring.connections, 0);
	talk_flags(&t, *how);
	talk_flags(&t, *how);
	talk_flags(&t, TH_RST);
	ring_read();
	assert_int_equal(ring.connections, 1);
	assert_report(&ring.connection[0]);
	assert_int_equal(ring.connection[0].flags, flow().flags);
	assert_true(ring.connection[0].flags & SEINE_F_CLOSED);
	assert_int_equal(stats().connection_lost, 0);
}

/* Without an end that we saw: the ports are used again. */
static void test_replaced(void **state)
{
	struct talk t = used();
	uint64_t tag = flow().tag;

	(void)state;
	t.seq += 0x40000000;
	talk_syn(&t);
	ring_read();
	assert_int_equal(ring.connections, 1);
	assert_int_equal(ring.connection[0].tag, tag);
	assert_int_equal(ring.connection[0].requests, 2);
	assert_int_equal(ring.connection[0].request_bytes, 1800);
}

/* Forgotten for newer ones: each is reported, as it was then. */
static void test_evicted(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3 * BED_FLOWS; i++) {
		struct talk t = talk_new(bed, SRC, 1000 + i);

		talk_open(&t, 1 * MS, 0, 300);
		if (i % 100 == 0)
			ring_read();
	}
	ring_read();
	assert_true(stats().flow_evicted);
	assert_int_equal(ring.connections, stats().flow_evicted);
	for (int i = 0; i < RING_KEPT; i++) {
		assert_false(ring.connection[i].flags & SEINE_F_CLOSED);
		assert_int_equal(ring.connection[i].rtt_us, 1 * MS);
		assert_int_equal(ring.connection[i].dport, 443);
	}
}

/* Of a connection that had no handshake only a little is known, and the rest is zero. */
static void test_unknown(void **state)
{
	static const struct seine_syn no_syn;
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_cfg cfg = settings();
	const struct seine_connection *c = &ring.connection[0];

	(void)state;
	cfg.keep_unproven = 1;
	bed_configure(bed, &cfg);
	talk_hello(&t, 517);
	talk_flags(&t, TH_FIN | TH_ACK);
	ring_read();
	assert_int_equal(ring.connections, 1);
	assert_memory_equal(&c->syn, &no_syn, sizeof(no_syn));
	assert_int_equal(c->rtt_us + c->rtt_min_us + c->g1_us, 0);
	assert_int_equal(c->requests, 0);
	assert_int_equal(c->tls, SEINE_TLS_UNKNOWN);
}

static void test_one_in(void **state)
{
	struct seine_cfg cfg = settings();
	const uint32_t n = 400;

	(void)state;
	cfg.hellos_per_sec = 0;
	cfg.connection_one_in = 4;
	for (uint32_t i = 0; i < 2 * n; i++) {
		struct talk t = talk_new(bed, SRC, 1000 + i);

		if (i == n) {
			ring_read();
			assert_in_range(ring.connections, 60, 140);
			ring.connections = 0;
			cfg.connection_one_in = 0;
		}
		bed_configure(bed, &cfg);
		talk_open(&t, 1 * MS, 0, 300);
		talk_flags(&t, TH_FIN | TH_ACK);
	}
	ring_read();
	assert_int_equal(ring.connections, 0);
	assert_int_equal(stats().connection_lost, 0);
}

/* Plain requests, and none at all. */
static void test_plain(void **state)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: api.example\r\n\r\n";
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_ack(&t);
	talk_send(&t, get, sizeof(get) - 1, 1448);
	talk_served(&t, 100);
	talk_wait(&t, SEC);
	talk_flags(&t, TH_FIN | TH_ACK);
	ring_read();
	assert_int_equal(ring.segments, 0);
	assert_int_equal(ring.connections, 1);
	assert_int_equal(ring.connection[0].tls, SEINE_TLS_PLAIN);
	assert_int_equal(ring.connection[0].hello_key, 0);
	assert_int_equal(ring.connection[0].requests, 1);
	assert_int_equal(ring.connection[0].request_bytes, sizeof(get) - 1);
	assert_int_equal(ring.connection[0].response_bytes, 100);
}

int main(void)
{
	static uint8_t fin = TH_FIN | TH_ACK, rst = TH_RST | TH_ACK;
	const struct CMUnitTest tests[] = {
		RING_TEST("closed", test_closed, &fin),
		RING_TEST("reset", test_closed, &rst),
		RING_TEST("ports used again", test_replaced, NULL),
		RING_TEST("forgotten for newer ones", test_evicted, NULL),
		RING_TEST("handshake not seen", test_unknown, NULL),
		RING_TEST("one in so many", test_one_in, NULL),
		RING_TEST("plain HTTP", test_plain, NULL),
	};

	return cmocka_run_group_tests(tests, ring_open, ring_close);
}
