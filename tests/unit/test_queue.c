/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows that wait: the order they are written in, failures, and the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "user/store/queue.h"

static void put(struct queue *q, unsigned int kind, uint32_t start, const char *key)
{
	const struct queued row = {
		.kind = kind,
		.start = start,
		.key = (const uint8_t *)key,
		.data = (const uint8_t *)"data",
		.key_size = strlen(key),
		.data_size = 4,
	};

	assert_int_equal(queue_put(q, &row), 0);
}

static void expect(struct queue *q, unsigned int kind, uint32_t start, const char *key)
{
	struct queued row;

	assert_int_equal(queue_take(q, &row), 1);
	assert_int_equal(row.kind, kind);
	assert_int_equal(row.start, start);
	assert_int_equal(row.key_size, strlen(key));
	assert_memory_equal(row.key, key, row.key_size);
	assert_memory_equal(row.data, "data", row.data_size);
}

/* Runs in the order they came, their rows as SQLite orders blobs. */
static void runs_are_sorted(void **state)
{
	static const char *const sorted[] = { "aaaa", "aaaaaaaa", "aaaaaaab", "aaab", "b" };
	struct queue q = { 0 };
	struct queued row;

	(void)state;
	put(&q, 1, 7, "aaab");
	put(&q, 0, 9, "z");
	put(&q, 1, 7, "b");
	put(&q, 1, 7, "aaaaaaab");
	put(&q, 1, 7, "aaaa");
	put(&q, 1, 7, "aaaaaaaa");
	assert_int_equal(q.rows, 6);
	for (int i = 0; i < 5; i++)
		expect(&q, 1, 7, sorted[i]);
	expect(&q, 0, 9, "z");
	assert_int_equal(queue_take(&q, &row), 0);
	queue_settle(&q);
	assert_int_equal(q.rows, 0);
	assert_int_equal(q.bytes, 0);
	queue_clear(&q);
}

static void what_failed_is_taken_again(void **state)
{
	struct queue q = { 0 };

	(void)state;
	put(&q, 1, 7, "b");
	put(&q, 1, 7, "c");
	put(&q, 1, 7, "d");
	expect(&q, 1, 7, "b");
	queue_settle(&q);
	expect(&q, 1, 7, "c");
	put(&q, 1, 7, "a"); /* not into a run that is at work */
	queue_return(&q);
	assert_int_equal(q.rows, 3);
	expect(&q, 1, 7, "c");
	expect(&q, 1, 7, "d");
	expect(&q, 1, 7, "a");
	queue_settle(&q);
	assert_int_equal(q.rows, 0);
	queue_clear(&q);
}

static void the_oldest_are_given_up(void **state)
{
	struct queue q = { 0 };

	(void)state;
	for (uint32_t i = 0; i < QUEUE_RUNS + 3; i++) {
		put(&q, 0, i, "a");
		put(&q, 0, i, "b");
	}
	assert_int_equal(q.lost, 6);
	assert_int_equal(q.rows, 2 * QUEUE_RUNS);
	expect(&q, 0, 3, "a");
	queue_clear(&q);
	assert_int_equal(q.rows, 0);
	assert_int_equal(q.bytes, 0);
}

/* By bytes, too; what is being given now stays. */
static void it_does_not_grow_for_ever(void **state)
{
	struct queue q = { 0 };
	uint32_t i;

	(void)state;
	for (i = 0; q.lost == 0; i++) {
		assert_in_range(q.bytes, 0, QUEUE_BYTES);
		put(&q, 0, i >> 20, "0123456789abcdef");
	}
	assert_in_range(q.bytes, QUEUE_BYTES / 4, QUEUE_BYTES);
	assert_int_equal(q.rows + q.lost, i);
	queue_clear(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_sorted),
		cmocka_unit_test(what_failed_is_taken_again),
		cmocka_unit_test(the_oldest_are_given_up),
		cmocka_unit_test(it_does_not_grow_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
