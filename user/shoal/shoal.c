/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One round of the correlator, from features to campaigns.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"
#include "user/shoal/chance.h"
#include "user/shoal/family.h"
#include "user/shoal/fdr.h"
#include "user/shoal/membership.h"
#include "user/shoal/pcomb.h"

const struct shoal_settings shoal_defaults = {
	.q = 0.01,
	.lfdr_max = 0.05,
	.purity_min = 0.90,
	.alpha = 0.05,
	.cohort_min = 10,
	.prefix_min = 8,
	.prefix_v4_min = 20,
	.prefix_v4_max = 32,
	.prefix_v6_min = 40,
	.prefix_v6_max = 64,
	.stacks_max = 3,
	.hold_sec = 600,
	.day_sec = 86400,
};

#define CORE_SHARE 0.2
#define CORE_WRONG 0.05 /* chance that the lower bound on the core's share is wrong */

static void population_freep(struct population **p)
{
	population_free(*p);
}

static void cohorts_freep(struct cohorts **c)
{
	cohorts_free(*c);
}

static void crowd_freep(struct crowd **c)
{
	crowd_free(*c);
}

static void campaigns_freep(struct campaigns **c)
{
	campaigns_free(*c);
}

static void tempo_freep(struct tempo **t)
{
	tempo_free(*t);
}

/* Seeds are no family where none were named. */
static size_t families(const struct population *p)
{
	return p->seeds ? FAMILY_MAX : FAMILY_SEED;
}

/* Of so many cohorts, the largest, a round asks when they do what they do. It takes about a
 * millisecond each, and whoever wants to can make thousands of small ones. */
#define TIMED_MAX 256

