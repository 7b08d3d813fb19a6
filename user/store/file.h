/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database beneath history.h, shared by the files of this folder.
 *
 * Six tables have one form: (start, key) -> packed counts, ordered by both, so that writing appends
 * and ageing takes off the front. Statements are made once. A function of this folder that meets an
 * error of SQLite returns db_errno(); the functions of history.h end with file_end(), which sets a
 * damaged file aside once no statement is at work any more.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "user/store/db.h"
#include "user/store/history.h"
#include "user/store/known.h"
#include "user/store/queue.h"

/* Tables: sources by span, then prefixes by span. */
#define KIND_NET SPANS
#define KINDS (2 * SPANS)

enum query {
	QUERY_PUT,     /* start, key, data: adds to what is there */
	QUERY_PUT_NEW, /* the same, but lets be what is there */
	QUERY_GET,     /* start, key -> data */
	QUERY_NEXT,    /* start -> the next greater one, or NULL */
	QUERY_NEWEST,  /* -> the greatest start, or NULL */
	QUERY_COUNT,   /* start -> rows */
	QUERY_REMOVE,  /* start, n: the first n rows of a span */
	QUERIES,
};

/* How long rows are kept, in slots. An older half of any window but the week and the season lies in
 * the hours kept; the season's oldest day is 45 days and a part of one ago. */
#define KEEP_SLOTS (3 * SPAN_HOUR_SLOTS)
#define KEEP_HOURS (2 * SPAN_DAY_SLOTS)
#define KEEP_DAYS (46 * SPAN_DAY_SLOTS)

/* Spans that another life of the agent did not see the end of; see fold.c. */
struct fold {
	uint32_t start[SPANS]; /* of the hour and the day; 0: done */
	uint8_t key[16];       /* the last one of the fold that is at work */
	int key_size;
};

/* Prefixes in them; see netfold.c. */
struct net_fold {
	unsigned int span; /* at work; 0: not begun, SPANS: done */
	uint32_t part;	   /* of it */
	uint32_t start[SPANS];
};

/* The reading of everything, part by part; see past.c. */
struct recall {
	struct known *known; /* of those told so far; NULL: not at work */
	uint8_t key[16];     /* the last one told */
	size_t key_size;
};

struct history {
	struct history_settings settings;
	struct db db;
	sqlite3_stmt *queries[KINDS][QUERIES];
	struct queue queue;
	struct fold fold;
	struct net_fold net_fold;
	struct recall recall;
	struct known *known;	  /* NULL before all was read once */
	char notice[HISTORY_WHY]; /* what the next flush must tell; empty: nothing */
	bool renewed;		  /* it tells that the file was set aside */
	uint32_t trimmed_slot;	  /* when days last had to go for want of room; 0: never */
	uint32_t now_slot;	  /* at the last flush */
	bool compared;		  /* its newest row with the clock; see history_clock() */
	bool moved;		  /* the clock, since the start */
	uint32_t doubt_sec;	  /* until then it may be wrong */
	uint32_t counted_start;	  /* the day that `counted` rows were counted of */
	uint64_t counted;
};

/* 0, 1 (an older file was set aside; `why`), or negative (`why`). */
int file_open(struct history *h, char *why);

int file_end(struct history *h, int r);
/* The same for who only reads, and goes on without: what failed is told by the next flush. */
int file_end_reading(struct history *h, int r);

/* A row by QUERY_PUT or QUERY_PUT_NEW. */
int file_put(struct history *h, sqlite3_stmt *s, const struct queued *row);
/* The next span that a table has rows of. 1, 0: none. */
int file_next_start(struct history *h, unsigned int kind, int64_t after, int64_t *ret);

const char *kind_table(unsigned int kind);
uint32_t span_slots(enum span span);
uint32_t kept_slots(enum span span);

int64_t slot_unix(const struct history *h, int64_t slot);

/* At most so many of the queued rows. On failure they are queued as before. */
int deeds_write(struct history *h, size_t max);
/* 1, 0: not there, or not readable. */
int deeds_get(struct history *h, enum span span, uint32_t start, const uint8_t *key,
	      size_t key_size, struct deed *ret);
int fold_some(struct history *h, uint32_t now_slot, size_t max); /* sources; SIZE_MAX: all */
/* As deeds_get(), and where a span is yet to be folded, what its row will be. */
int fold_get(struct history *h, enum span span, uint32_t start, const uint8_t *key, size_t key_size,
	     struct deed *ret);
/* Before the first row is written: about `max` rows. 1: there is more. */
int netfold_some(struct history *h, uint32_t now_slot, size_t max);
int fold_begin(struct history *h);
/* Has a span that is over yet to be folded? */
bool fold_due(const struct history *h, uint32_t now_slot);
/* Functions of SQL that the statements need. */
int deeds_register(struct history *h);

#endif
