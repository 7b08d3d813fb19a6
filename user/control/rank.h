/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first `limit` of many rows in some order, without sorting all of them: a heap whose root is
 * the last of those kept. A million rows and a limit of 20 cost one pass. Pure.
 */
#ifndef CONTROL_RANK_H
#define CONTROL_RANK_H

#include <stddef.h>

/* Negative when `a` comes first; as for qsort(), but of the rows themselves. */
typedef int (*rank_compare)(const void *a, const void *b);

struct rank {
	rank_compare compare;
	const void **rows; /* after rank_sort(): first ones first */
	size_t n, limit;
};

/* `rows` has room for `limit` pointers; it stays the caller's. */
void rank_init(struct rank *r, rank_compare compare, const void **rows, size_t limit);
void rank_add(struct rank *r, const void *row);
void rank_sort(struct rank *r);

#endif
