/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Path: a proxy network shows as one ClientHello most of whose sources are behind a second leg.
 *
 * A source leans one way or the other by the sign of its evidence, which one handshake is enough
 * for and which does not depend on how many it made. The share among all other ClientHellos is
 * itself an estimate; as Berger and Boos (1994) do, the binomial tail is taken at an upper bound of
 * it, and the chance that the bound is wrong is added. So 0 of 10 others proves little, 0 of 10,000
 * much.
 */
#include "user/shoal/chance.h"
#include "user/shoal/family.h"

/* Chance that the baseline lies above its bound: so small that the correction for ten thousand
 * cohorts does not bring it up. */
#define BASELINE_WRONG 1e-9

struct evidence path_judge(const struct population *p, const struct cohort *c)
{
	double others = (double)(p->asked - c->asked);
	double leaning = (double)(p->leaning - c->leaning);
	double high = chance_share_high(leaning, others, BASELINE_WRONG);
	double tail = chance_binomial((uint32_t)c->leaning, (uint32_t)c->asked, high);

	return (struct evidence){
		.family = FAMILY_PATH,
		.p = tail + BASELINE_WRONG < 1 ? tail + BASELINE_WRONG : 1,
		.observed = (double)c->leaning,
		.of = (double)c->asked,
		.baseline = others > 0 ? leaning / others : 0,
		.expected = others > 0 ? (double)c->asked * leaning / others : 0,
	};
}
