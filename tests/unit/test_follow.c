/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Campaigns over time: what several windows find is one, members stay as long as they are held,
 * pools that vanish end and are remembered, and who takes over their load is linked to them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"

#define DAY 86400u
#define HOUR 3600u
#define BEGIN (10 * DAY)
#define NET_OLD 1
#define NET_NEW 2

/* The sources of a round, all of campaigns, and what was found of them by hand. */
struct scene {
	struct features f[512];
	size_t n;
	struct population *p;
	struct campaigns *known;
};

static void scene_clear(struct scene *s)
{
	population_free(s->p);
	campaigns_free(s->known);
}

static void address(uint8_t ip[16], uint8_t net, uint8_t host)
{
	memset(ip, 0, 16);
	ip[10] = ip[11] = 0xff;
	ip[12] = 10;
	ip[14] = net;
	ip[15] = host;
}

/* `n` sources of a /24, last heard `idle_sec` ago. */
static void populate(struct scene *s, uint8_t net, uint8_t n, uint32_t idle_sec)
{
	for (uint8_t i = 0; i < n; i++) {
		struct features *f = &s->f[s->n++];

		*f = (struct features){ .requests = 24, .idle_sec = idle_sec, .age_sec = 9 * DAY };
		address(f->source, net, i);
	}
}

/* A campaign of the first `n` sources of a /24, as a round over a window finds it. */
static struct campaign finding(uint8_t net, uint8_t n, uint64_t key, enum window w,
			       uint32_t now_sec)
{
	struct campaign c = {
		.hello_key = key,
		.window = w,
		.found = n,
		.n_members = n,
		.last_sec = now_sec,
		.rate = 24.0 * n,
		.rate_max = 24.0 * n,
		.log_request = 8,
		.log_response = 9,
		.members = calloc(n + 1u, sizeof(struct member)),
	};

	assert_non_null(c.members);
	c.seen_sec[w] = now_sec;
	for (uint8_t i = 0; i < n; i++) {
		c.members[i] = (struct member){
			.window = (uint8_t)w,
			.last_sec = now_sec,
			.joined_sec = now_sec,
		};
		address(c.members[i].source, net, i);
	}
	return c;
}

/* One round: `found` (owned; NULL: nothing) is joined to what is known. */
static void turn(struct scene *s, const struct campaign *found, size_t n, enum window w,
		 uint32_t now_sec)
{
	const struct shoal_question q = {
		.f = s->f, .n = s->n, .window = w, .now_sec = now_sec, .since_sec = now_sec - DAY
	};
	struct campaigns *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	population_free(s->p);
	s->p = NULL;
	assert_int_equal(population_new(&q, &shoal_defaults, &s->p), 0);
	c->list = calloc(n + 1, sizeof(*c->list));
	assert_non_null(c->list);
	c->n = n;
	if (n)
		memcpy(c->list, found, n * sizeof(*found));
	assert_int_equal(campaigns_follow(c, s->known, s->p, &shoal_defaults), 0);
	campaigns_free(s->known);
	s->known = c;
}

static void find(struct scene *s, uint8_t net, uint8_t n, uint64_t key, enum window w,
		 uint32_t now_sec)
{
	struct campaign c = finding(net, n, key, w, now_sec);

	turn(s, &c, 1, w, now_sec);
}

static const struct campaign *with_key(const struct scene *s, uint64_t key)
{
	for (size_t i = 0; i < s->known->n; i++)
		if (s->known->list[i].hello_key == key)
			return &s->known->list[i];
	return NULL;
}

/* Two windows find the same campaign: one id, members of both, the evidence of who found more. */
static void test_windows_join(void **state)
{
	_cleanup_(scene_clear) struct scene s = { 0 };
	const struct campaign *c;
	uint32_t id;

	(void)state;
	find(&s, NET_OLD, 40, 7, WINDOW_DAY, BEGIN);
	id = s.known->list[0].id;
	find(&s, NET_OLD, 60, 7, WINDOW_WEEK, BEGIN + 60);
	find(&s, NET_OLD, 30, 7, WINDOW_HOUR, BEGIN + 120);
	assert_int_equal(s.known->n, 1);
	c = &s.known->list[0];
	assert_int_equal(c->id, id);
	assert_int_equal(c->first_sec, BEGIN);
	assert_int_equal(c->last_sec, BEGIN + 120);
	assert_int_equal(c->n_members, 60);
	assert_int_equal(c->window, WINDOW_WEEK);
	assert_int_equal(c->found, 60);
	assert_int_equal(c->members[0].window, WINDOW_WEEK); /* which holds it longer */
	assert_int_equal(c->members[0].joined_sec, BEGIN);
	assert_int_equal(c->members[50].joined_sec, BEGIN + 60);
	assert_int_equal(c->members_max, 60);
}

/* A member that rounds no longer find stays for as long as its window's findings are held. */
static void test_members_are_held(void **state)
{
	_cleanup_(scene_clear) struct scene s = { 0 };
	const uint32_t hold = shoal_defaults.hold_sec;

	(void)state;
	find(&s, NET_OLD, 40, 7, WINDOW_DAY, BEGIN);
	find(&s, NET_OLD, 20, 7, WINDOW_DAY, BEGIN + hold);
	assert_int_equal(s.known->list[0].n_members, 40);
	find(&s, NET_OLD, 20, 7, WINDOW_DAY, BEGIN + hold + 1);
	assert_int_equal(s.known->list[0].n_members, 20);
	find(&s, NET_OLD, 40, 7, WINDOW_WEEK, BEGIN + hold + 2);
	find(&s, NET_OLD, 20, 7, WINDOW_DAY, BEGIN + 3 * HOUR);
	assert_int_equal(s.known->list[0].n_members, 40); /* three rounds of a week are 3.5 hours */
	find(&s, NET_OLD, 20, 7, WINDOW_DAY, BEGIN + 4 * HOUR);
	assert_int_equal(s.known->list[0].n_members, 20);
}

