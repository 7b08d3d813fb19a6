/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Radix sort and search by prefix against the obvious way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/sight/observation.h"
#include "user/sight/order.h"

#define N 5000

static uint64_t random_state = 1;

static uint64_t draw(void)
{
	return seine_mix64(random_state++);
}

static int compare(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->hi != y->hi)
		return x->hi < y->hi ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Keys that differ in few or many bytes, with equal ones; ties keep their order. */
static void test_sort(void **state)
{
	const uint64_t masks[][2] = {
		{ 0, 0 }, { 0, 0xff }, { 0, 0xffff00 }, { 0xff00000000000000, 1 }, { ~0ull, ~0ull },
	};
	struct ordered list[N], expected[N];

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
		for (uint32_t i = 0; i < N; i++)
			list[i] = (struct ordered){ draw() & masks[m][0], draw() & masks[m][1], i };
		memcpy(expected, list, sizeof(list));
		qsort(expected, N, sizeof(*expected), compare);
		assert_int_equal(order_sort(list, N), 0);
		for (size_t i = 0; i < N; i++)
			assert_int_equal(compare(&list[i], &expected[i]), 0);
	}
	assert_int_equal(order_sort(NULL, 0), 0);
}

static void test_within(void **state)
{
	_cleanup_(freep) struct features *f = calloc(N, sizeof(*f));
	_cleanup_(freep) struct ordered *list = NULL;
	size_t first, end, inside;
	struct prefix p, address;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		f[i].source[10] = f[i].source[11] = i % 2 ? 0xff : 0;
		f[i].source[i % 2 ? 14 : 0] = (uint8_t)(draw() & 3);
		f[i].source[i % 2 ? 15 : 7] = (uint8_t)draw();
	}
	assert_int_equal(order_by_address(f, N, &list), 0);
	for (unsigned int i = 0; i < 2000; i++) {
		p = prefix_of(f[draw() % N].source, (unsigned int)(draw() % 129));
		inside = 0;
		for (size_t j = 0; j < N; j++) {
			address = prefix_of(f[j].source, 128);
			inside += prefix_covers(&p, &address);
		}
		order_within(list, N, &p, &first, &end);
		assert_int_equal(end - first, inside);
		address = prefix_of(f[list[first].at].source, 128);
		assert_true(prefix_covers(&p, &address));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
