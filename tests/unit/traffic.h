/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host accepts, cycle by cycle, for tests of rollback: one seed gives one series. */
#ifndef TESTS_TRAFFIC_H
#define TESTS_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#define TRAFFIC_CYCLE 10 /* seconds */
#define TRAFFIC_AHEAD 24 /* cycles over which a session is spread */

struct traffic_kind {
	const char *name;
	double per_sec; /* requests, at noon and midnight */
	double session; /* requests in one, on average; they come within four minutes */
	double wander;	/* standard deviation of the logarithm of the rate, over five minutes */
	double swing;	/* logarithm of evening's rate to noon's; 0.88 halves in three hours */
	double batch;	/* share of a customer who works for an hour, five times a day */
	double burst; /* every quarter of an hour the rate is so many times higher for two minutes */
};

struct traffic {
	const struct traffic_kind *kind;
	uint64_t random;
	uint32_t now_sec;
	double wander;
	bool batch;
	double batch_left_sec;
	uint32_t ahead[TRAFFIC_AHEAD];	/* requests of sessions that have begun */
	uint64_t requests, connections; /* counters */
	double kept;			/* share of sources not dropped */
};

void traffic_begin(struct traffic *t, const struct traffic_kind *kind, uint64_t seed);

/* From now on so large a share of sources is accepted. */
void traffic_keep(struct traffic *t, double share);

/* One cycle on. */
void traffic_step(struct traffic *t);

#endif
