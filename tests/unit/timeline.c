/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Simulated processes of requests.
 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "tests/unit/timeline.h"
#include "user/base/cleanup.h"

#define SLOT_SEC 600
#define STICKY_GAP_SEC 120

void timeline_clear(struct timeline *t)
{
	tempo_free(t->tempo);
	cohorts_free(t->cohorts);
	population_free(t->p);
	free(t->f);
	free(t->rhythms);
}

/* At 10.x.y.z with four handshakes, all dual or all clean. */
static struct features source(uint32_t address, bool cohort)
{
	return (struct features){
		.source = { [10] = 0xff,
			    [11] = 0xff,
			    10,
			    (uint8_t)(address >> 16),
			    (uint8_t)(address >> 8),
			    (uint8_t)address },
		.hello_key = cohort ? 7 : 8,
		.requests = 4,
		.handshakes = 4,
		.gap_dual = cohort ? 4 : 0,
		.gap_none = cohort ? 0 : 4,
		.trail = { .dual = cohort ? 4 : 0, .none = cohort ? 0 : 4 },
		.log_request = 8,
		.log_response = 9,
		.stacks = 1,
	};
}

size_t timeline_add(struct timeline *t, size_t n, bool cohort)
{
	size_t first = t->n;

	if (t->n + n > t->room) {
		t->room = t->n + n;
		t->f = reallocarray(t->f, t->room, sizeof(*t->f));
		t->rhythms = reallocarray(t->rhythms, t->room, sizeof(*t->rhythms));
		assert_true(t->f && t->rhythms);
	}
	for (; t->n < first + n; t->n++) {
		t->f[t->n] = source((uint32_t)t->n, cohort);
		t->rhythms[t->n] = (struct rhythm){ 0 };
	}
	return first;
}

void timeline_note(struct timeline *t, size_t at, double sec)
{
	rhythm_note(&t->rhythms[at], (uint32_t)sec, (uint32_t)sec / SLOT_SEC);
}

struct cohort *timeline_judge(struct timeline *t)
{
	const struct shoal_question q = {
		.f = t->f,
		.n = t->n,
		.window = WINDOW_DAY,
		.now_sec = TIMELINE_END,
		.slot = TIMELINE_END / SLOT_SEC,
	};

	for (size_t i = 0; i < t->n; i++)
		if (t->rhythms[i].n)
			t->f[i].rhythm = &t->rhythms[i];
	assert_int_equal(population_new(&q, &shoal_defaults, &t->p), 0);
	assert_int_equal(cohorts_new(t->p, 10, &t->cohorts), 0);
	assert_int_equal(tempo_new(t->p, &t->tempo), 0);
	assert_int_equal(t->cohorts->n, 1);
	return &t->cohorts->list[0];
}

double timeline_uniform(struct timeline *t)
{
	return ((double)(seine_mix64(t->random += 0x9e3779b97f4a7c15ull) >> 12) + 0.5) /
	       (double)(1ull << 52);
}

double timeline_exponential(struct timeline *t, double mean)
{
	return -mean * log(timeline_uniform(t));
}

double timeline_normal(struct timeline *t)
{
	double radius = sqrt(-2 * log(timeline_uniform(t)));

	return radius * cos(2 * M_PI * timeline_uniform(t));
}

static double hour_of(double sec)
{
	return fmod(sec, DAY_SEC) / 3600;
}

double profile_office(double sec)
{
	double hour = hour_of(sec);

	return fmax(fmin(fmin(hour - 8.5, 18 - hour), 1), 0);
}

double profile_sharp(double sec)
{
	double hour = hour_of(sec);

	return hour >= 9.5 && hour < 17.5 && !(hour >= 12.5 && hour < 13.5);
}

double profile_day(double sec)
{
	return 0.5 + 0.45 * sin(2 * M_PI * sec / DAY_SEC);
}

double profile_minutes40(double sec)
{
	double hour = hour_of(sec);

	return hour >= 3 + 2.0 / 3 && hour < 4 + 1.0 / 3;
}

static bool is_awake(struct timeline *t, timeline_profile awake, double sec)
{
	return !awake || timeline_uniform(t) < awake(sec);
}

void timeline_user(struct timeline *t, size_t at, double per_day, double days,
		   timeline_profile awake)
{
	double sec = TIMELINE_END - days * DAY_SEC, mean = DAY_SEC / per_day;

	while ((sec += timeline_exponential(t, mean)) < TIMELINE_END)
		if (is_awake(t, awake, sec))
			timeline_note(t, at, sec);
}

void timeline_bursts(struct timeline *t, size_t at, double per_day, double days, double size,
		     double gap_sec)
{
	double sec = TIMELINE_END - days * DAY_SEC, mean = size * DAY_SEC / per_day;

	while ((sec += timeline_exponential(t, mean)) < TIMELINE_END) {
		do {
			timeline_note(t, at, sec);
			sec += timeline_exponential(t, gap_sec);
		} while (sec < TIMELINE_END && timeline_uniform(t) < 1 - 1 / size);
	}
}

void timeline_monitor(struct timeline *t, size_t at, double period_sec, double days,
		      double jitter_sec)
{
	double sec = TIMELINE_END - days * DAY_SEC + period_sec * timeline_uniform(t);

	for (; sec + jitter_sec < TIMELINE_END; sec += period_sec)
		timeline_note(t, at, sec + jitter_sec * timeline_uniform(t));
}

static size_t choose(struct timeline *t, const struct pool *pool, const double *used, double sec)
{
	double wait, longest = -INFINITY;
	size_t best = 0;

	if (pool->random)
		return (size_t)(timeline_uniform(t) * (double)pool->n);
	for (size_t i = 0; i < pool->n; i++) {
		wait = sec - used[i];
		if (pool->noise > 0)
			wait *= 1 + pool->noise * (2 * timeline_uniform(t) - 1);
		if (wait > longest) {
			longest = wait;
			best = i;
		}
	}
	return best;
}

/* One session, from its first request on. Returns the time of its last. */
static double serve(struct timeline *t, const struct pool *pool, size_t at, double sec)
{
	double last;

	do {
		timeline_note(t, at, sec);
		last = sec;
		sec += timeline_exponential(t, STICKY_GAP_SEC);
	} while (sec < TIMELINE_END && timeline_uniform(t) < pool->sticky);
	return last;
}

void timeline_pool(struct timeline *t, const struct pool *pool)
{
	_cleanup_(freep) double *used = calloc(pool->n, sizeof(*used));
	double mean = DAY_SEC / (pool->per_day * (double)pool->n * (1 - pool->sticky));
	double sec = TIMELINE_END - pool->days * DAY_SEC;
	size_t at;

	assert_non_null(used);
	for (size_t i = 0; i < pool->n; i++)
		used[i] = sec - timeline_uniform(t);
	while ((sec += timeline_exponential(t, mean)) < TIMELINE_END) {
		if (!is_awake(t, pool->awake, sec))
			continue;
		at = choose(t, pool, used, sec);
		used[at] = serve(t, pool, pool->first + at, fmax(sec, used[at]));
	}
}
