/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots: does the cohort prefer some of the ten minutes of an hour that the crowd does not?
 *
 * Statistic: Pearson's X2 = sum over slots (o - e)^2 / e, where o is how many of the cohort's
 * sources asked in a slot and e what the crowd's shares of the slots within each hour make of the
 * cohort's own total of that hour. So neither time zones nor office hours count, nor does an
 * outage: the crowd shows it, and slots in which the crowd itself is far from the rest of its hour
 * are left out. A source that asked in m of an hour's slots has the chance of m draws without
 * replacement there; who asked in all of them says nothing.
 *
 * Null: sources are independent of each other given their hours, but the cohort as a whole may
 * deviate by INNOCENT_SPREAD = sum (E o - e)^2 / e / (all active slots). Of one source all slots
 * may depend on each other, as a job at five past every hour does: the covariance of the (o - e) /
 * sqrt(e) is estimated from what each source adds to them, its trace and norm give mean and
 * variance of X2, and a scaled chi-square with these moments its tail (Rao and Scott 1981, second
 * order; Satterthwaite 1946; for the noncentral part Patnaik 1949).
 *
 * Blind to on and off in whole hours, to groups whose preferences cancel out (neighbours.c is for
 * them), and to sources that always ask. Innocent jobs that all machines start at the same minute
 * are synchronous.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/shoal/chance.h"
#include "user/shoal/turns.h"

#define SLOTS SPAN_HOUR_SLOTS

/*
 * Work that starts and stops at a sharp moment in the middle of an hour puts all requests of that
 * hour into half of it: (o - e)^2 / e is as large as e there. Of six hours of work with a break,
 * four such half hours hold a third; of longer days less. A campaign that is awake for 40 minutes
 * at a time has 0.5 to 2.
 */
#define INNOCENT_SPREAD (1.0 / 3)

#define CROWD_MIN 20 /* sources in each slot, lest the crowd's own chances look like preferences */
#define CROWD_FACTOR 2 /* a slot that is so far from its hour's median shows an outage or a rush */
#define HOUR_SLOTS_MIN 3 /* that are left of an hour */

/* Pearson's statistic keeps to its distribution with few in each slot, as long as there are some:
 * 0.25 in any, and one on average (Koehler and Larntz 1980). */
#define EXPECTED_MIN 0.25
#define EXPECTED_MEAN_MIN 1.0

/* Sources whose covariance is looked at: its norm only sets the width of the distribution. */
#define COVARIANCE_SOURCES 1024

struct hour {
	uint32_t crowd[SLOTS];		   /* sources of the crowd */
	unsigned int usable;		   /* slots, as bits */
	unsigned int slots;		   /* how many */
	double chance[SLOTS + 1][SLOTS];   /* of each slot, for a source active in m of them */
	uint32_t sources[SLOTS + 1];	   /* of the cohort, active in m of them */
	uint32_t active[SLOTS + 1][SLOTS]; /* and of them, in each slot */
	double expected[SLOTS];
};

struct clock {
	struct hour hours[TEMPO_HOURS];
	double statistic, trace, norm2; /* norm2: squared, of the covariance */
	double active;			/* slots of all sources in usable hours */
	double informative, cells;	/* the same without sources active in all; slots with any */
	double busy, busy_expected;	/* in slots with more than expected */
	size_t sources;			/* that say something */
};

static unsigned int bit(unsigned int bits, unsigned int i)
{
	return bits >> i & 1;
}

/* Of an hour's six: the upper one of the middle two. */
static uint32_t median(const uint32_t *asked)
{
	unsigned int below;

	for (unsigned int i = 0; i < SLOTS; i++) {
		below = 0;
		for (unsigned int j = 0; j < SLOTS; j++)
			below += asked[j] < asked[i] || (asked[j] == asked[i] && j < i);
		if (below == SLOTS / 2)
			return asked[i];
	}
	return 0;
}

