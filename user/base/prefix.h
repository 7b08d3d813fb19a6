/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and prefixes: read strictly, print, compare, cover.
 *
 * One form for both families: 16 bytes, IPv4 as ::ffff:a.b.c.d, and a length counted in 128 bits
 * (203.0.113.0/24 has 120). No name is ever resolved.
 */
#ifndef BASE_PREFIX_H
#define BASE_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prefix {
	uint8_t ip[16]; /* bits beyond len are zero */
	uint8_t len;	/* 0 to 128 */
};

#define PREFIX_TEXT 44 /* longest text with NUL: an IPv6 address and /128 */
#define PREFIX_V4_BASE 96

/*
 * Reads "203.0.113.0/24", "203.0.113.7", "2001:db8::/48"; "::ffff:203.0.113.7" is an IPv4 address.
 * All else is -EINVAL with a sentence in `why` (`size` bytes): host bits set (and which prefix was
 * probably meant), leading zeros, signs, spaces, zones, lengths out of range. Whether a prefix is
 * too wide is for the caller to ask.
 */
int prefix_parse(const char *text, char *why, size_t size, struct prefix *ret);

/* As prefix_parse(), but a single address only. */
int prefix_parse_address(const char *text, char *why, size_t size, struct prefix *ret);

/* "203.0.113.0/24"; a full-length prefix prints without its length. `buf` holds PREFIX_TEXT.
 * Returns buf. */
const char *prefix_format(const struct prefix *p, char *buf);

bool prefix_is_v4(const struct prefix *p);
unsigned int prefix_family_len(const struct prefix *p); /* 24 for 203.0.113.0/24 */
bool prefix_covers(const struct prefix *wide, const struct prefix *narrow); /* equal covers too */
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
int prefix_compare(const struct prefix *a,
		   const struct prefix *b); /* for sorting: address, then length */
struct prefix prefix_of(const uint8_t ip[16], unsigned int len); /* len in 128 bits; masks */
struct prefix prefix_parent(const struct prefix *p, unsigned int len);
double prefix_addresses(const struct prefix *p); /* 2^32 does not fit everywhere */

/* IPv4 wider than /8, IPv6 wider than /16, or all of IPv4 as a part of IPv6 (::/64): never accepted
 * from anyone. */
bool prefix_too_wide(const struct prefix *p);

#endif
