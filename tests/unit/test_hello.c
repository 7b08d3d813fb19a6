// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ClientHello and its key: what must leave the key alone, what must change it, and what is no
 * hello.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hello.h"
#include "tests/bpf/packet.h"
#include "user/base/cleanup.h"

#define SUITES_AT 44 /* with an empty session id */

/* Computed apart from this code, from the definition in bpf/hello.h. */
#define KEY_OPENSSL 0xca988187d7b7477e
#define KEY_BROWSER 0xf38d3960202093e4
#define KEY_GO 0x8aecabd9676d7379

static int read_bytes(const uint8_t *bytes, uint32_t len, struct hello *ret)
{
	_cleanup_(freep) uint8_t *exact = malloc(len ? len : 1);
	struct frame f = { exact, exact + len };

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	return hello_read(&f, 0, len, ret);
}

static uint64_t key_of(const struct hello_shape *h)
{
	uint8_t at[WIRE_MAX];
	uint32_t len = tls_hello(h, at);
	struct hello hello = { 0 };

	assert_int_equal(read_bytes(at, len, &hello), 0);
	assert_int_equal(hello.bytes, len);
	return hello.key;
}

/* Keys are kept in histories and exchanged between hosts: they never change. */
static void test_values(void **state)
{
	(void)state;
	assert_true(key_of(&(struct hello_shape){ .stack = STACK_OPENSSL }) == KEY_OPENSSL);
	assert_true(key_of(&(struct hello_shape){ .stack = STACK_BROWSER }) == KEY_BROWSER);
	assert_true(key_of(&(struct hello_shape){ .stack = STACK_GO }) == KEY_GO);
}

static void test_same(void **state)
{
	static const struct hello_shape same[] = {
		{ .stack = STACK_BROWSER, .bytes = 517 },
		{ .stack = STACK_BROWSER, .bytes = 1800 },
		{ .stack = STACK_BROWSER, .session_id = 32 },
		{ .stack = STACK_BROWSER, .session_id = 32, .bytes = 517 },
		{ .stack = STACK_BROWSER, .grease = 0xfafa },
		{ .stack = STACK_BROWSER, .grease = 0x3a3a, .reversed = 1 },
		{ .stack = STACK_BROWSER, .reversed = 1 },
	};
	uint64_t key = key_of(&(struct hello_shape){ .stack = STACK_BROWSER });

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(key_of(&same[i]) == key);
}

/* Any other suite in place of any one, and any suite left out. */
static void test_different(void **state)
{
	uint8_t at[WIRE_MAX], changed[WIRE_MAX];
	struct hello_shape shape = { .stack = STACK_GO };
	uint32_t len = tls_hello(&shape, at);
	uint32_t n = (at[SUITES_AT] << 8 | at[SUITES_AT + 1]) / 2;
	struct hello hello, other;

	(void)state;
	assert_int_equal(read_bytes(at, len, &hello), 0);
	for (uint32_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 16; bit++) {
			memcpy(changed, at, len);
			changed[SUITES_AT + 2 + 2 * i + bit / 8] ^= 1 << bit % 8;
			assert_int_equal(read_bytes(changed, len, &other), 0);
			assert_true(other.key != hello.key);
		}
	}
	memcpy(changed, at, len);
	changed[SUITES_AT + 1] -= 2;
	assert_int_equal(read_bytes(changed, len, &other), 0);
	assert_true(other.key != hello.key);
	memcpy(changed, at, len);
	changed[10] = 2; /* version */
	assert_int_equal(read_bytes(changed, len, &other), 0);
	assert_true(other.key != hello.key);
}

static void test_grease(void **state)
{
	int n = 0;

	(void)state;
	for (uint32_t suite = 0; suite < 0x10000; suite++)
		n += hello_is_grease(suite);
	assert_int_equal(n, 16);
	assert_true(hello_is_grease(0x0a0a) && hello_is_grease(0xfafa));
	assert_false(hello_is_grease(0x0a1a) || hello_is_grease(0x1301));
}

