/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded binary heap.
 */
#include "user/control/rank.h"

void rank_init(struct rank *r, rank_compare compare, const void **rows, size_t limit)
{
	*r = (struct rank){ .compare = compare, .rows = rows, .limit = limit };
}

static void swap(const void **a, const void **b)
{
	const void *t = *a;

	*a = *b;
	*b = t;
}

/* Restores the heap within the first n rows when only row i may be too early for its place. */
static void sink(const struct rank *r, size_t i, size_t n)
{
	for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
		if (child + 1 < n && r->compare(r->rows[child + 1], r->rows[child]) > 0)
			child++;
		if (r->compare(r->rows[i], r->rows[child]) >= 0)
			return;
		swap(&r->rows[i], &r->rows[child]);
		i = child;
	}
}

static void rise(const struct rank *r, size_t i)
{
	for (size_t parent; i > 0; i = parent) {
		parent = (i - 1) / 2;
		if (r->compare(r->rows[parent], r->rows[i]) >= 0)
			return;
		swap(&r->rows[parent], &r->rows[i]);
	}
}

void rank_add(struct rank *r, const void *row)
{
	if (r->n < r->limit) {
		r->rows[r->n] = row;
		rise(r, r->n++);
	} else if (r->n && r->compare(row, r->rows[0]) < 0) {
		r->rows[0] = row;
		sink(r, 0, r->n);
	}
}

void rank_sort(struct rank *r)
{
	for (size_t n = r->n; n > 1; n--) {
		swap(&r->rows[0], &r->rows[n - 1]);
		sink(r, 0, n - 1);
	}
}
