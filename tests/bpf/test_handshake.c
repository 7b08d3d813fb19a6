// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each kind of TLS handshake over each kind of way to the client, timed in each of the ways there
 * are: what kind it is taken for, what gaps it shows, and where its first request begins.
 */
#include <stdio.h>
#include <string.h>
#include "tests/bpf/handshakes_table.h"
#include "tests/bpf/stage.h"
#include "user/base/cleanup.h"

struct row {
	const struct kind *kind;
	const struct leg *leg;
	const struct timing *timing;
	char name[96];
};

/* ---- Speaking ---- */

static uint8_t bytes[2 * TLS_MAX];

static uint32_t add_part(struct talk *t, char part, uint32_t end)
{
	const struct record *r = &records[(int)part];
	struct hello_shape again = t->hello;

	if (r->type != TLS_22 || r->first != 1)
		return tls_append(bytes, end, r->type, r->first, r->len);
	again.bytes = r->len;
	again.psk = 0;
	return end + tls_hello(&again, bytes + end);
}

/* The `end` bytes that wait already, and these parts. */
static void send_parts(struct talk *t, const char *parts, uint32_t end, uint32_t mss,
		       const struct leg *leg)
{
	for (; *parts; parts++) {
		if (*parts != '|' && *parts != '~') {
			end = add_part(t, *parts, end);
			continue;
		}
		talk_send(t, bytes, end, mss);
		end = 0;
		if (*parts == '|')
			continue;
		talk_served(t, 3000);
		talk_wait(t, leg->rtt_us + leg->hidden_us);
	}
	talk_send(t, bytes, end, mss);
}

static void run_handshake(struct talk *t, const struct row *r)
{
	const struct kind *k = r->kind;
	const struct leg *leg = r->leg;

	t->timestamps = r->timing->timestamps;
	t->hello.bytes = k->hello;
	t->hello.psk = k->psk;
	talk_syn(t);
	talk_wait(t, leg->rtt_us);
	talk_ack(t);
	talk_wait(t, leg->g1_us);
	send_parts(t, k->early, tls_hello(&t->hello, bytes), k->mss, leg);

	talk_wait(t, k->server_us + r->timing->compute_us);
	talk_served(t, 3000);
	if (r->timing->lost_us) {
		talk_wait(t, r->timing->lost_us);
		talk_served(t, 0);
	}
	talk_wait(t, leg->rtt_us);
	talk_ack(t);
	talk_wait(t, leg->hidden_us);
	send_parts(t, k->flight, 0, 1448, leg);
}

/* ---- Judging ---- */

static void assert_delta(const struct row *r)
{
	int32_t delta = shake().delta_us, hidden = r->leg->hidden_us;

	if (r->timing->timestamps) {
		assert_in_range(delta - hidden + 1000, 0, 2000); /* a tick of the server's clock */
		return;
	}
	assert_int_equal(delta, hidden + r->kind->server_us + r->timing->compute_us -
					r->timing->calibrated_us);
}

/* After a retry there is a second hello. */
static bool again(const struct row *r)
{
	return r->kind->tls == SEINE_TLS_13_RETRY;
}

static void assert_row(const struct row *r)
{
	struct seine_source s = source(SRC);
	const uint32_t gaps[] = { s.gap_unknown, s.gap_none, s.gap_single, s.gap_dual };

	assert_int_equal(s.gap_unknown + s.gap_none + s.gap_single + s.gap_dual, 1);
	assert_int_equal(gaps[r->leg->gap], 1);
	assert_int_equal(s.gap_us, r->leg->gap == SEINE_GAP_DUAL ? shake().delta_us : 0);
	assert_int_equal(s.handshakes, 1);
	assert_int_equal(s.hellos, 1 + again(r));
	assert_int_equal(s.requests, r->kind->request != 0);
	assert_int_equal(s.rtt_min_us, r->leg->rtt_us);
}

/* One trip is counted, for the kind of this handshake, in the quarter octave that it is in. */
static void assert_trip(const struct row *r)
{
	uint32_t us =
		r->leg->hidden_us + r->kind->server_us + r->timing->compute_us + r->timing->lost_us;
	uint32_t octave = 31 - __builtin_clz(us),
		 bin = 4 * octave + (4 * (us - (1u << octave)) >> octave);
	struct seine_trips trips;

	for (int kind = 0; kind < SEINE_TLS_KINDS; kind++) {
		bed_trips(bed, kind, &trips);
		for (uint32_t i = 0; i < SEINE_TRIP_BINS; i++)
			assert_int_equal(trips.hist[i], kind == (int)r->kind->tls && i == bin);
	}
}

