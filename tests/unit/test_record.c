// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TLS records followed from segment to segment: what counts as application data and as a request,
 * headers cut anywhere, and how the boundary is lost and found again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/record.h"
#include "user/base/cleanup.h"

#define STREAM_MAX 40000
#define CCS 20
#define SHAKE 22
#define DATA 23

struct piece {
	uint8_t type;
	uint16_t len; /* without header */
};

/* Writes records up to one of type 0; how many bytes that makes. */
static uint32_t build(const struct piece *pieces, uint8_t *at)
{
	uint32_t end = 0;

	for (; pieces->type; pieces++) {
		at[end++] = pieces->type;
		at[end++] = 3;
		at[end++] = 3;
		at[end++] = pieces->len >> 8;
		at[end++] = pieces->len & 0xff;
		memset(at + end, 0x17, pieces->len);
		end += pieces->len;
	}
	return end;
}

static int read_held(const uint8_t *bytes, uint32_t held, uint32_t len, uint32_t left,
		     struct records *ret)
{
	_cleanup_(freep) uint8_t *exact = malloc(held ? held : 1);
	struct frame f = { exact, exact + held };

	assert_non_null(exact);
	memcpy(exact, bytes, held);
	return record_read(&f, 0, len, left, ret);
}

struct segment {
	const char *name;
	struct piece pieces[12];
	uint32_t len; /* 0: all */
	uint32_t left;
	struct records want;
};

#define BIT(type) (1 << (type) >> CCS)
#define DATA_LEFT(n) ((uint32_t)(DATA - CCS) << RECORD_TYPE | (n))
#define SHAKE_LEFT(n) ((uint32_t)(SHAKE - CCS) << RECORD_TYPE | (n))

static const struct segment segments[] = {
	{ "a request", { { DATA, 100 } }, 0, 0, { 105, 105, 0, 1, BIT(DATA), DATA, 0 } },
	{ "PING", { { DATA, 34 } }, 0, 0, { 39, 39, 0, 0, BIT(DATA), DATA, 0 } },
	{ "63 bytes", { { DATA, 58 } }, 0, 0, { 63, 63, 0, 0, BIT(DATA), DATA, 0 } },
	{ "64 bytes", { { DATA, 59 } }, 0, 0, { 64, 64, 0, 1, BIT(DATA), DATA, 0 } },
	{ "small ones do not add up",
	  { { DATA, 34 }, { DATA, 30 }, { DATA, 26 } },
	  0,
	  0,
	  { 105, 39, 0, 0, BIT(DATA), DATA, 0 } },
	{ "ChangeCipherSpec and Finished",
	  { { CCS, 1 }, { DATA, 53 } },
	  0,
	  0,
	  { 58, 58, 0, 0, BIT(CCS) | BIT(DATA), CCS, RECORD_FINISHED } },
	{ "EndOfEarlyData and Finished",
	  { { DATA, 21 }, { DATA, 69 } },
	  0,
	  0,
	  { 100, 74, 0, 1, BIT(DATA), DATA, RECORD_EARLY_END | RECORD_FINISHED384 } },
	{ "a handshake record of Finished's length",
	  { { SHAKE, 53 }, { SHAKE, 500 } },
	  0,
	  0,
	  { 0, 0, 0, 0, BIT(SHAKE), SHAKE, 0 } },
	{ "a request that goes on",
	  { { DATA, 16640 } },
	  1460,
	  0,
	  { 1460, 16645, DATA_LEFT(16640 - 1455), 1, BIT(DATA), DATA, 0 } },
	{ "a certificate that goes on",
	  { { SHAKE, 3000 } },
	  1460,
	  0,
	  { 0, 0, SHAKE_LEFT(3000 - 1455), 0, BIT(SHAKE), SHAKE, 0 } },
	{ "only a header",
	  { { DATA, 100 } },
	  5,
	  0,
	  { 5, 105, DATA_LEFT(100), 1, BIT(DATA), DATA, 0 } },
	{ "going on, nothing begins",
	  { { DATA, 100 } },
	  50,
	  DATA_LEFT(300),
	  { 50, 0, DATA_LEFT(250), 0, 0, 0, 0 } },
	{ "a plain number is no data", { { DATA, 100 } }, 50, 300, { 0, 0, 250, 0, 0, 0, 0 } },
	{ "nothing", { { 0, 0 } }, 0, DATA_LEFT(300), { 0, 0, DATA_LEFT(300), 0, 0, 0, 0 } },
	{ "eight records",
	  { { DATA, 59 },
	    { 21, 2 },
	    { DATA, 59 },
	    { DATA, 9 },
	    { DATA, 9 },
	    { DATA, 9 },
	    { DATA, 9 },
	    { DATA, 59 } },
	  0,
	  0,
	  { 248, 64, 0, 3, BIT(DATA) | BIT(21), DATA, 0 } },
	{ "more than eight: the rest is one",
	  { { DATA, 5 },
	    { DATA, 5 },
	    { DATA, 5 },
	    { DATA, 5 },
	    { DATA, 5 },
	    { DATA, 5 },
	    { DATA, 5 },
	    { DATA, 5 },
	    { DATA, 45 },
	    { CCS, 45 } },
	  0,
	  0,
	  { 180, 100, RECORD_LOST, 1, BIT(DATA), DATA, 0 } },
};

