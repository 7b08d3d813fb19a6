/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * History on the disk: rows come back as they were put, age and make room; errors are named. What
 * rows say of the past is test_past.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include "tests/unit/history_place.h"
#include "user/base/cleanup.h"

static void rows_come_back_as_they_were(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct deed wanted;
	struct days days;

	for (uint32_t source = 0; source < 300; source++)
		for (uint32_t day = 3; day > 0; day--)
			place_put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, source, day * 10);
	place_flush(h, place_sec(4));
	history_closep(&h);
	h = place_open(*state);
	for (uint32_t source = 0; source < 300; source++) {
		days = place_days(h, source);
		assert_int_equal(days.n, 3);
		for (uint32_t day = 1; day <= 3; day++) {
			wanted = place_deed(source, day * 10);
			assert_memory_equal(&days.deeds[day - 1], &wanted, sizeof(wanted));
			assert_int_equal(days.start_unix[day - 1], EPOCH + day * WINDOW);
		}
	}
	assert_int_equal(place_days(h, 300).n, 0);
}

static void what_comes_twice_adds_up(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct deed later = place_deed(1, 5);
	struct days days;

	place_put(h, SPAN_DAY, FIRST, 1, 3);
	place_flush(h, place_sec(1));
	later.hello_key = 9;
	later.syn_class = 0;
	assert_int_equal(history_put(SPAN_DAY, FIRST, &later, h), 0);
	place_put(h, SPAN_DAY, FIRST, 2, 1);
	place_put(h, SPAN_DAY, FIRST, 2, 1); /* in the same run */
	place_flush(h, place_sec(1));
	days = place_days(h, 1);
	assert_int_equal(days.n, 1);
	assert_int_equal(days.deeds[0].sums.requests, 8);
	assert_int_equal(days.deeds[0].sums.gap_dual, 2);
	assert_int_equal(days.deeds[0].sums.response_log, UINT32_MAX - 1); /* modulo 2^32 */
	assert_int_equal(days.deeds[0].hello_key, 9);
	assert_int_equal(days.deeds[0].syn_class, 77);
	assert_int_equal(place_days(h, 2).deeds[0].sums.requests, 2);
}

static int take_net(int64_t start_unix, const struct net_deed *d, void *arg)
{
	struct net_deed *sum = arg;

	assert_int_equal(start_unix % WINDOW, EPOCH % WINDOW);
	*sum = *d;
	return 0;
}

static void prefixes_have_days_too(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct net_deed d = { .net = { 0x20, 1 }, .sources = 3, .requests = 9, .syns = 1 << 20 };
	struct net_deed got = { 0 };

	assert_int_equal(history_put_net(h, SPAN_DAY, FIRST, &d), 0);
	place_flush(h, place_sec(1));
	assert_int_equal(history_put_net(h, SPAN_DAY, FIRST, &d), 0);
	place_flush(h, place_sec(1));
	assert_int_equal(history_net_days(h, d.net, take_net, &got), 0);
	assert_int_equal(got.requests, 18);
	assert_int_equal(got.syns, 2 << 20);
	assert_memory_equal(got.net, d.net, sizeof(d.net));
}

static uint32_t net_requests(struct history *h, const struct net_deed *net)
{
	struct net_deed sum = { 0 };

	assert_int_equal(history_net_days(h, net->net, take_net, &sum), 0);
	return sum.requests;
}

/* A crash in the second hour of a day, after an orderly stop in the first; then a life that goes on
 * with the day. Another prefix is never seen again. */
static void prefixes_survive_a_crash(void **state)
{
	struct history *h = place_open(*state);
	struct net_deed a = { .requests = 1 }, b = { .requests = 10 };
	char why[HISTORY_WHY];
	int64_t left;

	place_address(3, a.net);
	place_address(6, b.net);
	assert_int_equal(history_put_net(h, SPAN_SLOT, FIRST + 4, &a), 0);
	assert_int_equal(history_put_net(h, SPAN_HOUR, FIRST, &a), 0);
	assert_int_equal(history_put_net(h, SPAN_DAY, FIRST, &a), 0);
	history_close(h);
	h = place_open(*state);
	assert_int_equal(history_put_net(h, SPAN_SLOT, FIRST + 5, &a), 0);
	assert_int_equal(history_put_net(h, SPAN_HOUR, FIRST, &a), 0);
	for (uint32_t slot = 6; slot < 9; slot++) {
		assert_int_equal(history_put_net(h, SPAN_SLOT, FIRST + slot, &a), 0);
		assert_int_equal(history_put_net(h, SPAN_SLOT, FIRST + slot, &b), 0);
	}
	history_close(h);
	h = place_open(*state);
	assert_int_equal(net_requests(h, &a), 1);
	assert_int_equal(history_put_net(h, SPAN_HOUR, FIRST + 6, &a), 0);
	assert_int_equal(history_put_net(h, SPAN_DAY, FIRST, &a), 0);
	while ((left = history_flush(h, 1, 10 * SLOT, why)) > 0)
		;
	assert_int_equal(left, 0);
	assert_int_equal(net_requests(h, &a), 6);
	assert_int_equal(net_requests(h, &b), 30);
	history_close(h);
}

