// SPDX-License-Identifier: GPL-2.0-or-later
/* See special.h. */
#include "user/host/special.h"

#include "user/base/cleanup.h"

struct special {
	const char *prefix, *rule, *note;
};

static const struct special always[] = {
	{ "127.0.0.0/8", "loopback", "RFC 1122" },
	{ "::1", "loopback", "RFC 4291" },
	{ "169.254.0.0/16", "link-local", "RFC 3927" },
	{ "fe80::/10", "link-local", "RFC 4291" },
	{ "224.0.0.0/4", "multicast", "RFC 5771" },
	{ "ff00::/8", "multicast", "RFC 4291" },
	{ "255.255.255.255", "broadcast", "RFC 919" },
	{ "0.0.0.0/8", "unspecified", "RFC 1122" },
	{ "::", "unspecified", "RFC 4291" },
};

static const struct special more[] = {
	{ "10.0.0.0/8", "private", "RFC 1918" },
	{ "172.16.0.0/12", "private", "RFC 1918" },
	{ "192.168.0.0/16", "private", "RFC 1918" },
	{ "fc00::/7", "private", "RFC 4193" },
	{ "100.64.0.0/10", "shared address space", "RFC 6598" },
	{ "192.0.2.0/24", "documentation", "RFC 5737" },
	{ "198.51.100.0/24", "documentation", "RFC 5737" },
	{ "203.0.113.0/24", "documentation", "RFC 5737" },
	{ "2001:db8::/32", "documentation", "RFC 3849" },
	{ "3fff::/20", "documentation", "RFC 9637" },
	{ "198.18.0.0/15", "benchmarking", "RFC 2544" },
	{ "2001:2::/48", "benchmarking", "RFC 5180" },
	{ "240.0.0.0/4", "reserved", "RFC 1112" },
	{ "192.0.0.0/24", "protocol assignments", "RFC 6890" },
	{ "192.88.99.0/24", "6to4 relay", "RFC 7526" },
	{ "64:ff9b::/96", "translation", "RFC 6052" },
	{ "64:ff9b:1::/48", "translation", "RFC 8215" },
	{ "100::/64", "discard", "RFC 6666" },
	{ "2002::/16", "6to4", "RFC 3056" },
	{ "2001::/32", "Teredo", "RFC 4380" },
};

static int guard_all(struct guards *g, const struct special *list, size_t n)
{
	struct prefix p;
	char why[128];
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = prefix_parse(list[i].prefix, why, sizeof(why), &p);
		if (r == 0)
			r = guards_add(g, &p, list[i].rule, list[i].note);
	}
	return r;
}

int special_guard_always(struct guards *g)
{
	return guard_all(g, always, ARRAY_LEN(always));
}

int special_guard_more(struct guards *g)
{
	return guard_all(g, more, ARRAY_LEN(more));
}
