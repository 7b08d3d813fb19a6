// SPDX-License-Identifier: GPL-2.0-or-later
/* What this very host cannot do without, and the allow list, are guarded; the rest is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "user/host/guards.h"

#define NOW 1000

static const char *rule_of(const struct guards *g, const char *text)
{
	const struct guarded *found;
	struct prefix p;
	char why[128];

	assert_int_equal(prefix_parse(text, why, sizeof(why), &p), 0);
	found = guards_refuse(g, &p);
	return found ? found->rule : "none";
}

static struct allow_entry allow(const char *text, uint32_t expires_sec)
{
	struct allow_entry a = { .row = { .expires_sec = expires_sec, .note = "office" } };
	char why[128];

	assert_int_equal(prefix_parse(text, why, sizeof(why), &a.prefix), 0);
	return a;
}

static void guards_the_host(void **state)
{
	struct guards g;

	(void)state;
	assert_int_equal(guards_collect(NULL, 0, NOW, &g), 0);
	assert_string_equal(rule_of(&g, "127.0.0.1"), "loopback");
	assert_string_equal(rule_of(&g, "::1"), "loopback");
	assert_string_equal(rule_of(&g, "fe80::1234"), "link-local");
	assert_string_equal(rule_of(&g, "169.254.1.0/24"), "link-local");
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
	struct guards g;

	(void)state;
	assert_int_equal(guards_collect(allows, 3, NOW, &g), 0);
	assert_string_equal(rule_of(&g, "240.1.2.9"), "allow list");
	assert_string_equal(rule_of(&g, "240.1.0.0/16"), "allow list");
	assert_string_equal(rule_of(&g, "240.3.3.0/24"), "allow list");
	assert_string_equal(rule_of(&g, "240.5.5.0/24"), "none");
	assert_string_equal(g.list[0].note, "office");
	guards_free(&g);
}

static void guards_balancers(void **state)
{
	const struct seine_balancer balancers[SEINE_BALANCERS] = {
		{ .ip = { [10] = 0xff, [11] = 0xff, [12] = 240, [13] = 7 }, .len128 = 120 },
		{ .ip = { 0x20, 0x01, 0x0d, 0xb8 }, .len128 = 48 },
	};
	struct guards g;

	(void)state;
	assert_int_equal(guards_collect(NULL, 0, NOW, &g), 0);
	assert_int_equal(guards_add_balancers(&g, balancers), 0);
	assert_string_equal(rule_of(&g, "240.7.0.9"), "balancer");
	assert_string_equal(rule_of(&g, "240.7.1.9"), "none");
	assert_string_equal(rule_of(&g, "2001:db8::9"), "balancer");
	guards_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guards_the_host),
		cmocka_unit_test(guards_the_allow_list_until_it_expires),
		cmocka_unit_test(guards_balancers),
	};

	return cmocka_run_group_tests_name("guards", tests, NULL, NULL);
}
