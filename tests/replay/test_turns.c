// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a replay knows of the times between its rounds: as much as the agent, which reads all rows
 * every interval.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/sim/segment.h"
#include "tests/sim/software.h"
#include "tests/sim/wire.h"
#include "user/base/cleanup.h"
#include "user/replay/ports.h"
#include "user/replay/replay.h"

#define BEGIN_NS 1763683200000000000ull
#define NS_PER_SEC 1000000000ull
#define REQUESTS 12
#define APART_SEC 700 /* a slot has 600 */

/* One source, a connection and a request every 700 seconds. */
static FILE *make_capture(void)
{
	struct wire_connection c = {
		.source = { [10] = 0xff, 0xff, 198, 51, 100, 7 },
		.sport = 40000,
		.stack = STACK_LINUX,
		.software = SOFTWARE_GO,
		.rtt_us = 20000,
		.n = 1,
		.request = { { .bytes = 3000, .wait_ms = 50, .response_bytes = 9000 } },
	};
	struct wire *w = NULL;
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(wire_new(f, 1, &w), 0);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		c.start_ns = BEGIN_NS + i * APART_SEC * NS_PER_SEC;
		c.sport++;
		assert_int_equal(wire_connect(w, &c), 0);
	}
	assert_int_equal(wire_until(w, UINT64_MAX), 0);
	wire_free(w);
	rewind(f);
	return f;
}

static void test_each_request_is_seen_at_its_time(void **state)
{
	_cleanup_(capture_closep) struct capture *c = NULL;
	_cleanup_(replay_closep) struct replay *r = NULL;
	_cleanup_(freep) struct features *f = NULL;
	struct replay_settings s = { 0 };
	char why[REPLAY_WHY] = "";
	uint32_t first;
	size_t n = 0;

	(void)state;
	conf_default(&s.conf);
	assert_int_equal(ports_parse("443", why, sizeof(why), &s.conf.ports), 0);
	assert_int_equal(capture_open_stream(make_capture(), "made", why, &c), 0);
	if (replay_open(&s, why, &r) < 0)
		fail_msg("%s", why);
	assert_int_equal(replay_run(r, c, why), 0);

	assert_int_equal(observations_features(r->mind->observations, WINDOW_DAY,
					       (uint32_t)(r->now_ns / NS_PER_SEC), &f, &n),
			 0);
	assert_int_equal(n, 1);
	assert_int_equal(f[0].requests, REQUESTS);
	assert_int_equal(f[0].rhythm->n, REQUESTS);
	first = rhythm_time(f[0].rhythm, 0);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		uint32_t sec = rhythm_time(f[0].rhythm, i);

		assert_in_range(sec, first + i * APART_SEC - 1, first + i * APART_SEC + 1);
		assert_true(rhythm_asked(f[0].rhythm, slot_at(sec, s.conf.window_sec)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_request_is_seen_at_its_time),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
