/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Step-up procedures of Benjamini, Hochberg and Yekutieli.
 */
#include <errno.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/fdr.h"

struct ranked {
	double p;
	size_t at;
};

static int ranked_compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->p < y->p)
		return -1;
	if (x->p > y->p)
		return 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int step_up(const double *p, size_t n, double factor, double *ret_q)
{
	_cleanup_(freep) struct ranked *order = NULL;
	double least = 1, q;

	if (!n)
		return 0;
	order = calloc(n, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = (struct ranked){ p[i], i };
	qsort(order, n, sizeof(*order), ranked_compare);

	for (size_t rank = n; rank > 0; rank--) {
		q = order[rank - 1].p * (double)n * factor / (double)rank;
		if (q < least)
			least = q;
		ret_q[order[rank - 1].at] = least;
	}
	return 0;
}

int fdr_bh(const double *p, size_t n, double *ret_q)
{
	return step_up(p, n, 1, ret_q);
}

int fdr_by(const double *p, size_t n, double *ret_q)
{
	double harmonic = 0;

	for (size_t i = n; i > 0; i--)
		harmonic += 1.0 / (double)i;
	return step_up(p, n, harmonic, ret_q);
}
