/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Made-up populations of sources.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "tests/sim/crowd.h"

#define STACKS 40
#define RATE_MEDIAN 12.0 /* requests a day */
#define RATE_SD 2.0
#define REQUEST_MEAN 8.0 /* logarithm of bytes */
#define RESPONSE_MEAN 10.0
#define SIZE_SD 1.0	 /* between users */
#define SIZE_WITHIN 0.73 /* between one user's requests */
#define SPLIT_SHARE 0.03

const struct sim_campaign sim_campaign_typical = {
	.sources = 1000,
	.per_day = 25.6,
	.stack = 1,
	.request = 8.3,
	.response = 9.6,
	.request_sd = 0.3,
	.response_sd = 0.6,
	.dense = 0.2,
};

/* What a handshake shows, by chance. */
struct leg {
	double dual, single;
};
static const struct leg direct_leg = { 0.0003, 0.02 }, lossy_leg = { 0.002, 0.15 };
static const struct leg split_leg = { 0.75, 0.15 }, swarm_leg = { 0.80, 0.13 };

static uint64_t draw(struct crowd_rng *r)
{
	r->state += 0x9e3779b97f4a7c15ull;
	return seine_mix64(r->state);
}

static double uniform(struct crowd_rng *r)
{
	return ((double)(draw(r) >> 11) + 0.5) * 0x1p-53;
}

static double normal(struct crowd_rng *r)
{
	return sqrt(-2 * log(uniform(r))) * cos(2 * M_PI * uniform(r));
}

static uint32_t poisson(struct crowd_rng *r, double mean)
{
	double product = 1, limit = exp(-mean);
	uint32_t k = 0;

	if (mean > 30)
		return (uint32_t)fmax(0, round(mean + sqrt(mean) * normal(r)));
	while ((product *= uniform(r)) > limit)
		k++;
	return k;
}

static uint32_t below(struct crowd_rng *r, uint32_t n)
{
	return (uint32_t)(draw(r) % n);
}

uint64_t sim_key(unsigned int stack)
{
	return seine_mix64(stack + 1);
}

/* A tenth of people use the most common stack, the others ever fewer. */
static unsigned int some_stack(struct crowd_rng *r)
{
	return (unsigned int)(STACKS * pow(uniform(r), 1.6));
}

void sim_init(struct sim *s, uint64_t seed, double window_days)
{
	*s = (struct sim){ .window_days = window_days, .rng = { seine_mix64(seed) } };
}

void sim_free(struct sim *s)
{
	free(s->list);
	free(s->kind);
}

static struct features *append(struct sim *s, enum kind kind, const struct features *f)
{
	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 1024;
		s->list = realloc(s->list, s->room * sizeof(*s->list));
		s->kind = realloc(s->kind, s->room * sizeof(*s->kind));
		if (!s->list || !s->kind)
			abort();
	}
	s->list[s->n] = *f;
	s->kind[s->n] = kind;
	return &s->list[s->n++];
}

static void put_v4(struct features *f, uint32_t address)
{
	memset(f->source, 0, 10);
	f->source[10] = f->source[11] = 0xff;
	for (int i = 0; i < 4; i++)
		f->source[12 + i] = (uint8_t)(address >> (24 - 8 * i));
}

/* Providers own /16s of very different popularity; a tenth of sources speak IPv6. */
static void put_anywhere(struct crowd_rng *r, struct features *f)
{
	uint32_t provider = (uint32_t)(4000 * pow(uniform(r), 2));
	uint64_t subnet;

	if (below(r, 10)) {
		put_v4(f, (20u + provider / 256) << 24 | (provider % 256) << 16 | below(r, 65536));
		return;
	}
	subnet = 0x2400ull << 48 | (uint64_t)provider << 32 | (draw(r) & 0xffffffff);
	memset(f->source, 0, 16);
	for (int i = 0; i < 8; i++)
		f->source[i] = (uint8_t)(subnet >> (56 - 8 * i));
}

