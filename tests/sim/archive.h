/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run's own history file, written as the agent writes it, and how it grows.
 */
#ifndef SIM_ARCHIVE_H
#define SIM_ARCHIVE_H

#include <limits.h>
#include "user/store/history.h"

#define ARCHIVE_DAYS 64

struct archive {
	char dir[PATH_MAX]; /* below TMPDIR; goes with all that is in it */
	struct history *history;
	/* By day, as of its midnight: the file and its log, and sources in the newest whole day. */
	uint64_t bytes[ARCHIVE_DAYS], rows[ARCHIVE_DAYS];
	uint32_t n;
	struct history_state last;
};

/* 0 or a negative errno, then stderr says why. */
int archive_open(uint32_t window_sec, int64_t epoch_sec, struct archive **ret);
void archive_free(struct archive *a);
static inline void archive_freep(struct archive **a)
{
	archive_free(*a);
	*a = NULL;
}

/* What at most `cycles` cycles of the agent write; stops early when nothing waits. 0 or a negative
 * errno, then stderr says why. */
int archive_write(struct archive *a, uint32_t cycles, uint32_t now_sec);
int archive_note(struct archive *a);

#endif
