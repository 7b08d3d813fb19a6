// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One row: a world is made, lives for a day unwatched, then its campaign starts at some moment of
 * the next day.
 *
 * Live the correlator looks all the time; here only as often as the answer needs it: each ten
 * minutes while a campaign is young and not found yet, since then the time until it is found is
 * measured, and ever more rarely after that. A full run looks more often than a short one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/sim/rows.h"

#define HOUR 3600u
#define YOUNG (6 * HOUR)
/* Room for people who move and for exits that are used once: as much again, and more. The table is
 * made as large as it may become. */
#define SOURCES_MAX(people) (2 * (people) + 250000)
#define CYCLES_PER_STEP (WORLD_STEP / WORLD_HARVEST)
#define HELD_ROUNDS 40 /* of judging at one moment: the budget lets 5,000 entries in at a time */

void outcome_clear(struct outcome *o)
{
	measure_free(o->measure);
	world_free(o->world);
	mind_free(o->mind);
	archive_free(o->archive);
	clients_free(o->clients);
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Of /proc/self/status, in MiB; 0: not told. */
static uint32_t memory_mib(const char *field)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			kib = strtoul(line + strlen(field) + 1, NULL, 10);
	if (f)
		fclose(f);
	return (uint32_t)(kib / 1024);
}

/* ---- the line ---- */

static int correlate(struct outcome *o, uint32_t now_sec)
{
	struct timing *t = &o->timing;

	/* With many sources a turn looks at one window; live the next turn comes ten seconds later.
	 */
	for (int i = 0; i < WINDOWS; i++) {
		uint32_t rounds = o->mind->n_rounds;
		struct campaigns *before = NULL;
		double began = cpu_ms(), took;
		int r = mind_correlate(o->mind, now_sec, &before);

		campaigns_free(before);
		if (r < 0)
			return r;
		if (o->mind->n_rounds == rounds)
			break;
		took = (cpu_ms() - began) / (o->mind->n_rounds - rounds);
		t->round_ms += took * (o->mind->n_rounds - rounds);
		t->rounds += o->mind->n_rounds - rounds;
		t->round_max_ms = took > t->round_max_ms ? took : t->round_max_ms;
	}
	return 0;
}

static int judge(struct outcome *o, uint32_t now_sec)
{
	double began = cpu_ms();
	size_t before;
	int r;

	for (int i = 0; i < HELD_ROUNDS; i++) {
		before = o->mind->judgement ? o->mind->judgement->automatic->n : 0;
		r = mind_judge_alone(o->mind, now_sec);
		if (r < 0)
			return r;
		if (o->mind->judgement->automatic->n <= before)
			break;
	}
	o->timing.judge_ms += cpu_ms() - began;
	return 0;
}

static int look(struct outcome *o, uint32_t now_sec)
{
	double began;
	int r = correlate(o, now_sec);

	if (r == 0)
		r = judge(o, now_sec);
	began = cpu_ms();
	if (r == 0)
		measure_look(o->measure, now_sec);
	o->timing.look_ms += cpu_ms() - began;
	return r;
}

/* ---- when ---- */

/* Each divides a day, and the moments that are measured at are multiples of all. */
static const struct {
	uint32_t young, first_day, three_days, later;
} paces[PROFILES] = {
	[PROFILE_SIM] = { 3 * WORLD_STEP, 4 * HOUR, 12 * HOUR, 12 * HOUR },
	[PROFILE_FULL] = { WORLD_STEP, HOUR, 4 * HOUR, 6 * HOUR },
};

static uint32_t pace(const struct outcome *o, size_t swarm, uint32_t age_sec)
{
	const uint32_t *since = o->measure->verdicts[swarm].sec;
	bool found = since[MOMENT_MOST] != NOT_YET;

	if (age_sec < YOUNG && since[MOMENT_ALARM] == NOT_YET)
		return WORLD_STEP;
	if (age_sec < YOUNG && !found)
		return paces[o->profile].young;
	if (age_sec < WORLD_DAY)
		return found ? paces[o->profile].first_day : HOUR;
	return age_sec < 3 * WORLD_DAY ? paces[o->profile].three_days : paces[o->profile].later;
}