static void see_handshakes(struct crowd_rng *r, const struct leg *leg, struct features *f)
{
	double u;

	for (uint32_t i = 0; i < f->handshakes; i++) {
		u = uniform(r);
		if (u < leg->dual)
			f->gap_dual++;
		else if (u < leg->dual + leg->single)
			f->gap_single++;
		else
			f->gap_none++;
	}
	f->trail = (struct trail){
		.none = (float)f->gap_none,
		.single = (float)f->gap_single,
		.dual = (float)f->gap_dual,
	};
	f->gap_ms = f->gap_dual + f->gap_single ? (float)(25 + 80 * uniform(r)) : 0;
}

/* Means of the logarithms of sizes, over the source's own requests. */
static void see_sizes(struct crowd_rng *r, double request, double response, double request_sd,
		      double response_sd, struct features *f)
{
	double root = sqrt(f->requests);

	f->log_request = (float)(request + request_sd / root * normal(r));
	f->log_response = (float)(response + response_sd / root * normal(r));
	f->request_bytes = exp(f->log_request) * f->requests;
	f->response_bytes = exp(f->log_response) * f->requests;
}

static void see_rest(struct crowd_rng *r, unsigned int stack, double stacks, struct features *f)
{
	f->hello_key = sim_key(stack);
	f->syn_class = below(r, 5);
	f->stacks = (float)stacks;
	f->connections = f->handshakes;
	f->rtt_ms = (float)(5 + 60 * uniform(r));
	f->age_sec = 1 + below(r, 86400);
}

/* A person or group of people with a rate; false when it did nothing in the window. */
static bool live(struct sim *s, double per_day, double request, double response,
		 const struct leg *leg, struct features *f)
{
	struct crowd_rng *r = &s->rng;

	*f = (struct features){ .requests = poisson(r, per_day * s->window_days) };
	if (!f->requests)
		return false;
	/* Some software keeps its connection, some opens one for each request. */
	f->handshakes = below(r, 2) ? f->requests : 1 + poisson(r, f->requests / 8.0);
	see_handshakes(r, leg, f);
	see_sizes(r, request, response, SIZE_WITHIN, SIZE_WITHIN, f);
	put_anywhere(r, f);
	return true;
}

static double lognormal(struct crowd_rng *r, double median, double sd)
{
	return median * exp(sd * normal(r));
}

static void add_people(struct sim *s, size_t n)
{
	struct crowd_rng *r = &s->rng;
	const struct leg *leg;
	struct features f;
	bool split;

	for (size_t i = 0; i < n; i++) {
		split = uniform(r) < SPLIT_SHARE;
		leg = split ? &split_leg : below(r, 10) ? &direct_leg : &lossy_leg;
		if (!live(s, lognormal(r, RATE_MEDIAN, RATE_SD), REQUEST_MEAN + SIZE_SD * normal(r),
			  RESPONSE_MEAN + SIZE_SD * normal(r), leg, &f))
			continue;
		see_rest(r, some_stack(r), 1.0 + (uniform(r) < 0.1), &f);
		append(s, split ? KIND_SPLIT : KIND_DIRECT, &f);
	}
}

static void add_carriers(struct sim *s, size_t n)
{
	struct features f;

	for (size_t i = 0; i < n; i++) {
		if (!live(s, RATE_MEDIAN * (50 + below(&s->rng, 450)), REQUEST_MEAN, RESPONSE_MEAN,
			  &lossy_leg, &f))
			continue;
		see_rest(&s->rng, some_stack(&s->rng), 8 + 20 * uniform(&s->rng), &f);
		append(s, KIND_CARRIER, &f);
	}
}

static void add_offices(struct sim *s, size_t n)
{
	struct features f;

	for (size_t i = 0; i < n; i++) {
		if (!live(s, RATE_MEDIAN * (10 + below(&s->rng, 90)),
			  REQUEST_MEAN + 0.3 * normal(&s->rng),
			  RESPONSE_MEAN + 0.3 * normal(&s->rng), &split_leg, &f))
			continue;
		see_rest(&s->rng, below(&s->rng, 4), 1.0 + below(&s->rng, 3), &f);
		append(s, KIND_OFFICE, &f);
	}
}

