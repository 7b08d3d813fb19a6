// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests inside TLS, told by their records: which records begin one, what belongs to it however
 * they are cut into segments, and what happens when their boundaries are lost. And requests without
 * TLS, which have none.
 */
#include <string.h>
#include "tests/bpf/stage.h"

#define RTT (20 * MS)
#define PING 35 /* bytes of an HTTP/2 control frame's record */

static uint8_t bytes[TLS_MAX];

/* A connection whose TLS 1.3 handshake is over. */
static struct talk ready(void)
{
	struct talk t = talk_new(bed, SRC, 40000);

	talk_open(&t, RTT, 300, 517);
	talk_finish(&t, RTT + 2 * MS);
	talk_wait(&t, 1 * MS);
	return t;
}

static uint32_t add(uint32_t end, uint32_t record)
{
	return tls_append(bytes, end, TLS_23, 0xa5, record - 5);
}

/* A response that is acknowledged in pieces, and a pause. */
static void answer(struct talk *t, uint32_t response, int pieces)
{
	for (int i = 0; i < pieces; i++) {
		talk_wait(t, 50 * MS);
		talk_served(t, response / pieces);
		talk_ack(t);
	}
	talk_wait(t, SEC);
}

static void finish(struct talk *t, uint32_t requests, uint32_t request_bytes)
{
	answer(t, 4000, 2);
	talk_flags(t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).requests, requests);
	assert_int_equal(stats().requests, requests);
	assert_int_equal(source(SRC).request_bytes, request_bytes);
	assert_int_equal(shake().requests, requests);
	assert_int_equal(shake().request_bytes, request_bytes);
}

/* ---- What begins a request ---- */

/* Control frames are none, though three of them together are as long as one. */
static void test_control(void **state)
{
	struct talk t = ready();
	uint32_t end = add(add(add(0, PING), PING), PING);

	(void)state;
	talk_send(&t, bytes, end, 1448);
	assert_int_equal(source(SRC).requests, 0);
	talk_data(&t, 900);
	answer(&t, 4000, 2);
	end = add(add(add(0, PING), PING), PING);
	talk_send(&t, bytes, end, 1448);
	answer(&t, 4000, 2);
	assert_int_equal(source(SRC).requests, 1);
	finish(&t, 1, 900);
}

/* A record below the limit, and one at it. */
static void test_smallest(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_data(&t, 63);
	assert_int_equal(source(SRC).requests, 0);
	talk_data(&t, 64);
	finish(&t, 1, 64);
}

/* A request stands behind control frames in its segment. */
static void test_behind_control(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_send(&t, bytes, add(add(add(0, PING), PING), 300), 1448);
	finish(&t, 1, 300);
}

/* An alert of the client's, however large its segment, is no request. */
static void test_alert(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_data(&t, 900);
	answer(&t, 4000, 2);
	talk_record(&t, 21, 2, 200);
	finish(&t, 1, 900);
}

/* ---- Records and segments ---- */

/* One record over three segments, and the next one likewise. */
static void test_over_segments(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_send(&t, bytes, add(0, 4000), 1448);
	answer(&t, 4000, 2);
	talk_send(&t, bytes, add(0, 4000), 1448);
	assert_int_equal(source(SRC).requests, 2);
	assert_int_equal(stats().resync, 0);
	finish(&t, 2, 8000);
}

/* The pause falls into a record: what comes is still the same request. */
static void test_slow_record(void **state)
{
	struct talk t = ready();

	(void)state;
	add(0, 3000);
	talk_send(&t, bytes, 1000, 1448);
	answer(&t, 400, 1);
	talk_send(&t, bytes + 1000, 2000, 1448);
	finish(&t, 1, 3000);
}

