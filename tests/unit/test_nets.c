/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which prefixes stand for members: on random members and neighbours every prefix that is found
 * keeps every rule, no wider one would have, and what was refused is counted. And how many
 * innocent sources are hit by those of a whole simulated campaign.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "tests/sim/crowd.h"
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"
#include "user/shoal/chance.h"

#define KEY 7
#define DAY 86400u

/* ---- random subnets ---- */

#define TRIALS 60
#define SUBNETS 5
#define SOURCES_MAX 2048

struct stage {
	struct features f[SOURCES_MAX];
	size_t n;
	struct population *p;
	struct campaign c;
	struct shoal_settings settings;
};

static uint64_t state_of_draws;

static uint32_t draw(uint32_t n)
{
	return (uint32_t)(seine_mix64(++state_of_draws) % n);
}

static void put_address(uint32_t subnet, uint32_t host, uint8_t ip[16])
{
	memset(ip, 0, 16);
	if (subnet % 4) { /* 10.0.x.y: subnets of 256 side by side, which may join */
		ip[10] = ip[11] = 0xff;
		ip[12] = 10;
		ip[14] = (uint8_t)subnet;
		ip[15] = (uint8_t)host;
		return;
	}
	ip[0] = 0x20;
	ip[1] = 0x01;
	ip[5] = (uint8_t)subnet;
	ip[7] = (uint8_t)host;
}

/* A member, or with a chance of `spoilt` in a thousand somebody else. */
static void add(struct stage *s, uint32_t subnet, uint32_t host, uint32_t spoilt)
{
	bool member = draw(1000) >= spoilt;
	struct features *f = &s->f[s->n++];

	*f = (struct features){
		.hello_key = member || draw(4) == 0 ? KEY : 3,
		.requests = 10 + (draw(50) ? 0 : 200),
		.gap_ms = 40,
		.stacks = draw(member ? 400 : 10) ? 1 : 9,
		.age_sec = draw(4) ? draw(30 * DAY) : 30 * DAY + draw(2) * (1 + draw(DAY)),
	};
	put_address(subnet, host, f->source);
	f->trail.dual = member ? 10 : 0;
	f->trail.single = !member && draw(4) == 0; /* leans, but does not seem split */
	f->trail.none = member || f->trail.single > 0 ? 0 : 10;
}

static void build(struct stage *s)
{
	const struct shoal_question q = { .f = s->f, .n = s->n, .window = WINDOW_DAY };
	struct cohorts *cohorts = NULL;

	assert_int_equal(population_new(&q, &s->settings, &s->p), 0);
	assert_int_equal(cohorts_new(s->p, 1, &cohorts), 0);
	assert_int_equal(cohorts->n, 1);
	for (size_t i = 0; i < cohorts->list[0].n; i++)
		cohorts->list[0].lfdr[i] = 0.01f;
	assert_int_equal(campaign_build(s->p, &cohorts->list[0], &s->settings, &s->c), 0);
	assert_int_equal(campaign_find_nets(s->p, &s->settings, &s->c), 0);
	cohorts_free(cohorts);
}

static struct stage *make_stage(void)
{
	struct stage *s = calloc(1, sizeof(*s));
	uint32_t subnet = draw(200);

	assert_non_null(s);
	s->settings = shoal_defaults;
	if (draw(3) == 0) {
		s->settings.prefix_v4_min = 22 + draw(3);
		s->settings.prefix_v4_max = s->settings.prefix_v4_min + draw(5);
		s->settings.prefix_v6_min = 44 + draw(8);
		s->settings.prefix_v6_max = s->settings.prefix_v6_min + draw(9);
	}
	for (unsigned int i = 0; i < SUBNETS; i++) {
		uint32_t some = 1 + draw(5), spoilt = draw(2) ? draw(30) : draw(300);
		uint32_t from = 16 * draw(16), n = 1 + draw(256);

		for (uint32_t host = from; host < from + n && host < 256; host++)
			if (draw(some) == 0)
				add(s, subnet, host, spoilt);
		subnet += 1 + draw(3);
	}
	add(s, 255, 0, 0); /* at least one */
	build(s);
	return s;
}

static void free_stage(struct stage *s)
{
	population_free(s->p);
	campaign_clear(&s->c);
	free(s);
}

/* ---- the rules, in other words than those of the code ---- */

static bool holds(const struct prefix *p, const uint8_t source[16])
{
	struct prefix address = prefix_of(source, 128);

	return prefix_covers(p, &address);
}

