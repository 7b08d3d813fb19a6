/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of seeds: addresses known to be bad.
 *
 *	# accounts banned on Monday
 *	203.0.113.7
 *	2001:db8:1:2::9 ticket 4711	# the note is kept, this is not
 *
 * One address a line, and behind blanks a note. What stands behind # at the beginning of a line or
 * behind a blank is a comment. A prefix is refused: who is in it is not known one by one. Pure but
 * for reading.
 */
#ifndef CONTROL_SEEDFILE_H
#define CONTROL_SEEDFILE_H

#include <stdio.h>
#include "user/shoal/seeds.h"

#define SEEDFILE_WHY 320

/* A line. 1: `ret` is its seed, with times of 0; 0: there is none on it; -EINVAL and a sentence in
 * `why` (`size` bytes). Cuts `line` up. */
int seed_parse(char *line, char *why, size_t size, struct seed *ret);

/* Told of each bad line: "file:12: sentence". */
typedef void (*seedfile_bad)(const char *sentence, void *arg);

/* All lines, in the order of the file; `ret` is the caller's to free. -EINVAL when any is bad, with
 * each of them told; then `ret` is untouched. */
int seedfile_read(FILE *f, const char *name, seedfile_bad bad, void *arg, struct seeds *ret);

#endif
