/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which network (autonomous system) an address belongs to, from a table somebody gave.
 *
 * Prefixes that lie in each other are flattened once into ranges side by side, each with the number
 * of the longest prefix around it; a question is then one binary search, which an index by the
 * upper bits keeps short. An address is one word:
 * all of IPv4, and the 64 bits of IPv6 by which sources are told apart. A million prefixes take
 * 16 MB until they are settled and then at most 24 MB, in practice half of that, since neighbours
 * of one network become one range.
 */
#ifndef SIGHT_ASNS_H
#define SIGHT_ASNS_H

#include <stddef.h>
#include <stdint.h>
#include "user/base/prefix.h"

#define ASNS_V6_MAX 64 /* bits of an IPv6 prefix: no source is told apart by more */

struct asns;

int asns_new(struct asns **ret);
void asns_free(struct asns *a);
static inline void asns_freep(struct asns **a)
{
	asns_free(*a);
	*a = NULL;
}

/* Prefixes may come in any order and lie in each other; the longest counts. Where one stands twice,
 * because several networks announce it, the smallest number counts. An IPv6 prefix says nothing of
 * IPv4. -EINVAL: IPv6 and longer than ASNS_V6_MAX, or after asns_settle(); -ENOMEM. */
int asns_add(struct asns *a, const struct prefix *p, uint32_t asn);
int asns_settle(struct asns *a); /* after the last one, before the first question. -ENOMEM */

/* 0: in no network that the table knows. */
uint32_t asns_find(const struct asns *a, const uint8_t ip[16]);
size_t asns_count(const struct asns *a); /* prefixes added */

#endif