/* While there is no campaign yet. */
static uint32_t usual_pace(const struct row *row)
{
	return row->sort == ROW_NULL ? 4 * HOUR : 8 * HOUR;
}

/* `end_sec`: of a step. The first day passes unwatched but for its end. */
static bool is_time(const struct outcome *o, uint32_t end_sec)
{
	uint32_t since = end_sec - WORLD_START;
	bool begun = false;

	if (o->row->sort == ROW_SCALE || since < WORLD_DAY)
		return false;
	for (size_t i = 0; i < o->world->n_swarms; i++) {
		const struct swarm *s = &o->world->swarms[i];
		uint32_t age_sec;

		if (s->plan.honest || end_sec <= s->start_sec)
			continue;
		begun = true;
		age_sec = end_sec - s->start_sec;
		if (age_sec % pace(o, i, age_sec - 1) == 0)
			return true;
	}
	return !begun && since % usual_pace(o->row) == 0;
}

/* ---- the world ---- */

static int make_mind(struct outcome *o, size_t people)
{
	static struct judge_settings at_once;
	struct mind_settings s = {
		.observation = { .window_sec = WORLD_DAY,
				 .max = SOURCES_MAX(people),
				 .epoch_sec = WORLD_EPOCH },
		.shoal = &shoal_defaults,
		.judge = &at_once,
	};
	int r;

	at_once = judge_at_once(&judge_defaults);
	r = row_has_history(o->row) ? archive_open(WORLD_DAY, WORLD_EPOCH, &o->archive) : 0;

	if (r < 0)
		return r;
	s.history = o->archive ? o->archive->history : NULL;
	return mind_new(&s, &o->mind);
}

static struct world_crowd crowd_of(const struct row *row, uint32_t people, struct rng *r)
{
	struct world_crowd crowd = { .people = people, .hard = 1, .aggregators = row->aggregators };

	if (row->sort != ROW_NULL)
		return crowd;
	/* Crowds of all sizes, some of them mostly hard negatives. */
	crowd.people = (size_t)(people * exp(rng_between(r, -1.4, 0.7)));
	crowd.hard = exp(rng_between(r, -1, 3));
	return crowd;
}

static void add_swarms(struct outcome *o, struct rng *r)
{
	double offset = 1 + rng_below(r, WORLD_STEPS) / (double)WORLD_STEPS;

	for (size_t i = 0; i < 2 && o->row->plans[i].sources; i++) {
		struct swarm_plan plan = o->row->plans[i];

		plan.start_day = i ? plan.start_day : 0;
		plan.start_day += o->row->sort == ROW_SCALE ? 0 : offset;
		if (plan.end_day > 0)
			plan.end_day += offset;
		if (plan.replaces)
			plan.replaces = (uint32_t)o->world->n_swarms;
		swarms_add(o->world, &plan, o->seed);
	}
}

static int make(struct outcome *o, const char *clients)
{
	struct rng r = { seine_mix64(o->seed * 31 + 7) };
	struct world_crowd crowd = crowd_of(o->row, o->row->people[o->profile], &r);
	int n = clients_new(clients, &o->clients);

	if (n == 0)
		n = make_mind(o, crowd.people);
	if (n == 0)
		n = world_new(o->clients, o->mind, o->seed, &o->world);
	if (n < 0)
		return n;
	o->world->churn = 0.03;
	world_add_crowd(o->world, &crowd, WORLD_START);
	add_swarms(o, &r);
	return measure_new(o->world, o->mind, &o->measure);
}

/* ---- running ---- */

