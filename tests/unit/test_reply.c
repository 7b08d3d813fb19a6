/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer taken in pieces of any size is the same line of JSON.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/control/reply.h"

struct rows {
	size_t made; /* so far: they are not made before they are needed */
};

static json_t *row(void *arg, size_t i)
{
	struct rows *rows = arg;

	assert_int_equal(i, rows->made++);
	return json_pack("{s:I}", "i", (json_int_t)i);
}

static struct answer answer_of(const char *member, size_t n)
{
	return (struct answer){
		.head = answer_new("test"),
		.member = member,
		.n = n,
		.row = row,
		.rows = calloc(1, sizeof(struct rows)),
	};
}

/* The whole text, taken `step` bytes at a time; NUL-terminated. */
static char *take_all(struct reply *r, size_t step)
{
	char *all = NULL;
	size_t size;
	FILE *to = open_memstream(&all, &size);

	for (;;) {
		const char *bytes;
		size_t len;

		assert_int_equal(reply_peek(r, &bytes, &len), 0);
		if (!len)
			break;
		if (len > step)
			len = step;
		fwrite(bytes, 1, len, to);
		reply_take(r, len);
	}
	fclose(to);
	return all;
}

static char *line_of(const char *member, size_t n, size_t step)
{
	_cleanup_(reply_clear) struct reply r = { 0 };
	struct answer answer = answer_of(member, n);

	assert_int_equal(reply_begin(&r, &answer), 0);
	assert_null(answer.head);
	return take_all(&r, step);
}

#define HEAD "{\"seine\":{\"schema\":1,\"kind\":\"test\"}"

static void short_answers(void **state)
{
	_cleanup_(freep) char *none = line_of(NULL, 0, SIZE_MAX), *empty = line_of("rows", 0, 1),
			      *two = line_of("rows", 2, SIZE_MAX);

	(void)state;
	assert_string_equal(none, HEAD "}\n");
	assert_string_equal(empty, HEAD ",\"rows\":[]}\n");
	assert_string_equal(two, HEAD ",\"rows\":[{\"i\":0},{\"i\":1}]}\n");
}

static void pieces_make_the_same_line(void **state)
{
	_cleanup_(freep) char *whole = line_of("rows", 20000, SIZE_MAX);
	static const size_t steps[] = { 7, 4096, REPLY_PIECE - 1, REPLY_PIECE, REPLY_PIECE + 1 };

	(void)state;
	assert_true(strlen(whole) > 3 * REPLY_PIECE);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		_cleanup_(freep) char *pieces = line_of("rows", 20000, steps[i]);

		assert_string_equal(pieces, whole);
	}
}

static void rows_are_made_when_they_are_needed(void **state)
{
	_cleanup_(reply_clear) struct reply r = { 0 };
	struct answer answer = answer_of("rows", 1000000);
	const struct rows *rows = answer.rows;
	const char *bytes;
	size_t len;

	(void)state;
	assert_int_equal(reply_begin(&r, &answer), 0);
	assert_int_equal(rows->made, 0);
	assert_int_equal(reply_peek(&r, &bytes, &len), 0);
	assert_in_range(len, REPLY_PIECE, REPLY_PIECE + 64);
	assert_in_range(rows->made, 1, REPLY_PIECE);
}

static void no_head_is_an_error(void **state)
{
	_cleanup_(reply_clear) struct reply r = { 0 };
	struct answer answer = { 0 };

	(void)state;
	assert_int_equal(reply_begin(&r, &answer), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_answers),
		cmocka_unit_test(pieces_make_the_same_line),
		cmocka_unit_test(rows_are_made_when_they_are_needed),
		cmocka_unit_test(no_head_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
