/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What somebody says of an entry, in a request or on a line of a file, and the entry that follows.
 * What is not said comes from the terms; what an action would ignore is refused. Pure.
 */
#ifndef CONTROL_WISH_H
#define CONTROL_WISH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "user/judge/entry.h"

#define WISH_UNSAID INT64_MIN

struct wish {
	const char *prefix;
	const char *action, *hello, *note; /* NULL: not said; a hello of "" is none at all */
	json_int_t share, rate_pps, burst; /* WISH_UNSAID, or as struct seine_entry has them */
	json_int_t ttl_sec;		   /* WISH_UNSAID, or from the time of the terms on */
	json_int_t expires;		   /* WISH_UNSAID, or seconds since 1970 */
	int permanent;
	/* A share, rate or burst of 0 says that there is none, as entries have it that are shown. */
	bool zeros;
};
#define WISH_NOTHING \
	{ \
		.share = WISH_UNSAID, .rate_pps = WISH_UNSAID, .burst = WISH_UNSAID, \
		.ttl_sec = WISH_UNSAID, .expires = WISH_UNSAID \
	}

struct wish_terms {
	/* Who and when; and what holds where nothing is said: an action with its share or rate, a
	 * hello, a note, an end. */
	struct seine_entry row;
	bool must_end;	/* an entry that never ends is refused */
	bool skip_wide; /* a prefix that is too wide is -ERANGE: a list is used without it */
	uint32_t now_sec;
	int64_t epoch; /* second 0 of now_sec in seconds since 1970 */
};

/* -EINVAL with a sentence in `why` (REQUEST_WHY bytes); -ETIME, with one too, when the entry's end
 * has passed; -ERANGE as the terms say. Hit slot, origin, actor and campaign are those of the
 * terms. */
int wish_entry(const struct wish *w, const struct wish_terms *t, char *why, struct entry *ret);

/* The parts, for what has a note or a time to live and is no entry. `ret` of a note holds
 * SEINE_NOTE bytes; that of an end is seconds since boot, 0: never. */
int wish_note(const char *text, char *why, char *ret);
int wish_end(int permanent, json_int_t ttl_sec, uint32_t now_sec, char *why, uint32_t *ret);

#endif
