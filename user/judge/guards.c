// SPDX-License-Identifier: GPL-2.0-or-later
/* See guards.h. */
#include "user/judge/guards.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct guarded too_wide = { .rule = "too wide" };

static void copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	memset(to + n, 0, size - n);
}

int guards_add(struct guards *g, const struct prefix *p, const char *rule, const char *note)
{
	struct guarded *row;

	if (g->sealed)
		return -EBUSY;
	if (g->n == g->room) {
		size_t room = g->room ? 2 * g->room : 64;
		void *list = realloc(g->list, room * sizeof(*g->list));

		if (!list)
			return -ENOMEM;
		g->list = list;
		g->room = room;
	}
	row = &g->list[g->n];
	*row = (struct guarded){ .prefix = *p, .order = (uint32_t)g->n++ };
	copy(row->rule, sizeof(row->rule), rule);
	copy(row->note, sizeof(row->note), note);
	return 0;
}

void guards_free(struct guards *g)
{
	free(g->list);
	*g = (struct guards){ 0 };
}

/* ---- sealing ---- */

static int compare_prefixes(const void *a, const void *b)
{
	const struct guarded *one = a, *other = b;
	int order = prefix_compare(&one->prefix, &other->prefix);

	return order ? order : (one->order > other->order) - (one->order < other->order);
}

/* Whether a row says what one before it on the same prefix has said. */
static bool said(const struct guarded *list, size_t n, const struct guarded *row)
{
	for (size_t i = n; i-- > 0 && !prefix_compare(&list[i].prefix, &row->prefix);) {
		if (!strcmp(list[i].rule, row->rule))
			return true;
	}
	return false;
}

/* On one prefix at most as many stay as there are rules, so that looking back is short. */
static size_t each_once(struct guarded *list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!said(list, kept, &list[i]))
			list[kept++] = list[i];
	}
	return kept;
}

/* Place, plus 1, of the narrowest one around row i: the row before it, or one around that. */
static uint32_t find_around(const struct guarded *list, size_t i)
{
	uint32_t at = (uint32_t)i;

	while (at && !prefix_covers(&list[at - 1].prefix, &list[i].prefix))
		at = list[at - 1].around;
	return at;
}

void guards_seal(struct guards *g)
{
	if (g->sealed)
		return;
	g->sealed = true;
	if (!g->n)
		return;
	qsort(g->list, g->n, sizeof(*g->list), compare_prefixes);
	g->n = each_once(g->list, g->n);
	for (size_t i = 0; i < g->n; i++) {
		struct guarded *row = &g->list[i];
		uint32_t outer;

		row->around = find_around(g->list, i);
		row->first = (uint32_t)i;
		if (!row->around)
			continue;
		outer = g->list[row->around - 1].first;
		if (g->list[outer].order < row->order)
			row->first = outer;
	}
}

/* ---- asking ---- */

/* How many stand before `p` or on it. */
static size_t upto(const struct guards *g, const struct prefix *p)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&g->list[middle].prefix, p) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct guarded *first_of(const struct guarded *a, const struct guarded *b)
{
	return !a || b->order < a->order ? b : a;
}

/* Place, plus 1, of the narrowest one around `p`; `behind`: how many are not behind it. */
static uint32_t around(const struct guards *g, const struct prefix *p, size_t behind)
{
	uint32_t at = (uint32_t)behind;

	while (at && !prefix_covers(&g->list[at - 1].prefix, p))
		at = g->list[at - 1].around;
	return at;
}

static const struct guarded *search(const struct guards *g, const struct prefix *p)
{
	const struct guarded *found = NULL;
	size_t inside = upto(g, p);
	uint32_t at = around(g, p, inside);

	if (at)
		found = &g->list[g->list[at - 1].first];
	for (size_t i = inside; i < g->n && prefix_covers(p, &g->list[i].prefix); i++)
		found = first_of(found, &g->list[i]);
	return found;
}

static const struct guarded *read_through(const struct guards *g, const struct prefix *p)
{
	for (size_t i = 0; i < g->n; i++) {
		if (prefix_overlaps(&g->list[i].prefix, p))
			return &g->list[i];
	}
	return NULL;
}

const struct guarded *guards_refuse(const struct guards *g, const struct prefix *p)
{
	if (prefix_too_wide(p))
		return &too_wide;
	return g->sealed ? search(g, p) : read_through(g, p);
}

/* Puts a row into a list of at most `max` in the order of adding; the last one falls out. */
static void place(const struct guarded **list, size_t n, size_t max, const struct guarded *row)
{
	size_t i = n < max ? n : max;

	if (i == max && (!max || list[max - 1]->order < row->order))
		return;
	if (i == max)
		i--;
	for (; i && list[i - 1]->order > row->order; i--)
		list[i] = list[i - 1];
	list[i] = row;
}

size_t guards_touched(const struct guards *g, const struct prefix *p, const struct guarded **ret,
		      size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		if (prefix_overlaps(&g->list[i].prefix, p))
			place(ret, n++, max, &g->list[i]);
	}
	return n;
}

struct tally { /* a rule, and when its first one was added */
	struct guard_count count;
	uint32_t order;
};

static int compare_tallies(const void *a, const void *b)
{
	const struct tally *one = a, *other = b;

	return (one->order > other->order) - (one->order < other->order);
}

static size_t tally_add(struct tally *all, size_t n, const struct guarded *row)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].count.rule, row->rule) != 0)
			continue;
		all[i].count.n++;
		if (row->order < all[i].order)
			all[i].order = row->order;
		return n;
	}
	if (n < GUARD_RULES)
		all[n++] = (struct tally){ { row->rule, 1 }, row->order };
	return n;
}

size_t guards_count(const struct guards *g, struct guard_count ret[GUARD_RULES])
{
	struct tally all[GUARD_RULES];
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		n = tally_add(all, n, &g->list[i]);
	if (n)
		qsort(all, n, sizeof(*all), compare_tallies);
	for (size_t i = 0; i < n; i++)
		ret[i] = all[i].count;
	return n;
}
