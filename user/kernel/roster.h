/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list on its way into the kernel: finds an entry by its prefix, and knows which row of
 * seine_hits each has. The list itself is not copied; beside it a roster takes 12 to 20 bytes an
 * entry. Pure.
 */
#ifndef KERNEL_ROSTER_H
#define KERNEL_ROSTER_H

#include <stdbool.h>
#include "user/judge/entry.h"

struct roster {
	const struct entries *list; /* stays the caller's */
	uint32_t *slot;		    /* of each entry; 0: none so far */
	uint32_t *place; /* by hash: a part of it, the number of an entry and one; 0: empty */
	uint32_t mask;
	uint64_t seed0, seed1;
};

/* -ENOMEM. A prefix that stands in the list twice is found as its first entry. */
int roster_new(const struct entries *list, const struct seine_meta *meta, struct roster *ret);
void roster_clear(struct roster *r);

/* False: the list has no such prefix. */
bool roster_find(const struct roster *r, const struct prefix *p, size_t *ret);

/* As the kernel is to hold it: with its slot. */
struct seine_entry roster_row(const struct roster *r, size_t i);

#endif
