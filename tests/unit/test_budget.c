/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What automatic entries may cost, and that campaigns share it fairly. */
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/scene.h"
#include "user/base/cleanup.h"

#define NOW SCENE_NOW
#define KEY SCENE_KEY
#define FIRST 0x1f3a
#define SECOND 0x2b4c
#define THIRD 0x3c5d

/* Three campaigns: 200, 30 and 8 members. */
static struct scene *three(void)
{
	struct scene *s = scene_new();

	scene_members(s, 200);
	scene_campaign(s, SECOND, KEY + 1);
	scene_members_at(s, "203.0.113.%u", 30);
	scene_campaign(s, THIRD, KEY + 2);
	scene_members_at(s, "192.0.2.%u", 8);
	return s;
}

static void check_counts(const struct scene *s, size_t first, size_t second, size_t third)
{
	if (scene_count(s, FIRST) != first || scene_count(s, SECOND) != second ||
	    scene_count(s, THIRD) != third)
		fail_msg("%zu, %zu, %zu", scene_count(s, FIRST), scene_count(s, SECOND),
			 scene_count(s, THIRD));
}

static void test_entries_a_round(void **state)
{
	_cleanup_(scene_freep) struct scene *s = three();

	(void)state;
	s->settings.entries_per_round = 60;
	scene_judge(s, NOW);
	check_counts(s, 26, 26, 8);
	assert_true(s->j->budget_spent);
	assert_string_equal(scene_reason(s, FIRST),
			    "limit of 60 new entries a round: 174 more wait, its share is 26");
	assert_string_equal(scene_reason(s, THIRD), "");
	scene_hold(s);
	scene_judge(s, NOW + 10);
	check_counts(s, 82, 30, 8);
	scene_hold(s);
	for (uint32_t i = 2; i < 5; i++) {
		scene_judge(s, NOW + 10 * i);
		scene_hold(s);
	}
	check_counts(s, 200, 30, 8);
	assert_false(s->j->budget_spent);
}

static void test_entries_in_all(void **state)
{
	_cleanup_(scene_freep) struct scene *s = three();

	(void)state;
	s->settings.entries_max = 100;
	scene_judge(s, NOW);
	check_counts(s, 62, 30, 8);
	assert_string_equal(scene_reason(s, FIRST),
			    "limit of 100 automatic entries: 138 more wait, its share is 62");
	scene_hold(s);
	scene_judge(s, NOW + 10);
	check_counts(s, 62, 30, 8);
}

/* Whoever came first has taken all; others get their share, and only as much as they use moves. */
static void test_room_is_made(void **state)
{
	_cleanup_(scene_freep) struct scene *s = three();

	(void)state;
	s->settings.entries_max = 100;
	s->campaigns.n = 1;
	scene_judge(s, NOW);
	check_counts(s, 100, 0, 0);
	scene_hold(s);
	s->held[40].row.expires_sec = NOW + 2000; /* the least time left, and still no renewal */
	s->campaigns.n = 3;
	s->settings.entries_per_round = 10;
	scene_judge(s, NOW + 10);
	check_counts(s, 90, 5, 5);
	assert_string_equal(scene_reason(s, FIRST), "limit of 100 automatic entries: 10 make room "
						    "for other campaigns, its share is 62");
	assert_null(scene_entry(s, "198.51.100.41"));
	for (uint32_t i = 2; i < 12; i++) {
		scene_hold(s);
		scene_judge(s, NOW + 10 * i);
		assert_int_equal(s->j->automatic->n, 100);
	}
	check_counts(s, 62, 30, 8);
	/* Another's smaller wish does not shake what is in force. */
	scene_hold(s);
	s->list[1].n_members = 20;
	scene_judge(s, NOW + 200);
	check_counts(s, 62, 30, 8);
}

/* What nobody knows any more has no better right than others. */
static void test_orphans(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_members(s, 100);
	scene_judge(s, NOW);
	scene_hold(s);
	s->campaigns.n = 0;
	scene_campaign(s, SECOND, KEY + 1);
	scene_members_at(s, "203.0.113.%u", 80);
	s->settings.entries_max = 100;
	scene_judge(s, NOW + 10);
	check_counts(s, 50, 50, 0);
}

