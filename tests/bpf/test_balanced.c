// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Behind a balancer: the PROXY header says whose connection it is. What is learnt and what is
 * dropped is the client's, what the handshake shows is not used, and who is no balancer is not
 * believed.
 */
#include <string.h>
#include "tests/bpf/stage.h"
#include "user/base/cleanup.h"

#define BALANCER "198.18.0.5"
#define BALANCER6 "2001:db8:b::5"
#define STRANGER "203.0.113.77"
#define CLIENT "192.0.2.7"
#define CLIENT6 "2001:db8:c:d::7"
#define LINE4 "PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n"
#define LINE6 "PROXY TCP6 2001:db8:c:d::7 2001:db8::1 40000 443\r\n"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define PORTS "\x9c\x40\x01\xbb"
#define IP4 "\xc0\0\2\7\xc6\x33\x64\1" PORTS
#define IP6 \
	" \1\r\xb8\0\xc\0\xd\0\0\0\0\0\0\0\7" \
	" \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1" PORTS
#define BYTES(text) text, sizeof(text) - 1

enum outcome { NAMED, UNNAMED, BAD };

struct header {
	const char *name;
	const char *bytes;
	uint32_t len;
	enum outcome outcome;
	const char *balancer;
	const char *client; /* whose the connection is */
};

static const struct header headers[] = {
	{ "version 1", BYTES(LINE4), NAMED, BALANCER, CLIENT },
	{ "version 1, IPv6", BYTES(LINE6), NAMED, BALANCER6, CLIENT6 },
	{ "version 1, IPv6 client, IPv4 balancer", BYTES(LINE6), NAMED, BALANCER, CLIENT6 },
	{ "version 1, IPv4 client, IPv6 balancer", BYTES(LINE4), NAMED, BALANCER6, CLIENT },
	{ "version 1, unknown", BYTES("PROXY UNKNOWN\r\n"), UNNAMED, BALANCER, BALANCER },
	{ "version 2", BYTES(SIGNATURE "\x21\x11\0\xc" IP4), NAMED, BALANCER, CLIENT },
	{ "version 2, IPv6", BYTES(SIGNATURE "\x21\x21\0\x24" IP6), NAMED, BALANCER, CLIENT6 },
	{ "version 2, more behind", BYTES(SIGNATURE "\x21\x11\0\xf" IP4 "\3\0\0"), NAMED, BALANCER6,
	  CLIENT },
	{ "version 2, local", BYTES(SIGNATURE "\x20\0\0\0"), UNNAMED, BALANCER6, BALANCER6 },
	{ "version 2, no family", BYTES(SIGNATURE "\x21\0\0\0"), UNNAMED, BALANCER, BALANCER },
	{ "no header", BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), BAD, BALANCER, BALANCER },
	{ "version 1, cut", BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 4"), BAD, BALANCER, BALANCER },
	{ "version 1, wrong address", BYTES("PROXY TCP4 192.0.2.777 198.51.100.1 1 443\r\n"), BAD,
	  BALANCER, BALANCER },
	{ "version 2, cut", BYTES(SIGNATURE "\x21\x11\0\xc\xc0\0\2"), BAD, BALANCER6, BALANCER6 },
	{ "version 2, version 3", BYTES(SIGNATURE "\x31\x11\0\xc" IP4), BAD, BALANCER, BALANCER },
};

static struct talk opened(const char *balancer, uint16_t sport)
{
	struct talk t = talk_new(bed, balancer, sport);

	t.timestamps = true;
	talk_syn(&t);
	talk_wait(&t, 20 * MS);
	talk_ack(&t);
	return t;
}

/* A header and a hello, at once or one after the other. */
static void send_header(struct talk *t, const char *header, uint32_t len, bool apart)
{
	static uint8_t bytes[WIRE_MAX];

	if (apart) {
		talk_send(t, header, len, 1448);
		talk_wait(t, 100);
		talk_hello(t, 517);
		return;
	}
	t->hello.bytes = 517;
	memcpy(bytes, header, len);
	talk_send(t, bytes, len + tls_hello(&t->hello, bytes + len), 1448);
}

static void assert_client(const char *client)
{
	struct seine_shake s = shake();
	uint8_t ip[16];

	wire_address(client, ip);
	assert_memory_equal(s.source.ip, ip, sizeof(ip));
	assert_int_equal(bed_count(bed, "seine_src"), 1);
	assert_int_equal(bed_count(bed, "seine_net"), 1);
	assert_int_equal(source(client).connections, 1);
}

/* A connection from its SYN to its end. */
static void run_connection(const struct header *h, bool apart)
{
	struct talk t = opened(h->balancer, 40000);

	assert_nothing_learnt();
	assert_int_equal(stats().balancer_early, 2);
	send_header(&t, h->bytes, h->len, apart);
	assert_int_equal(stats().balancer_early, 2);
	talk_finish(&t, 21 * MS);
	talk_data(&t, 900);
	talk_served(&t, 5000);
	talk_wait(&t, 300 * MS);
	talk_ack(&t);
	talk_flags(&t, TH_FIN | TH_ACK);
}

