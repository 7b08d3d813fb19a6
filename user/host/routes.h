/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This host's own addresses and its gateways, from the kernel's addresses and routes. */
#ifndef HOST_ROUTES_H
#define HOST_ROUTES_H

#include <linux/netlink.h>
#include "user/host/finds.h"

/*
 * Adds FIND_OWN: addresses of devices, up or down, and prefixes that routes call local; and
 * FIND_GATEWAY: next hops of every table, all of a route that has several. 0 or a negative errno.
 */
int routes_find(struct finds *to);

/* The same from one message of the kernel's, which may be of any kind; `to` is a struct finds. */
int routes_read(const struct nlmsghdr *m, void *to);

#endif
