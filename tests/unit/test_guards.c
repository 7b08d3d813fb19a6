// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The set of guards: a sealed one answers as one that is read from front to end, and fast; what
 * settings, allow list and standards name is in it, and public space is not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/host/guards.h"
#include "user/host/special.h"

#define NOW 1000

static struct prefix prefix(const char *text)
{
	char why[128];
	struct prefix p;

	if (prefix_parse(text, why, sizeof(why), &p) < 0)
		fail_msg("%s", why);
	return p;
}

static const char *rule_of(const struct guards *g, const char *text)
{
	struct prefix p = prefix(text);
	const struct guarded *found = guards_refuse(g, &p);

	return found ? found->rule : "none";
}

static void add(struct guards *g, const char *text, const char *rule)
{
	struct prefix p = prefix(text);

	assert_int_equal(guards_add(g, &p, rule, ""), 0);
}

/* ---- the set ---- */

static void the_first_added_speaks(void **state)
{
	static const struct {
		const char *candidate, *rule;
	} rows[] = {
		{ "198.51.100.0/24", "own" },	  { "198.51.100.7", "own" },
		{ "198.51.100.8", "allowed" },	  { "198.51.100.8/30", "allowed" },
		{ "198.51.100.4/30", "own" },	  { "198.51.0.0/16", "own" },
		{ "198.51.100.200", "wide" },	  { "198.51.101.0/24", "wide" },
		{ "198.51.100.9", "wide" },	  { "198.52.0.0/16", "none" },
		{ "198.50.255.0/24", "none" },	  { "2001:db8::1", "six" },
		{ "2001:db8::/32", "six" },	  { "2001:db9::/32", "none" },
		{ "198.51.100.8/31", "allowed" }, { "0.0.0.0/0", "too wide" },
	};
	_cleanup_(guards_free) struct guards g = { 0 };

	(void)state;
	add(&g, "198.51.100.7", "own");
	add(&g, "198.51.100.8", "allowed");
	add(&g, "198.51.0.0/16", "wide");
	add(&g, "198.51.100.0/24", "narrow, and added last");
	add(&g, "2001:db8::1", "six");
	for (int sealed = 0; sealed < 2; sealed++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			assert_string_equal(rule_of(&g, rows[i].candidate), rows[i].rule);
		guards_seal(&g);
	}
	assert_int_equal(guards_add(&g, &g.list[0].prefix, "late", ""), -EBUSY);
}

static void an_empty_set_refuses_nothing_but_too_wide(void **state)
{
	_cleanup_(guards_free) struct guards g = { 0 };

	(void)state;
	for (int sealed = 0; sealed < 2; sealed++) {
		assert_string_equal(rule_of(&g, "203.0.113.7"), "none");
		assert_string_equal(rule_of(&g, "202.0.0.0/7"), "too wide");
		guards_seal(&g);
	}
}

/* A small space, so that prefixes lie in each other, on each other and beside each other. */
static struct prefix any_prefix(unsigned int *seed)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, [12] = 203 };
	unsigned int len = 128 - (unsigned int)rand_r(seed) % 5 * (rand_r(seed) % 5);

	if (rand_r(seed) % 4 == 0)
		memset(ip, 0x20, 12);
	ip[13] = (uint8_t)(rand_r(seed) % 4);
	ip[14] = (uint8_t)(rand_r(seed) % 8 * 32);
	ip[15] = (uint8_t)rand_r(seed);
	return prefix_of(ip, len);
}

static void sealed_answers_as_unsealed(void **state)
{
	static const char *const rules[] = { "one", "two", "three", "four" };
	unsigned int seed = 7;
	size_t refused = 0;

	(void)state;
	for (int round = 0; round < 300; round++) {
		_cleanup_(guards_free) struct guards plain = { 0 }, sealed = { 0 };
		int n = rand_r(&seed) % 60;

		for (int i = 0; i < n; i++) {
			struct prefix p = any_prefix(&seed);
			const char *rule = rules[rand_r(&seed) % 4];

			assert_int_equal(guards_add(&plain, &p, rule, ""), 0);
			assert_int_equal(guards_add(&sealed, &p, rule, ""), 0);
		}
		guards_seal(&sealed);
		for (int i = 0; i < 400; i++) {
			struct prefix p = any_prefix(&seed);
			const struct guarded *a = guards_refuse(&plain, &p);
			const struct guarded *b = guards_refuse(&sealed, &p);

			assert_int_equal(!a, !b);
			if (!a)
				continue;
			refused++;
			assert_int_equal(a->order, b->order);
			assert_string_equal(a->rule, b->rule);
			assert_int_equal(prefix_compare(&a->prefix, &b->prefix), 0);
		}
	}
	if (refused < 10000 || refused > 110000)
		fail_msg("%zu of 120000 refused", refused);
}

