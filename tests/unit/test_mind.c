/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The middle of the line: when rounds are due, and a swarm that comes in as rows and goes out as
 * desired entries.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/mind.h"

#define DAY 86400u
#define BEGIN (20 * DAY)
#define STEP 600u
#define CROWD 3000
#define SWARM 200

struct stage {
	struct mind *mind;
	uint64_t random;
	struct seine_source rows[CROWD + SWARM];
};

static double uniform(struct stage *s)
{
	s->random += 0x9e3779b97f4a7c15ull;
	return ((double)(seine_mix64(s->random) >> 11) + 0.5) * 0x1p-53;
}

static double normal(struct stage *s)
{
	return sqrt(-2 * log(uniform(s))) * cos(2 * M_PI * uniform(s));
}

static void stage_clear(struct stage *s)
{
	mind_free(s->mind);
}

static void open_stage(struct stage *s)
{
	static struct judge_settings judge;
	static const struct mind_settings settings = {
		.observation = { .window_sec = DAY, .max = CROWD + SWARM },
		.shoal = &shoal_defaults,
		.judge = &judge,
	};

	judge = judge_at_once(&judge_defaults);
	assert_int_equal(mind_new(&settings, &s->mind), 0);
}

static struct seine_addr address(uint32_t i)
{
	uint32_t ip = (uint32_t)seine_mix64(i + 1);
	struct seine_addr a = { .ip = { [10] = 0xff, [11] = 0xff, 20 } };

	memcpy(&a.ip[13], &ip, 3);
	return a;
}

/* One more request of a source, with a connection of its own. */
static void ask(struct seine_source *row, bool split, double request_log2, double response_log2,
		uint32_t now_sec)
{
	row->requests++;
	row->responses++;
	row->connections++;
	row->handshakes++;
	*(split ? &row->gap_dual : &row->gap_none) += 1;
	row->gap_us += split ? 70000 : 0;
	row->request_log += (uint64_t)(16 * request_log2);
	row->response_log += (uint64_t)(16 * response_log2);
	row->request_bytes += (uint64_t)exp2(request_log2);
	row->response_bytes += (uint64_t)exp2(response_log2);
	row->last_sec = now_sec;
	row->last_request_ns = now_sec * 1000000000ull;
}

/* People ask at rates that differ by orders of magnitude, the swarm every hour. */
static void live(struct stage *s, bool swarm, uint32_t now_sec)
{
	for (uint32_t i = 0; i < CROWD + (swarm ? SWARM : 0); i++) {
		struct seine_source *row = &s->rows[i];
		bool is_swarm = i >= CROWD;
		double chance = is_swarm ? (now_sec / STEP % 6 == i % 6)
					 : exp(2 * (double)(seine_mix64(i) % 1000) / 500 - 5);
		double size = (double)(seine_mix64(i * 7) % 1000) / 200;

		if (uniform(s) >= chance)
			continue;
		if (!row->first_sec) {
			row->first_sec = now_sec;
			row->hello_key = is_swarm ? 99 : 1 + i % 40;
			row->stacks = 1;
			row->syn.ttl = 64;
		}
		ask(row, is_swarm, (is_swarm ? 11 : 9 + size) + 0.1 * normal(s),
		    (is_swarm ? 13 : 11 + size) + 0.1 * normal(s), now_sec);
	}
}

/* Hands in what changed and thinks. Returns how many rounds there were. */
static uint32_t turn(struct stage *s, uint32_t now_sec)
{
	struct campaigns *before = NULL;
	uint32_t rounds = s->mind->n_rounds;

	assert_int_equal(mind_begin(s->mind, now_sec), 0);
	for (uint32_t i = 0; i < CROWD + SWARM; i++) {
		struct seine_addr a = address(i);

		if (s->rows[i].last_sec == now_sec)
			assert_int_equal(mind_source(s->mind, &a, &s->rows[i], now_sec), 0);
	}
	assert_int_equal(mind_observe(s->mind, now_sec), 0);
	assert_int_equal(mind_correlate(s->mind, now_sec, &before), 0);
	campaigns_free(before);
	assert_int_equal(mind_judge_alone(s->mind, now_sec), 0);
	return s->mind->n_rounds - rounds;
}

/* Whoever keeps what the mind remembers is told when there is something to keep. */
static void check_what_changed(struct stage *s, uint32_t now_sec)
{
	_cleanup_(claims_freep) struct claims *claims = NULL;
	const struct guards guards = { 0 };
	struct entry over = {
		.prefix = { .ip = { 0x20, 0x01 }, .len = 64 },
		.row = { .action = SEINE_DROP, .origin = SEINE_AUTO, .expires_sec = now_sec },
	};

	assert_true(s->mind->ladder_changed);
	s->mind->ladder_changed = false;
	s->mind->reentries_changed = 0;
	assert_int_equal(claims_from(s->mind->judgement->automatic, &claims), 0);
	assert_int_equal(mind_judge(s->mind, claims, &guards, true, now_sec), 0);
	assert_false(s->mind->ladder_changed);
	assert_int_equal(claims_put(claims, &over), 0);
	assert_int_equal(mind_judge(s->mind, claims, &guards, false, now_sec), 0);
	assert_true(s->mind->ladder_changed);
	assert_int_equal(s->mind->reentries_changed, 1);
	assert_non_null(reentries_find(&s->mind->reentries, &over.prefix));
}

