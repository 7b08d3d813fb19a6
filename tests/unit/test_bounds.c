/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds of any judgement: made-up campaigns, claims and guards over some rounds, in which
 * members, rungs and orders change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "tests/unit/scene.h"
#include "user/base/cleanup.h"
#include "user/judge/impact.h"

#define SCENES 300
#define ROUNDS 8

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
	random_state += 0x9e3779b97f4a7c15ull;
	return (uint32_t)(seine_mix64(random_state) >> 16) % n;
}

/* All in 20.1.0.0/18 or 2001:db8::/48, where things meet. */
static const char *address(char text[PREFIX_TEXT])
{
	if (below(4))
		snprintf(text, PREFIX_TEXT, "20.1.%u.%u", below(64), below(64));
	else
		snprintf(text, PREFIX_TEXT, "2001:db8:0:%x::", below(2048));
	return text;
}

static const char *network(char text[PREFIX_TEXT])
{
	char at[PREFIX_TEXT];
	struct prefix p = scene_prefix(address(at));
	bool v4 = prefix_is_v4(&p);

	p = prefix_parent(&p, v4 ? 128 - 1 - below(8) : 64 - 1 - below(8));
	return prefix_format(&p, text);
}

static int member_compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void fill_campaign(struct scene *s)
{
	uint32_t n = below(below(3) ? 20 : 150), nets = below(12);
	char text[PREFIX_TEXT];

	for (uint32_t i = 0; i < n && s->n < 2500; i++)
		scene_member(s, address(text), below(2));
	for (uint32_t i = 0; i < nets; i++)
		scene_net(s, network(text), 10, below(2));
	s->c->networks = below(10) ? 10 : 2;
	qsort(s->c->members, s->c->n_members, sizeof(*s->c->members), member_compare);
}

static void fill(struct scene *s)
{
	static const enum seine_origin origins[] = { SEINE_OPERATOR, SEINE_EXTERNAL, SEINE_FEED };
	uint32_t campaigns = 1 + below(4), guards = below(4), claims = below(6);
	char text[PREFIX_TEXT];

	fill_campaign(s);
	for (uint32_t i = 1; i < campaigns; i++) {
		scene_campaign(s, 0x1000 + i, SCENE_KEY + i % 2);
		fill_campaign(s);
	}
	for (uint32_t i = 0; i < 1000; i++)
		scene_source(s, address(text), below(20), below(30) == 0);
	for (uint32_t i = 0; i < guards; i++)
		scene_guard(s, below(2) ? address(text) : network(text), "allow list", "");
	for (uint32_t i = 0; i < claims; i++) {
		struct seine_entry *e = scene_held(s, below(2) ? address(text) : network(text),
						   origins[below(3)], below(3));

		e->expires_sec = below(2) ? 0 : SCENE_NOW + below(5000);
		e->hello_key = below(2) ? 0 : SCENE_KEY + below(3);
	}
	s->settings = judge_defaults;
	s->settings.entries_per_round = 1 + below(200);
	s->settings.entries_max = 1 + below(300);
	s->settings.space_v4 = below(2000);
	s->settings.space_v6 = below(500);
	s->settings.benign_share_max = below(3) * 0.01;
	s->settings.benign_requests_max = below(3) * 0.01;
}

/* Some campaigns move on the ladder, end, or lose members; guards come where entries are. */
static void change(struct scene *s)
{
	char text[PREFIX_TEXT];

	if (s->guards.n && below(4) == 0)
		s->guarded[0].prefix = scene_prefix(address(text));
	for (size_t i = 0; i < s->campaigns.n; i++) {
		s->c = &s->list[i];
		if (below(3) == 0)
			scene_stand(s, below(3), below(4));
		if (below(8) == 0)
			s->c->ended_sec = s->c->ended_sec ? 0 : SCENE_NOW;
		if (below(4) == 0 && s->c->n_members)
			s->c->n_members -= below((uint32_t)s->c->n_members);
		if (below(4) == 0 && s->c->n_prefixes)
			s->c->n_prefixes--;
	}
}

/* Automatic ones of the round before, the others as they were. */
static void hold(struct scene *s, const struct entry *others, size_t n)
{
	scene_hold(s);
	memcpy(&s->held[s->n_held], others, n * sizeof(*others));
	s->n_held += n;
}

