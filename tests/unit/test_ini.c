/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of configuration files: what it hands over, letter by letter, and where it stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/ini.h"
#include "user/base/line.h"

/* Notes "section|key|value;" of each pair; refuses the key "bad". */
static int note(const char *section, const char *key, const char *value, void *arg, char *why,
		size_t size)
{
	char *notes = arg;
	size_t n = strlen(notes);

	if (!strcmp(key, "bad")) {
		snprintf(why, size, "bad is bad");
		return -ERANGE;
	}
	snprintf(notes + n, 512 - n, "%s|%s|%s;", section, key, value);
	return 0;
}

static int read_text(const char *text, size_t len, char notes[512], char *why, size_t size)
{
	_cleanup_(fclosep) FILE *f = fmemopen((void *)text, len, "r");

	assert_non_null(f);
	notes[0] = '\0';
	return ini_read(f, "x.conf", note, notes, why, size);
}

static void hands_over_what_stands_there(void **state)
{
	static const struct {
		const char *text, *notes;
	} rows[] = {
		{ "[a]\nk = v\n", "a|k|v;" },
		{ "[a]\nk=v", "a|k|v;" },
		{ "\n  \n# c\n ; c = d\n[ a ]\r\n\tk\t=\tv\t\r\n", "a|k|v;" },
		{ "[a]\nk = v # no comment ; here\n", "a|k|v # no comment ; here;" },
		{ "[a]\nk = \"v\" \\\n[b]\nk = x = y\n", "a|k|\"v\" \\;b|k|x = y;" },
		{ "[a]\nk = 1\nk = 2\n", "a|k|1;a|k|2;" },
		{ "", "" },
	};
	char notes[512], why[128] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
			read_text(rows[i].text, strlen(rows[i].text), notes, why, sizeof(why)), 0);
		assert_string_equal(notes, rows[i].notes);
	}
}

static void stops_where_it_is_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "[a]\nk\n", "x.conf:2: neither [section] nor key = value" },
		{ "[a]\nk = v\n v2\n", "x.conf:3: neither [section] nor key = value" },
		{ "[a]\nk = \n", "x.conf:2: k: the value is missing" },
		{ "[a]\n = v\n", "x.conf:2: a key is missing before =" },
		{ "k = v\n", "x.conf:1: k: stands before the first [section]" },
		{ "[a\nk = v\n", "x.conf:1: a section ends with ]" },
		{ "[a] # c\n", "x.conf:1: a section ends with ]" },
		{ "[]\n", "x.conf:1: no section can have this name" },
		{ "[a][b]\n", "x.conf:1: no section can have this name" },
		{ "[a]\nk = \x1b[2J\n", "x.conf:2: holds a control character (byte 5)" },
		{ "[a]\nk = a\rb\n", "x.conf:2: holds a control character (byte 6)" },
	};
	char notes[512], why[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_text(rows[i].text, strlen(rows[i].text), notes, why,
					   sizeof(why)),
				 -EINVAL);
		assert_string_equal(why, rows[i].why);
	}
	assert_int_equal(read_text("[a]\nk = v\0w\n", 12, notes, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "x.conf:2: holds a control character (byte 6)");
	assert_int_equal(read_text("[a]\nk = v\nbad = 1\nk = w\n", 24, notes, why, sizeof(why)),
			 -ERANGE);
	assert_string_equal(why, "x.conf:3: bad is bad");
	assert_string_equal(notes, "a|k|v;");
}

static void bounds_lines(void **state)
{
	static char text[LINE_BYTES + 8];
	char notes[512], why[128] = "";

	(void)state;
	memset(text, '#', sizeof(text));
	text[LINE_BYTES] = '\n';
	assert_int_equal(read_text(text, LINE_BYTES + 1, notes, why, sizeof(why)), 0);
	text[LINE_BYTES] = '#';
	assert_int_equal(read_text(text, LINE_BYTES + 1, notes, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "x.conf:1: longer than 4096 bytes");
}

static void names_a_file_that_cannot_be_read(void **state)
{
	_cleanup_(fclosep) FILE *f = fopen("/", "re");
	char notes[512] = "", why[128];

	(void)state;
	assert_non_null(f);
	assert_int_equal(ini_read(f, "dir", note, notes, why, sizeof(why)), -EISDIR);
	assert_string_equal(why, "dir: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_over_what_stands_there),
		cmocka_unit_test(stops_where_it_is_wrong),
		cmocka_unit_test(bounds_lines),
		cmocka_unit_test(names_a_file_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
