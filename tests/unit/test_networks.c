/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of networks as a file: what is read, and what is refused with line and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/networks.h"

static int parse(const char *text, char *why, size_t size, struct asns **ret)
{
	_cleanup_(fclosep) FILE *f = fmemopen((char *)text, strlen(text), "r");

	assert_non_null(f);
	return networks_parse(f, "networks", why, size, ret);
}

static uint32_t find(const struct asns *a, const char *text)
{
	struct prefix p;
	char why[160];

	assert_int_equal(prefix_parse(text, why, sizeof(why), &p), 0);
	return asns_find(a, p.ip);
}

static void reads_numbers_and_leaves_names(void **state)
{
	_cleanup_(asns_freep) struct asns *a = NULL;
	char why[256];

	(void)state;
	if (parse("# ours\n\n198.51.100.0/24 64500\n"
		  "  203.0.113.0/24\t \tAS64501   Example Access, 12 #1\n"
		  "203.0.113.128/25 as64502\n"
		  "2001:db8::/32 4294967294\r\n192.0.2.7 1",
		  why, sizeof(why), &a) < 0)
		fail_msg("%s", why);
	assert_int_equal(asns_count(a), 5);
	assert_int_equal(find(a, "198.51.100.9"), 64500);
	assert_int_equal(find(a, "203.0.113.127"), 64501);
	assert_int_equal(find(a, "203.0.113.128"), 64502);
	assert_int_equal(find(a, "2001:db8::1"), 4294967294);
	assert_int_equal(find(a, "192.0.2.7"), 1);
	assert_int_equal(find(a, "192.0.2.8"), 0);
}

static void names_line_and_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "192.0.2.0/24 1\n192.0.2.1/24 2\n", "networks:2: 192.0.2.1/24: host bits set" },
		{ "# x\nexample 1\n", "networks:2: example: not an IPv4 or IPv6 address" },
		{ "192.0.2.0/33 1\n", "networks:1: 192.0.2.0/33: the length" },
		{ "0.0.0.0/0 1\n", "networks:1: 0.0.0.0/0: too wide" },
		{ "::/0 1\n", "networks:1: ::/0: too wide" },
		{ "2001:db8::/65 1\n", "networks:1: 2001:db8::/65: nothing longer than /64" },
		{ "192.0.2.0/24\n", "networks:1: 192.0.2.0/24: the number of its network is" },
		{ "192.0.2.0/24 # 1\n", "networks:1: #: not a number from 1 to 4294967294" },
		{ "192.0.2.0/24 0\n", "networks:1: 0: not a number" },
		{ "192.0.2.0/24 4294967295\n", "networks:1: 4294967295: not a number" },
		{ "192.0.2.0/24 4294967296\n", "networks:1: 4294967296: not a number" },
		{ "192.0.2.0/24 AS\n", "networks:1: AS: not a number" },
		{ "192.0.2.0/24 AS 1\n", "networks:1: AS: not a number" },
		{ "192.0.2.0/24 064500\n", "networks:1: 064500: not a number" },
		{ "192.0.2.0/24 1_2\n", "networks:1: 1_2: not a number" },
		{ "192.0.2.0/24 1 a\001b\n", "networks:1: holds a control character" },
		{ "192.0.2.0/24,1\n", "networks:1: 192.0.2.0/24,1: the length" },
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asns *a = NULL;

		assert_int_equal(parse(rows[i].text, why, sizeof(why), &a), -EINVAL);
		if (!strstr(why, rows[i].why))
			fail_msg("\"%s\" does not say \"%s\"", why, rows[i].why);
		assert_null(a);
	}
}

static void none_is_none_and_missing_is_an_error(void **state)
{
	_cleanup_(asns_freep) struct asns *a = NULL;
	struct asns *before;
	char why[256];

	(void)state;
	assert_int_equal(asns_new(&a), 0);
	before = a;
	assert_int_equal(networks_read("/nowhere/at/all", why, sizeof(why), &a), -ENOENT);
	assert_string_equal(why, "/nowhere/at/all: No such file or directory");
	assert_ptr_equal(a, before);
	before = NULL;
	assert_int_equal(networks_read("", why, sizeof(why), &before), 0);
	assert_null(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_numbers_and_leaves_names),
		cmocka_unit_test(names_line_and_reason),
		cmocka_unit_test(none_is_none_and_missing_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
