/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines that wait for a slow client: in order, bounded, and what is lost is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "user/control/backlog.h"

static struct backlog b;
static char line[1000]; /* and a newline: some 261 of them fill it */

static int setup(void **state)
{
	(void)state;
	memset(line, 'x', sizeof(line));
	return backlog_new(&b);
}

static int teardown(void **state)
{
	(void)state;
	backlog_clear(&b);
	return 0;
}

static size_t due(void)
{
	const char *bytes;
	size_t len;

	backlog_peek(&b, &bytes, &len);
	return len;
}

static void expect(const char *text)
{
	const char *bytes;
	size_t len;

	backlog_peek(&b, &bytes, &len);
	assert_true(len >= strlen(text));
	assert_memory_equal(bytes, text, strlen(text));
	backlog_take(&b, strlen(text));
}

static void lines_come_out_in_order(void **state)
{
	(void)state;
	assert_int_equal(due(), 0);
	backlog_put(&b, "one", 3);
	backlog_put(&b, "two", 3);
	expect("one\nt");
	backlog_put(&b, "three", 5);
	expect("wo\nthree\n");
	assert_int_equal(due(), 0);
}

static void fill(size_t lines)
{
	for (size_t i = 0; i < lines; i++)
		backlog_put(&b, line, sizeof(line));
}

static void what_finds_no_room_is_told(void **state)
{
	size_t fits = BACKLOG_BYTES / (sizeof(line) + 1);

	(void)state;
	fill(fits + 17);
	assert_int_equal(due(), fits * (sizeof(line) + 1));
	assert_int_equal(b.lost, 17);
	backlog_take(&b, 2 * (sizeof(line) + 1));
	backlog_put(&b, "{}", 2);
	assert_int_equal(b.lost, 0);
	backlog_take(&b, (fits - 2) * (sizeof(line) + 1));
	expect("{\"seine\":{\"schema\":1,\"kind\":\"lost\"},\"lines\":17}\n{}\n");
	assert_int_equal(due(), 0);
}

/* Nothing more may ever come: then the end of the backlog is the time to tell. */
static void losses_are_told_when_it_is_empty(void **state)
{
	(void)state;
	fill(BACKLOG_BYTES / (sizeof(line) + 1) + 1);
	backlog_take(&b, due());
	expect("{\"seine\":{\"schema\":1,\"kind\":\"lost\"},\"lines\":1}\n");
	assert_int_equal(due(), 0);
}

static void a_line_that_never_fits_is_lost(void **state)
{
	static char huge[BACKLOG_BYTES];

	(void)state;
	backlog_put(&b, huge, sizeof(huge));
	assert_int_equal(due(), 0);
	assert_int_equal(b.lost, 1);
	backlog_put(&b, "x", 1);
	expect("{\"seine\":{\"schema\":1,\"kind\":\"lost\"},\"lines\":1}\nx\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_come_out_in_order),
		TEST(what_finds_no_room_is_told),
		TEST(losses_are_told_when_it_is_empty),
		TEST(a_line_that_never_fits_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
