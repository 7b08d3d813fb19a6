/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The e-process of one source.
 *
 * The noise of direct connections is learned from sources that are direct by majority of their own
 * handshakes. A trimmed mean over all sources would learn the swarm itself where the swarm is the
 * larger part of the sources, which on an API host it may be.
 */
#include <math.h>
#include "user/shoal/source.h"

/* What split connections show: laboratory and field figures of passive cross-layer RTT studies. */
#define SPLIT_DUAL 0.75
#define SPLIT_SINGLE 0.15
#define SPLIT_NONE 0.10

/* Never believe less noise than lossy mobile lines have, nor so much that nothing can be seen: a
 * direct dual gap needs two independent accidents in one handshake. */
#define NOISE_DUAL_MIN 3e-4
#define NOISE_DUAL_MAX 0.02
#define NOISE_SINGLE_MIN 0.03
#define NOISE_SINGLE_MAX 0.25

#define FIXED_ONE (1ull << 32)
#define LEARN_SAMPLES 4	 /* handshakes that make a majority meaningful */
#define LEARN_SOURCES 50 /* fewer are an anecdote: stay at the floor */

static uint32_t samples_in_window(const struct features *f)
{
	return f->gap_none + f->gap_single + f->gap_dual;
}

float source_samples(const struct features *f)
{
	return f->trail.none + f->trail.single + f->trail.dual;
}

static double clamp(double x, double low, double high)
{
	return fmin(fmax(x, low), high);
}

static double mean(uint64_t sum, size_t n)
{
	return (double)sum / (double)FIXED_ONE / (double)n;
}

struct noise noise_of(double single, double dual, size_t sources)
{
	return (struct noise){
		.single = single,
		.dual = dual,
		.sources = sources,
		.weigh_dual = log10(SPLIT_DUAL / dual),
		.weigh_single = log10(SPLIT_SINGLE / single),
		.weigh_none = log10(SPLIT_NONE / (1 - single - dual)),
	};
}

/* Each source has one vote, so that a busy one on a bad line does not speak for all. Shares are
 * summed in fixed point: the result must not depend on the order of sources. */
struct noise noise_learn(const struct features *f, size_t n)
{
	uint64_t single = 0, dual = 0, samples;
	size_t sources = 0;

	for (size_t i = 0; i < n; i++) {
		samples = samples_in_window(&f[i]);
		if (samples < LEARN_SAMPLES || f[i].gap_none * 2ull <= samples)
			continue;
		single += (f[i].gap_single * FIXED_ONE) / samples;
		dual += (f[i].gap_dual * FIXED_ONE) / samples;
		sources++;
	}
	if (sources < LEARN_SOURCES)
		return noise_of(NOISE_SINGLE_MIN, NOISE_DUAL_MIN, sources);
	return noise_of(clamp(mean(single, sources), NOISE_SINGLE_MIN, NOISE_SINGLE_MAX),
			clamp(mean(dual, sources), NOISE_DUAL_MIN, NOISE_DUAL_MAX), sources);
}

double source_log10_e(const struct noise *noise, const struct features *f)
{
	return f->trail.dual * noise->weigh_dual + f->trail.single * noise->weigh_single +
	       f->trail.none * noise->weigh_none;
}

bool source_asked_once(const struct features *f)
{
	return source_samples(f) < 1.5f;
}

double source_hidden_ratio(void)
{
	return SPLIT_NONE / SPLIT_DUAL;
}

uint32_t noise_samples_min(const struct noise *noise)
{
	return (uint32_t)ceil(SOURCE_SPLIT / noise->weigh_dual);
}
