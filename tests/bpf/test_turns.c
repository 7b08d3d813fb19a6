// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests and responses as they show in the client's packets: where a turn begins, what belongs
 * to it, how long it took, and what a connection leaves behind when it ends.
 */
#include "tests/bpf/stage.h"

#define RTT (20 * MS)

/* A connection whose TLS 1.3 handshake is over. */
static struct talk ready(void)
{
	struct talk t = talk_new(bed, SRC, 40000);

	talk_open(&t, RTT, 300, 517);
	talk_finish(&t, RTT + 2 * MS);
	talk_wait(&t, 1 * MS);
	return t;
}

/* A response in pieces: each is acknowledged when it comes. */
static void answer(struct talk *t, uint32_t bytes, int pieces, uint64_t us)
{
	for (int i = 0; i < pieces; i++) {
		talk_wait(t, us / pieces);
		talk_served(t, bytes / pieces);
		talk_ack(t);
	}
}

static uint32_t hist_sum(const uint32_t *hist)
{
	uint32_t sum = 0;

	for (int i = 0; i < SEINE_BINS; i++)
		sum += hist[i];
	return sum;
}

/* ---- One and several requests ---- */

static void test_one(void **state)
{
	struct talk t = ready();
	struct seine_source s;

	(void)state;
	talk_data(&t, 900);
	answer(&t, 40000, 10, 2 * SEC);
	assert_int_equal(source(SRC).requests, 1);
	assert_int_equal(source(SRC).responses, 0);
	talk_flags(&t, TH_FIN | TH_ACK);
	s = source(SRC);
	assert_int_equal(s.responses, 1);
	assert_int_equal(s.request_bytes, 900);
	assert_int_equal(s.response_bytes, 40000);
	assert_int_equal(s.response_ms, 2000);
	assert_int_equal(s.request_hist[9 - SEINE_REQUEST_SHIFT], 1); /* 2^9 <= 900 < 2^10 */
	assert_int_equal(s.response_hist[15 - SEINE_RESPONSE_SHIFT], 1);
	assert_int_equal(s.request_log, 9 * 16 + 12);
	assert_int_equal(hist_sum(s.think_hist), 0);
	assert_int_equal(s.open, 0);
	assert_int_equal(s.open_max, 1);
	assert_int_equal(s.resets, 0);
}

static void test_keep_alive(void **state)
{
	struct talk t = ready();
	struct seine_source s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		talk_data(&t, 400 + 100 * i);
		answer(&t, 8000, 4, 400 * MS);
		talk_wait(&t, 3 * SEC);
	}
	talk_flags(&t, TH_FIN | TH_ACK);
	s = source(SRC);
	assert_int_equal(s.requests, 3);
	assert_int_equal(s.responses, 3);
	assert_int_equal(s.request_bytes, 400 + 500 + 600);
	assert_int_equal(s.response_bytes, 24000);
	assert_int_equal(s.response_ms, 1200);
	assert_int_equal(s.think_hist[11 - SEINE_THINK_SHIFT], 2); /* 2048 <= 3000 < 4096 ms */
	assert_int_equal(hist_sum(s.think_hist), 2);
	assert_int_equal(s.last_request_ns, bed_now(bed) - (3 * SEC + 400 * MS) * 1000);
	assert_int_equal(stats().requests, 3);
}

/* The next request may acknowledge the end of the response itself. */
static void test_piggyback(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_data(&t, 500);
	talk_wait(&t, 300 * MS);
	talk_served(&t, 5000);
	talk_data(&t, 500);
	assert_int_equal(source(SRC).requests, 2);
	assert_int_equal(source(SRC).response_bytes, 5000);
	assert_int_equal(source(SRC).response_ms, 300);
}

static void test_plain(void **state)
{
	static const char get[] = "GET /v1/models HTTP/1.1\r\nHost: api.example\r\nUser-Agent: "
				  "a\r\nAccept: */*\r\n\r\n";
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_syn(&t);
	talk_wait(&t, RTT);
	talk_ack(&t);
	for (int i = 0; i < 3; i++) {
		talk_send(&t, get, sizeof(get) - 1, 1448);
		answer(&t, 3000, 2, 200 * MS);
		talk_wait(&t, SEC);
	}
	assert_int_equal(source(SRC).requests, 3);
	assert_int_equal(source(SRC).hello_key, 0);
	assert_int_equal(stats().hello_bad, 1);
}

/* ---- What is no request ---- */

/* HTTP/2: pings and window updates while a response comes in. */
static void test_control_frames(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_data(&t, 900);
	for (int i = 0; i < 20; i++) {
		answer(&t, 16000, 4, 500 * MS);
		talk_data(&t, 22 + 13);
		talk_data(&t, 22 + 17);
	}
	assert_int_equal(source(SRC).requests, 1);
}

/* A connection that is opened, and closed without a request. */
static void test_close_notify(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_data(&t, 24);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).requests, 0);
	assert_int_equal(source(SRC).connections, 1);
}

