// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A host in a namespace, with another one beside it: what guards come of its addresses, routes,
 * resolvers and sockets.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/net/two.h"
#include "tests/skip.h"
#include "user/base/cleanup.h"
#include "user/host/guards.h"

#define SSH 22
#define HTTPS 443

struct scene {
	struct two two;
	struct guard_settings settings;
	struct seine_ports ports;
	struct seine_balancer balancers[SEINE_BALANCERS];
	struct guards guards;
	char why[256];
};

static void set_port(uint64_t *plane, unsigned int port)
{
	plane[port / 64] |= 1ull << port % 64;
}

static void scene_new(struct scene *s)
{
	const char *reason = NULL;

	*s = (struct scene){ 0 };
	if (!two_new(&s->two, &reason))
		skip_because(reason);
	set_port(s->settings.ssh, SSH);
	set_port((uint64_t *)s->ports.tcp, HTTPS);
	set_port((uint64_t *)s->ports.udp, HTTPS);
	two_enter(s->two.peer);
	two_run("ip address add 198.51.100.2/24 dev eth0");
	two_run("for i in 22 23 54 55 80; do ip address add 198.51.100.$i/24 dev eth0; done");
	two_run("for i in 2 22 54 55 80; do "
		"ip address add 2001:db8::$i/64 dev eth0 nodad; done");
	two_enter(s->two.host);
	two_run("ip address add 198.51.100.1/24 dev eth0");
	two_run("ip address add 2001:db8::1/64 dev eth0 nodad");
}

static void scene_free(struct scene *s)
{
	guards_free(&s->guards);
	two_free(&s->two);
}

static void collect(struct scene *s)
{
	const struct guard_sources from = {
		.settings = &s->settings,
		.ports = &s->ports,
		.balancers = s->balancers,
	};

	guards_free(&s->guards);
	assert_int_equal(guards_collect(&from, s->why, sizeof(s->why), &s->guards), 0);
}

struct row {
	const char *candidate, *rule, *note;
};

static void check(const struct guards *g, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct guarded *found;
		struct prefix p;
		char why[128];

		assert_int_equal(prefix_parse(rows[i].candidate, why, sizeof(why), &p), 0);
		found = guards_refuse(g, &p);
		if (strcmp(found ? found->rule : "none", rows[i].rule) != 0 ||
		    (found && strcmp(found->note, rows[i].note) != 0))
			fail_msg("%s: %s (%s), not %s (%s)", rows[i].candidate,
				 found ? found->rule : "none", found ? found->note : "",
				 rows[i].rule, rows[i].note);
	}
}

static size_t count_of(const struct guards *g, const char *rule)
{
	struct guard_count counts[GUARD_RULES];
	size_t n = guards_count(g, counts);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(counts[i].rule, rule))
			return counts[i].n;
	}
	return 0;
}

static void addresses_and_routes(void **state)
{
	static const struct row rows[] = {
		{ "198.51.100.1", "own address", "eth0" },
		{ "198.51.100.0/28", "own address", "eth0" },
		{ "2001:db8::1", "own address", "eth0" },
		{ "192.0.2.5", "own address", "lo" },	     /* a local route, and no address */
		{ "198.51.100.33", "own address", "down0" }, /* of a device that is down */
		{ "198.51.100.34", "own address", "p2p0" },  /* this end of a line ... */
		{ "198.51.100.35", "none", "" },	     /* ... and not the other one */
		{ "198.51.100.254", "gateway", "eth0" },     /* by default */
		{ "198.51.100.253", "gateway", "eth0" },     /* of one network */
		{ "198.51.100.252", "gateway", "eth0" },     /* in a table of its own */
		{ "198.51.100.241", "gateway", "eth0" },     /* one of several next hops ... */
		{ "198.51.100.242", "gateway", "eth0" },     /* ... and another */
		{ "2001:db8::fe", "gateway", "eth0" },
		{ "2001:db8::fd", "gateway", "eth0" }, /* of an IPv4 route */
		{ "127.0.0.1", "loopback", "RFC 1122" },
		{ "::1", "loopback", "RFC 4291" },
		{ "198.51.100.255", "none", "" },
		{ "198.51.100.128/26", "none", "" },
		{ "203.0.113.1", "none", "" }, /* local in another table is for a proxy, ... */
		{ "129.0.0.1", "none", "" },   /* ... and half of the internet is nobody's own */
		{ "2a00::1", "none", "" },
	};
	struct scene s;

	(void)state;
	scene_new(&s);
	two_run("ip route add default via 198.51.100.254");
	two_run("ip route add 203.0.113.0/24 via 198.51.100.253");
	two_run("ip route add 203.0.113.0/24 via 198.51.100.252 table 77");
	two_run("ip route add 192.0.2.128/25 nexthop via 198.51.100.241 nexthop via "
		"198.51.100.242");
	two_run("ip route add 192.0.2.64/26 via inet6 2001:db8::fd dev eth0");
	two_run("ip route add local 192.0.2.0/28 dev lo");
	two_run("ip route add local default dev lo table 100");
	two_run("ip route add local 203.0.113.0/28 dev lo table 100");
	two_run("ip route add local 128.0.0.0/2 dev lo");
	two_run("ip -6 route add local default dev lo table 100");
	two_run("ip -6 route add default via 2001:db8::fe");
	two_run("ip link add down0 type veth peer name p2p0");
	two_run("ip address add 198.51.100.33/32 dev down0");
	two_run("ip address add 198.51.100.34 peer 198.51.100.35 dev p2p0");
	collect(&s);
	assert_string_equal(s.why, "");
	check(&s.guards, rows, ARRAY_LEN(rows));
	scene_free(&s);
}

