/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which network (autonomous system) an address belongs to, from a table somebody gave.
 */
#ifndef SIGHT_ASNS_H
#define SIGHT_ASNS_H

#include <stddef.h>
#include <stdint.h>
#include "user/base/prefix.h"

struct asns;

int asns_new(struct asns **ret);
void asns_free(struct asns *a);
static inline void asns_freep(struct asns **a)
{
	asns_free(*a);
	*a = NULL;
}

/* Prefixes may come in any order and lie in each other; the longest counts. -ENOMEM. */
int asns_add(struct asns *a, const struct prefix *p, uint32_t asn);
int asns_settle(struct asns *a); /* after the last one, before the first question. -ENOMEM */

/* 0: in no network that the table knows. */
uint32_t asns_find(const struct asns *a, const uint8_t ip[16]);
size_t asns_count(const struct asns *a);

#endif
