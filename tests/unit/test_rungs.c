/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What entries do on each rung, and how long they live there. */
#include <errno.h>
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
#define TTL SCENE_TTL
#define DAY 86400u
#define SECOND 0x2b4c
#define ADDRESS "198.51.100.1"

static struct scene *scene_of_defaults(void)
{
	struct scene *s = scene_new();

	s->settings = judge_defaults;
	return s;
}

static void check(const struct scene *s, const char *text, enum seine_action action, uint32_t share)
{
	const struct seine_entry *e = scene_entry(s, text);

	assert_non_null(e);
	assert_int_equal(e->action, action);
	assert_int_equal(e->share, share);
}

/* Entries in force follow their campaign, new ones begin where it is. */
static void test_entries_follow_the_rung(void **state)
{
	static const struct {
		enum rung rung;
		enum seine_action action;
		uint32_t share;
	} steps[] = {
		{ RUNG_OBSERVE, SEINE_WATCH, 0 },   { RUNG_CANARY, SEINE_CANARY, 500 },
		{ RUNG_ENFORCE, SEINE_DROP, 9500 }, { RUNG_OBSERVE, SEINE_WATCH, 0 },
		{ RUNG_ENFORCE, SEINE_DROP, 9500 }, { RUNG_CANARY, SEINE_CANARY, 500 },
	};
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();

	(void)state;
	scene_members(s, 1);
	scene_net(s, "203.0.113.0/24", 50, 0);
	for (uint32_t i = 0; i < ARRAY_LEN(steps); i++) {
		scene_stand(s, steps[i].rung, ORDER_NONE);
		scene_judge(s, NOW + i * 10);
		check(s, ADDRESS, steps[i].action, steps[i].share);
		check(s, "203.0.113.0/24", steps[i].action, steps[i].share);
		assert_int_equal(scene_entry(s, ADDRESS)->added_sec, NOW);
		scene_hold(s);
	}
}

/* Also when the campaign has ended; when nobody knows it any more they go on as they did. */
static void test_without_the_campaign(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();

	(void)state;
	scene_held(s, ADDRESS, SEINE_AUTO, SEINE_DROP)->share = 9500;
	scene_stand(s, RUNG_CANARY, ORDER_NONE);
	s->c->ended_sec = NOW;
	scene_judge(s, NOW);
	check(s, ADDRESS, SEINE_CANARY, 500);
	s->campaigns.n = 0;
	scene_judge(s, NOW);
	check(s, ADDRESS, SEINE_DROP, 9500);
}

static void test_unknown_to_the_ladder(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();

	(void)state;
	scene_members(s, 1);
	ladder_clear(&s->ladder);
	scene_judge(s, NOW);
	check(s, ADDRESS, SEINE_WATCH, 0);
}

static void test_rejected(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();

	(void)state;
	scene_members(s, 1);
	scene_held(s, ADDRESS, SEINE_AUTO, SEINE_DROP);
	scene_held(s, "203.0.113.0/24", SEINE_AUTO, SEINE_DROP);
	scene_held(s, "192.0.2.1", SEINE_AUTO, SEINE_DROP)->campaign = SECOND;
	scene_stand(s, RUNG_OBSERVE, ORDER_REJECTED);
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 1);
	assert_non_null(scene_entry(s, "192.0.2.1"));
}

/* As long as it lives they watch; when it ends they do, too. */
static void test_paused_entries_run_out(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();
	uint32_t now = NOW, expires;

	(void)state;
	scene_members(s, 1);
	scene_judge(s, now);
	scene_hold(s);
	scene_stand(s, RUNG_OBSERVE, ORDER_PAUSED);
	for (; now < NOW + 2 * DAY; now += 600) {
		scene_judge(s, now);
		check(s, ADDRESS, SEINE_WATCH, 0);
		expires = scene_entry(s, ADDRESS)->expires_sec;
		assert_true(expires > now && expires <= now + DAY);
		scene_hold(s);
	}
	s->c->ended_sec = now;
	scene_judge(s, expires - 1);
	assert_int_equal(scene_entry(s, ADDRESS)->expires_sec, expires);
	scene_judge(s, expires);
	assert_int_equal(s->j->automatic->n, 0);
	assert_int_equal(s->reentries.n, 0); /* it dropped nothing */
}

