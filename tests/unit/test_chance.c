/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tail probabilities and bounds against values computed exactly, with rational arithmetic or to 30
 * digits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/shoal/chance.h"

static void assert_near(double value, double expected)
{
	if (fabs(value - expected) > 1e-9 * fabs(expected))
		fail_msg("%.17g, expected %.17g", value, expected);
}

static void test_binomial(void **state)
{
	(void)state;
	assert_near(chance_binomial(3, 10, 0.1), 0.0701908264);
	assert_near(chance_binomial(1, 5, 0.5), 0.96875);
	assert_near(chance_binomial(90, 100, 0.03), 1.1179260592876317e-124);
	assert_true(chance_binomial(464, 470, 0.012) == CHANCE_MIN);
}

static void test_hypergeometric(void **state)
{
	(void)state;
	assert_near(chance_hypergeometric(3, 5, 10, 50), 0.0482603031962091);
	assert_near(chance_hypergeometric(84, 84, 480, 800), 9.3736460357137e-21);
	assert_near(chance_hypergeometric(40, 100, 1000, 100000), 3.572242277947641e-53);
}

static void test_normal_and_chi_square(void **state)
{
	(void)state;
	assert_near(chance_normal(0), 0.5);
	assert_near(chance_normal(1.96), 0.024997895148220435);
	assert_near(chance_normal(10), 7.619853024160527e-24);
	assert_near(chance_chi_square(3.841458820694124, 1), 0.05);
	assert_near(chance_chi_square(200, 2), 3.720075976020836e-44);
	assert_near(chance_chi_square(20, 4), 0.0004993992273873325);
	/* Beyond 1e5 to a thousandth only: what lies 0, 3 and 6 standard deviations out. */
	assert_true(fabs(chance_chi_square(1e6, 1e6) / 0.49981193736 - 1) < 1e-3);
	assert_true(fabs(chance_chi_square(1e6 + 3 * sqrt(2e6), 1e6) / 1.36666e-3 - 1) < 1e-3);
}

static void test_student(void **state)
{
	(void)state;
	assert_near(chance_student(1, 1), 0.25);
	assert_near(chance_student(0, 7), 0.5);
	assert_near(chance_student(2, 2), 0.5 - 1 / sqrt(6));
	assert_near(chance_student(-1, 1), 0.75);
	assert_true(fabs(chance_student(3, 1e6) / 0.00134989803 - 1) < 1e-4);
	assert_true(chance_student(NAN, 3) == 1);
	assert_true(chance_student(3, 0) == 1);
	assert_true(chance_student(INFINITY, 3) == CHANCE_MIN);
	assert_true(chance_student(-INFINITY, 3) == 1);
}

/* Where a question makes no sense the answer proves nothing; where it is certain, all. */
static void test_edges(void **state)
{
	(void)state;
	assert_true(chance_binomial(0, 10, 0.1) == 1);
	assert_true(chance_binomial(5, 10, NAN) == 1);
	assert_true(chance_binomial(5, 10, 1) == 1);
	assert_true(chance_binomial(1, 10, 0) == CHANCE_MIN);
	assert_true(chance_normal(NAN) == 1);
	assert_true(chance_normal(INFINITY) == CHANCE_MIN);
	assert_true(chance_chi_square(NAN, 3) == 1);
	assert_true(chance_chi_square(3, 0) == 1);
	assert_true(chance_chi_square(3, INFINITY) == 1);
	assert_true(chance_chi_square(INFINITY, 3) == CHANCE_MIN);
	assert_true(chance_chi_square(1e6, 3) == CHANCE_MIN);
	assert_true(chance_hypergeometric(1, 60, 10, 50) == 1);
	assert_true(chance_hypergeometric(11, 20, 10, 50) == CHANCE_MIN);
}

/* Clopper-Pearson, two-sided 95 %: 8 of 8 and 9 of 10 stand in printed tables. */
static void test_shares(void **state)
{
	(void)state;
	assert_near(chance_share_low(8, 8, 0.025), 0.6305833524471807);
	assert_near(chance_share_low(9, 10, 0.025), 0.5549838829718046);
	assert_near(chance_share_low(84, 84, 0.025), 0.9570350803704349);
	assert_near(chance_share_low(80, 84, 0.025), 0.8825430286281704);
	assert_near(chance_share_high(0, 10, 0.025), 0.30849710781876083);
	assert_near(chance_share_high(0, 225, 1e-9), 0.08798916064409024);
	assert_true(chance_share_low(0, 10, 0.025) == 0);
	assert_true(chance_share_low(0, 0, 0.025) == 0);
	assert_true(chance_share_high(0, 0, 0.025) == 1);
	assert_true(chance_share_high(10, 10, 0.025) == 1);
}

static uint64_t draw(void)
{
	static uint64_t random = 1;

	return seine_mix64(random++);
}

static void assert_chance(double p)
{
	if (!(p >= 0 && p <= 1))
		fail_msg("%g is no chance", p);
}

/* GSL aborts where its series do not converge: no argument may lead there. */
static void test_any_argument(void **state)
{
	uint32_t n, k;
	double p;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		n = 1u << draw() % 21;
		n += (uint32_t)(draw() % n);
		k = (uint32_t)(draw() % (n + 2));
		p = pow(10, -(double)(draw() % 320) / 10);
		assert_chance(chance_binomial(k, n, draw() % 10 ? p : 2));
		assert_chance(chance_binomial(k, n, 1 - p));
		assert_chance(chance_chi_square(n * p, k / (1 + p)));
		assert_chance(chance_chi_square(n / p, n));
		assert_chance(chance_chi_square(n * (1 - p), n));
		assert_chance(chance_chi_square(n * (1 + p), n));
		if (i % 10)
			continue;
		assert_chance(chance_share_low(k, n, p));
		assert_chance(chance_share_high(k, n, p));
		assert_chance(chance_hypergeometric(k / 2, k, (uint32_t)(draw() % (n + 2)), n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binomial),
		cmocka_unit_test(test_hypergeometric),
		cmocka_unit_test(test_normal_and_chi_square),
		cmocka_unit_test(test_student),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_any_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
