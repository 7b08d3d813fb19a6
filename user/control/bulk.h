/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files on their way between the command line and the agent, as memory that is passed with a
 * request (memfd_create(2)).
 *
 * The agent opens no path that a client names: the client reads what it may read itself. What
 * the agent maps is sealed, so that it can neither change while it is read nor be cut short, which
 * would end the agent with SIGBUS.
 */
#ifndef CONTROL_BULK_H
#define CONTROL_BULK_H

#include <stddef.h>
#include <stdio.h>

#define BULK_WHY 512

/* --- The command line's side ------------------------------------------------------------------ */

/* Called about once a second, from the second one on. May be NULL. */
typedef void (*bulk_progress)(size_t bytes);

/* Reads a file, a pipe, or for "-" standard input, of at most `max` bytes, into sealed memory. 0 or
 * a negative errno with a sentence in `why` (BULK_WHY bytes); -EFBIG: it is longer. */
int bulk_load(const char *path, size_t max, bulk_progress progress, char *why, int *ret);

/* Empty memory for the agent to write into. */
int bulk_new(char *why, int *ret);
/* Copies all that memory holds to a descriptor. */
int bulk_copy(int fd, int to, char *why);

/* --- The agent's side ------------------------------------------------------------------------- */

struct bulk {
	const char *bytes;
	size_t len;
};
/* Maps sealed memory of at most `max` bytes. -EINVAL: it is none; -EFBIG; the descriptor is not
 * needed any longer. */
int bulk_map(int fd, size_t max, char *why, struct bulk *ret);
void bulk_unmap(struct bulk *b);

/* Opens empty memory to write into it. -EINVAL: it is none. The descriptor stays the caller's. */
int bulk_open(int fd, char *why, FILE **ret);

#endif
