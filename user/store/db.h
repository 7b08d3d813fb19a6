/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SQLite file and what is common to those that seine keeps: write-ahead log, nobody else has it
 * open, errors as errno, and a damaged file is set aside under a name that tells when.
 *
 * Functions that meet an error of SQLite return db_errno(), which remembers the sentence and
 * whether the file is damaged. When no statement is at work any more, the owner asks for
 * db_renew().
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DB_WHY 256
#define DB_PAGE 4096

struct db {
	/* The owner's, before db_open(). `ready` tunes the file, makes or checks its tables and
	 * prepares statements; `unready` finalizes them. */
	char path[PATH_MAX]; /* ":memory:" keeps nothing */
	int (*ready)(void *owner);
	void (*unready)(void *owner);
	void *owner;

	sqlite3 *handle;    /* NULL: not open */
	bool opening;	    /* its tables are being looked at */
	bool damaged;	    /* seen since it was opened */
	char error[DB_WHY]; /* the last one */
};

/* 0, 1 (an older file was set aside; `why`, DB_WHY bytes, names both), or negative (`why`). */
int db_open(struct db *d, char *why);
void db_close(struct db *d); /* also one that was never opened */
/* Sets aside what is open, and begins a new file. Returns as db_open(); never 0. */
int db_renew(struct db *d, char *why);

/* As errno; always negative. */
int db_errno(struct db *d, int code);
/* What SQLite would let pass; always -EUCLEAN. */
int db_damaged(struct db *d, const char *reason);

/* 0, 1 (an empty file, which is a new one), or negative: not `what`, or in another form. */
int db_form(struct db *d, int application, int form, const char *what);

int db_run(struct db *d, const char *sql);
int db_prepare(struct db *d, const char *sql, sqlite3_stmt **ret);
/* Runs a statement that gives nothing, and makes it ready for the next time. */
int db_do(struct db *d, sqlite3_stmt *s);
/* Its first number. 1, 0: none. */
int db_number(struct db *d, sqlite3_stmt *s, int64_t *ret);
int db_pragma(struct db *d, const char *name, int64_t *ret);
void db_roll_back(struct db *d);

/* Bytes of the file and its log. */
uint64_t db_bytes(const struct db *d);

static inline void stmt_finalizep(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
	*s = NULL;
}

#endif