static void add_monitors(struct sim *s, size_t n)
{
	double per_day = 1440.0 / (1 + below(&s->rng, 30));
	struct features f;

	for (size_t i = 0; i < n; i++) {
		f = (struct features){ .requests = (uint32_t)ceil(per_day * s->window_days) };
		f.handshakes = f.requests;
		see_handshakes(&s->rng, &direct_leg, &f);
		see_sizes(&s->rng, 6, 6.5, 0.01, 0.01, &f);
		see_rest(&s->rng, 7, 1, &f);
		put_anywhere(&s->rng, &f);
		append(s, KIND_MONITOR, &f);
	}
}

void sim_add_crowd(struct sim *s, size_t sources)
{
	add_people(s, sources);
	add_carriers(s, sources / 500);
	add_offices(s, sources / 500);
	add_monitors(s, sources / 400 < 200 ? sources / 400 : 200);
}

void sim_add_fleet(struct sim *s, const struct sim_fleet *fleet)
{
	struct crowd_rng *r = &s->rng;
	uint32_t subnet = 20u << 24 | below(r, 1u << 22) << 2;
	double request = REQUEST_MEAN + SIZE_SD * normal(r);
	double response = RESPONSE_MEAN + SIZE_SD * normal(r);
	struct features f;

	for (size_t i = 0; i < fleet->sources; i++) {
		if (!live(s, lognormal(r, RATE_MEDIAN, fleet->rate_sd),
			  request + fleet->size_sd * normal(r),
			  response + fleet->size_sd * normal(r), &split_leg, &f))
			continue;
		put_v4(&f, (subnet & ~4095u) + (uint32_t)(i * 5 % 4096));
		see_rest(r, 2, 1, &f);
		append(s, KIND_FLEET, &f);
	}
}

void sim_add_fellows(struct sim *s, const struct sim_fellows *fellows)
{
	double request = REQUEST_MEAN + SIZE_SD * normal(&s->rng);
	double response = RESPONSE_MEAN + SIZE_SD * normal(&s->rng);
	struct features f;
	bool split;

	for (size_t i = 0; i < fellows->split + fellows->direct; i++) {
		split = i < fellows->split;
		if (!live(s, lognormal(&s->rng, RATE_MEDIAN, fellows->rate_sd),
			  request + fellows->size_sd * normal(&s->rng),
			  response + fellows->size_sd * normal(&s->rng),
			  split ? &split_leg : &direct_leg, &f))
			continue;
		see_rest(&s->rng, fellows->stack, 1, &f);
		append(s, split ? KIND_SPLIT : KIND_DIRECT, &f);
	}
}

/* Least recently used first: all have the same count, or one more. */
static uint32_t share_of(struct crowd_rng *r, const struct sim_campaign *c, double mean)
{
	if (c->random)
		return poisson(r, mean);
	return (uint32_t)(mean + uniform(r));
}

void sim_add_campaign(struct sim *s, const struct sim_campaign *c)
{
	struct crowd_rng *r = &s->rng;
	size_t dense = (size_t)(c->dense * (double)c->sources);
	uint32_t subnet = 203u << 24 | below(r, 65536) << 8;
	struct features f;

	for (size_t i = 0; i < c->sources; i++) {
		f = (struct features){ .requests = share_of(r, c, c->per_day * s->window_days) };
		if (!f.requests)
			continue;
		f.handshakes = f.requests;
		see_handshakes(r, &swarm_leg, &f);
		see_sizes(r, c->request, c->response, c->request_sd, c->response_sd, &f);
		see_rest(r, c->stack, 1, &f);
		if (i < dense) /* every other address of one /24 after the other */
			put_v4(&f, subnet + (uint32_t)(i / 100) * 256 + 2 * (i % 100) + 10);
		else
			put_anywhere(r, &f);
		append(s, KIND_SWARM, &f);
	}
}

void sim_shuffle(struct sim *s)
{
	struct features f;
	enum kind kind;
	size_t j;

	for (size_t i = s->n; i > 1; i--) {
		j = draw(&s->rng) % i;
		f = s->list[i - 1];
		s->list[i - 1] = s->list[j];
		s->list[j] = f;
		kind = s->kind[i - 1];
		s->kind[i - 1] = s->kind[j];
		s->kind[j] = kind;
	}
}
