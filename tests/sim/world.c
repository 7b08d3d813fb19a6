// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps of the world, and rows as the kernel keeps them (bpf/account.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/swarm.h"
#include "tests/sim/world.h"
#include "user/base/cleanup.h"

#define NS 1000000000ull
#define TIMES RHYTHM_TIMES /* of a busy source's requests in a step, so many are told apart */
#define SAMPLES 16	   /* and the sizes of so many stand for all */
#define PROVIDERS 4000
#define SEGMENT 1448

const char *kind_name(enum kind kind)
{
	static const char *const names[KINDS] = {
		[KIND_PERSON] = "person",	  [KIND_SPLIT] = "split",
		[KIND_OFFICE] = "office",	  [KIND_CARRIER] = "carrier",
		[KIND_MONITOR] = "monitor",	  [KIND_CI] = "ci",
		[KIND_SATELLITE] = "satellite",	  [KIND_RELAY] = "relay",
		[KIND_AGGREGATOR] = "aggregator", [KIND_MEMBER] = "member",
	};

	return names[kind];
}

int world_new(struct clients *clients, struct mind *mind, uint64_t seed, struct world **ret)
{
	_cleanup_(world_freep) struct world *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->clients = clients;
	w->mind = mind;
	w->rng.state = seine_mix64(seed);
	r = table_new(seed, 0, &w->places);
	if (r < 0)
		return r;
	*ret = take_ptr(w);
	return 0;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	swarms_free(w);
	table_free(w->places);
	free(w->list);
	free(w->next);
	free(w->waiting);
	free(w->left);
	free(w);
}

size_t world_bytes(const struct world *w)
{
	return w->room * (sizeof(*w->list) + sizeof(*w->next)) + w->n * 40;
}

bool world_find(const struct world *w, const uint8_t ip[16], uint32_t *ret)
{
	return table_get(w->places, ip, ret) == 0;
}

/* ---- addresses and stacks ---- */

void world_v4(uint32_t address, uint8_t ret[16])
{
	memset(ret, 0, 10);
	ret[10] = ret[11] = 0xff;
	for (int i = 0; i < 4; i++)
		ret[12 + i] = (uint8_t)(address >> (24 - 8 * i));
}

/* Providers own /16s of very different popularity; a tenth of sources speak IPv6. */
void world_home(struct rng *r, uint8_t ret[16])
{
	double u = rng_uniform(r);
	uint32_t provider = (uint32_t)(PROVIDERS * u * u);
	uint64_t subnet;

	if (rng_below(r, 10)) {
		world_v4((20u + provider / 256) << 24 | (provider % 256) << 16 |
				 rng_below(r, 65536),
			 ret);
		return;
	}
	subnet = 0x2400ull << 48 | (uint64_t)provider << 32 | (rng_next(r) & 0xffffffff);
	memset(ret, 0, 16);
	for (int i = 0; i < 8; i++)
		ret[i] = (uint8_t)(subnet >> (56 - 8 * i));
}

uint32_t world_subnet(struct rng *r)
{
	return 100u << 24 | rng_below(r, 1u << 15) << 12;
}

uint16_t world_some_hello(struct rng *r)
{
	return (uint16_t)(WORLD_HELLOS * pow(rng_uniform(r), 1.6));
}

uint16_t world_own_hello(struct rng *r)
{
	return (uint16_t)(WORLD_HELLOS + rng_below(r, UINT16_MAX - WORLD_HELLOS));
}

uint64_t world_hello_key(uint16_t hello)
{
	return seine_mix64(hello + 1u);
}

/* Operating systems differ in the order of options, time to live, scale and window. */
static const struct seine_syn syns[] = {
	{ .layout = 0x21435, .mss = 1460, .window = 64240, .ttl = 64, .wscale = 7 },
	{ .layout = 0x4113121, .mss = 1460, .window = 64240, .ttl = 128, .wscale = 8 },
	{ .layout = 0x7466113, .mss = 1460, .window = 65535, .ttl = 64, .wscale = 6 },
	{ .layout = 0x13642, .mss = 1460, .window = 65535, .ttl = 64, .wscale = 9 },
	{ .layout = 0x13642, .mss = 1400, .window = 29200, .ttl = 64, .wscale = 7 },
	{ .layout = 0x413121, .mss = 1460, .window = 8192, .ttl = 128, .wscale = 2 },
};

