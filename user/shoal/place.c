/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Place: rented exits sit together in subnets or networks, here and there, while people with one
 * piece of software do not.
 *
 * For each prefix and network, the hypergeometric upper tail of finding so many of the cohort among
 * the sources seen there, times all places that anybody was seen in (Bonferroni). A company sits
 * together, too, in the networks it owns, so one place or two prove nothing: the PLACES_MIN-th
 * smallest counts, of places in different /16s (IPv6: /32s) or in different networks. It is the
 * p-value of "fewer places than that hold too many". The strongest place is what is shown.
 */
#include "user/shoal/chance.h"
#include "user/shoal/family.h"

#define PLACES_MIN 3

/* The smallest p-values so far, in order, and the strongest place. */
struct ranking {
	double p[PLACES_MIN];
	struct evidence best;
};

static struct ranking ranking_new(void)
{
	struct ranking r = { .best = { .family = FAMILY_PLACE, .p = 1 } };

	for (unsigned int i = 0; i < PLACES_MIN; i++)
		r.p[i] = 1;
	return r;
}

static void ranking_add(struct ranking *r, const struct evidence *e)
{
	double p = e->p, weaker;

	if (p < r->best.p)
		r->best = *e;
	for (unsigned int i = 0; i < PLACES_MIN; i++) {
		if (p >= r->p[i])
			continue;
		weaker = r->p[i];
		r->p[i] = p;
		p = weaker;
	}
}

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

/* The cohort's sources from `first` on that share a prefix of this level. */
static size_t run_end(const struct population *p, const struct cohort *c, size_t first,
		      unsigned int level)
{
	size_t end = first + 1;

	while (end < c->n && population_near(p, c->split[first], c->split[end], level))
		end++;
	return end;
}

/* The strongest prefix of one level among the cohort's sources [first, end). */
static void judge_level(const struct population *p, const struct cohort *c, size_t first,
			size_t end, unsigned int level, struct evidence *best)
{
	struct evidence e;
	size_t next;

	for (size_t i = first; i < end; i = next) {
		next = run_end(p, c, i, level);
		if (next - i < 2)
			continue; /* one source is no concentration */
		e = place_evidence(p, c, next - i, p->list[c->split[i]].around[level]);
		if (e.p >= best->p)
			continue;
		*best = e;
		best->where = population_place(p, c->split[i], level);
	}
}

/* One entry in the ranking for each of the widest prefixes. */
static void judge_prefixes(const struct population *p, const struct cohort *c, struct ranking *r)
{
	size_t end;

	for (size_t first = 0; first < c->n; first = end) {
		struct evidence best = { .family = FAMILY_PLACE, .p = 1 };

		end = run_end(p, c, first, PLACE_LEVELS - 1);
		for (unsigned int level = 0; level < PLACE_LEVELS; level++)
			judge_level(p, c, first, end, level, &best);
		ranking_add(r, &best);
	}
}

/* The run of sources of one network, from the first on: how many of them are of the cohort. */
static size_t count_run(const struct population *p, const uint32_t *list, size_t n, size_t *ret_run)
{
	size_t here = 0, run = 0;

	while (run < n && p->list[list[run]].asn == p->list[list[0]].asn)
		here += p->list[list[run++]].split;
	*ret_run = run;
	return here;
}

static void judge_networks(const struct population *p, const struct cohort *c, struct ranking *r)
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
		e.asn = s->asn;
		ranking_add(r, &e);
	}
}

struct evidence place_judge(const struct population *p, const struct cohort *c)
{
	struct ranking prefixes = ranking_new(), networks = ranking_new();
	struct evidence e;
	double weaker;

	judge_prefixes(p, c, &prefixes);
	if (p->by_asn)
		judge_networks(p, c, &networks);
	e = networks.best.p < prefixes.best.p ? networks.best : prefixes.best;
	weaker = prefixes.p[PLACES_MIN - 1];
	if (networks.p[PLACES_MIN - 1] < weaker)
		weaker = networks.p[PLACES_MIN - 1];
	e.p = weaker;
	return e;
}
