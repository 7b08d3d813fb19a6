// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pieces of ClientHellos in the ring: all bytes of a hello, at the places where they belong,
 * however it came; whose hellos are copied, and what happens when there is no room. QUIC, and
 * hellos of connections that nobody has proven.
 */
#include <netinet/in.h>
#include <string.h>
#include "tests/bpf/ring.h"
#include "user/base/cleanup.h"

static uint8_t hello[TLS_MAX];
static uint32_t hello_len;

/* ---- Whole hellos ---- */

/* The pieces hold each byte of the hello, and no other. */
static void assert_whole(void)
{
	static bool seen[TLS_MAX];
	uint32_t missing = hello_len;

	ring_read();
	assert_in_range(ring.segments, 1, RING_KEPT);
	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < ring.segments; i++) {
		const struct seine_segment *s = &ring.segment[i];

		assert_in_range(s->len, 1, SEINE_SEGMENT);
		assert_in_range(s->offset, 0, hello_len - s->len);
		assert_memory_equal(s->data, hello + s->offset, s->len);
		for (uint32_t at = s->offset; at < s->offset + s->len; at++) {
			missing -= !seen[at];
			seen[at] = true;
		}
	}
	assert_int_equal(missing, 0);
}

static void assert_head(const struct talk *t, const struct seine_segment *s)
{
	uint8_t ip[16];

	wire_address(t->shape.src, ip);
	assert_memory_equal(s->source.ip, ip, sizeof(ip));
	assert_int_equal(s->sport, t->shape.sport);
	assert_int_equal(s->dport, 443);
	assert_int_equal(s->tag, flow().tag);
	assert_int_equal(s->time_ns, bed_now(bed));
	assert_int_equal(s->reserved, 0);
	if (!s->offset)
		assert_int_equal(s->hello_key, shake().hello_key);
	else
		assert_true(!s->hello_key || s->hello_key == shake().hello_key);
}

struct way {
	const char *name;
	uint32_t bytes, mss;
	const char *order; /* of segments; NULL: as sent */
	const char *src;
	const char *before; /* data in front of it */
	uint32_t behind;    /* bytes of early data in its last segment */
	uint32_t pieces;
	bool timestamps;
};

static const struct way ways[] = {
	{ "300 bytes", 300, 1448, NULL, SRC, NULL, 0, 1, false },
	{ "301 bytes, timestamps", 301, 1448, NULL, SRC, NULL, 0, 1, true },
	{ "517 bytes", 517, 1448, NULL, SRC, NULL, 0, 1, false },
	{ "1448 bytes", 1448, 1448, NULL, SRC, NULL, 0, 1, false },
	{ "1700 bytes", 1700, 1448, NULL, SRC, NULL, 0, 2, false },
	{ "5000 bytes", 5000, 1448, NULL, SRC, NULL, 0, 4, false },
	{ "5000 bytes, IPv6", 5000, 1428, NULL, "2001:db8:1::7", NULL, 0, 4, false },
	{ "twelve segments", 5000, 450, NULL, SRC, NULL, 0, 12, true },
	{ "two segments in the wrong order", 1700, 1448, "21", SRC, NULL, 0, 2, false },
	{ "segments 2, 3, 1", 2100, 700, "231", SRC, NULL, 0, 3, false },
	{ "segments 3, 2, 1", 2100, 700, "321", SRC, NULL, 0, 3, false },
	{ "segments 1, 3, 2", 2100, 700, "132", SRC, NULL, 0, 3, false },
	{ "segments 3, 1, 2", 2100, 700, "312", SRC, NULL, 0, 3, true },
	{ "segments 1, 3, 4, 2", 2800, 700, "1342", SRC, NULL, 0, 4, true },
	{ "segments 1, 4, 3, 2", 2800, 700, "1432", SRC, NULL, 0, 4, false },
	{ "first segment twice", 2100, 700, "1123", SRC, NULL, 0, 3, false },
	{ "last segment first, all again", 1400, 700, "212", SRC, NULL, 0, 2, false },
	{ "receive offload", 3000, 3000, NULL, SRC, NULL, 0, 3, false },
	{ "receive offload, to a multiple", 2944, 3000, NULL, SRC, NULL, 0, 2, false },
	{ "receive offload, then a rest", 5000, 3000, NULL, SRC, NULL, 0, 5, false },
	{ "early data behind it", 700, 1448, NULL, SRC, NULL, 300, 1, false },
	{ "early data behind two segments", 1700, 1448, NULL, SRC, NULL, 300, 2, false },
	{ "behind CONNECT", 1700, 1448, NULL, SRC, "CONNECT a:443 HTTP/1.1\r\n\r\n", 0, 2, false },
};

