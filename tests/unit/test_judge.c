/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From campaigns to entries: guards, budget, time to live, and whose word counts.
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
#include "user/judge/judge.h"

#define NOW 100000u
#define KEY 7
#define TTL 3600u

static struct prefix prefix(const char *text)
{
	struct prefix p;
	char why[120];

	if (prefix_parse(text, why, sizeof(why), &p) < 0)
		fail_msg("%s", why);
	return p;
}

/* One campaign with members at a list of addresses, held entries, guards, and sources around. */
struct scene {
	struct campaign campaign;
	struct campaigns campaigns;
	struct member members[400];
	struct net_finding nets[4];
	struct entries held;
	struct entry held_list[16];
	struct guards guards;
	struct guarded guarded[4];
	struct features f[4000];
	size_t n;
	struct judge_settings settings;
	struct judgement *j;
};

static struct scene *scene_new(void)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->campaign = (struct campaign){
		.id = 0x1f3a,
		.hello_key = KEY,
		.members = s->members,
		.prefixes = s->nets,
		.networks = 10,
	};
	s->campaigns = (struct campaigns){ .list = &s->campaign, .n = 1 };
	s->held.list = s->held_list;
	s->guards.list = s->guarded;
	s->settings = judge_defaults;
	return s;
}

static void scene_freep(struct scene **s)
{
	judgement_free((*s)->j);
	free(*s);
}

static void source(struct scene *s, const char *address, uint64_t key, bool split)
{
	struct features *f = &s->f[s->n++];
	struct prefix p = prefix(address);

	memcpy(f->source, p.ip, 16);
	f->hello_key = key;
	f->gap_dual = split ? 5 : 0;
	f->gap_none = split ? 0 : 5;
}

static void member(struct scene *s, const char *address, bool alone)
{
	struct member *m = &s->members[s->campaign.n_members++];
	struct prefix p = prefix(address);

	memcpy(m->source, p.ip, 16);
	m->alone = alone;
	source(s, address, KEY, true);
}

static void net(struct scene *s, const char *text, uint32_t members, uint32_t outsiders)
{
	s->nets[s->campaign.n_prefixes++] = (struct net_finding){
		.prefix = prefix(text),
		.members = members,
		.outsiders = outsiders,
		.alone = !outsiders,
	};
}

static struct seine_entry *held(struct scene *s, const char *text, enum seine_origin origin,
				enum seine_action action)
{
	struct entry *e = &s->held_list[s->held.n++];

	e->prefix = prefix(text);
	e->row = (struct seine_entry){
		.origin = origin,
		.action = action,
		.added_sec = NOW - 1000,
		.expires_sec = NOW - 1000 + TTL,
		.campaign = origin == SEINE_AUTO ? 0x1f3a : 0,
	};
	return &e->row;
}

static void guard(struct scene *s, const char *text, const char *rule, const char *note)
{
	struct guarded *g = &s->guarded[s->guards.n++];

	g->prefix = prefix(text);
	snprintf(g->rule, sizeof(g->rule), "%s", rule);
	snprintf(g->note, sizeof(g->note), "%s", note);
}

/* 198.51.100.1 to .n are members. */
static void members(struct scene *s, unsigned int n)
{
	char text[PREFIX_TEXT];

	for (unsigned int i = 1; i <= n; i++) {
		snprintf(text, sizeof(text), "198.51.100.%u", i);
		member(s, text, true);
	}
}

/* Many sources far away, so that a thousandth is a number. */
static void crowd(struct scene *s, unsigned int n)
{
	char text[PREFIX_TEXT];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "10.1.%u.%u", i / 200, i % 200);
		source(s, text, 1, false);
	}
}

static void judge_at(struct scene *s, uint32_t now)
{
	judgement_free(s->j);
	s->j = NULL;
	assert_int_equal(judge_round(&s->campaigns, &s->held, &s->guards, s->f, s->n, &s->settings,
				     now, &s->j),
			 0);
	for (size_t i = 1; i < s->j->desired->n; i++)
		assert_true(prefix_compare(&s->j->desired->list[i - 1].prefix,
					   &s->j->desired->list[i].prefix) < 0);
}

static const struct seine_entry *desired(const struct scene *s, const char *text)
{
	struct prefix p = prefix(text);
	const struct entry *e = entries_find(s->j->desired, &p);

	return e ? &e->row : NULL;
}

