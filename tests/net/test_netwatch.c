// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes of addresses, routes and devices are noticed, however many come at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/net/two.h"
#include "tests/skip.h"
#include "user/base/cleanup.h"
#include "user/host/netwatch.h"

static bool readable(int fd, int within_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, within_ms) == 1;
}

/* What the kernel does on its own (addresses of a link that comes up) is over before. */
static void settle(int fd)
{
	while (readable(fd, 300))
		(void)netwatch_drain(fd);
}

#define NEW_SCENE(t) \
	do { \
		const char *reason = NULL; \
		if (!two_new(t, &reason)) \
			skip_because(reason); \
	} while (0)

static void each_change_is_noticed(void **state)
{
	static const char *const changes[] = {
		"ip address add 198.51.100.1/24 dev eth0",
		"ip route add 203.0.113.0/24 via 198.51.100.254",
		"ip route del 203.0.113.0/24",
		"ip address del 198.51.100.1/24 dev eth0",
		"ip address add 2001:db8::1/64 dev eth0 nodad",
		"ip -6 route add 2001:db8:1::/48 via 2001:db8::fe",
		"ip -6 route del 2001:db8:1::/48",
		"ip address del 2001:db8::1/64 dev eth0",
		"ip link set eth0 mtu 1400",
		/* Of a device that is down, which has no routes. */
		"ip link add down0 type veth peer name down1",
		"ip address add 192.0.2.9/32 dev down0",
		"ip address add 2001:db8::9/64 dev down0",
	};
	_cleanup_(closep) int fd = -1;
	struct two t;

	(void)state;
	NEW_SCENE(&t);
	assert_int_equal(netwatch_open(&fd), 0);
	settle(fd);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		assert_false(netwatch_drain(fd));
		assert_false(readable(fd, 0));
		two_run("%s", changes[i]);
		assert_true(readable(fd, 1000));
		assert_true(netwatch_drain(fd));
	}
	two_free(&t);
}

static void other_namespaces_are_not_ours(void **state)
{
	_cleanup_(closep) int fd = -1;
	struct two t;

	(void)state;
	NEW_SCENE(&t);
	assert_int_equal(netwatch_open(&fd), 0);
	settle(fd);
	two_enter(t.peer);
	two_run("ip address add 198.51.100.2/24 dev eth0");
	assert_false(readable(fd, 100));
	two_free(&t);
}

/* Whatever had no room is lost, and that it was counts as a change. */
static void a_storm_is_one_change(void **state)
{
	_cleanup_(closep) int fd = -1;
	int least = 1;
	struct two t;
	char byte;

	(void)state;
	NEW_SCENE(&t);
	assert_int_equal(netwatch_open(&fd), 0);
	settle(fd);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
	two_run("for i in $(seq 200); do echo address add 192.0.2.$i/32 dev eth0; done | "
		"ip -batch -");
	assert_true(netwatch_drain(fd));
	assert_false(netwatch_drain(fd));
	assert_false(readable(fd, 0));

	/* One that is lost, and none that is left. */
	two_run("for i in $(seq 200); do echo address del 192.0.2.$i/32 dev eth0; done | "
		"ip -batch -");
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	two_run("for i in $(seq 200); do echo address add 192.0.2.$i/32 dev eth0; done | "
		"ip -batch -");
	assert_true(netwatch_drain(fd));
	two_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_change_is_noticed),
		cmocka_unit_test(other_namespaces_are_not_ours),
		cmocka_unit_test(a_storm_is_one_change),
	};

	return cmocka_run_group_tests_name("netwatch", tests, NULL, NULL);
}
