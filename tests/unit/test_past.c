/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What history says of the past: a table of observations that starts anew now and then, and is
 * given its past back, shows what one shows that ran through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/store/history.h"

#define WINDOW 1440 /* slots of 10 s */
#define SLOT 10
#define DAY 144 /* slots */
#define EPOCH (1000000ll * WINDOW)
#define FIRST (1000000u * DAY) /* the slot of EPOCH */
#define SOURCES 12
#define DAYS 75
#define RESTARTS_ONE_IN 97 /* slots; odd, so that all times of the day are met */

static uint64_t random_state;

/* xorshift64 (Marsaglia 2003) */
static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

static void observations_freep(struct observations **o)
{
	observations_free(*o);
	*o = NULL;
}

struct life {
	char dir[64], file[80];
	struct observations *through, *restarted;
	struct history *history;
	struct seine_source rows[SOURCES]; /* the kernel's */
	uint32_t *requests[SOURCES];	   /* since the beginning, before each slot */
	uint32_t slot;			   /* since the beginning; the present one */
	bool late[SOURCES];		   /* not yet met by the one that was restarted */
};

static int begin_life(void **state)
{
	struct life *l = calloc(1, sizeof(*l));

	if (!l)
		return -1;
	strcpy(l->dir, "/tmp/seine-past-XXXXXX");
	if (!mkdtemp(l->dir))
		return -1;
	snprintf(l->file, sizeof(l->file), "%s/history.db", l->dir);
	for (int i = 0; i < SOURCES; i++)
		l->requests[i] = calloc(DAYS * DAY + 1, sizeof(uint32_t));
	random_state = 88172645463325252ull;
	*state = l;
	return 0;
}

static int end_life(void **state)
{
	struct life *l = *state;

	observations_free(l->through);
	observations_free(l->restarted);
	history_close(l->history);
	for (int i = 0; i < SOURCES; i++)
		free(l->requests[i]);
	unlink(l->file);
	rmdir(l->dir);
	free(l);
	return 0;
}

static struct seine_addr address(uint32_t n)
{
	struct seine_addr a = { .ip = { [10] = 0xff, [11] = 0xff } };

	if (n % 2)
		a = (struct seine_addr){ .ip = { 0x20, 1 } };
	a.ip[n % 2 ? 7 : 15] = (uint8_t)n;
	return a;
}

static uint32_t now_of(const struct life *l)
{
	return SLOT * l->slot;
}

/* ---- what the kernel counts ---- */

static struct seine_source row_at(uint32_t first_sec)
{
	return (struct seine_source){
		.first_sec = first_sec,
		.hello_key = 7,
		.syn = { .ttl = 64 },
	};
}

/* Some ask all the time, some by day, some for a few days only, one on the last day. */
static bool is_active(const struct life *l, uint32_t source)
{
	uint32_t day = l->slot / DAY;

	switch (source % 6) {
	case 0: return random_below(3) == 0;
	case 1: return l->slot % DAY > 48 && random_below(4) == 0;
	case 2: return day % 9 == source && random_below(2);
	case 3: return random_below(300) == 0;
	case 4: return day > 20 && day < 26;
	default: return day == DAYS - 1;
	}
}

static void count(struct life *l)
{
	for (uint32_t i = 0; i < SOURCES; i++) {
		struct seine_source *row = &l->rows[i];
		uint32_t n = is_active(l, i) ? 1 + random_below(5) : 0;

		l->requests[i][l->slot + 1] = l->requests[i][l->slot] + n;
		if (!n)
			continue;
		if (l->late[i])
			row->first_sec = now_of(l); /* maybe the second of the start */
		row->last_sec = now_of(l);
		row->last_request_ns = now_of(l) * 1000000000ull;
		row->requests += n;
		row->responses += n;
		row->connections += n;
		row->handshakes += n;
		row->request_log += 150 * n;
		row->response_log += 190 * n + random_below(16);
		if (i % 3) {
			row->gap_none += n;
		} else {
			row->gap_dual += n;
			row->gap_us += 70000 * n;
		}
	}
}

