/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash table against a naive list, under random additions, removals and look-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/base/table.h"

#define KEYS 3000 /* of which about half are in the table at any time */
#define STEPS 400000

static void make_key(uint32_t i, uint8_t key[16])
{
	memset(key, 0, 16);
	memcpy(key, &i, sizeof(i));
}

static void agrees_with_a_list(void **state)
{
	_cleanup_(table_freep) struct table *t = NULL;
	static uint32_t list[KEYS]; /* 0: absent */
	uint64_t random = 1;
	size_t n = 0;

	(void)state;
	memset(list, 0, sizeof(list));
	assert_int_equal(table_new(7, 0, &t), 0);
	for (uint32_t step = 1; step <= STEPS; step++) {
		uint32_t i, value = 0;
		uint8_t key[16];

		random = seine_mix64(random + step);
		i = random % KEYS;
		make_key(i, key);
		switch (random >> 32 & 3) {
		case 0:
			n += !list[i];
			list[i] = step;
			assert_int_equal(table_put(t, key, step), 0);
			break;
		case 1:
			assert_int_equal(table_remove(t, key), list[i] ? 0 : -ENOENT);
			n -= !!list[i];
			list[i] = 0;
			break;
		default:
			assert_int_equal(table_get(t, key, &value), list[i] ? 0 : -ENOENT);
			assert_int_equal(value, list[i]);
		}
		assert_int_equal(table_count(t), n);
	}
}

/* One with room from the start, one that begins small. */
static void grows_without_losing_rows(void **state)
{
	_cleanup_(table_freep) struct table *a = NULL, *b = NULL;
	uint32_t value;
	uint8_t key[16];

	(void)state;
	assert_int_equal(table_new(1, 100000, &a), 0);
	assert_int_equal(table_new(2, 0, &b), 0);
	for (uint32_t i = 0; i < 100000; i++) {
		make_key(i, key);
		assert_int_equal(table_put(a, key, i), 0);
		assert_int_equal(table_put(b, key, ~i), 0);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		make_key(i, key);
		assert_int_equal(table_get(a, key, &value), 0);
		assert_int_equal(value, i);
		assert_int_equal(table_get(b, key, &value), 0);
		assert_int_equal(value, ~i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_list),
		cmocka_unit_test(grows_without_losing_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
