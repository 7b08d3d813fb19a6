/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of observations: differences over the window, rows that start anew, forgetting.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/sight/observation.h"

#define WINDOW 1000

static void observations_freep(struct observations **o)
{
	observations_free(*o);
}

/* Its time of day began when its clock did. */
static int open_table(size_t max, struct observations **ret)
{
	const struct observation_settings s = { .window_sec = WINDOW, .max = max };

	return observations_new(&s, ret);
}

static void settle(struct observations *o, uint32_t now_sec)
{
	assert_int_equal(observations_pass(o, now_sec, NULL, NULL), 0);
	observations_settle(o, now_sec);
}

static struct seine_addr address(uint32_t n)
{
	struct seine_addr a = { .ip = { [10] = 0xff, [11] = 0xff } };

	memcpy(&a.ip[12], &n, sizeof(n));
	return a;
}

/* A row after `n` requests of 1024 bytes, each answered with 4096, each in a split connection. */
static struct seine_source row_after(uint32_t n, uint32_t first_sec, uint32_t last_sec)
{
	return (struct seine_source){
		.first_sec = first_sec,
		.last_sec = last_sec,
		.requests = n,
		.responses = n,
		.connections = n,
		.handshakes = n,
		.gap_dual = n,
		.gap_us = 50000ull * n,
		.request_bytes = 1024ull * n,
		.response_bytes = 4096ull * n,
		.request_log = 160ull * n,
		.response_log = 192ull * n,
		.hello_key = 7,
		.stacks = 1,
		.rtt_min_us = 20500,
		.syn = { .ttl = 64 },
	};
}

static void add(struct observations *o, uint32_t source, uint32_t n, uint32_t first_sec,
		uint32_t now_sec)
{
	struct seine_source row = row_after(n, first_sec, now_sec);
	struct seine_addr a = address(source);

	assert_int_equal(observations_pass(o, now_sec, NULL, NULL), 0);
	assert_true(observations_add(o, &a, &row, now_sec) >= 0);
}

static struct features find(const struct observations *o, uint32_t source, uint32_t now_sec)
{
	struct seine_addr a = address(source);
	struct features f = { 0 };

	assert_int_equal(observations_find(o, a.ip, WINDOW_DAY, now_sec, &f), 0);
	return f;
}

static void test_features(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;
	struct features f;

	(void)state;
	assert_int_equal(open_table(10, &o), 0);
	add(o, 1, 5, 100, 200);
	settle(o, 200);
	f = find(o, 1, 230);
	assert_int_equal(f.requests, 5);
	assert_int_equal(f.handshakes, 5);
	assert_int_equal(f.gap_dual, 5);
	assert_int_equal(f.hello_key, 7);
	assert_int_equal(f.age_sec, 130);
	assert_int_equal(f.idle_sec, 30);
	assert_true(fabs(f.log_request - log(1024)) < 1e-5);
	assert_true(fabs(f.log_response - log(4096)) < 1e-5);
	assert_true(fabs(f.gap_ms - 50) < 1e-3);
	assert_true(fabs(f.rtt_ms - 20.5) < 1e-3);
	assert_true(f.request_bytes == 5 * 1024 && f.response_bytes == 5 * 4096);
}

/* Ten requests in each half window: features hold the last one or two halves, never more. */
static void test_window_slides(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;
	uint32_t requests;

	(void)state;
	assert_int_equal(open_table(10, &o), 0);
	for (uint32_t now = 1000; now < 5000; now += WINDOW / 10) {
		add(o, 1, (now - 1000) / 50, 1000, now);
		settle(o, now);
		requests = find(o, 1, now).requests;
		if (now >= 2000)
			assert_in_range(requests, 10, 20);
		else
			assert_int_equal(requests, (now - 1000) / 50);
	}
}

/* Sums beyond 2^32 do not disturb their differences. */
static void test_sums_wrap(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;
	struct seine_source row = row_after(0, 1, 5000);
	struct seine_addr a = address(1);
	struct features f;

	(void)state;
	assert_int_equal(open_table(10, &o), 0);
	row.request_log = UINT32_MAX - 10;
	row.gap_us = UINT32_MAX * 1000ull - 1000;
	assert_true(observations_add(o, &a, &row, 5000) >= 0);
	row.requests = row.responses = row.connections = row.gap_dual = 2;
	row.request_log += 320;
	row.gap_us += 100000;
	assert_true(observations_add(o, &a, &row, 5001) >= 0);
	f = find(o, 1, 5001);
	assert_int_equal(f.requests, 2);
	assert_true(fabs(f.log_request - log(1024)) < 1e-5);
	assert_true(fabs(f.gap_ms - 50) < 1e-3);
}