static void closing_writes_what_is_queued(void **state)
{
	struct history *h = place_open(*state);

	place_put(h, SPAN_DAY, FIRST, 1, 3);
	history_close(h);
	h = place_open(*state);
	assert_int_equal(place_days(h, 1).n, 1);
	history_close(h);
}

static void a_flush_is_bounded(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	char why[HISTORY_WHY];

	for (uint32_t i = 0; i < 100; i++)
		place_put(h, SPAN_DAY, FIRST, i, 1);
	assert_int_equal(history_flush(h, 30, place_sec(1), why), 70);
	assert_int_equal(history_flush(h, 30, place_sec(1), why), 40);
	place_put(h, SPAN_DAY, FIRST, 1000, 1); /* behind a run that is being written */
	assert_int_equal(history_flush(h, 40, place_sec(1), why), 1);
	assert_int_equal(history_flush(h, 40, place_sec(1), why), 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(place_days(h, i).n, 1);
	assert_int_equal(place_days(h, 1000).n, 1);
}

/* ---- ageing ---- */

static void rows_age(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct history_state s;

	for (uint32_t day = 0; day < DAYS_BEFORE; day++) {
		place_put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, 1, 1);
		for (uint32_t hour = 0; hour < 24; hour++)
			place_put(h, SPAN_HOUR,
				  FIRST + day * SPAN_DAY_SLOTS + hour * SPAN_HOUR_SLOTS, 1, 1);
		place_flush(h, place_sec(day + 1));
	}
	assert_int_equal(history_state(h, &s), 0);
	assert_int_equal(s.days, 46);
	assert_int_equal(s.oldest_unix, EPOCH + (DAYS_BEFORE - 46) * WINDOW);
	assert_int_equal(s.sources, 1);
	assert_false(s.full);
	assert_int_equal(place_days(h, 1).n, 46);
}

static int days_held(struct history *h)
{
	struct history_state s = { 0 };

	assert_int_equal(history_state(h, &s), 0);
	return (int)s.days;
}

static enum history_clock clock_at(struct history *h, uint32_t now_sec, int64_t set_by)
{
	return history_clock(h, EPOCH + now_sec + set_by, now_sec);
}

/* Years ahead, or behind. What is there stays for an hour; then the clock is believed. */
static void a_wrong_clock_takes_nothing_at_once(void **state)
{
	static const struct {
		uint32_t day, wrong;
	} days[] = { { 0, 400 }, { 90, 2 } };
	const struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		struct history *h = place_open(p);
		uint32_t day = days[i].day, wrong = place_sec(days[i].wrong);

		place_put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, 1, 1);
		place_flush(h, place_sec(day + 1));
		assert_int_equal(clock_at(h, place_sec(day + 1), 0), CLOCK_TRUSTED);
		history_close(h);

		h = place_open(p);
		place_flush(h, wrong);
		assert_int_equal(days_held(h), 1);
		assert_int_equal(clock_at(h, wrong, 0), CLOCK_DOUBTED);
		place_flush(h, wrong + 3599);
		assert_int_equal(days_held(h), 1);
		place_flush(h, wrong + 3600);
		assert_int_equal(days_held(h), 0);
		assert_int_equal(clock_at(h, wrong + 3600, 0), CLOCK_TRUSTED);
		history_close(h);
	}
}

