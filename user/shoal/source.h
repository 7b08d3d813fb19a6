/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is one source behind a second leg? An e-process over the gap classes of its handshakes.
 *
 *	E = product over handshakes of f1(class) / f0(class)
 *
 * f1 is what a split connection shows, f0 what a direct one does. While a source is direct, E is a
 * nonnegative martingale of mean 1, so by Ville's inequality it ever reaches 1/a with chance at
 * most a, however often one looks: no correction for looking every ten seconds is needed.
 *
 * Handshakes lose weight with age (struct trail), because addresses change hands. E to a power
 * below 1 is still an e-value (Jensen), so that only makes it slower to accuse; over a time of n
 * half-lives the chance to reach 1/a at all is about n a, as if one had begun anew so often.
 */
#ifndef SHOAL_SOURCE_H
#define SHOAL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/sight/observation.h"

/*
 * log10 of the e-value from which on a source counts as behind a second leg. 10^4 because two dual
 * gaps reach it even with one clean handshake beside them, while of a million direct sources at
 * most 100 do in a window. Those spread over all cells of rate and size; to be blamed they would
 * have to be found where the campaign is as well.
 */
#define SOURCE_PROVEN 4.0

/*
 * From here on a source belongs to its cohort, but is not blamed: one dual gap reaches it where
 * lines are good. What a cohort does can so be seen when each of its addresses is used but once.
 */
#define SOURCE_SPLIT 2.0

/* How often a direct connection's handshake looks split, learned from the direct sources at hand. */
struct noise {
	double single, dual;
	size_t sources;				     /* learned from */
	double weigh_none, weigh_single, weigh_dual; /* log10 of f1 / f0 */
};

struct noise noise_of(double single, double dual, size_t sources);

struct noise noise_learn(const struct features *f, size_t n);

/* log10 of the source's e-value. */
double source_log10_e(const struct noise *noise, const struct features *f);

/* Its handshakes with a trustworthy gap sample, by weight. */
float source_samples(const struct features *f);

/* Was it asked but once? */
bool source_asked_once(const struct features *f);
/* Of split sources asked once, how many look direct to one that looks split. */
double source_hidden_ratio(void);

/* Handshakes needed to seem split at all: sources with fewer say nothing about this question. */
uint32_t noise_samples_min(const struct noise *noise);

#endif
