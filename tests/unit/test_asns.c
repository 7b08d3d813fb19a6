/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks of addresses: nested prefixes, holes, borders; and a random table against a search
 * through all of its prefixes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/sight/asns.h"

static struct prefix prefix(const char *text)
{
	struct prefix p;
	char why[160];

	if (prefix_parse(text, why, sizeof(why), &p) < 0)
		fail_msg("%s", why);
	return p;
}

static void add(struct asns *a, const char *text, uint32_t asn)
{
	struct prefix p = prefix(text);

	assert_int_equal(asns_add(a, &p, asn), 0);
}

static uint32_t find(const struct asns *a, const char *text)
{
	struct prefix p = prefix(text);

	return asns_find(a, p.ip);
}

static void longest_counts(void **state)
{
	_cleanup_(asns_freep) struct asns *a = NULL;

	(void)state;
	assert_int_equal(asns_new(&a), 0);
	add(a, "10.1.2.128/25", 4);
	add(a, "10.0.0.0/8", 1);
	add(a, "10.1.2.0/24", 3);
	add(a, "10.1.0.0/16", 2);
	add(a, "10.1.2.7", 5);
	add(a, "10.2.0.0/16", 1); /* says what is known */
	assert_int_equal(asns_settle(a), 0);
	assert_int_equal(asns_count(a), 6);
	assert_int_equal(find(a, "9.255.255.255"), 0);
	assert_int_equal(find(a, "10.0.0.0"), 1);
	assert_int_equal(find(a, "10.0.255.255"), 1);
	assert_int_equal(find(a, "10.1.0.0"), 2);
	assert_int_equal(find(a, "10.1.2.6"), 3);
	assert_int_equal(find(a, "10.1.2.7"), 5);
	assert_int_equal(find(a, "10.1.2.8"), 3);
	assert_int_equal(find(a, "10.1.2.127"), 3);
	assert_int_equal(find(a, "10.1.2.128"), 4);
	assert_int_equal(find(a, "10.1.2.255"), 4);
	assert_int_equal(find(a, "10.1.3.0"), 2);
	assert_int_equal(find(a, "10.2.0.0"), 1);
	assert_int_equal(find(a, "10.255.255.255"), 1);
	assert_int_equal(find(a, "11.0.0.0"), 0);
}

/* The ends of both families, and what one says of the other: nothing. */
static void ends_and_families(void **state)
{
	_cleanup_(asns_freep) struct asns *a = NULL;

	(void)state;
	assert_int_equal(asns_new(&a), 0);
	add(a, "0.0.0.0/8", 1);
	add(a, "255.255.255.255", 2);
	add(a, "::/16", 3);
	add(a, "ffff:ffff:ffff:ffff::/64", 4);
	add(a, "2001:db8::/32", 5);
	add(a, "2001:db9:0:2::/63", 6);
	add(a, "2001:db9:0:3::/64", 7); /* the last word of the one around it */
	assert_int_equal(asns_settle(a), 0);
	assert_int_equal(find(a, "0.0.0.0"), 1);
	assert_int_equal(find(a, "1.0.0.0"), 0);
	assert_int_equal(find(a, "255.255.255.254"), 0);
	assert_int_equal(find(a, "255.255.255.255"), 2);
	assert_int_equal(find(a, "::1"), 3);
	assert_int_equal(find(a, "1::"), 0);
	assert_int_equal(find(a, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), 5);
	assert_int_equal(find(a, "2001:db9:0:1::"), 0);
	assert_int_equal(find(a, "2001:db9:0:2::"), 6);
	assert_int_equal(find(a, "2001:db9:0:3::"), 7);
	assert_int_equal(find(a, "2001:db9:0:4::"), 0);
	assert_int_equal(find(a, "ffff:ffff:ffff:ffff::1"), 4);
	assert_int_equal(find(a, "ffff:ffff:ffff:fffe::"), 0);
}

