// SPDX-License-Identifier: GPL-2.0-or-later
/* See guards.h. From getifaddrs(3), /proc/net of the agent's own namespace, and resolv.conf(5). */
#include "user/host/guards.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"

#define LINE 512
#define ROUTE_GATEWAY 0x2 /* RTF_GATEWAY of linux/route.h */

static const struct {
	const char *prefix, *rule;
} always[] = {
	{ "127.0.0.0/8", "loopback" },	    { "::1", "loopback" },
	{ "169.254.0.0/16", "link-local" }, { "fe80::/10", "link-local" },
	{ "224.0.0.0/4", "multicast" },	    { "ff00::/8", "multicast" },
	{ "255.255.255.255", "broadcast" },
};

static int guard(struct guards *g, const struct prefix *p, const char *rule, const char *note)
{
	struct guarded *row;

	if (g->n == GUARDS_MAX)
		return -E2BIG;
	if (!(g->n & (g->n + 1))) { /* room is always one less than a power of two */
		void *list = realloc(g->list, (2 * g->n + 1) * sizeof(*g->list));

		if (!list)
			return -ENOMEM;
		g->list = list;
	}
	row = &g->list[g->n++];
	*row = (struct guarded){ .prefix = *p };
	snprintf(row->rule, sizeof(row->rule), "%s", rule);
	snprintf(row->note, sizeof(row->note), "%.*s", SEINE_NOTE - 1, note);
	return 0;
}

static int guard_text(struct guards *g, const char *text, const char *rule)
{
	char why[LINE];
	struct prefix p;

	return prefix_parse(text, why, sizeof(why), &p) < 0 ? 0 : guard(g, &p, rule, "");
}

static struct prefix of_v4(const void *address)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(ip + 12, address, 4);
	return prefix_of(ip, 128);
}

static int guard_always(struct guards *g)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(always) && r == 0; i++)
		r = guard_text(g, always[i].prefix, always[i].rule);
	return r;
}

static int guard_own(struct guards *g)
{
	struct ifaddrs *all, *i;
	int r = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (i = all; i && r == 0; i = i->ifa_next) {
		struct prefix p;

		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			p = of_v4(&((struct sockaddr_in *)i->ifa_addr)->sin_addr);
		else if (i->ifa_addr->sa_family == AF_INET6)
			p = prefix_of(((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr.s6_addr, 128);
		else
			continue;
		r = guard(g, &p, "own address", i->ifa_name);
	}
	freeifaddrs(all);
	return r;
}

/* Fields of a line in place, split at blanks; returns how many there are. */
static unsigned int split(char *line, char **field, unsigned int max)
{
	char *save = NULL;
	unsigned int n = 0;

	for (char *f = strtok_r(line, " \t\n", &save); f && n < max;
	     f = strtok_r(NULL, " \t\n", &save))
		field[n++] = f;
	return n;
}

/* Iface Destination Gateway Flags ...: the gateway as the kernel holds it, in hexadecimal. */
static int gateway_v4(struct guards *g, char *line)
{
	char *field[4];
	struct prefix p;
	uint32_t address;

	if (split(line, field, 4) < 4 || !(strtoul(field[3], NULL, 16) & ROUTE_GATEWAY))
		return 0;
	address = (uint32_t)strtoul(field[2], NULL, 16);
	p = of_v4(&address);
	return guard(g, &p, "gateway", field[0]);
}

/* 32 hexadecimal digits. */
static bool address_v6(const char *hex, uint8_t ip[16])
{
	if (strlen(hex) != 32)
		return false;
	for (int i = 0; i < 16; i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1] }, *end;

		ip[i] = (uint8_t)strtoul(byte, &end, 16);
		if (*end)
			return false;
	}
	return true;
}

/* Destination, length, source, length, next hop, metric, references, use, flags, device. */
static int gateway_v6(struct guards *g, char *line)
{
	char *field[10];
	struct prefix p;
	uint8_t ip[16];

	if (split(line, field, 10) < 10 || !(strtoul(field[8], NULL, 16) & ROUTE_GATEWAY) ||
	    !address_v6(field[4], ip))
		return 0;
	p = prefix_of(ip, 128);
	return guard(g, &p, "gateway", field[9]);
}

static int resolver(struct guards *g, char *line)
{
	char *field[2];

	if (split(line, field, 2) < 2 || strcmp(field[0], "nameserver") != 0)
		return 0;
	field[1][strcspn(field[1], "%")] = '\0'; /* a zone says nothing about the address */
	return guard_text(g, field[1], "resolver");
}

static int each_line(struct guards *g, const char *path, int (*fn)(struct guards *, char *))
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	char line[LINE];
	int r = 0;

	while (f && r == 0 && fgets(line, sizeof(line), f))
		r = fn(g, line);
	return r;
}

static int guard_allows(struct guards *g, const struct allow_entry *allows, size_t n,
			uint32_t now_sec)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (!allows[i].row.expires_sec || allows[i].row.expires_sec > now_sec)
			r = guard(g, &allows[i].prefix, "allow list", allows[i].row.note);
	}
	return r;
}

int guards_collect(const struct allow_entry *allows, size_t n, uint32_t now_sec, struct guards *ret)
{
	struct guards g = { 0 };
	int r;

	r = guard_allows(&g, allows, n, now_sec); /* first: the rule an operator knows best */
	if (r == 0)
		r = guard_always(&g);
	if (r == 0)
		r = guard_own(&g);
	if (r == 0)
		r = each_line(&g, "/proc/net/route", gateway_v4);
	if (r == 0)
		r = each_line(&g, "/proc/net/ipv6_route", gateway_v6);
	if (r == 0)
		r = each_line(&g, "/etc/resolv.conf", resolver);
	if (r < 0) {
		guards_free(&g);
		return r;
	}
	*ret = g;
	return 0;
}

int guards_add_balancers(struct guards *g, const struct seine_balancer b[SEINE_BALANCERS])
{
	int r = 0;

	for (unsigned int i = 0; i < SEINE_BALANCERS && b[i].len128 && r == 0; i++) {
		struct prefix p = prefix_of(b[i].ip, b[i].len128);

		r = guard(g, &p, "balancer", "");
	}
	return r;
}

void guards_free(struct guards *g)
{
	free(g->list);
	*g = (struct guards){ 0 };
}
