/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent sends back: one JSON object a line.
 *
 *	{"seine":{"schema":1,"kind":"status"}, ...}
 *	{"seine":{"schema":1,"kind":"error"},"error":{"code":"refused","text":"..."}}
 *
 * Members are only ever added; whoever removes or renames one raises ANSWER_SCHEMA.
 */
#ifndef CONTROL_ANSWER_H
#define CONTROL_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/base/prefix.h"

#define ANSWER_SCHEMA 1
#define ANSWER_DIGITS 6 /* of a real number */

/* Why a request failed. Both sides map it: the agent from errno, the command line to its exit
 * code. */
enum answer_code {
	ANSWER_FAILED,	/* tried, and it did not work */
	ANSWER_INVALID, /* the request makes no sense */
	ANSWER_MISSING, /* there is no such thing */
	ANSWER_DENIED,	/* the caller may not */
	ANSWER_REFUSED, /* a guard forbids it to anyone */
	ANSWER_BUSY,	/* too much was asked for; later it will be answered */
};

/*
 * An answer as a handler returns it. `head` holds all members but one: rows are turned into JSON
 * one by one while the client takes them, so that a long list neither blocks the agent nor fills
 * its memory.
 */
struct answer {
	json_t *head;
	const char *member; /* that the rows go to; NULL: there are none */
	size_t n;
	json_t *(*row)(void *rows, size_t i); /* a new reference, NULL when memory is out */
	void *rows;			      /* owned; freed with free() */
	unsigned int topic; /* lines that follow the answer, see server.h; 0: none do */
};

void answer_clear(struct answer *a);

/* Never NULL for a valid code: "refused". */
const char *answer_code_name(enum answer_code code);
enum answer_code answer_code_of_errno(int r);

/* An object with its envelope. NULL only when memory is out, as for all functions of jansson. */
json_t *answer_new(const char *kind);
json_t *answer_error(enum answer_code code, const char *text);

/* "" when the answer has no envelope. */
const char *answer_kind(const json_t *answer);

/* Is it an error? Then its code (ANSWER_FAILED for one not known) and text, borrowed from
 * `answer`. */
bool answer_is_error(const json_t *answer, enum answer_code *ret_code, const char **ret_text);

/*
 * Values as answers carry them. A fixed-size text from a map may be unterminated or no UTF-8:
 * what is not printable ASCII or valid UTF-8 becomes '?'.
 */
json_t *answer_text(const char *text, size_t size);
json_t *answer_prefix(const struct prefix *p);
json_t *answer_address(const uint8_t ip[16]);
json_t *answer_key(uint64_t key);     /* 16 hexadecimal digits; null for 0 */
json_t *answer_campaign(uint32_t id); /* "c-1f3a"; null for 0 */

#endif