static int larger_first(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* How large a cohort must be to be among the largest TIMED_MAX, and no others of its size beyond. */
static int find_timed_min(const struct cohorts *c, size_t *ret)
{
	_cleanup_(freep) size_t *sizes = calloc(c->n + 1, sizeof(*sizes));

	if (!sizes)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		sizes[i] = c->list[i].n;
	qsort(sizes, c->n, sizeof(*sizes), larger_first);
	*ret = c->n > TIMED_MAX ? sizes[TIMED_MAX] + 1 : 0;
	return 0;
}

/* Schedule, then members, then synchrony. One that is not asked has nothing against it. */
static int judge_times(const struct tempo *tempo, struct cohort *c, const struct shoal_settings *s,
		       bool timed)
{
	int r;

	c->evidence[FAMILY_SCHEDULE] = (struct evidence){ .family = FAMILY_SCHEDULE, .p = 1 };
	c->evidence[FAMILY_SYNCHRONY] = (struct evidence){ .family = FAMILY_SYNCHRONY, .p = 1 };
	r = timed ? schedule_judge(tempo, c, &c->evidence[FAMILY_SCHEDULE]) : 0;
	if (r == 0)
		r = membership_judge(tempo, c, s);
	if (r == 0 && timed)
		r = synchrony_judge(tempo, c, &c->evidence[FAMILY_SYNCHRONY]);
	return r;
}

static int judge_cohort(const struct population *p, struct crowd *crowd, const struct tempo *tempo,
			struct cohort *c, const struct shoal_settings *s, bool timed)
{
	double values[FAMILY_MAX];
	int r;

	c->evidence[FAMILY_PLACE] = place_judge(p, c);
	c->evidence[FAMILY_SEED] = seed_judge(p, c);
	r = density_judge(crowd, c, s, &c->evidence[FAMILY_DENSITY]);
	if (r == 0)
		r = judge_times(tempo, c, s, timed);
	if (r < 0)
		return r;

	for (int f = 0; f < FAMILY_MAX; f++)
		values[f] = c->evidence[f].p;
	c->p = pcomb_two(values, families(p));
	for (size_t f = 0; f < FAMILY_MAX; f++)
		c->p_without[f] = pcomb_two_without(values, families(p), f);
	return 0;
}

/* What a combined p-value must not exceed to be rejected even if no other cohort were. */
static double level_alone(size_t cohorts, double q)
{
	double harmonic = 0;

	for (size_t i = 1; i <= cohorts; i++)
		harmonic += 1.0 / (double)i;
	return q / ((double)cohorts * harmonic);
}

static void judge_families(struct cohort *c, size_t asked, double level)
{
	for (size_t f = 0; f < FAMILY_MAX; f++) {
		c->evidence[f].holds = f < asked && c->evidence[f].p * (double)(asked - 1) <= level;
		c->stands_without[f] = c->p_without[f] <= level;
	}
}

static int control_discoveries(struct cohorts *c, size_t asked, double q)
{
	_cleanup_(freep) double *p = calloc(2 * c->n + 1, sizeof(*p));
	double level = level_alone(c->n, q / WINDOWS);
	int r;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		p[i] = c->list[i].p;
	r = fdr_by(p, c->n, p + c->n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->n; i++) {
		c->list[i].q = p[c->n + i];
		judge_families(&c->list[i], asked, level);
	}
	return 0;
}

/*
 * A campaign is one piece of work, or few: a good part of the sources that the path alone cannot
 * explain must lie in one small window, sampling error allowed for. A company behind proxies of its
 * own has path and place against it, and where its people are densest they may be denser than the
 * crowd; but each of them works differently. Campaigns were seen to have half of their sources and
 * more there, companies with a single tool a tenth at most. Where an operator knows some of them to
 * be bad that says it as well.
 */
static bool coherent(const struct cohort *c)
{
	double excess = (double)c->n - c->evidence[FAMILY_PATH].expected;

	return chance_share_low(fmin(c->core, excess), excess, CORE_WRONG) >= CORE_SHARE ||
	       c->evidence[FAMILY_SEED].holds;
}

static int campaigns_add(const struct population *p, const struct cohort *c,
			 const struct shoal_settings *s, struct campaigns *ret)
{
	struct campaign *new = &ret->list[ret->n];
	int r;

	r = campaign_build(p, c, s, new);
	if (r < 0)
		return r;
	/* Those that are spared are shown, too: else whoever makes himself look shared is unseen. */
	if (new->n_members + new->fleeting + new->shared + new->idle < s->cohort_min) {
		campaign_clear(new);
		return 0;
	}
	ret->n++;
	return 0;
}

static int strongest_first(const void *a, const void *b)
{
	const struct campaign *x = a, *y = b;

	if (x->n_members != y->n_members)
		return x->n_members > y->n_members ? -1 : 1;
	return x->hello_key < y->hello_key ? -1 : x->hello_key > y->hello_key;
}

/* Each window is one more look, so each has its share of the rate of false discoveries. */
static int collect(const struct population *p, const struct cohorts *cohorts,
		   const struct shoal_settings *s, struct campaigns *ret)
{
	int r;

	ret->cohorts = cohorts->n;
	ret->sources = p->n;
	ret->noise = p->noise;
	ret->requests_high = p->requests_high;
	ret->list = calloc(cohorts->n + 1, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (size_t i = 0; i < cohorts->n; i++) {
		if (cohorts->list[i].q * WINDOWS > s->q || !coherent(&cohorts->list[i]))
			continue;
		r = campaigns_add(p, &cohorts->list[i], s, ret);
		if (r < 0)
			return r;
	}
	qsort(ret->list, ret->n, sizeof(*ret->list), strongest_first);
	return 0;
}

int shoal_correlate(const struct shoal_question *q, const struct shoal_settings *s,
		    const struct campaigns *before, struct campaigns **ret)
{
	_cleanup_(population_freep) struct population *p = NULL;
	_cleanup_(cohorts_freep) struct cohorts *cohorts = NULL;
	_cleanup_(crowd_freep) struct crowd *crowd = NULL;
	_cleanup_(tempo_freep) struct tempo *tempo = NULL;
	_cleanup_(campaigns_freep) struct campaigns *found = calloc(1, sizeof(*found));
	size_t timed_min = 0;
	int r;

	if (!found)
		return -ENOMEM;
	r = population_new(q, s, &p);
	if (r < 0)
		return r;
	r = cohorts_new(p, s->cohort_min, &cohorts);
	if (r < 0)
		return r;
	for (size_t i = 0; i < cohorts->n; i++)
		cohorts->list[i].evidence[FAMILY_PATH] = path_judge(p, &cohorts->list[i]);
	r = crowd_new(p, cohorts, &crowd);
	if (r == 0)
		r = tempo_new(p, &tempo);
	if (r == 0)
		r = find_timed_min(cohorts, &timed_min);
	if (r < 0)
		return r;
	for (size_t i = 0; i < cohorts->n; i++) {
		r = judge_cohort(p, crowd, tempo, &cohorts->list[i], s,
				 cohorts->list[i].n >= timed_min);
		if (r < 0)
			return r;
	}
	r = control_discoveries(cohorts, families(p), s->q);
	if (r < 0)
		return r;
	r = collect(p, cohorts, s, found);
	if (r == 0)
		r = campaigns_follow(found, before, p, s);
	if (r < 0)
		return r;
	qsort(found->list, found->n, sizeof(*found->list), strongest_first);
	*ret = take_ptr(found);
	return 0;
}
