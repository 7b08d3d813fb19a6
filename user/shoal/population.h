/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All sources of a round, each judged on its own: sorted by address, and grouped by hello key.
 *
 * Sorting first makes everything after it independent of the order in which sources come in.
 */
#ifndef SHOAL_POPULATION_H
#define SHOAL_POPULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/shoal/shoal.h"
#include "user/shoal/source.h"
#include "user/sight/order.h"

#define PLACE_LEVELS 3 /* /24, /20 and /16; IPv6 /48, /40 and /32 */

struct source {
	const struct features *f;
	uint64_t hello_key;
	uint32_t bin;		       /* where it lies, see space.h */
	uint32_t around[PLACE_LEVELS]; /* sources in the same prefix of each level, itself too */
	uint32_t asn;		       /* its network; 0: not known */
	uint32_t around_asn;	       /* sources in it, itself too */
	float log10_e;
	bool asked;  /* has a gap sample */
	bool leans;  /* its samples speak rather for a second leg than against one */
	bool split;  /* seems to be behind a second leg, see SOURCE_SPLIT */
	bool proven; /* is, see SOURCE_PROVEN */
	bool counts; /* lies somewhere in the space, on one side of the question or the other */
	bool seed;   /* named by an operator */
	bool shared; /* many people behind it: counts, but is never a member */
};

struct population {
	struct source *list;   /* by address */
	struct ordered *order; /* their addresses as numbers */
	uint32_t *by_key;      /* positions in list, by hello key, then by address */
	uint32_t *by_asn;      /* by hello key, then by network; NULL: no table of networks */
	size_t n;
	size_t places; /* occupied prefixes of all levels, and networks */
	size_t asked, leaning, seeds;
	enum window window; /* this and the next two as in struct shoal_question */
	uint32_t now_sec, slot;
	uint32_t day_sec;     /* as in struct shoal_settings */
	double days;	      /* that the window covers */
	double requests_high; /* more than this is a volume that only few sources have */
	struct noise noise;
};

int population_new(const struct shoal_question *q, const struct shoal_settings *s,
		   struct population **ret);
void population_free(struct population *p);

/* The source at an address; NULL: none this round. */
const struct source *population_find(const struct population *p, const uint8_t ip[16]);

/* Do two sources, given by their positions, lie in the same prefix of this level? */
bool population_near(const struct population *p, size_t a, size_t b, unsigned int level);

/* The prefix around a source at this level. */
struct prefix population_place(const struct population *p, size_t at, unsigned int level);

#endif
