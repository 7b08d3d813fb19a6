/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of ports as they are typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/replay/ports.h"

static bool has(const __u64 *plane, unsigned int port)
{
	return plane[port / 64] >> port % 64 & 1;
}

static unsigned int count(const __u64 *plane)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < SEINE_PORT_WORDS; i++)
		n += (unsigned int)__builtin_popcountll(plane[i]);
	return n;
}

static void read_ports(const char *text, struct seine_ports *ret)
{
	char why[128] = "";

	if (ports_parse(text, why, sizeof(why), ret) < 0)
		fail_msg("%s: %s", text, why);
}

static void a_port_alone_is_both(void **state)
{
	struct seine_ports p;

	(void)state;
	read_ports("443,8443", &p);
	assert_true(has(p.tcp, 443) && has(p.udp, 443) && has(p.tcp, 8443) && has(p.udp, 8443));
	assert_int_equal(count(p.tcp) + count(p.udp), 4);
	assert_int_equal(count(p.balanced), 0);
}

static void a_protocol_can_be_named(void **state)
{
	struct seine_ports p;

	(void)state;
	read_ports("tcp:80,udp:4433", &p);
	assert_true(has(p.tcp, 80) && has(p.udp, 4433));
	assert_int_equal(count(p.tcp) + count(p.udp), 2);
}

static void ranges_and_all(void **state)
{
	struct seine_ports p;

	(void)state;
	read_ports("tcp:8000-8100", &p);
	assert_int_equal(count(p.tcp), 101);
	assert_int_equal(count(p.udp), 0);
	read_ports("0,65535", &p);
	assert_int_equal(count(p.tcp), 2);
	read_ports("udp:all", &p);
	assert_int_equal(count(p.udp), 65536);
	assert_int_equal(count(p.tcp), 0);
}

static void all_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"",	 ",",	  "443,",	 "https",
		"65536", "-1",	  "0443",	 "80-",
		"90-80", "tcp:",  "sctp:1",	 "443 ",
		" 443",	 "1-2-3", "tcp:udp:443", "1234567890123456789012345678901234567890"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct seine_ports p = { 0 };
		char why[128] = "";

		if (ports_parse(bad[i], why, sizeof(why), &p) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_non_null(strstr(why, "not a port"));
		assert_int_equal(count(p.tcp) + count(p.udp), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_alone_is_both),
		cmocka_unit_test(a_protocol_can_be_named),
		cmocka_unit_test(ranges_and_all),
		cmocka_unit_test(all_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
