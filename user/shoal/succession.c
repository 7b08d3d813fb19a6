/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which campaign took over another's load. Whoever loses a pool of exits, because seine drops it or
 * its accounts are banned, buys another; pools were seen to be replaced within a day, by one of the
 * same rate and the same work, whatever its software.
 */
#include <math.h>
#include "user/shoal/campaign.h"

#define LOAD_SHARE 0.5	 /* of the old pool's rate at its height that the new one has at least */
#define AWAKE_SHARE 0.5	 /* fewer members heard than that of what their rate lets expect: silent */
#define COMMON_SHARE 0.2 /* with more members in common it is the same pool */
#define WORK_ALIKE 0.25	 /* of the natural logarithm of sizes: a quarter more or less */

/* How many of its members were heard in the last hour, and how many should have been: of one with
 * `x` requests an hour with chance 1 - exp(-x), if they come at random, and sooner if in turn. */
static void count_awake(struct campaign *c, const struct population *p)
{
	double each = c->found ? c->rate / 24 / c->found : 0;
	const struct source *s;

	c->awake = 0;
	c->awake_expected = (double)c->n_members * -expm1(-each);
	for (size_t i = 0; i < c->n_members; i++) {
		s = population_find(p, c->members[i].source);
		c->awake += s && s->f->idle_sec <= p->day_sec / 24;
	}
}

static bool silent(const struct campaign *c)
{
	return c->ended_sec || c->awake < AWAKE_SHARE * c->awake_expected;
}

static bool alike(const struct campaign *a, const struct campaign *b)
{
	return fabsf(a->log_request - b->log_request) <= WORK_ALIKE &&
	       fabsf(a->log_response - b->log_response) <= WORK_ALIKE;
}

static bool took_over(const struct campaign *new, const struct campaign *old)
{
	return new != old && old->first_sec < new->first_sec &&silent(old) && alike(new, old) &&
	       new->rate >= LOAD_SHARE * old->rate_max &&campaign_overlap(new, old) < COMMON_SHARE;
}

void campaigns_link(struct campaigns *c, const struct population *p)
{
	struct campaign *new;

	for (size_t i = 0; i < c->n; i++)
		count_awake(&c->list[i], p);
	for (size_t i = 0; i < c->n; i++) {
		new = &c->list[i];
		for (size_t j = 0; j < c->n && !new->ended_sec && !new->replaces; j++)
			if (took_over(new, &c->list[j]))
				new->replaces = c->list[j].id;
	}
}
