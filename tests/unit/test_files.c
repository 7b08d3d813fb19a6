/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a directory: which belong, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/base/files.h"

static const char *const names[] = { "9.conf",	"10.conf", "B.conf", "a.conf", ".conf",
				     ".x.conf", "a.conf~", "conf",   "x.list" };

static void path_of(const char *dir, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", dir, name);
}

static void lists_by_suffix_in_order_of_bytes(void **state)
{
	static const char *const expected[] = { "10.conf", "9.conf", "B.conf", "a.conf" };
	char dir[] = "/tmp/seine-files-XXXXXX", path[128];
	char **found = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(files_list(dir, ".conf", &found), 0);
	assert_null(found[0]);
	files_freep(&found);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		FILE *f;

		path_of(dir, names[i], path);
		f = fopen(path, "w");
		assert_non_null(f);
		fclose(f);
	}
	assert_int_equal(files_list(dir, ".conf", &found), 0);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		path_of(dir, expected[i], path);
		assert_non_null(found[i]);
		assert_string_equal(found[i], path);
	}
	assert_null(found[ARRAY_LEN(expected)]);
	files_freep(&found);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		path_of(dir, names[i], path);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(files_list(dir, ".conf", &found), -ENOENT);
	assert_null(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_by_suffix_in_order_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
