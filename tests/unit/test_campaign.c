/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members, prefixes and sentences of a campaign, on populations made by hand.
 */
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"

#define KEY 7

struct stage {
	struct features *f;
	size_t n, room;
	struct population *p;
	struct campaign c;
	struct shoal_settings settings; /* of prefixes; all 0: the default ones */
};

static void stage_clear(struct stage *s)
{
	population_free(s->p);
	campaign_clear(&s->c);
	free(s->f);
}

static struct features *add(struct stage *s, const char *address, uint64_t key, bool split)
{
	struct features *f;
	struct prefix p;
	char why[120];

	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->f = reallocarray(s->f, s->room, sizeof(*s->f));
		assert_non_null(s->f);
	}
	assert_int_equal(prefix_parse(address, why, sizeof(why), &p), 0);
	f = &s->f[s->n++];
	*f = (struct features){
		.hello_key = key,
		.requests = 10,
		.gap_dual = split ? 10 : 0,
		.trail = { .dual = split ? 10 : 0, .none = split ? 0 : 10 },
		.gap_none = split ? 0 : 10,
		.gap_ms = split ? 40 : 0,
		.stacks = 1,
	};
	memcpy(f->source, p.ip, 16);
	return f;
}

static void fill(struct stage *s, const char *format, unsigned int from, unsigned int n,
		 uint64_t key, bool split)
{
	char text[PREFIX_TEXT];

	for (unsigned int i = from; i < from + n; i++) {
		snprintf(text, sizeof(text), format, i);
		add(s, text, key, split);
	}
}

/* All proven sources with the key, except those past `certain`, are members. */
static void build(struct stage *s, size_t certain)
{
	const struct shoal_question q = { .f = s->f, .n = s->n, .window = WINDOW_DAY };
	struct cohorts *cohorts = NULL;

	if (!s->settings.prefix_min)
		s->settings = shoal_defaults;
	assert_int_equal(population_new(&q, &shoal_defaults, &s->p), 0);
	assert_int_equal(cohorts_new(s->p, 1, &cohorts), 0);
	assert_int_equal(cohorts->n, 1);
	for (size_t i = 0; i < cohorts->list[0].n; i++)
		cohorts->list[0].lfdr[i] = i < certain ? 0.01f : 0.2f;
	assert_int_equal(campaign_build(s->p, &cohorts->list[0], &shoal_defaults, &s->c), 0);
	assert_int_equal(campaign_find_nets(s->p, &s->settings, &s->c), 0);
	cohorts_free(cohorts);
}

static const char *prefixes(const struct stage *s)
{
	static char all[400];
	char text[PREFIX_TEXT];
	size_t len = 0;

	all[0] = '\0';
	for (size_t i = 0; i < s->c.n_prefixes; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? " " : "",
					prefix_format(&s->c.prefixes[i].prefix, text));
	return all;
}

/* Neither the uncertain nor the shared ones are members; the latter are counted. */
static void test_members(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	(void)state;
	fill(&s, "198.51.100.%u", 1, 20, KEY, true);
	fill(&s, "192.0.2.%u", 1, 200, 3, false);
	s.f[4].stacks = 3.1f; /* three stacks, read with the error of the estimate: not shared */
	s.f[5].stacks = 4.2f;
	s.f[6].requests = 5000;
	s.f[7].stacks = 2.02f;
	build(&s, 15);
	assert_int_equal(s.c.sources, 20);
	assert_int_equal(s.c.n_members, 13);
	assert_int_equal(s.c.shared, 2);
	assert_int_equal(s.c.requests, 130);
	assert_null(campaign_member(&s.c, s.f[5].source));
	assert_null(campaign_member(&s.c, s.f[6].source));
	assert_null(campaign_member(&s.c, s.f[15].source));
	assert_true(campaign_member(&s.c, s.f[0].source)->alone);
	assert_false(campaign_member(&s.c, s.f[7].source)->alone);
	assert_true(s.c.gap_low_ms == 40 && s.c.gap_high_ms == 40);
	assert_int_equal(s.c.n_prefixes, 0);
}

static void test_dense_subnets(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	(void)state;
	fill(&s, "203.0.113.%u", 3, 250, KEY, true);
	fill(&s, "198.51.100.%u", 64, 60, KEY, true);
	fill(&s, "10.%u.0.1", 1, 40, KEY, true);
	fill(&s, "192.0.2.%u", 1, 200, 3, false);
	build(&s, SIZE_MAX);
	/* 60 neighbours fill a /26; scattered ones stay alone. */
	assert_string_equal(prefixes(&s), "198.51.100.64/26 203.0.113.0/24");
	assert_int_equal(s.c.prefixes[1].members, 250);
	assert_int_equal(s.c.prefixes[1].outsiders, 0);
	assert_true(s.c.prefixes[1].purity > 0.98);
}