static void send_in_order(struct talk *t, const struct way *w)
{
	uint32_t start = t->seq;

	for (const char *at = w->order; *at; at++) {
		uint32_t off = (*at - '1') * w->mss;

		t->seq = start + off;
		talk_send(t, hello + off, w->mss < w->bytes - off ? w->mss : w->bytes - off,
			  w->mss);
	}
	t->seq = start + w->bytes;
}

static void test_whole(void **state)
{
	const struct way *w = *state;
	struct talk t = talk_new(bed, w->src, 40000);

	t.timestamps = w->timestamps;
	t.hello.bytes = w->bytes;
	hello_len = tls_hello(&t.hello, hello);
	assert_int_equal(hello_len, w->bytes);
	if (w->behind)
		tls_append(hello, hello_len, TLS_23, 0xee, w->behind - 5);
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_ack(&t);
	if (w->before)
		talk_send(&t, w->before, strlen(w->before), 1448);
	if (w->order)
		send_in_order(&t, w);
	else
		talk_send(&t, hello, w->bytes + w->behind, w->mss);
	assert_whole();
	assert_int_equal(ring.segments, w->pieces);
	assert_int_equal(stats().hello_copied, w->pieces);
	for (uint32_t i = 0; i < ring.segments; i++)
		assert_head(&t, &ring.segment[i]);
	assert_int_equal(stats().hello, 1);
	assert_int_equal(stats().hello_lost, 0);
	assert_true(flow().flags & SEINE_F_SAMPLED);
	assert_int_equal(flow().phase, SEINE_WAIT_FLIGHT);
}

/* The hello that a server asks for again is one of its own, behind what is in front of it. */
static void test_retry(void **state)
{
	const uint32_t *again = *state;
	struct talk t = talk_new(bed, SRC, 40000);
	uint32_t end;

	talk_open(&t, 20 * MS, 300, 517);
	ring_read();
	memset(&ring, 0, sizeof(ring));
	t.hello.bytes = *again;
	hello_len = tls_hello(&t.hello, hello + 6);
	end = tls_append(hello, 0, TLS_CCS, 1, 1);
	talk_served(&t, 100);
	talk_wait(&t, 21 * MS);
	talk_send(&t, hello, end + hello_len, 1448);
	memmove(hello, hello + end, hello_len);
	assert_whole();
	assert_head(&t, &ring.segment[0]);
	assert_true(ring.segment[0].flags & SEINE_F_RETRY);
	assert_int_equal(stats().hello, 2);
}

/* ---- Whose ---- */

static uint32_t pieces_of(enum stack stack, uint16_t sport)
{
	struct talk t = talk_new(bed, SRC, sport);
	uint32_t before = ring.segments;

	t.hello.stack = stack;
	talk_open(&t, 20 * MS, 300, 517);
	ring_read();
	return ring.segments - before;
}

static void configure_hellos(uint32_t one_in, uint32_t per_sec)
{
	struct seine_cfg cfg = settings();

	cfg.hello_one_in = one_in;
	cfg.hellos_per_sec = per_sec;
	bed_configure(bed, &cfg);
}