static void resolvers(void **state)
{
	static const struct row rows[] = {
		{ "198.51.100.53", "resolver", "" },
		{ "2001:db8::53", "resolver", "" },
		{ "127.0.0.53", "loopback", "RFC 1122" },
		{ "198.51.100.99", "none", "" },
	};
	char path[] = "/tmp/seine-resolv-XXXXXX";
	struct scene s;
	int fd;

	(void)state;
	if (access("/etc/resolv.conf", F_OK) < 0)
		skip_because("there is no /etc/resolv.conf to put another one over");
	scene_new(&s);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	dprintf(fd, "# nameserver 198.51.100.99\nnameserver 127.0.0.53\nsearch 198.51.100.99\n"
		    "nameserver\t198.51.100.53\nnameserver 2001:db8::53%%eth0\nnameserver x\n");
	close(fd);
	assert_int_equal(mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL), 0);
	collect(&s);
	assert_int_equal(umount2("/etc/resolv.conf", MNT_DETACH), 0);
	unlink(path);
	assert_string_equal(s.why, "");
	check(&s.guards, rows, ARRAY_LEN(rows));
	scene_free(&s);
}

/* Sockets of both families: sessions of ssh, clients, and what the host connected to. */
static void connect_all(struct scene *s)
{
	struct two *t = &s->two;
	int sshd = two_listen(t, "::", SSH);

	two_listen(t, "0.0.0.0", HTTPS);
	two_listen(t, "2001:db8::1", HTTPS);
	two_listen(t, "0.0.0.0", 8080);
	two_enter(t->peer);
	two_listen(t, "::", 5432);
	two_connect(t, SOCK_STREAM, "198.51.100.22", "198.51.100.1", SSH);
	two_accept(t, sshd);
	two_connect(t, SOCK_STREAM, "2001:db8::22", "2001:db8::1", SSH);
	two_accept(t, sshd);
	/* Not accepted: nobody has a session by that alone. */
	two_connect(t, SOCK_STREAM, "198.51.100.23", "198.51.100.1", SSH);
	two_connect(t, SOCK_STREAM, "198.51.100.80", "198.51.100.1", HTTPS);
	two_connect(t, SOCK_STREAM, "2001:db8::80", "2001:db8::1", HTTPS);
	two_connect(t, SOCK_STREAM, "198.51.100.80", "198.51.100.1", 8080);
	two_enter(t->host);
	two_connect(t, SOCK_STREAM, NULL, "198.51.100.54", 5432);
	two_connect(t, SOCK_STREAM, NULL, "198.51.100.54", 5432);
	two_connect(t, SOCK_STREAM, NULL, "2001:db8::54", 5432);
	two_connect(t, SOCK_DGRAM, NULL, "198.51.100.55", 123);
	two_connect(t, SOCK_DGRAM, NULL, "2001:db8::55", 514);
	two_listen(t, "127.0.0.1", 5433);
	two_connect(t, SOCK_STREAM, NULL, "127.0.0.1", 5433);
}