/* Two full /24s side by side are one /23; far apart they stay two. */
static void test_widest_that_is_full(void **state)
{
	_cleanup_(stage_clear) struct stage near = { 0 };
	_cleanup_(stage_clear) struct stage far = { 0 };

	(void)state;
	fill(&near, "10.1.2.%u", 0, 200, KEY, true);
	fill(&near, "10.1.3.%u", 0, 200, KEY, true);
	build(&near, SIZE_MAX);
	assert_string_equal(prefixes(&near), "10.1.2.0/23");

	fill(&far, "10.1.0.%u", 128, 100, KEY, true);
	fill(&far, "10.1.15.%u", 0, 100, KEY, true);
	build(&far, SIZE_MAX);
	assert_string_equal(prefixes(&far), "10.1.0.128/25 10.1.15.0/25");
}

/* Innocent neighbours: a few in one corner are cut off, many spoil the whole. */
static void test_neighbours(void **state)
{
	_cleanup_(stage_clear) struct stage corner = { 0 };
	_cleanup_(stage_clear) struct stage mixed = { 0 };
	_cleanup_(stage_clear) struct stage busy = { 0 };

	(void)state;
	fill(&corner, "10.1.2.%u", 0, 128, KEY, true);
	fill(&corner, "10.1.2.%u", 200, 30, 3, false);
	build(&corner, SIZE_MAX);
	assert_string_equal(prefixes(&corner), "10.1.2.0/25");

	for (unsigned int i = 0; i < 200; i += 4) {
		fill(&mixed, "10.1.2.%u", i, 3, KEY, true);
		fill(&mixed, "10.1.2.%u", i + 3, 1, 3, false);
	}
	build(&mixed, SIZE_MAX);
	assert_string_equal(prefixes(&mixed), "");

	/* One neighbour, but most of the requests are his. */
	fill(&busy, "10.1.2.%u", 0, 100, KEY, true);
	fill(&busy, "10.1.2.%u", 101, 1, 3, false);
	busy.f[100].requests = 900;
	build(&busy, SIZE_MAX);
	assert_string_equal(prefixes(&busy), "10.1.2.0/26");
}

static void turn_direct(struct features *f)
{
	f->trail = (struct trail){ .none = 10 };
}

/* One who has been there for over a month, or whom many share, is not hit for his neighbours, even
 * where the bound would hold; his half of the subnet is spared. */
static void test_old_and_shared_neighbours(void **state)
{
	_cleanup_(stage_clear) struct stage young = { 0 };
	_cleanup_(stage_clear) struct stage old = { 0 };
	_cleanup_(stage_clear) struct stage shared = { 0 };

	(void)state;
	fill(&young, "10.1.2.%u", 0, 256, KEY, true);
	turn_direct(&young.f[77]);
	young.f[77].age_sec = 30 * 86400;
	build(&young, SIZE_MAX);
	assert_string_equal(prefixes(&young), "10.1.2.0/24");
	assert_int_equal(young.c.prefixes[0].outsiders, 1);
	assert_int_equal(young.c.refused[NET_KNOWN], 0);

	fill(&old, "10.1.2.%u", 0, 256, KEY, true);
	old.f[200].age_sec = 45 * 86400; /* a member may be as old as it likes */
	turn_direct(&old.f[77]);
	old.f[77].age_sec = 30 * 86400 + 1;
	build(&old, SIZE_MAX);
	assert_string_equal(prefixes(&old), "10.1.2.0/26 10.1.2.128/25");
	/* The /24, /25, /26, /27 and /28 around him; then seven members are left beside him. */
	assert_int_equal(old.c.refused[NET_KNOWN], 5);
	assert_int_equal(old.c.refused[NET_SHARED], 0);

	fill(&shared, "10.1.2.%u", 0, 256, KEY, true);
	shared.f[77].stacks = 9;
	build(&shared, SIZE_MAX);
	assert_string_equal(prefixes(&shared), prefixes(&old));
	assert_int_equal(shared.c.refused[NET_SHARED], 5);
	assert_int_equal(shared.c.refused[NET_KNOWN], 0);
}

/* Nothing wider or narrower than allowed, even where all members lie in a corner. */
static void test_lengths(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	(void)state;
	fill(&s, "10.1.2.%u", 0, 32, KEY, true);
	fill(&s, "10.1.2.%u", 40, 8, KEY, true);
	fill(&s, "2001:db8:1:%x::", 0, 40, KEY, true);
	s.settings = shoal_defaults;
	s.settings.prefix_v4_max = 26;
	s.settings.prefix_v6_max = 58;
	build(&s, SIZE_MAX);
	assert_string_equal(prefixes(&s), "10.1.2.0/26 2001:db8:1::/58");
}

