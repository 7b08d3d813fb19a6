/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Synchrony: do the cohort's sources ask in the same short slots of time? Two tests, each in its
 * file: slots that the whole cohort prefers (slots.c), and sources that share theirs with several
 * others (neighbours.c). Both look at slots within hours only: when people work and sleep is shared
 * by all who live in one place.
 *
 * After SynchroTrap (Cao, Yang, Yu, Palow 2014), who group accounts by the times of what they do.
 */
#include <math.h>
#include "user/shoal/family.h"
#include "user/shoal/turns.h"

int synchrony_judge(const struct tempo *tempo, const struct cohort *c, struct evidence *ret)
{
	struct group all = { c->proven, c->n };
	struct evidence tests[SYNCHRONY_TESTS];
	unsigned int best;
	int r;

	r = slots_test(tempo, &all, &tests[SYNCHRONY_SLOTS]);
	if (r < 0)
		return r;
	r = neighbours_test(tempo, &all, &tests[SYNCHRONY_NEIGHBOURS]);
	if (r < 0)
		return r;
	best = tests[SYNCHRONY_NEIGHBOURS].p < tests[SYNCHRONY_SLOTS].p ? SYNCHRONY_NEIGHBOURS
									: SYNCHRONY_SLOTS;
	*ret = tests[best];
	ret->family = FAMILY_SYNCHRONY;
	ret->test = best;
	ret->p = fmin(ret->p * SYNCHRONY_TESTS, 1);
	return 0;
}
