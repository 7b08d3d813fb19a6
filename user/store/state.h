/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must not be lost: claims, the allow list of operators, the mode, standings of campaigns,
 * feeds, a trial, and the audit. One SQLite file, write-ahead log, each commit on the disk before
 * it returns. What is committed is read back whole after any death; what is not is absent.
 *
 * A change is recorded first and brought into force then. The list recorded has a sequence number,
 * and so has the one in force: where they differ at a start, we died between the two
 * (judge/reconcile.h).
 *
 * Times are seconds since boot here and unix time in the file. A life of the agent in the same boot
 * reads back the very seconds it was given. After a reboot the clock decides how long we were away;
 * a clock behind the last commit counts as no time at all, so that nothing lives longer than it was
 * meant to.
 *
 * Measured with SQLite 3.40 on a virtual machine of two cores that others used as well, a million
 * claims, as CPU (as time on its disk):
 *
 *  - written anew 1.8 s (4.5 s), all changed 2.6 s (6.4 s), one changed 0.04 s, removed one by one
 *    1.4 s (3.6 s); no more than 17 MB of memory
 *  - read 0.7 s (1.8 s), 107 bytes of memory each
 *  - 95 bytes of the file each; the log grows to 60 MB meanwhile
 *  - a trial of 400,000 claims of people: begun 0.6 s (2.0 s), reverted 1.1 s (3.3 s)
 *  - one change with its audit: 0.2 ms (4 ms); 300,000 events 57 MB; the newest 20 about an address
 *    1 ms
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/judge/claims.h"
#include "user/kernel/datapath.h"

#define STATE_WHY 256
#define STATE_NAME 64 /* of a feed or an actor, with NUL */

struct state;

struct state_settings {
	const char *path;     /* ":memory:" keeps nothing */
	const char *boot;     /* names this boot; NULL: as the kernel says */
	int64_t epoch_sec;    /* unix time at boot: unix = epoch + seconds since boot */
	uint32_t now_sec;     /* since boot */
	uint64_t audit_rows;  /* 0: STATE_AUDIT_ROWS */
	uint64_t audit_bytes; /* of their texts; 0: STATE_AUDIT_BYTES */
};

/* 1: a file that could not be read was set aside under another name, and a new one begun; `why`
 * (STATE_WHY bytes) names both. Negative: `why` says what is wrong; -EBUSY: another agent has it. */
int state_open(const struct state_settings *settings, char *why, struct state **ret);
void state_close(struct state *s); /* NULL is fine; what is not committed is gone */
static inline void state_closep(struct state **s)
{
	state_close(*s);
	*s = NULL;
}

/* The sentence of what failed last, "path: what is wrong". */
const char *state_why(const struct state *s);
/* Bytes of the file and its log. */
uint64_t state_bytes(const struct state *s);
/* What the clock says, to be told when it may have been set. Times in the file follow with the next
 * transaction, those within state_save_rows() excepted. */
void state_clock(struct state *s, int64_t epoch_sec);

/* --- Read at a start --- */

struct state_feed {
	uint32_t number;       /* actor of its claims; never used again for another one */
	char name[STATE_NAME]; /* unique */
	int64_t imported_unix; /* 0: never */
	uint64_t lines;	       /* of the last good copy */
	bool watched;	       /* it has only watched so far */
};

struct state_trial {
	bool active;
	int64_t began_unix;
	uint32_t until_sec;
	uint32_t uid; /* SEINE_NO_ACTOR: nobody */
	char actor[STATE_NAME];
	bool mode_set; /* when it began, as in struct state_loaded */
	enum seine_mode mode;
};

struct state_loaded {
	struct claims *claims; /* sorted; those that are over are among them */
	struct allow_entry *allows;
	size_t n_allows;
	struct state_feed *feeds; /* by number */
	size_t n_feeds;
	uint64_t recorded; /* sequence number of the claims; 0: none were ever recorded */
	uint64_t applied;  /* of those last brought into force */
	uint64_t maps;	   /* in these maps */
	bool mode_set;	   /* by command line, when the configuration said conf_mode */
	enum seine_mode mode, conf_mode;
	struct state_trial trial;
	size_t left_out; /* rows that mean nothing */
};
/* Reads what is committed, and within a transaction what that has changed. -EUCLEAN: the file was
 * damaged and set aside, as for state_begin(); what the new one holds can be read then. */
int state_load(struct state *s, uint32_t now_sec, struct state_loaded *ret);
void state_loaded_clear(struct state_loaded *l);

/* --- Transactions --- */