/* What an old row did before we looked is not this window's. */
static void test_old_row_starts_from_now(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;

	(void)state;
	assert_int_equal(open_table(10, &o), 0);
	add(o, 1, 500, 100, 100 + WINDOW + 1);
	add(o, 2, 500, 200, 100 + WINDOW + 1);
	assert_int_equal(find(o, 1, 1200).requests, 0);
	assert_int_equal(find(o, 2, 1200).requests, 500);
	add(o, 1, 503, 100, 1200);
	assert_int_equal(find(o, 1, 1200).requests, 3);
}

static void test_recreated_row(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;

	(void)state;
	assert_int_equal(open_table(10, &o), 0);
	add(o, 1, 40, 1000, 1100);
	add(o, 1, 3, 1150, 1200);
	assert_int_equal(find(o, 1, 1200).requests, 43);

	/* Recreated once more, and already beyond what it was. */
	settle(o, 1200);
	settle(o, 1200 + WINDOW / 2);
	settle(o, 1200 + WINDOW);
	assert_int_equal(find(o, 1, 1200 + WINDOW).requests, 0);
	add(o, 1, 9, 1250 + WINDOW, 1300 + WINDOW);
	assert_int_equal(find(o, 1, 1300 + WINDOW).requests, 9);
}

static void test_forgetting(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;
	_cleanup_(freep) struct features *list = NULL;
	struct seine_addr gone = address(3);
	struct features f;
	size_t n;

	(void)state;
	assert_int_equal(open_table(100, &o), 0);
	for (uint32_t i = 0; i < 20; i++)
		add(o, i, 1 + i, 1000, 1000);
	settle(o, 1000);
	for (uint32_t i = 0; i < 20; i++)
		if (i % 4)
			add(o, i, 2 + i, 1000, 1900);
	settle(o, 1900);
	assert_int_equal(observations_count(o), 20); /* still within the window */
	for (uint32_t i = 0; i < 20; i++)
		if (i % 4 == 1)
			add(o, i, 3 + i, 1000, 2901);
	settle(o, 2901);
	assert_int_equal(observations_count(o), 5);
	assert_int_equal(observations_find(o, gone.ip, WINDOW_DAY, 2901, &f), -ENOENT);
	for (uint32_t i = 1; i < 20; i += 4)
		assert_int_equal(find(o, i, 2901).connections, 1);
	assert_int_equal(observations_features(o, WINDOW_DAY, 2901, &list, &n), 0);
	assert_int_equal(n, 5);
}

static void test_full(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;
	struct seine_source row = row_after(1, 1, 1);
	struct seine_addr a = address(99);

	(void)state;
	assert_int_equal(open_table(3, &o), 0);
	for (uint32_t i = 0; i < 3; i++)
		add(o, i, 1, 1, 1);
	assert_int_equal(observations_add(o, &a, &row, 1), -ENOSPC);
	assert_int_equal(observations_refused(o), 1);
	add(o, 2, 2, 1, 2); /* known ones are served on */
	assert_int_equal(observations_count(o), 3);
}

/* Linear counting: 64 ln(64 / clear). */
static void test_stacks(void **state)
{
	const struct {
		uint64_t bits;
		double stacks;
	} rows[] = {
		{ 0, 0 }, { 1, 1.008 }, { 0x7, 3.073 }, { 0xffffffff, 44.36 }, { ~0ull, 310.5 }
	};
	_cleanup_(observations_freep) struct observations *o = NULL;
	struct seine_source row = row_after(1, 1, 1);
	struct seine_addr a = address(1);

	(void)state;
	assert_int_equal(open_table(3, &o), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		row.stacks = rows[i].bits;
		row.last_sec = (uint32_t)i + 2;
		assert_true(observations_add(o, &a, &row, 1) >= 0);
		assert_true(fabs(find(o, 1, 1).stacks - rows[i].stacks) < 0.06);
	}
}

/* What spans were told to hold, summed by kind. */
struct told {
	uint32_t n[SPANS], requests[SPANS], dual[SPANS];
	uint32_t last_start[SPANS];
	uint64_t active;
};

static int listen(enum span span, uint32_t start, const struct deed *d, void *arg)
{
	struct told *t = arg;

	t->n[span]++;
	t->requests[span] += d->sums.requests;
	t->dual[span] += d->sums.gap_dual;
	t->last_start[span] = start;
	if (span == SPAN_HOUR)
		t->active = d->active;
	return 0;
}

#define SPAN_WINDOW 14400 /* a slot is 100 seconds, an hour 600 */

