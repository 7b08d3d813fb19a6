/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Made-up populations of sources with known truth: innocent crowds and campaigns, as features.
 *
 * Rates and sizes follow public traces of language model services (tails log-normal, log-sd about
 * 2 for rates and 1 for sizes), gap noise the published figures of passive round trip studies. One
 * seed gives one population.
 */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/sight/observation.h"

enum kind {
	KIND_DIRECT,  /* one user, direct */
	KIND_SPLIT,   /* one user behind a middlebox that splits TCP: satellite, mobile, relay */
	KIND_CARRIER, /* a carrier's NAT: hundreds of people, many stacks */
	KIND_OFFICE,  /* a company's proxy: dozens of people, gap, few stacks */
	KIND_FLEET,   /* one company's people behind a cloud proxy: gap, one stack, own subnets */
	KIND_MONITOR, /* uptime checks: as regular as machines are, direct */
	KIND_SWARM,
	KINDS,
};

struct crowd_rng {
	uint64_t state;
};

struct sim {
	struct features *list;
	enum kind *kind;
	size_t n, room;
	double window_days;
	struct crowd_rng rng;
};

struct sim_campaign {
	size_t sources;
	double per_day;			/* requests of one source */
	bool random;			/* drawn at random, not least recently used first */
	unsigned int stack;		/* the ClientHello, see sim_key() */
	double request, response;	/* mean logarithms of sizes */
	double request_sd, response_sd; /* of a single request's */
	double dense;			/* share of sources in dense /24s */
};
extern const struct sim_campaign sim_campaign_typical;

struct sim_fleet {
	size_t sources;
	double rate_sd, size_sd; /* log-sd between its people */
};

/* People with one piece of software, which has sizes of its own. */
struct sim_fellows {
	unsigned int stack;
	size_t split, direct;
	double rate_sd, size_sd; /* log-sd between them */
};

void sim_init(struct sim *s, uint64_t seed, double window_days);
void sim_free(struct sim *s);

/* Direct and split sources, carriers, offices, monitors, in their usual proportions. */
void sim_add_crowd(struct sim *s, size_t sources);
void sim_add_fleet(struct sim *s, const struct sim_fleet *fleet);
void sim_add_campaign(struct sim *s, const struct sim_campaign *campaign);

void sim_add_fellows(struct sim *s, const struct sim_fellows *fellows);

/* The same sources in another order. */
void sim_shuffle(struct sim *s);

/* The hello key of stack 0 (most common), 1, 2... */
uint64_t sim_key(unsigned int stack);

#endif
