/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes that can stand for the members in them.
 *
 * Residential exits are scattered thinly over other people's subnets, so a prefix is the exception.
 * From the widest allowed length to the narrowest: members in one prefix of that length are shrunk
 * to the longest prefix that still holds them all; it stands for them when
 *
 *	enough of its addresses were seen to belong to the campaign,
 *	no outsider in it is shared by many, or has been known for long,
 *	a lower bound on the purity of what was seen there holds, by sources and by requests,
 *	and hardly any of the sources seen there is an outsider.
 *
 * Otherwise the next length splits them. Members that are not split by it are left to it, so that
 * each prefix is looked at once.
 *
 * Outsiders are sources that show no sign of the campaign. A source with its ClientHello that leans
 * to a second leg, but is not yet proven, counts on neither side.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"
#include "user/shoal/purity.h"

/* One in so many addresses of a prefix must be a member (IPv6: of its /48s), so that two dense
 * subnets far apart do not condemn all that lies between them. */
#define OCCUPANCY 16
#define V6_SITE 48

/* Whoever has had an address for longer lives there, and is not hit for his neighbours: a month, of
 * the 45 days that are remembered. */
#define KNOWN_DAYS 30

/* The bound allows for chance, so that a large prefix would pass it with one outsider in twenty.
 * What is hit beside the campaign has a limit of its own: of the sources in a prefix, one in so
 * many. */
#define SOURCES_PER_OUTSIDER 100

struct lengths { /* of prefixes of one family, counted in 128 bits */
	unsigned int widest, narrowest;
	bool v4;
};

struct run { /* of members in one prefix */
	const struct member *members;
	size_t n;
};

static struct prefix address_of(const struct member *m)
{
	return prefix_of(m->source, 128);
}

/* The longest prefix that holds the whole run. Members are sorted: the outer two decide. */
static struct prefix tightest(const struct run *run)
{
	struct prefix last = address_of(&run->members[run->n - 1]), p;
	unsigned int len = 128;

	do
		p = prefix_of(run->members[0].source, len--);
	while (!prefix_covers(&p, &last));
	return p;
}

static bool occupied(const struct prefix *p, size_t members)
{
	double places = prefix_is_v4(p)	   ? prefix_addresses(p)
			: p->len < V6_SITE ? exp2(V6_SITE - p->len)
					   : 1;

	return (double)members * OCCUPANCY >= places;
}

static bool outsider(const struct source *s, uint64_t hello_key)
{
	return s->hello_key != hello_key || !s->leans || s->shared;
}

/* Returns why the prefix cannot stand for the run; NET_REFUSALS: it can. */
static enum net_refusal examine(const struct population *p, const struct campaign *c,
				const struct run *run, const struct shoal_settings *s,
				struct net_finding *net)
{
	double member_requests = 0, other_requests = 0;
	bool shared = false, known = false;
	const struct member *member;
	size_t first, end;

	if (!occupied(&net->prefix, run->n))
		return NET_SPARSE;
	net->alone = true;
	order_within(p->order, p->n, &net->prefix, &first, &end);
	net->sources = (uint32_t)(end - first);
	for (size_t i = first; i < end; i++) {
		member = campaign_member(c, p->list[i].f->source);
		if (member)
			member_requests += p->list[i].f->requests;
		net->alone &= member && member->alone;
		if (member || !outsider(&p->list[i], c->hello_key))
			continue;
		net->outsiders++;
		other_requests += p->list[i].f->requests;
		shared |= p->list[i].shared;
		known |= p->list[i].f->age_sec > (uint64_t)KNOWN_DAYS * s->day_sec;
	}
	net->purity = purity_low((double)run->n, (double)run->n + net->outsiders, member_requests,
				 member_requests + other_requests, s->alpha);
	if (shared)
		return NET_SHARED;
	if (known)
		return NET_KNOWN;
	if (net->purity < s->purity_min || net->outsiders * SOURCES_PER_OUTSIDER > net->sources)
		return NET_IMPURE;
	return NET_REFUSALS;
}

/* The run of not yet covered members from `first` on that share a prefix of this length. */
static struct run run_from(const struct campaign *c, const bool *covered, size_t first,
			   unsigned int len)
{
	struct prefix p = prefix_of(c->members[first].source, len), next;
	struct run run = { &c->members[first], 0 };

	for (size_t i = first; i < c->n_members && !covered[i]; i++) {
		next = address_of(&c->members[i]);
		if (!prefix_covers(&p, &next))
			break;
		run.n++;
	}
	return run;
}

/* Does a prefix stand for the run? Where its tightest one is longer than `len`, the same run comes
 * again at the next length; at the last one it gets the narrowest prefix that is allowed. */
static bool stands(const struct population *p, const struct shoal_settings *s,
		   const struct run *run, unsigned int len, unsigned int narrowest,
		   struct campaign *c)
{
	struct net_finding net = { .prefix = tightest(run), .members = (uint32_t)run->n };
	enum net_refusal refusal;

	if (net.prefix.len > len && len < narrowest)
		return false;
	net.prefix = prefix_parent(&net.prefix, narrowest);
	refusal = examine(p, c, run, s, &net);
	if (refusal < NET_REFUSALS) {
		c->refused[refusal]++;
		return false;
	}
	c->prefixes[c->n_prefixes++] = net;
	return true;
}

static void find_at_length(const struct population *p, const struct shoal_settings *s,
			   unsigned int len, const struct lengths *all, bool *covered,
			   struct campaign *c)
{
	struct prefix address;
	struct run run;

	for (size_t i = 0; i < c->n_members; i += run.n ? run.n : 1) {
		run.n = 0;
		address = address_of(&c->members[i]);
		if (covered[i] || prefix_is_v4(&address) != all->v4)
			continue;
		run = run_from(c, covered, i, len);
		if (run.n < s->prefix_min || !stands(p, s, &run, len, all->narrowest, c))
			continue;
		for (size_t j = 0; j < run.n; j++)
			covered[i + j] = true;
	}
}

static int finding_compare(const void *a, const void *b)
{
	const struct net_finding *x = a, *y = b;

	return prefix_compare(&x->prefix, &y->prefix);
}

int campaign_find_nets(const struct population *p, const struct shoal_settings *s,
		       struct campaign *c)
{
	const struct lengths families[] = {
		{ PREFIX_V4_BASE + s->prefix_v4_min, PREFIX_V4_BASE + s->prefix_v4_max, true },
		{ s->prefix_v6_min, s->prefix_v6_max, false },
	};
	_cleanup_(freep) bool *covered = calloc(c->n_members + 1, sizeof(*covered));

	c->prefixes = calloc(c->n_members + 1, sizeof(*c->prefixes));
	if (!covered || !c->prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const struct lengths *all = &families[i];

		for (unsigned int len = all->widest; len <= all->narrowest; len++)
			find_at_length(p, s, len, all, covered, c);
	}
	if (c->n_prefixes)
		qsort(c->prefixes, c->n_prefixes, sizeof(*c->prefixes), finding_compare);
	return 0;
}