/* What is new at its source always goes; what is not, one in so many. */
static void test_first_sight(void **state)
{
	uint32_t again = 0;

	(void)state;
	configure_hellos(0x7fffffff, 1000);
	assert_int_equal(pieces_of(STACK_OPENSSL, 1), 1);
	assert_int_equal(pieces_of(STACK_OPENSSL, 2), 0);
	assert_int_equal(pieces_of(STACK_GO, 3), 1);
	assert_int_equal(pieces_of(STACK_GO, 4), 0);
	configure_hellos(4, 1000);
	for (int i = 0; i < 400; i++)
		again += pieces_of(STACK_GO, 1000 + i);
	assert_in_range(again, 60, 140);
	configure_hellos(0, 1000);
	assert_int_equal(pieces_of(STACK_GO, 5), 1);
	assert_int_equal(stats().hello_limited, 0);
}

/* The same holds of hellos that come before the proof, here in the SYN. */
static void test_first_sight_early(void **state)
{
	struct talk t = talk_new(bed, SRC, 2);
	uint8_t bytes[WIRE_MAX];
	uint32_t before;
	struct wire w;

	(void)state;
	configure_hellos(0x7fffffff, 1000);
	assert_int_equal(pieces_of(STACK_OPENSSL, 1), 1);
	for (int fresh = 0; fresh < 2; fresh++) {
		t.hello = (struct hello_shape){ .stack = fresh ? STACK_GO : STACK_OPENSSL };
		t.shape.sport = 2 + fresh;
		t.shape.payload = bytes;
		t.shape.payload_len = tls_hello(&t.hello, bytes);
		t.shape.flags = TH_SYN;
		t.shape.seq = t.seq - 1;
		wire_build(&t.shape, &w);
		before = ring.segments;
		bed_run(bed, &w);
		ring_read();
		assert_int_equal(ring.segments - before, fresh);
	}
}

static void test_limit(void **state)
{
	(void)state;
	configure_hellos(1, 2);
	assert_int_equal(pieces_of(STACK_OPENSSL, 1), 1);
	assert_int_equal(pieces_of(STACK_GO, 2), 1);
	assert_int_equal(pieces_of(STACK_BROWSER, 3), 0);
	assert_int_equal(stats().hello_limited, 1);
	assert_int_equal(stats().hello, 3);
	bed_clock(bed, bed_now(bed) + 1000000000);
	assert_int_equal(pieces_of(STACK_OPENSSL, 4), 1);
	configure_hellos(1, 0);
	assert_int_equal(pieces_of(STACK_OPENSSL, 5), 0);
	assert_int_equal(source(SRC).hellos, 5);
}

/* Nobody reads: what does not fit is counted, and connections are tracked all the same. */
static void test_full(void **state)
{
	const uint32_t n = 3000;
	uint32_t copied;

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		struct talk t = talk_new(bed, SRC, 1024 + i);

		talk_open(&t, 20 * MS, 300, 517);
		talk_flags(&t, TH_FIN | TH_ACK);
	}
	copied = stats().hello_copied;
	assert_int_equal(stats().hello_lost, n - copied);
	assert_true(stats().hello_lost && stats().connection_lost);
	assert_int_equal(source(SRC).hellos, n);
	assert_int_equal(source(SRC).connections, n);
	assert_int_equal(source(SRC).open, 0);
	ring_read();
	assert_int_equal(ring.segments, copied);
	assert_int_equal(ring.connections, n - stats().connection_lost);
	assert_int_equal(pieces_of(STACK_GO, 1), 1);
}

/* ---- Not proven ---- */

/* A capture that begins in the middle: the hello is told of, and counts nowhere. */
static void test_unproven(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_cfg cfg = settings();

	(void)state;
	cfg.keep_unproven = 1;
	bed_configure(bed, &cfg);
	t.hello.bytes = 1700;
	hello_len = tls_hello(&t.hello, hello);
	talk_send(&t, hello, hello_len, 1448);
	assert_whole();
	assert_int_equal(ring.segments, 2);
	for (int i = 0; i < 2; i++)
		assert_true(ring.segment[i].flags & SEINE_F_UNPROVEN);
	talk_finish(&t, 21 * MS);
	talk_data(&t, 900);
	talk_served(&t, 3000);
	talk_wait(&t, SEC);
	talk_data(&t, 900);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_nothing_learnt();
	assert_int_equal(stats().hello, 0);
	assert_int_equal(stats().requests, 0);
	assert_int_equal(untrusted(), 0);
	assert_int_equal(stats().proof_failed, 1);
	ring_read();
	assert_int_equal(ring.connections, 1);
	assert_true(ring.connection[0].flags & SEINE_F_UNPROVEN);
	assert_int_equal(ring.connection[0].hello_key, ring.segment[0].hello_key);
}

