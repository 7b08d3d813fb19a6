// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Campaigns.
 *
 * Where the numbers come from: the order of accounts, stickiness of an hour and one connection a
 * request are the defaults of two public relay servers; the share of addresses used once and the
 * daily window are from Chiapponi et al. 2021 (airline bots behind residential proxies); how often
 * a hidden leg of so many milliseconds shows as one or two long gaps, on lines that lose one packet
 * in a hundred, is a simulation over measured jitter; sizes are log-normal around a prompt template
 * and answers of a reasoning model (medians of ServeGen's deepseek-r1 group: 451 tokens in, 660
 * out). That exits are homes spread over all providers, a tenth to a fifth of them in denser
 * subnets, is an assumption after the 12 addresses a /16 that residential pools were seen to have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/swarm.h"

#define STICKY_REQUESTS 4.0 /* in a session, on average */
#define STICKY_PAUSE 600.0  /* seconds between them: most of a session lies within the hour */
#define WEIGHT_SD 0.7
#define SOMEBODY_ELSE 0.02 /* of turns: the account was busy, failed or cooling down */
#define SUBNET_SOURCES 100 /* exits in a denser /24 */
#define DUTY_BEGINS (9 * 3600u)

const char *schedule_name(enum schedule s)
{
	static const char *const names[] = {
		[SCHEDULE_LRU] = "lru",		  [SCHEDULE_RANDOM] = "random",
		[SCHEDULE_WEIGHTED] = "weighted", [SCHEDULE_STICKY] = "sticky",
		[SCHEDULE_EVEN] = "even",
	};

	return names[s];
}

/* Campaigns begin and end with a step. */
static uint32_t moment(double days)
{
	return WORLD_START + WORLD_STEP * (uint32_t)lround(days * WORLD_STEPS);
}

uint32_t swarms_add(struct world *w, const struct swarm_plan *plan, uint64_t seed)
{
	struct swarm *list = reallocarray(w->swarms, w->n_swarms + 1, sizeof(*list));
	struct swarm *s;
	int client;

	if (!list)
		abort();
	w->swarms = list;
	s = &list[w->n_swarms++];
	*s = (struct swarm){ .plan = *plan, .rng = { seine_mix64(seed + w->n_swarms * 977) } };
	s->start_sec = moment(plan->start_day);
	s->end_sec = plan->end_day > 0 ? moment(plan->end_day) : WORLD_NEVER;
	if (plan->replaces) {
		s->client = list[plan->replaces - 1].client;
		memcpy(s->hellos, list[plan->replaces - 1].hellos, sizeof(s->hellos));
		return (uint32_t)w->n_swarms;
	}
	client = clients_add(w->clients, rng_lognormal(&s->rng, 700, 0.5), 0.3,
			     rng_lognormal(&s->rng, 660, 0.5), 0.6);
	if (client < 0)
		abort();
	s->client = (uint16_t)client;
	/* An SDK that many honest people use as well. */
	s->hellos[0] = (uint16_t)rng_below(&s->rng, 8);
	s->hellos[1] = (uint16_t)(8 + rng_below(&s->rng, 8));
	return (uint32_t)w->n_swarms;
}

void swarms_free(struct world *w)
{
	for (size_t i = 0; i < w->n_swarms; i++)
		free(w->swarms[i].pool);
	free(w->swarms);
}

/* ---- exits ---- */

/* Shares of handshakes that show both gaps, or at least one, behind a leg of so many ms. */
static void leg_chances(double ms, float *dual, float *single)
{
	static const double legs[] = { 20, 40, 80, 160 };
	static const double both[] = { 0.37, 0.64, 0.80, 0.90 };
	static const double any[] = { 0.61, 0.88, 0.97, 0.98 };
	double x;
	int i = 0;

	while (i < 2 && ms > legs[i + 1])
		i++;
	x = fmin(fmax((ms - legs[i]) / (legs[i + 1] - legs[i]), 0), 1);
	*dual = (float)(both[i] + x * (both[i + 1] - both[i]));
	*single = (float)(any[i] + x * (any[i + 1] - any[i]) - *dual);
}

static void place_exit(struct swarm *s, uint32_t i, struct world_source *ret)
{
	struct rng subnet = { seine_mix64(s->client * 131ull + i / SUBNET_SOURCES) };

	if (s->plan.honest || i < s->plan.dense * s->plan.sources) {
		world_v4((s->plan.honest ? world_subnet(&subnet)
					 : 203u << 24 | rng_below(&subnet, 1u << 16) << 8) +
				 i % SUBNET_SOURCES * 2 + 10,
			 ret->ip);
		return;
	}
	world_home(&s->rng, ret->ip);
}

static uint32_t add_exit(struct world *w, struct swarm *s, uint32_t i, uint32_t now_sec)
{
	const struct swarm_plan *plan = &s->plan;
	struct world_source new = {
		.per_day = (float)plan->per_day,
		.pause_sec = STICKY_PAUSE,
		.reconnect = 1,
		.request_scale = 4,
		.request_extra = 1100,
		.response_scale = 200,
		.response_extra = 400,
		.dual = 0.0003f,
		.single = 0.02f,
		.rtt_us = (uint32_t)rng_between(&s->rng, 5e3, 80e3),
		.mix = plan->honest ? 1 : (float)plan->mix,
		.pad = plan->pad,
		.client = s->client,
		.hello = s->hellos[plan->hellos > 1 && i % 2],
		.people = plan->honest ? 50 : 1,
		.stacks = 1,
		.swarm = (uint16_t)(s - w->swarms + 1),
		.kind = plan->honest ? KIND_AGGREGATOR : KIND_MEMBER,
		.tempo = plan->schedule == SCHEDULE_EVEN ? TEMPO_EVEN : TEMPO_DRIVEN,
		.syn = plan->honest ? 0 : world_some_syn(&s->rng),
		.mobile = !plan->honest && i >= plan->dense * plan->sources,
	};
	double ms = exp(rng_between(&s->rng, log(40), log(200)));

	if (!plan->direct)
		leg_chances(ms, &new.dual, &new.single);
	new.gap_us = (uint32_t)(ms * 1000);
	place_exit(s, i, &new);
	return world_add(w, &new, now_sec);
}