static int note_day(struct outcome *o)
{
	size_t n = observations_count(o->mind->observations);

	if (o->n_rss < MONTH_DAYS)
		o->rss_mib[o->n_rss++] = memory_mib("VmRSS:");
	if (n > o->sources_max)
		o->sources_max = n;
	return o->archive ? archive_note(o->archive) : 0;
}

static int write_history(struct outcome *o, uint32_t cycles, uint32_t now_sec)
{
	double began = cpu_ms();
	int r = o->archive ? archive_write(o->archive, cycles, now_sec) : 0;

	o->timing.history_ms += cpu_ms() - began;
	return r;
}

static int step(struct outcome *o, uint32_t now_sec)
{
	double began = cpu_ms();
	int r = world_step(o->world, now_sec);

	o->timing.step_ms += cpu_ms() - began;
	o->timing.steps++;
	if (r == 0)
		r = write_history(o, CYCLES_PER_STEP, now_sec + WORLD_STEP - 1);
	if (r == 0 && is_time(o, now_sec + WORLD_STEP))
		r = look(o, now_sec + WORLD_STEP - 1);
	if (r == 0 && (now_sec + WORLD_STEP) % WORLD_DAY == 0)
		r = note_day(o);
	return r;
}

/* One cycle as live: every row is handed in, each window has its round, all is judged, and some of
 * what waits is written. */
static int time_cycle(struct outcome *o, uint32_t now_sec)
{
	struct timing *t = &o->timing;
	double began = cpu_ms();
	int r = world_harvest(o->world, now_sec);

	t->harvest_ms = cpu_ms() - began;
	for (int i = 0; r == 0 && i < WINDOWS; i++) {
		struct campaigns *before = NULL;
		enum window w;

		began = cpu_ms();
		r = mind_correlate(o->mind, now_sec, &before);
		campaigns_free(before);
		for (w = 0; w < WINDOWS && o->mind->rounds[w].sec != now_sec; w++)
			;
		/* The newest round is of the window that has not been timed yet. */
		for (w = 0; w < WINDOWS; w++)
			if (o->mind->rounds[w].sec == now_sec && !(t->window_ms[w] > 0))
				t->window_ms[w] = cpu_ms() - began;
	}
	began = cpu_ms();
	if (r == 0)
		r = mind_judge_alone(o->mind, now_sec);
	t->judge_once_ms = cpu_ms() - began;
	began = cpu_ms();
	if (r == 0)
		r = write_history(o, 1, now_sec);
	t->history_once_ms = cpu_ms() - began;
	return r;
}

static void sum_up(struct outcome *o, uint32_t steps)
{
	for (size_t i = 0; i < o->world->n; i++)
		o->honest += o->world->list[i].kind != KIND_MEMBER && o->world->list[i].total;
	o->days = (double)steps / WORLD_STEPS;
	o->timing.cpu_ms = cpu_ms();
	o->rss_max_mib = memory_mib("VmHWM:");
	if (observations_count(o->mind->observations) > o->sources_max)
		o->sources_max = observations_count(o->mind->observations);
}

int row_run(const struct row *row, enum profile profile, uint64_t seed, const char *clients,
	    struct outcome *ret)
{
	struct outcome o = { .row = row, .profile = profile, .seed = seed };
	/* The campaign starts up to a day after the first. */
	double days = 1 + row->days[profile] + (row->sort == ROW_CAMPAIGN);
	uint32_t steps = (uint32_t)(days * WORLD_STEPS), done = 0;
	int r = make(&o, clients);

	for (; r == 0 && done < steps; done++)
		r = step(&o, WORLD_START + done * WORLD_STEP);
	if (r == 0 && row->sort == ROW_SCALE)
		r = time_cycle(&o, WORLD_START + done * WORLD_STEP + 5);
	if (r < 0) {
		outcome_clear(&o);
		return r;
	}
	sum_up(&o, steps);
	*ret = o;
	return 0;
}
