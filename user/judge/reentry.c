/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of prefixes that were dropped before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/judge/reentry.h"

#define REENTRY_SEC (REENTRY_DAYS * 86400)

void reentries_clear(struct reentries *r)
{
	free(r->list);
	*r = (struct reentries){ 0 };
}

int reentries_append(struct reentries *r, const struct reentry *row)
{
	struct reentry *list;
	size_t room = r->room ? r->room * 2 : 64;

	if (r->n == REENTRIES_MAX)
		return -E2BIG;
	if (r->n == r->room) {
		list = reallocarray(r->list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		r->list = list;
		r->room = room;
	}
	r->list[r->n++] = *row;
	return 0;
}

static int row_compare(const void *a, const void *b)
{
	const struct reentry *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

void reentries_sort(struct reentries *r)
{
	if (r->n)
		qsort(r->list, r->n, sizeof(*r->list), row_compare);
}

const struct reentry *reentries_find(const struct reentries *r, const struct prefix *p)
{
	const struct reentry wanted = { .prefix = *p };

	return r->n ? bsearch(&wanted, r->list, r->n, sizeof(wanted), row_compare) : NULL;
}

/* ---- noting ---- */

/* Has it run out, having dropped something, and not come back in the same turn? */
static bool has_run_out(const struct entry *e, const struct entries *automatic, uint32_t now_sec)
{
	if (claim_class(e->row.origin) != CLAIM_JUDGE || e->row.action == SEINE_WATCH)
		return false;
	if (!e->row.expires_sec || e->row.expires_sec > now_sec)
		return false;
	return !entries_find(automatic, &e->prefix);
}

static int collect(const struct claims *held, const struct entries *automatic, uint32_t now_sec,
		   struct reentries *ret)
{
	for (size_t i = 0; i < held->n && ret->n < REENTRIES_MAX; i++) {
		const struct entry *e = &held->list[i];
		struct reentry row = { .prefix = e->prefix, .ended_sec = now_sec };
		int n;

		if (!has_run_out(e, automatic, now_sec))
			continue;
		row.life_sec = e->row.expires_sec - e->row.added_sec;
		n = reentries_append(ret, &row);
		if (n < 0)
			return n;
	}
	return 0;
}

static bool is_old(const struct reentry *row, uint32_t now_sec)
{
	return row->ended_sec < (int64_t)now_sec - REENTRY_SEC;
}

static int time_compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Removes the oldest where there are too many. */
static int limit(struct reentries *r)
{
	_cleanup_(freep) int64_t *times = NULL;
	size_t excess = r->n > REENTRIES_MAX ? r->n - REENTRIES_MAX : 0, n = 0;
	int64_t border;

	if (!excess)
		return 0;
	times = calloc(r->n, sizeof(*times));
	if (!times)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++)
		times[i] = r->list[i].ended_sec;
	qsort(times, r->n, sizeof(*times), time_compare);
	border = times[excess - 1];
	for (size_t i = 0; i < r->n; i++) {
		if (excess && r->list[i].ended_sec <= border)
			excess--;
		else
			r->list[n++] = r->list[i];
	}
	r->n = n;
	return 0;
}

/* Both are sorted; of a prefix in both the new row stays. */
static int merge(struct reentries *r, const struct reentries *new, uint32_t now_sec)
{
	struct reentries all = { 0 };
	size_t i = 0, j = 0;

	all.list = calloc(r->n + new->n + 1, sizeof(*all.list));
	if (!all.list)
		return -ENOMEM;
	all.room = r->n + new->n + 1;
	while (i < r->n || j < new->n) {
		int order = i == r->n	  ? 1
			    : j == new->n ? -1
					  : row_compare(&r->list[i], &new->list[j]);

		if (order >= 0)
			all.list[all.n++] = new->list[j++];
		else if (!is_old(&r->list[i], now_sec))
			all.list[all.n++] = r->list[i];
		i += order <= 0;
	}
	reentries_clear(r);
	*r = all;
	return limit(r);
}

static void reentries_clearp(struct reentries *r)
{
	reentries_clear(r);
}

int reentries_note(struct reentries *r, const struct claims *held, const struct entries *automatic,
		   uint32_t now_sec)
{
	_cleanup_(reentries_clearp) struct reentries new = { 0 };
	bool old = false;
	int n = collect(held, automatic, now_sec, &new);

	for (size_t i = 0; i < r->n && !old; i++)
		old = is_old(&r->list[i], now_sec);
	if (n == 0 && (new.n || old))
		n = merge(r, &new, now_sec);
	return n < 0 ? n : (int)new.n;
}

uint32_t reentries_ttl(const struct reentries *r, const struct prefix *p, uint32_t ttl_sec,
		       uint32_t ttl_max_sec, uint32_t now_sec)
{
	const struct reentry *row = r ? reentries_find(r, p) : NULL;
	uint64_t ttl = row && !is_old(row, now_sec) ? 2ull * row->life_sec : 0;

	if (ttl < ttl_sec)
		return ttl_sec;
	return ttl < ttl_max_sec ? (uint32_t)ttl : ttl_max_sec;
}
