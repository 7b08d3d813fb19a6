/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seed: an operator knows some addresses to be bad. Of the cohort's sources more are among them
 * than of all sources, by the hypergeometric upper tail.
 */
#include "user/shoal/chance.h"
#include "user/shoal/family.h"

struct evidence seed_judge(const struct population *p, const struct cohort *c)
{
	struct evidence e = { .family = FAMILY_SEED, .p = 1, .of = (double)c->n };
	size_t seeds = 0;

	if (!p->seeds)
		return e;
	for (size_t i = 0; i < c->n; i++)
		seeds += p->list[c->proven[i]].seed;
	e.observed = (double)seeds;
	e.baseline = (double)p->seeds / (double)p->n;
	e.expected = e.baseline * e.of;
	e.p = chance_hypergeometric((uint32_t)seeds, (uint32_t)c->n, (uint32_t)p->seeds,
				    (uint32_t)p->n);
	return e;
}
