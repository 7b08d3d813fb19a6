/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An answer on its way to a client: one line of JSON, made in pieces of some kilobytes as they are
 * taken. Pure.
 */
#ifndef CONTROL_REPLY_H
#define CONTROL_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include "user/control/answer.h"

#define REPLY_PIECE (64 * 1024) /* bytes, and one row more */

struct reply {
	struct answer answer;
	size_t row; /* the next one to be made */
	char *text; /* made and not yet taken: from `taken` to `len` */
	size_t len, taken, room;
	bool ended; /* the text holds the end of the line */
};

/* Takes over `answer`, also on failure. `r` is zero, or has been cleared. */
int reply_begin(struct reply *r, struct answer *answer);
void reply_clear(struct reply *r);

/* What comes next; 0 bytes at the end. Stays valid until more is taken. */
int reply_peek(struct reply *r, const char **ret, size_t *ret_len);
void reply_take(struct reply *r, size_t len);

#endif