/* Sources that look like the campaign, but are not proven yet, neither spoil nor prove. */
static void test_undecided_neighbours(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	(void)state;
	fill(&s, "10.1.2.%u", 0, 60, KEY, true);
	fill(&s, "10.1.2.%u", 60, 4, KEY, true);
	for (size_t i = 60; i < 64; i++)
		s.f[i].trail.dual = 1;
	build(&s, SIZE_MAX);
	assert_string_equal(prefixes(&s), "10.1.2.0/26");
	assert_int_equal(s.c.prefixes[0].members, 60);
	assert_int_equal(s.c.prefixes[0].sources, 64);
	assert_int_equal(s.c.prefixes[0].outsiders, 0);
}

static void test_ipv6(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	(void)state;
	fill(&s, "2001:db8:1:%x::", 0, 50, KEY, true);
	fill(&s, "2001:db8:%x:77::", 256, 40, KEY, true);
	fill(&s, "192.0.2.%u", 1, 100, 3, false);
	build(&s, SIZE_MAX);
	/* The site's 50 subnets, and 40 sites in a row, which are one in 16 of a /40. */
	assert_string_equal(prefixes(&s), "2001:db8:1::/58 2001:db8:100::/42");
}

static bool says(const struct sentence *list, size_t n, enum side side, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].side == side && !strcmp(list[i].text, text))
			return true;
	return false;
}

static void test_explain(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };
	struct sentence list[SENTENCES_MAX];
	size_t n;

	(void)state;
	fill(&s, "203.0.113.%u", 3, 250, KEY, true);
	fill(&s, "192.0.2.%u", 1, 200, 3, false);
	s.f[0].stacks = 9;
	build(&s, 245);
	s.c.evidence[FAMILY_PATH] = (struct evidence){
		.p = 1e-9,
		.holds = true,
		.observed = 464,
		.of = 470,
		.baseline = 0.012,
	};
	s.c.evidence[FAMILY_DENSITY] = (struct evidence){
		.p = 1e-30,
		.holds = true,
		.observed = 240,
		.of = 250,
		.expected = 0.43,
	};
	s.c.evidence[FAMILY_PLACE] = (struct evidence){ .p = 0.3 };
	s.c.p_combined = 2e-9;
	s.c.q_value = 8.1e-9;
	s.c.p_without[FAMILY_PLACE] = 1e-9;
	s.c.p_without[FAMILY_PATH] = 0.3;
	s.c.stands_without[FAMILY_PLACE] = true;
	n = campaign_explain(&s.c, list);

	assert_true(says(list, n, SIDE_FOR,
			 "464 of 470 sources with this ClientHello are behind a "
			 "second leg; of others 1.2 %."));
	assert_true(says(list, n, SIDE_FOR,
			 "240 of 250 do nearly equal work; of such a crowd 0.4 would."));
	assert_true(says(list, n, SIDE_AGAINST,
			 "Weak: No subnet holds more of its sources than expected."));
	assert_true(says(list, n, SIDE_FOR,
			 "It would be found without the evidence of place, too (p 1e-09)."));
	assert_true(says(list, n, SIDE_AGAINST,
			 "Without the evidence of path it would not be found (p 0.3)."));
	assert_true(
		says(list, n, SIDE_AGAINST, "1 source fits, but is spared: many people share it."));
	assert_true(says(list, n, SIDE_EFFECT,
			 "2 prefixes would cover 184 members and 0 other sources."));
	assert_true(says(
		list, n, SIDE_EFFECT,
		"Prefixes spared: 0 too thin, 11 not surely pure, 0 with long-known others, 5 with "
		"shared ones."));
	for (size_t i = 0; i < n; i++)
		assert_true(strlen(list[i].text) <= 100);
}

/* Whatever the numbers, a sentence ends within its buffer. */
static void test_sentence_fits(void **state)
{
	struct campaign c = { 0 };
	char buf[20];

	(void)state;
	for (unsigned int f = 0; f <= FAMILY_MAX; f++) {
		c.evidence[FAMILY_PATH].of = 1e300;
		c.evidence[FAMILY_DENSITY].expected = 1e300;
		memset(buf, 'x', sizeof(buf));
		assert_ptr_equal(evidence_sentence(&c, f, buf, sizeof(buf)), buf);
		assert_non_null(memchr(buf, '\0', sizeof(buf)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_dense_subnets),
		cmocka_unit_test(test_widest_that_is_full),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_old_and_shared_neighbours),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_undecided_neighbours),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_sentence_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
