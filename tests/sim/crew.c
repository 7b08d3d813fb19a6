// SPDX-License-Identifier: GPL-2.0-or-later
/* Who connects. */
#include "tests/sim/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/agenda.h"
#include "tests/sim/rng.h"
#include "tests/sim/segment.h"
#include "tests/sim/software.h"
#include "user/base/cleanup.h"
#include "user/base/table.h"

#define RATE_SD 2.0
#define RATE_MOST 100.0	 /* times the median: who asks more is no one person */
#define REQUEST_MEAN 8.0 /* logarithm of bytes */
#define RESPONSE_MEAN 10.0
#define SIZE_SD 1.0	    /* between users */
#define REQUEST_WITHIN 0.73 /* between one user's requests */
#define RESPONSE_WITHIN 1.0
#define SIZE_MOST 100000.0
#define SPLIT_SHARE 0.03
#define CARRIER_SHARE 0.003
#define OFFICE_SHARE 0.002
#define CARRIER_USERS 20.0 /* times one user's requests */
#define OFFICE_USERS 15.0
#define OFFICE_STACKS 2
#define NIGHT 0.4 /* of the mean rate, where the day has 1.6 */
#define SESSION_REQUESTS 3.0
#define PAUSE_MEAN_SEC 30.0 /* between requests of a session, in a day of 86400 s */
#define KINDS 40	    /* of software that the crowd uses */
#define STREAM_BYTES_PER_MS 20.0
#define STREAM_MOST_MS 30000.0

/* The campaign's work, as logarithms of bytes: one template of request, answers of one length. */
#define WORK_SOFTWARE SOFTWARE_NODE
#define WORK_REQUEST 8.3
#define WORK_REQUEST_SD 0.3
#define WORK_RESPONSE 9.6
#define WORK_RESPONSE_SD 0.6
#define DENSE_SHARE 0.2 /* of exits that come in /24s with others */
#define DENSE_EXITS 10	/* in each */
#define OPTIMISTIC_ONE_IN 5

struct person {
	uint8_t source[16];
	uint8_t kind, stack, hops, software;
	bool keeps_alive, optimistic, rough;
	uint16_t sport;
	uint32_t rtt_us, leg_us;
	float rate;		 /* sessions a day */
	float request, response; /* mean logarithms */
	float phase;		 /* of its day */
};

struct crew {
	struct crew_settings settings;
	struct rng rng;
	struct person *list; /* honest ones, then exits in the order of their turns */
	size_t n;
	struct table *taken;  /* addresses */
	struct agenda agenda; /* next session of each honest one, and the campaign's next request */
	uint64_t end_ns;
	size_t turn; /* whose it is, of the exits */
	uint32_t dense_net;
};

static const char *const names[CREW_KINDS] = { "direct", "split", "carrier", "office", "exit" };

const char *crew_name(enum crew_kind kind)
{
	return names[kind];
}

void crew_free(struct crew *c)
{
	if (!c)
		return;
	free(c->list);
	table_free(c->taken);
	agenda_free(&c->agenda);
	free(c);
}

/* ---- addresses ---- */

static void put_v4(uint32_t address, uint8_t ret[16])
{
	memset(ret, 0, 10);
	ret[10] = ret[11] = 0xff;
	for (int i = 0; i < 4; i++)
		ret[12 + i] = (uint8_t)(address >> (24 - 8 * i));
}

/* Providers own /16s of very different popularity; a tenth of sources speak IPv6. */
static void somewhere(struct rng *d, uint8_t ret[16])
{
	uint32_t provider = (uint32_t)(4000 * pow(rng_uniform(d), 2));
	uint32_t rest;

	if (rng_below(d, 10)) {
		put_v4((20u + provider / 256) << 24 | provider % 256 << 16 | rng_below(d, 65536),
		       ret);
		return;
	}
	rest = (uint32_t)rng_next(d);
	memset(ret, 0, 16);
	ret[0] = 0x24;
	ret[2] = (uint8_t)(provider >> 8);
	ret[3] = (uint8_t)provider;
	memcpy(ret + 4, &rest, sizeof(rest));
}

static int settle_down(struct crew *c, bool dense, uint8_t ret[16])
{
	uint32_t place;

	do {
		if (dense)
			put_v4(c->dense_net | rng_below(&c->rng, 256), ret);
		else
			somewhere(&c->rng, ret);
	} while (table_get(c->taken, ret, &place) == 0);
	return table_put(c->taken, ret, 1);
}

/* ---- who they are ---- */

static double log_normal(struct rng *d, double mean, double sd)
{
	return exp(mean + sd * rng_normal(d));
}