static void each_rule_once_a_prefix(void **state)
{
	const struct guarded *touched[3];
	struct guard_count counts[GUARD_RULES];
	_cleanup_(guards_free) struct guards g = { 0 };
	struct prefix p = prefix("203.0.113.0/24");

	(void)state;
	add(&g, "203.0.113.9", "gateway");
	for (int i = 0; i < 1000; i++) {
		add(&g, "203.0.113.1", "resolver");
		add(&g, "203.0.113.1", "gateway");
	}
	add(&g, "203.0.112.0/23", "allow list");
	add(&g, "192.0.2.1", "elsewhere");
	guards_seal(&g);
	assert_int_equal(g.n, 5);

	assert_int_equal(guards_touched(&g, &p, touched, 3), 4);
	assert_string_equal(touched[0]->rule, "gateway");
	assert_string_equal(touched[1]->rule, "resolver");
	assert_string_equal(touched[2]->rule, "gateway");
	assert_int_equal(guards_touched(&g, &p, touched, 0), 4);

	assert_int_equal(guards_count(&g, counts), 4);
	assert_string_equal(counts[0].rule, "gateway");
	assert_int_equal(counts[0].n, 2);
	assert_string_equal(counts[1].rule, "resolver");
	assert_string_equal(counts[3].rule, "elsewhere");
}

/* Read from front to end this would take minutes. */
static void many_guards_and_many_entries(void **state)
{
	_cleanup_(guards_free) struct guards g = { 0 };
	size_t refused = 0;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++) {
		uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 203, (uint8_t)(i >> 8), (uint8_t)i };
		struct prefix p = prefix_of(ip, i % 2 ? 128 : 120);

		assert_int_equal(guards_add(&g, &p, "outbound peer", ""), 0);
	}
	guards_seal(&g);
	for (uint32_t i = 0; i < 1000000; i++) {
		uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 203, (uint8_t)(i >> 8), (uint8_t)i, 7 };
		struct prefix p;

		ip[12] = (uint8_t)(203 + (i >> 16));
		p = prefix_of(ip, 128);
		refused += guards_refuse(&g, &p) != NULL;
	}
	assert_int_equal(refused, 32768);
}

/* ---- special ranges ---- */

