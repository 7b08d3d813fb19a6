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
#include "tests/unit/scene.h"
#include "user/base/cleanup.h"

#define NOW SCENE_NOW
#define KEY SCENE_KEY
#define TTL SCENE_TTL

static void test_new_entries(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	const struct seine_entry *e;

	(void)state;
	scene_member(s, "192.0.2.7", true);
	scene_member(s, "192.0.2.9", false);
	scene_member(s, "2001:db8:1:2::", true);
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 3);
	assert_int_equal(s->j->n_refusals, 0);

	e = scene_entry(s, "192.0.2.7");
	assert_non_null(e);
	assert_int_equal(e->action, SEINE_DROP);
	assert_int_equal(e->origin, SEINE_AUTO);
	assert_int_equal(e->added_sec, NOW);
	assert_in_range(e->expires_sec, NOW + TTL - TTL / 10, NOW + TTL);
	assert_int_equal(e->campaign, 0x1f3a);
	assert_int_equal(e->hello_key, 0);
	assert_string_equal(e->note, "c-1f3a proxy swarm");
	/* Others were seen behind this one: only the campaign's ClientHello is hit. */
	assert_int_equal(scene_entry(s, "192.0.2.9")->hello_key, KEY);
	assert_non_null(scene_entry(s, "2001:db8:1:2::/64"));
}

static void test_prefix_stands_for_members(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_members(s, 50);
	scene_member(s, "203.0.113.5", true);
	scene_net(s, "198.51.100.0/24", 50, 0);
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 2);
	assert_int_equal(scene_entry(s, "198.51.100.0/24")->hello_key, 0);
	assert_non_null(scene_entry(s, "203.0.113.5"));
	assert_int_equal(s->j->benign_hit, 0);
}

/* What keeps to few networks is shown, not dropped, unless an operator named some of it. */
static void test_few_networks(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_members(s, 50);
	scene_net(s, "198.51.100.0/24", 50, 0);
	s->c->networks = 3.9;
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 0);
	assert_int_equal(s->j->n_refusals, 1);
	assert_string_equal(s->j->refusals[0].reason,
			    "keeps to 3.9 networks, a company's own perhaps; at least 4");
	s->c->seeds = 1;
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 1);
}

/* A large network beside many others hides nobody, and is itself left alone. */
static void test_few_networks_and_more(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	char text[20];

	(void)state;
	scene_members(s, 50);
	scene_net(s, "198.51.100.0/24", 50, 0);
	for (int i = 0; i < 12; i++) {
		snprintf(text, sizeof(text), "203.%d.113.7", i);
		scene_member(s, text, true);
	}
	for (size_t i = 0; i < 50; i++)
		s->c->members[i].huddled = true;
	s->c->networks = 1.5;
	s->c->scattered = 12;
	s->c->scattered_networks = 12;
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 12);
	assert_null(scene_entry(s, "198.51.100.0/24"));
	assert_non_null(scene_entry(s, "203.3.113.7"));

	s->c->scattered_networks = 3;
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 0);
}

/* The campaign goes on with other software, or somebody else is seen at the address: the entry that
 * is held follows. */
static void test_entries_follow(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	struct seine_entry *e;

	(void)state;
	scene_member(s, "192.0.2.7", false);
	e = scene_held(s, "192.0.2.7", SEINE_AUTO, SEINE_DROP);
	e->campaign = s->c->id;
	e->hello_key = KEY + 1;
	scene_judge(s, NOW);
	assert_int_equal(scene_entry(s, "192.0.2.7")->hello_key, KEY);
	e->hello_key = 0;
	scene_judge(s, NOW);
	assert_int_equal(scene_entry(s, "192.0.2.7")->hello_key, KEY);
}

static void test_guards(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	struct prefix wide = scene_prefix("10.0.0.0/7");

	(void)state;
	scene_members(s, 50);
	scene_net(s, "198.51.100.0/24", 50, 0);
	scene_guard(s, "198.51.100.8/29", "allow list", "office");
	scene_guard(s, "192.0.2.1", "gateway", "");
	scene_judge(s, NOW);
	/* The prefix is refused, its members are not, but for the eight that are allowed. */
	assert_int_equal(s->j->automatic->n, 42);
	assert_null(scene_entry(s, "198.51.100.8"));
	assert_non_null(scene_entry(s, "198.51.100.16"));
	assert_int_equal(s->j->n_refusals, 9);
	assert_int_equal(s->j->refusals[0].campaign, 0x1f3a);
	assert_string_equal(s->j->refusals[0].reason,
			    "overlaps allow list 198.51.100.8/29 (office)");
	assert_string_equal(guards_refuse(&s->guards, &wide)->rule, "too wide");
	wide = scene_prefix("192.0.2.0/24");
	assert_string_equal(guards_refuse(&s->guards, &wide)->rule, "gateway");
	wide = scene_prefix("192.0.3.0/24");
	assert_null(guards_refuse(&s->guards, &wide));
}

