/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Density: a load balancer gives every exit the same share of one kind of work, so that the exits
 * lie close together in (requests, request size, response size), where a crowd of people is spread
 * over orders of magnitude.
 *
 * Counted is the window of bins around each source's own bin, against each reference that
 * crowd_references() knows, as if the whole cohort were innocent. Honest groups differ from each
 * other, so a window counts as dense only when it is CONCENTRATION times denser than every
 * reference: of all sources in it, cohort's and reference's, too many are the cohort's (the exact
 * conditional test of two Poisson rates, Przyborowski and Wilenski 1940), at a false discovery rate
 * over the cohort's windows (Benjamini and Hochberg).
 *
 * Around dense windows each window gets a local false discovery rate (Efron 2004): the share of
 * innocents among the cohort's sources in it. The finest scale is kept, unless a coarser one
 * explains more sources.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/chance.h"
#include "user/shoal/family.h"
#include "user/shoal/fdr.h"
#include "user/shoal/membership.h"

#define COARSER 1.02 /* a coarser scale must explain so many times more sources */

/* The scale at which the core of a campaign is taken: an octave of requests and a factor of 1.5 in
 * sizes. */
#define CORE_SCALE 1

struct cell {
	uint32_t bin;	    /* in its middle */
	uint32_t own;	    /* cohort's sources in the middle */
	uint32_t seen;	    /* and in all of it */
	double expected;    /* in all of it, at the densest reference's density */
	double p;	    /* that it is no denser than CONCENTRATION allows */
	double q;	    /* the same over all windows and scales */
	double lfdr;	    /* share of innocents among them all ... */
	double lfdr_proven; /* ... and among those that are proven */
};

struct cells {
	struct cell *list; /* by bin */
	size_t n;
	double p; /* that none is dense */
	size_t members;
};

static void cells_free(struct cells *w)
{
	free(w->list);
}

static int bin_compare(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;

	return x->bin < y->bin ? -1 : x->bin > y->bin;
}

static void merge_equal(struct cells *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (kept && w->list[kept - 1].bin == w->list[i].bin)
			w->list[kept - 1].own++;
		else
			w->list[kept++] = w->list[i];
	}
	w->n = kept;
}

/* With as many innocents in the cohort as in the reference, and one more: the next could have been
 * there. */
static double expect(const struct reference *r, size_t n)
{
	return (double)n * ((double)r->here + 1) / ((double)r->n + 1);
}

static double no_denser(const struct reference *r, uint32_t seen, size_t n)
{
	double weight = CONCENTRATION * (double)n;

	return chance_binomial(seen, seen + (uint32_t)r->here, weight / (weight + (double)r->n));
}

static void cell_compare(const struct crowd *crowd, struct cell *w)
{
	struct reference r[CROWD_REFERENCES];
	unsigned int n = crowd_references(crowd, w->bin, tally_window, r);

	w->seen = tally_window(&crowd->own_split, w->bin);
	for (unsigned int i = 0; i < n; i++) {
		w->expected = fmax(w->expected, expect(&r[i], crowd->own_split.n));
		w->p = fmax(w->p, no_denser(&r[i], w->seen, crowd->own_split.n));
	}
}

/* One window for each bin that holds a source of the cohort. */
static int cells_collect(const struct crowd *crowd, const struct cohort *c, struct cells *ret)
{
	const struct source *s;

	ret->list = calloc(c->n, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		s = &crowd->p->list[c->split[i]];
		if (s->counts)
			ret->list[ret->n++] = (struct cell){
				.bin = space_coarser(s->bin, crowd->scale),
				.own = 1,
				.lfdr = 1,
				.lfdr_proven = 1,
			};
	}
	qsort(ret->list, ret->n, sizeof(*ret->list), bin_compare);
	merge_equal(ret);
	for (size_t i = 0; i < ret->n; i++)
		cell_compare(crowd, &ret->list[i]);
	return 0;
}

/* Benjamini and Hochberg's smallest q-value is Simes' p-value of "no window is dense". */
static int cells_test(struct cells *w)
{
	_cleanup_(freep) double *p = calloc(w->n + 1, sizeof(*p));
	_cleanup_(freep) double *q = calloc(w->n + 1, sizeof(*q));
	int r;

	if (!p || !q)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		p[i] = w->list[i].p;
	r = fdr_bh(p, w->n, q);
	if (r < 0)
		return r;
	w->p = 1;
	for (size_t i = 0; i < w->n; i++) {
		w->list[i].q = fmin(q[i] * SPACE_SCALES, 1);
		w->p = fmin(w->p, w->list[i].q);
	}
	return 0;
}

static void mark_dense(struct crowd *crowd, const struct cells *w, double q, int times)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].q <= q)
			tally_add(&crowd->dense, w->list[i].bin, times);
}

/* Innocents have been here for long, and all of them may be proven, while most of a young
 * campaign's sources are not: among the proven ones they are more than among all. */
static void cell_lfdr(const struct crowd *crowd, double innocent, struct cell *w)
{
	double innocents = innocent * w->expected;
	uint32_t proven = tally_window(&crowd->own_proven, w->bin);

	w->lfdr = fmin(innocents / w->seen, 1);
	w->lfdr_proven = proven ? fmin(innocents / proven, 1) : 1;
}

