/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How campaigns climb, wait, fall and are forgotten. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/judge/judge.h"

#define NOW 1000000u
#define HOUR 3600u
#define DAY (24 * HOUR)
#define FIRST 0x1f3a
#define SECOND 0x2b4c

struct place {
	struct ladder ladder;
	struct campaign list[4];
	struct campaigns campaigns;
	struct judge_settings settings;
	bool observing;
	uint32_t now;
};

static void place_clear(struct place *p)
{
	ladder_clear(&p->ladder);
}

static struct campaign *begin(struct place *p, uint32_t id)
{
	struct campaign *c = &p->list[p->campaigns.n++];

	*c = (struct campaign){
		.id = id,
		.hello_key = id * 10ull,
		.first_sec = p->now,
		.networks = 10,
	};
	p->campaigns.list = p->list;
	return c;
}

static struct place place_of(void)
{
	return (struct place){ .settings = judge_defaults, .now = NOW };
}

static int step(struct place *p, uint32_t pass_sec)
{
	int r;

	p->now += pass_sec;
	r = ladder_step(&p->ladder, &p->campaigns, &p->settings, !p->observing, p->now);
	assert_true(r >= 0);
	return r;
}

static const struct standing *standing(const struct place *p, uint32_t id)
{
	const struct standing *st = ladder_find(&p->ladder, id);

	assert_non_null(st);
	return st;
}

static void check_rung(const struct place *p, uint32_t id, enum rung rung)
{
	assert_string_equal(rung_name(standing(p, id)->rung), rung_name(rung));
}

static int order(struct place *p, uint32_t id, enum order o)
{
	return ladder_order(&p->ladder, id, o, 1000, "said so", p->now);
}

static void check_rises(const struct place *p, uint32_t id, uint32_t at_sec)
{
	uint32_t ret = 0;

	assert_int_equal(ladder_rises(standing(p, id), &p->settings, &ret), at_sec != 0);
	assert_int_equal(ret, at_sec);
}

/* FIRST, on the rung asked for, since now. */
static void stand(struct place *p, enum rung rung)
{
	begin(p, FIRST);
	step(p, 0);
	if (rung > RUNG_OBSERVE)
		step(p, HOUR);
	if (rung > RUNG_CANARY)
		step(p, HOUR);
	check_rung(p, FIRST, rung);
}

static void test_climbs(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	begin(&p, FIRST);
	assert_int_equal(step(&p, 0), 1);
	assert_int_equal(standing(&p, FIRST)->first_sec, NOW);
	check_rises(&p, FIRST, NOW + HOUR);
	assert_int_equal(step(&p, HOUR - 1), 0);
	check_rung(&p, FIRST, RUNG_OBSERVE);
	assert_false(standing(&p, FIRST)->dropped);
	assert_int_equal(step(&p, 1), 1);
	check_rung(&p, FIRST, RUNG_CANARY);
	assert_true(standing(&p, FIRST)->dropped);
	assert_int_equal(standing(&p, FIRST)->since_sec, NOW + HOUR);
	step(&p, HOUR - 1);
	check_rung(&p, FIRST, RUNG_CANARY);
	step(&p, 1);
	check_rung(&p, FIRST, RUNG_ENFORCE);
	check_rises(&p, FIRST, 0);
	assert_int_equal(step(&p, 10 * DAY), 0);
	check_rung(&p, FIRST, RUNG_ENFORCE);
}

static void test_at_once(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	p.settings = judge_at_once(&judge_defaults);
	begin(&p, FIRST);
	step(&p, 0);
	check_rung(&p, FIRST, RUNG_ENFORCE);
	p.list[0].ended_sec = p.now;
	step(&p, 10);
	p.list[0].ended_sec = 0;
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_ENFORCE);
}

/* The first rung's time passes in mode observe, the second one's does not; what dropped all does
 * not go on doing so at once. */