static void test_row(void **state)
{
	const struct row *r = *state;
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_cfg cfg = settings();

	cfg.server_us[r->kind->tls] = r->timing->calibrated_us;
	bed_configure(bed, &cfg);
	run_handshake(&t, r);
	assert_int_equal(flow().tls, r->kind->tls);
	assert_int_equal(flow().rtt_us, r->leg->rtt_us);
	assert_int_equal(shake().g1_us, r->leg->g1_us);
	assert_int_equal(flow().gap, r->leg->gap);
	assert_delta(r);
	assert_row(r);
	assert_trip(r);
	assert_int_equal(untrusted(), 0);
	assert_int_equal(stats().hello, 1 + again(r));
	assert_int_equal(stats().hello_bad, 0);

	talk_data(&t, 900);
	assert_int_equal(source(SRC).requests, 1);
	assert_int_equal(stats().requests, 1);
	assert_int_equal(flow().flags, HELLO | SEINE_F_TURN | r->kind->flags |
					       (r->timing->timestamps ? SEINE_F_TIMESTAMPS : 0));
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_int_equal(shake().request_bytes, r->kind->request + 900);
}

/* ---- What is no row of the table ---- */

/* Without timestamps a lost answer looks like a gap, of which the first one knows nothing. */
static void test_answer_lost(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_open(&t, 20 * MS, 300, 517);
	talk_finish(&t, 221 * MS);
	assert_int_equal(shake().delta_us, 201 * MS);
	assert_false(flow().flags & SEINE_F_TIMESTAMPS);
	assert_int_equal(source(SRC).gap_single, 1);
	assert_int_equal(untrusted(), 0);
}

static void test_slow_client(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_open(&t, 20 * MS, 90 * MS, 517);
	talk_finish(&t, 22 * MS);
	assert_int_equal(source(SRC).gap_single, 1);
	assert_int_equal(source(SRC).gap_us, 2 * MS);
}

static void test_disagreeing(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	talk_open(&t, 20 * MS, 300 * MS, 517);
	talk_finish(&t, 82 * MS);
	assert_int_equal(source(SRC).gap_single, 1);
	assert_int_equal(source(SRC).gap_us, 62 * MS);
}

/* The answer to the SYN was slow, the way is short: timestamps show it, and the first trip is none.
 */
static void test_shortest_trip(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);

	(void)state;
	t.timestamps = true;
	talk_open(&t, 80 * MS, 300, 517);
	talk_finish(&t, 20 * MS);
	assert_int_equal(flow().rtt_us, 80 * MS);
	assert_in_range(flow().rtt_min_us, 20 * MS, 22 * MS);
	assert_int_equal(stats().untrusted_trip, 1);
	assert_int_equal(untrusted(), 1);
}

/* Echoes that are older than the hello, or of no clock at all, measure nothing. */
static void test_wrong_echo(void **state)
{
	const int64_t *off_ms = *state;
	struct talk t = talk_new(bed, SRC, 40000);

	t.timestamps = true;
	talk_open(&t, 20 * MS, 300 * MS, 517);
	talk_wait(&t, 15 * MS);
	talk_served(&t, 3000);
	t.tsecr += *off_ms;
	talk_wait(&t, 20 * MS);
	talk_record(&t, TLS_23, 0xa5, 53);
	assert_false(flow().flags & SEINE_F_TIMESTAMPS);
	assert_int_equal(shake().delta_us, 15 * MS);
	assert_int_equal(flow().rtt_min_us, 20 * MS);
}

#define ROWS (ARRAY_LEN(kinds) * ARRAY_LEN(legs) * ARRAY_LEN(timings))

static void fill_rows(struct row *rows, struct CMUnitTest *tests)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct row *r = &rows[i];

		r->kind = &kinds[i % ARRAY_LEN(kinds)];
		r->leg = &legs[i / ARRAY_LEN(kinds) % ARRAY_LEN(legs)];
		r->timing = &timings[i / ARRAY_LEN(kinds) / ARRAY_LEN(legs)];
		snprintf(r->name, sizeof(r->name), "%s, %s%s", r->kind->name, r->leg->name,
			 r->timing->name);
		tests[i] = STAGE_TEST(r->name, test_row, r);
	}
}

int main(void)
{
	static int64_t before = -300, ahead = 100000, minutes_before = -100000;
	static const struct CMUnitTest others[] = {
		STAGE_TEST("answer lost, no timestamps", test_answer_lost, NULL),
		STAGE_TEST("slow client", test_slow_client, NULL),
		STAGE_TEST("gaps that do not agree", test_disagreeing, NULL),
		STAGE_TEST("timestamps show a shorter way", test_shortest_trip, NULL),
		STAGE_TEST("echo of a segment before the hello", test_wrong_echo, &before),
		STAGE_TEST("echo of a segment not sent yet", test_wrong_echo, &ahead),
		STAGE_TEST("echo of another clock", test_wrong_echo, &minutes_before),
	};
	static struct CMUnitTest tests[ROWS + ARRAY_LEN(others)];
	static struct row rows[ROWS];

	fill_rows(rows, tests);
	memcpy(tests + ROWS, others, sizeof(others));
	return cmocka_run_group_tests(tests, stage_open, stage_close);
}