/* An entry is renewed on the way up, and lasts no longer than one that always dropped. */
static void test_life_on_the_way_up(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();
	uint32_t now;

	(void)state;
	scene_members(s, 1);
	for (now = NOW; now < NOW + 6 * TTL; now += 60) {
		const struct seine_entry *e;
		uint32_t age = now - NOW;

		scene_stand(s,
			    age < TTL	    ? RUNG_OBSERVE
			    : age < 2 * TTL ? RUNG_CANARY
					    : RUNG_ENFORCE,
			    ORDER_NONE);
		scene_judge(s, now);
		e = scene_entry(s, ADDRESS);
		assert_non_null(e);
		assert_int_equal(e->added_sec, NOW);
		assert_true(e->expires_sec > now);
		assert_true(e->expires_sec - now <= (age ? 3 * age + TTL : TTL));
		scene_hold(s);
	}
	check(s, ADDRESS, SEINE_DROP, 9500);
}

/* Who comes back gets twice the time it had. */
static void test_reentry(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();
	uint32_t life, now;

	(void)state;
	scene_members(s, 2);
	s->c->n_members = 1;
	scene_judge(s, NOW);
	life = scene_entry(s, ADDRESS)->expires_sec - NOW;
	scene_hold(s);
	s->c->n_members = 0;
	now = NOW + life;
	scene_judge(s, now);
	assert_int_equal(s->j->automatic->n, 0);
	assert_int_equal(s->reentries.n, 1);
	scene_hold(s);
	s->c->n_members = 2;
	now += 5 * DAY;
	scene_judge(s, now);
	assert_in_range(scene_entry(s, ADDRESS)->expires_sec - now, 2 * life * 9 / 10, 2 * life);
	assert_in_range(scene_entry(s, "198.51.100.2")->expires_sec - now, TTL * 9 / 10, TTL);
}

/* Of two campaigns that have a source in common the one that stands higher has the entry. */
static void test_common_member(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();

	(void)state;
	scene_stand(s, RUNG_OBSERVE, ORDER_NONE);
	scene_members(s, 1);
	scene_net(s, "203.0.113.0/24", 50, 0);
	scene_campaign(s, SECOND, KEY + 1);
	scene_members(s, 1);
	scene_net(s, "203.0.113.0/24", 50, 0);
	for (uint32_t i = 0; i < 3; i++) {
		scene_judge(s, NOW + i);
		assert_int_equal(s->j->automatic->n, 2);
		check(s, ADDRESS, SEINE_DROP, 9500);
		check(s, "203.0.113.0/24", SEINE_DROP, 9500);
		assert_int_equal(scene_entry(s, ADDRESS)->campaign, SECOND);
		scene_hold(s);
	}
	/* What is in force is taken over by the one that has come higher. */
	scene_stand(s, RUNG_CANARY, ORDER_NONE);
	s->c = &s->list[0];
	scene_stand(s, RUNG_ENFORCE, ORDER_NONE);
	scene_judge(s, NOW + 3);
	check(s, ADDRESS, SEINE_DROP, 9500);
	assert_int_equal(scene_entry(s, ADDRESS)->campaign, s->c->id);
	check(s, "203.0.113.0/24", SEINE_DROP, 9500);
}

