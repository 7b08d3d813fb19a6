/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorted lists of entries.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/judge/entry.h"

void entries_free(struct entries *e)
{
	if (!e)
		return;
	free(e->list);
	free(e);
}

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

static int reserve(struct entries *e, size_t room)
{
	struct entry *list;

	if (room <= e->room)
		return 0;
	if (room < e->room * 2)
		room = e->room * 2;
	list = reallocarray(e->list, room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	e->list = list;
	e->room = room;
	return 0;
}

int entries_new(size_t room, struct entries **ret)
{
	_cleanup_(entries_freep) struct entries *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	r = reserve(e, room);
	if (r < 0)
		return r;
	*ret = take_ptr(e);
	return 0;
}

/* Where the first entry stands that does not sort before `p`. */
static size_t position(const struct entries *e, const struct prefix *p)
{
	size_t low = 0, high = e->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (prefix_compare(&e->list[mid].prefix, p) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool stands_at(const struct entries *e, size_t at, const struct prefix *p)
{
	return at < e->n && !prefix_compare(&e->list[at].prefix, p);
}

int entries_put(struct entries *e, const struct entry *entry)
{
	size_t at = position(e, &entry->prefix);
	int r;

	if (stands_at(e, at, &entry->prefix)) {
		e->list[at] = *entry;
		return 0;
	}
	r = reserve(e, e->n + 1);
	if (r < 0)
		return r;
	memmove(&e->list[at + 1], &e->list[at], (e->n - at) * sizeof(*e->list));
	e->list[at] = *entry;
	e->n++;
	return 0;
}

int entries_append(struct entries *e, const struct entry *entry)
{
	int r = reserve(e, e->n + 1);

	if (r < 0)
		return r;
	e->list[e->n++] = *entry;
	return 0;
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

void entries_sort(struct entries *e)
{
	if (e->n)
		qsort(e->list, e->n, sizeof(*e->list), entry_compare);
}

int entries_remove(struct entries *e, const struct prefix *p)
{
	size_t at = position(e, p);

	if (!stands_at(e, at, p))
		return -ENOENT;
	e->n--;
	memmove(&e->list[at], &e->list[at + 1], (e->n - at) * sizeof(*e->list));
	return 0;
}

const struct entry *entries_find(const struct entries *e, const struct prefix *p)
{
	size_t at = position(e, p);

	return stands_at(e, at, p) ? &e->list[at] : NULL;
}

static unsigned int common_bits(const struct prefix *a, const struct prefix *b)
{
	unsigned int limit = a->len < b->len ? a->len : b->len, bits = 0;

	while (bits < limit && !((a->ip[bits / 8] ^ b->ip[bits / 8]) & 0x80 >> bits % 8))
		bits++;
	return bits;
}

/*
 * What covers `p` sorts before it or is it. The nearest one before that does not cover `p` parts
 * from it at some bit; anything that covers `p` must be as short as what they have in common.
 */
const struct entry *entries_match(const struct entries *e, const struct prefix *p)
{
	struct prefix probe = *p;
	const struct entry *before;
	size_t at;

	for (;;) {
		at = position(e, &probe);
		if (stands_at(e, at, &probe))
			return &e->list[at];
		if (!at)
			return NULL;
		before = &e->list[at - 1];
		if (prefix_covers(&before->prefix, p))
			return before;
		probe = prefix_of(p->ip, common_bits(&before->prefix, &probe));
	}
}

bool entry_same(const struct entry *a, const struct entry *b)
{
	struct seine_entry x = a->row;

	x.slot = b->row.slot;
	return !memcmp(&x, &b->row, sizeof(x)) && !prefix_compare(&a->prefix, &b->prefix);
}

struct entries_diff entries_each_change(const struct entries *held, const struct entries *wanted,
					entries_change_fn fn, void *arg)
{
	struct entries_diff diff = { 0 };
	size_t i = 0, j = 0;

	while (i < held->n || j < wanted->n) {
		const struct entry *was = i < held->n ? &held->list[i] : NULL;
		const struct entry *is = j < wanted->n ? &wanted->list[j] : NULL;
		int order = !was ? 1 : !is ? -1 : prefix_compare(&was->prefix, &is->prefix);

		i += order <= 0;
		j += order >= 0;
		if (!order && entry_same(was, is))
			continue;
		diff.removed += order < 0;
		diff.added += order > 0;
		diff.changed += !order;
		fn(order > 0 ? NULL : was, order < 0 ? NULL : is, arg);
	}
	return diff;
}

static void ignore(const struct entry *was, const struct entry *is, void *arg)
{
	(void)was;
	(void)is;
	(void)arg;
}

struct entries_diff entries_compare(const struct entries *held, const struct entries *wanted)
{
	return entries_each_change(held, wanted, ignore, NULL);
}