/* ---- two tables ---- */

static void harvest(struct life *l, struct observations *o, struct history *h)
{
	assert_int_equal(observations_pass(o, now_of(l), h ? history_put : NULL, h), 0);
	for (uint32_t i = 0; i < SOURCES; i++) {
		struct seine_addr a = address(i);

		if (!h || !l->late[i])
			assert_true(observations_add(o, &a, &l->rows[i], now_of(l)) >= 0);
	}
}

static void flush(struct life *l)
{
	char why[HISTORY_WHY] = "";
	int64_t left = 1;

	while (left > 0)
		left = history_flush(l->history, 1000, now_of(l), why);
	if (left < 0)
		fail_msg("%s", why);
}

static void open_all(struct life *l)
{
	const struct observation_settings o = { WINDOW, SOURCES, EPOCH };
	const struct history_settings s = { l->file, WINDOW, 1ull << 30, EPOCH };
	char why[HISTORY_WHY] = "";

	if (history_open(&s, why, &l->history) != 0)
		fail_msg("%s", why);
	assert_int_equal(observations_new(&o, &l->restarted), 0);
}

static int recall(const uint8_t source[16], const struct past *past, void *arg)
{
	int r = observations_recall(arg, source, past);

	return r == -ENOENT ? 0 : r;
}

/* At a border, so that no slot is lost in part. Every other time the kernel's rows are gone too,
 * and some sources have one only when they ask again. */
static void restart(struct life *l, bool forget)
{
	observations_freep(&l->restarted);
	history_closep(&l->history);
	open_all(l);
	for (uint32_t i = 0; i < SOURCES; i++) {
		if (forget)
			l->rows[i] = row_at(now_of(l));
		l->late[i] = forget && i % 2;
	}
	harvest(l, l->through, NULL);
	harvest(l, l->restarted, l->history);
	assert_int_equal(history_pasts(l->history, now_of(l), SIZE_MAX, recall, l->restarted), 0);
	observations_settle(l->restarted, now_of(l));
}

static void meet_late_ones(struct life *l)
{
	struct past past;

	for (uint32_t i = 0; i < SOURCES; i++) {
		struct seine_addr a = address(i);

		if (!l->late[i] || !l->rows[i].requests)
			continue;
		l->late[i] = false;
		assert_int_equal(observations_add(l->restarted, &a, &l->rows[i], now_of(l)), 1);
		if (history_past(l->history, a.ip, now_of(l), &past) == 1)
			assert_int_equal(observations_recall(l->restarted, a.ip, &past), 0);
	}
}

/* ---- what they show ---- */

static struct features find(const struct observations *o, uint32_t source, enum window w,
			    uint32_t now_sec)
{
	struct seine_addr a = address(source);
	struct features f = { 0 };

	assert_int_equal(observations_find(o, a.ip, w, now_sec, &f), 0);
	return f;
}

static void same_features(const struct life *l, uint32_t source, enum window w)
{
	struct features a = find(l->through, source, w, now_of(l));
	struct features b = find(l->restarted, source, w, now_of(l));

	if (a.requests != b.requests)
		fail_msg("slot %u, source %u, %s: %u requests, not %u", l->slot, source,
			 window_name(w), b.requests, a.requests);
	assert_int_equal(a.handshakes, b.handshakes);
	assert_int_equal(a.gap_none, b.gap_none);
	assert_int_equal(a.gap_dual, b.gap_dual);
	assert_true(a.gap_ms == b.gap_ms);
	assert_true(a.log_request == b.log_request);
	assert_true(a.log_response == b.log_response);
}

/* Where the older half began, as far as rows can say: within two days to the slot; before that a
 * day belongs to the half that its middle lies in, and a border in its middle is at its start. */
