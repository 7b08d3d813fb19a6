/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members are taken from the surest down, until the innocents expected among all of them, the sum
 * of their local false discovery rates, would be too many (Sun and Cai 2007).
 *
 * Density says how sure that is from where a source lies; an honest one behind a second leg of its
 * own, with the same software and the same work, lies there too. But where the cohort takes turns,
 * each member asks at nearly equal intervals, which few innocents do: by Bayes' rule the odds of a
 * source are multiplied by how much rarer what it does is among members than among others. Both
 * shares are taken at the bound that sharpens less.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/chance.h"
#include "user/shoal/membership.h"
#include "user/shoal/turns.h"

/* Innocents among members: one in 250, which leaves precision above 99.5 %; and of all sources
 * outside the campaign half of the ten in a million a day that may be hit, because the days of
 * several windows add up. One whole innocent a day is always tolerated. A window of an hour shows
 * other innocents 24 times a day, so each time it has a 24th of that. */
#define MEMBERS_FALSE 0.004
#define OUTSIDERS_HIT 5e-6
#define ALWAYS_HIT 1.0

/* The schedule's p-value from which on turns are believed. */
#define TURNS_SURE 1e-4
#define BOUND_WRONG 0.01 /* chance that a share lies beyond its bound */
#define LFDR_LEAST 1e-6	 /* nothing seen from outside is surer */

double membership_innocents(const struct population *p, const struct cohort *c, double members)
{
	double outsiders = (double)(p->n - c->n);
	double days = fmin(1, (double)window_slots(p->window) / SPAN_DAY_SLOTS);

	return fmax(ALWAYS_HIT * days,
		    fmin(MEMBERS_FALSE * members, OUTSIDERS_HIT * outsiders * days));
}

bool membership_open(const struct population *p, const struct source *s)
{
	return s->proven && !s->shared && s->f->idle_sec <= p->day_sec;
}

/* ---- sharpening ---- */

/* Of those for whom this is so, how many times likelier an innocent is than a member. */
struct turns_odds {
	unsigned int tau;
	double regular, irregular;
};

static const struct rhythm *rhythm_of(const struct tempo *t, const struct cohort *c, size_t i)
{
	return t->p->list[c->split[i]].f->rhythm;
}

static struct regularity count(const struct tempo *t, const struct cohort *c, unsigned int tau,
			       bool dense)
{
	struct regularity ret = { 0 };

	for (size_t i = 0; i < c->n; i++)
		if (rhythm_of(t, c, i) && (!dense || c->lfdr[i] < 1))
			regularity_count(rhythm_of(t, c, i), tau, &ret);
	return ret;
}

/* The tau that tells members from others best. */
static struct turns_odds find_odds(const struct tempo *t, const struct cohort *c)
{
	struct turns_odds best = { .regular = 1, .irregular = 1 };
	struct regularity own, all;
	double members, others;

	for (unsigned int tau = 0; tau < SESSION_TAUS; tau++) {
		own = count(t, c, tau, true);
		if (own.measured < TURNS_SOURCES_MIN)
			continue;
		all = count(t, c, tau, false);
		members = chance_share_low(own.regular, own.measured, BOUND_WRONG);
		others = chance_share_high(t->regular[tau].regular - all.regular,
					   t->regular[tau].measured - all.measured, BOUND_WRONG);
		others = fmax(others, REGULARITY_KNOWN);
		if (members > others && others / members < best.regular)
			best = (struct turns_odds){ tau, others / members,
						    (1 - others) / (1 - members) };
	}
	return best;
}

static void sharpen(const struct tempo *t, struct cohort *c)
{
	struct turns_odds odds = find_odds(t, c);

	for (size_t i = 0; i < c->n; i++) {
		struct regularity own = { 0 };
		double x = c->lfdr[i];

		if (!(x < 1) || !rhythm_of(t, c, i))
			continue;
		regularity_count(rhythm_of(t, c, i), odds.tau, &own);
		if (!own.measured)
			continue;
		x = x / (1 - x) * (own.regular ? odds.regular : odds.irregular);
		c->lfdr[i] = (float)fmax(x / (1 + x), LFDR_LEAST);
	}
}

/* ---- choosing ---- */

struct candidate {
	float lfdr;
	uint32_t at;
};

static int surest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->lfdr != y->lfdr)
		return x->lfdr < y->lfdr ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* How many of the sorted candidates can be members. Those that are equally sure are taken or given
 * up together. */
static size_t count_chosen(const struct population *p, const struct cohort *c,
			   const struct candidate *list, size_t n)
{
	double innocents = 0;
	size_t end;

	for (size_t first = 0; first < n; first = end) {
		for (end = first; end < n && list[end].lfdr == list[first].lfdr; end++)
			innocents += list[end].lfdr;
		if (innocents > membership_innocents(p, c, (double)end))
			return first;
	}
	return n;
}

int membership_judge(const struct tempo *tempo, struct cohort *c, const struct shoal_settings *s)
{
	_cleanup_(freep) struct candidate *list = calloc(c->n + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	if (c->evidence[FAMILY_SCHEDULE].p <= TURNS_SURE)
		sharpen(tempo, c);
	for (size_t i = 0; i < c->n; i++) {
		if (c->lfdr[i] > s->lfdr_max)
			c->lfdr[i] = 1;
		else if (membership_open(tempo->p, &tempo->p->list[c->split[i]]))
			list[n++] = (struct candidate){ c->lfdr[i], (uint32_t)i };
	}
	qsort(list, n, sizeof(*list), surest_first);
	for (size_t i = count_chosen(tempo->p, c, list, n); i < n; i++)
		c->lfdr[list[i].at] = 1;
	return 0;
}