static void test_new_entries(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	const struct seine_entry *e;

	(void)state;
	member(s, "192.0.2.7", true);
	member(s, "192.0.2.9", false);
	member(s, "2001:db8:1:2::", true);
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 3);
	assert_int_equal(s->j->n_refusals, 0);

	e = desired(s, "192.0.2.7");
	assert_non_null(e);
	assert_int_equal(e->action, SEINE_DROP);
	assert_int_equal(e->origin, SEINE_AUTO);
	assert_int_equal(e->added_sec, NOW);
	assert_in_range(e->expires_sec, NOW + TTL - TTL / 10, NOW + TTL);
	assert_int_equal(e->campaign, 0x1f3a);
	assert_int_equal(e->hello_key, 0);
	assert_string_equal(e->note, "c-1f3a proxy swarm");
	/* Others were seen behind this one: only the campaign's ClientHello is hit. */
	assert_int_equal(desired(s, "192.0.2.9")->hello_key, KEY);
	assert_non_null(desired(s, "2001:db8:1:2::/64"));
}

static void test_prefix_stands_for_members(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	members(s, 50);
	member(s, "203.0.113.5", true);
	net(s, "198.51.100.0/24", 50, 0);
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 2);
	assert_int_equal(desired(s, "198.51.100.0/24")->hello_key, 0);
	assert_non_null(desired(s, "203.0.113.5"));
	assert_int_equal(s->j->benign_hit, 0);
}

/* What keeps to few networks is shown, not dropped, unless an operator named some of it. */
static void test_few_networks(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	members(s, 50);
	net(s, "198.51.100.0/24", 50, 0);
	s->campaign.networks = 3.9;
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 0);
	assert_int_equal(s->j->n_refusals, 1);
	assert_string_equal(s->j->refusals[0].reason,
			    "keeps to 3.9 networks, a company's own perhaps; at least 4");
	s->campaign.seeds = 1;
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 1);
}

/* A large network beside many others hides nobody, and is itself left alone. */
static void test_few_networks_and_more(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	char text[20];

	(void)state;
	members(s, 50);
	net(s, "198.51.100.0/24", 50, 0);
	for (int i = 0; i < 12; i++) {
		snprintf(text, sizeof(text), "203.%d.113.7", i);
		member(s, text, true);
	}
	for (size_t i = 0; i < 50; i++)
		s->members[i].huddled = true;
	s->campaign.networks = 1.5;
	s->campaign.scattered = 12;
	s->campaign.scattered_networks = 12;
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 12);
	assert_null(desired(s, "198.51.100.0/24"));
	assert_non_null(desired(s, "203.3.113.7"));

	s->campaign.scattered_networks = 3;
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 0);
}

/* The campaign goes on with other software, or somebody else is seen at the address: the entry that
 * is held follows. */
static void test_entries_follow(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	struct seine_entry *e;

	(void)state;
	member(s, "192.0.2.7", false);
	e = held(s, "192.0.2.7", SEINE_AUTO, SEINE_DROP);
	e->campaign = s->campaign.id;
	e->hello_key = KEY + 1;
	judge_at(s, NOW);
	assert_int_equal(desired(s, "192.0.2.7")->hello_key, KEY);
	e->hello_key = 0;
	judge_at(s, NOW);
	assert_int_equal(desired(s, "192.0.2.7")->hello_key, KEY);
}

static void test_guards(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	struct prefix wide = prefix("10.0.0.0/7");

	(void)state;
	members(s, 50);
	net(s, "198.51.100.0/24", 50, 0);
	guard(s, "198.51.100.8/29", "allow list", "office");
	guard(s, "192.0.2.1", "gateway", "");
	judge_at(s, NOW);
	/* The prefix is refused, its members are not, but for the eight that are allowed. */
	assert_int_equal(s->j->desired->n, 42);
	assert_null(desired(s, "198.51.100.8"));
	assert_non_null(desired(s, "198.51.100.16"));
	assert_int_equal(s->j->n_refusals, 9);
	assert_int_equal(s->j->refusals[0].campaign, 0x1f3a);
	assert_string_equal(s->j->refusals[0].reason,
			    "overlaps allow list 198.51.100.8/29 (office)");
	assert_string_equal(guards_refuse(&s->guards, &wide)->rule, "too wide");
	wide = prefix("192.0.2.0/24");
	assert_string_equal(guards_refuse(&s->guards, &wide)->rule, "gateway");
	wide = prefix("192.0.3.0/24");
	assert_null(guards_refuse(&s->guards, &wide));
}