/* What the allow list has come to cover is taken back at once. */
static void test_guard_takes_back(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_held(s, "198.51.100.0/24", SEINE_AUTO, SEINE_DROP);
	scene_held(s, "203.0.113.0/24", SEINE_OPERATOR, SEINE_DROP);
	scene_guard(s, "198.51.100.8", "allow list", "");
	scene_guard(s, "203.0.113.8", "allow list", "");
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 0);
	assert_int_equal(s->j->n_refusals, 1);
}

/* A thousandth of 2,000 sources outside are 2: a prefix that hits 3 of them is not taken, its
 * members are. */
static void test_benign_budget(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_crowd(s, 2000);
	scene_members(s, 50);
	scene_net(s, "198.51.100.0/24", 50, 0);
	scene_source(s, "198.51.100.200", 1, false);
	scene_source(s, "198.51.100.201", 1, false);
	scene_judge(s, NOW);
	assert_non_null(scene_entry(s, "198.51.100.0/24"));
	assert_int_equal(s->j->benign_hit, 2);
	assert_false(s->j->budget_spent);

	scene_source(s, "198.51.100.202", KEY, false);
	scene_source(s, "198.51.100.203", KEY, true); /* looks like the campaign: no innocent */
	scene_judge(s, NOW);
	assert_null(scene_entry(s, "198.51.100.0/24"));
	assert_int_equal(s->j->automatic->n, 50);
	assert_int_equal(s->j->benign_hit, 0);
	assert_true(s->j->budget_spent);
	assert_string_equal(s->j->refusals[0].reason,
			    "would hit 3 sources outside any campaign, 2 left");

	/* With outsiders there the entry is for the campaign's ClientHello, which hits just one. */
	s->c->prefixes[0].outsiders = 3;
	s->c->prefixes[0].alone = false;
	scene_judge(s, NOW);
	assert_int_equal(scene_entry(s, "198.51.100.0/24")->hello_key, KEY);
	assert_int_equal(s->j->benign_hit, 1);
	assert_int_equal(s->j->automatic->n, 1);
}

/* A round that does not find the campaign any more takes its prefix for no crowd of innocents. */
static void test_prefix_outlives_campaign(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_crowd(s, 500);
	scene_members(s, 50);
	scene_held(s, "198.51.100.0/24", SEINE_AUTO, SEINE_DROP)->campaign = s->c->id;
	s->campaigns.n = 0;
	scene_judge(s, NOW);
	assert_non_null(scene_entry(s, "198.51.100.0/24"));
	assert_int_equal(s->j->benign_hit, 0);

	scene_source(s, "198.51.100.200", KEY, false);
	scene_judge(s, NOW);
	assert_null(scene_entry(s, "198.51.100.0/24"));
}

/* Whose word counts: 198.51.100.1 is a member, and somebody claims something there. */
static void test_precedence(void **state)
{
	static const struct {
		const char *prefix;
		enum seine_origin origin;
		enum seine_action action;
		uint64_t hello_key;
		bool others; /* were seen behind the member: its entry asks for the ClientHello */
		bool wanted;
		const char *reason;
	} rows[] = {
		{ "198.51.100.0/24", SEINE_OPERATOR, SEINE_DROP, 0, .reason = "an operator's" },
		{ "198.51.100.0/24", SEINE_OPERATOR, SEINE_WATCH, 0, .reason = "an operator's" },
		{ "198.51.100.0/24", SEINE_EXTERNAL, SEINE_WATCH, 0, .reason = "an operator's" },
		{ "198.51.100.1", SEINE_OPERATOR, SEINE_CANARY, 0, .reason = "an operator's" },
		{ "198.51.100.1", SEINE_OPERATOR, SEINE_DROP, KEY + 1, .reason = "an operator's" },
		{ "198.51.100.1", SEINE_OPERATOR, SEINE_DROP, KEY + 1, .others = true,
		  .wanted = true },
		{ "198.51.100.0/24", SEINE_OPERATOR, SEINE_DROP, KEY, .others = true,
		  .reason = "an operator's" },
		{ "198.51.101.0/24", SEINE_OPERATOR, SEINE_DROP, 0, .wanted = true },
		{ "198.51.100.0/24", SEINE_FEED, SEINE_WATCH, 0, .wanted = true },
		{ "198.51.100.0/24", SEINE_FEED, SEINE_DROP, 0, .wanted = true },
		{ "198.51.100.1", SEINE_FLEET, SEINE_DROP, 0, .wanted = true },
		{ "198.51.100.0/24", SEINE_AUTO, SEINE_DROP, KEY },
		{ "198.51.100.0/24", SEINE_AUTO, SEINE_DROP, KEY + 1, .wanted = true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(scene_freep) struct scene *s = scene_new();
		struct seine_entry *e =
			scene_held(s, rows[i].prefix, rows[i].origin, rows[i].action);
		const char *reason = rows[i].reason ? rows[i].reason : "";

		e->hello_key = rows[i].hello_key;
		e->expires_sec = NOW + TTL;
		scene_member(s, "198.51.100.1", !rows[i].others);
		scene_judge(s, NOW);
		if (!!scene_entry(s, "198.51.100.1") != rows[i].wanted)
			fail_msg("row %zu", i);
		if (strncmp(scene_reason(s, s->c->id), reason, strlen(reason)))
			fail_msg("row %zu: %s", i, scene_reason(s, s->c->id));
		if (rows[i].origin == SEINE_AUTO)
			assert_memory_equal(scene_entry(s, rows[i].prefix), e, sizeof(*e));
	}
}

/* A wider entry of people that speaks of other packets does not hide a still wider one. */
static void test_people_above_people(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	struct seine_entry *e;

	(void)state;
	scene_member(s, "198.51.100.1", false);
	scene_member(s, "198.51.100.2", false);
	e = scene_held(s, "198.51.100.0/24", SEINE_OPERATOR, SEINE_DROP);
	e->hello_key = KEY + 1;
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 2);
	e = scene_held(s, "198.51.0.0/16", SEINE_OPERATOR, SEINE_WATCH);
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 0);
	assert_string_equal(scene_reason(s, s->c->id),
			    "an operator's entry decides, here and for 1 more");
	e->expires_sec = NOW;
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 2);
}