static void test_mode(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	p.observing = true;
	begin(&p, FIRST);
	step(&p, 0);
	step(&p, 3 * DAY);
	check_rung(&p, FIRST, RUNG_OBSERVE);
	/* After a restart a standing may be known before its campaign is found again. */
	assert_non_null(ladder_hindrance(standing(&p, FIRST), NULL, &p.settings, true));
	assert_string_equal(ladder_hindrance(standing(&p, FIRST), &p.list[0], &p.settings, false),
			    "the mode is observe");
	p.observing = false;
	assert_null(ladder_hindrance(standing(&p, FIRST), &p.list[0], &p.settings, true));
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_CANARY);

	step(&p, HOUR / 2);
	p.observing = true;
	assert_int_equal(step(&p, 10), 1);
	check_rises(&p, FIRST, 0);
	assert_int_equal(step(&p, 3 * DAY), 0);
	check_rung(&p, FIRST, RUNG_CANARY);
	p.observing = false;
	assert_int_equal(step(&p, 10), 1);
	check_rung(&p, FIRST, RUNG_CANARY);
	check_rises(&p, FIRST, p.now + HOUR);
	step(&p, HOUR);
	check_rung(&p, FIRST, RUNG_ENFORCE);

	p.observing = true;
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_ENFORCE);
	p.observing = false;
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_CANARY);
	step(&p, HOUR);
	check_rung(&p, FIRST, RUNG_ENFORCE);
	/* The mode was there and back between two steps. */
	ladder_enforce_begins(&p.ladder, p.now);
	check_rung(&p, FIRST, RUNG_CANARY);
	check_rises(&p, FIRST, p.now + HOUR);
	step(&p, HOUR / 2);
	ladder_enforce_begins(&p.ladder, p.now);
	check_rises(&p, FIRST, p.now + HOUR);
}

static void test_approve(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	stand(&p, RUNG_OBSERVE);
	assert_int_equal(order(&p, SECOND, ORDER_APPROVED), -ENOENT);
	assert_int_equal(order(&p, FIRST, ORDER_APPROVED), 0);
	assert_int_equal(step(&p, 0), 1);
	check_rung(&p, FIRST, RUNG_CANARY); /* one rung, not two */
	assert_int_equal(standing(&p, FIRST)->order, ORDER_APPROVED);
	assert_int_equal(standing(&p, FIRST)->actor, 1000);
	assert_string_equal(standing(&p, FIRST)->note, "said so");
	assert_int_equal(step(&p, 10), 0);
	check_rung(&p, FIRST, RUNG_CANARY);
	assert_int_equal(order(&p, FIRST, ORDER_APPROVED), 0);
	step(&p, 0);
	check_rung(&p, FIRST, RUNG_ENFORCE);
	assert_int_equal(order(&p, FIRST, ORDER_APPROVED), -EALREADY);
}

/* Given in mode observe, it is followed once the mode is enforce. */
static void test_approve_ahead(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	p.observing = true;
	stand(&p, RUNG_OBSERVE);
	order(&p, FIRST, ORDER_APPROVED);
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_OBSERVE);
	p.observing = false;
	step(&p, 0);
	check_rung(&p, FIRST, RUNG_CANARY);
}

static void test_approval_needed(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	p.settings.approve = 1;
	stand(&p, RUNG_OBSERVE);
	step(&p, 30 * DAY);
	check_rung(&p, FIRST, RUNG_OBSERVE);
	check_rises(&p, FIRST, 0);
	assert_string_equal(ladder_hindrance(standing(&p, FIRST), &p.list[0], &p.settings, true),
			    "it waits for an operator to approve it");
	order(&p, FIRST, ORDER_APPROVED);
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_CANARY);
	step(&p, HOUR);
	check_rung(&p, FIRST, RUNG_ENFORCE); /* from there on by itself */
	assert_int_equal(ladder_roll_back(&p.ladder, FIRST, "x", p.now), 0);
	step(&p, 30 * DAY);
	check_rung(&p, FIRST, RUNG_OBSERVE); /* the approval is used up */
}

static void test_pause_and_reject(void **state)
{
	static const enum order orders[] = { ORDER_PAUSED, ORDER_REJECTED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		_cleanup_(place_clear) struct place p = place_of();

		stand(&p, RUNG_ENFORCE);
		order(&p, FIRST, orders[i]);
		check_rung(&p, FIRST, RUNG_OBSERVE);
		check_rises(&p, FIRST, 0);
		step(&p, 30 * DAY);
		check_rung(&p, FIRST, RUNG_OBSERVE);
		assert_non_null(
			ladder_hindrance(standing(&p, FIRST), &p.list[0], &p.settings, true));
		order(&p, FIRST, ORDER_APPROVED);
		step(&p, 0);
		check_rung(&p, FIRST, RUNG_CANARY);
		step(&p, HOUR);
		check_rung(&p, FIRST, RUNG_ENFORCE);
		/* Taking the order back is not approving: it waits from then on. */
		order(&p, FIRST, orders[i]);
		step(&p, 5 * HOUR);
		order(&p, FIRST, ORDER_NONE);
		step(&p, HOUR - 1);
		check_rung(&p, FIRST, RUNG_OBSERVE);
		step(&p, 1);
		check_rung(&p, FIRST, RUNG_CANARY);
	}
}

