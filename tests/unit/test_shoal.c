/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The correlator on made-up populations with known truth, from seeds it was not tuned on: innocent
 * crowds with their hard cases, and campaigns of several sizes and ways to share work.
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
#include "user/shoal/shoal.h"

#define NOW 100000

struct score {
	size_t campaigns, members, swarm, found, shared_hit;
};

static void campaigns_freep(struct campaigns **c)
{
	campaigns_free(*c);
}

static struct campaigns *correlate(const struct sim *s, const struct campaigns *before)
{
	struct campaigns *c = NULL;

	const struct shoal_question q = {
		.f = s->list,
		.n = s->n,
		.window = WINDOW_DAY,
		.now_sec = NOW,
	};

	assert_int_equal(shoal_correlate(&q, &shoal_defaults, before, &c), 0);
	assert_int_equal(c->sources, s->n);
	return c;
}

static const struct member *member_of_any(const struct campaigns *c, const uint8_t *source)
{
	const struct member *m = NULL;

	for (size_t i = 0; i < c->n && !m; i++)
		m = campaign_member(&c->list[i], source);
	return m;
}

/* What must hold of every member and prefix, whatever was found. */
static void assert_guards(const struct campaign *c)
{
	for (size_t i = 0; i < c->n_members; i++) {
		assert_true(c->members[i].lfdr <= shoal_defaults.lfdr_max);
		assert_true(c->members[i].log10_e >= 4);
		if (i)
			assert_true(memcmp(c->members[i - 1].source, c->members[i].source, 16) < 0);
	}
	for (size_t i = 0; i < c->n_prefixes; i++) {
		const struct net_finding *net = &c->prefixes[i];

		assert_true(net->members >= shoal_defaults.prefix_min);
		assert_true(net->purity >= shoal_defaults.purity_min);
		assert_in_range(prefix_family_len(&net->prefix),
				prefix_is_v4(&net->prefix) ? 20 : 40,
				prefix_is_v4(&net->prefix) ? 32 : 64);
		if (i)
			assert_false(prefix_overlaps(&c->prefixes[i - 1].prefix, &net->prefix));
	}
}

static struct score judge(const struct sim *s)
{
	_cleanup_(campaigns_freep) struct campaigns *c = correlate(s, NULL);
	struct score score = { .campaigns = c->n };
	bool member;

	for (size_t i = 0; i < c->n; i++)
		assert_guards(&c->list[i]);
	for (size_t i = 0; i < s->n; i++) {
		member = member_of_any(c, s->list[i].source);
		score.members += member;
		score.swarm += s->kind[i] == KIND_SWARM;
		score.found += member && s->kind[i] == KIND_SWARM;
		score.shared_hit += member && s->kind[i] == KIND_CARRIER;
	}
	return score;
}

/* 120 innocent populations of very different sizes: offices, carriers, satellites, monitors, and in
 * most of them a company behind a cloud proxy, with one tool and more or less one way to work. */
static void test_innocent_crowds(void **state)
{
	const size_t sizes[] = { 200, 1000, 3000, 8000 };
	const struct sim_fleet fleets[] = {
		{ 800, 1.2, 1.0 },
		{ 300, 1.0, 0.6 },
		{ 60, 1.0, 0.7 },
		{ 500, 0.6, 0.3 },
	};
	const size_t kinds = ARRAY_LEN(fleets) + 1;

	(void)state;
	for (uint64_t seed = 1000; seed < 1120; seed++) {
		struct sim s;

		sim_init(&s, seed, seed % 3 ? 1 : 0.25);
		sim_add_crowd(&s, sizes[seed % ARRAY_LEN(sizes)]);
		if (seed % kinds)
			sim_add_fleet(&s, &fleets[seed % kinds - 1]);
		if (judge(&s).campaigns)
			fail_msg("seed %llu: a campaign where there is none",
				 (unsigned long long)seed);
		sim_free(&s);
	}
}

struct campaign_case {
	const char *name;
	size_t crowd, sources;
	double per_day, days;
	bool random; /* drawn at random, else least recently used first */
	bool alike;  /* one template: hardly any difference between requests */
	double recall_min;
};

