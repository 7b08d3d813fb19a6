/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What entries may cost: address space, sources that nobody accuses and their requests, and how
 * many there may be.
 *
 * Space and numbers are shared fairly among campaigns. What is in force stays while nobody whose
 * part is smaller needs the room.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/judge/round.h"
#include "user/judge/shares.h"

/* ---- who would be hit ---- */

static int look_around(struct round *r)
{
	const struct judge_question *q = r->q;
	int error;

	if (r->viewed)
		return 0;
	error = impact_view_new(q->campaigns, q->f, q->n, q->settings->v6_source, &r->view);
	if (error < 0)
		return error;
	r->viewed = true;
	r->benign_max = (uint64_t)(q->settings->benign_share_max * (double)r->view.honest);
	r->requests_max = (uint64_t)(q->settings->benign_requests_max * (double)r->view.requests);
	return 0;
}

static uint64_t left(uint64_t max, uint64_t used)
{
	return max > used ? max - used : 0;
}

/* 1: refused, and recorded; 0: taken into account. */
static int hits_too_many(struct round *r, const struct candidate *x)
{
	uint64_t sources_left, requests_left;
	struct impact impact;
	int error;

	error = look_around(r);
	if (error == 0)
		error = impact_of(&r->view, &x->entry, 1, &impact);
	if (error < 0)
		return error;
	sources_left = left(r->benign_max, r->j->benign_hit);
	requests_left = left(r->requests_max, r->j->benign_requests);
	if (impact.honest > sources_left)
		error = round_refuse(r, &x->entry.prefix, x->entry.row.campaign,
				     "would hit %" PRIu64 " sources outside any campaign, %" PRIu64
				     " left",
				     impact.honest, sources_left);
	else if (impact.honest_requests > requests_left)
		error = round_refuse(r, &x->entry.prefix, x->entry.row.campaign,
				     "would hit %" PRIu64 " requests a day of sources outside any "
				     "campaign, %" PRIu64 " left",
				     impact.honest_requests, requests_left);
	else {
		r->j->benign_hit += (uint32_t)impact.honest;
		r->j->benign_requests += impact.honest_requests;
		return 0;
	}
	return error < 0 ? error : 1;
}

/* ---- address space ---- */

static enum space_family family_of(const struct prefix *p)
{
	return prefix_is_v4(p) ? SPACE_V4 : SPACE_V6;
}

static uint64_t space_max(const struct round *r, enum space_family f)
{
	return f == SPACE_V4 ? r->q->settings->space_v4 : r->q->settings->space_v6;
}

static uint64_t *space_used(struct round *r, enum space_family f)
{
	return f == SPACE_V4 ? &r->j->space_v4 : &r->j->space_v6;
}

static int share_space(struct round *r, enum space_family f)
{
	_cleanup_(freep) uint64_t *wants = calloc(r->n_parties, sizeof(*wants));
	_cleanup_(freep) uint64_t *parts = calloc(r->n_parties, sizeof(*parts));
	int error;

	if (!wants || !parts)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_parties; i++)
		wants[i] = r->parties[i].space_wants[f];
	error = shares_fill(wants, r->n_parties, space_max(r, f), parts);
	if (error < 0)
		return error;
	for (size_t i = 0; i < r->n_parties; i++)
		r->parties[i].space_part[f] = parts[i];
	return 0;
}

static int refuse_space(struct round *r, const struct candidate *x, uint64_t space,
			uint64_t space_left)
{
	enum space_family f = family_of(&x->entry.prefix);

	return round_refuse(r, &x->entry.prefix, x->entry.row.campaign,
			    "would cover %" PRIu64 " %s, %" PRIu64 " of %" PRIu64 " left", space,
			    f == SPACE_V4 ? "addresses" : "networks (/64)", space_left,
			    space_max(r, f));
}

static bool is_superfluous(const struct round *r, const struct candidate *x)
{
	const struct entry *e = x->held ? NULL : entries_match(r->covering, &x->entry.prefix);

	return e && round_hits(r, &x->entry, e);
}

