/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Server time from histograms: the percentile, the window that forgets, and what is inherited.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "user/sight/trips.h"

/* The bin the datapath counts a time into. */
static unsigned int bin_of(uint32_t us)
{
	unsigned int msb = 31 - __builtin_clz(us);

	return msb * 4 + (((uint64_t)us << 2 >> msb) & 3);
}

static void count(struct seine_trips *t, uint32_t us, uint32_t n)
{
	t->hist[bin_of(us)] += n;
}

static void percentile_lies_in_its_bin(void **state)
{
	static const uint32_t times[] = { 1, 2, 3, 4, 7, 90, 1000, 1780, 20000, 999999 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		double hist[SEINE_TRIP_BINS] = { 0 }, p;

		hist[bin_of(times[i])] = 10;
		p = trips_percentile(hist, 0.1);
		assert_true(p <= times[i] * 1.25 && p >= times[i] / 1.26);
	}
}

static void percentile_is_interpolated(void **state)
{
	double hist[SEINE_TRIP_BINS] = { 0 };

	(void)state;
	hist[bin_of(1024)] = 50; /* 1024 to 1280 us */
	hist[bin_of(60000)] = 50;
	assert_float_equal(trips_percentile(hist, 0.1), 1024 + 256 * 0.2, 0.01);
	assert_float_equal(trips_percentile(hist, 0.5), 1280, 0.01);
	assert_true(trips_percentile(hist, 0.6) > 50000);
}

static void nothing_says_nothing(void **state)
{
	double hist[SEINE_TRIP_BINS] = { 0 };

	(void)state;
	assert_float_equal(trips_percentile(hist, 0.1), 0, 0);
}

/* Most clients come straight, some through a proxy: these do not move the server's time. */
static void hidden_legs_do_not_count(void **state)
{
	struct seine_trips now[SEINE_TLS_KINDS] = { 0 };
	uint32_t us[SEINE_TLS_KINDS] = { 0 };
	struct trips t = { 0 };

	(void)state;
	count(&now[SEINE_TLS_13], 1500, 400);
	count(&now[SEINE_TLS_13], 62000, 3000);
	trips_add(&t, now, 100);
	assert_true(trips_calibrate(&t, us));
	assert_true(us[SEINE_TLS_13] >= 1280 && us[SEINE_TLS_13] <= 1792);
}

static void few_samples_inherit(void **state)
{
	struct seine_trips now[SEINE_TLS_KINDS] = { 0 };
	uint32_t us[SEINE_TLS_KINDS] = { 0 };
	struct trips t = { 0 };

	(void)state;
	count(&now[SEINE_TLS_13], 1500, TRIPS_SAMPLES - 1);
	count(&now[SEINE_TLS_12], 9000, TRIPS_SAMPLES - 1);
	trips_add(&t, now, 100);
	assert_false(trips_calibrate(&t, us));
	assert_int_equal(us[SEINE_TLS_13], 0);

	count(&now[SEINE_TLS_13], 1500, 1);
	trips_add(&t, now, 110);
	assert_true(trips_calibrate(&t, us));
	assert_in_range(us[SEINE_TLS_13], 1280, 1792);
	assert_int_equal(us[SEINE_TLS_12], us[SEINE_TLS_13]);

	count(&now[SEINE_TLS_12], 9000, 1);
	trips_add(&t, now, 120);
	assert_true(trips_calibrate(&t, us));
	assert_in_range(us[SEINE_TLS_12], 8192, 10240);
	assert_int_equal(us[SEINE_TLS_13_RETRY], us[SEINE_TLS_13]);
}

static void small_moves_are_not_written(void **state)
{
	struct seine_trips now[SEINE_TLS_KINDS] = { 0 };
	uint32_t us[SEINE_TLS_KINDS] = { 0 }, before;
	struct trips t = { 0 };

	(void)state;
	count(&now[SEINE_TLS_13], 1024, 1000);
	trips_add(&t, now, 100);
	assert_true(trips_calibrate(&t, us));
	before = us[SEINE_TLS_13];
	count(&now[SEINE_TLS_13], 1024, 10000);
	trips_add(&t, now, 110);
	assert_false(trips_calibrate(&t, us));
	assert_int_equal(us[SEINE_TLS_13], before);
}

/* A server that became slower: after some hours the old times no longer hold it down. */
static void the_window_forgets(void **state)
{
	struct seine_trips now[SEINE_TLS_KINDS] = { 0 };
	uint32_t us[SEINE_TLS_KINDS] = { 0 };
	struct trips t = { 0 };

	(void)state;
	count(&now[SEINE_TLS_13], 1000, 10000);
	trips_add(&t, now, 100);
	assert_true(trips_calibrate(&t, us));
	assert_in_range(us[SEINE_TLS_13], 500, 1100);
	for (uint32_t hour = 1; hour <= 6; hour++) {
		count(&now[SEINE_TLS_13], 20000, 10000);
		trips_add(&t, now, 100 + hour * TRIPS_HALF_SEC);
	}
	assert_true(trips_calibrate(&t, us));
	assert_in_range(us[SEINE_TLS_13], 16384, 20480);
}

static void counters_may_wrap(void **state)
{
	struct seine_trips now[SEINE_TLS_KINDS] = { 0 };
	uint32_t us[SEINE_TLS_KINDS] = { 0 };
	struct trips t = { 0 };

	(void)state;
	now[SEINE_TLS_13].hist[bin_of(40000)] = UINT32_MAX - 10;
	t.last[SEINE_TLS_13] = now[SEINE_TLS_13];
	count(&now[SEINE_TLS_13], 40000, 300);
	trips_add(&t, now, 100);
	assert_float_equal(t.window[SEINE_TLS_13][bin_of(40000)], 300, 0);
	assert_true(trips_calibrate(&t, us));
}

/* A swarm that is nearly all of the traffic must not calibrate itself away altogether. */
static void server_time_has_a_limit(void **state)
{
	struct seine_trips now[SEINE_TLS_KINDS] = { 0 };
	uint32_t us[SEINE_TLS_KINDS] = { 0 };
	struct trips t = { 0 };

	(void)state;
	count(&now[SEINE_TLS_13], 150000, 100000);
	trips_add(&t, now, 100);
	assert_true(trips_calibrate(&t, us));
	assert_int_equal(us[SEINE_TLS_13], TRIPS_MAX_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentile_lies_in_its_bin),
		cmocka_unit_test(percentile_is_interpolated),
		cmocka_unit_test(nothing_says_nothing),
		cmocka_unit_test(hidden_legs_do_not_count),
		cmocka_unit_test(few_samples_inherit),
		cmocka_unit_test(small_moves_are_not_written),
		cmocka_unit_test(the_window_forgets),
		cmocka_unit_test(counters_may_wrap),
		cmocka_unit_test(server_time_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