static void test_roll_back(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();
	uint32_t dwell = HOUR;

	(void)state;
	stand(&p, RUNG_OBSERVE);
	assert_int_equal(ladder_roll_back(&p.ladder, SECOND, "x", p.now), -ENOENT);
	assert_int_equal(ladder_roll_back(&p.ladder, FIRST, "x", p.now), -EALREADY);
	for (uint32_t n = 1; n < 12; n++) {
		step(&p, dwell);
		check_rung(&p, FIRST, RUNG_CANARY);
		step(&p, dwell - 1);
		check_rung(&p, FIRST, RUNG_CANARY);
		step(&p, 1);
		check_rung(&p, FIRST, RUNG_ENFORCE);
		assert_int_equal(ladder_roll_back(&p.ladder, FIRST, "traffic fell by 9 %", p.now),
				 0);
		check_rung(&p, FIRST, RUNG_OBSERVE);
		assert_int_equal(standing(&p, FIRST)->rollbacks, n);
		assert_string_equal(standing(&p, FIRST)->reason,
				    "rolled back: traffic fell by 9 %");
		dwell = 2 * dwell < LADDER_DWELL_MAX ? 2 * dwell : LADDER_DWELL_MAX;
		check_rises(&p, FIRST, p.now + dwell);
	}
	order(&p, FIRST, ORDER_APPROVED);
	step(&p, 0);
	check_rung(&p, FIRST, RUNG_CANARY);
	assert_string_equal(standing(&p, FIRST)->reason, "");
	/* Without any waiting it must not swing to and fro. */
	p.settings = judge_at_once(&judge_defaults);
	ladder_roll_back(&p.ladder, FIRST, "x", p.now);
	step(&p, 60);
	check_rung(&p, FIRST, RUNG_OBSERVE);
}

static void test_end_and_return(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	stand(&p, RUNG_ENFORCE);
	p.list[0].ended_sec = p.now;
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_ENFORCE);
	step(&p, DAY);
	p.list[0].ended_sec = 0;
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_CANARY);
	check_rises(&p, FIRST, p.now + HOUR);
	p.list[0].ended_sec = p.now;
	step(&p, DAY);
	check_rung(&p, FIRST, RUNG_CANARY);
	p.campaigns.n = 0;
	assert_int_equal(step(&p, 10), 1);
	assert_int_equal(p.ladder.n, 0);
}

/* What ends while it watches does not come back with its time over. */
static void test_end_while_watching(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	stand(&p, RUNG_OBSERVE);
	p.list[0].ended_sec = p.now;
	step(&p, 10);
	step(&p, DAY);
	check_rung(&p, FIRST, RUNG_OBSERVE);
	p.list[0].ended_sec = 0;
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_OBSERVE);
	step(&p, HOUR);
	check_rung(&p, FIRST, RUNG_CANARY);
}

/* Its id may be another one's later. */
static void test_same_id(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	stand(&p, RUNG_ENFORCE);
	order(&p, FIRST, ORDER_REJECTED);
	p.list[0].first_sec = p.now;
	p.list[0].hello_key = 99;
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_OBSERVE);
	assert_int_equal(standing(&p, FIRST)->order, ORDER_NONE);
	assert_false(standing(&p, FIRST)->dropped);
}

/* A restart: standings are kept, campaigns are found anew and named anew. */
static void test_restart(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();
	_cleanup_(place_clear) struct place later = place_of();
	const struct standing half = { .campaign = 7,
				       .hello_key = 70,
				       .rung = RUNG_CANARY,
				       .since_sec = NOW,
				       .seen_sec = NOW + HOUR / 2 };

	(void)state;
	stand(&p, RUNG_ENFORCE);
	assert_int_equal(ladder_put(&later.ladder, standing(&p, FIRST)), 0);
	later.now = p.now + HOUR;
	assert_int_equal(step(&later, 10), 0);
	begin(&later, SECOND)->hello_key = p.list[0].hello_key;
	assert_int_equal(step(&later, 10), 1);
	check_rung(&later, SECOND, RUNG_ENFORCE);
	assert_int_equal(later.ladder.n, 1);

	/* One more with that software is not it. */
	begin(&later, FIRST)->hello_key = p.list[0].hello_key;
	step(&later, 10);
	check_rung(&later, SECOND, RUNG_ENFORCE);
	check_rung(&later, FIRST, RUNG_OBSERVE);

	/* While nobody looked no time passed. */
	assert_int_equal(ladder_put(&later.ladder, &half), 0);
	begin(&later, 8)->hello_key = half.hello_key;
	step(&later, 10);
	check_rises(&later, 8, later.now + HOUR / 2);

	later.campaigns.n = 0;
	step(&later, LADDER_LOST_DAYS * DAY);
	check_rung(&later, SECOND, RUNG_ENFORCE);
	step(&later, 1);
	assert_int_equal(later.ladder.n, 0);
}

