// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PROXY protocol headers: what names a client, what leaves the connection its own address, and what
 * is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/balancer.h"
#include "user/base/cleanup.h"

#define V4(a, b, c, d) (0xffff00000000ull | (uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static int read_bytes(const void *bytes, uint32_t held, uint32_t len, struct balancer *ret)
{
	_cleanup_(freep) uint8_t *exact = malloc(held ? held : 1);
	struct frame f = { exact, exact + held };

	assert_non_null(exact);
	memcpy(exact, bytes, held);
	return balancer_read(&f, 0, len, ret);
}

struct good {
	const char *line;
	uint8_t named;
	uint16_t sport;
	uint64_t hi, lo;
};

static const struct good good[] = {
	{ "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", 1, 56324, 0, V4(192, 0, 2, 7) },
	{ "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", 1, 0, 0, V4(0, 0, 0, 0) },
	{ "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", 1, 65535, 0,
	  V4(255, 255, 255, 255) },
	{ "PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n", 1, 40000, 0x20010db800000000, 7 },
	{ "PROXY TCP6 :: ::1 1 2\r\n", 1, 1, 0, 0 },
	{ "PROXY TCP6 ::1 :: 1 2\r\n", 1, 1, 0, 1 },
	{ "PROXY TCP6 1:: 1:: 1 2\r\n", 1, 1, 0x1000000000000, 0 },
	{ "PROXY TCP6 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 9 2\r\n", 1, 9, 0x1000200030004,
	  0x5000600070000 },
	{ "PROXY TCP6 ::2:3:4:5:6:7:8 1:2:3:4:5:6:7:: 9 2\r\n", 1, 9, 0x200030004,
	  0x5000600070008 },
	{ "PROXY TCP6 ABCD:ef01:0:00:000:0000:1a2B:ffff 1:2:3:4:5:6:7:8 65535 65535\r\n", 1, 65535,
	  0xabcdef0100000000, 0x1a2bffff },
	{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	  1, 65535, UINT64_MAX, UINT64_MAX },
	{ "PROXY TCP6 ::ffff:c000:207 ::1 5 443\r\n", 1, 5, 0, V4(192, 0, 2, 7) },
	{ "PROXY UNKNOWN\r\n", 0, 0, 0, 0 },
	{ "PROXY UNKNOWN \r\n", 0, 0, 0, 0 },
	{ "PROXY UNKNOWN anything\n at all \r\n", 0, 0, 0, 0 },
	{ "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	  0, 0, 0, 0 },
};

/* Wherever it is cut, and whether more follows or not. */
static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint32_t len = strlen(good[i].line);
		char more[256];
		struct balancer b;

		memcpy(more, good[i].line, len);
		memcpy(more + len, "\x16\x03\x01\r\n", 5);
		memset(&b, 0xee, sizeof(b));
		if (read_bytes(more, len + 5, len + 5, &b) != (int)len)
			fail_msg("refused: %s", good[i].line);
		assert_int_equal(b.bytes, len);
		assert_int_equal(b.named, good[i].named);
		assert_int_equal(b.sport, good[i].sport);
		assert_true(b.src_hi == good[i].hi && b.src_lo == good[i].lo);
		assert_int_equal(read_bytes(more, len, len, &b), len);
		for (uint32_t cut = 0; cut < len; cut++) {
			assert_int_equal(read_bytes(more, cut, len, &b), 0);
			assert_int_equal(read_bytes(more, len, cut, &b), 0);
		}
	}
}

static const char *const bad[] = {
	"GET / HTTP/1.1\r\n\r\n",
	"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXX TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4  1 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1  2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\n\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rx",
	"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 00\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 4294967297 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.4 a 2\r\n",
	"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3. 1.2.3.4 1 2\r\n",
	"PROXY TCP4 .1.2.3 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1..2.3 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3.4.5 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3.4. 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3.00 1.2.3.4 1 2\r\n",
	"PROXY TCP4 1.2.3.4 1.2.3.400 1 2\r\n",
	"PROXY TCP4 1.2.3.a 1.2.3.4 1 2\r\n",
	"PROXY TCP4 ::1 ::1 1 2\r\n",
	"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
	"PROXY TCP6 ::1 1.2.3.4 1 2\r\n",
	"PROXY TCP6 : ::1 1 2\r\n",
	"PROXY TCP6 ::: ::1 1 2\r\n",
	"PROXY TCP6 :1::2 ::1 1 2\r\n",
	"PROXY TCP6 :1 ::1 1 2\r\n",
	"PROXY TCP6 1: ::1 1 2\r\n",
	"PROXY TCP6 1::2: ::1 1 2\r\n",
	"PROXY TCP6 1::2::3 ::1 1 2\r\n",
	"PROXY TCP6 1:::2 ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7: ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7:8: ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4:5:6:7:8:: ::1 1 2\r\n",
	"PROXY TCP6 ::1:2:3:4:5:6:7:8 ::1 1 2\r\n",
	"PROXY TCP6 1:2:3:4::5:6:7:8 ::1 1 2\r\n",
	"PROXY TCP6 12345:: ::1 1 2\r\n",
	"PROXY TCP6 00001:: ::1 1 2\r\n",
	"PROXY TCP6 g:: ::1 1 2\r\n",
	"PROXY TCP6 ::1%1 ::1 1 2\r\n",
	"PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n",
	"PROXY TCP6 ::1 ::1 a 2\r\n",
	"PROXY UNKNOWNX\r\n",
	"PROXY UNKNOWN\n\r\n",
	"PROXY UNKNOWN\r\r\n",
	"PROXY UNKNOWN a\rb\r\n",
};

