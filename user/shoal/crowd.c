/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the crowd is dense: counts per bin in flat arrays, so that a window is nine short rows.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/chance.h"
#include "user/shoal/crowd.h"

/* With fewer sources even an empty window has too high an upper bound to say anything. */
#define REFERENCE_MIN 200

#define SUSPECT 1e-3 /* p-value of a cohort's path evidence, from which on it stands for no crowd */

#define TAIL 4		/* the outermost quarter */
#define TAIL_WRONG 0.01 /* chance that the bound from one tail is wrong */

void tally_add(struct tally *t, uint32_t bin, int sources)
{
	t->bins[bin] += (uint32_t)sources;
	for (unsigned int axis = 0; axis < SPACE_AXES; axis++)
		t->axis[axis][space_step(bin, axis)] += (uint32_t)sources;
	t->n += (size_t)sources;
}

uint32_t tally_bin(const struct tally *t, uint32_t bin)
{
	return t->bins[bin];
}

uint32_t tally_window(const struct tally *t, uint32_t bin)
{
	uint32_t sum = 0;
	const uint32_t *row;

	for (int volume = -1; volume <= 1; volume++) {
		for (int request = -1; request <= 1; request++) {
			row = &t->bins[(int)bin + volume * (1 << 2 * SPACE_SIZE_BITS) +
				       request * (1 << SPACE_SIZE_BITS)];
			sum += row[-1] + row[0] + row[1];
		}
	}
	return sum;
}

void crowd_free(struct crowd *crowd)
{
	if (!crowd)
		return;
	for (unsigned int scale = 0; scale < SPACE_SCALES; scale++) {
		free(crowd->direct[scale].bins);
		free(crowd->split[scale].bins);
	}
	free(crowd->own_direct.bins);
	free(crowd->own_split.bins);
	free(crowd->own_once.bins);
	free(crowd->own_proven.bins);
	free(crowd->dense.bins);
	free(crowd);
}

static void crowd_freep(struct crowd **crowd)
{
	crowd_free(*crowd);
}

static bool tally_new(struct tally *t)
{
	t->bins = calloc(SPACE_BINS, sizeof(*t->bins));
	return t->bins;
}

static void count_everybody(struct crowd *crowd, unsigned int scale)
{
	const struct source *s;

	for (size_t i = 0; i < crowd->p->n; i++) {
		s = &crowd->p->list[i];
		if (s->counts)
			tally_add(s->split ? &crowd->split[scale] : &crowd->direct[scale],
				  space_coarser(s->bin, scale), 1);
	}
}

static bool is_suspect(const struct cohort *c)
{
	return c->evidence[FAMILY_PATH].p <= SUSPECT;
}

static void discount_suspects(struct crowd *crowd, const struct cohorts *cohorts,
			      unsigned int scale)
{
	const struct source *s;

	for (size_t i = 0; i < cohorts->n; i++) {
		if (!is_suspect(&cohorts->list[i]))
			continue;
		for (size_t j = 0; j < cohorts->list[i].n; j++) {
			s = &crowd->p->list[cohorts->list[i].split[j]];
			if (s->counts)
				tally_add(&crowd->split[scale], space_coarser(s->bin, scale), -1);
		}
	}
}

int crowd_new(const struct population *p, const struct cohorts *cohorts, struct crowd **ret)
{
	_cleanup_(crowd_freep) struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd || !tally_new(&crowd->own_direct) || !tally_new(&crowd->own_split) ||
	    !tally_new(&crowd->own_once) || !tally_new(&crowd->own_proven) ||
	    !tally_new(&crowd->dense))
		return -ENOMEM;
	crowd->p = p;
	for (unsigned int scale = 0; scale < SPACE_SCALES; scale++) {
		if (!tally_new(&crowd->direct[scale]) || !tally_new(&crowd->split[scale]))
			return -ENOMEM;
		count_everybody(crowd, scale);
		discount_suspects(crowd, cohorts, scale);
	}
	*ret = take_ptr(crowd);
	return 0;
}

