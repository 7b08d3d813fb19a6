/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whoever wants least is served first, with no more than an equal part of what is left.
 */
#include <errno.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/judge/shares.h"

struct want {
	uint64_t much;
	size_t at;
};

static int want_compare(const void *a, const void *b)
{
	const struct want *x = a, *y = b;

	if (x->much != y->much)
		return x->much < y->much ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

int shares_fill(const uint64_t *wants, size_t n, uint64_t room, uint64_t *ret)
{
	_cleanup_(freep) struct want *order = calloc(n + 1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = (struct want){ wants[i], i };
	qsort(order, n, sizeof(*order), want_compare);
	for (size_t i = 0; i < n; i++) {
		uint64_t part = room / (n - i);
		uint64_t share = order[i].much < part ? order[i].much : part;

		ret[order[i].at] = share;
		room -= share;
	}
	return 0;
}