/* What its party's part does not suffice for is looked at again in the end, for what others left. */
static int try_covering(struct round *r, struct candidate *x, bool in_the_end)
{
	enum space_family f = family_of(&x->entry.prefix);
	uint64_t space = impact_space_added(r->covering, &x->entry.prefix);
	uint64_t space_left = left(space_max(r, f), *space_used(r, f));
	struct party *party = x->party;
	int error;

	x->settled = is_superfluous(r, x);
	if (x->settled)
		return 0;
	if (!in_the_end && party->space_used[f] + space > party->space_part[f])
		return 0;
	x->settled = true;
	if (space > space_left)
		error = refuse_space(r, x, space, space_left);
	else
		error = hits_too_many(r, x);
	r->j->budget_spent |= space > space_left || error == 1;
	if (error || space > space_left)
		return error < 0 ? error : 0;
	*space_used(r, f) += space;
	party->space_used[f] += space;
	party->held += x->held;
	party->wants += !x->held;
	return entries_put(r->covering, &x->entry);
}

int budget_covering(struct round *r)
{
	int error = 0;

	for (size_t i = 0; i < r->wide.n; i++) {
		const struct candidate *x = &r->wide.list[i];

		x->party->space_wants[family_of(&x->entry.prefix)] +=
			impact_space(&x->entry.prefix);
	}
	for (enum space_family f = 0; f < SPACE_FAMILIES && error == 0; f++)
		error = share_space(r, f);
	for (int in_the_end = 0; in_the_end < 2; in_the_end++)
		for (size_t i = 0; i < r->wide.n && error == 0; i++)
			if (!r->wide.list[i].settled)
				error = try_covering(r, &r->wide.list[i], in_the_end);
	return error;
}

/* ---- numbers ---- */

/* Of all parties at once: arrays of what each wants of something, and what it gets. */
struct sharing {
	uint64_t *wants, *gets;
};

static void sharing_clear(struct sharing *s)
{
	free(s->wants);
	free(s->gets);
}

/* How much of its part a party has not used yet, of what it wants. */
static uint64_t in_part(const struct party *p)
{
	uint64_t room = left(p->part, p->held);

	return p->wants < room ? p->wants : room;
}

static uint64_t excess(const struct party *p)
{
	return left(p->held, p->part);
}

/*
 * A party's part is of all entries, in force or not. New ones come out of what is left of it; who
 * has more than its part keeps that as far as the others leave room.
 */
static int share_entries(struct round *r, struct sharing *s)
{
	uint64_t room = r->q->settings->entries_max;
	size_t n = r->n_parties;
	int error;

	for (size_t i = 0; i < n; i++)
		s->wants[i] = r->parties[i].held + r->parties[i].wants;
	error = shares_fill(s->wants, n, room, s->gets);
	for (size_t i = 0; i < n; i++)
		r->parties[i].part = s->gets[i];
	for (size_t i = 0; i < n; i++)
		s->wants[i] = in_part(&r->parties[i]);
	if (error == 0)
		error = shares_fill(s->wants, n, r->q->settings->entries_per_round, s->gets);
	for (size_t i = 0; i < n; i++) {
		struct party *p = &r->parties[i];

		p->gets = s->gets[i];
		room = left(room, p->gets + p->held - excess(p));
		s->wants[i] = excess(p);
	}
	if (error == 0)
		error = shares_fill(s->wants, n, room, s->gets);
	for (size_t i = 0; i < n; i++)
		r->parties[i].keeps = r->parties[i].held - excess(&r->parties[i]) + s->gets[i];
	return error;
}

/* An entry in force that has to go where its party has too many. */
struct leaving {
	struct party *party;
	bool wide; /* it stands for many: the last to go */
	uint32_t expires_sec;
	size_t at; /* in r->kept */
	struct prefix prefix;
};

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int leaving_compare(const void *a, const void *b)
{
	const struct leaving *x = a, *y = b;
	int order = ORDER(x->party, y->party);

	if (!order)
		order = ORDER(x->wide, y->wide);
	if (!order)
		order = ORDER(x->expires_sec, y->expires_sec);
	return order ? order : prefix_compare(&x->prefix, &y->prefix);
}

static void add_leaving(const struct round *r, const struct entry *e, size_t at, bool wide,
			struct leaving *list, size_t *n)
{
	struct party *p = round_party(r, e->row.campaign);

	if (p->keeps >= p->held)
		return;
	list[(*n)++] = (struct leaving){
		.party = p,
		.wide = wide,
		.expires_sec = e->row.expires_sec,
		.at = at,
		.prefix = e->prefix,
	};
}

static void take_kept(struct round *r, bool *gone)
{
	size_t n = 0;

	for (size_t i = 0; i < r->kept->n; i++)
		if (!gone[i])
			r->kept->list[n++] = r->kept->list[i];
	r->kept->n = n;
}

