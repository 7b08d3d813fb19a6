/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of names: what is read, what is refused with line and reason, and how it is replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/hellonames.h"

#define QUIC "q13d0312h3_55b375c5d22e_06cda9e17597"

static char dir[] = "/tmp/seine-names-XXXXXX", below[64], file[96];

static int make_place(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/seine-names-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(below, sizeof(below), "%s/lib", dir);
	snprintf(file, sizeof(file), "%s/hello.names", below);
	return 0;
}

static int drop_place(void **state)
{
	(void)state;
	unlink(file);
	rmdir(below);
	return rmdir(dir);
}

static int parse(const char *text, char *why, size_t size, struct hello_name **ret, size_t *ret_n)
{
	_cleanup_(fclosep) FILE *f = fmemopen((char *)text, strlen(text), "r");

	assert_non_null(f);
	return hellonames_parse(f, "names", why, size, ret, ret_n);
}

static void reads_keys_and_ja4s(void **state)
{
	_cleanup_(freep) struct hello_name *names = NULL;
	char why[256];
	size_t n = 0;

	(void)state;
	assert_int_equal(parse("# ours\n\n8f3a5d0c11e0b7a2  python sdk \n" QUIC "\tour app\n", why,
			       sizeof(why), &names, &n),
			 0);
	assert_int_equal(n, 2);
	assert_true(names[0].key == 0x8f3a5d0c11e0b7a2);
	assert_string_equal(names[0].name, "python sdk");
	assert_string_equal(names[0].ja4, "");
	assert_int_equal(names[1].key, 0);
	assert_string_equal(names[1].ja4, QUIC);
	assert_string_equal(names[1].name, "our app");
}

static void names_line_and_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "# x\n8f3a x\n", "names:2: 8f3a: neither a key" },
		{ "0000000000000000 x\n", "names:1: 0000000000000000: neither" },
		{ "8f3a5d0c11e0b7a2\n", "names:1: a name has 1 to 47 bytes" },
		{ "8f3a5d0c11e0b7a2 a\n8F3A5D0C11E0B7A2 b\n", "names:2: 8F3A5D0C11E0B7A2: has a" },
		{ QUIC " a\n" QUIC " b\n", "has a name already" },
		{ "q13d0312h3_55b375c5d22e_06cda9e1759 x\n", "neither a key" },
		{ "q13d0312h3-55b375c5d22e-06cda9e17597 x\n", "neither a key" },
		{ "8f3a5d0c11e0b7a2 a\001b\n", "names:1: holds a control character" },
		{ "8f3a5d0c11e0b7a2 0123456789012345678901234567890123456789012345678\n",
		  "1 to 47" },
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hello_name *names = NULL;
		size_t n = 0;

		assert_int_equal(parse(rows[i].text, why, sizeof(why), &names, &n), -EINVAL);
		if (!strstr(why, rows[i].why))
			fail_msg("\"%s\" does not say \"%s\"", why, rows[i].why);
		assert_null(names);
	}
}

static void names_outlive_the_agent(void **state)
{
	_cleanup_(freep) struct hello_name *names = NULL;
	struct dictionary *d, *later;
	const struct hello_word *w = NULL;
	char why[256];
	size_t n = 0;

	(void)state;
	assert_int_equal(dictionary_new(1, &d), 0);
	assert_int_equal(dictionary_new(2, &later), 0);
	assert_int_equal(dictionary_name(d, 0xabc, NULL, "python sdk"), 0);
	assert_int_equal(dictionary_name(d, 0, QUIC, "our app"), 0);
	if (hellonames_write(file, d, why, sizeof(why)) < 0)
		fail_msg("%s", why);

	assert_int_equal(hellonames_read(file, why, sizeof(why), &names, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(dictionary_name(later, 1, NULL, "no longer in the file"), 0);
	assert_int_equal(hellonames_apply(later, names, n), 0);
	assert_string_equal(dictionary_find(later, 0xabc)->name, "python sdk");
	assert_int_equal(dictionary_find_ja4(later, QUIC, &w), 1);
	assert_string_equal(w->name, "our app");
	assert_null(dictionary_find(later, 1));
	dictionary_free(d);
	dictionary_free(later);
}

/* Nothing of the old file is lost when the new one cannot be written. */
static void a_failed_write_leaves_the_old_file(void **state)
{
	_cleanup_(freep) struct hello_name *names = NULL;
	struct dictionary *d;
	char why[256], in_the_way[112];
	size_t n = 0;

	(void)state;
	assert_int_equal(dictionary_new(1, &d), 0);
	assert_int_equal(dictionary_name(d, 7, NULL, "old"), 0);
	assert_int_equal(hellonames_write(file, d, why, sizeof(why)), 0);
	snprintf(in_the_way, sizeof(in_the_way), "%s.new", file);
	assert_int_equal(mkdir(in_the_way, 0700), 0);
	assert_int_equal(dictionary_name(d, 7, NULL, "new"), 0);
	assert_int_equal(hellonames_write(file, d, why, sizeof(why)), -EISDIR);
	assert_non_null(strstr(why, file));
	assert_int_equal(rmdir(in_the_way), 0);
	assert_int_equal(hellonames_read(file, why, sizeof(why), &names, &n), 0);
	assert_string_equal(names[0].name, "old");
	dictionary_free(d);
}

static void no_file_no_names(void **state)
{
	struct hello_name *names = NULL;
	char why[256];
	size_t n = 1;

	(void)state;
	assert_int_equal(hellonames_read(file, why, sizeof(why), &names, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(hellonames_read("/", why, sizeof(why), &names, &n), -EISDIR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_keys_and_ja4s),     TEST(names_line_and_reason),
		TEST(names_outlive_the_agent), TEST(a_failed_write_leaves_the_old_file),
		TEST(no_file_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