static uint32_t known_border(const struct life *l, enum window w)
{
	uint32_t half = window_slots(w) / 2, now = FIRST + l->slot,
		 border = now - now % half - half;
	uint32_t day = border - border % DAY;

	if (border < FIRST)
		return 0;
	if (day < now - 2 * DAY)
		border = day + DAY / 2 >= border ? day : day + DAY;
	return border - FIRST;
}

static void shows_what_it_can(const struct life *l, uint32_t source, enum window w)
{
	uint32_t wanted = l->requests[source][l->slot] - l->requests[source][known_border(l, w)];

	assert_int_equal(find(l->restarted, source, w, now_of(l)).requests, wanted);
}

/* A day's handshakes are taken to be in its middle, half a day off at most: 2^(0.5/7), 5.1 %. Of
 * those who ask all the time one half of the day makes up for the other. Days beyond the 46 kept are
 * gone, with `rate` handshakes a slot for ever: five at most, and one on average of the steady. */
static void similar_trail(const struct life *l, uint32_t source)
{
	struct trail a = find(l->through, source, WINDOW_DAY, now_of(l)).trail;
	struct trail b = find(l->restarted, source, WINDOW_DAY, now_of(l)).trail;
	const bool steady = source % 6 == 0;
	const float off = steady ? 0.01f : exp2f(0.5f / TRAIL_HALF_LIFE) - 1;
	const float rate = steady ? 1.2f : 5;
	const float gone =
		rate * DAY * TRAIL_HALF_LIFE / (float)M_LN2 * exp2f(-45.0f / TRAIL_HALF_LIFE);

	assert_true(fabsf(a.none - b.none) <= off * a.none + gone + 0.01f);
	assert_true(fabsf(a.dual - b.dual) <= off * a.dual + gone + 0.01f);
	assert_true(a.single == 0 && b.single == 0);
	assert_int_equal(b.sec, now_of(l));
}

static void same_rhythm(const struct life *l, uint32_t source)
{
	const struct rhythm *a = find(l->through, source, WINDOW_DAY, now_of(l)).rhythm;
	const struct rhythm *b = find(l->restarted, source, WINDOW_DAY, now_of(l)).rhythm;

	for (uint32_t ago = 0; ago < DAY && ago <= l->slot; ago++)
		if (rhythm_asked(a, FIRST + l->slot - ago) !=
		    rhythm_asked(b, FIRST + l->slot - ago))
			fail_msg("slot %u, source %u: %u ago", l->slot, source, ago);
}

static void similar_age(const struct life *l, uint32_t source)
{
	uint32_t a = find(l->through, source, WINDOW_DAY, now_of(l)).age_sec;
	uint32_t b = find(l->restarted, source, WINDOW_DAY, now_of(l)).age_sec;

	/* From the day it first asked; never younger than its row, nor than what is kept. */
	if (l->requests[source][l->slot] && a < 46 * WINDOW)
		assert_in_range(b, l->rows[source].first_sec ? 0 : a, a + WINDOW);
}

static void check_restarted(const struct life *l)
{
	for (uint32_t i = 0; i < SOURCES; i++) {
		if (l->late[i])
			continue;
		for (int w = 0; w < WINDOWS; w++)
			shows_what_it_can(l, i, w);
		similar_trail(l, i);
		same_rhythm(l, i);
		similar_age(l, i);
	}
}

static void restarts_change_nothing(void **state)
{
	struct life *l = *state;
	const struct observation_settings o = { WINDOW, SOURCES, EPOCH };
	uint32_t restarts = 0;

	assert_int_equal(observations_new(&o, &l->through), 0);
	open_all(l);
	for (uint32_t i = 0; i < SOURCES; i++)
		l->rows[i] = row_at(0);
	for (l->slot = 0; l->slot < DAYS * DAY; l->slot++) {
		if (l->slot % RESTARTS_ONE_IN == RESTARTS_ONE_IN - 1) {
			/* Tell of the slot that ended, and be gone. */
			assert_int_equal(observations_pass(l->restarted, now_of(l), history_put,
							   l->history),
					 0);
			restart(l, restarts++ % 2);
			check_restarted(l);
		}
		count(l);
		harvest(l, l->through, NULL);
		harvest(l, l->restarted, l->history);
		meet_late_ones(l);
		for (uint32_t i = 0; i < SOURCES; i++)
			for (int w = 0; w <= WINDOW_DAY && !l->late[i]; w++)
				same_features(l, i, w);
		observations_settle(l->through, now_of(l));
		observations_settle(l->restarted, now_of(l));
		flush(l);
	}
	assert_true(restarts > 100);
}

