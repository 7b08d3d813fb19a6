// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handshakes whose times mean something else than round trips: what was lost, repeated, out of order
 * or early. Each counts under one reason; its hello is read all the same, and its request counts.
 */
#include <string.h>
#include "tests/bpf/stage.h"
#include "user/base/cleanup.h"

#define PIECE 700 /* of a hello that is split by hand */
#define PIECES 3
#define LONG_HELLO (PIECE * PIECES)

static uint8_t hello[TLS_MAX];

static struct talk opened(uint32_t hello_bytes)
{
	struct talk t = talk_new(bed, SRC, 40000);

	t.hello.bytes = hello_bytes;
	tls_hello(&t.hello, hello);
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_ack(&t);
	return t;
}

/* Pieces of a long hello, in this order; a digit above the last piece's repeats one. */
static void send_pieces(struct talk *t, const char *order)
{
	uint32_t start = t->seq;

	for (; *order; order++) {
		uint32_t at = (*order - '1') * PIECE;

		t->seq = start + at;
		talk_send(t, hello + at, PIECE, PIECE);
		talk_wait(t, 10);
	}
	t->seq = start + LONG_HELLO;
}

static void script_pieces(struct talk *t, const void *order)
{
	*t = opened(LONG_HELLO);
	send_pieces(t, order);
	talk_finish(t, 21 * MS);
}

static void script_syn_again(struct talk *t, const void *wait)
{
	talk_syn(t);
	talk_wait(t, wait ? SEC : 0);
	talk_open(t, 20 * MS, 300, 517);
	talk_finish(t, 83 * MS);
}

static void script_hello_again(struct talk *t, const void *unused)
{
	(void)unused;
	*t = opened(517);
	talk_send(t, hello, 517, 1448);
	talk_wait(t, 200 * MS);
	talk_again(t, hello, 517, 517);
	talk_finish(t, 21 * MS);
}

/* The server takes the data of the SYN, or does not: then it comes again. */
static void script_fast_open(struct talk *t, const void *refused)
{
	struct wire w;

	t->hello.bytes = 517;
	t->shape.payload = hello;
	t->shape.payload_len = tls_hello(&t->hello, hello);
	t->shape.flags = TH_SYN;
	t->shape.seq = t->seq - 1;
	t->shape.options = OPTIONS_LINUX;
	wire_build(&t->shape, &w);
	bed_run(bed, &w);
	assert_nothing_learnt();

	talk_wait(t, 20 * MS);
	if (!refused) {
		t->seq += 517;
		talk_ack(t);
	} else {
		talk_ack(t);
		talk_send(t, hello, 517, 1448);
	}
	talk_finish(t, 21 * MS);
}

/* A proxy's CONNECT, answered, and then the tunnel; or a server that speaks first and TLS after a
 * word. */
static void script_late(struct talk *t, const void *words)
{
	talk_syn(t);
	talk_wait(t, 20 * MS);
	talk_ack(t);
	talk_send(t, words, strlen(words), 1448);
	talk_wait(t, 20 * MS);
	talk_served(t, 60);
	talk_hello(t, 1800);
	talk_finish(t, 21 * MS);
}

static void script_too_near(struct talk *t, const void *unused)
{
	(void)unused;
	talk_open(t, 90, 300, 517);
	talk_finish(t, 30 * MS);
}

static void script_shorter(struct talk *t, const void *unused)
{
	(void)unused;
	talk_open(t, 80 * MS, 300, 517);
	talk_finish(t, 20 * MS);
}

/* The hello is the first that comes with an ACK: whether that was on its way longer nobody knows. */
static void script_ack_lost(struct talk *t, const void *unused)
{
	(void)unused;
	talk_syn(t);
	talk_wait(t, 20 * MS);
	talk_hello(t, 517);
	talk_finish(t, 21 * MS);
	assert_int_equal(flow().rtt_us, 20 * MS);
	assert_int_equal(shake().g1_us, 0);
}