/* Each campaign wants its /20s: 4096 addresses each. */
static void want_nets(struct scene *s, unsigned int second_octet, unsigned int n)
{
	char text[PREFIX_TEXT];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "20.%u.%u.0/20", second_octet, i * 16 % 256);
		scene_net(s, text, 50, 0);
	}
}

static void test_space(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	s->settings.space_v4 = 8 * 4096 + 100;
	want_nets(s, 1, 16);
	scene_campaign(s, SECOND, KEY + 1);
	want_nets(s, 2, 6);
	scene_campaign(s, THIRD, KEY + 2);
	want_nets(s, 3, 1);
	scene_judge(s, NOW);
	/* A part is 3.5 of them; what is left goes to who wants more. */
	check_counts(s, 4, 3, 1);
	assert_true(s->j->space_v4 == 8 * 4096);
	assert_string_equal(scene_reason(s, SECOND),
			    "would cover 4096 addresses, 100 of 32868 left");
	assert_true(s->j->budget_spent);
	scene_hold(s);
	scene_judge(s, NOW + 10);
	check_counts(s, 4, 3, 1);
}

static void test_space_held(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	s->settings.space_v4 = 8 * 4096;
	want_nets(s, 1, 16);
	scene_judge(s, NOW);
	check_counts(s, 8, 0, 0);
	scene_hold(s);
	scene_campaign(s, SECOND, KEY + 1);
	want_nets(s, 2, 2);
	scene_judge(s, NOW + 10);
	check_counts(s, 6, 2, 0);
	/* A smaller budget takes back. */
	scene_hold(s);
	s->settings.space_v4 = 3 * 4096;
	scene_judge(s, NOW + 20);
	assert_int_equal(s->j->automatic->n, 3);
	s->settings.space_v4 = 0;
	scene_judge(s, NOW + 20);
	assert_int_equal(s->j->automatic->n, 0);
}

/* Nested prefixes cover once what they both cover. */
static void test_space_nested(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_held(s, "198.51.100.0/26", SEINE_AUTO, SEINE_DROP);
	scene_net(s, "198.51.100.0/24", 50, 0);
	s->settings.space_v4 = 256;
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 2);
	assert_true(s->j->space_v4 == 256);
}

static void test_space_v6(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_net(s, "2001:db8:1::/48", 50, 0);
	scene_net(s, "2001:db8:2:1::/64", 1, 0);
	scene_member(s, "2001:db8:2:1::", true);
	scene_net(s, "2001:db8:3:10::/60", 50, 0);
	scene_judge(s, NOW);
	assert_true(s->j->space_v6 == 65536);
	assert_non_null(scene_entry(s, "2001:db8:1::/48"));
	assert_non_null(scene_entry(s, "2001:db8:2:1::/64")); /* one source */
	assert_null(scene_entry(s, "2001:db8:3:10::/60"));
	assert_string_equal(scene_reason(s, FIRST),
			    "would cover 16 networks (/64), 0 of 65536 left");
	assert_true(s->j->space_v4 == 0);
}

/* One honest source of 2,000, within the share of sources, but it asks a lot. */
static void test_requests(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();
	struct features *busy;

	(void)state;
	scene_crowd(s, 2000);
	scene_members(s, 50);
	scene_net(s, "198.51.100.0/24", 50, 0);
	busy = scene_source(s, "198.51.100.200", 1, false);
	busy->requests = 10;
	scene_judge(s, NOW);
	assert_non_null(scene_entry(s, "198.51.100.0/24"));
	assert_int_equal(s->j->benign_hit, 1);
	assert_int_equal(s->j->benign_requests, 10);

	busy->requests = 11;
	scene_judge(s, NOW);
	assert_null(scene_entry(s, "198.51.100.0/24"));
	assert_int_equal(s->j->automatic->n, 50);
	assert_string_equal(scene_reason(s, FIRST), "would hit 11 requests a day of sources "
						    "outside any campaign, 10 left");
	assert_true(s->j->budget_spent);
	s->settings.benign_requests_max = 0.01;
	scene_judge(s, NOW);
	assert_non_null(scene_entry(s, "198.51.100.0/24"));
}

