/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries against sources: both are sorted by address, and walked together once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/judge/impact.h"

#define NETWORK 64 /* what IPv6 is counted in */
#define NOBODY UINT32_MAX

/* ---- who is there ---- */

static void mark_members(struct impact_view *v, const struct campaign *c)
{
	struct prefix p;
	size_t first, end;

	for (size_t i = 0; i < c->n_members; i++) {
		p = prefix_of(c->members[i].source, 128);
		order_within(v->order, v->n, &p, &first, &end);
		for (size_t k = first; k < end; k++)
			v->member[v->order[k].at] = true;
	}
}

int impact_view_new(const struct campaigns *c, const struct features *f, size_t n,
		    uint32_t v6_source, struct impact_view *ret)
{
	struct impact_view v = { .campaigns = c, .f = f, .n = n, .v6_source = v6_source };
	int r = order_by_address(f, n, &v.order);

	if (r < 0)
		return r;
	v.member = calloc(n + 1, sizeof(*v.member));
	if (!v.member) {
		impact_view_clear(&v);
		return -ENOMEM;
	}
	for (size_t i = 0; c && i < c->n; i++)
		if (!c->list[i].ended_sec)
			mark_members(&v, &c->list[i]);
	for (size_t i = 0; i < n; i++) {
		v.honest += !v.member[i];
		v.requests += v.member[i] ? 0 : f[i].requests;
	}
	*ret = v;
	return 0;
}

void impact_view_clear(struct impact_view *v)
{
	free(v->order);
	free(v->member);
	*v = (struct impact_view){ 0 };
}

/* A source with the campaign's ClientHello and mostly long gaps is not yet a member, but no
 * innocent either. An entry outlives a round that does not find its campaign; then the gaps alone
 * must tell its members, whom nobody accuses now, from innocents. */
static bool resembles(const struct features *f, const struct campaign *c)
{
	if (c && f->hello_key != c->hello_key)
		return false;
	return f->gap_single + f->gap_dual > f->gap_none;
}

/* ---- space ---- */

uint64_t impact_space(const struct prefix *p)
{
	if (prefix_is_v4(p))
		return 1ull << (128 - p->len);
	if (p->len >= NETWORK)
		return 1;
	return p->len ? 1ull << (NETWORK - p->len) : UINT64_MAX;
}

static void add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

/* The first entry that does not sort before a prefix. */
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

uint64_t impact_space_added(const struct entries *covered, const struct prefix *p)
{
	const struct prefix *last = NULL;
	uint64_t space = impact_space(p), within = 0;

	if (entries_match(covered, p))
		return 0;
	for (size_t i = position(covered, p); i < covered->n; i++) {
		const struct prefix *inner = &covered->list[i].prefix;

		if (!prefix_covers(p, inner))
			break;
		if (last && prefix_covers(last, inner))
			continue;
		last = inner;
		within += impact_space(inner);
	}
	return space > within ? space - within : 0;
}

/* ---- a list ---- */

/* One walk over entries and sources. */
struct walk {
	const struct impact_view *view;
	const struct entry *list;
	uint32_t *above; /* of each entry: the nearest one before it that covers it, or NOBODY */
	uint32_t last;	 /* the entry that was met last */
	const struct campaign *campaign; /* that was asked for last */
	struct impact impact;
	const struct features *examples[IMPACT_EXAMPLES];
};

/* An entry for a part of a source hits that source. */
static struct prefix reach(const struct impact_view *v, const struct prefix *p)
{
	return prefix_is_v4(p) || p->len <= v->v6_source ? *p : prefix_parent(p, v->v6_source);
}

/* What lies in a prefix that was counted is not counted again. */
static void count_space(struct walk *w, size_t n)
{
	struct prefix top = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct prefix p = w->list[i].prefix;
		bool v4 = prefix_is_v4(&p);

		if (!v4 && p.len > NETWORK)
			p = prefix_parent(&p, NETWORK);
		if (i && prefix_covers(&top, &p))
			continue;
		top = p;
		add(v4 ? &w->impact.addresses_v4 : &w->impact.networks_v6, impact_space(&p));
	}
}

