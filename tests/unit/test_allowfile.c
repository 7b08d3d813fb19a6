/* SPDX-License-Identifier: GPL-2.0-or-later */
/* List files: prefixes, notes, and refusals that name the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "user/base/allowfile.h"
#include "user/base/cleanup.h"

static int read_text(const char *text, char *why, size_t size, struct listed **ret, size_t *ret_n)
{
	_cleanup_(fclosep) FILE *f = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(f);
	return allowfile_read(f, "office.list", why, size, ret, ret_n);
}

static void reads_prefixes_and_notes(void **state)
{
	_cleanup_(freep) struct listed *rows = NULL;
	char why[256], text[PREFIX_TEXT];
	size_t n;

	(void)state;
	assert_int_equal(read_text("# our own\n\n 198.51.100.7 # office, ticket 12\n"
				   "2001:db8::/32\n203.0.113.0/24#a note that is far too long for "
				   "an entry to hold it all\n",
				   why, sizeof(why), &rows, &n),
			 0);
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].note, "office, ticket 12");
	assert_string_equal(prefix_format(&rows[1].prefix, text), "2001:db8::/32");
	assert_string_equal(rows[1].note, "");
	assert_int_equal(strlen(rows[2].note), SEINE_NOTE - 1);
}

static void takes_all_or_nothing(void **state)
{
	struct listed *rows = NULL;
	char why[256];
	size_t n = 7;

	(void)state;
	assert_true(read_text("198.51.100.7\n198.51.100.7/24\n10.0.0.1\n", why, sizeof(why), &rows,
			      &n) < 0);
	assert_memory_equal(why, "office.list:2: ", 15);
	assert_non_null(strstr(why, "did you mean 198.51.100.0/24?"));
	assert_null(rows);
	assert_int_equal(n, 7);
}

static void refuses_what_would_allow_everybody(void **state)
{
	static const char *const wide[] = { "0.0.0.0/0", "::/0", "10.0.0.0/7", "::/64" };
	struct listed *rows = NULL;
	char why[256];
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
		assert_true(read_text(wide[i], why, sizeof(why), &rows, &n) < 0);
		assert_memory_equal(why, "office.list:1: ", 15);
		assert_non_null(strstr(why, "too wide"));
	}
}

static void cuts_notes_between_characters(void **state)
{
	_cleanup_(freep) struct listed *rows = NULL;
	char why[256];
	size_t n;

	(void)state;
	/* The 39th byte is the first of two. */
	assert_int_equal(read_text("::1 # 01234567890123456789012345678901234567\xc3\xa9\n", why,
				   sizeof(why), &rows, &n),
			 0);
	assert_string_equal(rows[0].note, "01234567890123456789012345678901234567");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_prefixes_and_notes),
		cmocka_unit_test(takes_all_or_nothing),
		cmocka_unit_test(refuses_what_would_allow_everybody),
		cmocka_unit_test(cuts_notes_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