static void special_ranges_and_what_borders_them(void **state)
{
	static const struct {
		const char *candidate, *always, *more;
	} rows[] = {
		{ "127.0.0.1", "loopback", "loopback" },
		{ "126.255.255.255", "none", "none" },
		{ "128.0.0.0", "none", "none" },
		{ "::1", "loopback", "loopback" },
		{ "::2", "none", "none" },
		{ "169.254.1.0/24", "link-local", "link-local" },
		{ "169.253.255.255", "none", "none" },
		{ "169.255.0.0", "none", "none" },
		{ "fe80::1234", "link-local", "link-local" },
		{ "febf::1", "link-local", "link-local" },
		{ "fec0::1", "none", "none" },
		{ "224.0.0.1", "multicast", "multicast" },
		{ "239.255.255.255", "multicast", "multicast" },
		{ "223.255.255.255", "none", "none" },
		{ "ff02::1", "multicast", "multicast" },
		{ "feff::1", "none", "none" },
		{ "255.255.255.255", "broadcast", "broadcast" },
		{ "255.255.255.254", "none", "reserved" },
		{ "240.0.0.0", "none", "reserved" },
		{ "0.0.0.0", "unspecified", "unspecified" },
		{ "0.255.255.255", "unspecified", "unspecified" },
		{ "1.0.0.0", "none", "none" },
		{ "::", "unspecified", "unspecified" },
		{ "9.255.255.255", "none", "none" },
		{ "10.0.0.0", "none", "private" },
		{ "10.255.255.255", "none", "private" },
		{ "11.0.0.0", "none", "none" },
		{ "172.15.255.255", "none", "none" },
		{ "172.16.0.0", "none", "private" },
		{ "172.31.255.255", "none", "private" },
		{ "172.32.0.0", "none", "none" },
		{ "192.167.255.255", "none", "none" },
		{ "192.168.0.0", "none", "private" },
		{ "192.168.255.255", "none", "private" },
		{ "192.169.0.0", "none", "none" },
		{ "fbff::1", "none", "none" },
		{ "fc00::1", "none", "private" },
		{ "fdff::1", "none", "private" },
		{ "fe00::1", "none", "none" },
		{ "100.63.255.255", "none", "none" },
		{ "100.64.0.0", "none", "shared address space" },
		{ "100.127.255.255", "none", "shared address space" },
		{ "100.128.0.0", "none", "none" },
		{ "192.0.2.0/24", "none", "documentation" },
		{ "192.0.1.255", "none", "none" },
		{ "192.0.3.0", "none", "none" },
		{ "198.51.100.7", "none", "documentation" },
		{ "198.51.99.255", "none", "none" },
		{ "198.51.101.0", "none", "none" },
		{ "203.0.113.7", "none", "documentation" },
		{ "203.0.112.255", "none", "none" },
		{ "203.0.114.0", "none", "none" },
		{ "2001:db8::1", "none", "documentation" },
		{ "2001:db7::1", "none", "none" },
		{ "2001:db9::1", "none", "none" },
		{ "3fff::1", "none", "documentation" },
		{ "3fff:fff::1", "none", "documentation" },
		{ "3fff:1000::1", "none", "none" },
		{ "3ffe::1", "none", "none" },
		{ "198.17.255.255", "none", "none" },
		{ "198.18.0.0", "none", "benchmarking" },
		{ "198.19.255.255", "none", "benchmarking" },
		{ "198.20.0.0", "none", "none" },
		{ "2001:2::1", "none", "benchmarking" },
		{ "2001:2:1::1", "none", "none" },
		{ "192.0.0.8", "none", "protocol assignments" },
		{ "191.255.255.255", "none", "none" },
		{ "192.88.99.1", "none", "6to4 relay" },
		{ "192.88.98.255", "none", "none" },
		{ "192.88.100.0", "none", "none" },
		{ "64:ff9b::808:808", "none", "translation" },
		{ "64:ff9b:1::1", "none", "translation" },
		{ "64:ff9b:2::1", "none", "none" },
		{ "64:ff9a::1", "none", "none" },
		{ "100::1", "none", "discard" },
		{ "100:0:0:1::1", "none", "none" },
		{ "2002:c000:204::1", "none", "6to4" },
		{ "2003::1", "none", "none" },
		{ "2001::1", "none", "Teredo" },
		{ "2001:1::1", "none", "none" },
		{ "2000:ffff::1", "none", "none" },
		{ "8.8.8.8", "none", "none" },
		{ "8.8.8.0/24", "none", "none" },
		{ "2606:4700::/32", "none", "none" },
		{ "2a00::/16", "none", "none" },
		{ "192.0.0.0/16", "none", "documentation" },
		{ "172.0.0.0/8", "none", "private" },
	};
	_cleanup_(guards_free) struct guards few = { 0 }, all = { 0 };

	(void)state;
	assert_int_equal(special_guard_always(&few), 0);
	guards_seal(&few);
	assert_int_equal(special_guard_always(&all), 0);
	assert_int_equal(special_guard_more(&all), 0);
	guards_seal(&all);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *always = rule_of(&few, rows[i].candidate);
		const char *more = rule_of(&all, rows[i].candidate);

		if (strcmp(always, rows[i].always) || strcmp(more, rows[i].more))
			fail_msg("%s: %s and %s", rows[i].candidate, always, more);
	}
	for (size_t i = 0; i < all.n; i++) {
		assert_memory_equal(all.list[i].note, "RFC ", 4);
		assert_true(strlen(all.list[i].rule) < sizeof(all.list[i].rule) - 1);
	}
}

/* A thousandth of all IPv4 addresses, and what shares of them is guarded. */
static void public_space_is_not_guarded(void **state)
{
	_cleanup_(guards_free) struct guards g = { 0 };
	uint32_t guarded = 0, all = 0;

	(void)state;
	assert_int_equal(special_guard_always(&g), 0);
	assert_int_equal(special_guard_more(&g), 0);
	guards_seal(&g);
	for (uint32_t i = 0; i < 1u << 22; i++, all++) {
		uint8_t ip[16] = { [10] = 0xff,	      [11] = 0xff,	 (uint8_t)(i >> 14),
				   (uint8_t)(i >> 6), (uint8_t)(i << 2), 9 };
		struct prefix p = prefix_of(ip, 128);

		guarded += guards_refuse(&g, &p) != NULL;
	}
	/* Whole /8s: 0, 10, 127, 224 to 255; then 100.64/10, 172.16/12, 169.254/16, 192.168/16,
	 * 198.18/15 and five /24s, of which every fourth is asked for: 192.0.0, 198.51.100. */
	assert_int_equal(guarded, 35 * 16384 + 4096 + 1024 + 64 + 64 + 128 + 2);
	assert_int_equal(all, 1u << 22);
}