/* What the allow list has come to cover is taken back at once. */
static void test_guard_takes_back(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	held(s, "198.51.100.0/24", SEINE_AUTO, SEINE_DROP);
	held(s, "203.0.113.0/24", SEINE_OPERATOR, SEINE_DROP);
	guard(s, "198.51.100.8", "allow list", "");
	guard(s, "203.0.113.8", "allow list", "");
	judge_at(s, NOW);
	assert_null(desired(s, "198.51.100.0/24"));
	assert_non_null(desired(s, "203.0.113.0/24"));
	assert_int_equal(s->j->n_refusals, 1);
}

/* A thousandth of 2,000 sources outside are 2: a prefix that hits 3 of them is not taken, its
 * members are. */
static void test_benign_budget(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	crowd(s, 2000);
	members(s, 50);
	net(s, "198.51.100.0/24", 50, 0);
	source(s, "198.51.100.200", 1, false);
	source(s, "198.51.100.201", 1, false);
	judge_at(s, NOW);
	assert_non_null(desired(s, "198.51.100.0/24"));
	assert_int_equal(s->j->benign_hit, 2);
	assert_false(s->j->budget_spent);

	source(s, "198.51.100.202", KEY, false);
	source(s, "198.51.100.203", KEY, true); /* looks like the campaign: no innocent */
	judge_at(s, NOW);
	assert_null(desired(s, "198.51.100.0/24"));
	assert_int_equal(s->j->desired->n, 50);
	assert_int_equal(s->j->benign_hit, 0);
	assert_true(s->j->budget_spent);
	assert_string_equal(s->j->refusals[0].reason,
			    "would hit 3 sources outside any campaign, 2 left");

	/* With outsiders there the entry is for the campaign's ClientHello, which hits just one. */
	s->nets[0].outsiders = 3;
	s->nets[0].alone = false;
	judge_at(s, NOW);
	assert_int_equal(desired(s, "198.51.100.0/24")->hello_key, KEY);
	assert_int_equal(s->j->benign_hit, 1);
	assert_int_equal(s->j->desired->n, 1);
}

/* A round that does not find the campaign any more takes its prefix for no crowd of innocents. */
static void test_prefix_outlives_campaign(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	crowd(s, 500);
	members(s, 50);
	held(s, "198.51.100.0/24", SEINE_AUTO, SEINE_DROP)->campaign = s->campaign.id;
	s->campaigns.n = 0;
	judge_at(s, NOW);
	assert_non_null(desired(s, "198.51.100.0/24"));
	assert_int_equal(s->j->benign_hit, 0);

	source(s, "198.51.100.200", KEY, false);
	judge_at(s, NOW);
	assert_null(desired(s, "198.51.100.0/24"));
}

static void test_entries_budget(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	members(s, 50);
	s->settings.entries_per_round = 20;
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 20);
	assert_true(s->j->budget_spent);
	assert_int_equal(s->j->n_refusals, 1);
	assert_string_equal(s->j->refusals[0].reason,
			    "limit of 20 new entries a round, 30 sources wait");

	s->settings.entries_max = 5;
	held(s, "192.0.2.1", SEINE_AUTO, SEINE_DROP);
	held(s, "192.0.2.2", SEINE_OPERATOR, SEINE_DROP);
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 6);
	assert_string_equal(s->j->refusals[0].reason,
			    "limit of 5 automatic entries, 46 sources left out");
}

