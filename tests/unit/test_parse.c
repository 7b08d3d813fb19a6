// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From frame to packet: every field that later steps rely on. Which frames pass through which exit
 * is in tests/bpf/packets_table.h; here is what was understood of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/parse.h"
#include "tests/bpf/packet.h"
#include "user/base/cleanup.h"

static int parse(const struct wire *w, int decap, struct packet *ret)
{
	/* Of the exact size, so that a sanitizer sees a byte too far; IP is aligned, as in a
	 * kernel. */
	_cleanup_(freep) uint8_t *exact = malloc(w->len + 2);
	struct frame f = { exact + 2, exact + 2 + w->len };

	assert_non_null(exact);
	memcpy(exact + 2, w->bytes, w->len);
	memset(ret, 0, sizeof(*ret));
	return parse_packet(&f, decap, ret);
}

static struct packet parse_shape(const struct shape *s)
{
	struct packet p;
	struct wire w;

	wire_build(s, &w);
	assert_int_equal(parse(&w, s->outer != 0, &p), PARSE_OK);
	assert_int_equal(p.l4, w.l4);
	assert_int_equal(p.payload, w.payload);
	assert_int_equal(p.payload_len, s->payload_len);
	assert_int_equal(p.ip_end, w.payload + s->payload_len);
	assert_int_equal(p.ip_bytes, p.ip_end - w.l3);
	return p;
}

static void test_tcp4(void **state)
{
	struct shape s = { .src = "192.0.2.7",
			   .dst = "198.51.100.1",
			   .sport = 54321,
			   .dport = 8443,
			   .id = 0xbeef,
			   .tos = 0x2e,
			   .ttl = 57,
			   .df = 1,
			   .seq = 0x89abcdef,
			   .ack = 0xfedcba98,
			   .flags = TCP_ACK | TCP_PSH | TCP_CWR,
			   .window = 501,
			   .urgent = 7,
			   .options = OPTIONS_TIMESTAMP,
			   .payload_len = 333 };
	struct packet p = parse_shape(&s);

	(void)state;
	assert_true(p.src_hi == 0 && p.src_lo == 0xffffc0000207);
	assert_true(p.dst_hi == 0 && p.dst_lo == 0xffffc6336401);
	assert_int_equal(p.sport, 54321);
	assert_int_equal(p.dport, 8443);
	assert_int_equal(p.seq, 0x89abcdef);
	assert_int_equal(p.ack, 0xfedcba98);
	assert_int_equal(p.window, 501);
	assert_int_equal(p.urgent, 7);
	assert_int_equal(p.ip_id, 0xbeef);
	assert_int_equal(p.proto, IPPROTO_TCP);
	assert_int_equal(p.flags, TCP_ACK | TCP_PSH | TCP_CWR);
	assert_int_equal(p.ttl, 57);
	assert_int_equal(p.tos, 0x2e);
	assert_int_equal(p.tcp_options, 12);
	assert_int_equal(p.ip_options, 0);
	assert_int_equal(p.v6, 0);
	assert_int_equal(p.df, 1);
}

static void test_tcp6(void **state)
{
	struct shape s = { .src = "2001:db8:1:2:3:4:5:6",
			   .dst = "2001:db8:ffff::1",
			   .tos = 0xb9,
			   .ttl = 250,
			   .flow_label = 0xabcde,
			   .flags = TCP_SYN,
			   .options = OPTIONS_LINUX };
	struct packet p = parse_shape(&s);

	(void)state;
	assert_true(p.src_hi == 0x20010db800010002 && p.src_lo == 0x0003000400050006);
	assert_true(p.dst_hi == 0x20010db8ffff0000 && p.dst_lo == 1);
	assert_int_equal(p.tos, 0xb9);
	assert_int_equal(p.ttl, 250);
	assert_int_equal(p.ip6_flow, 0xabcde);
	assert_int_equal(p.v6, 1);
	assert_int_equal(p.df, 0);
	assert_int_equal(p.ip_id, 0);
	assert_int_equal(p.tcp_options, 20);
}