/* A header is cut behind any of its bytes. */
static void test_cut_header(void **state)
{
	const uint32_t *cut = *state;
	struct talk t = ready();
	uint32_t end = add(add(0, 500), 600);

	talk_send(&t, bytes, 500 + *cut, 1448);
	talk_send(&t, bytes + 500 + *cut, end - 500 - *cut, 1448);
	answer(&t, 4000, 2);
	assert_int_equal(source(SRC).requests, 1);
	assert_false(flow().flags & SEINE_F_LOST);
	assert_int_equal(flow().record_left, 0);

	/* In front of the cut is a control frame: behind it is the next request. */
	end = add(add(0, PING), 600);
	talk_send(&t, bytes, PING + *cut, 1448);
	talk_send(&t, bytes + PING + *cut, end - PING - *cut, 1448);
	assert_int_equal(source(SRC).requests, 2);
	assert_int_equal(flow().record_left, 0);
	assert_int_equal(stats().resync, 0);
	finish(&t, 2, flow().turn_bytes + 1100);
	assert_in_range(source(SRC).request_bytes, 1100 + 600 - 4, 1100 + 600 + PING + 4);
}

/* Many records in one segment: the boundary behind them is found again. */
static void test_many(void **state)
{
	struct talk t = ready();
	uint32_t end = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		end = add(end, 70);
	talk_send(&t, bytes, end, 1448);
	assert_true(flow().flags & SEINE_F_LOST);
	assert_int_equal(source(SRC).requests, 1);
	answer(&t, 4000, 2);
	talk_data(&t, 900);
	assert_int_equal(stats().resync, 1);
	finish(&t, 2, end + 900);
}

/* ---- Lost boundaries ---- */

/* A segment is missing inside a record; the next record that begins with a segment is taken for
 * one. */
static void test_hole(void **state)
{
	struct talk t = ready();

	(void)state;
	add(0, 4000);
	talk_send(&t, bytes, 1448, 1448);
	t.seq += 1448;
	talk_send(&t, bytes + 2896, 1104, 1448);
	assert_true(flow().flags & SEINE_F_LOST);
	talk_again(&t, bytes + 1448, 1448, 2552);
	assert_true(flow().flags & SEINE_F_LOST);
	answer(&t, 4000, 2);
	talk_data(&t, 900);
	assert_int_equal(stats().resync, 1);
	assert_false(flow().flags & SEINE_F_LOST);
	finish(&t, 2, 4900);
}

/* Until a boundary is found, segments count as records. */
static void test_no_boundary(void **state)
{
	static uint8_t noise[WIRE_MAX];
	struct talk t = ready();

	(void)state;
	memset(noise, 0x42, sizeof(noise));
	talk_data(&t, 900);
	answer(&t, 4000, 2);
	talk_send(&t, noise, 500, 1448);
	assert_true(flow().flags & SEINE_F_LOST);
	assert_int_equal(source(SRC).requests, 2);
	talk_send(&t, noise, 60, 1448);
	answer(&t, 4000, 2);
	talk_send(&t, noise, 60, 1448);
	assert_int_equal(source(SRC).requests, 2);
	talk_wait(&t, SEC);
	talk_send(&t, noise, 70, 1448);
	assert_int_equal(source(SRC).requests, 3);
	assert_int_equal(stats().resync, 0);
	finish(&t, 3, 900 + 500 + 60 + 60 + 70);
}

/* The first request overtakes a control frame: it was not looked at, but the next one is. */
static void test_first_overtakes(void **state)
{
	struct talk t = ready();

	(void)state;
	add(0, PING);
	t.seq += PING;
	talk_data(&t, 900);
	assert_int_equal(source(SRC).requests, 0);
	talk_again(&t, bytes, PING, 900 + PING);
	answer(&t, 4000, 2);
	talk_data(&t, 800);
	finish(&t, 1, 800);
}

/* ---- Without TLS ---- */