/* What an operator came to decide is not renewed, and ends in its time. */
static void test_decided_entries_run_out(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	const struct seine_entry *e;

	(void)state;
	scene_member(s, "198.51.100.1", true);
	e = scene_held(s, "198.51.100.1", SEINE_AUTO, SEINE_DROP);
	scene_held(s, "198.51.100.0/24", SEINE_OPERATOR, SEINE_WATCH)->expires_sec = 0;
	scene_judge(s, e->expires_sec - 1);
	assert_int_equal(scene_entry(s, "198.51.100.1")->expires_sec, e->expires_sec);
	scene_judge(s, e->expires_sec);
	assert_int_equal(s->j->automatic->n, 0);
}

static void test_expired_entries_go(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	s->campaigns.n = 0;
	scene_held(s, "192.0.2.1", SEINE_AUTO, SEINE_DROP)->expires_sec = NOW;
	scene_held(s, "192.0.2.4", SEINE_AUTO, SEINE_DROP)->expires_sec = NOW + 1;
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 1);
	assert_non_null(scene_entry(s, "192.0.2.4"));
}

/* A campaign that lives for three days: its entry never runs out, each renewal lasts about twice as
 * long, up to the longest; and when the campaign ends, so does the entry within that time. */
static void test_time_to_live(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	uint32_t now = NOW, renewals = 0, expires = 0, left = 0;
	const struct seine_entry *e;

	(void)state;
	scene_members(s, 1);
	for (; now < NOW + 3 * 86400; now += 60) {
		scene_judge(s, now);
		e = scene_entry(s, "198.51.100.1");
		assert_non_null(e);
		assert_int_equal(e->added_sec, NOW);
		assert_true(e->expires_sec - now <= 86400);
		if (e->expires_sec != expires && renewals++) {
			assert_true(e->expires_sec > expires);
			assert_true(left < (e->expires_sec - NOW) / 2 || left < 86400 / 2);
		}
		expires = e->expires_sec;
		left = expires - now;
		scene_hold(s);
	}
	assert_in_range(renewals, 6, 14);

	s->campaigns.n = 0;
	scene_judge(s, expires - 1);
	assert_int_equal(s->j->automatic->n, 1);
	scene_judge(s, expires);
	assert_int_equal(s->j->automatic->n, 0);
}

/* Entries of one round must not end in the same second; the same round twice gives the same. */
static void test_jitter(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	struct entries_diff diff;
	struct entry first[200];
	size_t different = 0;

	(void)state;
	scene_members(s, 200);
	scene_judge(s, NOW);
	memcpy(first, s->j->automatic->list, sizeof(first));
	for (size_t i = 1; i < ARRAY_LEN(first); i++)
		different += first[i].row.expires_sec != first[i - 1].row.expires_sec;
	assert_true(different > 150);
	scene_judge(s, NOW);
	diff = entries_compare(&(struct entries){ .list = first, .n = 200 }, s->j->automatic);
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
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_people_above_people),
		cmocka_unit_test(test_decided_entries_run_out),
		cmocka_unit_test(test_expired_entries_go),
		cmocka_unit_test(test_time_to_live),
		cmocka_unit_test(test_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