static void count_own(struct crowd *crowd, const struct cohort *c, int times)
{
	const struct source *s;
	uint32_t bin;

	for (size_t i = 0; i < c->n_same_key; i++) {
		s = &crowd->p->list[c->same_key[i]];
		if (!s->counts)
			continue;
		bin = space_coarser(s->bin, crowd->scale);
		tally_add(s->split ? &crowd->own_split : &crowd->own_direct, bin, times);
		if (s->split && source_asked_once(s->f))
			tally_add(&crowd->own_once, bin, times);
		if (s->split && s->proven)
			tally_add(&crowd->own_proven, bin, times);
	}
}

void crowd_enter(struct crowd *crowd, const struct cohort *c, unsigned int scale)
{
	crowd->scale = scale;
	crowd->suspect = is_suspect(c);
	count_own(crowd, c, 1);
}

void crowd_leave(struct crowd *crowd, const struct cohort *c)
{
	count_own(crowd, c, -1);
}

/* Of those behind a second leg, how many `own` ones are in the crowd and must be taken out. */
static size_t own_in_crowd(const struct crowd *crowd, size_t own)
{
	return crowd->suspect ? 0 : own;
}

/* So many less, but not below none. */
static size_t less(size_t n, double by)
{
	return (double)n > by ? (size_t)((double)n - by) : 0;
}

unsigned int crowd_references(const struct crowd *crowd, uint32_t bin,
			      uint32_t (*sum)(const struct tally *, uint32_t),
			      struct reference ret[CROWD_REFERENCES])
{
	const struct tally *direct = &crowd->direct[crowd->scale];
	const struct tally *split = &crowd->split[crowd->scale];
	struct reference own = { sum(&crowd->own_direct, bin), crowd->own_direct.n };
	struct reference others_split = {
		sum(split, bin) - own_in_crowd(crowd, sum(&crowd->own_split, bin)),
		split->n - own_in_crowd(crowd, crowd->own_split.n),
	};
	double hidden = source_hidden_ratio();
	unsigned int n = 0;

	ret[n++] = (struct reference){
		sum(direct, bin) - own.here + others_split.here,
		direct->n - own.n + others_split.n,
	};
	own.here = less(own.here, hidden * sum(&crowd->own_once, bin));
	own.n = less(own.n, hidden * (double)crowd->own_once.n);
	if (others_split.n >= REFERENCE_MIN)
		ret[n++] = others_split;
	if (own.n >= REFERENCE_MIN)
		ret[n++] = own;
	return n;
}

/* Cohort's share in one tail, at most, over that of those who stand for its innocents: everybody
 * direct, less `without`. */
static double tail_bound(const struct crowd *crowd, const struct tally *who,
			 const struct tally *without, unsigned int axis, bool upper)
{
	size_t all = who->n - (without ? without->n : 0), theirs = 0, own = 0;
	unsigned int at;

	for (unsigned int i = 0; i < SPACE_STEPS && theirs * TAIL < all; i++) {
		at = upper ? SPACE_STEPS - 1 - i : i;
		theirs += who->axis[axis][at] - (without ? without->axis[axis][at] : 0);
		own += crowd->own_split.axis[axis][at];
	}
	if (!theirs)
		return 1;
	return chance_share_high((double)own, (double)crowd->own_split.n, TAIL_WRONG) *
	       (double)all / (double)theirs;
}

static double both_tails(const struct crowd *crowd, const struct tally *who,
			 const struct tally *without, unsigned int axis)
{
	return fmin(tail_bound(crowd, who, without, axis, false),
		    tail_bound(crowd, who, without, axis, true));
}

double crowd_innocent_share(const struct crowd *crowd)
{
	double least = 1;

	if (crowd->own_direct.n < REFERENCE_MIN)
		return fmin(1, CONCENTRATION * both_tails(crowd, &crowd->direct[crowd->scale],
							  &crowd->own_direct, SPACE_VOLUME));
	for (unsigned int axis = 0; axis < SPACE_AXES; axis++)
		least = fmin(least, both_tails(crowd, &crowd->own_direct, NULL, axis));
	return least;
}