/* ---- spans nobody saw the end of ---- */

static void put(struct life *l, enum span span, uint32_t slot, uint32_t source, uint32_t requests)
{
	struct deed d = { .sums = { .requests = requests, .handshakes = 1 } };
	struct seine_addr a = address(source);

	memcpy(d.source, a.ip, sizeof(d.source));
	assert_int_equal(history_put(span, FIRST + slot, &d, l->history), 0);
}

static int count_day(int64_t start_unix, const struct deed *deed, void *arg)
{
	assert_int_equal(start_unix, EPOCH);
	*(uint32_t *)arg += deed->sums.requests;
	return 0;
}

static int count_past(const uint8_t source[16], const struct past *past, void *arg)
{
	uint32_t *sums = arg;

	sums[source[0] ? source[7] : source[15]] = past->sums[WINDOW_WEEK][0].requests;
	return 0;
}

/* The agent ends in the third slot of the day's last hour, and starts days later. */
static void a_day_without_an_end_is_kept(void **state)
{
	struct life *l = *state;
	uint32_t sums[SOURCES] = { 0 }, day = 0;
	struct seine_addr a = address(1);

	open_all(l);
	put(l, SPAN_HOUR, 0, 1, 100);
	put(l, SPAN_HOUR, 132, 2, 10);
	for (uint32_t slot = 138; slot < 141; slot++)
		put(l, SPAN_SLOT, slot, 1, 1);
	put(l, SPAN_SLOT, 138, 3, 5);
	history_closep(&l->history);
	observations_freep(&l->restarted);

	open_all(l);
	l->slot = 3 * DAY + 1; /* the hours are gone by their time, had they not been folded */
	assert_int_equal(history_pasts(l->history, now_of(l), SIZE_MAX, count_past, sums), 0);
	assert_int_equal(sums[1], 103);
	assert_int_equal(sums[2], 10);
	assert_int_equal(sums[3], 5);
	for (int i = 0; i < 3; i++)
		flush(l);
	assert_int_equal(history_days(l->history, a.ip, count_day, &day), 0);
	assert_int_equal(day, 103);
}

/* It starts again within the hour. Source 1 comes back and is told of as a whole; 2 never does. */
static void sources_that_do_not_come_back_are_kept(void **state)
{
	struct life *l = *state;
	uint32_t sums[SOURCES] = { 0 };

	open_all(l);
	put(l, SPAN_SLOT, 0, 1, 7);
	put(l, SPAN_SLOT, 1, 2, 5);
	history_closep(&l->history);
	observations_freep(&l->restarted);

	open_all(l);
	l->slot = 3;
	flush(l);
	l->slot = 6;
	put(l, SPAN_HOUR, 0, 1, 20);
	flush(l);
	l->slot = 8; /* a while after the end of the hour, and then of the day */
	flush(l);
	l->slot = DAY;
	put(l, SPAN_DAY, 0, 1, 30);
	flush(l);
	l->slot = DAY + 2;
	flush(l);
	l->slot = 4 * DAY;
	for (int i = 0; i < 3; i++)
		flush(l);
	assert_int_equal(history_pasts(l->history, now_of(l), SIZE_MAX, count_past, sums), 0);
	assert_int_equal(sums[1], 30);
	assert_int_equal(sums[2], 5);
}

