/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accepted traffic falls after a campaign climbed on the ladder: was it us? Pure.
 *
 *	counters -> blocks of half a minute -> what is usual -> share of it after a climb
 *		-> less than is let pass, lasting, and no chance? -> campaigns to roll back
 *
 * What is usual: a block's count is judged by those before the climb, as the least of three means,
 * over 10, 30 and 60 minutes, each over the middle third of its blocks. So a burst that ended with
 * the climb is not missed, and an evening's decline (half in three hours takes 5 % in ten minutes)
 * is hardly seen. A climb that is expected to take away a share scales all of the past by it.
 *
 * A fall is told when, over all whole blocks since a climb (two at least, twenty at most),
 *	1. no more is left than fall_max lets pass, and the last two blocks each are that low;
 *	2. it never fell so far by itself in the last three hours, over as many blocks;
 *	3. Student's t of the fall beyond 5 % has a chance below 0.001. Its variance is that of the
 *	   host's own falls over as many blocks, each against what was usual then, and no less than
 *	   Poisson's.
 * Requests come in sessions and batches, and rates wander: counts are not Poisson, and the variance
 * of short blocks says too little of long ones, because neighbours are alike. Falls of the very
 * length that is asked about have all of that in them, the daily decline, too. Rises do not count:
 * a burst says nothing of falls below what is usual without it. Student's t because often few such
 * falls are known; where fewer than eight are, falls of shorter times, which are deeper, stand in.
 *
 * How often it is wrong: simulated days with a climb every ten minutes, 2,880 for each host, in
 * percent of climbs that were rolled back, and the seconds that took where 20 % is let pass. A
 * "day" swings by a factor of six, and halves in three hours. "Bursts" triple the rate for two
 * minutes every quarter of an hour; "batches" are 30 % of requests, which come and go five
 * times a day; "restless" is a rate that wanders by 20 % within minutes, where others do by 5
 * %.
 *
 *				  nothing lost	  30 % lost	    50 % lost
 *	requests a second; fall_max   5   10   20     5  10  20    s     5  10  20    s
 *	0.05                       0.0  0.0  0.0     0   0   0    -     0   0   0    -
 *	0.05, sessions of 5, day   0.0  0.0  0.0     0   0   0  463     1   1   1  514
 *	0.5, sessions of 8, day    0.2  0.2  0.1     6   6   6  390    24  24  24  344
 *	5, even                    0.0  0.0  0.0   100 100 100   83   100 100 100   80
 *	5, day                     0.1  0.1  0.1    89  89  86  135   100 100 100   81
 *	50, day                    0.2  0.1  0.0    99  99  96   97   100 100 100   80
 *	50, day, bursts            2.5  1.4  0.0    98  98  96   97   100 100 100   80
 *	50, day, batches           1.5  1.4  0.9    68  68  65  108    98  98  97   83
 *	50, day, restless          0.5  0.5  0.2    13  13  13  253    58  58  57  144
 *	500, day                   0.2  0.1  0.0   100 100  95   86   100 100 100   80
 *
 * Where a fall of 30 % is plain, 5 % sees little more of them than 20 % does; where a host is
 * restless, its own noise hides them, whatever is let pass. But 5 and 10 % also see the end of
 * bursts, and pools that give up whole: one of which a quarter is not known, while the rest had
 * 40 % of requests, takes along 22 % of what should be left. Therefore 20 %. A host of a few
 * requests a minute is not protected: nobody could tell.
 *
 * It cannot tell a customer's batch that ends in these ten minutes from a customer who is dropped;
 * nor that those who were expected to vanish are innocent (holdout.h looks for that). Where more
 * than 88 % is expected to vanish, what is left is too little to watch. A pool may feign a fall by
 * leaving with far more than is known of it, which wins it a rollback.
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

/* What the host accepts, as the datapath counts it. Two series, because where it cannot see
 * requests it still sees connections; and many requests may come in few connections. Each is judged
 * by itself: one that falls is enough. */
enum rollback_series {
	ROLLBACK_REQUESTS,    /* `requests` */
	ROLLBACK_CONNECTIONS, /* `flow_new` */
	ROLLBACK_SERIES,
};

struct rollback_settings {
	double fall_max; /* share of what should be left that may be lost, 0.2; 0: never told */
	uint32_t fall_for_sec; /* watched after a climb, 600; all times above follow from it */
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
	double share[ROLLBACK_SERIES]; /* expected to vanish */
};

/* 22 KiB. All of it belongs to rollback.c. */
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

/* Nothing is known. Also where fall_for_sec has changed; less than ROLLBACK_WATCH counts as that. */
void rollback_begin(struct rollback *r, const struct rollback_settings *s);

/*
 * Once a cycle: the counters as of now. Where they have become less, began anew, or were not read
 * for four blocks, what lies between is not known. A clock that goes back begins anew.
 */
void rollback_add(struct rollback *r, uint32_t now_sec, uint64_t requests, uint64_t connections);

/*
 * A campaign has climbed: from now on it is expected that these shares of all requests and
 * connections, as they were before any climb that is still watched, are no longer accepted: its
 * members' share times the share of them that is dropped more than before. They may be off by a
 * tenth of themselves. Where they are not known, too large a share hides falls, and too small a one
 * makes them.
 */
void rollback_climbed(struct rollback *r, uint32_t campaign, double requests_share,
		      double connections_share, uint32_t now_sec);

/* A campaign is dropped no longer (rolled back, paused, rejected): what it took away comes back. To
 * be called for all that rollback_check() has named, else it goes on naming them. Nothing is
 * learned from the time since its climb, nor from half the watched time that follows. */
void rollback_withdrawn(struct rollback *r, uint32_t campaign, uint32_t now_sec);

struct rollback_fall {
	enum rollback_series series;
	double left;	 /* share of what was usual before the climb */
	double expected; /* share that was expected to be left */
	double chance;	 /* of so deep a fall, by itself */
	uint32_t since_sec;
	uint32_t campaigns[ROLLBACK_CAMPAIGNS]; /* all that climbed in the watched time */
	size_t n;
	char text[ROLLBACK_TEXT]; /* a sentence with these numbers */
};

/* Once a cycle, after rollback_add(): true, with `*ret`, when all campaigns named in it are to be
 * rolled back. Of several falls the least likely one is told. */
bool rollback_check(const struct rollback *r, const struct rollback_settings *s, uint32_t now_sec,
		    struct rollback_fall *ret);

/* Is enough known that a fall could be told at all? It takes as long as is watched; a ladder that
 * climbs before does so blindly. Never where nothing at all is accepted. */
bool rollback_ready(const struct rollback *r);

#endif