/* A tenth of people use the most common software, the others ever less of it. */
static uint8_t some_software(struct rng *d)
{
	return (uint8_t)(KINDS * pow(rng_uniform(d), 1.6));
}

static void dwell(struct rng *d, struct person *p)
{
	p->hops = (uint8_t)rng_between(d, 5, 22);
	p->rtt_us = (uint32_t)(1000 * fmin(log_normal(d, log(35), 0.8), 400));
	p->sport = (uint16_t)rng_between(d, 32768, 60999);
	p->stack = (uint8_t)rng_below(d, STACKS);
	p->rough = p->stack == STACK_ANDROID;
}

static enum crew_kind some_kind(struct rng *d)
{
	double u = rng_uniform(d);

	if (u < CARRIER_SHARE)
		return CREW_CARRIER;
	u -= CARRIER_SHARE;
	if (u < OFFICE_SHARE)
		return CREW_OFFICE;
	return u - OFFICE_SHARE < SPLIT_SHARE ? CREW_SPLIT : CREW_DIRECT;
}

static void be_honest(struct crew *c, struct person *p)
{
	struct rng *d = &c->rng;
	double rate = log_normal(d, log(c->settings.median), RATE_SD);

	dwell(d, p);
	p->kind = (uint8_t)some_kind(d);
	p->software = some_software(d);
	p->keeps_alive = rng_below(d, 2);
	p->phase = (float)rng_uniform(d) / 3; /* most live within eight hours of time zones */
	p->request = (float)(REQUEST_MEAN + SIZE_SD * rng_normal(d));
	p->response = (float)(RESPONSE_MEAN + SIZE_SD * rng_normal(d));
	rate = fmin(rate, RATE_MOST * c->settings.median);
	if (p->kind == CREW_CARRIER)
		rate = CARRIER_USERS * c->settings.median;
	if (p->kind == CREW_OFFICE)
		rate = OFFICE_USERS * c->settings.median;
	if (p->kind == CREW_SPLIT || p->kind == CREW_OFFICE)
		p->leg_us = (uint32_t)(1000 * rng_between(d, 25, 250));
	p->rate = (float)(p->keeps_alive ? rate / SESSION_REQUESTS : rate);
}

static void be_an_exit(struct crew *c, struct person *p)
{
	dwell(&c->rng, p);
	p->kind = CREW_EXIT;
	p->software = WORK_SOFTWARE;
	p->request = WORK_REQUEST;
	p->response = WORK_RESPONSE;
	p->leg_us = (uint32_t)(1000 * rng_between(&c->rng, 40, 250));
	p->optimistic = !rng_below(&c->rng, OPTIMISTIC_ONE_IN);
}

/* ---- when they come ---- */

static double day_profile(const struct crew *c, const struct person *p, uint64_t ns)
{
	double days = (double)(ns - c->settings.begin_ns) / 1e9 / c->settings.day_sec;

	return 1 - (1 - NIGHT) * cos(2 * M_PI * (days + p->phase));
}

/* The next session: a Poisson process of the highest rate, thinned. */
static uint64_t next_session(struct crew *c, const struct person *p, uint64_t ns)
{
	double mean_ns = 1e9 * c->settings.day_sec / (p->rate * (2 - NIGHT));

	do
		ns += (uint64_t)rng_exponential_of(&c->rng, mean_ns) + 1;
	while (ns < c->end_ns && rng_uniform(&c->rng) * (2 - NIGHT) > day_profile(c, p, ns));
	return ns;
}

static uint64_t next_turn(struct crew *c, uint64_t ns)
{
	double mean_ns =
		1e9 * c->settings.day_sec / (c->settings.per_day * (double)c->settings.exits);

	return ns + (uint64_t)rng_exponential_of(&c->rng, mean_ns) + 1;
}

/* ---- making them ---- */

static int add(struct crew *c, bool honest)
{
	struct person *p = &c->list[c->n];
	size_t nth = c->n - c->settings.honest;
	bool dense = !honest && (double)nth < DENSE_SHARE * (double)c->settings.exits;

	if (dense && nth % DENSE_EXITS == 0)
		c->dense_net = (60u << 24) + (rng_below(&c->rng, 65536) << 8);
	if (honest)
		be_honest(c, p);
	else
		be_an_exit(c, p);
	c->n++;
	return settle_down(c, dense, p->source);
}

/* Exits take turns in any order. */
static void shuffle(struct crew *c)
{
	struct person *exits = c->list + c->settings.honest, t;

	for (size_t i = c->settings.exits; i > 1; i--) {
		size_t other = rng_below(&c->rng, (uint32_t)i);

		t = exits[i - 1];
		exits[i - 1] = exits[other];
		exits[other] = t;
	}
}

