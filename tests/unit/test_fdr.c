/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Step-up procedures and the combination of families, against values computed by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/shoal/fdr.h"
#include "user/shoal/pcomb.h"
#include "user/shoal/purity.h"

static void assert_values(const double *value, const double *expected, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fabs(value[i] - expected[i]) > 1e-12)
			fail_msg("%zu: %.15g, expected %.15g", i, value[i], expected[i]);
}

/* Ranks 1 to 4 are 0.005, 0.01, 0.03, 0.8: times 4 over rank 0.02, 0.02, 0.04, 0.8. */
static void test_bh(void **state)
{
	const double p[] = { 0.03, 0.005, 0.8, 0.01 }, q[] = { 0.04, 0.02, 0.8, 0.02 };
	double ret[4];

	(void)state;
	assert_int_equal(fdr_bh(p, 4, ret), 0);
	assert_values(ret, q, 4);
}

/* The same times 1 + 1/2 + 1/3 + 1/4 = 25/12. */
static void test_by(void **state)
{
	const double p[] = { 0.03, 0.005, 0.8, 0.01 };
	const double q[] = { 0.04 * 25 / 12, 0.02 * 25 / 12, 1, 0.02 * 25 / 12 };
	double ret[4];

	(void)state;
	assert_int_equal(fdr_by(p, 4, ret), 0);
	assert_values(ret, q, 4);
}

/* A worse test never gets a better q-value, equal ones get the same. */
static void test_monotone(void **state)
{
	const double p[] = { 0.04, 0.041, 0.042, 0.042 }, q[] = { 0.042, 0.042, 0.042, 0.042 };
	double ret[4];

	(void)state;
	assert_int_equal(fdr_bh(p, 4, ret), 0);
	assert_values(ret, q, 4);
	assert_int_equal(fdr_bh(NULL, 0, NULL), 0);
}

static void test_two_of_three(void **state)
{
	const double one[] = { 1e-300, 0.4, 0.9 }, two[] = { 1e-9, 0.9, 1e-3 },
		     none[] = { 1, 1, 1 };

	(void)state;
	assert_true(pcomb_two(one, 3) == 0.8);
	assert_true(pcomb_two(two, 3) == 2e-3);
	assert_true(pcomb_two(none, 3) == 1);
	assert_true(pcomb_two(one, 1) == 1);
	assert_true(pcomb_two_without(two, 3, 1) == 1e-3);
	assert_true(pcomb_two_without(two, 3, 2) == 0.9);
}

/* 84 of 84 sources: 0.957 by the sources; a tenth of the requests from elsewhere pulls it down. */
static void test_purity(void **state)
{
	(void)state;
	assert_true(fabs(purity_low(84, 84, 400, 400, 0.05) - 0.95703508) < 1e-6);
	assert_true(fabs(purity_low(80, 84, 400, 400, 0.05) - 0.88254303) < 1e-6);
	assert_true(purity_low(84, 84, 360, 400, 0.05) < 0.9);
	assert_true(purity_low(0, 0, 0, 0, 0.05) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bh),	 cmocka_unit_test(test_by),
		cmocka_unit_test(test_monotone), cmocka_unit_test(test_two_of_three),
		cmocka_unit_test(test_purity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