static void test_plain(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	memset(bytes, 'a', 40);
	talk_syn(&t);
	talk_wait(&t, RTT);
	talk_ack(&t);
	for (int i = 0; i < 3; i++) {
		talk_send(&t, bytes, 40, 1448);
		answer(&t, 3000, 3);
	}
	assert_int_equal(flow().tls, SEINE_TLS_PLAIN);
	assert_int_equal(stats().hello_bad, 1);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).requests, 3);
	assert_int_equal(source(SRC).responses, 3);
	assert_int_equal(source(SRC).request_bytes, 120);
	assert_int_equal(source(SRC).request_hist[0], 3);
	assert_int_equal(source(SRC).gap_unknown, 0);
	assert_int_equal(untrusted(), 0);
}

/* ---- How a response comes ---- */

struct stream {
	uint32_t bytes, acks, bin;
};

/* 2^bin * 64 bytes are moved on by an ACK, on average. */
static void test_stream(void **state)
{
	const struct stream *s = *state;
	struct talk t = ready();

	talk_data(&t, 900);
	answer(&t, s->bytes, s->acks);
	talk_ack(&t); /* moves nothing */
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).acks, s->acks);
	assert_int_equal(source(SRC).response_bytes, s->bytes);
	assert_int_equal(source(SRC).stream_hist[s->bin], 1);
	assert_int_equal(shake().response_bytes, s->bytes);
}

/* The first echo of a response shows the way without the handshake's delay. */
static void test_trips(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	t.timestamps = true;
	talk_open(&t, 80 * MS, 300, 517);
	talk_finish(&t, 81 * MS);
	talk_data(&t, 900);
	for (int i = 0; i < 8; i++) {
		talk_served(&t, 1000);
		talk_wait(&t, (40 - 5 * i) * MS);
		talk_ack(&t);
	}
	/* The first one took 40 ms, and a tick may be missing; later ones are not looked at. */
	assert_in_range(flow().rtt_min_us, 40 * MS, 42 * MS);
	assert_int_equal(flow().rtt_us, 80 * MS);
	assert_int_equal(source(SRC).rtt_min_us, 80 * MS);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_in_range(source(SRC).rtt_min_us, 40 * MS, 42 * MS);
}

int main(void)
{
	static uint32_t cuts[] = { 1, 2, 3, 4 };
	static struct stream tokens = { 9000, 50, 1 }, page = { 40000, 10, 5 },
			     huge = { 3000000, 2, SEINE_BINS - 1 };
	const struct CMUnitTest tests[] = {
		STAGE_TEST("HTTP/2 control frames in one segment", test_control, NULL),
		STAGE_TEST("the smallest request", test_smallest, NULL),
		STAGE_TEST("a request behind control frames", test_behind_control, NULL),
		STAGE_TEST("an alert", test_alert, NULL),
		STAGE_TEST("a record over three segments", test_over_segments, NULL),
		STAGE_TEST("a pause within a record", test_slow_record, NULL),
		STAGE_TEST("a header cut behind its type", test_cut_header, &cuts[0]),
		STAGE_TEST("a header cut in its version", test_cut_header, &cuts[1]),
		STAGE_TEST("a header cut in front of its length", test_cut_header, &cuts[2]),
		STAGE_TEST("a header cut in its length", test_cut_header, &cuts[3]),
		STAGE_TEST("twenty records in a segment", test_many, NULL),
		STAGE_TEST("a hole in a record", test_hole, NULL),
		STAGE_TEST("no boundary", test_no_boundary, NULL),
		STAGE_TEST("the first request comes too early", test_first_overtakes, NULL),
		STAGE_TEST("plain requests of 40 bytes", test_plain, NULL),
		STAGE_TEST("tokens one by one", test_stream, &tokens),
		STAGE_TEST("a page at once", test_stream, &page),
		STAGE_TEST("a download", test_stream, &huge),
		STAGE_TEST("round trips of a response", test_trips, NULL),
	};

	return cmocka_run_group_tests(tests, stage_open, stage_close);
}
