// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Made-up connections, read with the datapath's own parsers: what is written must be what a client
 * would send, and no test of detection can be better than that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hello.h"
#include "bpf/parse.h"
#include "bpf/record.h"
#include "tests/sim/segment.h"
#include "tests/sim/software.h"
#include "tests/sim/wire.h"
#include "user/base/cleanup.h"

#define BEGIN_NS 1763683200000000000ull
#define NS_PER_MS 1000000ull
#define CONNECTIONS 400

static const uint8_t v4[16] = { [10] = 0xff, 0xff, 198, 51, 100, 7 };
static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 7 };

/* One upload in two records, one that is short. */
static const struct wire_connection typical = {
	.source = { [10] = 0xff, 0xff, 198, 51, 100, 7 },
	.sport = 40000,
	.stack = STACK_LINUX,
	.software = SOFTWARE_GO, /* whose hello is one segment */
	.hops = 9,
	.rtt_us = 30000,
	.n = 2,
	.request = { { .bytes = 40000, .wait_ms = 100, .stream_ms = 500, .response_bytes = 90000 },
		     { .pause_ms = 900, .bytes = 700, .wait_ms = 50, .response_bytes = 300 } },
};

struct made {
	char *bytes;
	size_t size;
};

static void made_free(struct made *m)
{
	free(m->bytes);
}

/* `n` connections like `c`, a millisecond apart, as a capture. */
static struct made make(const struct wire_connection *c, unsigned int n, uint64_t seed)
{
	struct wire_connection next = *c;
	struct wire *w = NULL;
	struct made m = { 0 };
	FILE *f = open_memstream(&m.bytes, &m.size);

	assert_non_null(f);
	assert_int_equal(wire_new(f, seed, &w), 0);
	for (unsigned int i = 0; i < n; i++) {
		next.start_ns = BEGIN_NS + i * NS_PER_MS;
		next.sport = (uint16_t)(c->sport + i);
		assert_int_equal(wire_until(w, next.start_ns), 0);
		assert_int_equal(wire_connect(w, &next), 0);
	}
	assert_int_equal(wire_until(w, UINT64_MAX), 0);
	assert_int_equal(wire_open_max(w) <= n, true);
	wire_free(w);
	fclose(f);
	return m;
}

struct seen {
	_Alignas(4) uint8_t bytes[2 + SEGMENT_FRAME]; /* whose headers are aligned as in a kernel */
	uint64_t ns;
	struct packet p;
	struct frame frame;
};

static uint32_t word(const char *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return n;
}

/* The packet at `*at`, which moves behind it; false at the end. */
static bool next_packet(const struct made *m, size_t *at, struct seen *ret)
{
	const char *record = m->bytes + *at;
	uint32_t len;

	if (*at == m->size)
		return false;
	len = word(record + 8);
	ret->ns = word(record) * 1000000000ull + word(record + 4);
	assert_true(len <= SEGMENT_FRAME);
	memcpy(ret->bytes + 2, record + 16, len);
	ret->frame = (struct frame){ ret->bytes + 2, ret->bytes + 2 + len };
	memset(&ret->p, 0, sizeof(ret->p));
	assert_int_equal(parse_packet(&ret->frame, 0, &ret->p), PARSE_OK);
	*at += 16 + len;
	assert_true(*at <= m->size);
	return true;
}

#define FIRST 24 /* behind the header of the file */

static void test_hellos_differ(void **state)
{
	_cleanup_(freep) struct bytes *b = calloc(1, sizeof(*b));
	uint64_t keys[SOFTWARE_KINDS];

	(void)state;
	assert_non_null(b);
	for (unsigned int i = 0; i < SOFTWARE_KINDS; i++) {
		struct frame f = { b->data, b->data };
		struct hello h = { 0 };

		software_hello(i, b);
		f.data_end = b->data + b->len;
		assert_int_equal(hello_read(&f, 0, (uint32_t)b->len, &h), 0);
		assert_int_equal(h.bytes, b->len);
		keys[i] = h.key;
		for (unsigned int j = 0; j < i; j++)
			assert_true(keys[i] != keys[j]);
	}
}

static void test_a_seed_gives_the_same_bytes(void **state)
{
	_cleanup_(made_free) struct made a = make(&typical, 50, 1), b = make(&typical, 50, 1),
					 c = make(&typical, 50, 2);

	(void)state;
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.bytes, b.bytes, a.size);
	assert_true(a.size != c.size || memcmp(a.bytes, c.bytes, a.size) != 0);
}

static uint32_t sum(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)b[i] << (i % 2 ? 0 : 8);
	return sum;
}

