/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Place: rented exits sit together in subnets or networks, while people with one piece of software
 * do not.
 *
 * For each prefix and network, the hypergeometric upper tail of finding so many of the cohort among
 * the sources seen there; the smallest, times all places that anybody was seen in (Bonferroni),
 * counts.
 */
#include "user/shoal/chance.h"
#include "user/shoal/family.h"

static struct evidence place_evidence(const struct population *p, const struct cohort *c,
				      size_t here, size_t around)
{
	double tail = chance_hypergeometric((uint32_t)here, (uint32_t)around, (uint32_t)c->n,
					    (uint32_t)p->n) *
		      (double)p->places;
	double share = (double)c->n / (double)p->n;

	return (struct evidence){
		.family = FAMILY_PLACE,
		.p = tail < 1 ? tail : 1,
		.observed = (double)here,
		.of = (double)around,
		.baseline = share,
		.expected = share * (double)around,
	};
}

static void judge_level(const struct population *p, const struct cohort *c, unsigned int level,
			struct evidence *best)
{
	struct evidence e;
	size_t end;

	for (size_t i = 0; i < c->n; i = end) {
		for (end = i + 1; end < c->n; end++)
			if (!population_near(p, c->proven[i], c->proven[end], level))
				break;
		if (end - i < 2)
			continue; /* one source is no concentration */
		e = place_evidence(p, c, end - i, p->list[c->proven[i]].around[level]);
		if (e.p >= best->p)
			continue;
		*best = e;
		best->where = population_place(p, c->proven[i], level);
	}
}

/* The run of sources of one network, from the first on: how many of them are of the cohort. */
static size_t count_run(const struct population *p, const uint32_t *list, size_t n, size_t *ret_run)
{
	size_t here = 0, run = 0;

	while (run < n && p->list[list[run]].asn == p->list[list[0]].asn)
		here += p->list[list[run++]].proven;
	*ret_run = run;
	return here;
}

static void judge_networks(const struct population *p, const struct cohort *c,
			   struct evidence *best)
{
	const uint32_t *list = p->by_asn + (c->same_key - p->by_key);
	size_t run, here;
	struct evidence e;

	for (size_t i = 0; i < c->n_same_key; i += run) {
		const struct source *s = &p->list[list[i]];

		here = count_run(p, list + i, c->n_same_key - i, &run);
		if (!s->asn || here < 2)
			continue;
		e = place_evidence(p, c, here, s->around_asn);
		if (e.p >= best->p)
			continue;
		*best = e;
		best->asn = s->asn;
	}
}

struct evidence place_judge(const struct population *p, const struct cohort *c)
{
	struct evidence best = { .family = FAMILY_PLACE, .p = 1 };

	for (unsigned int level = 0; level < PLACE_LEVELS; level++)
		judge_level(p, c, level, &best);
	if (p->by_asn)
		judge_networks(p, c, &best);
	return best;
}