static const struct campaign_case cases[] = {
	{ "200 at 25.6 a day", 10000, 200, 25.6, 1, false, false, 0.85 },
	{ "1,000 at 25.6 a day", 20000, 1000, 25.6, 1, false, false, 0.95 },
	{ "1,000 at 25.6 a day, at random", 20000, 1000, 25.6, 1, true, false, 0.95 },
	{ "1,000 at 25.6 a day, six hours", 20000, 1000, 25.6, 0.25, false, false, 0.80 },
	{ "1,000 at 330 a day, at random", 20000, 1000, 330, 1, true, false, 0.95 },
	{ "5,000 at 13 a day", 20000, 5000, 13, 1, false, false, 0.90 },
	{ "5,000 of 6,000 sources", 1000, 5000, 25.6, 1, false, false, 0.90 },
	{ "480 of 800 with few requests", 320, 480, 4.5, 1, false, true, 0.90 },
};

static void add_campaign(struct sim *s, const struct campaign_case *c)
{
	struct sim_campaign campaign = sim_campaign_typical;

	campaign.sources = c->sources;
	campaign.per_day = c->per_day;
	campaign.random = c->random;
	if (c->alike) {
		campaign.request_sd = 0.05;
		campaign.response_sd = 0.1;
	}
	sim_add_campaign(s, &campaign);
}

static void test_campaigns(void **state)
{
	struct score sum, score;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		sum = (struct score){ 0 };
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct sim s;

			sim_init(&s, 7000 + 10 * i + seed, cases[i].days);
			sim_add_crowd(&s, cases[i].crowd);
			add_campaign(&s, &cases[i]);
			score = judge(&s);
			sum.campaigns += score.campaigns;
			sum.members += score.members;
			sum.swarm += score.swarm;
			sum.found += score.found;
			sum.shared_hit += score.shared_hit;
			sim_free(&s);
		}
		print_message("# %s: recall %.3f, precision %.4f\n", cases[i].name,
			      (double)sum.found / (double)sum.swarm,
			      (double)sum.found / (double)sum.members);
		assert_int_equal(sum.campaigns, 4);
		assert_true((double)sum.found >= 0.995 * (double)sum.members);
		assert_true((double)sum.found >= cases[i].recall_min * (double)sum.swarm);
		assert_int_equal(sum.shared_hit, 0);
	}
}

/* The campaign's software has honest users, whose sizes are its own and not the crowd's; some are
 * behind second legs. They are hardly ever taken for members, whether many of them are direct or
 * none, at whatever price in members. */
static void test_fellows(void **state)
{
	const struct {
		size_t swarm;
		struct sim_fellows fellows;
	} rows[] = {
		{ 2000, { 1, 500, 0, 1.0, 0.3 } },
		{ 3000, { 1, 2000, 3000, 0.6, 0.2 } },
		{ 1000, { 1, 900, 30000, 1.5, 0.5 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct score sum = { 0 }, score;

		for (uint64_t seed = 1; seed <= 3; seed++) {
			struct sim_campaign campaign = sim_campaign_typical;
			struct sim s;

			campaign.sources = rows[i].swarm;
			sim_init(&s, 9000 + 10 * i + seed, 1);
			sim_add_crowd(&s, 30000);
			sim_add_fellows(&s, &rows[i].fellows);
			sim_add_campaign(&s, &campaign);
			score = judge(&s);
			sum.members += score.members;
			sum.swarm += score.swarm;
			sum.found += score.found;
			sim_free(&s);
		}
		print_message(
			"# %zu exits, fellows %zu split, %zu direct: recall %.3f, wrong %zu\n",
			rows[i].swarm, rows[i].fellows.split, rows[i].fellows.direct,
			(double)sum.found / (double)sum.swarm, sum.members - sum.found);
		assert_true(sum.members - sum.found <= 3 * 5);
	}
}

/* Each address is used once: nobody can be blamed for himself, but what they do together shows, as
 * long as single requests are alike; there is no mean over several. */
static void test_addresses_used_once(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *c = NULL;
	struct sim_campaign campaign = sim_campaign_typical;
	struct sim s;

	(void)state;
	campaign.sources = 5000;
	campaign.per_day = 1;
	campaign.request_sd = 0.1;
	campaign.response_sd = 0.2;
	sim_init(&s, 51, 1);
	sim_add_crowd(&s, 20000);
	sim_add_campaign(&s, &campaign);
	c = correlate(&s, NULL);
	sim_free(&s);
	assert_int_equal(c->n, 1);
	assert_int_equal(c->list[0].hello_key, sim_key(campaign.stack));
	assert_in_range(c->list[0].fleeting, 3500, 5000);
	assert_in_range(c->list[0].n_members, 0, 5);
}

/* A campaign that has just begun has nobody proven yet, but its software's honest users have been
 * there for long, some of them behind second legs and with the same work. */
static void test_young_campaign(void **state)
{
	const struct sim_fellows fellows = { 1, 200, 4000, 1.5, 0.8 };
	struct sim_campaign campaign = sim_campaign_typical;
	struct score sum = { 0 }, score;

	(void)state;
	campaign.sources = 4000;
	campaign.per_day = 1;
	campaign.request_sd = 0.1;
	campaign.response_sd = 0.2;
	for (uint64_t seed = 61; seed < 66; seed++) {
		struct sim s;

		sim_init(&s, seed, 1);
		sim_add_crowd(&s, 20000);
		sim_add_fellows(&s, &fellows);
		for (size_t i = 0; i < s.n; i++) /* of low rate, but known for a week */
			s.list[i].trail.dual *= s.kind[i] == KIND_SPLIT ? 7 : 1;
		sim_add_campaign(&s, &campaign);
		score = judge(&s);
		assert_int_equal(score.campaigns, 1);
		sum.members += score.members;
		sum.found += score.found;
		sim_free(&s);
	}
	print_message("# young: %zu innocent of %zu members\n", sum.members - sum.found,
		      sum.members);
	assert_in_range(sum.members - sum.found, 0, 2);
}

/* Sources of one key: `split` of n behind a second leg, all alike or as varied as people. */
static void group(struct features *f, size_t n, size_t split, uint64_t key, bool alike)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t random = seine_mix64(key << 32 | i);
		uint32_t address = (uint32_t)seine_mix64(random);
		float request = alike ? 0 : (float)(random % 1000) / 250 - 2;
		float response = alike ? 0 : (float)(random >> 10 & 1023) / 256 - 2;

		f[i] = (struct features){
			.source = { [10] = 0xff, [11] = 0xff, 10 },
			.hello_key = key,
			.requests = alike ? 20 : 4u << (random >> 20 & 7),
			.trail = { .dual = i < split ? 4 : 0, .none = i < split ? 0 : 4 },
			.log_request = 8 + request,
			.log_response = 9 + response,
			.stacks = 1,
		};
		memcpy(&f[i].source[13], &address, 3);
	}
}