/* An upload over several round trips, while the server speaks as well. */
static void test_upload(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_data(&t, 600);
	for (int i = 0; i < 12; i++) {
		talk_send(&t, NULL, 14480, 1448);
		talk_wait(&t, RTT);
		talk_served(&t, i == 1 ? 500 : 0);
	}
	answer(&t, 9000, 3, 900 * MS);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).requests, 1);
	assert_int_equal(source(SRC).request_bytes, 600 + 12 * 14480);
	assert_int_equal(source(SRC).response_ms, 900 + 20);
}

/* Retransmissions, keep-alive probes and reordering inside an upload count no byte twice. */
static void test_upload_lossy(void **state)
{
	static uint8_t zeros[WIRE_MAX];
	struct talk t = ready();

	(void)state;
	talk_data(&t, 600);
	talk_send(&t, NULL, 2896, 1448);
	talk_again(&t, zeros, 1448, 1448);
	talk_again(&t, zeros, 2896, 2896);
	talk_again(&t, zeros, 1, 1);
	t.seq += 1448; /* overtaken */
	talk_send(&t, NULL, 1448, 1448);
	talk_again(&t, zeros, 1448, 2896);
	talk_send(&t, NULL, 1448, 1448);
	talk_again(&t, zeros, 1000, 500); /* half of it new */
	t.seq += 500;
	answer(&t, 9000, 3, 900 * MS);
	talk_flags(&t, TH_RST);
	assert_int_equal(source(SRC).requests, 1);
	assert_int_equal(source(SRC).request_bytes, 600 + 5 * 1448 + 500);
	assert_int_equal(source(SRC).resets, 1);
}

/* Too small an answer is none: the request goes on. */
static void test_no_response(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_data(&t, 600);
	answer(&t, 100, 1, SEC);
	talk_data(&t, 600);
	assert_int_equal(source(SRC).requests, 1);
	answer(&t, 100, 1, SEC);
	talk_data(&t, 600);
	assert_int_equal(source(SRC).requests, 2);
	assert_int_equal(source(SRC).request_bytes, 1200);
}

/* ---- Time ---- */

/* However long the host is up and the client was silent, a pause is a pause. */
static void test_long_pause(void **state)
{
	static const uint64_t pauses[] = { 60, 1000, 2400, 4000, 4300, 10000, 50000, 1000000 };
	struct talk t = ready();
	uint32_t n = sizeof(pauses) / sizeof(pauses[0]);

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		talk_data(&t, 600);
		answer(&t, 5000, 2, 700 * MS);
		talk_wait(&t, pauses[i] * SEC);
	}
	talk_data(&t, 600);
	assert_int_equal(source(SRC).requests, n + 1);
	assert_int_equal(source(SRC).response_ms, n * 700);
	assert_int_equal(source(SRC).think_hist[SEINE_BINS - 1], 7);
}

/* All clocks wrap during the connection. */
static void test_clock_wraps(void **state)
{
	struct talk t;

	(void)state;
	bed_clock(bed, (1ull << 32) * 1000000 - 1500000000ull);
	t = ready();
	for (int i = 0; i < 4; i++) {
		talk_data(&t, 600);
		answer(&t, 5000, 2, 400 * MS);
		talk_wait(&t, 500 * MS);
	}
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).requests, 4);
	assert_int_equal(source(SRC).response_ms, 1600);
	assert_int_equal(source(SRC).gap_none, 1);
	assert_int_equal(source(SRC).rtt_min_us, RTT);
}

static void test_handshake_wraps(void **state)
{
	(void)state;
	bed_clock(bed, (1ull << 32) * 1000 * 25 - 10000000);
	ready();
	assert_int_equal(flow().rtt_us, RTT);
	assert_int_equal(shake().g1_us, 300);
	assert_int_equal(shake().delta_us, 2 * MS);
}

/* ---- Sequence numbers ---- */

static void test_sequence_wraps(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	t.seq = UINT32_MAX - 300;
	t.ack = UINT32_MAX - 1000;
	talk_open(&t, RTT, 300, 517);
	talk_finish(&t, RTT + 2 * MS);
	assert_int_equal(source(SRC).gap_none, 1);
	for (int i = 0; i < 3; i++) {
		talk_data(&t, 900);
		answer(&t, 4000, 2, 100 * MS);
		talk_wait(&t, SEC);
	}
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(stats().out_of_window, 0);
	assert_int_equal(source(SRC).requests, 3);
	assert_int_equal(source(SRC).response_bytes, 12000);
}

static void test_upload_wraps(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	t.seq = UINT32_MAX - 5000;
	talk_open(&t, RTT, 300, 517);
	talk_finish(&t, RTT + 2 * MS);
	talk_data(&t, 600);
	talk_send(&t, NULL, 14480, 1448);
	answer(&t, 4000, 2, 100 * MS);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).request_bytes, 15080);
	assert_int_equal(stats().out_of_window, 0);
}