static void same(const char *name, const struct records *got, const struct records *want)
{
	if (memcmp(got, want, sizeof(*got)) != 0)
		fail_msg("%s: data %u largest %u left %#x requests %u types %#x first %u sizes %u",
			 name, got->data, got->largest, got->left, got->requests, got->types,
			 got->first, got->sizes);
}

static void test_segments(void **state)
{
	static uint8_t at[STREAM_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
		const struct segment *s = &segments[i];
		uint32_t len = build(s->pieces, at);
		struct records got;

		if (s->len)
			len = s->len;
		memset(&got, 0xee, sizeof(got));
		assert_int_equal(read_held(at, len, len, s->left, &got), 0);
		same(s->name, &got, &s->want);
	}
}

/* An older record's rest takes no header's place. */
static void test_rest_and_eight(void **state)
{
	static const struct piece eight[] = { { DATA, 5 }, { DATA, 5 }, { DATA, 5 },
					      { DATA, 5 }, { DATA, 5 }, { DATA, 5 },
					      { DATA, 5 }, { DATA, 5 }, { 0, 0 } };
	uint8_t at[200] = { 0 };
	uint32_t len = 7 + build(eight, at + 7);
	struct records got;

	(void)state;
	assert_int_equal(read_held(at, len, len, DATA_LEFT(7), &got), 0);
	assert_true(got.data == len && got.left == 0);
}

/* The same stream cut in two anywhere, and byte by byte, gives the same sums. */
static void test_cuts(void **state)
{
	static const struct piece pieces[] = { { SHAKE, 37 }, { CCS, 1 },      { DATA, 21 },
					       { DATA, 53 },  { DATA, 0x117 }, { 21, 2 },
					       { DATA, 256 }, { 0, 0 } };
	uint8_t at[1000];
	uint32_t len = build(pieces, at), left = 0, data = 0, requests = 0, sizes = 0;
	struct records whole, one, two;

	(void)state;
	assert_int_equal(read_held(at, len, len, 0, &whole), 0);
	assert_int_equal(whole.requests, 2);
	for (uint32_t cut = 0; cut <= len; cut++) {
		assert_int_equal(read_held(at, cut, cut, 0, &one), 0);
		assert_int_equal(read_held(at + cut, len - cut, len - cut, one.left, &two), 0);
		assert_int_equal(one.data + two.data, whole.data);
		assert_int_equal(one.requests + two.requests, whole.requests);
		assert_int_equal(one.types | two.types, whole.types);
		assert_int_equal(one.sizes | two.sizes, whole.sizes);
		assert_int_equal(one.largest > two.largest ? one.largest : two.largest,
				 whole.largest);
		assert_int_equal(two.left, 0);
	}
	for (uint32_t i = 0; i < len; i++) {
		assert_int_equal(read_held(at + i, 1, 1, left, &one), 0);
		left = one.left;
		data += one.data;
		requests += one.requests;
		sizes |= one.sizes;
	}
	assert_true(!left && data == whole.data && requests == 2 && sizes == whole.sizes);
}