/*
 * All that follows up to state_commit() is kept as a whole or not at all, as of `now_sec`. What
 * fails within leaves nothing of it: further changes are refused with the same error, and
 * state_commit() returns it. After an error nothing is open.
 *
 * -EUCLEAN: the file turned out to be damaged, was set aside, and a new and empty one is open: what
 * it must hold has to be recorded anew, claims with `before` NULL. state_why() names both files.
 */
int state_begin(struct state *s, uint32_t now_sec);
int state_commit(struct state *s);
void state_roll_back(struct state *s);

/*
 * Writes the difference and raises the sequence number. 1: there was one; 0: nothing changed.
 * `before` NULL: what is held goes, `after` is written whole, and the number rises in any case.
 */
int state_record_claims(struct state *s, const struct claims *before, const struct claims *after);

/* Outside a transaction: the claims recorded are in force, in these maps. Outlives our death at
 * once, and that of the host when the next commit does: its maps die as well. */
int state_applied(struct state *s, uint64_t maps);

/* Of operators only: what files say is read from them. Puts in place of one with the same prefix.
 */
int state_put_allow(struct state *s, const struct allow_entry *e);
int state_remove_allow(struct state *s, const struct prefix *p); /* -ENOENT */
int state_clear_allows(struct state *s);

int state_set_mode(struct state *s, enum seine_mode mode, enum seine_mode conf_mode);
int state_forget_mode(struct state *s); /* the configuration decides */

/* Adds a feed, whose number is filled in where it is 0, or changes the one with the number. */
int state_put_feed(struct state *s, struct state_feed *feed);
int state_remove_feed(struct state *s, uint32_t number); /* -ENOENT */

/* Lists of JSON, for what is not worth a table: all elements of a kind in the order of the array.
 * Only those that differ are written. Bounded by STATE_ROWS and STATE_ROW_BYTES: -E2BIG. */
#define STATE_ROWS 65536
#define STATE_ROW_BYTES (64u << 10)
int state_save_rows(struct state *s, const char *kind, const json_t *array);
/* Outside as well; an empty array where none were saved. `ret_left_out`: those that are no JSON. */
int state_load_rows(struct state *s, const char *kind, json_t **ret, size_t *ret_left_out);

/* --- Trial --- */

/* Copies mode, claims of people and allow list as they are within the transaction. -EEXIST: there
 * is one already. */
int state_trial_begin(struct state *s, uint32_t until_sec, uint32_t uid, const char *actor);
int state_trial_confirm(struct state *s); /* -ENOENT */
/* Puts back what was copied, raises the sequence number and ends the trial; state_load() tells what
 * came of it. -ENOENT. */
int state_trial_revert(struct state *s);
/* What was copied: the people's claims, sorted, and the allow list, which the caller frees. Nothing
 * where there is no trial. */
int state_trial_copy(struct state *s, uint32_t now_sec, struct claims **ret_claims,
		     struct allow_entry **ret_allows, size_t *ret_n_allows);

/* --- Audit --- */

#define STATE_AUDIT_ROWS 1000000ull
#define STATE_AUDIT_BYTES (256ull << 20)
#define AUDIT_WORD 128		   /* bytes of actor, verb, object and result; the rest is cut */
#define AUDIT_TEXT 1024		   /* of text */
#define AUDIT_JSON (16u << 10)	   /* of before and after; what is longer is {"left_out":bytes} */
#define AUDIT_EVIDENCE (64u << 10) /* the same */

/* Texts are NULL where there is none. */
struct audit {
	int64_t id; /* rising; filled in */
	int64_t at_unix;
	uint32_t uid; /* SEINE_NO_ACTOR: nobody */
	uint32_t pid; /* 0: none */
	const char *actor, *verb;
	const char *object;	    /* a prefix is found again by state_log() */
	const char *result;	    /* "done", "refused", "failed", "dry run" */
	const char *text;	    /* a sentence */
	const char *before, *after; /* JSON */
	const char *evidence;	    /* JSON */
};

/* As of the transaction's `now_sec`, which becomes at_unix. The oldest go where there are too many.
 */
int state_audit(struct state *s, const struct audit *a);

struct audit_query {
	int64_t after; /* ids greater than this, the oldest first; -1: all, the newest first */
	size_t limit;
	const struct prefix *within; /* objects that overlap it; NULL: all */
};
/* What is given to `visit` is valid during the call, and the state is not to be changed by it. A
 * negative return of it ends it and is returned. `ret_total` (NULL: not asked for): how many there
 * are beyond `after` without the limit.
 */
int state_log(struct state *s, const struct audit_query *q,
	      int (*visit)(const struct audit *a, void *arg), void *arg, uint64_t *ret_total);
int state_log_newest(struct state *s, int64_t *ret_id); /* 0: none */

#endif
