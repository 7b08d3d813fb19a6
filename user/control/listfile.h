/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of prefixes as files, read from bytes in memory and written to a stream.
 *
 *	plain	  203.0.113.0/24 # note		one address or prefix a line; ; begins a note too
 *	firehol	  the same, written with the header of a netset and without notes
 *	csv	  prefix,action,note		names of columns, then one line an entry (RFC 4180)
 *	ndjson	  {"prefix":"203.0.113.0/24","action":"drop"}	as entries in answers
 *	spamhaus  {"cidr":"192.0.2.0/24","sblid":"..."} and a last line of type metadata, whose
 *		  number of records must be right; or, as it was once, 192.0.2.0/24 ; SBL1
 *
 * Columns of csv: prefix; action, share (5%, or 0.05), rate_pps, burst, hello, ttl (seconds, or
 * 90m), expires (seconds since 1970, or never), note; origin and actor are read and mean nothing.
 * Members of ndjson are those of an entry in an answer, where what only describes an entry (origin,
 * actor, hits, campaign, ...) means nothing either; besides there are ttl_sec and permanent.
 *
 * A line that is not understood is an error. Lines end with LF or CR LF, the last one may end with
 * the file; a byte order mark is skipped. A note behind # is cut to what an entry holds, one that
 *is a value of its own is refused when it is too long.
 */
#ifndef CONTROL_LISTFILE_H
#define CONTROL_LISTFILE_H

#include <stdint.h>
#include <stdio.h>
#include "user/control/wish.h"
#include "user/judge/entry.h"

#define LISTFILE_BYTES (128 << 20)   /* of a file to read; holds LIST_MAX entries in any format */
#define LISTFILE_WRITTEN (512 << 20) /* bytes that LIST_MAX entries take at most when written */
#define LISTFILE_ERRORS 20	     /* kept; a screen */
#define LISTFILE_TEXT 256

enum list_format {
	LIST_AUTO, /* what the first line looks like; only to read */
	LIST_PLAIN,
	LIST_CSV,
	LIST_NDJSON,
	LIST_FIREHOL,
	LIST_SPAMHAUS,
};
const char *list_format_name(enum list_format format);
int list_format_parse(const char *name, enum list_format *ret); /* -ENOENT */

/* Lines and what is wrong with them, in the order it was found; line 0 is the file as a whole. */
struct listfile_error {
	uint32_t line;
	char text[LISTFILE_TEXT];
};
struct listfile_errors {
	struct listfile_error list[LISTFILE_ERRORS]; /* the first min(all, LISTFILE_ERRORS) */
	size_t all;
};
/* Adds one. */
__attribute__((format(printf, 3, 4))) void listfile_refuse(struct listfile_errors *e, uint32_t line,
							   const char *format, ...);
size_t listfile_kept(const struct listfile_errors *e); /* how many are in its list */
/* Those that are kept, for an answer: [{"line":3,"text":"..."},...]; NULL when memory is out. */
json_t *listfile_lines(const struct listfile_errors *e);

/* What a file holds, in its order. Lines that say the same of the same prefix are one entry, with
 * the first note. */
struct listfile {
	struct entry *list;
	uint32_t *lines; /* that each entry stands on */
	size_t n;
	size_t duplicates; /* lines left out since they say what another one said */
	size_t expired;	   /* lines left out since their end has passed */
	/* Lines left out since no entry may be so wide, where the terms allow that; the place for
	 * those that other guards refuse. */
	struct listfile_errors skipped;
};
void listfile_clear(struct listfile *l);

/*
 * Reads all of a file. -EINVAL when any line is bad, with `errors`, which is zero before, or
 * -ENOMEM. `seed` is random, so that nobody can choose prefixes that take long.
 */
int listfile_read(const char *bytes, size_t len, enum list_format format,
		  const struct wish_terms *terms, uint64_t seed, struct listfile_errors *errors,
		  struct listfile *ret);

/*
 * Writes entries; LIST_AUTO is -EINVAL. What the format can hold reads back the same: csv and
 * ndjson all that a line may say, plain and spamhaus prefix and note, firehol the prefix; whoever
 * writes an entry that does not drop in one of these makes it one that does.
 */
struct listfile_writing {
	int64_t epoch;	  /* second 0 of the entries' times in seconds since 1970 */
	int64_t unix_sec; /* for the header */
	size_t bytes_max; /* -EFBIG beyond */
	/* The name of who asked for an entry, or NULL. May be NULL itself. */
	const char *(*actor)(const struct seine_entry *row, void *arg);
	void *arg;
};
int listfile_write(FILE *f, enum list_format format, const struct entry *list, size_t n,
		   const struct listfile_writing *w, size_t *ret_bytes);

#endif
