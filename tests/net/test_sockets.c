// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel need not tell of it does not: clients by the ten thousands, and a crowd of
 * connections to the same few servers. Each connection costs a descriptor here: nobody accepts
 * them, they are established all the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "tests/net/two.h"
#include "tests/skip.h"
#include "user/base/cleanup.h"
#include "user/host/sockets.h"

#define SSH 22
#define HTTPS 443
#define DATABASE 5432
#define CLIENTS 19000
#define DESCRIPTORS (CLIENTS + 100)

struct scene {
	struct two two;
	int sshd;
	uint64_t ssh[SEINE_PORT_WORDS];
	struct seine_ports clients;
	struct rlimit limit;
	int fds[CLIENTS];
	unsigned int n;
};

static void set_port(uint64_t *plane, unsigned int port)
{
	plane[port / 64] |= 1ull << port % 64;
}

static bool may_open(struct rlimit *was)
{
	struct rlimit more;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, was), 0);
	more = *was;
	more.rlim_cur = more.rlim_max;
	return more.rlim_max > DESCRIPTORS && setrlimit(RLIMIT_NOFILE, &more) == 0;
}

static void prepare(int namespace)
{
	two_enter(namespace);
	two_run("sysctl -qw net.core.somaxconn=65535 net.ipv4.ip_local_port_range='10000 65000'");
}

static int scene_new(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	const char *reason = NULL;

	assert_non_null(s);
	if (!may_open(&s->limit)) {
		free(s);
		print_message("# skip: may not open %d descriptors\n", DESCRIPTORS);
		return 0;
	}
	if (!two_new(&s->two, &reason)) {
		free(s);
		print_message("# skip: %s\n", reason);
		return 0;
	}
	set_port(s->ssh, SSH);
	set_port((uint64_t *)s->clients.tcp, HTTPS);
	prepare(s->two.peer);
	two_run("for i in 22 54 55; do ip address add 198.51.100.$i/24 dev eth0 &&"
		" ip address add 2001:db8::$i/64 dev eth0 nodad; done");
	two_listen(&s->two, "::", DATABASE);
	prepare(s->two.host);
	two_run("ip address add 198.51.100.1/24 dev eth0");
	two_run("ip address add 2001:db8::1/64 dev eth0 nodad");
	s->sshd = two_listen(&s->two, "::", SSH);
	two_listen(&s->two, "::", HTTPS);
	*state = s;
	return 0;
}

static int scene_free(void **state)
{
	struct scene *s = *state;

	if (!s)
		return 0;
	while (s->n)
		close(s->fds[--s->n]);
	two_free(&s->two);
	(void)setrlimit(RLIMIT_NOFILE, &s->limit);
	free(s);
	return 0;
}

