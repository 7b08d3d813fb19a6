/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schedule: does the cohort take its turns as a load balancer deals them out? Two tests, each in
 * its file: the rank of waiting times at each turn (handoff.c) and the regularity of waits
 * (regularity.c).
 *
 * They are about the sources that density found, if those are enough: other sources among a pool's
 * hide its order. How even counts are proves nothing there, since cells are chosen by count.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/family.h"
#include "user/shoal/turns.h"

/* So many must be left for the dense ones to be asked instead of all. */
#define DENSE_MIN (2 * TURNS_SOURCES_MIN)

static size_t collect_dense(const struct cohort *c, uint32_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->lfdr[i] < 1)
			ret[n++] = c->proven[i];
	return n;
}

int schedule_judge(const struct tempo *tempo, const struct cohort *c, struct evidence *ret)
{
	_cleanup_(freep) uint32_t *dense = calloc(c->n + 1, sizeof(*dense));
	struct group all = { c->proven, c->n }, group = all;
	struct evidence tests[SCHEDULE_TESTS];
	unsigned int best;
	int r;

	if (!dense)
		return -ENOMEM;
	group.n = collect_dense(c, dense);
	group.at = dense;
	if (group.n < DENSE_MIN)
		group = all;

	r = handoff_test(tempo, &group, &tests[SCHEDULE_HANDOFF]);
	if (r < 0)
		return r;
	regularity_test(tempo, &group, &all, &tests[SCHEDULE_REGULARITY]);
	best = tests[SCHEDULE_REGULARITY].p < tests[SCHEDULE_HANDOFF].p ? SCHEDULE_REGULARITY
									: SCHEDULE_HANDOFF;
	*ret = tests[best];
	ret->family = FAMILY_SCHEDULE;
	ret->test = best;
	ret->p = fmin(ret->p * SCHEDULE_TESTS, 1);
	return 0;
}
