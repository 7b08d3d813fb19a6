/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chance for simulations: one seed, one course of events. The generator is splitmix64 (Steele, Lea,
 * Flood 2014).
 */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include "bpf/hash.h"

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15ull;
	return seine_mix64(r->state);
}

/* Neither 0 nor 1. */
static inline double rng_uniform(struct rng *r)
{
	return ((double)(rng_next(r) >> 11) + 0.5) * 0x1p-53;
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

static inline bool rng_chance(struct rng *r, double p)
{
	return rng_uniform(r) < p;
}

static inline double rng_between(struct rng *r, double low, double high)
{
	return low + (high - low) * rng_uniform(r);
}

static inline double rng_normal(struct rng *r)
{
	return sqrt(-2 * log(rng_uniform(r))) * cos(2 * M_PI * rng_uniform(r));
}

static inline double rng_lognormal(struct rng *r, double median, double sd)
{
	return median * exp(sd * rng_normal(r));
}

static inline double rng_exponential(struct rng *r)
{
	return -log(rng_uniform(r));
}

static inline double rng_exponential_of(struct rng *r, double mean)
{
	return mean * rng_exponential(r);
}

/* 1, 2, 3...; `mean` is 1 or more. */
static inline uint32_t rng_geometric(struct rng *r, double mean)
{
	if (mean <= 1)
		return 1;
	return 1 + (uint32_t)fmin(1e6, log(rng_uniform(r)) / log1p(-1 / mean));
}

static inline uint32_t rng_poisson(struct rng *r, double mean)
{
	double product = 1, limit = exp(-mean);
	uint32_t k = 0;

	if (mean > 30)
		return (uint32_t)fmax(0, round(mean + sqrt(mean) * rng_normal(r)));
	while ((product *= rng_uniform(r)) > limit)
		k++;
	return k;
}

#endif
