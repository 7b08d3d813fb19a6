/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of a campaign, and its identity over rounds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"

#define ID_MASK 0xffff /* four digits are read out over a phone */

/* The linear count of a single stack is just above 1, of two just above 2. */
#define STACKS_ALONE 1.5

void campaign_clear(struct campaign *c)
{
	free(c->members);
	free(c->prefixes);
}

void campaigns_free(struct campaigns *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		campaign_clear(&c->list[i]);
	free(c->list);
	free(c);
}

const struct campaign *campaigns_find(const struct campaigns *c, uint32_t id)
{
	for (size_t i = 0; c && i < c->n; i++)
		if (c->list[i].id == id)
			return &c->list[i];
	return NULL;
}

static int member_compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return memcmp(x->source, y->source, sizeof(x->source));
}

const struct member *campaign_member(const struct campaign *c, const uint8_t source[16])
{
	struct member key;

	if (!c->n_members)
		return NULL;
	memcpy(key.source, source, sizeof(key.source));
	return bsearch(&key, c->members, c->n_members, sizeof(key), member_compare);
}

static struct member member_of(const struct source *s, double lfdr)
{
	struct member m = {
		.lfdr = lfdr,
		.log10_e = s->log10_e,
		.requests = s->f->requests,
		.gap_ms = s->f->gap_ms,
		.alone = s->f->stacks < STACKS_ALONE,
	};

	memcpy(m.source, s->f->source, sizeof(m.source));
	return m;
}

static int collect_members(const struct population *p, const struct cohort *c,
			   const struct shoal_settings *s, struct campaign *ret)
{
	const struct source *source;

	ret->members = calloc(c->n, sizeof(*ret->members));
	if (!ret->members)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		source = &p->list[c->proven[i]];
		if (c->lfdr[i] > s->lfdr_max)
			continue;
		if (source->shared) {
			ret->shared++;
			continue;
		}
		ret->members[ret->n_members++] = member_of(source, c->lfdr[i]);
		ret->requests += source->f->requests;
		if (c->lfdr[i] > ret->lfdr_max)
			ret->lfdr_max = c->lfdr[i];
	}
	return 0;
}

static int gap_compare(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int measure_gaps(struct campaign *c)
{
	_cleanup_(freep) float *gaps = calloc(c->n_members + 1, sizeof(*gaps));

	if (!gaps)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_members; i++)
		gaps[i] = c->members[i].gap_ms;
	qsort(gaps, c->n_members, sizeof(*gaps), gap_compare);
	if (c->n_members) {
		c->gap_low_ms = gaps[c->n_members * 5 / 100];
		c->gap_high_ms = gaps[c->n_members * 95 / 100];
	}
	return 0;
}

static void campaign_clearp(struct campaign *c)
{
	campaign_clear(c);
}

int campaign_build(const struct population *p, const struct cohort *c,
		   const struct shoal_settings *s, uint32_t now_sec, struct campaign *ret)
{
	_cleanup_(campaign_clearp) struct campaign built = {
		.hello_key = c->hello_key,
		.gap = c->gap,
		.last_sec = now_sec,
		.sources = (uint32_t)c->n,
		.p_combined = c->p,
		.q_value = c->q,
	};
	int r;

	memcpy(built.evidence, c->evidence, sizeof(built.evidence));
	memcpy(built.p_without, c->p_without, sizeof(built.p_without));
	memcpy(built.stands_without, c->stands_without, sizeof(built.stands_without));
	r = collect_members(p, c, s, &built);
	if (r < 0)
		return r;
	r = measure_gaps(&built);
	if (r < 0)
		return r;
	*ret = built;
	built.members = NULL;
	return 0;
}

static size_t members_in_common(const struct campaign *a, const struct campaign *b)
{
	size_t common = 0;

	for (size_t i = 0; i < a->n_members; i++)
		common += campaign_member(b, a->members[i].source) != NULL;
	return common;
}

static bool same_campaign(const struct campaign *a, const struct campaign *b)
{
	size_t fewer = a->n_members < b->n_members ? a->n_members : b->n_members;

	return a->hello_key == b->hello_key || members_in_common(a, b) * 2 > fewer;
}

static void inherit(struct campaigns *c, struct campaign *new, const struct campaigns *before)
{
	for (size_t i = 0; before && i < before->n; i++) {
		if (campaigns_find(c, before->list[i].id) || !same_campaign(new, &before->list[i]))
			continue;
		new->id = before->list[i].id;
		new->first_sec = before->list[i].first_sec;
		return;
	}
}

void campaigns_inherit(struct campaigns *c, const struct campaigns *before, uint32_t now_sec)
{
	uint32_t id;

	for (size_t i = 0; i < c->n; i++)
		inherit(c, &c->list[i], before);
	for (size_t i = 0; i < c->n; i++) {
		if (c->list[i].id)
			continue;
		id = seine_mix64(c->list[i].hello_key + now_sec) & ID_MASK;
		while (!id || campaigns_find(c, id) || campaigns_find(before, id))
			id = (id + 1) & ID_MASK;
		c->list[i].id = id;
		c->list[i].first_sec = now_sec;
	}
}

static int copy_of(const void *list, size_t n, size_t size, void *ret)
{
	void *copy = malloc(n * size + 1);

	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, list, n * size);
	*(void **)ret = copy;
	return 0;
}

static int campaign_copy(const struct campaign *c, struct campaign *ret)
{
	_cleanup_(campaign_clearp) struct campaign copy = *c;
	int r;

	copy.members = NULL;
	copy.prefixes = NULL;
	r = copy_of(c->members, c->n_members, sizeof(*c->members), &copy.members);
	if (r < 0)
		return r;
	r = copy_of(c->prefixes, c->n_prefixes, sizeof(*c->prefixes), &copy.prefixes);
	if (r < 0)
		return r;
	*ret = copy;
	copy.members = NULL;
	copy.prefixes = NULL;
	return 0;
}

int campaigns_hold(struct campaigns *c, const struct campaigns *before, uint32_t now_sec,
		   uint32_t hold_sec)
{
	struct campaign *list;
	int r;

	if (!before || !before->n)
		return 0;
	list = reallocarray(c->list, c->n + before->n, sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->list = list;
	for (size_t i = 0; i < before->n; i++) {
		const struct campaign *old = &before->list[i];

		if (campaigns_find(c, old->id) || now_sec - old->last_sec > hold_sec)
			continue;
		r = campaign_copy(old, &c->list[c->n]);
		if (r < 0)
			return r;
		c->n++;
	}
	return 0;
}