/* ---- what settings and allow list name ---- */

static const struct seine_ports no_ports;
static const struct seine_balancer no_balancers[SEINE_BALANCERS];
static const struct guard_settings plain_settings = { .special_use = 0 };

static struct guard_sources sources(void)
{
	return (struct guard_sources){
		.settings = &plain_settings,
		.ports = &no_ports,
		.balancers = no_balancers,
		.now_sec = NOW,
	};
}

static struct guards collect(const struct guard_sources *from)
{
	struct guards g;
	char why[256];

	assert_int_equal(guards_collect(from, why, sizeof(why), &g), 0);
	assert_string_equal(why, "");
	assert_true(g.sealed);
	return g;
}

static struct allow_entry allow(const char *text, uint32_t expires_sec)
{
	return (struct allow_entry){
		.prefix = prefix(text),
		.row = { .expires_sec = expires_sec, .note = "office" },
	};
}

static void guards_the_host(void **state)
{
	struct guard_sources from = sources();
	_cleanup_(guards_free) struct guards g = collect(&from);

	(void)state;
	assert_string_equal(rule_of(&g, "127.0.0.1"), "loopback");
	assert_string_equal(rule_of(&g, "::1"), "loopback");
	assert_string_equal(rule_of(&g, "224.0.0.1"), "multicast");
	assert_string_equal(rule_of(&g, "0.0.0.0/0"), "too wide");
	assert_string_equal(rule_of(&g, "240.1.2.0/24"), "none");
	guards_free(&g);
	assert_null(g.list);
}

static void guards_the_allow_list_until_it_expires(void **state)
{
	const struct allow_entry allows[] = { allow("240.1.2.0/24", 0), allow("240.3.3.7", NOW + 1),
					      allow("240.5.5.0/24", NOW) };
	struct prefix p = prefix("240.1.2.9");
	struct guard_sources from = sources();
	struct guards g;

	(void)state;
	from.allows = allows;
	from.n_allows = 3;
	g = collect(&from);
	assert_string_equal(rule_of(&g, "240.1.2.9"), "allow list");
	assert_string_equal(rule_of(&g, "240.1.0.0/16"), "allow list");
	assert_string_equal(rule_of(&g, "240.3.3.0/24"), "allow list");
	assert_string_equal(rule_of(&g, "240.5.5.0/24"), "none");
	assert_string_equal(guards_refuse(&g, &p)->note, "office");
	guards_free(&g);
}

static void guards_balancers_and_health_checkers(void **state)
{
	const struct seine_balancer balancers[SEINE_BALANCERS] = {
		{ .ip = { [10] = 0xff, [11] = 0xff, [12] = 240, [13] = 7 }, .len128 = 120 },
		{ .ip = { 0x2a, 0x01, 0x0d, 0xb8 }, .len128 = 48 },
	};
	const struct guard_settings settings = {
		.checkers = { prefix("240.7.0.0/28"), prefix("2a02::/64") },
		.n_checkers = 2,
		.special_use = 1,
	};
	struct guard_sources from = sources();
	struct guards g;

	(void)state;
	from.settings = &settings;
	from.balancers = balancers;
	g = collect(&from);
	assert_string_equal(rule_of(&g, "240.7.0.99"), "balancer");
	assert_string_equal(rule_of(&g, "240.7.1.9"), "reserved");
	assert_string_equal(rule_of(&g, "2a01:db8::9"), "balancer");
	assert_string_equal(rule_of(&g, "240.7.0.9"), "health checker");
	assert_string_equal(rule_of(&g, "2a02::9"), "health checker");
	assert_string_equal(rule_of(&g, "2a03::9"), "none");
	guards_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_added_speaks),
		cmocka_unit_test(an_empty_set_refuses_nothing_but_too_wide),
		cmocka_unit_test(sealed_answers_as_unsealed),
		cmocka_unit_test(each_rule_once_a_prefix),
		cmocka_unit_test(many_guards_and_many_entries),
		cmocka_unit_test(special_ranges_and_what_borders_them),
		cmocka_unit_test(public_space_is_not_guarded),
		cmocka_unit_test(guards_the_host),
		cmocka_unit_test(guards_the_allow_list_until_it_expires),
		cmocka_unit_test(guards_balancers_and_health_checkers),
	};

	return cmocka_run_group_tests_name("guards", tests, NULL, NULL);
}
