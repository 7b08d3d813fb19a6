// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keyed hashes, on which the datapath and the agent must agree to the bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"

/* Values computed apart from this code. */
static void test_values(void **state)
{
	(void)state;
	assert_true(seine_mix64(0) == 0);
	assert_true(seine_mix64(1) == 0x5692161d100b05e5);
	assert_true(seine_mix64(2) == 0xdbd238973a2b148a);
	assert_true(seine_mix64(UINT64_MAX) == 0xb4d055fcf2cbbd7b);
	assert_true(seine_hash(0x20010db800010000, 7, 11, 13) == 0x6ef7bf0640e82a59);
}

/* Each input bit changes each output bit about every second time. */
static void test_avalanche(void **state)
{
	(void)state;
	for (int in = 0; in < 128; in++) {
		uint32_t flips[64] = { 0 };

		for (uint64_t n = 0; n < 2000; n++) {
			uint64_t hi = n * 0x9e3779b97f4a7c15, lo = n << 3, changed;

			changed = seine_hash(in < 64 ? hi ^ 1ull << in : hi,
					     in < 64 ? lo : lo ^ 1ull << (in - 64), 5, 6) ^
				  seine_hash(hi, lo, 5, 6);
			for (int out = 0; out < 64; out++)
				flips[out] += changed >> out & 1;
		}
		for (int out = 0; out < 64; out++)
			assert_in_range(flips[out], 850, 1150);
	}
}

static void test_words(void **state)
{
	static const uint8_t b[8] = { 0x20, 0x01, 0x0d, 0xb8, 0xff, 0x80, 0, 1 };

	(void)state;
	assert_true(seine_addr_word(b) == 0x20010db8ff800001);
}

static void test_family(void **state)
{
	(void)state;
	assert_true(seine_addr_is_v4(0, 0xffffc0000207));
	assert_true(seine_addr_is_v4(0, 0xffff00000000));
	assert_false(seine_addr_is_v4(0, 0xc0000207));
	assert_false(seine_addr_is_v4(0, 0x1ffffc0000207));
	assert_false(seine_addr_is_v4(1, 0xffffc0000207));
	assert_false(seine_addr_is_v4(0x20010db800000000, 1));
}

/* IPv4: the /24's own bit. */
static void test_bit_v4(void **state)
{
	(void)state;
	assert_int_equal(seine_bit(0, 0xffff00000000, 1, 2), 0);
	assert_int_equal(seine_bit(0, 0xffffc0000200, 1, 2), 0xc00002);
	assert_int_equal(seine_bit(0, 0xffffc00002ff, 3, 4), 0xc00002);
	assert_int_equal(seine_bit(0, 0xffffffffffff, 1, 2), SEINE_BITS_V4 - 1);
}

/* IPv6: one bit for a whole /48, behind those of IPv4, and few /48s share one. */
static void test_bit_v6(void **state)
{
	static uint8_t taken[SEINE_BITS_V6 / 8];
	uint32_t shared = 0;

	(void)state;
	assert_int_equal(seine_bit(0x20010db800010000, 0, 1, 2),
			 seine_bit(0x20010db80001ffff, UINT64_MAX, 1, 2));
	assert_int_not_equal(seine_bit(0x20010db800010000, 0, 1, 2),
			     seine_bit(0x20010db800010000, 0, 2, 1));
	for (uint64_t net = 0; net < 100000; net++) {
		uint32_t bit = seine_bit((0x20010db80000 + net) << 16, net, 1, 2);

		assert_in_range(bit, SEINE_BITS_V4, SEINE_BITS_V4 + SEINE_BITS_V6 - 1);
		bit -= SEINE_BITS_V4;
		shared += taken[bit / 8] >> bit % 8 & 1;
		taken[bit / 8] |= 1 << bit % 8;
	}
	assert_in_range(shared, 500, 700); /* n^2 / 2m = 596 for a random function */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_avalanche),
		cmocka_unit_test(test_words),  cmocka_unit_test(test_family),
		cmocka_unit_test(test_bit_v4), cmocka_unit_test(test_bit_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
