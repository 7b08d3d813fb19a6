/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes: what is read, what is refused and in which words, and the arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/prefix.h"

static void reads_what_it_prints(void **state)
{
	static const char *const same[] = {
		"203.0.113.0/24", "203.0.113.7",   "0.0.0.0/0", "255.255.255.255",
		"10.0.0.0/8",	  "2001:db8::/48", "::1",	"2001:db8::1",
		"::/0",		  "fe80::/10",
	};
	char why[128], text[PREFIX_TEXT];
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		assert_int_equal(prefix_parse(same[i], why, sizeof(why), &p), 0);
		assert_string_equal(prefix_format(&p, text), same[i]);
	}
}

static void normalises_mapped_addresses(void **state)
{
	char why[128], text[PREFIX_TEXT];
	struct prefix p;

	(void)state;
	assert_int_equal(prefix_parse("::ffff:203.0.113.7", why, sizeof(why), &p), 0);
	assert_string_equal(prefix_format(&p, text), "203.0.113.7");
	assert_int_equal(prefix_parse("::ffff:203.0.113.0/120", why, sizeof(why), &p), 0);
	assert_string_equal(prefix_format(&p, text), "203.0.113.0/24");
}

static void refuses_the_rest(void **state)
{
	static const char *const bad[] = {
		"",
		"1.2.3",
		"1.2.3.4.5",
		"01.2.3.4",
		"1.2.3.256",
		"1.2.3.4/33",
		"1.2.3.4/",
		"1.2.3.0/024",
		"1.2.3.0/+24",
		" 1.2.3.4",
		"1.2.3.4 ",
		"1.2.3.4/24 ",
		"example.net",
		"2001:db8::/129",
		"2001:db8:::1",
		"fe80::1%eth0",
		"1.2.3.4:443",
		"0x1.2.3.4",
		"1.2.3.4/-1",
		"::1/1 28",
		"-1.2.3.4",
		"1..3.4",
		"12345678901.0.0.1",
		"/24",
		"1.2.3.0/24/24",
		"::ffff:01.2.3.4",
		"::ffff:1.2.3",
		"1:2:3:4:5:6:7:8:9",
		"12345::",
		"fe80::1%1",
		"::1\n",
	};
	char why[128];
	struct prefix p, before;

	(void)state;
	memset(&p, 0xa5, sizeof(p));
	before = p;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		why[0] = '\0';
		assert_int_equal(prefix_parse(bad[i], why, sizeof(why), &p), -EINVAL);
		assert_true(why[0]);
		assert_memory_equal(&p, &before, sizeof(p));
	}
}

static void names_the_prefix_that_was_meant(void **state)
{
	char why[128];
	struct prefix p;

	(void)state;
	assert_int_equal(prefix_parse("203.0.113.7/24", why, sizeof(why), &p), -EINVAL);
	assert_string_equal(why, "203.0.113.7/24: host bits set; did you mean 203.0.113.0/24?");
	assert_int_equal(prefix_parse_address("203.0.113.0/24", why, sizeof(why), &p), -EINVAL);
	assert_non_null(strstr(why, "single address"));
}

static struct prefix get(const char *text)
{
	char why[128];
	struct prefix p;

	assert_int_equal(prefix_parse(text, why, sizeof(why), &p), 0);
	return p;
}

static void covers(void **state)
{
	static const struct {
		const char *wide, *narrow;
		bool covers;
	} rows[] = {
		{ "203.0.113.0/24", "203.0.113.255", true },
		{ "203.0.113.0/24", "203.0.113.0/24", true },
		{ "203.0.113.0/24", "203.0.112.255", false },
		{ "203.0.113.128/25", "203.0.113.127", false },
		{ "203.0.113.0/25", "203.0.113.0/24", false },
		{ "0.0.0.0/0", "203.0.113.7", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/47", "2001:db8:1:ffff::", true },
		{ "2001:db8::/48", "2001:db8:1::", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct prefix w = get(rows[i].wide), n = get(rows[i].narrow);

		assert_int_equal(prefix_covers(&w, &n), rows[i].covers);
		assert_int_equal(prefix_overlaps(&n, &w), rows[i].covers || prefix_covers(&n, &w));
	}
}

static void measures(void **state)
{
	struct prefix p = get("203.0.113.0/24"), wide;

	(void)state;
	assert_true(prefix_is_v4(&p));
	assert_int_equal(prefix_family_len(&p), 24);
	assert_true(prefix_addresses(&p) == 256);
	wide = prefix_parent(&p, PREFIX_V4_BASE + 16);
	assert_int_equal(prefix_compare(&wide, &p), -1 * (prefix_compare(&p, &wide)));
	assert_true(prefix_compare(&wide, &p) < 0);
	p = get("10.0.0.0/8");
	assert_false(prefix_too_wide(&p));
	p = get("10.0.0.0/7");
	assert_true(prefix_too_wide(&p));
	p = get("2000::/15");
	assert_true(prefix_too_wide(&p));
	p = get("2001::/16");
	assert_false(prefix_too_wide(&p));
	p = get("::/64");
	assert_true(prefix_too_wide(&p)); /* it holds all of IPv4 */
	p = get("::/80");
	assert_true(prefix_too_wide(&p));
	p = get("::1");
	assert_false(prefix_too_wide(&p));
	p = get("::ffff:0:0/103");
	assert_true(prefix_too_wide(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_prints),
		cmocka_unit_test(normalises_mapped_addresses),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(names_the_prefix_that_was_meant),
		cmocka_unit_test(covers),
		cmocka_unit_test(measures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