/* A request every 50 seconds: every slot, hour and day is told once, and nothing twice. */
static void test_spans_are_told(void **state)
{
	const struct observation_settings settings = { .window_sec = SPAN_WINDOW, .max = 4 };
	_cleanup_(observations_freep) struct observations *o = NULL;
	struct seine_addr a = address(1);
	struct told told = { 0 };
	struct seine_source row;

	(void)state;
	assert_int_equal(observations_new(&settings, &o), 0);
	for (uint32_t now = 3 * SPAN_WINDOW; now <= 5 * SPAN_WINDOW; now += 50) {
		row = row_after((now - 3 * SPAN_WINDOW) / 50 + 1, 3 * SPAN_WINDOW, now);
		row.last_request_ns = now * 1000000000ull;
		assert_int_equal(observations_pass(o, now, listen, &told), 0);
		assert_true(observations_add(o, &a, &row, now) >= 0);
		observations_settle(o, now);
	}
	assert_int_equal(told.n[SPAN_SLOT], 2 * SPAN_DAY_SLOTS);
	assert_int_equal(told.n[SPAN_HOUR], 2 * 24);
	assert_int_equal(told.n[SPAN_DAY], 2);
	for (int span = 0; span < SPANS; span++)
		assert_int_equal(told.requests[span], 2 * SPAN_WINDOW / 50);
	assert_int_equal(told.dual[SPAN_DAY], told.requests[SPAN_DAY]);
	assert_int_equal(told.last_start[SPAN_SLOT], 5 * SPAN_DAY_SLOTS - 1);
	assert_int_equal(told.last_start[SPAN_HOUR], 5 * SPAN_DAY_SLOTS - SPAN_HOUR_SLOTS);
	assert_int_equal(told.last_start[SPAN_DAY], 4 * SPAN_DAY_SLOTS);
	assert_int_equal(told.active, 0x3f);
}

/* Each window covers between half and all of its length. */
static void test_windows(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;
	struct features f;
	struct seine_addr a = address(1);
	uint32_t now = 0;

	(void)state;
	assert_int_equal(open_table(10, &o), 0);
	for (uint32_t i = 1; i <= 10000; i++) {
		now = 1000 + 10 * i;
		settle(o, now);
		add(o, 1, i, 1000, now);
	}
	for (int w = 0; w < WINDOWS; w++) {
		uint32_t length = WINDOW * window_slots(w) / SPAN_DAY_SLOTS;

		assert_int_equal(observations_find(o, a.ip, w, now, &f), 0);
		assert_in_range(f.requests, length / 20 - 1, length / 10 + 1);
		assert_in_range(now - observations_since(o, w), length / 2 - 10, length + 10);
		assert_int_equal(f.age_sec, now - 1000);
	}
}

/* Half of the weight is left after seven days; a new machine at the address keeps half a handshake
 * of what is known. */
static void test_trail(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;
	struct seine_source row = row_after(8, 1000, 1000);
	struct seine_addr a = address(1);
	struct features f;

	(void)state;
	assert_int_equal(open_table(10, &o), 0);
	add(o, 1, 8, 1000, 1000);
	f = find(o, 1, 1000);
	assert_true(f.trail.dual == 8 && f.trail.none == 0);
	f = find(o, 1, 1000 + TRAIL_HALF_LIFE * WINDOW);
	assert_true(fabs(f.trail.dual - 4) < 1e-3);

	row.last_sec = 1010;
	row.syn.ttl = 128;
	row.gap_none = 3;
	row.connections = row.handshakes = 11;
	assert_true(observations_add(o, &a, &row, 1010) >= 0);
	f = find(o, 1, 1010);
	assert_true(fabs(f.trail.dual - TRAIL_LEFT) < 1e-3);
	assert_true(fabs(f.trail.none - 3) < 1e-3);
}

/* What is recalled counts as if it had been seen. */
static void test_recall(void **state)
{
	_cleanup_(observations_freep) struct observations *o = NULL;
	struct past past = { .trail = { .dual = 5, .sec = 2000 }, .slot = 288, .first_sec = 7 };
	struct seine_addr a = address(1);
	struct features f;

	(void)state;
	past.active[0] = 1u << 4;
	for (int w = 0; w < WINDOWS; w++) {
		past.sums[w][0] = (struct sums){ .requests = 10u + (uint32_t)w };
		past.sums[w][1] = (struct sums){ .requests = 3 };
	}
	assert_int_equal(open_table(10, &o), 0);
	settle(o, 2000);
	add(o, 1, 50, 1900, 2001);
	assert_int_equal(observations_recall(o, a.ip, &past), 0);
	add(o, 1, 52, 1900, 2010);
	for (int w = 0; w < WINDOWS; w++) {
		assert_int_equal(observations_find(o, a.ip, w, 2010, &f), 0);
		assert_int_equal(f.requests, 12 + w);
	}
	assert_true(fabs(f.trail.dual - 7) < 0.01);
	assert_int_equal(f.age_sec, 2010 - 7);
	assert_true(rhythm_asked(f.rhythm, 284));
	settle(o, 2501); /* the day's window moves on by half */
	assert_int_equal(find(o, 1, 2501).requests, 5);
	a = address(2);
	assert_int_equal(observations_recall(o, a.ip, &past), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_window_slides),
		cmocka_unit_test(test_sums_wrap),
		cmocka_unit_test(test_old_row_starts_from_now),
		cmocka_unit_test(test_recreated_row),
		cmocka_unit_test(test_forgetting),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_spans_are_told),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_trail),
		cmocka_unit_test(test_recall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
