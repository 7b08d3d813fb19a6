/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regular sources, counted and compared with the crowd.
 */
#include <math.h>
#include "user/shoal/chance.h"
#include "user/shoal/turns.h"

/* Chance that the crowd's share lies above its bound; see path.c. */
#define BASELINE_WRONG 1e-9

/* Is the coefficient of variation of the last waits below the limit? -1: too few, or too long. */
static int is_regular(const struct rhythm *r, uint32_t tau_sec)
{
	struct session s[RHYTHM_TIMES];
	unsigned int n = sessions_collect(r, tau_sec, s);
	double sum = 0, squares = 0, variance;
	uint32_t wait;

	if (n <= REGULARITY_GAPS)
		return -1;
	for (unsigned int i = n - REGULARITY_GAPS; i < n; i++) {
		wait = s[i].begin - s[i - 1].end;
		if (wait > SESSION_WAIT_MAX_SEC)
			return -1;
		wait -= tau_sec;
		sum += wait;
		squares += (double)wait * wait;
	}
	variance = (squares - sum * sum / REGULARITY_GAPS) / (REGULARITY_GAPS - 1);
	return sqrt(fmax(variance, 0)) < REGULARITY_CV * sum / REGULARITY_GAPS;
}

void regularity_count(const struct rhythm *r, unsigned int tau, struct regularity *ret)
{
	int regular = r->n > REGULARITY_GAPS ? is_regular(r, session_tau_sec[tau]) : -1;

	ret->measured += regular >= 0;
	ret->regular += regular > 0;
}

static struct regularity count_group(const struct tempo *tempo, const struct group *g,
				     unsigned int tau)
{
	struct regularity ret = { 0 };
	const struct rhythm *rhythm;

	for (size_t i = 0; i < g->n; i++) {
		rhythm = tempo->p->list[g->at[i]].f->rhythm;
		if (rhythm)
			regularity_count(rhythm, tau, &ret);
	}
	return ret;
}

static struct evidence compare(const struct regularity *own, const struct regularity *others)
{
	double high = chance_share_high(others->regular, others->measured, BASELINE_WRONG);
	double tail = chance_binomial(own->regular, own->measured, fmax(high, REGULARITY_KNOWN));
	double share = others->measured ? (double)others->regular / others->measured : 1;

	return (struct evidence){
		.p = fmin((tail + BASELINE_WRONG) * SESSION_TAUS, 1),
		.observed = own->regular,
		.of = own->measured,
		.baseline = fmax(share, REGULARITY_KNOWN),
		.expected = fmax(share, REGULARITY_KNOWN) * own->measured,
	};
}

void regularity_test(const struct tempo *tempo, const struct group *g, const struct group *cohort,
		     struct evidence *ret)
{
	struct evidence best = { .p = 1 }, e;
	struct regularity own, all, others;

	for (unsigned int tau = 0; tau < SESSION_TAUS; tau++) {
		own = count_group(tempo, g, tau);
		if (own.measured < TURNS_SOURCES_MIN)
			continue;
		all = count_group(tempo, cohort, tau);
		others.regular = tempo->regular[tau].regular - all.regular;
		others.measured = tempo->regular[tau].measured - all.measured;
		e = compare(&own, &others);
		if (e.p < best.p)
			best = e;
	}
	*ret = best;
}
