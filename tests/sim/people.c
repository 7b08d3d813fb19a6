// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The honest: people, and those who look like a campaign in one way or another.
 *
 * Where the numbers come from. Rates: log-normal, log-sd 2 as between the clients of ServeGen,
 * median 12 a day. Sizes, bursts and days: a client of that trace each; addresses of one client
 * spread around it by a log-sd of 0.5 (assumption). Gap noise of direct lines: a simulation over
 * measured jitter, wired 0.03 % dual and 2 % single, lossy mobile 0.2 % and 15 %. 3 % behind honest
 * middleboxes that split TCP, which show as the split connections of passive studies do: 75 % dual,
 * 15 % single. A tenth of addresses with two stacks. Carriers: 50 to 500 people behind an address.
 * Requests have 0.5 to 2 kB beside the prompt; a streamed answer takes 100 to 300 bytes a token,
 * one that is not, 4. Sessions of a few requests and pauses of a minute or so, people who move (3 %
 * a day), three in ten addresses belonging to apps with a ClientHello of their own, and how many
 * hard negatives there are, are assumptions.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/sim/swarm.h"
#include "tests/sim/world.h"

#define RATE_MEDIAN 12.0
#define RATE_SD 2.0
#define RATE_MAX 20000.0
#define BUSY 500.0 /* requests a day from which on a step's are counted together */
#define SPLIT_SHARE 0.03
#define MOBILE_SHARE 0.2
#define APP_SHARE 0.3
#define COMES_BACK 0.33 /* of people who move, to an address that somebody left */

/* How often a handshake shows gaps. */
struct line {
	float dual, single;
};
static const struct line wired = { 0.0003f, 0.02f }, mobile = { 0.002f, 0.15f };
static const struct line split = { 0.75f, 0.15f };

static void set_line(struct rng *r, struct world_source *s, const struct line *line)
{
	s->dual = line->dual;
	s->single = line->single;
	s->gap_us = (uint32_t)(1000 * exp(rng_between(r, log(25), log(250))));
}

/* Somebody like others of a client's, but for the address. */
static struct world_source somebody(struct world *w, uint32_t client, double spread)
{
	struct rng *r = &w->rng;
	struct world_source s = {
		.per_day = (float)fmin(rng_lognormal(r, RATE_MEDIAN, RATE_SD), RATE_MAX),
		.session = (float)fmax(1, rng_lognormal(r, 3, 0.7)),
		.pause_sec = (float)rng_lognormal(r, 60, 1),
		.reconnect = rng_chance(r, 0.5) ? 1 : 0.12f,
		.request_scale = (float)rng_lognormal(r, 4, spread),
		.request_extra = (float)rng_between(r, 500, 2000),
		.response_scale = rng_chance(r, 0.6) ? (float)rng_between(r, 100, 300) : 4,
		.response_extra = (float)rng_between(r, 300, 900),
		.rtt_us = (uint32_t)(1000 * rng_lognormal(r, 25, 0.8)),
		.client = (uint16_t)client,
		.hello = world_some_hello(r),
		.people = 1,
		.stacks = 1 + rng_chance(r, 0.1),
		.zone = (int8_t)rng_below(r, 24),
		.kind = KIND_PERSON,
		.tempo = TEMPO_SESSIONS,
		.syn = world_some_syn(r),
	};

	s.response_scale *= (float)rng_lognormal(r, 1, spread);
	s.session = fminf(s.session, fmaxf(1, s.per_day));
	set_line(r, &s, rng_chance(r, MOBILE_SHARE) ? &mobile : &wired);
	return s;
}

static struct world_source anybody(struct world *w, double spread)
{
	return somebody(w, rng_below(&w->rng, (uint32_t)w->clients->n), spread);
}

static void at_rate(struct world_source *s, double per_day)
{
	s->per_day = (float)per_day;
	s->tempo = per_day > BUSY ? TEMPO_BUSY : TEMPO_SESSIONS;
}

static void split_it(struct rng *r, struct world_source *s, enum kind kind)
{
	set_line(r, s, &split);
	s->kind = (uint8_t)kind;
}

/* An app's users share its ClientHello. */
static struct world_source person(struct world *w)
{
	struct world_source s = anybody(w, 0.5);