/* A prefix that several networks announce does not depend on the order of the table. */
static void smallest_of_two(void **state)
{
	(void)state;
	for (uint32_t first = 7; first <= 8; first++) {
		_cleanup_(asns_freep) struct asns *a = NULL;

		assert_int_equal(asns_new(&a), 0);
		add(a, "192.0.2.0/24", first);
		add(a, "192.0.2.0/24", 15 - first);
		add(a, "192.0.2.0/25", 9);
		assert_int_equal(asns_settle(a), 0);
		assert_int_equal(find(a, "192.0.2.127"), 9);
		assert_int_equal(find(a, "192.0.2.128"), 7);
	}
}

static void refuses(void **state)
{
	_cleanup_(asns_freep) struct asns *a = NULL;
	struct prefix longest = prefix("2001:db8::/64"), longer = prefix("2001:db8::/65");

	(void)state;
	assert_int_equal(asns_new(&a), 0);
	assert_int_equal(asns_add(a, &longest, 1), 0);
	assert_int_equal(asns_add(a, &longer, 1), -EINVAL);
	assert_int_equal(asns_settle(a), 0);
	assert_int_equal(asns_add(a, &longest, 1), -EINVAL);
	assert_int_equal(asns_count(a), 1);
	assert_int_equal(find(a, "2001:db8::9"), 1);
}

static void empty_knows_nothing(void **state)
{
	_cleanup_(asns_freep) struct asns *a = NULL;

	(void)state;
	assert_int_equal(asns_new(&a), 0);
	assert_int_equal(asns_settle(a), 0);
	assert_int_equal(find(a, "192.0.2.1"), 0);
	assert_int_equal(find(a, "2001:db8::"), 0);
}

/* ---- against a search ---- */

#define PREFIXES 300
#define QUESTIONS 3000

static uint64_t draw(void)
{
	static uint64_t counter;

	return seine_mix64(++counter);
}

/* Few different bits, so that prefixes lie in each other and touch. */
static void draw_address(bool v4, uint8_t ip[16])
{
	uint64_t bits = draw() & draw() & 0x0707070707070707;

	memset(ip, 0, 16);
	if (v4)
		ip[10] = ip[11] = 0xff;
	for (int i = 0; i < (v4 ? 4 : 8); i++)
		ip[(v4 ? 12 : 0) + i] = (uint8_t)(bits >> 8 * i);
}

static uint32_t search(const struct prefix *list, size_t n, const uint8_t ip[16])
{
	struct prefix address = prefix_of(ip, 128);
	const struct prefix *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (prefix_is_v4(&list[i]) == prefix_is_v4(&address) &&
		    prefix_covers(&list[i], &address) && (!best || list[i].len > best->len))
			best = &list[i];
	return best ? (uint32_t)(best - list) / 2 + 1 : 0; /* two neighbours share a number */
}

static void agrees_with_a_search(void **state)
{
	_cleanup_(asns_freep) struct asns *a = NULL;
	struct prefix list[PREFIXES];
	uint8_t ip[16];

	(void)state;
	assert_int_equal(asns_new(&a), 0);
	for (uint32_t i = 0; i < PREFIXES; i++) {
		draw_address(i % 2, ip);
		list[i] = prefix_of(ip, i % 2 ? 104 + draw() % 25 : 8 + draw() % 57);
		assert_int_equal(asns_add(a, &list[i], i / 2 + 1), 0);
	}
	assert_int_equal(asns_settle(a), 0);
	for (size_t i = 0; i < QUESTIONS; i++) {
		draw_address(i % 2, ip);
		if (i % 3 == 0) /* the last address of some prefix, or the one behind it */
			memset(ip + (i % 2 ? 14 : 5), draw() % 2 ? 0xff : 0, 2);
		assert_int_equal(asns_find(a, ip), search(list, PREFIXES, ip));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_counts),      cmocka_unit_test(ends_and_families),
		cmocka_unit_test(smallest_of_two),     cmocka_unit_test(refuses),
		cmocka_unit_test(empty_knows_nothing), cmocka_unit_test(agrees_with_a_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