static void test_swarm_to_entries(void **state)
{
	_cleanup_(stage_clear) struct stage s = { .random = 5 };
	const struct campaign *c;
	const struct entries *e;

	(void)state;
	open_stage(&s);
	for (uint32_t now = BEGIN; now < BEGIN + DAY; now += STEP) {
		live(&s, true, now);
		turn(&s, now);
	}
	assert_int_equal(campaigns_living(s.mind->campaigns), 1);
	c = &s.mind->campaigns->list[0];
	assert_int_equal(c->hello_key, 99);
	assert_in_range(c->n_members, SWARM * 95 / 100, SWARM);
	assert_true(c->seen_sec[WINDOW_DAY] && c->seen_sec[WINDOW_WEEK]);
	e = s.mind->judgement->automatic;
	assert_in_range(e->n, SWARM * 95 / 100, SWARM);
	for (size_t i = 0; i < e->n; i++) {
		assert_int_equal(e->list[i].row.campaign, c->id);
		assert_int_equal(e->list[i].row.action, SEINE_DROP);
	}
	assert_int_equal(ladder_find(&s.mind->ladder, c->id)->rung, RUNG_ENFORCE);
	check_what_changed(&s, BEGIN + DAY);
}

static void test_crowd_alone(void **state)
{
	_cleanup_(stage_clear) struct stage s = { .random = 6 };

	(void)state;
	open_stage(&s);
	for (uint32_t now = BEGIN; now < BEGIN + DAY; now += STEP) {
		live(&s, false, now);
		turn(&s, now);
		assert_int_equal(s.mind->campaigns->n, 0);
		assert_int_equal(s.mind->judgement->automatic->n, 0);
	}
}

/* Nothing new: one a slot. Little new: one when a tenth of a slot has passed. Much: at once. */
static void test_rounds_are_due(void **state)
{
	_cleanup_(stage_clear) struct stage s = { .random = 7 };
	uint32_t now = BEGIN;

	(void)state;
	open_stage(&s);
	live(&s, true, now);
	assert_int_equal(turn(&s, now), WINDOWS);
	assert_int_equal(turn(&s, now + 30), 0);
	assert_int_equal(turn(&s, now + 599), 0);
	assert_int_equal(turn(&s, now + 600), 2);

	now += 605;
	live(&s, true, now);
	assert_int_equal(turn(&s, now), 2); /* hour and day */
	s.rows[CROWD - 1].first_sec = now;
	ask(&s.rows[CROWD - 1], false, 10, 10, now + 10);
	assert_int_equal(turn(&s, now + 10), 0);
	assert_int_equal(turn(&s, now + 59), 0);
	assert_int_equal(turn(&s, now + 60), 2);

	now = BEGIN + 4260; /* 70 minutes are a 144th of a week */
	live(&s, true, now);
	assert_int_equal(turn(&s, now), 3);
}

/* Rows of so many sources, more than a turn reads. */
#define MANY 200000

static struct history *long_history(int64_t epoch_sec)
{
	const struct history_settings settings = { ":memory:", DAY, 1ull << 30, epoch_sec };
	struct deed deed = { .sums.requests = 1, .source = { [10] = 0xff, [11] = 0xff } };
	uint32_t hour = slot_at(epoch_sec + BEGIN, DAY) / SPAN_HOUR_SLOTS * SPAN_HOUR_SLOTS;
	struct history *h = NULL;
	char why[HISTORY_WHY];

	assert_int_equal(history_open(&settings, why, &h), 0);
	for (uint32_t ago = 4; ago > 0; ago--) {
		for (uint32_t i = 0; i < MANY; i++) {
			memcpy(deed.source + 12, &i, sizeof(i));
			assert_int_equal(
				history_put(SPAN_HOUR, hour - ago * SPAN_HOUR_SLOTS, &deed, h), 0);
		}
	}
	while (history_flush(h, MANY, BEGIN, why) > 0)
		;
	return h;
}

/* The first harvest waits, turn by turn, and then knows the past of its sources, each once. */
static void test_long_past(void **state)
{
	_cleanup_(history_closep) struct history *h = long_history(1700000000);
	const struct seine_source row = { .first_sec = BEGIN, .last_sec = BEGIN, .requests = 1 };
	struct mind_settings settings = {
		.observation = { DAY, MANY, 1700000000 },
		.shoal = &shoal_defaults,
		.judge = &judge_defaults,
		.history = h,
	};
	_cleanup_(mind_freep) struct mind *m = NULL;
	struct seine_addr a = { .ip = { [10] = 0xff, [11] = 0xff } };
	struct features f = { 0 };
	uint32_t now = BEGIN;

	(void)state;
	assert_int_equal(mind_new(&settings, &m), 0);
	assert_int_equal(mind_begin(m, now), 0);
	for (uint32_t i = 0; i < MANY; i += 1000) {
		memcpy(a.ip + 12, &i, sizeof(i));
		assert_int_equal(mind_source(m, &a, &row, now), 0);
	}
	assert_int_equal(mind_observe(m, now), 0);
	assert_true(mind_recalls(m));
	while (mind_recalls(m))
		assert_int_equal(mind_observe(m, ++now), 0);
	assert_in_range(now - BEGIN, 1, 9);
	assert_int_equal(m->n_recalled, MANY / 1000);
	assert_int_equal(observations_find(m->observations, a.ip, WINDOW_DAY, now, &f), 0);
	assert_int_equal(f.requests, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_swarm_to_entries),
		cmocka_unit_test(test_crowd_alone),
		cmocka_unit_test(test_rounds_are_due),
		cmocka_unit_test(test_long_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