static void hour_prepare(const uint32_t crowd[SLOTS], struct hour *h)
{
	double middle = median(crowd), total = 0, share, even;

	memcpy(h->crowd, crowd, sizeof(h->crowd));
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (crowd[i] < CROWD_MIN || crowd[i] * CROWD_FACTOR < middle ||
		    crowd[i] > middle * CROWD_FACTOR)
			continue;
		h->usable |= 1u << i;
		h->slots++;
		total += crowd[i];
	}
	if (h->slots < HOUR_SLOTS_MIN)
		h->usable = h->slots = 0;
	for (unsigned int m = 1; m <= h->slots; m++) {
		even = (double)m / h->slots;
		for (unsigned int i = 0; i < SLOTS; i++) {
			if (!bit(h->usable, i))
				continue;
			/* To first order in how far the shares are from even. */
			share = m * (crowd[i] / total) - even;
			h->chance[m][i] = even + share * (h->slots - m) / (h->slots - 1);
		}
	}
}

static unsigned int usable_bits(const struct hour *h, const uint64_t *active, unsigned int at)
{
	return tempo_hour(active, at) & h->usable;
}

static bool informs(const struct hour *h, unsigned int bits)
{
	return bits && bits != h->usable;
}

static void clock_prepare(const struct tempo *tempo, const struct group *g, struct clock *c)
{
	uint32_t crowd[RHYTHM_SLOTS], own[RHYTHM_SLOTS] = { 0 };
	uint64_t active[RHYTHM_WORDS];

	for (size_t i = 0; i < g->n; i++)
		if (tempo_active(tempo, g->at[i], active))
			tempo_count(active, own);
	for (unsigned int i = 0; i < RHYTHM_SLOTS; i++)
		crowd[i] = tempo->asked[i] - own[i];
	for (unsigned int i = 0; i < TEMPO_HOURS; i++)
		hour_prepare(&crowd[SLOTS * i], &c->hours[i]);
}

static void count_source(struct clock *c, const uint64_t *active)
{
	bool any = false;
	struct hour *h;
	unsigned int bits, m;

	for (unsigned int i = 0; i < TEMPO_HOURS; i++) {
		h = &c->hours[i];
		bits = usable_bits(h, active, i);
		m = (unsigned int)__builtin_popcount(bits);
		c->active += m;
		if (!informs(h, bits))
			continue;
		any = true;
		h->sources[m]++;
		for (unsigned int j = 0; j < SLOTS; j++)
			h->active[m][j] += bit(bits, j);
	}
	c->sources += any;
}

/* Expected sources of each slot; an hour with too few is left out. */
static void hour_expect(struct hour *h)
{
	for (unsigned int m = 1; m < h->slots; m++)
		for (unsigned int i = 0; i < SLOTS; i++)
			h->expected[i] += h->sources[m] * h->chance[m][i];
	for (unsigned int i = 0; i < SLOTS; i++)
		if (bit(h->usable, i) && h->expected[i] < EXPECTED_MIN)
			h->usable = 0;
}

/* What one slot adds to the statistic, and to the trace of its covariance. */
static void add_slot(const struct hour *h, unsigned int i, struct clock *c)
{
	double observed = 0, squares = 0, chance, expected = h->expected[i];

	for (unsigned int m = 1; m < h->slots; m++) {
		chance = h->chance[m][i];
		observed += h->active[m][i];
		squares += h->active[m][i] * (1 - 2 * chance) + h->sources[m] * chance * chance;
	}
	c->statistic += (observed - expected) * (observed - expected) / expected;
	/* The crowd's share is an estimate itself: its count is at least that uncertain. */
	c->trace += squares / expected + expected / h->crowd[i];
	c->norm2 += expected / h->crowd[i] * expected / h->crowd[i];
	c->informative += observed;
	c->cells++;
	if (observed > expected) {
		c->busy += observed;
		c->busy_expected += expected;
	}
}