static void test_header(void **state, bool apart)
{
	const struct header *h = *state;
	struct seine_source s;

	run_connection(h, apart);
	assert_client(h->client);
	assert_true(flow().flags & SEINE_F_BALANCED);
	s = source(h->client);
	assert_int_equal(stats().balanced, 1);
	assert_int_equal(stats().balancer_bad, 0);
	assert_int_equal(stats().hello, 1);
	assert_int_equal(stats().hello_bad + stats().hello_late, 0);
	assert_int_equal(flow().tls, SEINE_TLS_13);
	assert_int_equal(flow().gap, SEINE_GAP_UNKNOWN);
	assert_int_equal(stats().untrusted_balanced, 1);
	assert_int_equal(untrusted(), 1);
	assert_int_equal(s.gap_unknown, 1);
	assert_int_equal(s.rtt_min_us, 0);
	assert_int_equal(s.hellos, 1);
	assert_int_equal(s.requests, 1);
	assert_int_equal(s.request_bytes, 900);
	assert_int_equal(s.response_bytes, 5000);
	assert_int_equal(s.packets, 5 + apart);
	assert_int_equal(s.open, 0);
	assert_int_equal(stats().passed, stats().packets - 2);
}

static void test_whole(void **state)
{
	test_header(state, false);
}

static void test_apart(void **state)
{
	test_header(state, true);
}

/* Without a header that can be read the connection is the balancer's own. */
static void test_bad(void **state)
{
	const struct header *h = *state;

	run_connection(h, true);
	assert_client(h->balancer);
	assert_int_equal(stats().balancer_bad, 1);
	assert_int_equal(stats().balanced, 0);
	assert_int_equal(stats().hello_bad, 1);
	assert_int_equal(stats().hello_late, 1);
	assert_int_equal(stats().untrusted_balanced, 1);
	assert_int_equal(untrusted(), 1);
	assert_int_equal(source(h->balancer).open, 0);
}

/* ---- Who is believed ---- */

static void test_stranger(void **state)
{
	const struct header h = { "", BYTES(LINE4), NAMED, STRANGER, STRANGER };
	struct talk t = opened(STRANGER, 40000);

	(void)state;
	send_header(&t, h.bytes, h.len, true);
	assert_client(STRANGER);
	assert_int_equal(stats().balancer_early, 0);
	assert_int_equal(stats().balanced + stats().balancer_bad, 0);
	assert_int_equal(stats().hello_bad, 1);
	assert_false(flow().flags & SEINE_F_BALANCED);
}

static void test_other_port(void **state)
{
	struct talk t = talk_new(bed, BALANCER, 40000);

	(void)state;
	t.shape.dport = 8443;
	talk_open(&t, 20 * MS, 300, 517);
	talk_finish(&t, 21 * MS);
	assert_client(BALANCER);
	assert_int_equal(stats().balancer_early, 0);
	assert_int_equal(source(BALANCER).gap_none, 1);
}

static void test_two_clients(void **state)
{
	static const char other[] = "PROXY TCP4 192.0.2.200 198.51.100.1 40000 443\r\n";
	struct talk t = opened(BALANCER, 40000), u = opened(BALANCER, 40001);

	(void)state;
	send_header(&t, BYTES(LINE4), false);
	send_header(&u, BYTES(other), false);
	talk_finish(&t, 21 * MS);
	talk_data(&t, 900);
	assert_int_equal(source(CLIENT).requests, 1);
	assert_int_equal(source("192.0.2.200").requests, 0);
	assert_int_equal(source("192.0.2.200").connections, 1);
	assert_int_equal(bed_count(bed, "seine_src"), 2);
}

/* Data that overtakes the header waits for it, and says nothing before. */
static void test_overtaken(void **state)
{
	struct talk t = opened(BALANCER, 40000);
	uint32_t len = sizeof(LINE4) - 1;

	(void)state;
	t.seq += len;
	talk_hello(&t, 517);
	assert_nothing_learnt();
	assert_int_equal(stats().balancer_early, 3);
	talk_again(&t, LINE4, len, 517 + len);
	assert_client(CLIENT);
	t.seq -= 517;
	talk_hello(&t, 517);
	assert_int_equal(stats().hello, 1);
	assert_int_equal(source(CLIENT).hellos, 1);
}

/* Header and FIN come again: nothing counts twice, and each packet leaves by one way. */
static void test_again(void **state)
{
	struct talk t = opened(BALANCER, 40000);
	uint32_t len = sizeof(LINE4) - 1;

	(void)state;
	talk_send(&t, LINE4, len, 1448);
	talk_again(&t, LINE4, len, len);
	talk_hello(&t, 517);
	talk_finish(&t, 21 * MS);
	talk_data(&t, 900);
	talk_flags(&t, TH_FIN | TH_ACK);
	talk_again(&t, NULL, 900, 900);
	talk_flags(&t, TH_FIN | TH_ACK);
	assert_client(CLIENT);
	assert_int_equal(stats().balanced, 1);
	assert_int_equal(source(CLIENT).requests, 1);
	assert_int_equal(stats().flow_new, 1);
	assert_int_equal(ways_out(), stats().packets);
}