static void find_above(struct walk *w, size_t n)
{
	uint32_t at = NOBODY;

	for (uint32_t i = 0; i < n; i++) {
		const struct prefix p = reach(w->view, &w->list[i].prefix);

		for (; at != NOBODY; at = w->above[at]) {
			const struct prefix wide = reach(w->view, &w->list[at].prefix);

			if (prefix_covers(&wide, &p))
				break;
		}
		w->above[i] = at;
		at = i;
	}
}

/* The longest entry that hits the source, of those met; NULL: none. */
static const struct entry *hit(const struct walk *w, const struct features *f)
{
	const struct prefix source = prefix_of(f->source, 128);

	for (uint32_t at = w->last; at != NOBODY; at = w->above[at]) {
		const struct entry *e = &w->list[at];
		struct prefix p = reach(w->view, &e->prefix);

		if (!prefix_covers(&p, &source))
			continue;
		if (!e->row.hello_key || e->row.hello_key == f->hello_key)
			return e;
	}
	return NULL;
}

static void add_example(struct walk *w, const struct features *f)
{
	uint32_t at = w->impact.n_examples;

	if (at < IMPACT_EXAMPLES)
		w->impact.n_examples++;
	else if (w->examples[--at]->requests >= f->requests)
		return;
	for (; at && w->examples[at - 1]->requests < f->requests; at--)
		w->examples[at] = w->examples[at - 1];
	w->examples[at] = f;
}

/* The campaign of an entry; mostly the same one as before. */
static const struct campaign *campaign_of(struct walk *w, const struct entry *e)
{
	if (!e->row.campaign || !w->view->campaigns)
		return NULL;
	if (!w->campaign || w->campaign->id != e->row.campaign)
		w->campaign = campaigns_find(w->view->campaigns, e->row.campaign);
	return w->campaign;
}

static void count_source(struct walk *w, uint32_t at)
{
	const struct impact_view *v = w->view;
	const struct features *f = &v->f[at];
	const struct entry *e = hit(w, f);

	if (!e)
		return;
	w->impact.sources++;
	if (v->member[at]) {
		w->impact.members++;
		return;
	}
	if (resembles(f, campaign_of(w, e)))
		return;
	w->impact.honest++;
	w->impact.honest_requests += f->requests;
	add_example(w, f);
}

/* Does an entry begin before or at a source? Then it is the nearest one that may cover it. */
static bool begins(const struct walk *w, const struct entry *e, const struct ordered *source)
{
	const struct prefix p = reach(w->view, &e->prefix);
	uint64_t hi = seine_addr_word(p.ip), lo = seine_addr_word(p.ip + 8);

	return hi < source->hi || (hi == source->hi && lo <= source->lo);
}

int impact_of(const struct impact_view *v, const struct entry *list, size_t n, struct impact *ret)
{
	_cleanup_(freep) uint32_t *above = calloc(n + 1, sizeof(*above));
	struct walk w = { .view = v, .list = list, .above = above, .last = NOBODY };
	size_t met = 0, first = 0, end = v->n;

	if (!above)
		return -ENOMEM;
	count_space(&w, n);
	find_above(&w, n);
	if (n == 1) {
		const struct prefix p = reach(v, &list->prefix);

		order_within(v->order, v->n, &p, &first, &end);
	}
	for (size_t i = first; i < end; i++) {
		while (met < n && begins(&w, &list[met], &v->order[i]))
			w.last = (uint32_t)met++;
		count_source(&w, v->order[i].at);
	}
	for (uint32_t i = 0; i < w.impact.n_examples; i++)
		memcpy(w.impact.examples[i], w.examples[i]->source, 16);
	*ret = w.impact;
	return 0;
}
