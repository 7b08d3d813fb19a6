// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See finds.h. There is room for twice as many as may stay: sorting out the doubles then frees at
 * least half of it, so that it is rare.
 */
#include "user/host/finds.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct find *one = a, *other = b;

	if (one->kind != other->kind)
		return (int)one->kind - (int)other->kind;
	return prefix_compare(&one->prefix, &other->prefix);
}

void finds_sort(struct finds *f)
{
	size_t kept = 0;

	if (f->n)
		qsort(f->list, f->n, sizeof(*f->list), compare);
	for (size_t i = 0; i < f->n; i++) {
		if (!kept || compare(&f->list[kept - 1], &f->list[i]))
			f->list[kept++] = f->list[i];
	}
	f->left_out |= kept > f->max;
	f->n = kept > f->max ? f->max : kept;
}

static int grow(struct finds *f)
{
	size_t room = f->room ? 2 * f->room : 64;
	void *list;

	if (room > 2 * f->max)
		room = 2 * f->max;
	list = realloc(f->list, room * sizeof(*f->list));
	if (!list)
		return -ENOMEM;
	f->list = list;
	f->room = room;
	return 0;
}

int finds_add(struct finds *f, const struct find *found)
{
	if (f->left_out)
		return 0;
	if (f->n == f->room && f->room < 2 * f->max) {
		int r = grow(f);

		if (r < 0)
			return r;
	} else if (f->n == f->room) {
		finds_sort(f);
		if (f->left_out)
			return 0;
	}
	f->list[f->n++] = *found;
	return 0;
}

void finds_free(struct finds *f)
{
	free(f->list);
	*f = (struct finds){ .max = f->max };
}