/* Stopped and started in the middle of a slot and of an hour: each request is counted once. */
static void a_stop_within_a_slot_loses_nothing(void **state)
{
	const struct seine_addr a = address(2);
	struct life *l = *state;
	uint32_t day = 0;

	open_all(l);
	l->rows[2] = row_at(0);
	for (uint32_t sec = 0; sec <= WINDOW; sec += SLOT / 2) {
		l->slot = sec / SLOT;
		assert_int_equal(observations_pass(l->restarted, sec, history_put, l->history), 0);
		if (sec < WINDOW)
			l->rows[2].requests++;
		l->rows[2].last_sec = sec;
		assert_true(observations_add(l->restarted, &a, &l->rows[2], sec) >= 0);
		flush(l);
		if (sec % 35)
			continue;
		assert_int_equal(observations_tell_present(l->restarted, history_put, l->history),
				 0);
		observations_freep(&l->restarted);
		history_closep(&l->history);
		open_all(l);
		assert_int_equal(observations_pass(l->restarted, sec, history_put, l->history), 0);
		assert_int_equal(observations_add(l->restarted, &a, &l->rows[2], sec), 1);
		assert_int_equal(history_pasts(l->history, sec, SIZE_MAX, recall, l->restarted), 0);
		assert_int_equal(find(l->restarted, 2, WINDOW_SEASON, sec).requests,
				 l->rows[2].requests);
	}
	flush(l);
	assert_int_equal(history_days(l->history, a.ip, count_day, &day), 0);
	assert_int_equal(day, l->rows[2].requests);
}

/* ---- in parts ---- */

static int count_visit(const uint8_t source[16], const struct past *past, void *arg)
{
	int *visits = arg;

	for (uint32_t i = 0; i < SOURCES; i++) {
		struct seine_addr a = address(i);

		if (memcmp(a.ip, source, sizeof(a.ip)) != 0)
			continue;
		visits[i]++;
		assert_int_equal(past->sums[WINDOW_SEASON][0].requests, 3);
	}
	return 0;
}

/* Each source once, and no call reads much more than it may. Another life left its slots. */
static void parts_are_the_whole(void **state)
{
	int visits[SOURCES] = { 0 }, calls = 1, r;
	struct life *l = *state;

	open_all(l);
	for (uint32_t i = 0; i < SOURCES; i++)
		for (uint32_t slot = 0; slot < 3; slot++)
			put(l, SPAN_SLOT, slot, i, 1);
	history_closep(&l->history);
	observations_freep(&l->restarted);
	open_all(l);
	l->slot = DAY + 1;
	while ((r = history_pasts(l->history, now_of(l), 8, count_visit, visits)) == 1 &&
	       calls < 100)
		calls++;
	assert_int_equal(r, 0);
	for (uint32_t i = 0; i < SOURCES; i++)
		assert_int_equal(visits[i], 1);
	assert_in_range(calls, SOURCES / 8, 3 * SOURCES);
}

/* ---- errors of who asks ---- */

static int refuse(const uint8_t source[16], const struct past *past, void *arg)
{
	(void)source;
	(void)past;
	++*(int *)arg;
	return -ENOMEM;
}

static void an_error_of_the_visitor_ends_it(void **state)
{
	struct life *l = *state;
	int visits = 0;

	open_all(l);
	for (uint32_t i = 0; i < SOURCES; i++)
		put(l, SPAN_SLOT, 0, i, 1);
	l->slot = 1;
	flush(l);
	assert_int_equal(history_pasts(l->history, now_of(l), SIZE_MAX, refuse, &visits), -ENOMEM);
	assert_int_equal(visits, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin_life, end_life)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(restarts_change_nothing),
		TEST(a_day_without_an_end_is_kept),
		TEST(sources_that_do_not_come_back_are_kept),
		TEST(a_stop_within_a_slot_loses_nothing),
		TEST(parts_are_the_whole),
		TEST(an_error_of_the_visitor_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
