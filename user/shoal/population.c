/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of a round: order, judgement of each, and who lives around it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/shoal/population.h"
#include "user/shoal/seeds.h"
#include "user/shoal/space.h"
#include "user/sight/asns.h"
#include "user/sight/order.h"

/* Sources above this quantile of volume are spared: who sends that much is either many people or
 * visible to any per-source limit. */
#define VOLUME_QUANTILE 0.995
#define VOLUME_STEPS 16 /* of its histogram, per octave: reads at most 4.4 % too high */

void population_free(struct population *p)
{
	if (!p)
		return;
	free(p->list);
	free(p->order);
	free(p->by_key);
	free(p->by_asn);
	free(p);
}

static void population_freep(struct population **p)
{
	population_free(*p);
}

static unsigned int volume_step(uint32_t requests)
{
	return (unsigned int)floor(VOLUME_STEPS * log2(fmax(requests, 1)));
}

static double volume_high(const struct features *f, size_t n)
{
	size_t histogram[32 * VOLUME_STEPS] = { 0 }, below = 0;
	unsigned int step = 0;

	for (size_t i = 0; i < n; i++)
		histogram[volume_step(f[i].requests)]++;
	while (step < ARRAY_LEN(histogram)) {
		below += histogram[step++];
		if ((double)below >= VOLUME_QUANTILE * (double)n)
			break;
	}
	return exp2((double)step / VOLUME_STEPS);
}

static struct source judge(const struct population *p, const struct features *f,
			   const struct shoal_settings *s)
{
	float log10_e = (float)source_log10_e(&p->noise, f);
	struct source ret = {
		.f = f,
		.hello_key = f->hello_key,
		.bin = space_bin(f),
		.log10_e = log10_e,
		.asked = source_samples(f) > 0,
		.leans = log10_e > 0,
		.split = log10_e >= SOURCE_SPLIT,
		.proven = log10_e >= SOURCE_PROVEN,
		/* The estimate of k stacks lies up to a half above k. */
		.shared = f->stacks > s->stacks_max + 0.5 || f->requests > p->requests_high,
	};

	/* To seem split takes some handshakes, so whoever is compared with those must have
	 * made as many requests: the rest of the crowd is idler by definition. */
	ret.counts =
		ret.asked && ret.split == ret.leans && f->log_request > 0 &&
		fmaxf((float)f->requests, source_samples(f)) >= (float)noise_samples_min(&p->noise);
	return ret;
}

static int group_by_key(struct population *p)
{
	_cleanup_(freep) struct ordered *order = calloc(p->n + 1, sizeof(*order));
	int r;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		order[i] = (struct ordered){ 0, p->list[i].hello_key, (uint32_t)i };
	r = order_sort(order, p->n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n; i++)
		p->by_key[i] = order[i].at;
	return 0;
}

static const unsigned int place_v4[PLACE_LEVELS] = { 24, 20, 16 };
static const unsigned int place_v6[PLACE_LEVELS] = { 48, 40, 32 };

static bool is_v4(const struct ordered *o)
{
	return seine_addr_is_v4(o->hi, o->lo);
}

bool population_near(const struct population *p, size_t a, size_t b, unsigned int level)
{
	const struct ordered *x = &p->order[a], *y = &p->order[b];

	if (is_v4(x) != is_v4(y))
		return false;
	if (is_v4(x))
		return !((x->lo ^ y->lo) >> (32 - place_v4[level]));
	return !((x->hi ^ y->hi) >> (64 - place_v6[level]));
}

struct prefix population_place(const struct population *p, size_t at, unsigned int level)
{
	return prefix_of(p->list[at].f->source,
			 is_v4(&p->order[at]) ? PREFIX_V4_BASE + place_v4[level] : place_v6[level]);
}

const struct source *population_find(const struct population *p, const uint8_t ip[16])
{
	struct prefix address = prefix_of(ip, 128);
	size_t first, end;

	order_within(p->order, p->n, &address, &first, &end);
	return first < end ? &p->list[first] : NULL;
}

static void count_around(struct population *p, unsigned int level)
{
	size_t end;

	for (size_t first = 0; first < p->n; first = end) {
		for (end = first + 1; end < p->n; end++)
			if (!population_near(p, first, end, level))
				break;
		for (size_t i = first; i < end; i++)
			p->list[i].around[level] = (uint32_t)(end - first);
		p->places++;
	}
}

/* How many sources each network holds, from positions by network. */
static void count_networks(struct population *p, const struct ordered *order)
{
	size_t end;

	for (size_t first = 0; first < p->n; first = end) {
		for (end = first + 1; end < p->n; end++)
			if (order[end].lo != order[first].lo)
				break;
		if (!order[first].lo)
			continue;
		for (size_t i = first; i < end; i++)
			p->list[order[i].at].around_asn = (uint32_t)(end - first);
		p->places++;
	}
}

/* Sorted by network, and then by hello key: a cohort finds its networks side by side, at the places
 * in by_asn that it has in by_key. */
static int find_networks(struct population *p, const struct asns *asns)
{
	_cleanup_(freep) struct ordered *order = calloc(p->n + 1, sizeof(*order));
	int r;

	p->by_asn = calloc(p->n + 1, sizeof(*p->by_asn));
	if (!order || !p->by_asn)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		p->list[i].asn = asns_find(asns, p->list[i].f->source);
		order[i] = (struct ordered){ 0, p->list[i].asn, (uint32_t)i };
	}
	r = order_sort(order, p->n);
	if (r < 0)
		return r;
	count_networks(p, order);
	for (size_t i = 0; i < p->n; i++)
		order[i] = (struct ordered){ 0, p->list[order[i].at].hello_key, order[i].at };
	r = order_sort(order, p->n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n; i++)
		p->by_asn[i] = order[i].at;
	return 0;
}

int population_new(const struct shoal_question *q, const struct shoal_settings *s,
		   struct population **ret)
{
	const struct features *f = q->f;
	size_t n = q->n;
	_cleanup_(population_freep) struct population *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->n = n;
	p->window = q->window;
	p->now_sec = q->now_sec;
	p->slot = q->slot;
	p->day_sec = s->day_sec;
	p->days = fmax((double)(q->now_sec - q->since_sec) / s->day_sec, 1.0 / SPAN_DAY_SLOTS);
	p->list = calloc(n + 1, sizeof(*p->list));
	p->by_key = calloc(n + 1, sizeof(*p->by_key));
	if (!p->list || !p->by_key)
		return -ENOMEM;
	r = order_by_address(f, n, &p->order);
	if (r < 0)
		return r;

	p->noise = noise_learn(f, n);
	p->requests_high = volume_high(f, n);
	for (size_t i = 0; i < n; i++) {
		p->list[i] = judge(p, &f[p->order[i].at], s);
		p->list[i].seed = seeds_hold(q->seeds, p->list[i].f->source);
		p->seeds += p->list[i].seed;
		p->asked += p->list[i].asked;
		p->leaning += p->list[i].leans;
	}
	for (unsigned int level = 0; level < PLACE_LEVELS; level++)
		count_around(p, level);
	r = group_by_key(p);
	if (r == 0 && q->asns)
		r = find_networks(p, q->asns);
	if (r < 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}