uint8_t world_some_syn(struct rng *r)
{
	double u = rng_uniform(r);

	return (uint8_t)(ARRAY_LEN(syns) * u * u);
}

/* ---- sources ---- */

static void grow(struct world *w)
{
	size_t room = w->room ? w->room + w->room / 2 : 4096;

	w->list = reallocarray(w->list, room, sizeof(*w->list));
	w->next = reallocarray(w->next, room, sizeof(*w->next));
	if (!w->list || !w->next)
		abort();
	w->room = room;
}

/* Homes are plenty; subnets are filled one address after the other. */
static void settle(struct world *w, struct world_source *s)
{
	uint32_t taken;

	while (world_find(w, s->ip, &taken)) {
		if (s->mobile)
			world_home(&w->rng, s->ip);
		else
			for (int i = 15; i >= 0 && !++s->ip[i]; i--)
				;
	}
}

static uint32_t next_time(struct world *w, struct world_source *s, uint32_t sec);

uint32_t world_add(struct world *w, const struct world_source *s, uint32_t now_sec)
{
	uint32_t at = (uint32_t)w->n;

	if (w->n == w->room)
		grow(w);
	w->list[at] = *s;
	settle(w, &w->list[at]);
	if (table_put(w->places, w->list[at].ip, at) < 0)
		abort();
	w->list[at].syn_now = s->syn;
	w->list[at].hello_now = s->hello;
	w->next[at] = next_time(w, &w->list[at], now_sec);
	w->n++;
	return at;
}

/* ---- the next request ---- */

static double cycle(struct rng *r, double period_sec)
{
	return fmax(1, period_sec + rng_between(r, -0.5, 0.5));
}

static double next_session(struct world *w, struct world_source *s, uint32_t sec)
{
	double work = rng_exponential(&w->rng) * s->session / s->per_day;

	s->left = rng_geometric(&w->rng, s->session) - 1;
	s->fresh = true;
	return client_later(&w->clients->list[s->client], sec, s->zone, work) - sec;
}

static double pause_sec(struct world *w, const struct world_source *s)
{
	const struct client *c = &w->clients->list[s->client];

	return s->pause_sec * w->clients->bursts[c->burst][rng_next(&w->rng) >> 56];
}

static double next_build(struct world *w, struct world_source *s, uint32_t sec)
{
	double hours = ceil(rng_exponential(&w->rng) * 24 * s->session / s->per_day);

	s->left = rng_geometric(&w->rng, s->session) - 1;
	s->fresh = true;
	return 3600 * hours - sec % 3600 + rng_between(&w->rng, 0, 60);
}

static uint32_t next_time(struct world *w, struct world_source *s, uint32_t sec)
{
	double wait;

	s->fresh = false;
	if (s->tempo == TEMPO_BUSY)
		return sec - sec % WORLD_STEP + WORLD_STEP;
	if (s->tempo == TEMPO_PERIODIC) {
		wait = cycle(&w->rng, WORLD_DAY / s->per_day);
	} else if (s->tempo == TEMPO_EVEN) {
		wait = 2 * rng_uniform(&w->rng) * WORLD_DAY / s->per_day;
	} else if (s->left) {
		s->left--;
		wait = pause_sec(w, s);
	} else if (s->tempo == TEMPO_DRIVEN) {
		return WORLD_NEVER;
	} else {
		wait = s->tempo == TEMPO_CRON ? next_build(w, s, sec) : next_session(w, s, sec);
	}
	return wait < 1e9 ? sec + (uint32_t)(wait + 0.5) : WORLD_NEVER;
}

/* ---- rows ---- */

static uint32_t account_log(uint32_t v)
{
	uint32_t msb = 31u - (uint32_t)__builtin_clz(v | 1);

	return msb * 16 + (uint32_t)((uint64_t)v << 4 >> msb & 15);
}