/* The client's flight comes in the wrong order. */
static void script_flight_order(struct talk *t, const void *unused)
{
	static uint8_t flight[WIRE_MAX];
	uint32_t end = tls_append(flight, 0, TLS_CCS, 1, 1);

	(void)unused;
	tls_append(flight, end, TLS_23, 0xa5, 53);
	talk_open(t, 20 * MS, 300, 517);
	talk_served(t, 3000);
	talk_wait(t, 21 * MS);
	t->seq += 6;
	talk_send(t, flight + 6, 58, 1448);
	talk_again(t, flight, 6, 64);
}

struct script {
	const char *name;
	void (*run)(struct talk *t, const void *with);
	const void *with;
	uint32_t flag;
	size_t counter;	 /* of struct seine_stats */
	uint32_t before; /* requests in front of the hello */
};

#define AT(name) offsetof(struct seine_stats, untrusted_##name)
#define ORDER SEINE_F_REORDERED
#define AGAIN SEINE_F_RETRANS
#define LATE SEINE_F_LATE_HELLO
#define NO_ACK SEINE_F_NO_PURE_ACK
#define REASONS (SEINE_F_SYN_AGAIN | SEINE_F_TFO | ORDER | AGAIN | LATE | NO_ACK | SEINE_F_BALANCED)

static const struct script scripts[] = {
	{ "SYN twice", script_syn_again, "wait", SEINE_F_SYN_AGAIN, AT(syn), 0 },
	{ "SYN twice at once", script_syn_again, NULL, SEINE_F_SYN_AGAIN, AT(syn), 0 },
	{ "hello twice", script_hello_again, NULL, AGAIN, AT(again), 0 },
	{ "first piece twice", script_pieces, "1123", AGAIN, AT(again), 0 },
	{ "last piece twice", script_pieces, "1233", AGAIN, AT(again), 0 },
	{ "all pieces twice", script_pieces, "123123", AGAIN, AT(again), 0 },
	{ "pieces 2, 1, 3", script_pieces, "213", ORDER, AT(order), 0 },
	{ "pieces 1, 3, 2", script_pieces, "132", ORDER, AT(order), 0 },
	{ "pieces 2, 3, 1", script_pieces, "231", ORDER, AT(order), 0 },
	{ "pieces 3, 1, 2", script_pieces, "312", ORDER, AT(order), 0 },
	{ "pieces 3, 2, 1", script_pieces, "321", ORDER, AT(order), 0 },
	{ "first lost, all again", script_pieces, "23123", ORDER | AGAIN, AT(again), 0 },
	{ "second lost, both again", script_pieces, "1323", ORDER | AGAIN, AT(again), 0 },
	{ "fast open", script_fast_open, NULL, SEINE_F_TFO, AT(tfo), 0 },
	{ "fast open refused", script_fast_open, "refused", SEINE_F_TFO | AGAIN, AT(tfo), 0 },
	{ "hello behind CONNECT", script_late, "CONNECT api.example:443 HTTP/1.1\r\n\r\n", LATE,
	  AT(late), 1 },
	{ "hello behind STARTTLS", script_late, "a001 STARTTLS\r\n", LATE, AT(late), 1 },
	{ "first ACK lost", script_ack_lost, NULL, NO_ACK, AT(ack), 0 },
	{ "too near for a network", script_too_near, NULL, 0, AT(trip), 0 },
	{ "second trip shorter", script_shorter, NULL, 0, AT(trip), 0 },
	{ "flight in the wrong order", script_flight_order, NULL, ORDER, AT(order), 0 },
};

static uint64_t counter(const struct script *s)
{
	struct seine_stats all = stats();
	uint64_t n;

	memcpy(&n, (const char *)&all + s->counter, sizeof(n));
	return n;
}

static uint64_t key_of(enum stack stack)
{
	struct talk t = talk_new(bed, SRC, 40000);
	uint64_t key;

	t.hello.stack = stack;
	talk_open(&t, 20 * MS, 300, 517);
	key = shake().hello_key;
	bed_reset(bed);
	return key;
}

static uint32_t trips(void)
{
	struct seine_trips row;
	uint32_t sum = 0;

	for (int kind = 0; kind < SEINE_TLS_KINDS; kind++) {
		bed_trips(bed, kind, &row);
		for (int i = 0; i < SEINE_TRIP_BINS; i++)
			sum += row.hist[i];
	}
	return sum;
}

