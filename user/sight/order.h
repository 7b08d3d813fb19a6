/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorting millions of sources by address or key: radix sort, least significant byte first, over
 * the bytes in which the keys differ at all. Stable, so sorting by address first and by key second
 * gives groups that are sorted inside.
 */
#ifndef SIGHT_ORDER_H
#define SIGHT_ORDER_H

#include <stddef.h>
#include <stdint.h>
#include "user/base/prefix.h"

struct features;

struct ordered {
	uint64_t hi, lo; /* sorted by these */
	uint32_t at;	 /* where the thing itself is */
};

/* -ENOMEM; then the order is as before. */
int order_sort(struct ordered *list, size_t n);

/* All of `f` by address, `at` their positions in it. Caller frees `*ret`. -ENOMEM. */
int order_by_address(const struct features *f, size_t n, struct ordered **ret);

/* Addresses [*ret_first, *ret_end) of a list by address lie in the prefix. */
void order_within(const struct ordered *list, size_t n, const struct prefix *prefix,
		  size_t *ret_first, size_t *ret_end);

#endif