	if (rng_chance(&w->rng, APP_SHARE))
		s.hello = (uint16_t)(WORLD_HELLOS + s.client);
	if (rng_chance(&w->rng, SPLIT_SHARE))
		split_it(&w->rng, &s, KIND_SPLIT);
	at_rate(&s, s.per_day);
	s.mobile = true;
	world_home(&w->rng, s.ip);
	return s;
}

static void add_people(struct world *w, size_t n, uint32_t now_sec)
{
	for (size_t i = 0; i < n; i++) {
		struct world_source s = person(w);

		world_add(w, &s, now_sec);
	}
}

/* A company: one SDK, people who work alike, addresses side by side. */
static void add_office(struct world *w, size_t n, uint32_t now_sec)
{
	uint32_t client = rng_below(&w->rng, (uint32_t)w->clients->n);
	uint32_t subnet = world_subnet(&w->rng);
	uint16_t hello = world_some_hello(&w->rng);
	int8_t zone = (int8_t)rng_below(&w->rng, 24);

	for (size_t i = 0; i < n; i++) {
		struct world_source s = somebody(w, client, 0.5);

		split_it(&w->rng, &s, KIND_OFFICE);
		s.hello = hello;
		s.stacks = 1;
		s.syn = 0; /* the proxy's */
		s.zone = zone;
		s.people = (uint16_t)(1 + rng_below(&w->rng, 20));
		at_rate(&s, rng_lognormal(&w->rng, 3 * RATE_MEDIAN, 1.2));
		world_v4(subnet + (uint32_t)i * 3, s.ip);
		world_add(w, &s, now_sec);
	}
}

static void add_carriers(struct world *w, size_t n, uint32_t now_sec)
{
	uint32_t subnet = world_subnet(&w->rng);

	for (size_t i = 0; i < n; i++) {
		struct world_source s = anybody(w, 0.5);

		s.kind = KIND_CARRIER;
		set_line(&w->rng, &s, &mobile);
		s.people = (uint16_t)(50 + rng_below(&w->rng, 450));
		s.stacks = (uint16_t)(8 + rng_below(&w->rng, 40));
		s.mix = 1; /* everybody there does something else */
		s.pause_sec = 20;
		at_rate(&s, RATE_MEDIAN * s.people * rng_lognormal(&w->rng, 1, 0.5));
		world_v4(subnet + (uint32_t)i, s.ip);
		world_add(w, &s, now_sec);
	}
}

static void add_monitor(struct world *w, size_t n, uint32_t now_sec)
{
	double per_day = 1440.0 / (1 + rng_below(&w->rng, 30));
	struct world_source s = anybody(w, 0);
	int client = clients_add(w->clients, 20, 0.01, 5, 0.01);

	if (client < 0)
		abort();
	s.client = (uint16_t)client;
	s.kind = KIND_MONITOR;
	s.tempo = TEMPO_PERIODIC;
	s.per_day = (float)per_day;
	s.reconnect = 1;
	s.stacks = 1;
	set_line(&w->rng, &s, &wired);
	for (size_t i = 0; i < n; i++) {
		world_home(&w->rng, s.ip);
		world_add(w, &s, now_sec + rng_below(&w->rng, WORLD_STEP));
	}
}

static void add_builds(struct world *w, size_t n, uint32_t now_sec)
{
	uint32_t client = rng_below(&w->rng, (uint32_t)w->clients->n);
	uint32_t subnet = world_subnet(&w->rng);
	uint16_t hello = world_some_hello(&w->rng);

	for (size_t i = 0; i < n; i++) {
		struct world_source s = somebody(w, client, 0.2);

		s.kind = KIND_CI;
		s.tempo = TEMPO_CRON;
		s.hello = hello;
		s.stacks = 1;
		s.syn = 0;
		s.session = 10;
		s.pause_sec = 3;
		s.per_day = (float)rng_lognormal(&w->rng, 60, 0.8);
		set_line(&w->rng, &s, &wired);
		world_v4(subnet + (uint32_t)i * 2, s.ip);
		world_add(w, &s, now_sec);
	}
}