static void test_end_and_return(void **state)
{
	_cleanup_(scene_clear) struct scene s = { 0 };
	const uint32_t hold = shoal_defaults.hold_sec;
	uint32_t id;

	(void)state;
	find(&s, NET_OLD, 40, 7, WINDOW_DAY, BEGIN);
	id = s.known->list[0].id;
	turn(&s, NULL, 0, WINDOW_DAY, BEGIN + hold);
	assert_int_equal(campaigns_living(s.known), 1);
	turn(&s, NULL, 0, WINDOW_DAY, BEGIN + hold + 1);
	assert_int_equal(campaigns_living(s.known), 0);
	assert_int_equal(s.known->list[0].ended_sec, BEGIN + hold + 1);
	assert_int_equal(s.known->list[0].n_members, 40);

	find(&s, NET_OLD, 30, 7, WINDOW_DAY, BEGIN + DAY);
	assert_int_equal(campaigns_living(s.known), 1);
	assert_int_equal(s.known->list[0].id, id);
	assert_int_equal(s.known->list[0].first_sec, BEGIN);

	turn(&s, NULL, 0, WINDOW_DAY, BEGIN + DAY + hold + 1);
	turn(&s, NULL, 0, WINDOW_DAY, BEGIN + 3 * DAY + hold + 1);
	assert_int_equal(s.known->n, 1);
	turn(&s, NULL, 0, WINDOW_DAY, BEGIN + 3 * DAY + hold + 2);
	assert_int_equal(s.known->n, 0);
}

static void test_growth(void **state)
{
	_cleanup_(scene_clear) struct scene s = { 0 };
	const struct campaign *c;

	(void)state;
	find(&s, NET_OLD, 40, 7, WINDOW_DAY, BEGIN);
	find(&s, NET_OLD, 60, 7, WINDOW_DAY, BEGIN + DAY - 1);
	assert_int_equal(s.known->list[0].grown_from, 40);
	find(&s, NET_OLD, 50, 7, WINDOW_DAY, BEGIN + 2 * DAY);
	c = &s.known->list[0];
	assert_int_equal(c->grown_from, 60);
	assert_int_equal(c->grown_sec, BEGIN + 2 * DAY);
	assert_int_equal(c->members_max, 60);
	assert_int_equal(c->n_members, 50);
}

/* The old pool falls silent, another with other software does the same work at the same rate. */
static const struct campaign *replace(struct scene *s, uint32_t old_idle_sec, uint8_t new_members,
				      float log_request)
{
	struct campaign both[2];

	find(s, NET_OLD, 40, 7, WINDOW_DAY, BEGIN);
	populate(s, NET_OLD, 40, old_idle_sec);
	populate(s, NET_NEW, new_members, 60);
	both[0] = finding(NET_OLD, 40, 7, WINDOW_DAY, BEGIN + DAY);
	both[1] = finding(NET_NEW, new_members, 8, WINDOW_DAY, BEGIN + DAY);
	both[1].log_request = log_request;
	turn(s, both, 2, WINDOW_DAY, BEGIN + DAY);
	assert_int_equal(s->known->n, 2);
	return with_key(s, 8);
}

static void test_succession(void **state)
{
	const struct {
		const char *why;
		uint32_t old_idle_sec;
		uint8_t new_members;
		float log_request;
		bool linked;
	} rows[] = {
		{ "same work, same rate", 5 * HOUR, 40, 8.1f, true },
		{ "half the rate", 5 * HOUR, 20, 8.1f, true },
		{ "too small", 5 * HOUR, 19, 8.1f, false },
		{ "other work", 5 * HOUR, 40, 8.5f, false },
		{ "the old pool is still at work", 60, 40, 8.1f, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(scene_clear) struct scene s = { 0 };
		const struct campaign *new =
			replace(&s, rows[i].old_idle_sec, rows[i].new_members, rows[i].log_request);
		uint32_t linked = rows[i].linked ? with_key(&s, 7)->id : 0;

		if (new->replaces != linked)
			fail_msg("%s: linked to %x, not %x", rows[i].why, new->replaces, linked);
		assert_int_equal(with_key(&s, 7)->replaces, 0);
	}
}

/* A pool that ended is taken over as well, and the link stays. */
static void test_succession_of_ended(void **state)
{
	_cleanup_(scene_clear) struct scene s = { 0 };
	uint32_t id;

	(void)state;
	find(&s, NET_OLD, 40, 7, WINDOW_DAY, BEGIN);
	id = s.known->list[0].id;
	turn(&s, NULL, 0, WINDOW_DAY, BEGIN + HOUR);
	assert_int_equal(campaigns_living(s.known), 0);
	find(&s, NET_NEW, 40, 8, WINDOW_HOUR, BEGIN + DAY);
	assert_int_equal(with_key(&s, 8)->replaces, id);
	find(&s, NET_NEW, 40, 8, WINDOW_DAY, BEGIN + 4 * DAY);
	assert_int_equal(s.known->n, 1); /* the old one is forgotten by then */
	assert_int_equal(with_key(&s, 8)->replaces, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_join),   cmocka_unit_test(test_members_are_held),
		cmocka_unit_test(test_end_and_return), cmocka_unit_test(test_growth),
		cmocka_unit_test(test_succession),     cmocka_unit_test(test_succession_of_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
