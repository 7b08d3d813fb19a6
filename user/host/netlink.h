/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the kernel over netlink(7), as far as the agent needs it: dumps, and notices of groups. */
#ifndef HOST_NETLINK_H
#define HOST_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `protocol`: NETLINK_ROUTE and the like. `groups`: whose notices arrive, as bits; such a socket
 * never blocks. 0: none; the socket is for dumps, and waits a few seconds at most. */
int netlink_open(int protocol, uint32_t groups, int *ret);

/* Called for each message; anything but 0 ends the dump. The message is whole, its content is not
 * checked. */
typedef int (*netlink_fn)(const struct nlmsghdr *message, void *arg);

/*
 * Sends `request`, whose length and type are set, and gives the answers to `fn`. 0, a negative
 * errno, or what `fn` ended with: then the socket holds answers that nobody waits for, and is good
 * for closing only. -ESTALE: what was read changed meanwhile.
 */
int netlink_dump(int fd, struct nlmsghdr *request, netlink_fn fn, void *arg);

/* Gives the whole messages among `size` bytes, aligned as netlink has them, to `fn`; returns what
 * it ended with, or 0. */
int netlink_each(const void *from, size_t size, netlink_fn fn, void *arg);

struct netlink_attribute {
	const void *data; /* NULL: there is none, or it is shorter than was asked for */
	size_t size;
};

/* Attributes by their type, those below `n`, from `size` bytes; of several of a type the last. */
void netlink_attributes(const void *from, size_t size, struct netlink_attribute *ret, size_t n);

/* A number or an address; false leaves `ret` alone. */
bool netlink_take(const struct netlink_attribute *a, void *ret, size_t size);

#endif
