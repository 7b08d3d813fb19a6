// SPDX-License-Identifier: GPL-2.0-or-later
/* Which rows the agent gives up: idle ones, and under pressure the oldest. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "user/idle.h"

#define NOW 100000

/* Rows that were last seen 0, step, 2 * step... seconds ago, in no order. */
static struct idle_table table_of(uint32_t n, uint32_t step)
{
	struct idle_table t = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		uint32_t age = i * 7919 % n * step;
		struct seine_addr key = { 0 };

		memcpy(key.ip, &age, sizeof(age));
		assert_int_equal(idle_add(&t, &key, NOW - age), 0);
	}
	return t;
}

static void idle_rows_go(void **state)
{
	struct idle_table t = table_of(100, 10);
	bool pressed;
	size_t n;

	(void)state;
	n = idle_pick(&t, 1000, NOW, 500, &pressed);
	assert_false(pressed);
	assert_int_equal(n, 49); /* 510 s to 990 s */
	for (size_t i = 0; i < t.n; i++)
		assert_int_equal(t.rows[i].last_sec < NOW - 500, i < n);
	idle_free(&t);
}

static void keys_stay_with_their_rows(void **state)
{
	struct idle_table t = table_of(100, 10);
	bool pressed;

	(void)state;
	idle_pick(&t, 1000, NOW, 500, &pressed);
	for (size_t i = 0; i < t.n; i++) {
		uint32_t age;

		memcpy(&age, t.rows[i].key.ip, sizeof(age));
		assert_int_equal(t.rows[i].last_sec, NOW - age);
	}
	idle_free(&t);
}

static void nearly_full_table_loses_the_oldest(void **state)
{
	struct idle_table t = table_of(90, 1);
	bool pressed;
	size_t n;

	(void)state;
	n = idle_pick(&t, 100, NOW, 3600, &pressed);
	assert_true(pressed);
	assert_int_equal(n, 20); /* 70 are left */
	for (size_t i = 0; i < n; i++)
		assert_true(t.rows[i].last_sec <= NOW - 70);
	idle_free(&t);
}

static void idle_rows_alone_may_relieve_it(void **state)
{
	struct idle_table t = table_of(90, 10);
	bool pressed;

	(void)state;
	assert_int_equal(idle_pick(&t, 100, NOW, 200, &pressed), 69);
	assert_false(pressed);
	idle_free(&t);
}

static void empty_table(void **state)
{
	struct idle_table t = { 0 };
	bool pressed;

	(void)state;
	assert_int_equal(idle_pick(&t, 100, NOW, 200, &pressed), 0);
	assert_false(pressed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_rows_go),
		cmocka_unit_test(keys_stay_with_their_rows),
		cmocka_unit_test(nearly_full_table_loses_the_oldest),
		cmocka_unit_test(idle_rows_alone_may_relieve_it),
		cmocka_unit_test(empty_table),
	};

	return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