/* People of all kinds behind one operator's middlebox, in few prefixes. */
static void add_behind(struct world *w, enum kind kind, size_t n, uint32_t people, uint32_t now_sec)
{
	uint32_t subnet = world_subnet(&w->rng);

	for (size_t i = 0; i < n; i++) {
		struct world_source s = anybody(w, 0.5);

		split_it(&w->rng, &s, kind);
		s.people = (uint16_t)(1 + rng_below(&w->rng, people));
		s.stacks = s.people < 4 ? s.people : 4;
		s.mix = s.people > 1;
		s.syn = 0;
		at_rate(&s, s.per_day * sqrt(s.people));
		world_v4(subnet + (uint32_t)i, s.ip);
		world_add(w, &s, now_sec);
	}
}

static void add_aggregator(struct world *w, uint32_t number)
{
	const struct swarm_plan plan = {
		.sources = 24 + rng_below(&w->rng, 40),
		.per_day = rng_lognormal(&w->rng, 400, 0.7),
		.schedule = SCHEDULE_LRU,
		.honest = true,
		.direct = number % 2,
	};

	swarms_add(w, &plan, rng_next(&w->rng));
}

/* `per` people there is one such group of about `size`. */
static size_t groups(struct world *w, size_t people, size_t per, double hard)
{
	return rng_poisson(&w->rng, hard * (double)people / (double)per);
}

static size_t group_size(struct world *w, double median)
{
	return (size_t)fmax(4, fmin(rng_lognormal(&w->rng, median, 0.8), 20 * median));
}

void world_add_crowd(struct world *w, const struct world_crowd *crowd, uint32_t now_sec)
{
	size_t people = crowd->people;

	add_people(w, people, now_sec);
	for (size_t i = groups(w, people, 10000, crowd->hard); i; i--)
		add_office(w, group_size(w, 40), now_sec);
	for (size_t i = groups(w, people, 10000, crowd->hard); i; i--)
		add_carriers(w, group_size(w, 20), now_sec);
	for (size_t i = groups(w, people, 20000, crowd->hard); i; i--)
		add_monitor(w, group_size(w, 20), now_sec);
	for (size_t i = groups(w, people, 10000, crowd->hard); i; i--)
		add_builds(w, group_size(w, 60), now_sec);
	for (size_t i = groups(w, people, 20000, crowd->hard); i; i--)
		add_behind(w, KIND_SATELLITE, group_size(w, 100), 2, now_sec);
	for (size_t i = groups(w, people, 20000, crowd->hard); i; i--)
		add_behind(w, KIND_RELAY, group_size(w, 60), 12, now_sec);
	for (uint32_t i = 0; crowd->aggregators && i < 2 + people / 50000; i++)
		add_aggregator(w, i);
}

/* ---- moving ---- */

static void leave(struct world *w, const uint8_t ip[16])
{
	size_t room = w->room_left ? w->room_left * 2 : 1024;

	table_remove(w->places, ip);
	if (w->n_left == w->room_left) {
		w->left = reallocarray(w->left, room, sizeof(*w->left));
		if (!w->left)
			abort();
		w->room_left = room;
	}
	memcpy(w->left[w->n_left++], ip, 16);
}

/* A free address: one that somebody left, or one that is new here. */
static void find_home(struct world *w, uint8_t ret[16])
{
	uint32_t taken;
	size_t at;

	if (w->n_left && rng_chance(&w->rng, COMES_BACK)) {
		at = rng_below(&w->rng, (uint32_t)w->n_left);
		memcpy(ret, w->left[at], 16);
		memcpy(w->left[at], w->left[--w->n_left], 16);
		return;
	}
	do
		world_home(&w->rng, ret);
	while (world_find(w, ret, &taken));
}

void world_move_people(struct world *w, uint32_t now_sec)
{
	for (uint32_t i = 0; i < w->n; i++) {
		struct world_source *s = &w->list[i];
		uint8_t ip[16];

		if (!s->mobile || s->swarm || !rng_chance(&w->rng, w->churn))
			continue;
		find_home(w, ip);
		leave(w, s->ip);
		memcpy(s->ip, ip, 16);
		if (table_put(w->places, ip, i) < 0)
			abort();
		s->row = (struct counts){ 0 };
		s->stacks_seen = 0;
		s->first_sec = now_sec;
		s->last_sec = now_sec;
	}
}
