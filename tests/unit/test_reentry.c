/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who was dropped before. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/judge/reentry.h"

#define NOW 5000000u
#define DAY 86400u

static struct prefix address(uint32_t i)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 10 };

	ip[13] = (uint8_t)(i >> 16);
	ip[14] = (uint8_t)(i >> 8);
	ip[15] = (uint8_t)i;
	return prefix_of(ip, 128);
}

struct place {
	struct reentries reentries;
	struct claims held;
	struct entry list[8];
	struct entries automatic;
	struct entry now[8];
};

static void place_clear(struct place *p)
{
	reentries_clear(&p->reentries);
}

static struct seine_entry *hold(struct place *p, uint32_t at, enum seine_action action,
				uint32_t added_sec, uint32_t expires_sec)
{
	struct entry *e = &p->list[p->held.n++];

	p->held.list = p->list;
	e->prefix = address(at);
	e->row = (struct seine_entry){
		.origin = SEINE_AUTO,
		.action = action,
		.added_sec = added_sec,
		.expires_sec = expires_sec,
	};
	return &e->row;
}

static uint32_t ttl(const struct place *p, uint32_t at, uint32_t now_sec)
{
	struct prefix prefix = address(at);

	return reentries_ttl(&p->reentries, &prefix, 3600, DAY, now_sec);
}

static void test_what_is_noted(void **state)
{
	_cleanup_(place_clear) struct place p = { .automatic = { .list = p.now } };
	struct prefix first = address(1);

	(void)state;
	hold(&p, 1, SEINE_DROP, NOW - 7000, NOW);
	hold(&p, 2, SEINE_CANARY, NOW - 5000, NOW - 10);
	hold(&p, 3, SEINE_WATCH, NOW - 7000, NOW);    /* dropped nothing */
	hold(&p, 4, SEINE_DROP, NOW - 7000, NOW + 1); /* was taken back */
	hold(&p, 5, SEINE_DROP, NOW - 7000, NOW)->origin = SEINE_OPERATOR;
	hold(&p, 6, SEINE_DROP, NOW - 7000, NOW); /* and there it is again */
	p.now[p.automatic.n++] = p.list[5];
	hold(&p, 7, SEINE_DROP, NOW - DAY, NOW);
	assert_int_equal(reentries_note(&p.reentries, &p.held, &p.automatic, NOW), 3);
	assert_int_equal(p.reentries.n, 3);
	assert_int_equal(reentries_find(&p.reentries, &first)->life_sec, 7000);
	assert_int_equal(reentries_find(&p.reentries, &first)->ended_sec, NOW);
	assert_int_equal(ttl(&p, 1, NOW), 14000);
	assert_int_equal(ttl(&p, 2, NOW), 9980);
	assert_int_equal(ttl(&p, 3, NOW), 3600);
	assert_int_equal(ttl(&p, 7, NOW), DAY);
	assert_int_equal(reentries_ttl(NULL, &first, 3600, DAY, NOW), 3600);
}

/* The last life counts, however short, and a month later none does. */
static void test_anew_and_over(void **state)
{
	_cleanup_(place_clear) struct place p = { .automatic = { .list = p.now } };
	uint32_t month = REENTRY_DAYS * DAY;

	(void)state;
	hold(&p, 1, SEINE_DROP, NOW - 20000, NOW);
	hold(&p, 2, SEINE_DROP, NOW - 20000, NOW);
	assert_int_equal(reentries_note(&p.reentries, &p.held, &p.automatic, NOW), 2);
	p.held.n = 0;
	hold(&p, 2, SEINE_DROP, NOW + DAY, NOW + DAY + 600);
	assert_int_equal(reentries_note(&p.reentries, &p.held, &p.automatic, NOW + DAY + 600), 1);
	assert_int_equal(p.reentries.n, 2);
	assert_int_equal(ttl(&p, 1, NOW + month), 40000);
	assert_int_equal(ttl(&p, 2, NOW + month), 3600);
	assert_int_equal(ttl(&p, 1, NOW + month + 1), 3600);
	p.held.n = 0;
	assert_int_equal(reentries_note(&p.reentries, &p.held, &p.automatic, NOW + month + 1), 0);
	assert_int_equal(p.reentries.n, 1);
}

/* What was kept comes back in any order, also from before the boot. */
static void test_kept(void **state)
{
	_cleanup_(place_clear) struct place p = { 0 };

	(void)state;
	for (uint32_t i = 100; i > 0; i--) {
		struct reentry row = { address(i * 7 % 101), 3600 + i, 10 - (int64_t)i };

		assert_int_equal(reentries_append(&p.reentries, &row), 0);
	}
	reentries_sort(&p.reentries);
	for (uint32_t i = 1; i <= 100; i++) {
		struct prefix prefix = address(i * 7 % 101);

		assert_int_equal(reentries_find(&p.reentries, &prefix)->life_sec, 3600 + i);
		assert_int_equal(ttl(&p, i * 7 % 101, 10), 2 * (3600 + i));
	}
}

/* The oldest make room. */
static void test_bounded(void **state)
{
	_cleanup_(place_clear) struct place p = { .automatic = { .list = p.now } };
	struct reentry row = { .life_sec = 7000 };
	struct prefix prefix;

	(void)state;
	for (uint32_t i = 0; i < REENTRIES_MAX; i++) {
		row.prefix = address(i);
		row.ended_sec = (int64_t)NOW - 1 - (i * 7ull) % REENTRIES_MAX;
		assert_int_equal(reentries_append(&p.reentries, &row), 0);
	}
	assert_int_equal(reentries_append(&p.reentries, &row), -E2BIG);
	reentries_sort(&p.reentries);
	hold(&p, REENTRIES_MAX + 1, SEINE_DROP, NOW - 5000, NOW);
	hold(&p, REENTRIES_MAX + 2, SEINE_DROP, NOW - 5000, NOW);
	assert_int_equal(reentries_note(&p.reentries, &p.held, &p.automatic, NOW), 2);
	assert_int_equal(p.reentries.n, REENTRIES_MAX);
	for (uint32_t i = 0; i < REENTRIES_MAX; i++) {
		bool oldest = (i * 7ull) % REENTRIES_MAX >= REENTRIES_MAX - 2;

		prefix = address(i);
		if (!reentries_find(&p.reentries, &prefix) != oldest)
			fail_msg("row %u", i);
	}
	prefix = address(REENTRIES_MAX + 2);
	assert_non_null(reentries_find(&p.reentries, &prefix));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_noted),
		cmocka_unit_test(test_anew_and_over),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
