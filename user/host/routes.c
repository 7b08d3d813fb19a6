// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See routes.h.
 *
 * Local routes of other tables than the local one are for taking in foreign traffic (transparent
 * proxies have one for everything), and make nothing the host's own.
 */
#include "user/host/routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include "user/base/cleanup.h"
#include "user/host/netlink.h"

#define TRIES 3 /* a table that changes while it is read is read again */

/* `len` as the family counts. False: not an address of a family we know. */
static bool prefix_from(int family, const struct netlink_attribute *a, unsigned int len,
			struct prefix *ret)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET && len <= 32 && netlink_take(a, ip + 12, 4))
		*ret = prefix_of(ip, PREFIX_V4_BASE + len);
	else if (family == AF_INET6 && len <= 128 && netlink_take(a, ip, 16))
		*ret = prefix_of(ip, len);
	else
		return false;
	return true;
}

static int add(struct finds *to, enum find_kind kind, const struct prefix *p, uint32_t device)
{
	return finds_add(to, &(struct find){ .prefix = *p, .kind = kind, .detail = device });
}

/* ---- addresses ---- */

static int on_address(const struct nlmsghdr *m, struct finds *to)
{
	struct netlink_attribute a[IFA_LOCAL + 1];
	struct ifaddrmsg head;
	struct prefix p;

	if (m->nlmsg_len < NLMSG_SPACE(sizeof(head)))
		return 0;
	memcpy(&head, NLMSG_DATA(m), sizeof(head));
	netlink_attributes((const char *)NLMSG_DATA(m) + NLMSG_ALIGN(sizeof(head)),
			   m->nlmsg_len - NLMSG_SPACE(sizeof(head)), a, ARRAY_LEN(a));
	/* Where the two differ, IFA_ADDRESS is the other end of the line. */
	if (!prefix_from(head.ifa_family, a[IFA_LOCAL].data ? &a[IFA_LOCAL] : &a[IFA_ADDRESS],
			 head.ifa_family == AF_INET ? 32 : 128, &p))
		return 0;
	return add(to, FIND_OWN, &p, head.ifa_index);
}

/* ---- routes ---- */

static int gateway(struct finds *to, int family, const struct netlink_attribute *a, uint32_t device)
{
	struct netlink_attribute address = a[RTA_GATEWAY];
	struct prefix p;

	/* An IPv4 route whose next hop has an IPv6 address: family, then the address. */
	if (a[RTA_VIA].data && a[RTA_VIA].size > sizeof(uint16_t)) {
		uint16_t other;

		memcpy(&other, a[RTA_VIA].data, sizeof(other));
		family = other;
		address.data = (const char *)a[RTA_VIA].data + sizeof(other);
		address.size = a[RTA_VIA].size - sizeof(other);
	}
	if (!prefix_from(family, &address, family == AF_INET ? 32 : 128, &p))
		return 0;
	return add(to, FIND_GATEWAY, &p, device);
}

/* A route with several next hops. */
static int gateways(struct finds *to, int family, const struct netlink_attribute *all)
{
	const char *at = all->data;
	size_t left = all->size;
	int r = 0;

	while (r == 0 && left >= sizeof(struct rtnexthop)) {
		struct netlink_attribute a[RTA_VIA + 1];
		struct rtnexthop hop;
		size_t step;

		memcpy(&hop, at, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left)
			break;
		netlink_attributes(at + sizeof(hop), hop.rtnh_len - sizeof(hop), a, ARRAY_LEN(a));
		r = gateway(to, family, a, (uint32_t)hop.rtnh_ifindex);
		step = RTNH_ALIGN(hop.rtnh_len);
		if (step >= left)
			break;
		at += step;
		left -= step;
	}
	return r;
}

static bool is_own(const struct rtmsg *head)
{
	return head->rtm_table == RT_TABLE_LOCAL &&
	       (head->rtm_type == RTN_LOCAL || head->rtm_type == RTN_ANYCAST);
}

static int on_route(const struct nlmsghdr *m, struct finds *to)
{
	struct netlink_attribute a[RTA_VIA + 1];
	struct rtmsg head;
	struct prefix p;
	uint32_t device = 0;

	if (m->nlmsg_len < NLMSG_SPACE(sizeof(head)))
		return 0;
	memcpy(&head, NLMSG_DATA(m), sizeof(head));
	netlink_attributes((const char *)NLMSG_DATA(m) + NLMSG_ALIGN(sizeof(head)),
			   m->nlmsg_len - NLMSG_SPACE(sizeof(head)), a, ARRAY_LEN(a));
	(void)netlink_take(&a[RTA_OIF], &device, sizeof(device));
	if (is_own(&head)) {
		if (!prefix_from(head.rtm_family, &a[RTA_DST], head.rtm_dst_len, &p) ||
		    prefix_too_wide(&p))
			return 0;
		return add(to, FIND_OWN, &p, device);
	}
	if (a[RTA_MULTIPATH].data)
		return gateways(to, head.rtm_family, &a[RTA_MULTIPATH]);
	return gateway(to, head.rtm_family, a, device);
}

/* ---- both ---- */

int routes_read(const struct nlmsghdr *m, void *to)
{
	switch (m->nlmsg_type) {
	case RTM_NEWADDR: return on_address(m, to);
	case RTM_NEWROUTE: return on_route(m, to);
	default: return 0;
	}
}

/* What `to` has already been given by an earlier try does no harm. */
static int dump(uint16_t type, struct finds *to)
{
	int r = -ESTALE;

	for (int i = 0; i < TRIES && r == -ESTALE; i++) {
		struct {
			struct nlmsghdr head;
			struct rtmsg body; /* the longest; all zero: every family */
		} request = { .head = { .nlmsg_len = sizeof(request), .nlmsg_type = type } };
		_cleanup_(closep) int fd = -1;

		r = netlink_open(NETLINK_ROUTE, 0, &fd);
		if (r == 0)
			r = netlink_dump(fd, &request.head, routes_read, to);
	}
	return r;
}

int routes_find(struct finds *to)
{
	int r;

	r = dump(RTM_GETADDR, to);
	return r < 0 ? r : dump(RTM_GETROUTE, to);
}
