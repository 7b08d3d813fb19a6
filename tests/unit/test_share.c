/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is spared: asked of the datapath's own code, too, which decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/seed.h"
#include "user/base/prefix.h"
#include "user/judge/share.h"

/* What the loader would write. */
const volatile __u64 seed0 = 0x0123456789abcdefull;
const volatile __u64 seed1 = 0xfedcba9876543210ull;

static const struct seine_meta meta = {
	.seed0 = 0x0123456789abcdefull,
	.seed1 = 0xfedcba9876543210ull,
	.source_bits = 64,
};

static uint64_t random_next(uint64_t *state)
{
	return seine_mix64(*state += 0x9e3779b97f4a7c15ull);
}

static uint32_t place_in_kernel(const uint8_t ip[16])
{
	const struct packet p = {
		.src_hi = seine_addr_word(ip),
		.src_lo = seine_addr_word(ip + 8),
		.v6 = !seine_addr_is_v4(seine_addr_word(ip), seine_addr_word(ip + 8)),
	};

	/* As verdict_share() has it, which needs the kernel's maps around it. */
	return (uint32_t)((seed_source_hash(&p) >> 32) * SEINE_SHARE >> 32);
}

static void random_address(uint64_t *state, bool v4, uint8_t ip[16])
{
	uint64_t words[2] = { random_next(state), random_next(state) };

	memcpy(ip, words, 16);
	if (v4) {
		memset(ip, 0, 10);
		memset(ip + 10, 0xff, 2);
	}
}

static void the_same_as_in_the_kernel(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct prefix source;
		uint8_t ip[16];

		random_address(&random, i & 1, ip);
		source = prefix_of(ip, i & 1 ? 128 : meta.source_bits);
		assert_int_equal(share_of(&meta, source.ip), place_in_kernel(ip));
	}
}

static void places_are_even(void **state)
{
	uint32_t tenths[10] = { 0 };
	uint64_t random = 2;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t ip[16];

		random_address(&random, true, ip);
		assert_true(share_of(&meta, ip) < SEINE_SHARE);
		tenths[share_of(&meta, ip) / (SEINE_SHARE / 10)]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(tenths[i], 10000 - 400, 10000 + 400); /* four deviations */
}

/* A drop without a share is for all; what does not drop by shares spares nobody. */
static void spares_the_rest_of_a_share(void **state)
{
	struct seine_entry row = { .action = SEINE_DROP };
	uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	uint32_t place = share_of(&meta, ip);

	(void)state;
	assert_in_range(place, 1, SEINE_SHARE - 2);
	assert_false(share_spares(&meta, &row, ip));
	row.share = place;
	assert_true(share_spares(&meta, &row, ip));
	row.share = place + 1;
	assert_false(share_spares(&meta, &row, ip));
	row.action = SEINE_CANARY;
	assert_false(share_spares(&meta, &row, ip));
	row.share = place;
	assert_true(share_spares(&meta, &row, ip));
	row.share = 0;
	assert_true(share_spares(&meta, &row, ip));
	row.action = SEINE_WATCH;
	assert_false(share_spares(&meta, &row, ip));
	row.action = SEINE_LIMIT;
	assert_false(share_spares(&meta, &row, ip));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_as_in_the_kernel),
		cmocka_unit_test(places_are_even),
		cmocka_unit_test(spares_the_rest_of_a_share),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
