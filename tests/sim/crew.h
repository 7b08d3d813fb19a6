/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who connects: a made-up crowd of honest sources and a campaign, as connections in order of time.
 *
 * The crowd: rates log-normal over users with a log-sd of 2, sizes log-normal over users and within
 * each, as in public traces of language model services; a day that is busier by day; half of all
 * users keep connections alive; 3 % are behind a middlebox that splits TCP; some sources are
 * carriers' NATs or companies' proxies, with many people behind each.
 *
 * The campaign: exits on other people's machines, so with their TCP stacks, and one hidden client
 * behind all of them, with one ClientHello that a part of the crowd uses too, one kind of work, and
 * a new connection for each request.
 */
#ifndef SIM_CREW_H
#define SIM_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include "tests/sim/wire.h"

enum crew_kind {
	CREW_DIRECT,
	CREW_SPLIT,   /* one user behind an honest middlebox */
	CREW_CARRIER, /* a NAT: many people, many stacks */
	CREW_OFFICE,  /* a proxy: many people, few stacks, a second leg */
	CREW_EXIT,    /* of the campaign */
	CREW_KINDS,
};

struct crew_settings {
	size_t honest, exits;
	double median;	/* requests a day of honest users */
	double per_day; /* and of an exit */
	bool random;	/* exits are drawn at random, not least recently used first */
	double days;
	double day_sec; /* how long a day takes: less makes all of it faster, but not round trips */
	uint64_t begin_ns; /* since 1970 */
	uint64_t seed;
};

struct crew;

int crew_new(const struct crew_settings *s, struct crew **ret); /* -ENOMEM */
void crew_free(struct crew *c);
static inline void crew_freep(struct crew **c)
{
	crew_free(*c);
	*c = NULL;
}

/* The next connection; false when the time is over. */
bool crew_next(struct crew *c, struct wire_connection *ret);

size_t crew_count(const struct crew *c);
enum crew_kind crew_source(const struct crew *c, size_t i, uint8_t ret_source[16]);
const char *crew_name(enum crew_kind kind); /* "direct", ..., "exit" */

#endif
