/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes: strict reading, printing, comparing. See prefix.h. */
#include "user/base/prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/refuse.h"

#define V4_WIDEST 8
#define V6_WIDEST 16

static const struct prefix all_v4 = { .ip = { [10] = 0xff, [11] = 0xff }, .len = PREFIX_V4_BASE };

/* A decimal number without sign or leading zero, up to `max`; moves `text` behind it. */
static int parse_decimal(const char **text, unsigned int max, unsigned int *ret)
{
	const char *t = *text;
	unsigned int v = 0;

	if (*t < '0' || *t > '9' || (t[0] == '0' && t[1] >= '0' && t[1] <= '9'))
		return -EINVAL;
	for (; *t >= '0' && *t <= '9'; t++) {
		v = v * 10 + (*t - '0');
		if (v > max)
			return -EINVAL;
	}
	*text = t;
	*ret = v;
	return 0;
}

/* "a.b.c.d" and nothing shorter; moves `text` behind it. */
static int parse_v4(const char **text, uint8_t ip[16])
{
	const char *t = *text;

	memcpy(ip, all_v4.ip, PREFIX_V4_BASE / 8);
	for (int i = 0; i < 4; i++) {
		unsigned int byte;

		if (i && *t++ != '.')
			return -EINVAL;
		if (parse_decimal(&t, 255, &byte) < 0)
			return -EINVAL;
		ip[12 + i] = byte;
	}
	*text = t;
	return 0;
}

static int parse_v6(const char **text, uint8_t ip[16])
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(*text, "/");

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, *text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET6, address, ip) != 1)
		return -EINVAL;
	*text += len;
	return 0;
}

int prefix_parse(const char *text, char *why, size_t size, struct prefix *ret)
{
	bool v6 = strchr(text, ':') != NULL;
	unsigned int most = v6 ? 128 : 32, len = most;
	char meant[PREFIX_TEXT];
	const char *t = text;
	uint8_t ip[16];
	struct prefix p;

	if ((v6 ? parse_v6(&t, ip) : parse_v4(&t, ip)) < 0 || (*t && *t != '/'))
		return refuse(why, size, "%.64s: not an IPv4 or IPv6 address or prefix", text);
	if (*t == '/') {
		t++;
		if (parse_decimal(&t, most, &len) < 0 || *t)
			return refuse(why, size, "%.64s: the length must be a number from 0 to %u",
				      text, most);
	}

	p = prefix_of(ip, v6 ? len : len + PREFIX_V4_BASE);
	if (memcmp(p.ip, ip, sizeof(ip)))
		return refuse(why, size, "%.64s: host bits set; did you mean %s?", text,
			      prefix_format(&p, meant));
	*ret = p;
	return 0;
}

int prefix_parse_address(const char *text, char *why, size_t size, struct prefix *ret)
{
	struct prefix p;
	int r;

	r = prefix_parse(text, why, size, &p);
	if (r < 0)
		return r;
	if (p.len != 128)
		return refuse(why, size, "%.64s: a single address is needed, not a prefix", text);
	*ret = p;
	return 0;
}

bool prefix_is_v4(const struct prefix *p)
{
	return prefix_covers(&all_v4, p);
}

unsigned int prefix_family_len(const struct prefix *p)
{
	return prefix_is_v4(p) ? p->len - PREFIX_V4_BASE : p->len;
}

const char *prefix_format(const struct prefix *p, char *buf)
{
	bool v4 = prefix_is_v4(p);
	size_t n;

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? p->ip + 12 : p->ip, buf, INET6_ADDRSTRLEN);
	if (p->len < 128) {
		n = strlen(buf);
		snprintf(buf + n, PREFIX_TEXT - n, "/%u", prefix_family_len(p));
	}
	return buf;
}

struct prefix prefix_of(const uint8_t ip[16], unsigned int len)
{
	struct prefix p = { .len = len };
	unsigned int whole = len / 8, rest = len % 8;

	memcpy(p.ip, ip, whole);
	if (rest)
		p.ip[whole] = ip[whole] & (0xff00 >> rest);
	return p;
}

struct prefix prefix_parent(const struct prefix *p, unsigned int len)
{
	return prefix_of(p->ip, len < p->len ? len : p->len);
}

bool prefix_covers(const struct prefix *wide, const struct prefix *narrow)
{
	struct prefix parent;

	if (wide->len > narrow->len)
		return false;
	parent = prefix_of(narrow->ip, wide->len);
	return !memcmp(parent.ip, wide->ip, sizeof(parent.ip));
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = memcmp(a->ip, b->ip, sizeof(a->ip));

	return order ? order : (int)a->len - (int)b->len;
}

double prefix_addresses(const struct prefix *p)
{
	double n = 1;

	for (unsigned int i = p->len; i < 128; i++)
		n *= 2;
	return n;
}

bool prefix_too_wide(const struct prefix *p)
{
	if (prefix_is_v4(p))
		return p->len < PREFIX_V4_BASE + V4_WIDEST;
	return p->len < V6_WIDEST || prefix_covers(p, &all_v4);
}