static void test_script(void **state)
{
	const struct script *s = *state;
	struct talk t = talk_new(bed, SRC, 40000);
	uint64_t key = key_of(STACK_OPENSSL);

	s->run(&t, s->with);
	talk_wait(&t, SEC);
	talk_served(&t, s->before ? 3000 : 0); /* what the request in front is answered with */
	talk_data(&t, 900);
	assert_int_equal(flow().tls, SEINE_TLS_13);
	assert_int_equal(flow().flags & REASONS, s->flag);
	assert_int_equal(flow().gap, SEINE_GAP_UNKNOWN);
	assert_int_equal(shake().hello_key, key);
	assert_int_equal(source(SRC).gap_unknown, 1);
	assert_int_equal(source(SRC).connections, 1);
	assert_int_equal(counter(s), 1);
	assert_int_equal(untrusted(), 1);
	assert_int_equal(stats().hello, 1);
	assert_int_equal(stats().hello_bad, s->before);
	assert_int_equal(stats().hello_late, s->before);
	assert_int_equal(source(SRC).requests, 1 + s->before);
	assert_int_equal(trips(), !s->flag);
}

/* ---- 0-RTT whose end never comes ---- */

static struct talk early(void)
{
	static uint8_t at[WIRE_MAX];
	struct talk t = talk_new(bed, SRC, 40000);
	uint32_t end = tls_append(at, 0, TLS_CCS, 1, 1);

	end = tls_append(at, end, TLS_23, 0xa5, 400);
	talk_open(&t, 20 * MS, 300, 700);
	talk_send(&t, at, end, 1448);
	talk_served(&t, 3000);
	talk_wait(&t, 21 * MS);
	talk_ack(&t);
	assert_true(flow().flags & SEINE_F_EARLY);
	assert_int_equal(flow().phase, SEINE_WAIT_FLIGHT);
	return t;
}

static void test_early_closed(void **state)
{
	const uint8_t *how = *state;
	struct talk t = early();

	talk_flags(&t, *how);
	assert_int_equal(stats().untrusted_early, 1);
	assert_int_equal(untrusted(), 1);
	assert_int_equal(source(SRC).gap_unknown, 1);
	talk_flags(&t, *how);
	assert_int_equal(untrusted(), 1);
}

static void test_early_ports_reused(void **state)
{
	struct talk t = early();

	(void)state;
	t.seq += 0x40000000;
	talk_syn(&t);
	assert_int_equal(stats().untrusted_early, 1);
	assert_int_equal(source(SRC).gap_unknown, 1);
}

/* ---- Trips of sources ---- */

/* The least round trip is that of connections that can be trusted. */
static void test_least_trip(void **state)
{
	struct talk t = talk_new(bed, SRC, 40001);

	(void)state;
	talk_open(&t, 30 * MS, 300, 517);
	assert_int_equal(source(SRC).rtt_min_us, 30 * MS);
	t = talk_new(bed, SRC, 40002);
	talk_syn(&t);
	talk_open(&t, 10 * MS, 300, 517);
	assert_int_equal(source(SRC).rtt_min_us, 30 * MS);
}

#define SCRIPTS ARRAY_LEN(scripts)

int main(void)
{
	static uint8_t fin = TH_FIN | TH_ACK, rst = TH_RST;
	static const struct CMUnitTest others[] = {
		STAGE_TEST("0-RTT without an end, closed", test_early_closed, &fin),
		STAGE_TEST("0-RTT without an end, reset", test_early_closed, &rst),
		STAGE_TEST("0-RTT without an end, ports reused", test_early_ports_reused, NULL),
		STAGE_TEST("least round trip", test_least_trip, NULL),
	};
	static struct CMUnitTest tests[SCRIPTS + ARRAY_LEN(others)];

	for (size_t i = 0; i < SCRIPTS; i++)
		tests[i] = STAGE_TEST(scripts[i].name, test_script, (void *)&scripts[i]);
	memcpy(tests + SCRIPTS, others, sizeof(others));
	return cmocka_run_group_tests(tests, stage_open, stage_close);
}