static void test_bad_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct balancer b = { .sport = 7, .bytes = 9 };
		uint32_t len = strlen(bad[i]);

		if (read_bytes(bad[i], len, len, &b))
			fail_msg("taken: %s", bad[i]);
		assert_true(b.sport == 7 && b.bytes == 9);
	}
}

/* A line may be so long and no longer. */
static void test_length(void **state)
{
	char line[BALANCER_TEXT_MAX + 2];
	struct balancer b;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(read_bytes(line, 108, 108, &b), 107);
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(read_bytes(line, 108, 108, &b), 0);
}

#define ADDRESSES4 \
	"\300\0\2\7" \
	"\306\63\144\1" \
	"\234\100" \
	"\001\273"
#define ADDRESSES6 \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7" \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" \
	"\234\100" \
	"\001\273"

struct binary {
	const char *name;
	uint8_t command, family;
	uint16_t len; /* as the header says */
	const char *bytes;
	uint8_t taken, named;
	uint64_t hi, lo;
};

static const struct binary binaries[] = {
	{ "IPv4", 0x21, 0x11, 12, ADDRESSES4, 1, 1, 0, V4(192, 0, 2, 7) },
	{ "IPv4 and more", 0x21, 0x11, 100, ADDRESSES4, 1, 1, 0, V4(192, 0, 2, 7) },
	{ "the longest", 0x21, 0x11, 520, ADDRESSES4, 1, 1, 0, V4(192, 0, 2, 7) },
	{ "too long", 0x21, 0x11, 521, ADDRESSES4, 0, 0, 0, 0 },
	{ "IPv4 cut", 0x21, 0x11, 11, ADDRESSES4, 0, 0, 0, 0 },
	{ "IPv6", 0x21, 0x21, 36, ADDRESSES6, 1, 1, 0x20010db800000000, 7 },
	{ "IPv6 and more", 0x21, 0x21, 37, ADDRESSES6, 1, 1, 0x20010db800000000, 7 },
	{ "IPv6 cut", 0x21, 0x21, 35, ADDRESSES6, 0, 0, 0, 0 },
	{ "local", 0x20, 0x00, 0, ADDRESSES4, 1, 0, 0, 0 },
	{ "local with addresses", 0x20, 0x11, 12, ADDRESSES4, 1, 0, 0, 0 },
	{ "local, any family", 0x20, 0xff, 12, ADDRESSES4, 1, 0, 0, 0 },
	{ "no family", 0x21, 0x00, 0, ADDRESSES4, 1, 0, 0, 0 },
	{ "UDP over IPv4", 0x21, 0x12, 12, ADDRESSES4, 1, 0, 0, 0 },
	{ "UDP over IPv6", 0x21, 0x22, 36, ADDRESSES6, 1, 0, 0, 0 },
	{ "a Unix socket", 0x21, 0x31, 216, ADDRESSES4, 1, 0, 0, 0 },
	{ "no such family", 0x21, 0x41, 12, ADDRESSES4, 0, 0, 0, 0 },
	{ "no such transport", 0x21, 0x13, 12, ADDRESSES4, 0, 0, 0, 0 },
	{ "no such command", 0x22, 0x11, 12, ADDRESSES4, 0, 0, 0, 0 },
	{ "version 1", 0x11, 0x11, 12, ADDRESSES4, 0, 0, 0, 0 },
	{ "version 3", 0x31, 0x11, 12, ADDRESSES4, 0, 0, 0, 0 },
};

static void build(const struct binary *c, uint8_t at[1024])
{
	memset(at, 0xaa, 1024);
	memcpy(at, SIGNATURE, 12);
	at[12] = c->command;
	at[13] = c->family;
	at[14] = c->len >> 8;
	at[15] = c->len & 0xff;
	memcpy(at + 16, c->bytes, c->bytes[0] == '\300' ? 12 : 36);
}

static void test_binary(void **state)
{
	uint8_t at[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
		const struct binary *c = &binaries[i];
		uint32_t whole = 16 + c->len, needed = 16;
		struct balancer b = { .bytes = 1 };

		build(c, at);
		if (read_bytes(at, 1024, 1024, &b) != (c->taken ? (int)whole : 0))
			fail_msg("%s: %u", c->name, b.bytes);
		assert_int_equal(b.bytes, c->taken ? whole : 1);
		if (!c->taken)
			continue;
		assert_int_equal(b.named, c->named);
		assert_int_equal(b.sport, c->named ? 40000 : 0);
		assert_true(b.src_hi == c->hi && b.src_lo == c->lo);
		assert_int_equal(read_bytes(at, 1024, whole, &b), whole);
		assert_int_equal(read_bytes(at, 1024, whole - 1, &b), 0);
		if (c->named)
			needed += c->family == 0x11 ? 12 : 36;
		/* What is not read need not be in the buffer. */
		assert_int_equal(read_bytes(at, needed, whole, &b), whole);
		assert_int_equal(read_bytes(at, needed - 1, whole, &b), 0);
	}
}

static void test_signature(void **state)
{
	uint8_t at[1024];
	struct balancer b;

	(void)state;
	for (int i = 0; i < 12 * 8; i++) {
		build(&binaries[0], at);
		at[i / 8] ^= 1 << i % 8;
		assert_int_equal(read_bytes(at, 28, 28, &b), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	  cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_length),	  cmocka_unit_test(test_binary),
		cmocka_unit_test(test_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