/* A hello is known as one from its first bytes on, its key as soon as the last suite is there, and
 * its extensions from the byte behind on. */
static void test_cut(void **state)
{
	uint8_t at[WIRE_MAX];
	struct hello_shape shape = { .stack = STACK_OPENSSL, .session_id = 32, .bytes = 517 };
	uint32_t len = tls_hello(&shape, at);
	uint32_t count_at = SUITES_AT + 32;
	uint32_t known = count_at + 2 + (at[count_at] << 8 | at[count_at + 1]);
	uint64_t key = key_of(&shape);

	(void)state;
	for (uint32_t cut = 0; cut <= len; cut++) {
		struct hello hello = { 0 };

		assert_int_equal(read_bytes(at, cut, &hello), cut < HELLO_START ? -1 : 0);
		assert_true(hello.key == (cut < known ? 0 : key));
		assert_int_equal(hello.bytes, cut < HELLO_START ? 0 : len);
		assert_int_equal(hello.skip, cut <= known ? HELLO_LOST : known + 2 + 2);
	}
}

struct patch {
	uint32_t at;
	uint8_t value;
};

static const struct patch breaks[] = {
	{ 0, 23 },	       /* not a handshake */
	{ 0, 0x80 },	       /* SSL 2 */
	{ 1, 2 },	       /* record version */
	{ 2, 5 },	       /* record version */
	{ 5, 2 },	       /* ServerHello */
	{ 9, 2 },	       /* hello version */
	{ 43, 33 },	       /* session id too long */
	{ SUITES_AT + 1, 27 }, /* odd number of bytes */
	{ SUITES_AT + 1, 0 },  /* no suites */
	{ SUITES_AT, 2 },      /* too many */
};

static void test_no_hello(void **state)
{
	uint8_t at[WIRE_MAX], broken[WIRE_MAX];
	struct hello_shape shape = { .stack = STACK_GO, .bytes = 1000 };
	uint32_t len = tls_hello(&shape, at);
	struct hello hello;

	(void)state;
	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		memcpy(broken, at, len);
		broken[breaks[i].at] = breaks[i].value;
		assert_int_equal(read_bytes(broken, len, &hello), -1);
	}
	len = tls_hello(&(struct hello_shape){ .session_id = 33 }, broken);
	assert_int_equal(read_bytes(broken, len, &hello), -1);
	len = tls_hello(&shape, broken);
	broken[3] = broken[4] = 0;
	assert_int_equal(read_bytes(broken, len, &hello), -1);
	broken[3] = 0x41; /* a record longer than any */
	broken[4] = 1;
	assert_int_equal(read_bytes(broken, len, &hello), -1);
}

static void test_records(void **state)
{
	static const uint8_t good[][5] = { { 20, 3, 3, 0, 1 },
					   { 21, 3, 3, 0, 2 },
					   { 22, 3, 1, 2, 0 },
					   { 22, 3, 0, 2, 0 },
					   { 23, 3, 4, 0x41, 0 } };
	static const uint8_t bad[][5] = { { 19, 3, 3, 0, 1 },	      { 24, 3, 3, 0, 1 },
					  { 22, 2, 3, 0, 1 },	      { 22, 3, 5, 0, 1 },
					  { 22, 3, 3, 0, 0 },	      { 23, 3, 3, 0x41, 1 },
					  { 'G', 'E', 'T', ' ', '/' } };
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(tls_record(good[i], &len), good[i][0]);
		assert_int_equal(len, good[i][3] << 8 | good[i][4]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tls_record(bad[i], &len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	  cmocka_unit_test(test_same),
		cmocka_unit_test(test_different), cmocka_unit_test(test_grease),
		cmocka_unit_test(test_cut),	  cmocka_unit_test(test_no_hello),
		cmocka_unit_test(test_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