static void connect_many(struct scene *s, unsigned int n, const char *to, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t size = two_address(to, port, &a);

	for (unsigned int i = 0; i < n; i++) {
		int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_true(fd >= 0);
		s->fds[s->n++] = fd;
		assert_int_equal(connect(fd, (struct sockaddr *)&a, size), 0);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* `max`: of each kind. */
static void ask(const struct scene *s, size_t max, struct peers *ret)
{
	const struct socket_ports ports = { s->ssh, &s->clients };
	double began = seconds();

	*ret = (struct peers){ { .max = max }, { .max = max }, { .max = max } };
	assert_int_equal(sockets_find(&ports, ret), 0);
	print_message("# %u connections, %zu told of, %.1f ms\n", s->n, ret->told,
		      (seconds() - began) * 1000);
	finds_sort(&ret->ssh);
	finds_sort(&ret->tcp);
	finds_sort(&ret->udp);
}

static void clients_are_not_even_told_of(void **state)
{
	_cleanup_(peers_free) struct peers p = { 0 };
	struct scene *s = *state;

	if (!s)
		skip();
	two_connect(&s->two, SOCK_STREAM, NULL, "198.51.100.54", DATABASE);
	two_listen(&s->two, "::", 6379);
	two_connect(&s->two, SOCK_STREAM, NULL, "127.0.0.1", 6379);
	two_connect(&s->two, SOCK_STREAM, NULL, "::1", 6379);
	two_enter(s->two.peer);
	connect_many(s, CLIENTS / 2, "198.51.100.1", HTTPS);
	connect_many(s, CLIENTS / 2, "2001:db8::1", HTTPS);
	two_enter(s->two.host);
	ask(s, 10, &p);
	assert_int_equal(p.told, 4); /* three that listen, and the one of ours */
	assert_int_equal(p.tcp.n, 1);
	assert_int_equal(p.ssh.n + p.udp.n, 0);
	peers_free(&p);

	/* A port that is listened on is left out as well, protected or not. */
	memset(&s->clients, 0, sizeof(s->clients));
	ask(s, 10, &p);
	assert_int_equal(p.told, 4);
}

/* Two servers behind this host, one of which is also reached through a socket of the other family. */
static void many_to_the_same_are_told_of_once(void **state)
{
	_cleanup_(peers_free) struct peers p = { 0 };
	struct scene *s = *state;

	if (!s)
		skip();
	connect_many(s, 6000, "198.51.100.54", DATABASE);
	connect_many(s, 6000, "2001:db8::54", DATABASE);
	connect_many(s, 3000, "::ffff:198.51.100.54", DATABASE);
	two_connect(&s->two, SOCK_STREAM, NULL, "198.51.100.55", DATABASE);
	two_connect(&s->two, SOCK_STREAM, NULL, "2001:db8::55", DATABASE);
	two_connect(&s->two, SOCK_DGRAM, NULL, "198.51.100.55", 123);
	two_enter(s->two.peer);
	two_connect(&s->two, SOCK_STREAM, "198.51.100.22", "198.51.100.1", SSH);
	two_accept(&s->two, s->sshd);
	two_enter(s->two.host);
	ask(s, 10, &p);
	assert_in_range(p.told, 8192, 8192 + 8);
	assert_int_equal(p.tcp.n, 4);
	assert_int_equal(p.ssh.n, 1);
	assert_int_equal(p.udp.n, 1);
	assert_false(p.tcp.left_out);
}

/* More than find room are told, and neither hide others nor are read to the end. */
static void a_full_table_hides_no_other(void **state)
{
	_cleanup_(peers_free) struct peers p = { 0 };
	struct scene *s = *state;
	char address[32];

	if (!s)
		skip();
	two_run("ip route add 192.0.2.0/24 via 198.51.100.54");
	two_enter(s->two.peer);
	two_run("ip route add local 192.0.2.0/24 dev lo");
	two_connect(&s->two, SOCK_STREAM, "198.51.100.22", "198.51.100.1", SSH);
	two_accept(&s->two, s->sshd);
	two_connect(&s->two, SOCK_STREAM, "2001:db8::22", "2001:db8::1", SSH);
	two_accept(&s->two, s->sshd);
	two_enter(s->two.host);
	two_connect(&s->two, SOCK_DGRAM, NULL, "198.51.100.55", 123);
	for (int i = 0; i < 250; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		connect_many(s, 1, address, DATABASE);
	}
	ask(s, 10, &p);
	assert_true(p.tcp.left_out);
	assert_int_equal(p.tcp.n, 10);
	assert_int_equal(p.ssh.n, 2);
	assert_int_equal(p.udp.n, 1);
	assert_false(p.ssh.left_out || p.udp.left_out);
	/* Twice as many as there is room for, and one; the others, and ssh once more. */
	assert_in_range(p.told, 20, 40);
	peers_free(&p);

	ask(s, 300, &p);
	assert_false(p.tcp.left_out);
	assert_int_equal(p.tcp.n, 250);
	assert_int_equal(p.ssh.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clients_are_not_even_told_of, scene_new,
						scene_free),
		cmocka_unit_test_setup_teardown(many_to_the_same_are_told_of_once, scene_new,
						scene_free),
		cmocka_unit_test_setup_teardown(a_full_table_hides_no_other, scene_new, scene_free),
	};

	return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