/* It was wrong and has been set: what it says of the age of rows is not to be trusted any more. */
static void a_clock_that_was_set_takes_nothing(void **state)
{
	struct history *h = place_open(*state);
	uint32_t late = place_sec(60);

	place_put(h, SPAN_DAY, FIRST, 1, 1);
	place_flush(h, place_sec(1));
	assert_int_equal(clock_at(h, late, SLOT), CLOCK_TRUSTED);
	assert_int_equal(clock_at(h, late, SLOT + 1), CLOCK_MOVED);
	assert_int_equal(clock_at(h, late, -SLOT - 1), CLOCK_MOVED);
	place_flush(h, late);
	assert_int_equal(days_held(h), 1);
	assert_int_equal(clock_at(h, late, 0), CLOCK_TRUSTED);
	place_flush(h, late);
	assert_int_equal(days_held(h), 0);
	history_close(h);
}

static void the_oldest_days_make_room(void **state)
{
	_cleanup_(history_closep) struct history *h = NULL;
	const uint64_t most = 2 << 20;
	struct history_state s;
	struct days days;
	char why[HISTORY_WHY];

	assert_int_equal(place_open_sized(*state, most, why, &h), 0);
	for (uint32_t day = 0; day < 40; day++) {
		for (uint32_t i = 0; i < 3000; i++)
			place_put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, i, 20);
		place_flush(h, place_sec(day + 1));
		assert_int_equal(history_state(h, &s), 0);
		assert_in_range(s.bytes, 1, most);
		assert_true(s.full || s.days == day + 1);
	}
	assert_true(s.full);
	assert_in_range(s.days, 5, 20);
	days = place_days(h, 2999);
	assert_int_equal(days.start_unix[days.n - 1], EPOCH + 39 * WINDOW);
	assert_int_equal(days.start_unix[0], EPOCH + (40 - days.n) * WINDOW);
	assert_int_equal(s.lost, 0);

	/* With a smaller limit it gets smaller. */
	history_closep(&h);
	assert_int_equal(place_open_sized(*state, most / 2, why, &h), 0);
	for (int i = 0; i < 50; i++)
		place_flush(h, place_sec(40));
	assert_int_equal(history_state(h, &s), 0);
	assert_in_range(s.bytes, 1, most / 2);
}

/* ---- errors ---- */

static void what_cannot_be_opened_is_named(void **state)
{
	struct place nowhere = { .file = "/nonexistent/history.db" }, dir = { 0 };
	const struct place *p = *state;
	_cleanup_(history_closep) struct history *h = NULL, *second = NULL;
	char why[HISTORY_WHY] = "";

	assert_int_equal(place_open_sized(&nowhere, LARGE, why, &h), -ENOENT);
	assert_string_equal(why, "/nonexistent/history.db: No such file or directory");
	memcpy(dir.file, p->dir, sizeof(p->dir));
	assert_int_equal(place_open_sized(&dir, LARGE, why, &h), -EISDIR);
	assert_null(h);
	h = place_open(p);
	assert_int_equal(place_open_sized(p, LARGE, why, &second), -EBUSY);
	assert_non_null(strstr(why, "another process uses it"));
	assert_int_equal(place_files(p, "damaged", false), 0);
}

/* A limit on the size of files stands for a full disk. */
static void a_full_disk_keeps_rows_queued(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct rlimit before, tight;
	char why[HISTORY_WHY] = "";

	place_flush(h, place_sec(1));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 200 << 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	for (uint32_t i = 0; i < 20000; i++)
		place_put(h, SPAN_DAY, FIRST, i, 20);
	for (int i = 0; i < 5; i++)
		assert_true(history_flush(h, SIZE_MAX, place_sec(1), why) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(strlen(why) > 0);
	place_flush(h, place_sec(1));
	for (uint32_t i = 0; i < 20000; i += 19)
		assert_int_equal(place_days(h, i).n, 1);
	assert_int_equal(place_files(*state, "damaged", false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(rows_come_back_as_they_were),
		PLACE_TEST(what_comes_twice_adds_up),
		PLACE_TEST(prefixes_have_days_too),
		PLACE_TEST(prefixes_survive_a_crash),
		PLACE_TEST(closing_writes_what_is_queued),
		PLACE_TEST(a_flush_is_bounded),
		PLACE_TEST(rows_age),
		PLACE_TEST(a_wrong_clock_takes_nothing_at_once),
		PLACE_TEST(a_clock_that_was_set_takes_nothing),
		PLACE_TEST(the_oldest_days_make_room),
		PLACE_TEST(what_cannot_be_opened_is_named),
		PLACE_TEST(a_full_disk_keeps_rows_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
