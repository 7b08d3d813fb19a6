/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYN signatures in p0f's notation, and the class that survives a path.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/sight/syn_text.h"

#define LINUX_LAYOUT 0x31642 /* mss, sok, ts, nop, ws */

static const struct {
	struct seine_syn syn;
	const char *text;
} rows[] = {
	{ { LINUX_LAYOUT, 1460, 64240, SEINE_Q_DF | SEINE_Q_ID_PLUS, 64, 7 },
	  "4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0" },
	{ { 0x411312, 1460, 65535, SEINE_Q_DF | SEINE_Q_ID_PLUS, 128, 8 },
	  "4:128:0:1460:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0" },
	{ { LINUX_LAYOUT, 1440, 64800, SEINE_Q_V6 | SEINE_Q_FLOW, 64, 7 },
	  "6:64:0:1440:mss*45,7:mss,sok,ts,nop,ws:flow:0" },
	{ { LINUX_LAYOUT, 1452, 44760, 0, 64, 0 }, "4:64:0:1452:mtu*30,0:mss,sok,ts,nop,ws::0" },
	{ { 0, 0, 0, 0, 255, 255 }, "4:255:0:0:0,0:::0" },
	{ { 0x2, 1, 100, SEINE_Q_IP_OPTIONS | SEINE_Q_DATA, 64, 255 }, "4:64:*:1:100,0:mss::+" },
};

static void test_text(void **state)
{
	char buf[SYN_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(syn_format(&rows[i].syn, buf), rows[i].text);
}

/* The longest there can be fits, and unknown kinds of option do no harm. */
static void test_longest(void **state)
{
	const struct seine_syn most = { 0x5555555555555555, 65535, 65534, 0xffff, 255, 254 };
	const struct seine_syn strange = { 0xffffffffffffffff, 65535, 65534, 0xffff, 255, 254 };
	char buf[SYN_TEXT];

	(void)state;
	assert_true(strlen(syn_format(&most, buf)) < SYN_TEXT - 1);
	assert_true(buf[strlen(buf) - 1] == '+');
	assert_non_null(strstr(syn_format(&strange, buf), ":?,?,?"));
}

static void test_class(void **state)
{
	const struct seine_syn linux_syn = rows[0].syn;
	struct seine_syn other = linux_syn;

	(void)state;
	other.mss = 1360;
	other.window = 59840;
	other.quirks = SEINE_Q_ECN | SEINE_Q_V6 | SEINE_Q_FLOW;
	assert_true(syn_class(&other) == syn_class(&linux_syn));
	other.wscale = 8;
	assert_true(syn_class(&other) != syn_class(&linux_syn));
	other = linux_syn;
	other.ttl = 128;
	assert_true(syn_class(&other) != syn_class(&linux_syn));
	other = linux_syn;
	other.layout = 0x1642;
	assert_true(syn_class(&other) != syn_class(&linux_syn));
	other = linux_syn;
	other.quirks |= SEINE_Q_TS_ZERO;
	assert_true(syn_class(&other) != syn_class(&linux_syn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
