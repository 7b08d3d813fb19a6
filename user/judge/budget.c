/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom an entry would hit that nobody accuses.
 */
#include "user/judge/round.h"

/* A source with the campaign's ClientHello and mostly long gaps is not yet a member, but no
 * innocent either. An entry outlives a round that does not find its campaign; then the gaps alone
 * must tell its members, whom nobody accuses now, from innocents. */
static bool resembles(const struct features *f, const struct campaign *c)
{
	if (c && f->hello_key != c->hello_key)
		return false;
	return f->gap_single + f->gap_dual > f->gap_none;
}

static bool accused(const struct round *r, const struct features *f)
{
	for (size_t i = 0; i < r->campaigns->n; i++)
		if (!r->campaigns->list[i].ended_sec &&
		    campaign_member(&r->campaigns->list[i], f->source))
			return true;
	return false;
}

int budget_count_benign(struct round *r, const struct entry *e, size_t *ret)
{
	const struct campaign *c = campaigns_find(r->campaigns, e->row.campaign);
	const struct features *f;
	size_t first, end, benign = 0;
	int error;

	if (!r->order) {
		error = order_by_address(r->f, r->n, &r->order);
		if (error < 0)
			return error;
	}
	order_within(r->order, r->n, &e->prefix, &first, &end);
	for (size_t i = first; i < end; i++) {
		f = &r->f[r->order[i].at];
		if (e->row.hello_key && f->hello_key != e->row.hello_key)
			continue;
		benign += !resembles(f, c) && !accused(r, f);
	}
	*ret = benign;
	return 0;
}
