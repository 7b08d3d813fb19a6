/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first rows of many, against sorting all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/control/rank.h"

#define ROWS 500

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void same_as_sorting(void **state)
{
	int rows[ROWS], sorted[ROWS];
	const void *kept[ROWS + 10];
	static const size_t limits[] = { 1, 2, 3, 20, ROWS - 1, ROWS, ROWS + 10 };
	unsigned int seed = 1;

	(void)state;
	for (size_t l = 0; l < ARRAY_LEN(limits); l++) {
		size_t limit = limits[l];
		struct rank r;

		rank_init(&r, compare, kept, limit);
		for (size_t i = 0; i < ROWS; i++) {
			rows[i] = sorted[i] = rand_r(&seed) % 300;
			rank_add(&r, &rows[i]);
		}
		rank_sort(&r);
		qsort(sorted, ROWS, sizeof(*sorted), compare);
		assert_int_equal(r.n, limit < ROWS ? limit : ROWS);
		for (size_t i = 0; i < r.n; i++)
			assert_int_equal(*(const int *)r.rows[i], sorted[i]);
	}
}

static void nothing_is_fine(void **state)
{
	struct rank r;

	(void)state;
	rank_init(&r, compare, NULL, 0);
	rank_add(&r, &(int){ 1 });
	rank_sort(&r);
	assert_int_equal(r.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_sorting),
		cmocka_unit_test(nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
