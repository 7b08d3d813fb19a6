// SPDX-License-Identifier: GPL-2.0-or-later
/* See netlink.h. */
#include "user/host/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "user/base/cleanup.h"

#define BUFFER 65536 /* bytes; the kernel makes messages of at most 32 KiB */
#define PATIENCE_SEC 5
#define SEQUENCE 1 /* of a dump: there is one at a time on a socket */

int netlink_open(int protocol, uint32_t groups, int *ret)
{
	const struct sockaddr_nl self = { .nl_family = AF_NETLINK, .nl_groups = groups };
	const struct timeval patience = { .tv_sec = PATIENCE_SEC };
	_cleanup_(closep) int fd = -1;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (groups ? SOCK_NONBLOCK : 0), protocol);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

/* One datagram of the kernel's. */
static ssize_t receive(int fd, void *buffer)
{
	struct sockaddr_nl from = { 0 };
	ssize_t n;

	do {
		socklen_t size = sizeof(from);

		n = recvfrom(fd, buffer, BUFFER, MSG_TRUNC, (struct sockaddr *)&from, &size);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid));
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n > BUFFER ? -EMSGSIZE : n;
}

static int send_request(int fd, const struct nlmsghdr *request)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	do {
		n = sendto(fd, request, request->nlmsg_len, 0, (const struct sockaddr *)&kernel,
			   sizeof(kernel));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* What an error or the end of a dump says. */
static int verdict_of(const struct nlmsghdr *m)
{
	int error = 0;

	if (m->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
		memcpy(&error, NLMSG_DATA(m), sizeof(error));
	return m->nlmsg_type == NLMSG_ERROR && !error ? -EPROTO : error;
}

struct dump {
	netlink_fn fn;
	void *arg;
	bool over, stale;
};

static int take(const struct nlmsghdr *m, void *arg)
{
	struct dump *d = arg;

	if (m->nlmsg_seq != SEQUENCE || d->over)
		return 0;
	d->stale |= (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (m->nlmsg_type != NLMSG_DONE && m->nlmsg_type != NLMSG_ERROR)
		return d->fn(m, d->arg);
	d->over = true;
	return verdict_of(m);
}

int netlink_each(const void *from, size_t size, netlink_fn fn, void *arg)
{
	const struct nlmsghdr *m = from;
	int r = 0;

	while (r == 0 && size >= sizeof(*m) && m->nlmsg_len >= sizeof(*m) && m->nlmsg_len <= size) {
		size_t step = NLMSG_ALIGN(m->nlmsg_len);

		r = fn(m, arg);
		if (step >= size)
			break;
		size -= step;
		m = (const struct nlmsghdr *)((const char *)m + step);
	}
	return r;
}

int netlink_dump(int fd, struct nlmsghdr *request, netlink_fn fn, void *arg)
{
	_cleanup_(freep) void *buffer = malloc(BUFFER);
	struct dump d = { .fn = fn, .arg = arg };
	int r;

	if (!buffer)
		return -ENOMEM;
	request->nlmsg_seq = SEQUENCE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	r = send_request(fd, request);
	while (r == 0 && !d.over) {
		ssize_t n = receive(fd, buffer);

		r = n < 0 ? (int)n : netlink_each(buffer, (size_t)n, take, &d);
	}
	if (r != 0)
		return r;
	return d.stale ? -ESTALE : 0;
}

void netlink_attributes(const void *from, size_t size, struct netlink_attribute *ret, size_t n)
{
	const char *at = from;

	memset(ret, 0, n * sizeof(*ret));
	while (size >= sizeof(struct nlattr)) {
		struct nlattr a;
		unsigned int type;
		size_t step;

		memcpy(&a, at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > size)
			return;
		type = a.nla_type & NLA_TYPE_MASK;
		if (type < n)
			ret[type] = (struct netlink_attribute){ at + NLA_HDRLEN,
								a.nla_len - NLA_HDRLEN };
		step = NLA_ALIGN(a.nla_len);
		if (step >= size)
			return;
		at += step;
		size -= step;
	}
}

bool netlink_take(const struct netlink_attribute *a, void *ret, size_t size)
{
	if (!a->data || a->size < size)
		return false;
	memcpy(ret, a->data, size);
	return true;
}