static const uint8_t bad[][5] = {
	{ 19, 3, 3, 0, 9 },    { 24, 3, 3, 0, 9 },	    { 23, 2, 3, 0, 9 },
	{ 23, 3, 5, 0, 9 },    { 23, 3, 3, 0, 0 },	    { 23, 3, 3, 0x41, 1 },
	{ 23, 3, 3, 0x42, 0 }, { 'G', 'E', 'T', ' ', '/' },
};

/* Where the header is wrong, wherever it is cut; not before its wrong byte. */
static void test_lost(void **state)
{
	static const uint8_t wrong_at[] = { 0, 0, 1, 2, 4, 4, 3, 0 };
	struct records got = { .data = 7 }, first;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_held(bad[i], 5, 5, 0, &got), -1);
		assert_int_equal(got.data, 7);
		for (uint32_t cut = 1; cut < 5; cut++) {
			int r = read_held(bad[i], cut, cut, 0, &first);

			assert_int_equal(r, cut > wrong_at[i] ? -1 : 0);
			if (!r)
				assert_int_equal(read_held(bad[i] + cut, 5 - cut, 5 - cut,
							   first.left, &got),
						 -1);
		}
	}
}

/* No state that this code would leave, in front of a good record. */
static void test_no_state(void **state)
{
	static const uint8_t good[] = { 23, 3, 3, 0, 1, 0 };
	static const uint32_t states[] = { RECORD_LOST, 5 << RECORD_PASSED | 9, 7 << RECORD_PASSED,
					   1 << 19 | 9, 1 << 26 | 9 };
	struct records got;

	(void)state;
	assert_int_equal(read_held(good, 6, 6, 0, &got), 0);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		assert_int_equal(read_held(good, 6, 6, states[i], &got), -1);
}

/* Contents may lie behind the buffer, headers may not. */
static void test_buffer(void **state)
{
	static const struct piece pieces[] = { { DATA, 100 }, { DATA, 200 }, { 0, 0 } };
	uint8_t at[400];
	uint32_t len = build(pieces, at);
	struct records got, want;

	(void)state;
	assert_int_equal(read_held(at, len, len, 0, &want), 0);
	for (uint32_t held = 0; held <= len; held++) {
		int r = read_held(at, held, len, 0, &got);

		assert_int_equal(r, held < 110 ? -1 : 0);
		if (!r)
			same("buffer", &got, &want);
	}
	assert_int_equal(read_held(at, 0, 60000, DATA_LEFT(60001), &got), 0);
	assert_true(got.data == 60000 && got.left == DATA_LEFT(1));
}

static bool resync(const uint8_t bytes[5], uint32_t held, uint32_t len)
{
	struct frame f = { bytes, bytes + held };

	return record_resync(&f, 0, len);
}

static void test_resync(void **state)
{
	(void)state;
	assert_true(resync((uint8_t[]){ 23, 3, 3, 0x41, 0 }, 5, 5));
	assert_true(resync((uint8_t[]){ 23, 3, 3, 0, 30 }, 5, 9000));
	assert_false(resync((uint8_t[]){ 23, 3, 3, 0, 30 }, 4, 9000));
	assert_false(resync((uint8_t[]){ 23, 3, 3, 0, 30 }, 5, 4));
	assert_false(resync((uint8_t[]){ 23, 3, 1, 0, 30 }, 5, 5));
	assert_false(resync((uint8_t[]){ 22, 3, 3, 0, 30 }, 5, 5));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(resync(bad[i], 5, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments), cmocka_unit_test(test_rest_and_eight),
		cmocka_unit_test(test_cuts),	 cmocka_unit_test(test_lost),
		cmocka_unit_test(test_no_state), cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_resync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