/* A wide entry that only watches does not stand for a member of a campaign that drops. */
static void test_wide_of_a_lower_one(void **state)
{
	_cleanup_(scene_freep) struct scene *s = scene_of_defaults();

	(void)state;
	scene_stand(s, RUNG_CANARY, ORDER_NONE);
	scene_net(s, "198.51.100.0/24", 50, 0);
	scene_campaign(s, SECOND, KEY + 1);
	scene_members(s, 1);
	scene_judge(s, NOW);
	check(s, "198.51.100.0/24", SEINE_CANARY, 500);
	check(s, ADDRESS, SEINE_DROP, 9500);
	scene_stand(s, RUNG_OBSERVE, ORDER_NONE);
	scene_judge(s, NOW);
	assert_int_equal(s->j->automatic->n, 1);
}

static void test_actions(void **state)
{
	static const struct {
		enum rung rung;
		double canary, hold_out;
		enum seine_action action;
		uint32_t share;
	} rows[] = {
		{ RUNG_OBSERVE, 0.05, 0.05, SEINE_WATCH, 0 },
		{ RUNG_CANARY, 0.05, 0.05, SEINE_CANARY, 500 },
		{ RUNG_CANARY, 0, 0.05, SEINE_CANARY, 1 },
		{ RUNG_ENFORCE, 0.05, 0.05, SEINE_DROP, 9500 },
		{ RUNG_ENFORCE, 0.05, 0, SEINE_DROP, 0 },
		{ RUNG_ENFORCE, 0.05, 0.5, SEINE_DROP, 5000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct judge_settings s = judge_defaults;
		const struct standing st = { .rung = rows[i].rung };
		uint32_t share = 99;

		s.canary_share = rows[i].canary;
		s.hold_out = rows[i].hold_out;
		assert_int_equal(ladder_action(&st, &s, &share), rows[i].action);
		assert_int_equal(share, rows[i].share);
	}
}

static void test_counts(void **state)
{
	static const struct {
		enum rung rung;
		enum order order;
	} rows[] = {
		{ RUNG_OBSERVE, ORDER_NONE },	 { RUNG_CANARY, ORDER_NONE },
		{ RUNG_CANARY, ORDER_APPROVED }, { RUNG_ENFORCE, ORDER_NONE },
		{ RUNG_OBSERVE, ORDER_PAUSED },	 { RUNG_OBSERVE, ORDER_REJECTED },
		{ RUNG_ENFORCE, ORDER_NONE }, /* has ended */
	};
	struct campaign list[ARRAY_LEN(rows) + 1] = { 0 };
	struct campaigns all = { .list = list, .n = ARRAY_LEN(list) };
	_cleanup_(ladder_clear) struct ladder ladder = { 0 };
	struct ladder_counts n;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct standing st = { .campaign = i + 1,
					     .rung = rows[i].rung,
					     .order = rows[i].order };

		assert_int_equal(ladder_put(&ladder, &st), 0);
		list[i].id = i + 1;
	}
	list[ARRAY_LEN(rows) - 1].ended_sec = NOW;
	list[ARRAY_LEN(rows)].id = 99; /* not on the ladder yet */
	n = ladder_count(&ladder, &all);
	assert_int_equal(n.observe, 1);
	assert_int_equal(n.canary, 2);
	assert_int_equal(n.enforce, 1);
	assert_int_equal(n.paused, 1);
	assert_int_equal(n.rejected, 1);

	assert_int_equal(ladder_measure(&ladder, 99, 5, 3), -ENOENT);
	assert_int_equal(ladder_measure(&ladder, 1, 5, 3), 0);
	assert_int_equal(ladder_find(&ladder, 1)->held_out, 5);
	assert_int_equal(ladder_find(&ladder, 1)->held_out_alike, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_follow_the_rung),
		cmocka_unit_test(test_without_the_campaign),
		cmocka_unit_test(test_unknown_to_the_ladder),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_paused_entries_run_out),
		cmocka_unit_test(test_life_on_the_way_up),
		cmocka_unit_test(test_reentry),
		cmocka_unit_test(test_common_member),
		cmocka_unit_test(test_wide_of_a_lower_one),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
