/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, durations and shares: what is read and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "user/base/cleanup.h"
#include "user/base/number.h"

static void numbers(void **state)
{
	static const char *const bad[] = { "",
					   "+1",
					   "-1",
					   "01",
					   "1 ",
					   " 1",
					   "1x",
					   "0x1",
					   "6",
					   "18446744073709551616",
					   "99999999999999999999" };
	uint64_t v = 77;

	(void)state;
	assert_int_equal(number_parse("5", 0, 5, &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(number_parse("18446744073709551615", 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	v = 77;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(number_parse(bad[i], 0, 5, &v), -EINVAL);
	assert_int_equal(number_parse("1", 2, 5, &v), -EINVAL);
	assert_int_equal(v, 77);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = { { "0", 0 },	  { "0s", 0 },		{ "20ms", 20 },
		     { "90s", 90000 },	  { "10m", 600000 },	{ "24h", 86400000 },
		     { "7d", 604800000 }, { "1h30m", 5400000 }, { "1d2h3m4s5ms", 93784005 } };
	static const char *const bad[] = { "",
					   "5",
					   "5 s",
					   "s",
					   "1.5h",
					   "-1s",
					   "1w",
					   "1S",
					   "1sx",
					   "01s",
					   "30m1h",
					   "1h1h",
					   "1h30",
					   "1h 30m",
					   "1hm",
					   "18446744073709551615ms1",
					   "213503982334d23h59m59s",
					   "99999999999999999999d",
					   "18446744073709551615d" };
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(duration_parse(good[i].text, &v), 0);
		assert_true(v == good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(duration_parse(bad[i], &v), -EINVAL);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = { { "0K", 0 }, { "64K", 65536 }, { "1025M", 1074790400 }, { "4G", 4ull << 30 } };
	static const char *const bad[] = { "",	  "4",	 "G",	 "4 G", "4g",
					   "4GB", "-4G", "1.5G", "04G", "17179869184G" };
	char buf[SIZE_TEXT];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(size_parse(good[i].text, &v), 0);
		assert_true(v == good[i].bytes);
		assert_int_equal(size_parse(size_format(v, buf), &v), 0);
		assert_true(v == good[i].bytes);
	}
	assert_string_equal(size_format(3072, buf), "3K");
	assert_string_equal(size_format(1025 << 20, buf), "1025M");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(size_parse(bad[i], &v), -EINVAL);
}

static void shares(void **state)
{
	static const char *const bad[] = {
		"", "%", "101%", "1.01", "-1%", "5%%", ".5", "5.", "nan"
	};
	double v;

	(void)state;
	assert_int_equal(share_parse("5%", &v), 0);
	assert_true(v == 0.05);
	assert_int_equal(share_parse("100 %", &v), 0);
	assert_true(v == 1);
	assert_int_equal(share_parse("0.25", &v), 0);
	assert_true(v == 0.25);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(share_parse(bad[i], &v), -EINVAL);
	assert_int_equal(real_parse("3.5", &v), 0);
	assert_true(v == 3.5);
	assert_int_equal(real_parse("1e3", &v), -EINVAL);
}

static void durations_go_both_ways(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0" },	    { 20, "20ms" },	 { 1500, "1500ms" },
		{ 90000, "90s" },   { 600000, "10m" },	 { 5400000, "90m" },
		{ 86400000, "1d" }, { 90000000, "25h" }, { UINT64_MAX, "18446744073709551615ms" },
	};
	char buf[DURATION_TEXT];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(duration_format(rows[i].ms, buf), rows[i].text);
		assert_int_equal(duration_parse(buf, &v), 0);
		assert_true(v == rows[i].ms);
	}
}

/* Texts that a sum of digits times powers of ten would get wrong by a bit. */
static void reals_are_the_nearest_double(void **state)
{
	static const struct {
		const char *text;
		double v;
	} rows[] = {
		{ "0.3", 0.3 },
		{ "0.7", 0.7 },
		{ "0.001", 0.001 },
		{ "2.675", 2.675 },
		{ "0.00000000000001", 1e-14 },
		{ "64", 64 },
	};
	char buf[REAL_TEXT];
	double v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(real_parse(rows[i].text, &v), 0);
		assert_true(v == rows[i].v);
		assert_string_equal(real_format(v, buf), rows[i].text);
	}
	assert_int_equal(share_parse("0.3%", &v), 0);
	assert_true(v == 0.003);
	assert_int_equal(real_parse("0.0000000000000001", &v), -EINVAL);
	assert_int_equal(real_parse("1000000000000000", &v), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(shares),
		cmocka_unit_test(durations_go_both_ways),
		cmocka_unit_test(reals_are_the_nearest_double),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