static void cells_lfdr(struct crowd *crowd, struct cells *w, double q)
{
	double innocent = crowd_innocent_share(crowd);

	mark_dense(crowd, w, q, 1);
	for (size_t i = 0; i < w->n; i++)
		if (tally_window(&crowd->dense, w->list[i].bin))
			cell_lfdr(crowd, innocent, &w->list[i]);
	mark_dense(crowd, w, q, -1);
}

static int lfdr_compare(const void *a, const void *b)
{
	const struct cell *x = *(struct cell *const *)a, *y = *(struct cell *const *)b;

	if (x->lfdr < y->lfdr)
		return -1;
	if (x->lfdr > y->lfdr)
		return 1;
	return x->bin < y->bin ? -1 : x->bin > y->bin;
}

/* How many members the windows would give, the surest first; see membership.c, which takes them
 * one by one. */
static int count_members(const struct population *p, const struct cohort *c, double lfdr_max,
			 struct cells *w)
{
	_cleanup_(freep) struct cell **order = calloc(w->n + 1, sizeof(struct cell *));
	double innocents = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		order[i] = &w->list[i];
	qsort(order, w->n, sizeof(struct cell *), lfdr_compare);
	for (size_t i = 0; i < w->n && order[i]->lfdr <= lfdr_max; i++) {
		innocents += order[i]->lfdr * order[i]->own;
		if (innocents > membership_innocents(p, c, (double)(w->members + order[i]->own)))
			break;
		w->members += order[i]->own;
	}
	return 0;
}

static int cells_judge(struct crowd *crowd, const struct cohort *c, const struct shoal_settings *s,
		       struct cells *ret)
{
	int r;

	r = cells_collect(crowd, c, ret);
	if (r < 0)
		return r;
	r = cells_test(ret);
	if (r < 0)
		return r;
	cells_lfdr(crowd, ret, s->q);
	return count_members(crowd->p, c, s->lfdr_max, ret);
}

static void assign_lfdr(const struct crowd *crowd, struct cohort *c, const struct cells *w)
{
	const struct cell *found;
	const struct source *s;
	struct cell key;

	for (size_t i = 0; i < c->n; i++) {
		s = &crowd->p->list[c->split[i]];
		if (!s->counts)
			continue;
		key.bin = space_coarser(s->bin, crowd->scale);
		found = bsearch(&key, w->list, w->n, sizeof(key), bin_compare);
		if (found)
			c->lfdr[i] = (float)(s->proven ? found->lfdr_proven : found->lfdr);
	}
}

/* Share of a bin in the densest reference. */
static double base(const struct crowd *crowd, uint32_t bin)
{
	struct reference r[CROWD_REFERENCES];
	unsigned int n = crowd_references(crowd, bin, tally_bin, r);
	double densest = 0;

	for (unsigned int i = 0; i < n; i++)
		if (r[i].n)
			densest = fmax(densest, (double)r[i].here / (double)r[i].n);
	return densest;
}

static struct evidence describe(const struct crowd *crowd, const struct cells *w, double lfdr_max)
{
	struct evidence e = {
		.family = FAMILY_DENSITY,
		.p = w->p,
		.of = (double)crowd->own_split.n,
	};

	for (size_t i = 0; i < w->n; i++) {
		if (w->list[i].lfdr > lfdr_max)
			continue;
		e.observed += w->list[i].own;
		e.baseline += base(crowd, w->list[i].bin);
	}
	e.baseline = fmin(e.baseline, 1);
	e.expected = e.baseline * e.of;
	return e;
}

static struct cell largest(const struct cells *w)
{
	struct cell most = { 0 };

	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].seen > most.seen)
			most = w->list[i];
	return most;
}

/* Innocents have their part of the core: as many as lie there of those that the path explains. */
static double core_of(const struct cohort *c, const struct cells *w)
{
	struct cell core = largest(w);
	double innocents = fmin(c->evidence[FAMILY_PATH].expected, (double)c->n);

	return core.seen - innocents * core.expected / (double)c->n;
}

int density_judge(struct crowd *crowd, struct cohort *c, const struct shoal_settings *s,
		  struct evidence *ret)
{
	struct evidence best = { .family = FAMILY_DENSITY, .p = 1 };
	size_t members = 0;
	int r;

	for (unsigned int scale = 0; scale < SPACE_SCALES; scale++) {
		_cleanup_(cells_free) struct cells w = { 0 };

		crowd_enter(crowd, c, scale);
		r = cells_judge(crowd, c, s, &w);
		if (r >= 0 && (!scale || (double)w.members > COARSER * (double)members)) {
			members = w.members;
			assign_lfdr(crowd, c, &w);
			best = describe(crowd, &w, s->lfdr_max);
		}
		if (scale == CORE_SCALE)
			c->core = core_of(c, &w);
		crowd_leave(crowd, c);
		if (r < 0)
			return r;
	}
	*ret = best;
	return 0;
}