static void test_udp(void **state)
{
	struct shape s = { .proto = IPPROTO_UDP, .payload_len = 1200 };
	struct packet p = parse_shape(&s);

	(void)state;
	assert_int_equal(p.proto, IPPROTO_UDP);
	assert_int_equal(p.sport, SHAPE_SPORT);
	assert_int_equal(p.dport, SHAPE_PORT);
	assert_int_equal(p.flags, 0);
}

/* Offsets count from the start of the frame, whatever lies in front of the packet. */
static void test_layers(void **state)
{
	static const struct shape shapes[] = {
		{ .vlans = 1 },
		{ .vlans = 2 },
		{ .vlans = 2, .ip_options = 40, .options = OPTIONS_FULL, .payload_len = 1 },
		{ .src = "2001:db8::1", .vlans = 2 },
		{ .src = "2001:db8::1", .ext = { EXT_HOP, 60, 43, 44, 51, 60 }, .payload_len = 50 },
		{ .outer = 4 },
		{ .outer = 6, .vlans = 1, .payload_len = 9 },
		{ .src = "2001:db8::1", .outer = 4, .options = OPTIONS_LINUX },
		{ .src = "2001:db8::1", .outer = 6, .ext = { 60 }, .payload_len = 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		assert_int_equal(parse_shape(&shapes[i]).dport, SHAPE_PORT);
}

/* What the outer header said is overwritten by the inner one, all of it. */
static void test_inner(void **state)
{
	struct packet p = parse_shape(&(struct shape){ .src = "203.0.113.9", .outer = 6, .df = 1 });

	(void)state;
	assert_true(p.src_hi == 0 && p.src_lo == 0xffffcb007109);
	assert_int_equal(p.v6, 0);
	assert_int_equal(p.df, 1);
	p = parse_shape(&(struct shape){ .src = "2001:db8::1", .outer = 4 });
	assert_true(p.src_hi == 0x20010db800000000);
	assert_int_equal(p.v6, 1);
	assert_int_equal(p.df, 0);
}

/* Padding behind the IP packet is no payload. */
static void test_padding(void **state)
{
	struct shape s = { .flags = TCP_ACK, .pad = 1 };
	struct packet p;
	struct wire w;

	(void)state;
	wire_build(&s, &w);
	assert_int_equal(w.len, 60);
	assert_int_equal(parse(&w, 0, &p), PARSE_OK);
	assert_int_equal(p.payload_len, 0);
	assert_int_equal(p.ip_end, 54);
}

/* What the buffer does not hold is still payload: only the first part of a packet may be there. */
static void test_short_buffer(void **state)
{
	struct shape s = { .total = 9000, .flags = TCP_ACK };
	struct packet p;
	struct wire w;

	(void)state;
	wire_build(&s, &w);
	assert_int_equal(parse(&w, 0, &p), PARSE_OK);
	assert_int_equal(p.payload_len, 9000 - 40);
}

/* Every length of buffer, from nothing on. */
static void test_truncated(void **state)
{
	static const struct shape shapes[] = {
		{ .vlans = 2, .ip_options = 40, .options = OPTIONS_FULL },
		{ .src = "2001:db8::1", .ext = { EXT_HOP, 60, 43, 44, 51, 60 } },
		{ .outer = 4, .src = "2001:db8::1" },
		{ .outer = 6, .proto = IPPROTO_UDP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		uint32_t header = shapes[i].proto == IPPROTO_UDP ? 8 : 20;
		struct packet p;
		struct wire w;

		wire_build(&shapes[i], &w);
		for (uint32_t whole = w.len, len = 0; len <= whole; len++) {
			w.len = len;
			assert_int_equal(parse(&w, shapes[i].outer != 0, &p),
					 len < w.l4 + header ? PARSE_TRUNCATED : PARSE_OK);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp4),	     cmocka_unit_test(test_tcp6),
		cmocka_unit_test(test_udp),	     cmocka_unit_test(test_layers),
		cmocka_unit_test(test_inner),	     cmocka_unit_test(test_padding),
		cmocka_unit_test(test_short_buffer), cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