/* Whatever makes an entry superfluous, and whatever does not. */
static void test_held_entries(void **state)
{
	static const struct {
		const char *prefix;
		enum seine_origin origin;
		enum seine_action action;
		uint64_t hello_key;
		bool superfluous;
	} rows[] = {
		{ "198.51.100.0/24", SEINE_OPERATOR, SEINE_DROP, 0, true },
		{ "198.51.100.0/24", SEINE_OPERATOR, SEINE_WATCH, 0, true },
		{ "198.51.100.0/24", SEINE_EXTERNAL, SEINE_WATCH, 0, true },
		{ "198.51.100.0/24", SEINE_FEED, SEINE_WATCH, 0, false },
		{ "198.51.100.0/24", SEINE_FEED, SEINE_DROP, 0, true },
		{ "198.51.100.0/24", SEINE_AUTO, SEINE_DROP, KEY, true },
		{ "198.51.100.0/24", SEINE_AUTO, SEINE_DROP, KEY + 1, false },
		{ "198.51.100.1", SEINE_FEED, SEINE_WATCH, 0, true },
		{ "198.51.101.0/24", SEINE_OPERATOR, SEINE_DROP, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(scene_freep) struct scene *s = scene_new();
		struct seine_entry *e = held(s, rows[i].prefix, rows[i].origin, rows[i].action);

		e->hello_key = rows[i].hello_key;
		e->expires_sec = NOW + TTL;
		members(s, 1);
		judge_at(s, NOW);
		if (s->j->desired->n != (rows[i].superfluous ? 1 : 2))
			fail_msg("row %zu: %zu entries", i, s->j->desired->n);
		assert_memory_equal(desired(s, rows[i].prefix), e, sizeof(*e));
	}
}

static void test_expired_entries_go(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	s->campaigns.n = 0;
	held(s, "192.0.2.1", SEINE_AUTO, SEINE_DROP)->expires_sec = NOW;
	held(s, "192.0.2.2", SEINE_OPERATOR, SEINE_DROP)->expires_sec = NOW;
	held(s, "192.0.2.3", SEINE_OPERATOR, SEINE_DROP)->expires_sec = 0;
	held(s, "192.0.2.4", SEINE_AUTO, SEINE_DROP)->expires_sec = NOW + 1;
	judge_at(s, NOW);
	assert_int_equal(s->j->desired->n, 2);
	assert_non_null(desired(s, "192.0.2.3"));
	assert_non_null(desired(s, "192.0.2.4"));
}

/* A campaign that lives for three days: its entry never runs out, each renewal lasts about twice as
 * long, up to the longest; and when the campaign ends, so does the entry within that time. */
static void test_time_to_live(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	uint32_t now = NOW, renewals = 0, expires = 0, left = 0;
	const struct seine_entry *e;

	(void)state;
	members(s, 1);
	for (; now < NOW + 3 * 86400; now += 60) {
		judge_at(s, now);
		e = desired(s, "198.51.100.1");
		assert_non_null(e);
		assert_int_equal(e->added_sec, NOW);
		assert_true(e->expires_sec - now <= 86400);
		if (e->expires_sec != expires && renewals++) {
			assert_true(e->expires_sec > expires);
			assert_true(left < (e->expires_sec - NOW) / 2 || left < 86400 / 2);
		}
		expires = e->expires_sec;
		left = expires - now;
		s->held_list[0] = s->j->desired->list[0];
		s->held.n = 1;
	}
	assert_in_range(renewals, 6, 14);

	s->campaigns.n = 0;
	judge_at(s, expires - 1);
	assert_int_equal(s->j->desired->n, 1);
	judge_at(s, expires);
	assert_int_equal(s->j->desired->n, 0);
}

/* Entries of one round must not end in the same second; the same round twice gives the same. */
static void test_jitter(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	struct entries_diff diff;
	struct entry first[200];
	size_t different = 0;

	(void)state;
	members(s, 200);
	judge_at(s, NOW);
	memcpy(first, s->j->desired->list, sizeof(first));
	for (size_t i = 1; i < ARRAY_LEN(first); i++)
		different += first[i].row.expires_sec != first[i - 1].row.expires_sec;
	assert_true(different > 150);
	judge_at(s, NOW);
	diff = entries_compare(&(struct entries){ .list = first, .n = 200 }, s->j->desired);
	assert_int_equal(diff.added + diff.removed + diff.changed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_entries),
		cmocka_unit_test(test_prefix_stands_for_members),
		cmocka_unit_test(test_few_networks),
		cmocka_unit_test(test_few_networks_and_more),
		cmocka_unit_test(test_entries_follow),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_guard_takes_back),
		cmocka_unit_test(test_benign_budget),
		cmocka_unit_test(test_prefix_outlives_campaign),
		cmocka_unit_test(test_entries_budget),
		cmocka_unit_test(test_held_entries),
		cmocka_unit_test(test_expired_entries_go),
		cmocka_unit_test(test_time_to_live),
		cmocka_unit_test(test_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
