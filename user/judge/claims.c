/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims on prefixes, and the list in force that follows from them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/judge/claims.h"

void claims_free(struct claims *c)
{
	if (!c)
		return;
	free(c->list);
	free(c);
}

static int reserve(struct claims *c, size_t room)
{
	struct entry *list;

	if (room <= c->room)
		return 0;
	if (room < c->room * 2)
		room = c->room * 2;
	list = reallocarray(c->list, room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->list = list;
	c->room = room;
	return 0;
}

int claims_new(size_t room, struct claims **ret)
{
	_cleanup_(claims_freep) struct claims *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	r = reserve(c, room ? room : 1);
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	return 0;
}

int claims_copy(const struct claims *c, struct claims **ret)
{
	struct claims *copy;
	int r;

	r = claims_new(c->n, &copy);
	if (r < 0)
		return r;
	if (c->n)
		memcpy(copy->list, c->list, c->n * sizeof(*c->list));
	copy->n = c->n;
	*ret = copy;
	return 0;
}

int claims_from(const struct entries *e, struct claims **ret)
{
	const struct claims of_entries = { .list = e->list, .n = e->n };

	return claims_copy(&of_entries, ret); /* sorted by prefix, one on each */
}

/* ---- order ---- */

enum claim_class claim_class(enum seine_origin origin)
{
	switch (origin) {
	case SEINE_OPERATOR:
	case SEINE_EXTERNAL: return CLAIM_PEOPLE;
	case SEINE_AUTO: return CLAIM_JUDGE;
	default: return CLAIM_LISTS;
	}
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Only feeds and other hosts are told apart by who they are. */
int claim_compare(const struct entry *a, const struct entry *b)
{
	enum claim_class class_a = claim_class(a->row.origin), class_b = claim_class(b->row.origin);
	int order = prefix_compare(&a->prefix, &b->prefix);

	if (!order)
		order = ORDER(class_b, class_a);
	if (!order && class_a == CLAIM_LISTS)
		order = ORDER(a->row.origin, b->row.origin);
	if (!order && class_a == CLAIM_LISTS)
		order = ORDER(a->row.actor, b->row.actor);
	return order;
}

/* Where the first claim stands that does not sort before `e`. */
static size_t position(const struct claims *c, const struct entry *e)
{
	size_t low = 0, high = c->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (claim_compare(&c->list[mid], e) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool stands_at(const struct claims *c, size_t at, const struct entry *e)
{
	return at < c->n && !claim_compare(&c->list[at], e);
}

int claims_put(struct claims *c, const struct entry *e)
{
	size_t at = position(c, e);
	int r;

	if (stands_at(c, at, e)) {
		c->list[at] = *e;
		return 0;
	}
	r = reserve(c, c->n + 1);
	if (r < 0)
		return r;
	memmove(&c->list[at + 1], &c->list[at], (c->n - at) * sizeof(*c->list));
	c->list[at] = *e;
	c->n++;
	return 0;
}

int claims_append(struct claims *c, const struct entry *e)
{
	int r = reserve(c, c->n + 1);

	if (r < 0)
		return r;
	c->list[c->n++] = *e;
	return 0;
}

static bool in_order(const struct claims *c)
{
	for (size_t i = 1; i < c->n; i++)
		if (claim_compare(&c->list[i - 1], &c->list[i]) >= 0)
			return false;
	return true;
}

/* Of places in a list; qsort() promises nothing about what is equal. */
static int place_compare(const void *a, const void *b, void *list_)
{
	const struct entry *list = list_;
	const uint32_t *x = a, *y = b;
	int order = claim_compare(&list[*x], &list[*y]);

	return order ? order : ORDER(*x, *y);
}

int claims_sort(struct claims *c)
{
	_cleanup_(freep) uint32_t *places = NULL;
	struct entry *sorted;
	size_t n = 0;

	if (in_order(c))
		return 0;
	places = calloc(c->n, sizeof(*places));
	sorted = calloc(c->n, sizeof(*sorted));
	if (!places || !sorted) {
		free(sorted);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->n; i++)
		places[i] = i;
	qsort_r(places, c->n, sizeof(*places), place_compare, c->list);
	for (size_t i = 0; i < c->n; i++) {
		const struct entry *e = &c->list[places[i]];

		if (n && !claim_compare(&sorted[n - 1], e))
			n--;
		sorted[n++] = *e;
	}
	free(c->list);
	c->list = sorted;
	c->room = c->n;
	c->n = n;
	return 0;
}

/* ---- single claims ---- */

const struct entry *claims_find(const struct claims *c, const struct entry *e)
{
	size_t at = position(c, e);

	return stands_at(c, at, e) ? &c->list[at] : NULL;
}

const struct entry *claims_at(const struct claims *c, const struct prefix *p)
{
	const struct entry strongest = { .prefix = *p, .row = { .origin = SEINE_OPERATOR } };
	size_t at = position(c, &strongest);

	return at < c->n && !prefix_compare(&c->list[at].prefix, p) ? &c->list[at] : NULL;
}

int claims_remove(struct claims *c, const struct entry *e)
{
	size_t at = position(c, e);

	if (!stands_at(c, at, e))
		return -ENOENT;
	c->n--;
	memmove(&c->list[at], &c->list[at + 1], (c->n - at) * sizeof(*c->list));
	return 0;
}

size_t claims_remove_if(struct claims *c, bool (*over)(const struct entry *e, const void *arg),
			const void *arg)
{
	size_t n = 0, before = c->n;

	for (size_t i = 0; i < before; i++)
		if (!over(&c->list[i], arg))
			c->list[n++] = c->list[i];
	c->n = n;
	return before - n;
}

static bool is_over(const struct entry *e, const void *now_sec)
{
	return e->row.expires_sec && e->row.expires_sec <= *(const uint32_t *)now_sec;
}

size_t claims_expire(struct claims *c, uint32_t now_sec)
{
	return claims_remove_if(c, is_over, &now_sec);
}

static bool is_automatic(const struct entry *e, const void *arg)
{
	(void)arg;
	return claim_class(e->row.origin) == CLAIM_JUDGE;
}

/* Both are in order: from behind, each claim is moved once. */
int claims_set_automatic(struct claims *c, const struct entries *automatic)
{
	size_t from, left = automatic->n, to;
	int r;

	claims_remove_if(c, is_automatic, NULL);
	r = reserve(c, c->n + left);
	if (r < 0)
		return r;
	from = c->n;
	to = c->n += left;
	while (left) {
		const struct entry *e = &automatic->list[left - 1];

		if (from && claim_compare(&c->list[from - 1], e) > 0) {
			c->list[--to] = c->list[--from];
		} else {
			c->list[--to] = *e;
			left--;
		}
	}
	return 0;
}

/* ---- the list in force ---- */

void conflicts_clear(struct conflicts *c)
{
	free(c->list);
	*c = (struct conflicts){ 0 };
}

struct merge {
	struct entries *entries;
	struct conflicts conflicts;
	/* Entries in force that cover the present prefix, widest first; no more than there are
	 * lengths. */
	const struct entry *above[129];
	size_t n_above;
};

static void merge_clear(struct merge *m)
{
	entries_free(m->entries);
	conflicts_clear(&m->conflicts);
}

/* Would no packet notice which of the two is in force? */
static bool agree(const struct entry *a, const struct entry *b)
{
	return a->row.action == b->row.action && a->row.hello_key == b->row.hello_key &&
	       a->row.share == b->row.share && a->row.rate_pps == b->row.rate_pps;
}

static int add_conflict(struct merge *m, const struct entry *loser, const struct entry *winner)
{
	struct conflicts *c = &m->conflicts;

	if (agree(loser, winner))
		return 0;
	c->all++;
	if (c->n == CONFLICTS_LISTED)
		return 0;
	if (!c->list) {
		c->list = calloc(CONFLICTS_LISTED, sizeof(*c->list));
		if (!c->list)
			return -ENOMEM;
	}
	c->list[c->n++] = (struct conflict){ .loser = *loser, .winner = *winner };
	return 0;
}

/* Does a wider entry outweigh a claim that it covers, about some of the same packets? */
static bool outweighs(const struct entry *wide, const struct entry *e)
{
	return claim_class(wide->row.origin) > claim_class(e->row.origin) &&
	       (!wide->row.hello_key || !e->row.hello_key ||
		wide->row.hello_key == e->row.hello_key);
}

/* The narrowest one that does; NULL: none. */
static const struct entry *overruled(const struct merge *m, const struct entry *e)
{
	for (size_t i = m->n_above; i > 0; i--)
		if (outweighs(m->above[i - 1], e))
			return m->above[i - 1];
	return NULL;
}

/* All claims on one prefix, strongest first: what is weaker than one that is overruled, is too. */
static int merge_prefix(struct merge *m, const struct entry *group, size_t n)
{
	const struct entry *winner = overruled(m, group);
	size_t i = 0;
	int r = 0;

	if (!winner) {
		winner = group;
		r = entries_append(m->entries, winner);
		m->above[m->n_above++] = winner;
		i = 1;
	}
	for (; i < n && r == 0; i++)
		r = add_conflict(m, &group[i], winner);
	return r;
}

int claims_merge(const struct claims *c, struct entries **ret, struct conflicts *ret_conflicts)
{
	_cleanup_(merge_clear) struct merge m = { 0 };
	size_t end;
	int r;

	r = entries_new(c->n, &m.entries);
	for (size_t i = 0; i < c->n && r == 0; i = end) {
		const struct entry *e = &c->list[i];

		for (end = i + 1; end < c->n; end++)
			if (prefix_compare(&c->list[end].prefix, &e->prefix))
				break;
		while (m.n_above && !prefix_covers(&m.above[m.n_above - 1]->prefix, &e->prefix))
			m.n_above--;
		r = merge_prefix(&m, e, end - i);
	}
	if (r < 0)
		return r;
	*ret = take_ptr(m.entries);
	*ret_conflicts = m.conflicts;
	m.conflicts = (struct conflicts){ 0 };
	return 0;
}

const struct entry *claims_overruled(const struct entries *in_force, const struct entry *claim)
{
	const struct entry *e = entries_find(in_force, &claim->prefix);
	struct prefix wide;

	if (e)
		return claim_compare(e, claim) ? e : NULL;
	for (unsigned int len = claim->prefix.len; len > 0; len--) {
		wide = prefix_parent(&claim->prefix, len - 1);
		e = entries_find(in_force, &wide);
		if (e && outweighs(e, claim))
			return e;
	}
	return NULL;
}

/* ---- what others did ---- */

struct adoption {
	struct claims *claims;
	struct entries *gone; /* sorted, as the walk is */
	uint32_t now_sec;
	int error;
};

static void adopt_change(const struct entry *was, const struct entry *is, void *arg)
{
	struct adoption *a = arg;
	struct entry mine;

	if (a->error < 0)
		return;
	if (!is) {
		a->error = entries_append(a->gone, was);
		return;
	}
	mine = *is;
	mine.row.origin = SEINE_EXTERNAL;
	mine.row.actor = SEINE_NO_ACTOR;
	mine.row.campaign = 0;
	if (!mine.row.added_sec || mine.row.added_sec > a->now_sec)
		mine.row.added_sec = a->now_sec;
	a->error = claims_append(a->claims, &mine);
}

static bool is_gone(const struct entry *e, const void *gone)
{
	const struct entry *was = entries_find(gone, &e->prefix);

	return was && !claim_compare(was, e);
}

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

/* However many there are: put one by one, each would move all behind it. */
int claims_adopt(struct claims *c, const struct entries *applied, const struct entries *held,
		 uint32_t now_sec, struct entries_diff *ret)
{
	_cleanup_(entries_freep) struct entries *gone = NULL;
	struct adoption a = { .claims = c, .now_sec = now_sec };

	a.error = entries_new(0, &gone);
	a.gone = gone;
	if (a.error < 0)
		return a.error;
	*ret = entries_each_change(applied, held, adopt_change, &a);
	if (a.error < 0)
		return a.error;
	if (gone->n)
		claims_remove_if(c, is_gone, gone);
	return claims_sort(c);
}