static void begin(struct world *w, struct swarm *s, uint32_t now_sec)
{
	s->pool = calloc(s->plan.sources, sizeof(*s->pool));
	if (!s->pool)
		abort();
	s->n = s->plan.sources;
	for (uint32_t i = 0; i < s->n; i++)
		s->pool[i] = add_exit(w, s, i, now_sec);
	for (uint32_t i = s->n; i > 1; i--) {
		uint32_t j = rng_below(&s->rng, i), kept = s->pool[i - 1];

		s->pool[i - 1] = s->pool[j];
		s->pool[j] = kept;
	}
	s->next_sec = now_sec;
}

/* ---- turns ---- */

/* Weights are a stable property of an exit. */
static double weight(uint32_t at)
{
	struct rng r = { seine_mix64(at) };

	return exp(WEIGHT_SD * fmin(rng_normal(&r), 2));
}

static uint32_t pick(struct world *w, struct swarm *s, uint32_t now_sec)
{
	uint32_t at;

	if (s->plan.rotate > 0 && rng_chance(&s->rng, s->plan.rotate))
		return add_exit(w, s, s->plan.sources, now_sec);
	switch (s->plan.schedule) {
	case SCHEDULE_RANDOM: return s->pool[rng_below(&s->rng, s->n)];
	case SCHEDULE_WEIGHTED:
		do
			at = s->pool[rng_below(&s->rng, s->n)];
		while (!rng_chance(&s->rng, weight(at) / exp(2 * WEIGHT_SD)));
		return at;
	default:
		if (rng_chance(&s->rng, SOMEBODY_ELSE))
			return s->pool[rng_below(&s->rng, s->n)];
		at = s->pool[s->turn];
		s->turn = (s->turn + 1) % s->n;
		return at;
	}
}

static void wait_for_harvest(struct world *w, uint32_t at)
{
	size_t room = w->room_waiting ? w->room_waiting * 2 : 4096;

	if (w->n_waiting == w->room_waiting) {
		w->waiting = reallocarray(w->waiting, room, sizeof(*w->waiting));
		if (!w->waiting)
			abort();
		w->room_waiting = room;
	}
	w->waiting[w->n_waiting++] = at;
}

static void take_turn(struct world *w, struct swarm *s, uint32_t sec)
{
	uint32_t at = pick(w, s, sec);
	struct world_source *x = &w->list[at];

	world_ask(w, at, sec > x->request_sec ? sec : x->request_sec);
	s->requests++;
	wait_for_harvest(w, at);
	if (s->plan.schedule != SCHEDULE_STICKY || w->next[at] != WORLD_NEVER)
		return;
	x->left = rng_geometric(&s->rng, STICKY_REQUESTS) - 1;
	if (x->left) {
		x->left--;
		w->next[at] = sec + (uint32_t)(STICKY_PAUSE * rng_exponential(&s->rng));
	}
}

/* Seconds between turns while at work. */
static double interval_sec(const struct swarm_plan *p)
{
	double per_day = p->sources * p->per_day;

	if (p->schedule == SCHEDULE_STICKY)
		per_day /= STICKY_REQUESTS;
	return (p->duty_sec ? p->duty_sec : WORLD_DAY) / per_day;
}

static double skip_leisure(const struct swarm_plan *p, double sec)
{
	double second = fmod(sec, WORLD_DAY);

	if (!p->duty_sec || (second >= DUTY_BEGINS && second < DUTY_BEGINS + p->duty_sec))
		return sec;
	return sec - second + DUTY_BEGINS + (second < DUTY_BEGINS ? 0 : WORLD_DAY);
}

static void end(struct world *w, struct swarm *s)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].swarm == s - w->swarms + 1)
			w->next[i] = WORLD_NEVER;
	s->end_sec = 0;
}

static void ask(struct world *w, struct swarm *s, uint32_t now_sec, uint32_t end_sec)
{
	if (now_sec < s->start_sec || !s->end_sec)
		return;
	if (now_sec >= s->end_sec) {
		end(w, s);
		return;
	}
	if (!s->pool)
		begin(w, s, now_sec);
	if (s->plan.schedule == SCHEDULE_EVEN)
		return; /* each has its own clock */
	for (;;) {
		s->next_sec = skip_leisure(&s->plan, s->next_sec);
		if (s->next_sec >= end_sec)
			return;
		take_turn(w, s, (uint32_t)s->next_sec);
		s->next_sec += rng_exponential(&s->rng) * interval_sec(&s->plan);
	}
}

void swarms_ask(struct world *w, uint32_t now_sec, uint32_t end_sec)
{
	for (size_t i = 0; i < w->n_swarms; i++)
		ask(w, &w->swarms[i], now_sec, end_sec);
}