static int fill(struct crew *c)
{
	const struct crew_settings *s = &c->settings;
	int r = 0;

	for (size_t i = 0; i < s->honest + s->exits && r == 0; i++)
		r = add(c, i < s->honest);
	shuffle(c);
	for (size_t i = 0; i < s->honest && r == 0; i++)
		r = agenda_add(&c->agenda, next_session(c, &c->list[i], s->begin_ns), (uint32_t)i);
	if (r == 0 && s->exits)
		r = agenda_add(&c->agenda, next_turn(c, s->begin_ns), (uint32_t)s->honest);
	return r;
}

int crew_new(const struct crew_settings *s, struct crew **ret)
{
	_cleanup_(crew_freep) struct crew *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->settings = *s;
	c->rng.state = seine_mix64(s->seed);
	c->end_ns = s->begin_ns + (uint64_t)(s->days * s->day_sec * 1e9);
	c->list = calloc(s->honest + s->exits + 1, sizeof(*c->list));
	if (!c->list)
		return -ENOMEM;
	r = table_new(s->seed, 0, &c->taken);
	if (r == 0)
		r = fill(c);
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	return 0;
}

/* ---- what they ask for ---- */

static struct wire_request ask(struct crew *c, const struct person *p, bool first)
{
	bool exit = p->kind == CREW_EXIT;
	struct rng *d = &c->rng;
	double request = log_normal(d, p->request, exit ? WORK_REQUEST_SD : REQUEST_WITHIN);
	double response = log_normal(d, p->response, exit ? WORK_RESPONSE_SD : RESPONSE_WITHIN);
	double pause_ms =
		1000 * rng_exponential_of(d, PAUSE_MEAN_SEC * c->settings.day_sec / 86400);

	return (struct wire_request){
		/* A pause is longer than round trips: people read before they ask again. */
		.pause_ms = first ? 0 : (uint32_t)(pause_ms + 2 * p->rtt_us / 1000.0),
		.bytes = (uint32_t)fmin(fmax(request, 100), SIZE_MOST),
		.wait_ms = (uint32_t)log_normal(d, log(300), 0.5),
		.stream_ms = (uint32_t)fmin(response / STREAM_BYTES_PER_MS, STREAM_MOST_MS),
		.response_bytes = (uint32_t)fmin(fmax(response, 200), SIZE_MOST * 10),
	};
}

static uint8_t session_requests(struct rng *d, const struct person *p)
{
	uint8_t n = 1;

	while (p->keeps_alive && n < WIRE_REQUESTS && rng_uniform(d) > 1 / SESSION_REQUESTS)
		n++;
	return n;
}

static void connect(struct crew *c, struct person *p, uint64_t ns, struct wire_connection *ret)
{
	*ret = (struct wire_connection){
		.start_ns = ns,
		.sport = p->sport++,
		.stack = p->stack,
		.hops = p->hops,
		.software = p->software,
		.optimistic = p->optimistic,
		.rough = p->rough,
		.rtt_us = p->rtt_us,
		.leg_us = p->leg_us,
		.n = session_requests(&c->rng, p),
	};
	memcpy(ret->source, p->source, sizeof(ret->source));
	if (p->kind == CREW_CARRIER)
		ret->stack = (uint8_t)rng_below(&c->rng, STACKS);
	if (p->kind == CREW_CARRIER)
		ret->software = some_software(&c->rng);
	if (p->kind == CREW_OFFICE)
		ret->software += (uint8_t)(SOFTWARE_BASES * rng_below(&c->rng, OFFICE_STACKS));
	for (unsigned int i = 0; i < ret->n; i++)
		ret->request[i] = ask(c, p, i == 0);
}

static struct person *take_turn(struct crew *c)
{
	size_t n = c->settings.exits;

	c->turn = c->settings.random ? rng_below(&c->rng, (uint32_t)n) : (c->turn + 1) % n;
	return &c->list[c->settings.honest + c->turn];
}

bool crew_next(struct crew *c, struct wire_connection *ret)
{
	struct appointment next;
	struct person *p;

	if (!c->agenda.n || c->agenda.list[0].ns >= c->end_ns)
		return false;
	next = c->agenda.list[0];
	if (next.what < c->settings.honest) {
		p = &c->list[next.what];
		agenda_put_off(&c->agenda, next_session(c, p, next.ns));
	} else {
		p = take_turn(c);
		agenda_put_off(&c->agenda, next_turn(c, next.ns));
	}
	connect(c, p, next.ns, ret);
	return true;
}

size_t crew_count(const struct crew *c)
{
	return c->n;
}

enum crew_kind crew_source(const struct crew *c, size_t i, uint8_t ret_source[16])
{
	memcpy(ret_source, c->list[i].source, 16);
	return (enum crew_kind)c->list[i].kind;
}