static void sum_slots(struct clock *c)
{
	for (unsigned int i = 0; i < TEMPO_HOURS; i++) {
		hour_expect(&c->hours[i]);
		for (unsigned int j = 0; j < SLOTS; j++)
			if (bit(c->hours[i].usable, j))
				add_slot(&c->hours[i], j, c);
	}
}

struct deviation { /* of one source in one slot, in units of the root of what is expected */
	unsigned int slot;
	float by;
};

static unsigned int deviations(const struct clock *c, const uint64_t *active,
			       struct deviation ret[RHYTHM_SLOTS])
{
	const struct hour *h;
	unsigned int bits, m, n = 0;

	for (unsigned int i = 0; i < TEMPO_HOURS; i++) {
		h = &c->hours[i];
		bits = usable_bits(h, active, i);
		if (!informs(h, bits))
			continue;
		m = (unsigned int)__builtin_popcount(bits);
		for (unsigned int j = 0; j < SLOTS; j++)
			if (bit(h->usable, j))
				ret[n++] = (struct deviation){
					SLOTS * i + j,
					(float)((bit(bits, j) - h->chance[m][j]) /
						sqrt(h->expected[j])),
				};
	}
	return n;
}

static void add_covariance(const struct deviation *d, unsigned int n,
			   float covariance[RHYTHM_SLOTS][RHYTHM_SLOTS])
{
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = 0; j < n; j++)
			covariance[d[i].slot][d[j].slot] += d[i].by * d[j].by;
}

/* The squared norm of the covariance, from every so many-th source. Its own noise makes it larger,
 * which is on the safe side. */
static int estimate_norm(const struct tempo *tempo, const struct group *g, struct clock *c)
{
	_cleanup_(freep) float(*covariance)[RHYTHM_SLOTS] =
		calloc(RHYTHM_SLOTS, sizeof(*covariance));
	size_t step = (g->n + COVARIANCE_SOURCES - 1) / COVARIANCE_SOURCES, seen = 0;
	struct deviation d[RHYTHM_SLOTS];
	uint64_t active[RHYTHM_WORDS];
	double weight;

	if (!covariance)
		return -ENOMEM;
	for (size_t i = 0; i < g->n; i += step, seen++)
		if (tempo_active(tempo, g->at[i], active))
			add_covariance(d, deviations(c, active, d), covariance);
	weight = (double)g->n / (double)seen;
	for (unsigned int i = 0; i < RHYTHM_SLOTS; i++)
		for (unsigned int j = 0; j < RHYTHM_SLOTS; j++)
			c->norm2 += weight * weight * covariance[i][j] * covariance[i][j];
	return 0;
}

/* The largest eigenvalue is at most the norm. */
static double tail(const struct clock *c)
{
	double away = INNOCENT_SPREAD * c->active;
	double mean = c->trace + away;
	double variance = 2 * c->norm2 + 4 * sqrt(c->norm2) * away;

	return chance_chi_square(c->statistic * 2 * mean / variance, 2 * mean * mean / variance);
}

int slots_test(const struct tempo *tempo, const struct group *g, struct evidence *ret)
{
	struct clock c = { 0 };
	uint64_t active[RHYTHM_WORDS];
	int r;

	clock_prepare(tempo, g, &c);
	for (size_t i = 0; i < g->n; i++)
		if (tempo_active(tempo, g->at[i], active))
			count_source(&c, active);
	sum_slots(&c);
	if (c.sources < TURNS_SOURCES_MIN || c.informative < EXPECTED_MEAN_MIN * c.cells ||
	    !(c.cells > 0)) {
		*ret = (struct evidence){ .p = 1 };
		return 0;
	}
	r = estimate_norm(tempo, g, &c);
	if (r < 0)
		return r;
	*ret = (struct evidence){
		.p = tail(&c),
		.observed = c.busy,
		.of = c.informative,
		.expected = c.busy_expected,
		.baseline = c.busy_expected / c.informative,
	};
	return 0;
}