static void hand_in(struct world *w, uint32_t at)
{
	struct world_source *s = &w->list[at];
	const struct counts *c = &s->row;
	struct seine_source row = {
		.first_sec = s->first_sec,
		.last_sec = s->last_sec,
		.packets = (c->request_bytes + c->response_bytes) / SEGMENT + 4 * c->handshakes,
		.bytes = c->request_bytes + c->response_bytes / 20,
		.request_bytes = c->request_bytes,
		.response_bytes = c->response_bytes,
		.request_log = c->request_log,
		.response_log = c->response_log,
		.gap_us = c->gap_us,
		.last_request_ns = s->request_sec * NS,
		.hello_key = world_hello_key(s->hello_now),
		.stacks = s->stacks_seen,
		.syn = syns[s->syn_now],
		.connections = c->handshakes,
		.handshakes = c->handshakes,
		.hellos = c->handshakes,
		.requests = c->requests,
		.responses = c->requests,
		.gap_unknown = c->unknown,
		.gap_none = c->none,
		.gap_single = c->single,
		.gap_dual = c->dual,
		.rtt_min_us = s->rtt_us,
		.open_max = 1 + s->people / 8u,
	};
	struct seine_addr key;
	int r;

	memcpy(key.ip, s->ip, sizeof(key.ip));
	r = mind_source(w->mind, &key, &row, s->harvest * WORLD_HARVEST);
	if (r < 0)
		w->error = r;
	s->harvest = 0;
	w->rows++;
}

static void begin_row(struct world_source *s, uint32_t sec)
{
	s->row = (struct counts){ 0 };
	s->stacks_seen = 0;
	s->first_sec = sec;
}

static void pick_stack(struct world *w, struct world_source *s)
{
	uint64_t draw = rng_next(&w->rng), which;

	s->hello_now = s->hello;
	s->syn_now = s->syn;
	/* A second one is a minority; a crowd behind one address has no favourite. */
	which = s->stacks > 2 ? draw % s->stacks : s->stacks == 2 && draw % 10 < 3;
	if (which) {
		struct rng other = { seine_mix64(s->ip[13] + 256u * s->ip[14] + which * 65537 +
						 s->ip[15] * 7919ull) };

		s->hello_now = world_some_hello(&other);
		s->syn_now = world_some_syn(&other);
	}
	s->stacks_seen |= 1ull << (seine_mix64(s->hello_now * 64ull + s->syn_now) & 63);
}

static void handshake(struct world *w, struct world_source *s)
{
	double u = rng_uniform(&w->rng);

	pick_stack(w, s);
	s->row.handshakes++;
	if (u < s->dual)
		s->row.dual++;
	else if (u < s->dual + s->single)
		s->row.single++;
	else
		s->row.none++;
	if (u < s->dual + s->single)
		s->row.gap_us += (uint64_t)(s->gap_us * rng_between(&w->rng, 0.95, 1.1));
}

/* Bytes of one request and its answer, for `times` of the kind. */
static void exchange(struct world *w, struct world_source *s, uint32_t times)
{
	uint64_t draw = rng_next(&w->rng);
	const struct client *c = &w->clients->list[s->client];
	uint32_t request, response;

	if (s->mix > 0 && (double)(draw >> 40) < s->mix * 0x1p24)
		c = &w->clients->list[rng_below(&w->rng, (uint32_t)w->clients->n)];
	request = (uint32_t)(c->in[draw & 255] * s->request_scale + s->request_extra);
	response = (uint32_t)(c->out[draw >> 8 & 255] * s->response_scale + s->response_extra);
	if (s->pad)
		request += rng_below(&w->rng, s->pad);
	s->row.requests += times;
	s->row.request_bytes += (uint64_t)request * times;
	s->row.response_bytes += (uint64_t)response * times;
	s->row.request_log += account_log(request) * times;
	s->row.response_log += account_log(response) * times;
	s->total += times;
	w->requests += times;
}