/* Nobody asked for them; or it is no hello. */
static void test_unproven_not_kept(void **state)
{
	struct talk t = talk_new(bed, SRC, 40000);
	struct seine_cfg cfg = settings();

	(void)state;
	talk_hello(&t, 517);
	cfg.keep_unproven = 1;
	bed_configure(bed, &cfg);
	talk_data(&t, 900);
	ring_read();
	assert_int_equal(ring.segments, 0);
	assert_nothing_learnt();
	assert_int_equal(stats().proof_failed, 2);
	assert_false(bed_flow(bed, &(struct seine_flow){ 0 }));
}

/* A real connection takes the place of what was kept for its hello only. */
static void test_unproven_then_real(void **state)
{
	struct talk old = talk_new(bed, SRC, 40000), t = old;
	struct seine_cfg cfg = settings();

	(void)state;
	cfg.keep_unproven = 1;
	bed_configure(bed, &cfg);
	talk_hello(&old, 517);
	talk_open(&t, 20 * MS, 300, 517);
	assert_int_equal(source(SRC).connections, 1);
	assert_int_equal(source(SRC).open, 1);
	assert_false(flow().flags & SEINE_F_UNPROVEN);
	assert_int_equal(stats().hello, 1);
}

/* ---- QUIC ---- */

struct datagram {
	const char *name;
	uint8_t head[7]; /* first byte, version, length of an id and its first byte */
	uint32_t len;
	uint16_t port;
	bool initial;
};

static const struct datagram datagrams[] = {
	{ "version 1", { 0xc3, 0, 0, 0, 1, 8, 7 }, 1200, 443, true },
	{ "version 1, largest", { 0xc0, 0, 0, 0, 1, 20, 7 }, 1472, 443, true },
	{ "version 1, any length", { 0xc0, 0, 0, 0, 1, 8, 7 }, 1357, 443, true },
	{ "version 2", { 0xd3, 0x6b, 0x33, 0x43, 0xcf, 8, 7 }, 1200, 443, true },
	{ "draft 29", { 0xc0, 0xff, 0, 0, 29, 8, 7 }, 1252, 443, true },
	{ "another port", { 0xc3, 0, 0, 0, 1, 8, 7 }, 1200, 9443, true },
	{ "version 1, 0-RTT", { 0xd3, 0, 0, 0, 1, 8, 7 }, 1200, 443, false },
	{ "version 1, handshake", { 0xe3, 0, 0, 0, 1, 8, 7 }, 1200, 443, false },
	{ "version 2, retry", { 0xc3, 0x6b, 0x33, 0x43, 0xcf, 8, 7 }, 1200, 443, false },
	{ "short header", { 0x43, 0, 0, 0, 1, 8, 7 }, 1200, 443, false },
	{ "no fixed bit", { 0x83, 0, 0, 0, 1, 8, 7 }, 1200, 443, false },
	{ "negotiation", { 0xc3, 0, 0, 0, 0, 8, 7 }, 1200, 443, false },
	{ "version of somebody", { 0xc3, 'Q', '0', '4', '6', 8, 7 }, 1200, 443, false },
	{ "no connection id", { 0xc3, 0, 0, 0, 1, 0, 7 }, 1200, 443, false },
	{ "id too long", { 0xc3, 0, 0, 0, 1, 21, 7 }, 1200, 443, false },
	{ "cut", { 0xc3, 0, 0, 0, 1, 8, 7 }, 6, 443, false },
	{ "port not protected", { 0xc3, 0, 0, 0, 1, 8, 7 }, 1200, 5353, false },
};