/* The longest prefix of at most `longest` bits that holds all members which `wide` holds. */
static struct prefix shrink(const struct stage *s, const struct prefix *wide, unsigned int longest,
			    uint32_t *ret_members)
{
	const uint8_t *first = NULL;
	struct prefix p = *wide;
	uint32_t n = 0, held;

	for (size_t i = 0; i < s->c.n_members; i++)
		if (holds(wide, s->c.members[i].source)) {
			first = first ? first : s->c.members[i].source;
			n++;
		}
	for (unsigned int len = wide->len; first && len <= longest; len++) {
		struct prefix next = prefix_of(first, len);

		held = 0;
		for (size_t i = 0; i < s->c.n_members; i++)
			held += holds(&next, s->c.members[i].source);
		if (held < n)
			break;
		p = next;
	}
	*ret_members = n;
	return p;
}

struct neighbourhood {
	uint32_t sources, outsiders;
	double members, requests, member_requests;
	bool shared, known;
};

static struct neighbourhood look_around(const struct stage *s, const struct prefix *p)
{
	struct neighbourhood a = { 0 };

	for (size_t i = 0; i < s->p->n; i++) {
		const struct source *x = &s->p->list[i];

		if (!holds(p, x->f->source))
			continue;
		a.sources++;
		if (campaign_member(&s->c, x->f->source)) {
			a.members++;
			a.requests += x->f->requests;
			a.member_requests += x->f->requests;
		} else if (x->f->hello_key != KEY || !x->leans || x->shared) {
			a.outsiders++;
			a.requests += x->f->requests;
			a.shared |= x->shared;
			a.known |= x->f->age_sec > 30 * DAY;
		}
	}
	return a;
}

/* Addresses of a prefix, or sites where they are larger than one. */
static double places(const struct prefix *p)
{
	int bits = prefix_is_v4(p) ? 128 - p->len : p->len < 48 ? 48 - p->len : 0;
	double n = 1;

	while (bits-- > 0)
		n *= 2;
	return n;
}

static enum net_refusal reason(const struct stage *s, const struct prefix *p)
{
	struct neighbourhood a = look_around(s, p);
	double n = a.members + a.outsiders;

	if (a.members * 16 < places(p))
		return NET_SPARSE;
	if (a.shared)
		return NET_SHARED;
	if (a.known)
		return NET_KNOWN;
	if (chance_share_low(a.members, n, 0.025) < 0.9 ||
	    chance_share_low(a.member_requests / a.requests * n, n, 0.025) < 0.9 ||
	    a.outsiders > 0.01 * a.sources)
		return NET_IMPURE;
	return NET_REFUSALS;
}

/* ---- what must hold ---- */

static const struct net_finding *finding_around(const struct campaign *c, const struct prefix *p)
{
	for (size_t i = 0; i < c->n_prefixes; i++)
		if (prefix_covers(&c->prefixes[i].prefix, p))
			return &c->prefixes[i];
	return NULL;
}

static void assert_rules(const struct stage *s)
{
	const struct shoal_settings *set = &s->settings;

	for (size_t i = 0; i < s->c.n_prefixes; i++) {
		const struct net_finding *net = &s->c.prefixes[i];
		struct neighbourhood a = look_around(s, &net->prefix);
		bool v4 = prefix_is_v4(&net->prefix);

		assert_in_range(prefix_family_len(&net->prefix),
				v4 ? set->prefix_v4_min : set->prefix_v6_min,
				v4 ? set->prefix_v4_max : set->prefix_v6_max);
		assert_int_equal(reason(s, &net->prefix), NET_REFUSALS);
		assert_true(net->members == a.members && net->members >= set->prefix_min);
		assert_int_equal(net->outsiders, a.outsiders);
		assert_int_equal(net->sources, a.sources);
		assert_true(net->purity >= set->purity_min);
		if (!i)
			continue;
		assert_true(prefix_compare(&s->c.prefixes[i - 1].prefix, &net->prefix) < 0);
		assert_false(prefix_overlaps(&s->c.prefixes[i - 1].prefix, &net->prefix));
	}
}

struct looked { /* what was refused around the members, each prefix once */
	struct prefix list[SOURCES_MAX];
	size_t n;
	uint32_t refused[NET_REFUSALS];
};

static void look_at(const struct stage *s, const struct prefix *p, struct looked *all)
{
	enum net_refusal why;

	for (size_t i = 0; i < all->n; i++)
		if (!prefix_compare(&all->list[i], p))
			return;
	all->list[all->n++] = *p;
	if (finding_around(&s->c, p))
		return;
	why = reason(s, p);
	/* What keeps all rules is found, it or something wider. */
	assert_true(why < NET_REFUSALS);
	all->refused[why]++;
}

