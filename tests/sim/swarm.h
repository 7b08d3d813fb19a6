/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Campaigns: requests of one kind of work, dealt out over a pool of exits.
 *
 * What software that does this was seen to do: least recently used account first, each account
 * behind an exit of its own, sessions that stick to an account for an hour, a new connection for
 * each request, one TLS stack for the whole pool.
 */
#ifndef SIM_SWARM_H
#define SIM_SWARM_H

#include "tests/sim/world.h"

enum schedule {
	SCHEDULE_LRU,	   /* least recently used first */
	SCHEDULE_RANDOM,   /* all alike */
	SCHEDULE_WEIGHTED, /* some a few times more often than others */
	SCHEDULE_STICKY,   /* least recently used first, then for some requests within the hour */
	SCHEDULE_EVEN,	   /* each by itself, at random intervals of 0 to twice the mean */
};
const char *schedule_name(enum schedule s);

struct swarm_plan {
	uint32_t sources;
	double per_day; /* requests of one source */
	enum schedule schedule;
	double rotate;	   /* share of requests that leave through an address never used before */
	double mix;	   /* share of requests that are unrelated customers' */
	uint32_t pad;	   /* random bytes added to requests, up to so many */
	uint32_t hellos;   /* TLS stacks in use, 0 and 1: one */
	uint32_t duty_sec; /* of each day at work, 0: all of it */
	double dense;	   /* share of exits in subnets of their own */
	double start_day, end_day; /* end 0: never */
	uint32_t replaces;	   /* 1, 2...: the swarm whose work and stack it goes on with */
	bool honest;		   /* an aggregator: many customers' work, own subnets */
	bool direct;		   /* it does not split TCP */
};

struct swarm {
	struct swarm_plan plan;
	struct rng rng;
	uint16_t client; /* the kind of work */
	uint16_t hellos[2];
	uint32_t *pool; /* sources, in the order of their turns */
	uint32_t n, turn;
	uint32_t start_sec, end_sec;
	double next_sec; /* when the next request is due; 0: not begun */
	uint64_t requests;
};

/* Its exits come into being when it starts. Returns its number, from 1 on. */
uint32_t swarms_add(struct world *w, const struct swarm_plan *plan, uint64_t seed);
void swarms_ask(struct world *w, uint32_t now_sec, uint32_t end_sec);
void swarms_free(struct world *w);

#endif
