/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times in a ring and slots in a shifting bitmap, against a list that forgets nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/sight/rhythm.h"

#define SLOTS 5000
#define FIRST 3000000u

/* Requests at random slots, some far apart; at every step the bitmap says what the list says. */
static void test_slots(void **state)
{
	struct rhythm r = { 0 };
	static bool asked[SLOTS];
	uint64_t random;
	uint32_t slot = 0;

	(void)state;
	for (uint32_t i = 0; slot < SLOTS; i++) {
		rhythm_note(&r, i, FIRST + slot);
		asked[slot] = true;
		for (uint32_t ago = 0; ago < RHYTHM_SLOTS && ago <= slot; ago++)
			assert_int_equal(rhythm_asked(&r, FIRST + slot - ago), asked[slot - ago]);
		assert_false(rhythm_asked(&r, FIRST + slot - RHYTHM_SLOTS));
		assert_false(rhythm_asked(&r, FIRST + slot + 1));
		random = seine_mix64(i);
		slot += random % 50 == 0 ? random >> 8 & 0x1ff : random >> 8 & 3;
	}
}

static void test_times(void **state)
{
	struct rhythm r = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 3 * RHYTHM_TIMES; i++) {
		rhythm_note(&r, 100 + i, 1);
		assert_int_equal(r.n, i + 1 < RHYTHM_TIMES ? i + 1 : RHYTHM_TIMES);
		for (uint8_t j = 0; j < r.n; j++)
			assert_int_equal(rhythm_time(&r, j), 100 + i - (r.n - 1u - j));
	}
}

/* What is told of the past belongs before what has been seen. */
static void test_mark_the_past(void **state)
{
	struct rhythm r = { 0 };

	(void)state;
	rhythm_note(&r, 1, FIRST);
	rhythm_mark(&r, FIRST - 70);
	rhythm_mark(&r, FIRST - RHYTHM_SLOTS);
	assert_true(rhythm_asked(&r, FIRST));
	assert_true(rhythm_asked(&r, FIRST - 70));
	assert_false(rhythm_asked(&r, FIRST - 71));
	assert_int_equal(r.slot, FIRST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_mark_the_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
