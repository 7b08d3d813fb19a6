/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on their way to a client that follows something: bounded, so that a slow client costs
 * nobody else anything. What finds no room is counted, and the client is told in a line of its own:
 *
 *	{"seine":{"schema":1,"kind":"lost"},"lines":17}
 *
 * Pure.
 */
#ifndef CONTROL_BACKLOG_H
#define CONTROL_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

#define BACKLOG_BYTES (256 * 1024) /* some 700 connections */

struct backlog {
	char *bytes; /* BACKLOG_BYTES; from `taken` to `len` is due */
	size_t len, taken;
	uint64_t lost; /* lines the client was not yet told of */
};

int backlog_new(struct backlog *ret);
void backlog_clear(struct backlog *b); /* a zeroed one is fine */

/* Adds a line, which has no newline of its own, or counts it as lost. */
void backlog_put(struct backlog *b, const char *line, size_t len);

/* What is due next; 0 bytes when nothing is. Stays valid until lines are put or taken. */
void backlog_peek(const struct backlog *b, const char **ret, size_t *ret_len);
void backlog_take(struct backlog *b, size_t len);

#endif
