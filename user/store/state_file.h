/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database beneath state.h, shared by its files.
 *
 * A function that changes something begins with state_writing() and ends with state_done(), which
 * keep the first error of a transaction for its commit. Times go through state_unix() and
 * state_sec(), in the frame of the file: the clock it was written by.
 */
#ifndef STORE_STATE_FILE_H
#define STORE_STATE_FILE_H

#include "user/store/db.h"
#include "user/store/pack.h"
#include "user/store/state.h"

enum state_query {
	STATE_META, /* -> epoch, boot, written, recorded, applied, maps, mode, conf_mode */
	STATE_TOUCH,
	STATE_RAISE,
	STATE_APPLIED,
	STATE_MODE,
	STATE_CLAIMS, /* the same columns from a trial's copies */
	STATE_CLAIM_COUNT,
	STATE_CLAIM_PUT,
	STATE_CLAIM_REMOVE,
	STATE_ALLOWS,
	STATE_ALLOW_PUT,
	STATE_ALLOW_REMOVE,
	STATE_FEEDS,
	STATE_FEED_ADD,
	STATE_FEED_PUT,
	STATE_FEED_REMOVE,
	STATE_ROWS_OF,
	STATE_ROW_PUT,
	STATE_ROWS_CUT,
	STATE_TRIAL,
	STATE_TRIAL_PUT,
	STATE_TRIAL_CLAIMS,
	STATE_TRIAL_ALLOWS,
	STATE_AUDIT_PUT,
	STATE_AUDIT_BOUNDS, /* -> the first id, the last one, bytes of all */
	STATE_AUDIT_FIRST,
	STATE_AUDIT_REMOVE,
	STATE_AUDIT_COUNT,
	STATE_QUERIES,
};

struct state {
	struct db db;
	struct state_settings settings;
	char boot[40];
	int64_t epoch_sec;    /* as the clock says */
	int64_t frame_sec;    /* of the times in the file: unix = frame + seconds since boot */
	int64_t frame_before; /* when the transaction began */
	sqlite3_stmt *queries[STATE_QUERIES];
	bool writing;
	int failed;	      /* of the transaction */
	uint32_t now_sec;     /* of the last transaction */
	uint32_t touched_sec; /* of the last one that was committed; 0: none in this life */
	int changes;	      /* of the connection, when the transaction began */
	char why[STATE_WHY];
};

int state_writing(const struct state *s); /* 0: go on */
int state_done(struct state *s, int r);
/* Where nothing is at work any more: sets a damaged file aside. Returns r, or -EUCLEAN. */
int state_end(struct state *s, int r);
/* What a reader failed with. Within a transaction, it is given up, and its commit does the rest. */
int state_end_reading(struct state *s, int r);

/* Runs a prepared statement that gives nothing; with its numbers bound in order. */
int state_do(struct state *s, enum state_query q, size_t n, const int64_t *numbers);
/* What state_why() says; returns r. */
int state_tell(struct state *s, int r, const char *text);

static inline int64_t state_unix(const struct state *s, uint32_t sec)
{
	return sec_to_unix(sec, s->frame_sec);
}

static inline uint32_t state_sec(const struct state *s, int64_t unix_sec)
{
	return sec_from_unix(unix_sec, s->frame_sec);
}

/* A number of 32 bits; -EBADMSG. */
int state_column(sqlite3_stmt *s, int column, uint32_t *ret);
/* Bytes with trailing zeros left out, and back; -EBADMSG. */
void state_bind_note(sqlite3_stmt *s, int at, const char note[SEINE_NOTE]);
int state_column_note(sqlite3_stmt *s, int column, char ret[SEINE_NOTE]);
void state_column_text(sqlite3_stmt *s, int column, char *ret, size_t size);
/* Never longer from now on than the whole life that was meant. */
uint32_t state_expiry(const struct state *s, int64_t added, int64_t expires, uint32_t now_sec);

#define STATE_PREFIX_KEY 17
void state_prefix_key(const struct prefix *p, uint8_t ret[STATE_PREFIX_KEY]);
int state_prefix_of(const uint8_t *key, struct prefix *ret);

/* Rows of a statement of the form of STATE_CLAIMS or STATE_ALLOWS. What means nothing is counted
 * and left out. */
int state_read_claims(struct state *s, enum state_query q, size_t room, uint32_t now_sec,
		      struct claims **ret, size_t *left_out);
int state_read_allows(struct state *s, enum state_query q, uint32_t now_sec,
		      struct allow_entry **ret, size_t *ret_n, size_t *left_out);
int state_read_feeds(struct state *s, struct state_feed **ret, size_t *ret_n, size_t *left_out);
int state_read_trial(struct state *s, struct state_trial *ret);

#endif
