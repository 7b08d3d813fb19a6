/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accepted traffic falls after a campaign climbed on the ladder: was it us? Pure.
 */
#ifndef JUDGE_ROLLBACK_H
#define JUDGE_ROLLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROLLBACK_WATCH 20      /* blocks in the time that is watched: half a minute each */
#define ROLLBACK_BLOCKS 360    /* kept: eighteen times that, three hours */
#define ROLLBACK_CAMPAIGNS 256 /* watched at once, as many as are followed */
#define ROLLBACK_TEXT 256

/* What the host accepts, counted by the datapath: a service whose requests it cannot see has its
 * connections. */
enum rollback_series {
	ROLLBACK_REQUESTS,    /* `requests` */
	ROLLBACK_CONNECTIONS, /* `flow_new` */
	ROLLBACK_SERIES,
};

struct rollback_settings {
	double fall_max;       /* 0.2; 0: never roll back */
	uint32_t fall_for_sec; /* watched after a climb, 600 */
};
extern const struct rollback_settings rollback_defaults;

struct rollback_block {
	double count[ROLLBACK_SERIES];
	double usual[ROLLBACK_SERIES]; /* of a block, as of its beginning; negative: not known */
	double seen_sec;	       /* of it */
};

struct rollback_climb {
	uint32_t campaign;
	uint32_t at_sec;
	uint32_t block;
	double share[ROLLBACK_SERIES]; /* expected to vanish, of all before the climbs watched */
};

/* All of it belongs to rollback.c. */
struct rollback {
	uint32_t block_sec;
	uint32_t block;	  /* the present one, counted since boot */
	uint32_t settled; /* the first one from which is learned, after something was withdrawn */
	bool begun;	  /* the counters have been read */
	uint32_t last_sec;
	uint64_t last[ROLLBACK_SERIES];
	struct rollback_block blocks[ROLLBACK_BLOCKS];
	struct rollback_climb climbs[ROLLBACK_CAMPAIGNS];
	size_t n_climbs;
};

struct rollback_fall {
	enum rollback_series series;
	double left;	 /* share of what it was before the climb */
	double expected; /* the share that was expected to be left */
	double chance;	 /* of that or less, if it had fallen by no more than is let pass */
	uint32_t since_sec;
	uint32_t campaigns[ROLLBACK_CAMPAIGNS];
	size_t n;
	char text[ROLLBACK_TEXT]; /* a sentence with these numbers */
};

void rollback_begin(struct rollback *r, const struct rollback_settings *s);
void rollback_add(struct rollback *r, uint32_t now_sec, uint64_t requests, uint64_t connections);
void rollback_climbed(struct rollback *r, uint32_t campaign, double requests_share,
		      double connections_share, uint32_t now_sec);
void rollback_withdrawn(struct rollback *r, uint32_t campaign, uint32_t now_sec);
bool rollback_check(const struct rollback *r, const struct rollback_settings *s, uint32_t now_sec,
		    struct rollback_fall *ret);
bool rollback_ready(const struct rollback *r);

#endif
