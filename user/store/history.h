/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is remembered beyond a restart: what each source and prefix did in slots, hours and days,
 * seeds, and campaigns with their evidence as it was when something was decided. SQLite, one file,
 * write-ahead log.
 *
 *	span	told for	kept (with the default window)
 *	slot	10 minutes	3 hours
 *	hour	1 hour		2 days
 *	day	1 day		46 days
 *
 * Rows are queued in memory and written a bounded number at a time, so that no cycle is late; what
 * is lost in a crash is what was not yet written: the last slot. When the file would grow beyond
 * its limit the oldest days go first. Times are counted in slots since 1970 (slot_at()).
 *
 * A file that turns out to be damaged is set aside at once, whoever meets that; the next flush
 * tells. What is queued and not yet written is not seen by those who read.
 *
 * Measured with SQLite 3.40 on a virtual machine of two cores, a million sources of which a fifth
 * is IPv6, about 25 requests a day each:
 *
 *  - a row of a day, all told: 48 bytes (49.7, 45.5, 50.2 MB for three days); so 46 days of a
 *    million take 2.2 GB; hours and slots add 1.5 GB at most with so few requests
 *  - a million rows written: 1.9 s; 20,000 rows a call: 40 ms, the first 0.29 s, as it sorts
 *  - history_pasts(): 0.66 us a row; 32 million rows (24 hours, 3 days, 5 slots) 21 s of CPU; 46 MB
 *    of memory, however many sources there are
 *  - history_past(): 0.3 ms; 0.2 us for a source that was never seen
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/shoal/seeds.h"
#include "user/shoal/shoal.h"
#include "user/sight/observation.h"

#define HISTORY_WHY 256

struct history;

struct history_settings {
	const char *path;    /* ":memory:" keeps nothing */
	uint32_t window_sec; /* of WINDOW_DAY; a file made with another one is set aside */
	uint64_t size_max;   /* bytes of the file and its log */
	int64_t epoch_sec;   /* as in struct observation_settings */
};

/* 1: a file that could not be read was set aside under another name, and a new one begun; `why`
 * (HISTORY_WHY bytes) names both. Negative: `why` says what is wrong. */
int history_open(const struct history_settings *s, char *why, struct history **ret);
void history_close(struct history *h); /* writes what is queued; NULL is fine */
static inline void history_closep(struct history **h)
{
	history_close(*h);
	*h = NULL;
}

/* --- Sources --- */

/* Queues a row; its type fits observations_tell. -ENOMEM. */
int history_put(enum span span, uint32_t start, const struct deed *deed, void *history);

/*
 * What was known of a source. 1: something, 0: nothing. Windows are as the table of observations
 * would have them, to the slot; but of what is older than two days, a day that a border divides
 * belongs to the half that its middle lies in, and a border in its middle is at its start. The
 * trail takes a row's handshakes to be in the middle of its span (a day's: 5 % off at most), and
 * what is older than 46 days is gone from it. The source was first seen when its oldest row begins.
 */
int history_past(struct history *h, const uint8_t source[16], uint32_t now_sec, struct past *ret);

/* The same for all sources of which something is known, each once, in no order; for a start. Reads
 * the whole file once, about `rows` rows of it in a call. 1: there is more, which the next call
 * with the same `now_sec` goes on with; nothing may be flushed meanwhile. 0: all was told, or the
 * rest cannot be read, which the next flush tells. An error of `visit` ends it and is returned. */
int history_pasts(struct history *h, uint32_t now_sec, size_t rows,
		  int (*visit)(const uint8_t source[16], const struct past *past, void *arg),
		  void *arg);

/* A source's days, oldest first: what it did and when. */
int history_days(struct history *h, const uint8_t source[16],
		 int (*visit)(int64_t start_unix, const struct deed *deed, void *arg), void *arg);

/* --- Prefixes: /24 and /48 --- */

struct net_deed {
	uint8_t net[16];
	/* Sources that were first seen in it then. */
	uint32_t sources, connections, requests, syns;
};

int history_put_net(struct history *h, enum span span, uint32_t start, const struct net_deed *d);
int history_net_days(struct history *h, const uint8_t net[16],
		     int (*visit)(int64_t start_unix, const struct net_deed *d, void *arg),
		     void *arg);

/* --- Writing and ageing --- */

/* Writes at most `max` queued rows in one transaction, then removes a bounded number of rows that
 * are too old or too many. Returns how many still wait, and 1 more
 * while what a former life left is put in order first. On failure they stay queued up to a limit,
 * beyond which the oldest are dropped and counted. */
int64_t history_flush(struct history *h, size_t max, uint32_t now_sec, char *why);

/*
 * A clock that is wrong at a start would make everything in the file too old, or never old. So
 * where its newest row is more than two days behind the clock, or a day ahead, no row is removed
 * for its age in the first hour; and none at all once the clock was set by more than a slot, as
 * all that is written now is dated by what it said at the start. To be asked each cycle.
 */
enum history_clock { CLOCK_TRUSTED, CLOCK_DOUBTED, CLOCK_MOVED };
enum history_clock history_clock(struct history *h, int64_t now_unix, uint32_t now_sec);

struct history_state {
	uint64_t bytes;		/* of the file and its log */
	uint64_t queued, lost;	/* rows not yet written; given up */
	uint64_t sources, days; /* rows of the newest whole day; days held */
	int64_t oldest_unix;
	bool full; /* days younger than their time had to go */
};
int history_state(struct history *h, struct history_state *ret);
/* The same, for every cycle to ask. */
bool history_full(const struct history *h);
uint64_t history_lost(const struct history *h);

/* --- Seeds --- */

int history_seeds(struct history *h, int64_t now_unix, struct seeds *ret); /* caller frees list */
/* All or none, on the disk when it returns. An address that is there already keeps the later end. */
int history_add_seeds(struct history *h, const struct seeds *more, char *why);
int history_clear_seeds(struct history *h, char *why);

/* --- Campaigns --- */

/* The campaigns of a round, whole, so that they keep their names over a restart. What was saved
 * before is gone. `ret_left_out` are those that cannot be read. */
int history_save_campaigns(struct history *h, const struct campaigns *c);
int history_campaigns(struct history *h, uint32_t now_sec, struct campaigns **ret,
		      size_t *ret_left_out);

/* What was known of a campaign when something was decided about it. */
struct dossier {
	int64_t unix_sec;
	char event[16]; /* "found", "acted", "grown", "ended" */
	char *json;	/* the evidence as `seine campaign explain --json` shows it */
};
/* `anew`: those of an earlier campaign that had the name go. */
int history_put_dossier(struct history *h, uint32_t campaign, const struct dossier *d, bool anew);
/* Newest first; at most `limit`. The dossier is the callee's. */
int history_dossiers(struct history *h, uint32_t campaign, size_t limit,
		     int (*visit)(const struct dossier *d, void *arg), void *arg);

#endif