/* ---- Entries ---- */

static void test_entry_client(void **state)
{
	struct seine_entry e = { .action = SEINE_DROP, .slot = 2 };
	struct talk t;
	struct seine_hit hit;

	(void)state;
	bed_entry(bed, 0, CLIENT "/32", &e);
	t = opened(BALANCER, 40000);
	assert_int_equal(t.verdict, XDP_PASS);
	send_header(&t, BYTES(LINE4), false);
	assert_int_equal(t.verdict, XDP_DROP);
	talk_data(&t, 900);
	assert_int_equal(t.verdict, XDP_DROP);
	bed_hits(bed, 2, &hit);
	assert_int_equal(hit.packets, 2);
	assert_int_equal(stats().dropped, 2);
	assert_int_equal(stats().balancer_early, 2);

	bed_allow(bed, CLIENT "/32", 0);
	talk_data(&t, 900);
	assert_int_equal(t.verdict, XDP_PASS);
	assert_int_equal(stats().allowed, 1);
}

static void test_entry_balancer(void **state)
{
	struct seine_entry e = { .action = SEINE_DROP, .slot = 2 };
	const struct header h = { "", BYTES(LINE4), NAMED, BALANCER, CLIENT };
	struct seine_hit hit;

	(void)state;
	bed_entry(bed, 0, "198.18.0.0/24", &e);
	run_connection(&h, true);
	bed_hits(bed, 2, &hit);
	assert_int_equal(hit.packets, 0);
	assert_int_equal(stats().dropped, 0);
	assert_client(CLIENT);
}

/* One client's stack is dropped, another stack behind the same address is not. */
static void test_entry_hello(void **state)
{
	struct talk t = opened(BALANCER, 40000), u;
	struct seine_entry e = { .action = SEINE_DROP };

	(void)state;
	send_header(&t, BYTES(LINE4), false);
	e.hello_key = shake().hello_key;
	bed_entry(bed, 0, CLIENT "/32", &e);
	talk_data(&t, 900);
	assert_int_equal(t.verdict, XDP_DROP);
	u = opened(BALANCER, 40001);
	u.hello.stack = STACK_GO;
	send_header(&u, BYTES(LINE4), true);
	assert_int_equal(u.verdict, XDP_PASS);
	u = opened(BALANCER, 40002);
	send_header(&u, BYTES(LINE4), true);
	assert_int_equal(u.verdict, XDP_DROP);
}

static void test_switched_off(void **state)
{
	struct talk t;

	(void)state;
	bed_entry(bed, 0, CLIENT "/32", &(struct seine_entry){ .action = SEINE_DROP });
	bed_switch_off(bed, true);
	t = opened(BALANCER, 40000);
	send_header(&t, BYTES(LINE4), true);
	assert_int_equal(t.verdict, XDP_PASS);
	assert_int_equal(stats().dropped, 0);
}

static int empty(void **state)
{
	stage_empty(state);
	bed_balance(bed, 443, "198.18.0.0/24");
	bed_balance(bed, 443, "2001:db8:b::/48");
	return 0;
}

#define TEST(name, f, with) ((struct CMUnitTest){ name, f, empty, stage_audit, with })
#define HEADERS ARRAY_LEN(headers)

int main(void)
{
	static const struct CMUnitTest others[] = {
		TEST("header of somebody else", test_stranger, NULL),
		TEST("a port without headers", test_other_port, NULL),
		TEST("two clients", test_two_clients, NULL),
		TEST("data before the header", test_overtaken, NULL),
		TEST("header and end again", test_again, NULL),
		TEST("entry for the client", test_entry_client, NULL),
		TEST("entry for the balancer", test_entry_balancer, NULL),
		TEST("entry for one hello", test_entry_hello, NULL),
		TEST("switched off", test_switched_off, NULL),
	};
	static struct CMUnitTest tests[2 * HEADERS + ARRAY_LEN(others)];
	size_t n = 0;

	for (size_t i = 0; i < HEADERS; i++) {
		void *header = (void *)&headers[i];

		if (headers[i].outcome == BAD) {
			tests[n++] = TEST(headers[i].name, test_bad, header);
			continue;
		}
		tests[n++] = TEST(headers[i].name, test_whole, header);
		tests[n++] = TEST(headers[i].name, test_apart, header);
	}
	memcpy(tests + n, others, sizeof(others));
	n += ARRAY_LEN(others);
	return _cmocka_run_group_tests("balanced", tests, n, stage_open, stage_close);
}