/* The harvest that will find it; one before that has found what came before. */
static void note(struct world *w, uint32_t at, uint32_t sec)
{
	struct world_source *s = &w->list[at];
	uint32_t harvest = sec / WORLD_HARVEST + 1;

	if (s->harvest && s->harvest != harvest)
		hand_in(w, at);
	if (sec > s->last_sec + WORLD_DAY)
		begin_row(s, sec); /* the agent removed it meanwhile */
	s->last_sec = s->request_sec = sec;
	s->harvest = harvest;
}

void world_ask(struct world *w, uint32_t at, uint32_t sec)
{
	struct world_source *s = &w->list[at];

	note(w, at, sec);
	if (s->fresh || s->tempo == TEMPO_DRIVEN || !s->row.handshakes ||
	    rng_chance(&w->rng, s->reconnect))
		handshake(w, s);
	exchange(w, s, 1);
}

/* Handshakes of many requests at once, by the same chances. */
static void busy_handshakes(struct world *w, struct world_source *s, uint32_t requests)
{
	uint32_t n = rng_poisson(&w->rng, requests * s->reconnect);
	uint32_t dual = rng_poisson(&w->rng, n * s->dual);
	uint32_t single = rng_poisson(&w->rng, n * s->single);

	for (uint32_t i = 0; i < n && i < SAMPLES; i++)
		pick_stack(w, s);
	s->row.handshakes += n;
	s->row.dual += dual;
	s->row.single += single;
	s->row.none += n > dual + single ? n - dual - single : 0;
	s->row.gap_us += (uint64_t)(dual + single) * s->gap_us;
}

static void ask_busily(struct world *w, uint32_t at, uint32_t sec)
{
	struct world_source *s = &w->list[at];
	const struct client *c = &w->clients->list[s->client];
	double share = client_share(c, sec, sec + WORLD_STEP, s->zone);
	double burst = w->clients->bursts[c->burst][rng_next(&w->rng) >> 56];
	uint32_t n = rng_poisson(&w->rng, s->per_day * share * (0.5 + 0.5 * burst));
	uint32_t told = n < TIMES ? n : TIMES;

	for (uint32_t i = 0; i < told; i++) {
		note(w, at, sec + i * (WORLD_STEP / TIMES) + rng_below(&w->rng, 30));
		if (!s->row.handshakes)
			handshake(w, s);
		exchange(w, s, n / told + (i < n % told));
	}
	if (told)
		busy_handshakes(w, s, n);
}

/* ---- steps ---- */

static void live(struct world *w, uint32_t at, uint32_t end)
{
	struct world_source *s = &w->list[at];

	while (w->next[at] < end) {
		if (s->tempo == TEMPO_BUSY)
			ask_busily(w, at, w->next[at]);
		else
			world_ask(w, at, w->next[at]);
		w->next[at] = next_time(w, s, w->next[at]);
	}
	if (s->harvest)
		hand_in(w, at);
}

/* Whom the swarms have asked, and whose row has not been handed in since. */
static void hand_in_rest(struct world *w)
{
	for (size_t i = 0; i < w->n_waiting; i++)
		if (w->list[w->waiting[i]].harvest)
			hand_in(w, w->waiting[i]);
	w->n_waiting = 0;
}

int world_step(struct world *w, uint32_t now_sec)
{
	uint32_t end = now_sec + WORLD_STEP;
	int r;

	r = mind_begin(w->mind, now_sec);
	if (r < 0)
		return r;
	if (now_sec % WORLD_DAY == 0 && w->churn > 0)
		world_move_people(w, now_sec);
	swarms_ask(w, now_sec, end);
	for (uint32_t i = 0; i < w->n; i++)
		if (w->next[i] < end)
			live(w, i, end);
	hand_in_rest(w);
	if (w->error < 0)
		return w->error;
	return mind_observe(w->mind, end - 1);
}

int world_harvest(struct world *w, uint32_t now_sec)
{
	int r = mind_begin(w->mind, now_sec);

	for (uint32_t i = 0; r == 0 && i < w->n; i++) {
		if (!w->list[i].row.requests)
			continue;
		w->list[i].harvest = now_sec / WORLD_HARVEST;
		hand_in(w, i);
	}
	return r < 0 ? r : w->error < 0 ? w->error : mind_observe(w->mind, now_sec);
}
