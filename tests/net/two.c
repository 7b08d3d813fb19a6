// SPDX-License-Identifier: GPL-2.0-or-later
/* See two.h. */
#include "tests/net/two.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
#include "user/base/cleanup.h"

static int here(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void two_enter(int namespace)
{
	assert_int_equal(setns(namespace, CLONE_NEWNET), 0);
}

void two_run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0) /* NOLINT: words of the test's own */
		fail_msg("failed: %s", command);
}

/* Mounts of the test's own, too: it puts files over others. */
bool two_new(struct two *t, const char **ret_reason)
{
	*t = (struct two){ .before = here() };
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) {
		close(t->before);
		*ret_reason = "needs root, for network namespaces";
		return false;
	}
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	t->peer = here();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	t->host = here();
	two_run("ip link add eth0 type veth peer name eth0 netns /proc/%d/fd/%d", (int)getpid(),
		t->peer);
	for (int i = 0; i < 2; i++) {
		two_enter(i ? t->host : t->peer);
		two_run("ip link set lo up && ip link set eth0 up");
	}
	return true;
}

void two_free(struct two *t)
{
	for (unsigned int i = 0; i < t->n; i++)
		close(t->fds[i]);
	two_enter(t->before);
	close(t->before);
	close(t->host);
	close(t->peer);
}

socklen_t two_address(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *four = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (strchr(text, ':')) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, text, &four->sin_addr), 1);
	return sizeof(*four);
}

static int make_socket(struct two *t, int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0), on = 1;

	assert_true(fd >= 0);
	assert_true(t->n < ARRAY_LEN(t->fds));
	t->fds[t->n++] = fd;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	return fd;
}

int two_listen(struct two *t, const char *address, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t size = two_address(address, port, &a);
	int fd = make_socket(t, a.ss_family, SOCK_STREAM);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
	assert_int_equal(listen(fd, UINT16_MAX), 0);
	return fd;
}

void two_accept(struct two *t, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0 && t->n < ARRAY_LEN(t->fds));
	t->fds[t->n++] = fd;
}

int two_connect(struct two *t, int type, const char *from, const char *to, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t size = two_address(to, port, &a);
	int fd = make_socket(t, a.ss_family, type);

	if (from) {
		struct sockaddr_storage b;
		socklen_t length = two_address(from, 0, &b);

		assert_int_equal(bind(fd, (struct sockaddr *)&b, length), 0);
	}
	if (connect(fd, (struct sockaddr *)&a, size) < 0)
		fail_msg("connect %s: %s", to, strerror(errno));
	return fd;
}
