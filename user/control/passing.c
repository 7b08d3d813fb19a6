/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors over a unix socket. See passing.h. */
#include "user/control/passing.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* Room for one descriptor, and, unlike CMSG_SPACE, not for the second one that would fit into the
 * padding. */
union room {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

ssize_t passing_send(int fd, const void *bytes, size_t len, int passed)
{
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union room room = { 0 };
	struct cmsghdr *c;
	ssize_t n;

	if (passed >= 0) {
		msg.msg_control = room.bytes;
		msg.msg_controllen = sizeof(room.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &passed, sizeof(passed));
	}
	n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

ssize_t passing_receive(int fd, void *bytes, size_t len, int *ret_passed)
{
	struct iovec iov = { .iov_base = bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union room room = { 0 };
	bool wanted = ret_passed && *ret_passed < 0;
	struct cmsghdr *c;
	ssize_t n;

	if (wanted) {
		msg.msg_control = room.bytes;
		msg.msg_controllen = CMSG_LEN(sizeof(int));
	}
	n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (wanted && c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_passed, CMSG_DATA(c), sizeof(*ret_passed));
	return n;
}
