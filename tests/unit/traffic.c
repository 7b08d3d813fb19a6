/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of requests at a rate that wanders, with the day and with customers who come and go. */
#include <math.h>
#include <string.h>
#include "bpf/hash.h"
#include "tests/unit/traffic.h"

#define DAY_SEC 86400.0
#define WANDER_SEC 300.0
#define BATCH_ON_SEC 3600.0
#define BATCH_OFF_SEC (DAY_SEC / 5 - BATCH_ON_SEC)
#define MANY_PER_SEC 20
#define BURST_EVERY 900
#define BURST_SEC 120

static double uniform(struct traffic *t)
{
	t->random += 0x9e3779b97f4a7c15ull;
	return ((double)(seine_mix64(t->random) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct traffic *t)
{
	double radius = sqrt(-2 * log(uniform(t)));

	return radius * cos(2 * M_PI * uniform(t));
}

static uint32_t poisson(struct traffic *t, double mean)
{
	double limit = exp(-mean), product = 1;
	uint32_t n = 0;

	if (mean > 60)
		return (uint32_t)fmax(mean + sqrt(mean) * normal(t) + 0.5, 0);
	while ((product *= uniform(t)) > limit)
		n++;
	return n;
}

void traffic_begin(struct traffic *t, const struct traffic_kind *kind, uint64_t seed)
{
	*t = (struct traffic){
		.kind = kind,
		.random = seed,
		.now_sec = 100000,
		.kept = 1,
		.requests = 1000000,
		.connections = 500000,
	};
}

void traffic_keep(struct traffic *t, double share)
{
	for (int i = 0; i < TRAFFIC_AHEAD; i++)
		t->ahead[i] = poisson(t, t->ahead[i] * share / t->kept);
	t->kept = share;
}

static double batch_factor(struct traffic *t)
{
	if (t->kind->batch <= 0)
		return 1;
	t->batch_left_sec -= TRAFFIC_CYCLE;
	if (t->batch_left_sec <= 0) {
		t->batch = !t->batch;
		t->batch_left_sec = -log(uniform(t)) * (t->batch ? BATCH_ON_SEC : BATCH_OFF_SEC);
	}
	return t->batch ? 1 : 1 - t->kind->batch;
}

static double rate_now(struct traffic *t)
{
	const struct traffic_kind *k = t->kind;
	double left = exp(-TRAFFIC_CYCLE / WANDER_SEC), rate;

	t->wander = t->wander * left + k->wander * sqrt(1 - left * left) * normal(t);
	rate = k->per_sec * exp(t->wander + k->swing * sin(2 * M_PI * t->now_sec / DAY_SEC));
	if (k->burst > 0 && t->now_sec % BURST_EVERY < BURST_SEC)
		rate *= k->burst;
	return rate * batch_factor(t);
}

/* Its requests, exponentially many, are spread over the next minutes. */
static void begin_session(struct traffic *t)
{
	uint32_t n = 1 + (uint32_t)(-log(uniform(t)) * (t->kind->session - 1) + 0.5);

	for (uint32_t i = 0; i < n; i++)
		t->ahead[(uint32_t)(uniform(t) * TRAFFIC_AHEAD)]++;
}

void traffic_step(struct traffic *t)
{
	double mean = rate_now(t) * t->kept * TRAFFIC_CYCLE / t->kind->session;
	uint32_t sessions = poisson(t, mean);

	if (t->kind->per_sec < MANY_PER_SEC) {
		for (uint32_t i = 0; i < sessions; i++)
			begin_session(t);
		t->requests += t->ahead[0];
	} else { /* so many that their sum is as good as normal */
		t->requests +=
			(uint64_t)fmax(t->kind->session * (mean + sqrt(2 * mean) * normal(t)), 0);
	}
	t->connections += sessions;
	memmove(&t->ahead[0], &t->ahead[1], sizeof(t->ahead) - sizeof(t->ahead[0]));
	t->ahead[TRAFFIC_AHEAD - 1] = 0;
	t->now_sec += TRAFFIC_CYCLE;
}