/* All bits set: RFC 1071. */
static uint32_t folded(uint32_t sum)
{
	return ((sum & 0xffff) + (sum >> 16)) % 0xffff;
}

static void test_packets_are_whole_and_in_order(void **state)
{
	struct wire_connection c = typical;

	(void)state;
	for (unsigned int i = 0; i < STACKS; i++) {
		_cleanup_(made_free) struct made m = { 0 };
		uint64_t before = 0;
		size_t at = FIRST;
		struct seen s;

		c.stack = (uint8_t)i;
		memcpy(c.source, i % 2 ? v6 : v4, sizeof(c.source));
		m = make(&c, 20, i);
		while (next_packet(&m, &at, &s)) {
			const uint8_t *ip = (const uint8_t *)s.frame.data + 14;
			size_t rest = (size_t)((const uint8_t *)s.frame.data_end - ip);
			size_t addresses = i % 2 ? 8 : 12, head = i % 2 ? 40 : 20;

			assert_true(s.ns >= before);
			before = s.ns;
			assert_int_equal(s.p.dport, SEGMENT_PORT);
			assert_int_equal(s.p.v6, i % 2);
			assert_true(i % 2 || !folded(sum(ip, 20)));
			assert_int_equal(folded(sum(ip + addresses, rest - addresses) +
						IPPROTO_TCP + (uint32_t)(rest - head)),
					 0);
		}
	}
}

/* Records of both requests, after hello, flight and before the goodbye. */
static void test_requests_are_records(void **state)
{
	_cleanup_(made_free) struct made m = make(&typical, 1, 7);
	uint32_t next_seq = 0, ack = 0, data = 0, left = 0, requests = 0;
	unsigned int payloads = 0;
	size_t at = FIRST;
	struct seen s;

	(void)state;
	while (next_packet(&m, &at, &s)) {
		struct records r = { 0 };

		if (next_seq)
			assert_int_equal(s.p.seq, next_seq);
		if (ack)
			assert_true(s.p.ack - ack < 200000);
		next_seq = s.p.seq + s.p.payload_len + !!(s.p.flags & (TCP_SYN | TCP_FIN));
		ack = s.p.ack;
		if (!s.p.payload_len || ++payloads == 1)
			continue;
		assert_int_equal(record_read(&s.frame, s.p.payload, s.p.payload_len, left, &r), 0);
		left = r.left;
		data += r.data;
		requests += r.requests;
	}
	assert_int_equal(left, 0);
	assert_int_equal(data, 58 + 40000 + 700 + 24); /* Finished, requests, goodbye */
	assert_int_equal(requests, 4);		       /* Finished has 58 bytes */
}

struct gaps {
	uint64_t syn, ack, hello, flight;
	unsigned int payloads;
};

/* Of how many connections both gaps lie in [low, high) ms. */
static unsigned int count_gaps(const struct wire_connection *c, double low, double high)
{
	_cleanup_(made_free) struct made m = make(c, CONNECTIONS, 3);
	static struct gaps all[CONNECTIONS];
	unsigned int n = 0;
	size_t at = FIRST;
	struct seen s;

	memset(all, 0, sizeof(all));
	while (next_packet(&m, &at, &s)) {
		struct gaps *g = &all[s.p.sport - c->sport];

		if (s.p.flags & TCP_SYN)
			g->syn = s.ns;
		else if (!g->ack)
			g->ack = s.ns;
		if (s.p.payload_len && ++g->payloads == 1)
			g->hello = s.ns;
		else if (s.p.payload_len && g->payloads == 2)
			g->flight = s.ns;
	}
	for (unsigned int i = 0; i < CONNECTIONS; i++) {
		double rtt = (double)(all[i].ack - all[i].syn) / NS_PER_MS;
		double g1 = (double)(all[i].hello - all[i].ack) / NS_PER_MS;
		double delta = (double)(all[i].flight - all[i].hello) / NS_PER_MS - rtt;

		n += rtt < 1.2 * c->rtt_us / 1000.0 && g1 >= low && g1 < high && delta >= low &&
		     delta < high;
	}
	return n;
}

static void test_a_leg_shows_twice(void **state)
{
	struct wire_connection c = typical;

	(void)state;
	assert_true(count_gaps(&c, 0, 8) > 0.93 * CONNECTIONS);
	c.leg_us = 80000;
	assert_true(count_gaps(&c, 80, 95) > 0.93 * CONNECTIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hellos_differ),
		cmocka_unit_test(test_a_seed_gives_the_same_bytes),
		cmocka_unit_test(test_packets_are_whole_and_in_order),
		cmocka_unit_test(test_requests_are_records),
		cmocka_unit_test(test_a_leg_shows_twice),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
