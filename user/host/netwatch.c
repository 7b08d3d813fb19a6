// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See netwatch.h. What changed is not read: guards are made from the whole anyway, and of many
 * notices at once only the first matters.
 */
#include "user/host/netwatch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include "user/host/netlink.h"

#define DRAIN_MAX 65536 /* notices at a time, so that a storm does not hold up the loop */

int netwatch_open(int *ret)
{
	return netlink_open(NETLINK_ROUTE,
			    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
				    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
			    ret);
}

bool netwatch_drain(int fd)
{
	bool changed = false;
	char byte;

	for (unsigned int i = 0; i < DRAIN_MAX; i++) {
		/* One byte of each is enough: the rest of a notice goes with it. */
		if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
			changed = true;
		else if (errno != EINTR)
			break;
	}
	return changed;
}