/* More than 4 GiB through one connection. */
static void test_big_response(void **state)
{
	struct talk t = ready();

	(void)state;
	talk_data(&t, 600);
	for (int i = 0; i < 30; i++)
		answer(&t, 100000000, 1, 10 * MS);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).response_bytes, 3000000000ull);
}

/* An ACK for what cannot have been sent yet does not count as a response. */
static void test_ack_ahead(void **state)
{
	struct talk t = ready(), liar = t;

	(void)state;
	talk_data(&t, 600);
	liar = t;
	talk_served(&liar, 0x50000000);
	talk_ack(&liar);
	assert_int_equal(flow().ack, t.ack);
	talk_served(&t, 4000);
	talk_wait(&t, SEC);
	talk_ack(&t);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).response_bytes, 4000);
}

/* ---- The end ---- */

static void test_reset(void **state)
{
	struct talk t = ready();
	struct seine_net net;

	(void)state;
	talk_data(&t, 600);
	answer(&t, 4000, 2, 100 * MS);
	talk_flags(&t, TH_RST | TH_ACK);
	assert_true(bed_net(bed, NET, &net));
	assert_int_equal(net.resets, 1);
	assert_int_equal(source(SRC).resets, 1);
	assert_int_equal(source(SRC).responses, 1);
	assert_int_equal(source(SRC).open, 0);
	talk_flags(&t, TH_RST);
	assert_int_equal(source(SRC).resets, 1);
}

/* The last segment with the FIN is lost and sent again. */
static void test_fin_again(void **state)
{
	static uint8_t record[WIRE_MAX];
	struct talk t = ready();
	uint32_t len = tls_append(record, 0, TLS_23, 0xa5, 300);

	(void)state;
	t.shape.tos = 0;
	talk_send(&t, record, len, 1448);
	talk_flags(&t, TH_FIN | TH_ACK);
	talk_again(&t, record, len, len);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(source(SRC).connections, 1);
	assert_int_equal(source(SRC).requests, 1);
	assert_int_equal(source(SRC).open, 0);
}

/* Packets and bytes of the source are those of its proven connections, from their first data on. */
static void test_sums(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_source s;
	struct seine_net net;

	(void)state;
	talk_open(&t, RTT, 300, 517);
	talk_finish(&t, RTT);
	talk_data(&t, 900);
	talk_flags(&t, TH_FIN | TH_ACK);
	s = source(SRC);
	assert_int_equal(s.packets, 4);
	assert_int_equal(s.bytes, 4 * 40 + 517 + 64 + 900);
	assert_true(bed_net(bed, NET, &net));
	assert_int_equal(net.packets, s.packets);
	assert_int_equal(net.bytes, s.bytes);
	assert_int_equal(stats().protected, 6);
}

/* Rows are removed by the agent while connections go on. */
static void test_row_removed(void **state)
{
	struct talk t = ready();
	struct seine_source s;

	(void)state;
	talk_data(&t, 900);
	bed_forget(bed, SRC);
	answer(&t, 4000, 2, 100 * MS);
	talk_wait(&t, SEC);
	talk_data(&t, 900);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_false(bed_source(bed, SRC, &s));
	assert_int_equal(stats().requests, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST("one request", test_one, NULL),
		STAGE_TEST("three requests on one connection", test_keep_alive, NULL),
		STAGE_TEST("the next request acknowledges the response", test_piggyback, NULL),
		STAGE_TEST("plain HTTP", test_plain, NULL),
		STAGE_TEST("HTTP/2 control frames are no requests", test_control_frames, NULL),
		STAGE_TEST("saying goodbye is no request", test_close_notify, NULL),
		STAGE_TEST("an upload is one request", test_upload, NULL),
		STAGE_TEST("a lossy upload counts no byte twice", test_upload_lossy, NULL),
		STAGE_TEST("a request without response goes on", test_no_response, NULL),
		STAGE_TEST("long pauses", test_long_pause, NULL),
		STAGE_TEST("milliseconds wrap", test_clock_wraps, NULL),
		STAGE_TEST("microseconds wrap in the handshake", test_handshake_wraps, NULL),
		STAGE_TEST("sequence numbers wrap in the handshake", test_sequence_wraps, NULL),
		STAGE_TEST("sequence numbers wrap in an upload", test_upload_wraps, NULL),
		STAGE_TEST("a response of three gigabytes", test_big_response, NULL),
		STAGE_TEST("an ACK too far ahead", test_ack_ahead, NULL),
		STAGE_TEST("reset", test_reset, NULL),
		STAGE_TEST("last segment and FIN sent again", test_fin_again, NULL),
		STAGE_TEST("packets and bytes", test_sums, NULL),
		STAGE_TEST("row removed under a connection", test_row_removed, NULL),
	};

	return cmocka_run_group_tests(tests, stage_open, stage_close);
}