static void send_datagram(const struct datagram *d, uint16_t sport)
{
	static uint8_t payload[SEINE_SEGMENT];
	struct shape s = { .src = SRC, .proto = IPPROTO_UDP, .sport = sport, .dport = d->port };
	struct wire w;

	for (uint32_t i = 0; i < sizeof(payload); i++)
		payload[i] = i ^ i >> 8;
	memcpy(payload, d->head, sizeof(d->head));
	s.payload = payload;
	s.payload_len = d->len;
	wire_build(&s, &w);
	assert_int_equal(bed_run(bed, &w), XDP_PASS);
	ring_read();
	if (!d->initial || !ring.segments)
		return;
	assert_int_equal(ring.segment[0].len, d->len);
	assert_memory_equal(ring.segment[0].data, payload, d->len);
}

static void test_datagram(void **state)
{
	const struct datagram *d = *state;
	const struct seine_segment *s = &ring.segment[0];
	uint8_t ip[16];

	send_datagram(d, 40000);
	assert_int_equal(ring.segments, d->initial);
	assert_int_equal(stats().quic_initial, d->initial);
	assert_nothing_learnt();
	if (!d->initial)
		return;
	wire_address(SRC, ip);
	assert_memory_equal(s->source.ip, ip, sizeof(ip));
	assert_int_equal(s->flags, SEINE_F_QUIC | SEINE_F_UNPROVEN);
	assert_int_equal(s->sport, 40000);
	assert_int_equal(s->dport, d->port);
	assert_int_equal(s->offset, 0);
	assert_int_equal(s->hello_key, 0);
	assert_int_equal(s->time_ns, bed_now(bed));
}

/* Of a connection all Initials are copied, or none; the limit is that of all hellos. */
static void test_datagrams_sampled(void **state)
{
	const struct datagram *d = &datagrams[0];
	uint32_t chosen = 0;

	(void)state;
	configure_hellos(4, 1000);
	for (uint16_t port = 1; port <= 400; port++) {
		uint32_t before = ring.segments, once;

		send_datagram(d, port);
		once = ring.segments - before;
		send_datagram(d, port);
		assert_int_equal(ring.segments - before, 2 * once);
		chosen += once;
	}
	assert_in_range(chosen, 60, 140);
	assert_int_equal(stats().quic_initial, 800);
	configure_hellos(1, 0);
	send_datagram(d, 1);
	assert_int_equal(stats().hello_limited, 1);
	assert_int_equal(ring.segments, 2 * chosen);
}

#define WAYS ARRAY_LEN(ways)
#define DATAGRAMS ARRAY_LEN(datagrams)

int main(void)
{
	static uint32_t shorter = 500, longer = 1700;
	static const struct CMUnitTest others[] = {
		RING_TEST("second hello behind a retry", test_retry, &shorter),
		RING_TEST("second hello in two segments", test_retry, &longer),
		RING_TEST("new hellos, and one in so many", test_first_sight, NULL),
		RING_TEST("new hellos, before the proof", test_first_sight_early, NULL),
		RING_TEST("hellos per second", test_limit, NULL),
		RING_TEST("ring full", test_full, NULL),
		RING_TEST("hello without a handshake", test_unproven, NULL),
		RING_TEST("hello without a handshake, not kept", test_unproven_not_kept, NULL),
		RING_TEST("handshake behind a kept hello", test_unproven_then_real, NULL),
		RING_TEST("QUIC: of a connection all or none", test_datagrams_sampled, NULL),
	};
	static struct CMUnitTest tests[WAYS + DATAGRAMS + ARRAY_LEN(others)];

	for (size_t i = 0; i < WAYS; i++)
		tests[i] = RING_TEST(ways[i].name, test_whole, (void *)&ways[i]);
	for (size_t i = 0; i < DATAGRAMS; i++)
		tests[WAYS + i] =
			RING_TEST(datagrams[i].name, test_datagram, (void *)&datagrams[i]);
	memcpy(tests + WAYS + DATAGRAMS, others, sizeof(others));
	return cmocka_run_group_tests(tests, ring_open, ring_close);
}
