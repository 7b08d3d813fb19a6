/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often a user may ask: a burst, then so many a second, and nobody for another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "user/control/rates.h"

#define SEC 1000000ULL
#define START (1000 * SEC)

static unsigned int taken(struct rates *r, uid_t uid, bool trusted, enum rate what, uint64_t now_us)
{
	unsigned int n = 0;

	while (n < 100000 && !rates_take(r, uid, trusted, what, now_us))
		n++;
	return n;
}

static void a_burst_and_then_so_many_a_second(void **state)
{
	static const struct {
		bool trusted;
		enum rate what;
		unsigned int burst, per_sec;
	} cases[] = {
		{ true, RATE_REQUEST, 1000, 200 }, { true, RATE_CHANGE, 500, 50 },
		{ true, RATE_FILE, 100, 10 },	   { false, RATE_REQUEST, 200, 50 },
		{ false, RATE_CHANGE, 100, 10 },   { false, RATE_FILE, 10, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rates r = { 0 };

		assert_int_equal(taken(&r, 7, cases[i].trusted, cases[i].what, START),
				 cases[i].burst);
		assert_int_equal(taken(&r, 7, cases[i].trusted, cases[i].what, START + 3 * SEC),
				 3 * cases[i].per_sec);
		assert_int_equal(taken(&r, 7, cases[i].trusted, cases[i].what, START + 9999 * SEC),
				 cases[i].burst);
	}
}

static void the_wait_that_is_told_is_right(void **state)
{
	struct rates r = { 0 };
	uint64_t wait;

	(void)state;
	taken(&r, 7, false, RATE_CHANGE, START);
	wait = rates_take(&r, 7, false, RATE_CHANGE, START);
	assert_int_equal(wait, SEC / 10);
	assert_int_not_equal(rates_take(&r, 7, false, RATE_CHANGE, START + wait - 1), 0);
	assert_int_equal(rates_take(&r, 7, false, RATE_CHANGE, START + wait), 0);
}

static void users_do_not_pay_for_each_other(void **state)
{
	struct rates r = { 0 };

	(void)state;
	assert_int_equal(taken(&r, 7, false, RATE_CHANGE, START), 100);
	assert_int_equal(taken(&r, 8, false, RATE_CHANGE, START), 100);
	assert_int_equal(taken(&r, 0, true, RATE_CHANGE, START), 500);
	assert_int_equal(taken(&r, 7, false, RATE_REQUEST, START), 200);
}

/* Many users take the places of those who ask for little. */
static void who_asks_most_is_remembered(void **state)
{
	struct rates r = { 0 };

	(void)state;
	taken(&r, 7, false, RATE_CHANGE, START);
	for (uid_t uid = 1000; uid < 2000; uid++)
		assert_int_equal(rates_take(&r, uid, false, RATE_REQUEST, START), 0);
	assert_int_not_equal(rates_take(&r, 7, false, RATE_CHANGE, START), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_then_so_many_a_second),
		cmocka_unit_test(the_wait_that_is_told_is_right),
		cmocka_unit_test(users_do_not_pay_for_each_other),
		cmocka_unit_test(who_asks_most_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
