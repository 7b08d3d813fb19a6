/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of a campaign, as one round finds it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"

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

size_t campaigns_living(const struct campaigns *c)
{
	size_t n = 0;

	for (size_t i = 0; c && i < c->n; i++)
		n += !c->list[i].ended_sec;
	return n;
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

#define OVERLAP_SAMPLE 64 /* a share of one half is then known to +-12 points at 95 % */

double campaign_overlap(const struct campaign *a, const struct campaign *b)
{
	size_t step = a->n_members / OVERLAP_SAMPLE + 1, asked = 0, common = 0;

	for (size_t i = 0; i < a->n_members; i += step) {
		asked++;
		common += campaign_member(b, a->members[i].source) != NULL;
	}
	return asked ? (double)common / (double)asked : 0;
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

int campaign_copy(const struct campaign *c, struct campaign *ret)
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

static struct member member_of(const struct population *p, const struct source *s, double lfdr)
{
	struct member m = {
		.lfdr = s->seed ? 0 : lfdr,
		.log10_e = s->log10_e,
		.requests = s->f->requests,
		.gap_ms = s->f->gap_ms,
		.alone = s->f->stacks < STACKS_ALONE,
		.seed = s->seed,
		.window = (uint8_t)p->window,
		.last_sec = p->now_sec,
		.joined_sec = p->now_sec,
	};

	memcpy(m.source, s->f->source, sizeof(m.source));
	return m;
}

#define HOURS 24 /* of a day */

/* Requests a day; of one who came lately, since then, but at least over an hour. */
static double rate_of(const struct population *p, const struct features *f)
{
	double age = fmax((double)f->age_sec / p->day_sec, 1.0 / HOURS);

	return f->requests / fmin(p->days, age);
}

/* Those that the evidence speaks of, and those that an operator named, but none that many share,
 * that is not proven for itself, or that has not been heard for a day: dropping it would do
 * nothing. */
static int collect_members(const struct population *p, const struct cohort *c,
			   const struct shoal_settings *s, struct campaign *ret)
{
	const struct source *source;

	ret->members = calloc(c->n, sizeof(*ret->members));
	if (!ret->members)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		source = &p->list[c->split[i]];
		if (c->lfdr[i] > s->lfdr_max && !source->seed)
			continue;
		if (source->shared) {
			ret->shared++;
			continue;
		}
		if (source->f->idle_sec > p->day_sec) {
			ret->idle++;
			continue;
		}
		ret->rate += rate_of(p, source->f);
		if (!source->proven) {
			ret->fleeting++;
			continue;
		}
		ret->members[ret->n_members] = member_of(p, source, c->lfdr[i]);
		ret->requests += source->f->requests;
		ret->lfdr_max = fmax(ret->lfdr_max, ret->members[ret->n_members++].lfdr);
	}
	ret->found = (uint32_t)ret->n_members;
	ret->rate_max = ret->rate;
	return 0;
}

static int float_compare(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The q-th quantile of n values, which it sorts. */
static float quantile(float *values, size_t n, double q)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), float_compare);
	return values[(size_t)(q * (double)n)];
}

/* Of the sources that the evidence speaks of: second legs, and the sizes of what they do. */
static int measure(const struct population *p, const struct cohort *c, double lfdr_max,
		   struct campaign *ret)
{
	_cleanup_(freep) float *values = calloc(3 * c->n + 1, sizeof(*values));
	const struct features *f;
	size_t n = 0;

	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		if (c->lfdr[i] > lfdr_max)
			continue;
		f = p->list[c->split[i]].f;
		values[n] = f->gap_ms;
		values[c->n + n] = f->log_request;
		values[2 * c->n + n++] = f->log_response;
	}
	ret->gap_low_ms = quantile(values, n, 0.05);
	ret->gap_high_ms = quantile(values, n, 0.95);
	ret->log_request = quantile(values + c->n, n, 0.5);
	ret->log_response = quantile(values + 2 * c->n, n, 0.5);
	return 0;
}

int campaign_build(const struct population *p, const struct cohort *c,
		   const struct shoal_settings *s, struct campaign *ret)
{
	_cleanup_(campaign_clearp) struct campaign built = {
		.hello_key = c->hello_key,
		.gap = c->gap,
		.window = p->window,
		.last_sec = p->now_sec,
		.sources = (uint32_t)c->n,
		.p_combined = c->p,
		.q_value = c->q,
	};
	int r;

	built.seen_sec[p->window] = p->now_sec;
	memcpy(built.evidence, c->evidence, sizeof(built.evidence));
	memcpy(built.p_without, c->p_without, sizeof(built.p_without));
	memcpy(built.stands_without, c->stands_without, sizeof(built.stands_without));
	r = collect_members(p, c, s, &built);
	if (r < 0)
		return r;
	r = measure(p, c, s->lfdr_max, &built);
	if (r < 0)
		return r;
	*ret = built;
	built.members = NULL;
	return 0;
}
