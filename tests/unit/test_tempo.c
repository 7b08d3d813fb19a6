/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the families of time see of a source: its slots by hours, its sessions, and whether its
 * waits are regular.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/unit/timeline.h"
#include "user/base/cleanup.h"
#include "user/shoal/regularity.h"

/* The present slot is the third of its hour, so three are still to come. */
#define TO_COME 3
_Static_assert(TIMELINE_END / 600 % SPAN_HOUR_SLOTS == SPAN_HOUR_SLOTS - 1 - TO_COME,
	       "the present slot");

static void test_hours(void **state)
{
	_cleanup_(timeline_clear) struct timeline t = { .random = 1 };
	uint64_t active[RHYTHM_WORDS];

	(void)state;
	timeline_add(&t, 10, true);
	for (size_t i = 0; i < 9; i++)
		timeline_note(&t, i, TIMELINE_END - 600.0 * (double)i);
	timeline_judge(&t);

	assert_true(tempo_active(t.tempo, 0, active));
	assert_int_equal(active[0], 1u << TO_COME);
	assert_int_equal(tempo_hour(active, 0), 1u << TO_COME);
	assert_true(tempo_active(t.tempo, 4, active)); /* in the hour before */
	assert_int_equal(tempo_hour(active, 0), 0);
	assert_int_equal(tempo_hour(active, 1), 1u << (4 + TO_COME - SPAN_HOUR_SLOTS));
	assert_false(tempo_active(t.tempo, 9, active));
	for (unsigned int i = 0; i < RHYTHM_SLOTS; i++)
		assert_int_equal(t.tempo->asked[i], i >= TO_COME && i < TO_COME + 9);
}

/* Each slot is in one hour, also where hours straddle words. */
static void test_every_slot(void **state)
{
	uint32_t asked[RHYTHM_SLOTS] = { 0 };
	uint64_t active[RHYTHM_WORDS];

	(void)state;
	for (unsigned int i = 0; i < RHYTHM_SLOTS; i++) {
		for (unsigned int word = 0; word < RHYTHM_WORDS; word++)
			active[word] = i / 64 == word ? 1ull << i % 64 : 0;
		for (unsigned int hour = 0; hour < TEMPO_HOURS; hour++)
			assert_int_equal(tempo_hour(active, hour),
					 hour == i / SPAN_HOUR_SLOTS ? 1u << i % SPAN_HOUR_SLOTS
								     : 0);
		tempo_count(active, asked);
		assert_int_equal(asked[i], 1);
	}
}

static void test_active(void **state)
{
	struct rhythm r = { 0 };
	uint64_t active[RHYTHM_WORDS];

	(void)state;
	rhythm_note(&r, 1, 1000);
	rhythm_note(&r, 2, 1002);
	rhythm_active(&r, 1002, active);
	assert_int_equal(active[0], 5);
	rhythm_active(&r, 1066, active);
	assert_true(active[0] == 0 && active[1] == 5);
	rhythm_active(&r, 1002 + RHYTHM_SLOTS - 1, active);
	assert_true(!active[0] && !active[1] && active[2] == 1ull << 63);
	rhythm_active(&r, 1002 + RHYTHM_SLOTS, active);
	assert_true(!active[0] && !active[1] && !active[2]);
	rhythm_active(&r, 1001, active); /* from before its last request: not known */
	assert_true(!active[0] && !active[1] && !active[2]);
}

static void test_sessions(void **state)
{
	static const uint32_t times[] = { 100, 160, 220, 281, 1000, 1000 };
	struct session s[RHYTHM_TIMES];
	struct rhythm r = { 0 };

	(void)state;
	assert_int_equal(sessions_collect(&r, 60, s), 0);
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		rhythm_note(&r, times[i], 1);
	assert_int_equal(sessions_collect(&r, 60, s), 3);
	assert_true(s[0].begin == 100 && s[0].end == 220);
	assert_true(s[1].begin == 281 && s[1].end == 281);
	assert_true(s[2].begin == 1000 && s[2].end == 1000);
	assert_int_equal(sessions_collect(&r, 61, s), 2);
	assert_int_equal(sessions_collect(&r, 720, s), 1);
}

/* Waits of `wait_sec`, of which every other is `longer_sec` longer. */
static struct regularity regular(unsigned int requests, uint32_t wait_sec, uint32_t longer_sec)
{
	struct regularity ret = { 0 };
	struct rhythm r = { 0 };
	uint32_t sec = 1000;

	for (unsigned int i = 0; i < requests; i++) {
		rhythm_note(&r, sec, sec / 600);
		sec += wait_sec + i % 2 * longer_sec;
	}
	regularity_count(&r, 0, &ret);
	return ret;
}

static void test_regularity(void **state)
{
	struct regularity few = regular(REGULARITY_GAPS, 500, 0);
	struct regularity even = regular(REGULARITY_GAPS + 1, 500, 0);
	/* Of waits of 100 and 200 s beyond tau the coefficient is 0.36, of 100 and 400 s 0.64. */
	struct regularity uneven = regular(16, 160, 100), wild = regular(16, 160, 300);
	struct regularity nights = regular(16, 86400, 0);

	(void)state;
	assert_true(!few.measured && !few.regular);
	assert_true(even.measured == 1 && even.regular == 1);
	assert_true(uneven.measured == 1 && uneven.regular == 1);
	assert_true(wild.measured == 1 && !wild.regular);
	assert_true(!nights.measured && !nights.regular);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hours),	   cmocka_unit_test(test_every_slot),
		cmocka_unit_test(test_active),	   cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_regularity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