/* However dense a group is, that alone is one kind of evidence: where others are behind second legs
 * as often, and no other kind holds, there is no campaign. Where they are not, there is one. */
static void test_one_kind_is_not_enough(void **state)
{
	enum { OWN = 100, KEYS = 40, EACH = 100 };
	static struct features f[OWN + KEYS * EACH];

	(void)state;
	for (size_t others = 2; others <= 60; others += 58) {
		_cleanup_(campaigns_freep) struct campaigns *c = NULL;
		const struct sim s = { .list = f, .n = ARRAY_LEN(f) };

		group(f, OWN, 70, 1, true);
		for (size_t key = 0; key < KEYS; key++)
			group(f + OWN + key * EACH, EACH, others, 2 + key, false);
		c = correlate(&s, NULL);
		assert_int_equal(c->n, others < 10);
	}
}

/* Campaigns that share work under different software are not each other's excuse. */
static void test_several_campaigns(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *c = NULL;
	struct sim_campaign campaign = sim_campaign_typical;
	size_t found = 0;
	struct sim s;

	(void)state;
	sim_init(&s, 41, 1);
	sim_add_crowd(&s, 10000);
	for (campaign.stack = 1; campaign.stack <= 13; campaign.stack += 4)
		sim_add_campaign(&s, &campaign);
	c = correlate(&s, NULL);
	assert_int_equal(c->n, 4);
	for (size_t i = 0; i < c->n; i++) {
		assert_guards(&c->list[i]);
		found += c->list[i].n_members;
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(c->list[i].id, c->list[j].id);
	}
	assert_in_range(found, 3900, 4020);
	sim_free(&s);
}

static void assert_same_campaign(const struct campaign *a, const struct campaign *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->hello_key, b->hello_key);
	assert_true(a->q_value == b->q_value);
	assert_int_equal(a->requests, b->requests);
	assert_int_equal(a->n_members, b->n_members);
	for (size_t i = 0; i < a->n_members; i++) {
		assert_memory_equal(a->members[i].source, b->members[i].source, 16);
		assert_true(a->members[i].lfdr == b->members[i].lfdr);
	}
	assert_int_equal(a->n_prefixes, b->n_prefixes);
	for (size_t i = 0; i < a->n_prefixes; i++)
		assert_int_equal(prefix_compare(&a->prefixes[i].prefix, &b->prefixes[i].prefix), 0);
}

