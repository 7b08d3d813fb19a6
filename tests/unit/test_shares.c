/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fair shares: rows, and what must hold for any wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/judge/shares.h"

static void test_rows(void **state)
{
	static const struct {
		uint64_t wants[4], room, gets[4];
	} rows[] = {
		{ { 0, 0, 0, 0 }, 10, { 0, 0, 0, 0 } },
		{ { 1, 2, 3, 4 }, 0, { 0, 0, 0, 0 } },
		{ { 1, 2, 3, 4 }, 10, { 1, 2, 3, 4 } },
		{ { 1, 2, 3, 4 }, 100, { 1, 2, 3, 4 } },
		{ { 1000, 0, 0, 1 }, 10, { 9, 0, 0, 1 } },
		{ { 1000, 2, 1000, 1 }, 11, { 4, 2, 4, 1 } },
		{ { 1000, 1000, 1000, 1000 }, 8, { 2, 2, 2, 2 } },
		{ { UINT64_MAX, UINT64_MAX, 5, 5 }, 20, { 5, 5, 5, 5 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t gets[4];

		assert_int_equal(shares_fill(rows[i].wants, 4, rows[i].room, gets), 0);
		assert_memory_equal(gets, rows[i].gets, sizeof(gets));
	}
}

/* Nothing is wasted, and nobody has more than one more than somebody who is not satisfied. */
static void test_fairness(void **state)
{
	uint64_t random = 3;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		uint64_t wants[9], gets[9], sum = 0, all = 0, room;

		for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
			random = seine_mix64(random + 1);
			wants[i] = random % (random >> 32 & 1 ? 10 : 1000);
			all += wants[i];
		}
		room = seine_mix64(random) % 3000;
		assert_int_equal(shares_fill(wants, ARRAY_LEN(wants), room, gets), 0);
		for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
			assert_true(gets[i] <= wants[i]);
			sum += gets[i];
			for (size_t k = 0; k < ARRAY_LEN(wants) && gets[i] < wants[i]; k++)
				assert_true(gets[k] <= gets[i] + 1);
		}
		assert_int_equal(sum, all < room ? all : room);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_fairness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