static int refuse_leaving(struct round *r, const struct leaving *first, uint64_t n)
{
	const struct campaign *c = first->party->campaign;

	r->j->budget_spent = true;
	return round_refuse(r, &first->prefix, c ? c->id : 0,
			    "limit of %u automatic entries: %" PRIu64
			    " make room for other campaigns, its share is %" PRIu64,
			    r->q->settings->entries_max, n, first->party->part);
}

/* Those with the least time left go first. */
static int make_room(struct round *r)
{
	_cleanup_(freep) struct leaving *list =
		calloc(r->kept->n + r->covering->n + 1, sizeof(*list));
	_cleanup_(freep) bool *gone = calloc(r->kept->n + 1, sizeof(*gone));
	size_t n = 0;
	int error = 0;

	if (!list || !gone)
		return -ENOMEM;
	for (size_t i = 0; i < r->kept->n; i++)
		add_leaving(r, &r->kept->list[i], i, false, list, &n);
	for (size_t i = 0; n && i < r->covering->n; i++)
		if (round_held_wide(r, &r->covering->list[i].prefix))
			add_leaving(r, &r->covering->list[i], 0, true, list, &n);
	qsort(list, n, sizeof(*list), leaving_compare);
	for (size_t i = 0; i < n && error == 0; i++) {
		struct party *p = list[i].party;

		if (p->held == p->keeps)
			continue;
		if (!i || list[i - 1].party != p)
			error = refuse_leaving(r, &list[i], p->held - p->keeps);
		p->held--;
		if (list[i].wide)
			(void)entries_remove(r->covering, &list[i].prefix);
		else
			gone[list[i].at] = true;
	}
	take_kept(r, gone);
	return error;
}

static void wait_for_room(struct candidate *x)
{
	if (!x->party->waiting++)
		x->party->first_waiting = x->entry.prefix;
}

/* Is it the very entry that was let in, and not another campaign's for the same prefix? */
static bool is_covering(const struct round *r, const struct candidate *x)
{
	const struct entry *e = entries_find(r->covering, &x->entry.prefix);

	return e && e->row.campaign == x->entry.row.campaign;
}

/* Those for more than one source come first. */
static void take_new(struct round *r)
{
	size_t n = 0;

	for (size_t i = r->wide_held; i < r->wide.n; i++) {
		struct candidate *x = &r->wide.list[i];

		if (!is_covering(r, x))
			continue;
		if (x->party->gets) {
			x->party->gets--;
		} else {
			wait_for_room(x);
			(void)entries_remove(r->covering, &x->entry.prefix);
		}
	}
	for (size_t i = 0; i < r->lone.n; i++) {
		struct candidate *x = &r->lone.list[i];

		if (!x->party->gets) {
			wait_for_room(x);
			continue;
		}
		x->party->gets--;
		r->lone.list[n++] = *x;
	}
	r->lone.n = n;
}

/* `gets`: before they were taken. */
static int refuse_waiting(struct round *r, const struct party *p, uint64_t gets)
{
	bool of_all = gets == in_part(p);

	r->j->budget_spent = true;
	return round_refuse(r, &p->first_waiting, p->campaign->id,
			    "limit of %u %s: %zu more wait, its share is %" PRIu64,
			    of_all ? r->q->settings->entries_max
				   : r->q->settings->entries_per_round,
			    of_all ? "automatic entries" : "new entries a round", p->waiting,
			    of_all ? p->part : gets);
}

int budget_entries(struct round *r)
{
	_cleanup_(sharing_clear) struct sharing s = {
		.wants = calloc(r->n_parties, sizeof(*s.wants)),
		.gets = calloc(r->n_parties, sizeof(*s.gets)),
	};
	int error;

	if (!s.wants || !s.gets)
		return -ENOMEM;
	for (size_t i = 0; i < r->kept->n; i++)
		round_party(r, r->kept->list[i].row.campaign)->held++;
	for (size_t i = 0; i < r->lone.n; i++)
		r->lone.list[i].party->wants++;
	error = share_entries(r, &s);
	for (size_t i = 0; i < r->n_parties; i++)
		s.gets[i] = r->parties[i].gets;
	if (error == 0)
		error = make_room(r);
	if (error == 0)
		take_new(r);
	for (size_t i = 0; i < r->n_parties && error == 0; i++)
		if (r->parties[i].waiting)
			error = refuse_waiting(r, &r->parties[i], s.gets[i]);
	return error;
}
