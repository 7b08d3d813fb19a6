/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Short forms of numbers, at the borders between units.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/export/format.h"

struct row {
	uint64_t n;
	const char *text;
};

static void check(const char *(*format)(uint64_t, char *), const struct row *rows, size_t n)
{
	char buf[FORMAT_MAX];

	for (size_t i = 0; i < n; i++)
		assert_string_equal(format(rows[i].n, buf), rows[i].text);
}

static void counts(void **state)
{
	static const struct row rows[] = {
		{ 0, "0" },	      { 999, "999" },
		{ 1000, "1.0 k" },    { 12345, "12.3 k" },
		{ 123456, "123 k" },  { 999949, "1000 k" },
		{ 1000000, "1.0 M" }, { UINT64_MAX, "18447 P" },
	};

	(void)state;
	check(format_count, rows, ARRAY_LEN(rows));
}

static void exact(void **state)
{
	static const struct row rows[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 3112, "3,112" },
		{ 1234567, "1,234,567" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};

	(void)state;
	check(format_exact, rows, ARRAY_LEN(rows));
}

static void bytes(void **state)
{
	static const struct row rows[] = {
		{ 0, "0 B" },	     { 1023, "1023 B" },       { 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" }, { 104857600, "100 MiB" }, { 1ull << 40, "1.0 TiB" },
	};

	(void)state;
	check(format_bytes, rows, ARRAY_LEN(rows));
}

static void times(void **state)
{
	static const struct row rows[] = {
		{ 0, "0 s" },
		{ 59, "59 s" },
		{ 60, "1 m" },
		{ 61, "1 m 1 s" },
		{ 3599, "59 m 59 s" },
		{ 3600, "1 h" },
		{ 3659, "1 h" },
		{ 15120, "4 h 12 m" },
		{ 86400, "1 d" },
		{ 90000, "1 d 1 h" },
		{ 366 * 86400, "366 d" },
		{ UINT64_MAX, "213503982334601 d 7 h" },
	};

	(void)state;
	check(format_time, rows, ARRAY_LEN(rows));
}

static void ages(void **state)
{
	static const struct row rows[] = {
		{ 0, "0 s" },	 { 119, "119 s" },   { 120, "2 m" },	{ 7199, "119 m" },
		{ 7200, "2 h" }, { 172799, "47 h" }, { 172800, "2 d" },
	};

	(void)state;
	check(format_age, rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts), cmocka_unit_test(exact), cmocka_unit_test(bytes),
		cmocka_unit_test(times),  cmocka_unit_test(ages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