static void assert_best(const struct stage *s)
{
	struct looked *all = calloc(1, sizeof(*all));
	uint32_t members;

	assert_non_null(all);
	for (size_t i = 0; i < s->c.n_members; i++) {
		struct prefix address = prefix_of(s->c.members[i].source, 128), wide, p;
		bool v4 = prefix_is_v4(&address);
		unsigned int len = v4 ? 96 + s->settings.prefix_v4_min : s->settings.prefix_v6_min;
		unsigned int last = v4 ? 96 + s->settings.prefix_v4_max : s->settings.prefix_v6_max;

		for (; len <= last; len = p.len + 1) {
			wide = prefix_of(address.ip, len);
			p = shrink(s, &wide, last, &members);
			if (members >= s->settings.prefix_min)
				look_at(s, &p, all);
		}
	}
	assert_memory_equal(all->refused, s->c.refused, sizeof(all->refused));
	free(all);
}

static void test_rules(void **state)
{
	uint32_t found = 0, refused[NET_REFUSALS] = { 0 };

	(void)state;
	for (unsigned int trial = 0; trial < TRIALS; trial++) {
		struct stage *s;

		state_of_draws = 1000ull * trial;
		s = make_stage();
		assert_rules(s);
		assert_best(s);
		found += (uint32_t)s->c.n_prefixes;
		for (int i = 0; i < NET_REFUSALS; i++)
			refused[i] += s->c.refused[i];
		free_stage(s);
	}
	/* None of this was vacuous. */
	print_message("# %u found; %u sparse, %u shared, %u known, %u impure\n", found,
		      refused[NET_SPARSE], refused[NET_SHARED], refused[NET_KNOWN],
		      refused[NET_IMPURE]);
	assert_true(found >= TRIALS / 2);
	for (int i = 0; i < NET_REFUSALS; i++)
		assert_true(refused[i] >= 5);
}

/* ---- how many innocent sources are hit ---- */

#define SIM_SEEDS 4
#define REMEMBERED_DAYS 45

static struct campaigns *correlate(const struct sim *sim)
{
	const struct shoal_question q = { .f = sim->list, .n = sim->n, .window = WINDOW_DAY };
	struct campaigns *c = NULL;

	assert_int_equal(shoal_correlate(&q, &shoal_defaults, NULL, &c), 0);
	assert_int_equal(c->n, 1);
	return c;
}

/* People of the crowd move into the subnets of 100 members each: `mean` into a subnet. All have
 * been seen first at some time of what is remembered. */
static void settle_among(struct sim *sim, double mean)
{
	const uint8_t *subnets[64] = { 0 };
	size_t n = 0, at = 0;
	double moved = 0;

	for (size_t i = 0; i < sim->n; i++)
		if (sim->kind[i] == KIND_SWARM && sim->list[i].source[12] >= 203 && at++ % 100 == 0)
			subnets[n++] = sim->list[i].source;
	for (size_t i = 0; i < sim->n; i++) {
		struct features *f = &sim->list[i];

		if (sim->kind[i] == KIND_SWARM)
			continue;
		f->age_sec = draw(REMEMBERED_DAYS * DAY);
		if (sim->kind[i] > KIND_SPLIT || draw(10) || moved >= mean * (double)n)
			continue;
		memcpy(f->source, subnets[draw((uint32_t)n)], 15);
		f->source[15] = (uint8_t)(11 + 2 * moved);
		moved++;
	}
}

static void count_hit(const struct sim *sim, const struct campaign *c, double *hit, double *all)
{
	for (size_t i = 0; i < sim->n; i++) {
		struct prefix address = prefix_of(sim->list[i].source, 128);

		if (!finding_around(c, &address))
			continue;
		*hit += sim->kind[i] != KIND_SWARM;
		(*all)++;
	}
}

/* Also where innocent neighbours are so many that hardly any prefix is left. */
static void test_over_block(void **state)
{
	static const double means[] = { 0, 0.5, 1, 2, 5, 20 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(means); m++) {
		double hit = 0, all = 0;

		for (uint64_t seed = 1; seed <= SIM_SEEDS; seed++) {
			struct sim_campaign campaign = sim_campaign_typical;
			struct campaigns *c;
			struct sim sim;

			campaign.sources = 2000;
			campaign.dense = 0.5;
			sim_init(&sim, 9100 + seed, 1);
			sim_add_crowd(&sim, 5000);
			sim_add_campaign(&sim, &campaign);
			settle_among(&sim, means[m]);
			c = correlate(&sim);
			count_hit(&sim, &c->list[0], &hit, &all);
			campaigns_free(c);
			sim_free(&sim);
		}
		print_message(
			"# %.1f neighbours in a subnet: %.0f of %.0f sources hit are innocent\n",
			means[m], hit, all);
		assert_true(hit <= 0.01 * all);
		assert_true(means[m] > 1 || all > 1000); /* there is something to hit */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_over_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