static void peers(void **state)
{
	static const struct row rows[] = {
		{ "198.51.100.22", "ssh peer", "" },
		{ "2001:db8::22", "ssh peer", "" },
		{ "198.51.100.54", "outbound peer", "TCP port 5432" },
		{ "2001:db8::54", "outbound peer", "TCP port 5432" },
		{ "198.51.100.55", "outbound peer", "UDP port 123" },
		{ "2001:db8::55", "outbound peer", "UDP port 514" },
		{ "198.51.100.80", "none", "" },
		{ "2001:db8::80", "none", "" },
		{ "198.51.100.23", "none", "" },
		{ "127.0.0.1", "loopback", "RFC 1122" },
	};
	struct scene s;

	(void)state;
	scene_new(&s);
	connect_all(&s);
	collect(&s);
	assert_string_equal(s.why, "");
	check(&s.guards, rows, ARRAY_LEN(rows));
	assert_int_equal(count_of(&s.guards, "ssh peer"), 2);
	assert_int_equal(count_of(&s.guards, "outbound peer"), 4);
	scene_free(&s);
}

static void ports_of_ssh_as_set(void **state)
{
	static const struct row rows[] = {
		{ "198.51.100.22", "ssh peer", "" },
		{ "198.51.100.23", "none", "" },
	};
	struct scene s;
	int sshd;

	(void)state;
	scene_new(&s);
	memset(s.settings.ssh, 0, sizeof(s.settings.ssh));
	set_port(s.settings.ssh, 2222);
	set_port(s.settings.ssh, UINT16_MAX);
	sshd = two_listen(&s.two, "0.0.0.0", UINT16_MAX);
	two_listen(&s.two, "0.0.0.0", SSH);
	two_enter(s.two.peer);
	two_connect(&s.two, SOCK_STREAM, "198.51.100.22", "198.51.100.1", UINT16_MAX);
	two_accept(&s.two, sshd);
	two_connect(&s.two, SOCK_STREAM, "198.51.100.23", "198.51.100.1", SSH);
	two_enter(s.two.host);
	collect(&s);
	check(&s.guards, rows, ARRAY_LEN(rows));
	scene_free(&s);
}

/* Every other port is protected: more ranges than the kernel's program has room for. */
static void more_ranges_than_the_kernel_takes(void **state)
{
	static const struct row rows[] = {
		{ "198.51.100.54", "outbound peer", "UDP port 9" },
		{ "198.51.100.55", "none", "" },
		{ "198.51.100.80", "none", "" },
	};
	struct sockaddr_storage a;
	struct scene s;
	int fd;

	(void)state;
	scene_new(&s);
	for (unsigned int port = 1; port <= UINT16_MAX; port += 2)
		set_port((uint64_t *)s.ports.udp, port);
	for (int i = 0; i < 3; i++) {
		static const char *const to[] = { "198.51.100.54", "198.51.100.55",
						  "198.51.100.80" };
		static const uint16_t from[] = { 50000, 50001, 443 };
		socklen_t size = two_address("198.51.100.1", from[i], &a);

		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		s.two.fds[s.two.n++] = fd;
		assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
		size = two_address(to[i], 9, &a);
		assert_int_equal(connect(fd, (struct sockaddr *)&a, size), 0);
	}
	collect(&s);
	assert_string_equal(s.why, "");
	check(&s.guards, rows, ARRAY_LEN(rows));
	scene_free(&s);
}

/* After the agent has given up its privileges it still sees it all. */
static void needs_no_privileges(void **state)
{
	struct scene s;
	int status;
	pid_t pid;

	(void)state;
	scene_new(&s);
	connect_all(&s);
	two_run("ip route add default via 198.51.100.254");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct guard_sources from = { &s.settings, &s.ports, s.balancers };
		struct guards g;

		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0 ||
		    guards_collect(&from, s.why, sizeof(s.why), &g) < 0 || s.why[0])
			_exit(1);
		_exit(count_of(&g, "gateway") == 1 && count_of(&g, "ssh peer") == 2 &&
				      count_of(&g, "outbound peer") == 4
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	scene_free(&s);
}

/* No descriptor is left to read anything with. */
static void what_cannot_be_read_is_told(void **state)
{
	struct rlimit was, none;
	struct scene s;

	(void)state;
	scene_new(&s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	collect(&s);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_string_equal(s.why, "own addresses and gateways cannot all be read and guarded: "
				   "Too many open files");
	assert_int_equal(count_of(&s.guards, "own address"), 0);
	assert_int_equal(count_of(&s.guards, "loopback"), 2);
	collect(&s);
	assert_string_equal(s.why, "");
	assert_int_equal(count_of(&s.guards, "own address"), 3);
	scene_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_routes),
		cmocka_unit_test(resolvers),
		cmocka_unit_test(peers),
		cmocka_unit_test(ports_of_ssh_as_set),
		cmocka_unit_test(more_ranges_than_the_kernel_takes),
		cmocka_unit_test(needs_no_privileges),
		cmocka_unit_test(what_cannot_be_read_is_told),
	};

	return cmocka_run_group_tests_name("guards of a host", tests, NULL, NULL);
}
