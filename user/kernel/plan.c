// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See plan.h. The list in force is read row by row, and each row looked up in the list that is
 * wanted: neither is copied or sorted.
 */
#include "user/kernel/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/kernel/chatter.h"
#include "user/kernel/generation.h"

/* Rows of seine_hits while they are given out. */
struct slots {
	uint32_t n;
	bool *taken; /* by an entry of the list in force: packets still count into it */
	bool *kept;  /* by one of the list that is wanted */
	uint32_t from;
};

static void slots_clear(struct slots *s)
{
	free(s->taken);
	free(s->kept);
}

struct reading {
	struct plan *plan;
	struct slots *slots;
	size_t n;
};

static bool same_row(const struct seine_entry *a, const struct seine_entry *b)
{
	struct seine_entry x = *a;

	x.slot = b->slot;
	return !memcmp(&x, b, sizeof(x));
}

/* An entry keeps its row while it means the same. A row written by hand may name any slot: each
 * belongs to one entry. */
static void slot_keep(struct reading *r, size_t i, const struct seine_entry *held)
{
	uint32_t slot = held->slot;

	if (!slot || slot >= r->slots->n || r->slots->kept[slot] ||
	    held->hello_key != r->plan->roster.list->list[i].row.hello_key)
		return;
	r->slots->kept[slot] = true;
	r->plan->roster.slot[i] = slot;
}

static int on_held(const void *key, const void *value, void *arg)
{
	const struct seine_entry *row = value;
	struct reading *r = arg;
	struct prefix p;
	size_t i;

	r->n++;
	if (row->slot < r->slots->n)
		r->slots->taken[row->slot] = true;
	if (!lists_key(key, &p) || !roster_find(&r->plan->roster, &p, &i)) {
		r->plan->in_force = false;
		return 0;
	}
	if (!same_row(row, &r->plan->roster.list->list[i].row))
		r->plan->in_force = false;
	slot_keep(r, i, row);
	if (r->plan->roster.slot[i] != row->slot)
		r->plan->in_force = false;
	return 0;
}

static int held_read(const struct datapath *d, struct plan *p, struct slots *slots)
{
	struct reading reading = { .plan = p, .slots = slots };
	uint32_t active;
	int r;

	r = lists_active(d, &active);
	if (r < 0)
		return r;
	p->in_force = true;
	r = map_walk(d->list[active], sizeof(struct seine_prefix), sizeof(struct seine_entry),
		     on_held, &reading);
	if (reading.n != p->roster.list->n)
		p->in_force = false;
	return r;
}

static uint32_t slot_take(struct slots *s)
{
	while (s->from < s->n && (s->taken[s->from] || s->kept[s->from]))
		s->from++;
	return s->from < s->n ? s->from++ : 0;
}

/* Where rows are scarce those with a rate come first: without a row of its own an entry cannot
 * limit anything. */
static void slots_give(struct plan *p, struct slots *s, bool limits)
{
	const struct entries *e = p->roster.list;

	for (size_t i = 0; i < e->n; i++) {
		uint32_t slot;

		if (p->roster.slot[i] || (e->list[i].row.action == SEINE_LIMIT) != limits)
			continue;
		slot = slot_take(s);
		if (slot)
			p->fresh[p->n_fresh++] = p->roster.slot[i] = slot;
		else if (limits)
			p->unlimited++;
		p->uncounted += !slot;
	}
}

static int slots_plan(const struct datapath *d, struct plan *p)
{
	_cleanup_(slots_clear) struct slots s = { .n = d->sizes.hit_slots, .from = 1 };
	size_t n = p->roster.list->n < s.n ? p->roster.list->n : s.n;
	int r;

	s.taken = calloc(s.n, sizeof(*s.taken));
	s.kept = calloc(s.n, sizeof(*s.kept));
	p->fresh = calloc(n ? n : 1, sizeof(*p->fresh));
	if (!s.taken || !s.kept || !p->fresh)
		return -ENOMEM;
	r = held_read(d, p, &s);
	if (r < 0)
		return r;
	slots_give(p, &s, true);
	slots_give(p, &s, false);
	return 0;
}

static int lengths_plan(const struct entries *wanted, char *why, struct seine_lengths *ret)
{
	int r = generation_lengths(wanted, ret);

	if (r == -E2BIG)
		return datapath_fail(r, why, "more than %d different IPv6 prefix lengths",
				     SEINE_V6_LENGTHS);
	return r < 0 ? datapath_fail(r, why, "a prefix is too wide") : 0;
}

int plan_make(const struct datapath *d, const struct entries *wanted, char *why, struct plan *ret)
{
	_cleanup_(plan_clear) struct plan p = { 0 };
	int r;

	if (wanted->n > LIST_MAX)
		return datapath_fail(-E2BIG, why, "%zu entries: a drop list holds at most %d",
				     wanted->n, LIST_MAX);
	r = lengths_plan(wanted, why, &p.lengths);
	if (r < 0)
		return r;
	r = roster_new(wanted, &d->meta, &p.roster);
	if (r == 0)
		r = slots_plan(d, &p);
	if (r < 0)
		return datapath_fail(r, why,
				     "cannot compare the drop list with the one in force: %s",
				     strerror(-r));
	*ret = p;
	p = (struct plan){ 0 };
	return 0;
}

void plan_clear(struct plan *p)
{
	roster_clear(&p->roster);
	free(p->fresh);
}
