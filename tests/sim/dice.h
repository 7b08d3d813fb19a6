/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chance for made-up traffic. The same seed gives the same numbers. */
#ifndef SIM_DICE_H
#define SIM_DICE_H

#include <math.h>
#include <stdint.h>
#include "bpf/hash.h"

struct dice {
	uint64_t state;
};

static inline uint64_t dice_draw(struct dice *d)
{
	d->state += 0x9e3779b97f4a7c15ull;
	return seine_mix64(d->state);
}

static inline uint32_t dice_below(struct dice *d, uint32_t n)
{
	return (uint32_t)(dice_draw(d) % n);
}

/* Between 0 and 1, neither of them. */
static inline double dice_share(struct dice *d)
{
	return ((double)(dice_draw(d) >> 11) + 0.5) * 0x1p-53;
}

static inline double dice_between(struct dice *d, double low, double high)
{
	return low + (high - low) * dice_share(d);
}

static inline double dice_exponential(struct dice *d, double mean)
{
	return -mean * log(dice_share(d));
}

static inline double dice_normal(struct dice *d)
{
	return sqrt(-2 * log(dice_share(d))) * cos(2 * M_PI * dice_share(d));
}

#endif