/* ---- what holds ---- */

static bool is_held(const struct scene *s, const struct entry *e)
{
	for (size_t i = 0; i < s->n_held; i++)
		if (s->held[i].row.origin == SEINE_AUTO &&
		    !prefix_compare(&s->held[i].prefix, &e->prefix))
			return true;
	return false;
}

static bool is_decided(const struct scene *s, const struct entry *e, uint32_t now)
{
	for (size_t i = 0; i < s->n_held; i++) {
		const struct entry *h = &s->held[i];

		if (claim_class(h->row.origin) == CLAIM_PEOPLE &&
		    prefix_covers(&h->prefix, &e->prefix) &&
		    (!h->row.expires_sec || h->row.expires_sec > now) &&
		    (!h->row.hello_key || !e->row.hello_key ||
		     h->row.hello_key == e->row.hello_key))
			return true;
	}
	return false;
}

static void check_entry(const struct scene *s, const struct entry *e, uint32_t now)
{
	const struct standing *st = ladder_find(&s->ladder, e->row.campaign);
	uint32_t share;

	assert_null(guards_refuse(&s->guards, &e->prefix));
	assert_in_range(e->row.expires_sec, now + 1, now + s->settings.ttl_max_sec);
	assert_non_null(st);
	assert_int_not_equal(st->order, ORDER_REJECTED);
	assert_int_equal(e->row.action, ladder_action(st, &s->settings, &share));
	assert_int_equal(e->row.share, share);
	assert_true(is_held(s, e) || !is_decided(s, e, now));
}

static void check_wide(const struct scene *s)
{
	_cleanup_(freep) struct entry *wide = calloc(s->j->automatic->n + 1, sizeof(*wide));
	struct impact_view view = { 0 };
	struct impact impact;
	size_t n = 0;

	for (size_t i = 0; i < s->j->automatic->n; i++) {
		const struct entry *e = &s->j->automatic->list[i];

		if (e->prefix.len < (prefix_is_v4(&e->prefix) ? 128 : 64))
			wide[n++] = *e;
	}
	assert_int_equal(impact_view_new(&s->campaigns, s->f, s->n, 64, &view), 0);
	assert_int_equal(impact_of(&view, wide, n, &impact), 0);
	assert_true(impact.addresses_v4 <= s->settings.space_v4);
	assert_true(impact.networks_v6 <= s->settings.space_v6);
	assert_true((double)impact.honest <= s->settings.benign_share_max * (double)view.honest);
	assert_true((double)impact.honest_requests <=
		    s->settings.benign_requests_max * (double)view.requests);
	assert_true(impact.honest <= s->j->benign_hit);
	impact_view_clear(&view);
}

static size_t check_round(const struct scene *s, uint32_t now)
{
	const struct entries *e = s->j->automatic;
	size_t fresh = 0;

	for (size_t i = 0; i < e->n; i++) {
		check_entry(s, &e->list[i], now);
		fresh += !is_held(s, &e->list[i]);
	}
	assert_true(fresh <= s->settings.entries_per_round);
	assert_true(e->n <= s->settings.entries_max);
	check_wide(s);
	for (size_t i = 0; i < s->j->n_refusals; i++)
		assert_true(strlen(s->j->refusals[i].reason) <
			    sizeof(s->j->refusals[i].reason) - 1);
	return e->n;
}

static void test_bounds(void **state)
{
	size_t entries = 0, refusals = 0, spent = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SCENES; seed++) {
		_cleanup_(scene_freep) struct scene *s = scene_new();
		uint32_t now = SCENE_NOW;
		struct entry others[8];
		size_t n;

		random_state = seed;
		fill(s);
		n = s->n_held;
		memcpy(others, s->held, n * sizeof(*others));
		for (uint32_t i = 0; i < ROUNDS; i++) {
			now += below(5) ? 10 : 2000;
			change(s);
			scene_judge(s, now);
			entries += check_round(s, now);
			refusals += s->j->n_refusals;
			spent += s->j->budget_spent;
			hold(s, others, n);
		}
	}
	assert_true(entries > 20000);
	assert_true(refusals > 2000);
	assert_in_range(spent, SCENES, SCENES * ROUNDS - SCENES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