static void test_order_does_not_matter(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *first = NULL;
	_cleanup_(campaigns_freep) struct campaigns *again = NULL;
	_cleanup_(campaigns_freep) struct campaigns *shuffled = NULL;
	struct sim s;

	(void)state;
	sim_init(&s, 31, 1);
	sim_add_crowd(&s, 5000);
	sim_add_campaign(&s, &sim_campaign_typical);
	first = correlate(&s, NULL);
	again = correlate(&s, NULL);
	sim_shuffle(&s);
	shuffled = correlate(&s, NULL);
	sim_free(&s);

	assert_int_equal(first->n, 1);
	assert_int_equal(shuffled->n, 1);
	assert_same_campaign(&first->list[0], &again->list[0]);
	assert_same_campaign(&first->list[0], &shuffled->list[0]);
}

/* A campaign keeps its name while it lives, also when its software changes. */
static void test_identity(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *first = NULL;
	_cleanup_(campaigns_freep) struct campaigns *second = NULL;
	_cleanup_(campaigns_freep) struct campaigns *third = NULL;
	struct sim_campaign other = sim_campaign_typical;
	struct sim s;

	(void)state;
	sim_init(&s, 32, 1);
	sim_add_crowd(&s, 5000);
	sim_add_campaign(&s, &sim_campaign_typical);
	first = correlate(&s, NULL);
	assert_int_equal(first->n, 1);
	assert_int_equal(first->list[0].first_sec, NOW);

	for (size_t i = 0; i < s.n; i++)
		if (s.kind[i] == KIND_SWARM)
			s.list[i].hello_key = sim_key(99);
	first->list[0].first_sec = 5;
	second = correlate(&s, first);
	assert_int_equal(second->n, 1);
	assert_int_equal(second->list[0].id, first->list[0].id);
	assert_int_equal(second->list[0].first_sec, 5);
	assert_ptr_equal(campaigns_find(second, first->list[0].id), &second->list[0]);
	sim_free(&s);

	sim_init(&s, 33, 1);
	sim_add_crowd(&s, 5000);
	other.stack = 77;
	sim_add_campaign(&s, &other);
	first->list[0].seen_sec[WINDOW_DAY] = NOW - shoal_defaults.hold_sec - 1;
	third = correlate(&s, first);
	assert_int_equal(third->n, 2);
	assert_int_equal(campaigns_living(third), 1);
	assert_int_equal(campaigns_find(third, first->list[0].id)->ended_sec, NOW);
	sim_free(&s);
}

/* Rounds that fall short of a campaign keep it as it was, until they have done so for too long. */
static void test_hold(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *first = NULL;
	_cleanup_(campaigns_freep) struct campaigns *held = NULL;
	_cleanup_(campaigns_freep) struct campaigns *gone = NULL;
	struct sim s;

	(void)state;
	sim_init(&s, 32, 1);
	sim_add_crowd(&s, 5000);
	sim_add_campaign(&s, &sim_campaign_typical);
	first = correlate(&s, NULL);
	assert_int_equal(first->n, 1);
	sim_free(&s);

	sim_init(&s, 32, 1);
	sim_add_crowd(&s, 5000);
	first->list[0].seen_sec[WINDOW_DAY] = NOW - shoal_defaults.hold_sec;
	held = correlate(&s, first);
	assert_int_equal(held->n, 1);
	assert_same_campaign(&held->list[0], &first->list[0]);
	assert_int_equal(held->list[0].id, first->list[0].id);
	assert_int_equal(held->list[0].ended_sec, 0);

	held->list[0].seen_sec[WINDOW_DAY]--;
	gone = correlate(&s, held);
	assert_int_equal(campaigns_living(gone), 0);
	assert_same_campaign(&gone->list[0], &first->list[0]);
	assert_int_equal(gone->list[0].ended_sec, NOW);
	sim_free(&s);
}

static void test_nothing_to_do(void **state)
{
	struct features one = { .source = { [10] = 0xff, [11] = 0xff }, .hello_key = 1 };
	struct shoal_question q = { .window = WINDOW_DAY, .now_sec = NOW };
	struct campaigns *c = NULL;

	(void)state;
	assert_int_equal(shoal_correlate(&q, &shoal_defaults, NULL, &c), 0);
	assert_int_equal(c->n, 0);
	campaigns_free(c);
	q.f = &one;
	q.n = 1;
	assert_int_equal(shoal_correlate(&q, &shoal_defaults, NULL, &c), 0);
	assert_int_equal(c->n, 0);
	campaigns_free(c);
	campaigns_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_innocent_crowds),
		cmocka_unit_test(test_campaigns),
		cmocka_unit_test(test_fellows),
		cmocka_unit_test(test_addresses_used_once),
		cmocka_unit_test(test_young_campaign),
		cmocka_unit_test(test_one_kind_is_not_enough),
		cmocka_unit_test(test_several_campaigns),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
