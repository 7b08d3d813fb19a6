/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One source in sentences: what was measured of it, beside what others show; why it is a member of
 * a campaign or none, and what would change that.
 */
#ifndef SHOAL_PROFILE_H
#define SHOAL_PROFILE_H

#include "user/shoal/seeds.h"
#include "user/shoal/shoal.h"

/* Where nine in ten members of a campaign lie: from 5 % to 95 %. */
struct span_of {
	double low, high;
};

struct work {
	struct span_of requests, request_bytes, response_bytes;
	size_t n; /* members that it is known of */
};

/* Why a source is or is not a member: the first that applies. */
enum profile_standing {
	STANDING_UNSEEN, /* nothing was measured of it */
	STANDING_MEMBER,
	STANDING_NO_CAMPAIGN, /* no living campaign has its ClientHello */
	STANDING_UNPROVEN,    /* not shown to be behind a second leg */
	STANDING_SHARED,      /* many people share it */
	STANDING_IDLE,	      /* silent for a day */
	STANDING_DIFFERENT,   /* works differently */
};
const char *standing_name(enum profile_standing s); /* "unproven" */

struct profile {
	const struct features *f; /* over the shortest window from WINDOW_DAY on that knows it */
	struct noise noise;	  /* that direct connections show */
	const struct campaign *c; /* a living one: its own, or one with its ClientHello; or NULL */
	const struct member *member; /* of c; NULL: it is none */
	struct work work;	     /* of c's members */
	const struct seed *seed;     /* NULL: it is none */
	double lfdr_max, stacks_max; /* as in struct shoal_settings */
	double requests_high;	     /* of those who are not shared */
	uint32_t now_sec, day_sec;
	uint32_t window_sec; /* that f is over */
	uint32_t days;	     /* of the last PROFILE_DAYS it was active on, where `history` */
	bool history;
};

#define PROFILE_DAYS 45 /* the longest window of the correlator */

enum profile_standing profile_standing(const struct profile *p);

/* Handshakes with both signs of a second leg that it would take to prove one; 0: it is proven. */
uint32_t profile_dual_needed(const struct profile *p);

/* SIDE_LIFE: what was measured; SIDE_FOR and SIDE_AGAINST: why it is a member, why not;
 * SIDE_WITHOUT: what would change that. Returns how many sentences. */
size_t profile_explain(const struct profile *p, struct sentence ret[SENTENCES_MAX]);

#endif