/* A prefix that finds no room among the entries leaves its members to later rounds. */
static void test_prefix_waits(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_new();

	(void)state;
	scene_net(s, "198.51.100.0/24", 50, 0);
	scene_net(s, "198.51.101.0/24", 50, 0);
	scene_member(s, "203.0.113.5", true);
	s->settings.entries_per_round = 1;
	for (uint32_t i = 0; i < 3; i++) {
		scene_judge(s, NOW + i);
		assert_int_equal(s->j->automatic->n, i + 1);
		scene_hold(s);
	}
	assert_non_null(scene_entry(s, "198.51.101.0/24"));
	assert_non_null(scene_entry(s, "203.0.113.5"));
}

/* Why there is no entry, where there might be one. */
static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		enum order order;
		double networks; /* 0: many */
		const char *guard, *claim;
		uint32_t per_round, all, space;
		size_t entries;
		const char *reason;
	} rows[] = {
		{ "nothing speaks against it", .entries = 1, .reason = "" },
		{ "rejected", ORDER_REJECTED, .reason = "an operator has rejected the campaign" },
		{ "rejected before anything else", ORDER_REJECTED, 2, "198.51.100.7",
		  "198.51.0.0/16", .reason = "an operator has rejected the campaign" },
		{ "few networks", .networks = 2,
		  .reason = "keeps to 2.0 networks, a company's own perhaps; at least 4" },
		{ "few networks before people", .networks = 2, .claim = "198.51.0.0/16",
		  .reason = "keeps to 2.0 networks, a company's own perhaps; at least 4" },
		{ "people before guards", .guard = "198.51.100.7", .claim = "198.51.0.0/16",
		  .reason = "an operator's entry decides, here and for 20 more" },
		{ "a guard, and members by themselves", .guard = "198.51.100.7", .entries = 19,
		  .reason = "overlaps gateway 198.51.100.7" },
		{ "no space, and members by themselves", .space = 255, .entries = 20,
		  .reason = "would cover 256 addresses, 255 of 255 left" },
		{ "no space, and not all members", .space = 255, .per_round = 6, .entries = 6,
		  .reason = "would cover 256 addresses, 255 of 255 left" },
		{ "guard before space", .space = 255, .guard = "198.51.100.7", .entries = 19,
		  .reason = "overlaps gateway 198.51.100.7" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(scene_freep) struct scene *s = scene_new();

		scene_members(s, 20);
		scene_net(s, "198.51.100.0/24", 20, 0);
		scene_stand(s, RUNG_ENFORCE, rows[i].order);
		if (rows[i].networks > 0)
			s->c->networks = rows[i].networks;
		if (rows[i].guard)
			scene_guard(s, rows[i].guard, "gateway", "");
		if (rows[i].claim)
			scene_held(s, rows[i].claim, SEINE_OPERATOR, SEINE_WATCH);
		if (rows[i].per_round)
			s->settings.entries_per_round = rows[i].per_round;
		if (rows[i].space)
			s->settings.space_v4 = rows[i].space;
		scene_judge(s, NOW);
		if (s->j->automatic->n != rows[i].entries)
			fail_msg("%s: %zu entries", rows[i].name, s->j->automatic->n);
		if (strcmp(scene_reason(s, FIRST), rows[i].reason))
			fail_msg("%s: %s", rows[i].name, scene_reason(s, FIRST));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_a_round), cmocka_unit_test(test_entries_in_all),
		cmocka_unit_test(test_room_is_made),	cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_space),		cmocka_unit_test(test_space_held),
		cmocka_unit_test(test_space_nested),	cmocka_unit_test(test_space_v6),
		cmocka_unit_test(test_requests),	cmocka_unit_test(test_prefix_waits),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