static void test_heir(void **state)
{
	static const struct {
		const char *name;
		enum rung rung; /* of the campaign before */
		enum order order;
		bool rolled_back, approve;
		enum rung begins;
	} rows[] = {
		{ "of one that dropped all", RUNG_ENFORCE, .begins = RUNG_CANARY },
		{ "of one that dropped some", RUNG_CANARY, .begins = RUNG_CANARY },
		{ "of one that only watched", RUNG_OBSERVE, .begins = RUNG_OBSERVE },
		{ "of one that was rejected", RUNG_ENFORCE, ORDER_REJECTED },
		{ "of one that was paused", RUNG_ENFORCE, ORDER_PAUSED },
		{ "of one that was rolled back", RUNG_ENFORCE, .rolled_back = true },
		{ "where approval is needed", RUNG_ENFORCE, .approve = true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(place_clear) struct place p = place_of();

		stand(&p, rows[i].rung);
		p.settings.approve = rows[i].approve;
		if (rows[i].order)
			order(&p, FIRST, rows[i].order);
		if (rows[i].rolled_back)
			ladder_roll_back(&p.ladder, FIRST, "x", p.now);
		p.list[0].ended_sec = p.now;
		begin(&p, SECOND)->replaces = FIRST;
		step(&p, 10);
		if (standing(&p, SECOND)->rung != rows[i].begins)
			fail_msg("%s: %s", rows[i].name, rung_name(standing(&p, SECOND)->rung));
		if (rows[i].begins == RUNG_CANARY)
			assert_string_equal(standing(&p, SECOND)->reason,
					    "has taken over the load of c-1f3a, which was dropped");
	}
}

/* One that begins in mode observe takes its step when the mode is enforce. */
static void test_heir_in_observe(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	stand(&p, RUNG_ENFORCE);
	p.observing = true;
	begin(&p, SECOND)->replaces = FIRST;
	step(&p, 10);
	check_rung(&p, SECOND, RUNG_OBSERVE);
	p.observing = false;
	step(&p, 10);
	check_rung(&p, SECOND, RUNG_CANARY);
}

/* What is only shown does not climb, and waits again when it may be acted on. */
static void test_spared(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();

	(void)state;
	begin(&p, FIRST)->networks = 2;
	step(&p, 0);
	step(&p, DAY);
	check_rung(&p, FIRST, RUNG_OBSERVE);
	assert_string_equal(ladder_hindrance(standing(&p, FIRST), &p.list[0], &p.settings, true),
			    "it keeps to too few networks to be acted on");
	p.list[0].networks = 10;
	step(&p, 10);
	check_rises(&p, FIRST, p.now + HOUR);
	step(&p, HOUR);
	p.list[0].networks = 2;
	step(&p, 10);
	check_rung(&p, FIRST, RUNG_CANARY);
}

static void test_bounded(void **state)
{
	_cleanup_(place_clear) struct place p = place_of();
	struct standing st = { 0 };

	(void)state;
	for (uint32_t i = 0; i < LADDER_MAX; i++) {
		st.campaign = i * 7 % LADDER_MAX;
		assert_int_equal(ladder_put(&p.ladder, &st), 0);
	}
	st.campaign = LADDER_MAX;
	assert_int_equal(ladder_put(&p.ladder, &st), -E2BIG);
	for (uint32_t i = 0; i < LADDER_MAX; i++)
		assert_int_equal(p.ladder.list[i].campaign, i);
	/* One more finds no place, and the others go on. */
	begin(&p, LADDER_MAX);
	begin(&p, 5);
	assert_true(ladder_step(&p.ladder, &p.campaigns, &p.settings, true, 60) >= 0);
	assert_null(ladder_find(&p.ladder, LADDER_MAX));
	assert_int_equal(standing(&p, 5)->seen_sec, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_climbs),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_approve),
		cmocka_unit_test(test_approve_ahead),
		cmocka_unit_test(test_approval_needed),
		cmocka_unit_test(test_pause_and_reject),
		cmocka_unit_test(test_roll_back),
		cmocka_unit_test(test_end_and_return),
		cmocka_unit_test(test_end_while_watching),
		cmocka_unit_test(test_same_id),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_heir),
		cmocka_unit_test(test_heir_in_observe),
		cmocka_unit_test(test_spared),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
