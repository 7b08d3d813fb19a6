/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes that were dropped before: who comes back gets the longer time to live at once, instead
 * of beginning anew with the shortest. Bounded, and forgotten after a month. Pure.
 */
#ifndef JUDGE_REENTRY_H
#define JUDGE_REENTRY_H

#include <stddef.h>
#include <stdint.h>
#include "user/judge/claims.h"

#define REENTRY_DAYS 30
#define REENTRIES_MAX 200000 /* twice the entries there may be at once; the oldest go first */

struct reentry {
	struct prefix prefix;
	uint32_t life_sec; /* how long its last entry lasted */
	int64_t ended_sec; /* since boot; negative: before it */
};

/* Sorted by prefix, each once. */
struct reentries {
	struct reentry *list;
	size_t n;
	size_t room;
};

void reentries_clear(struct reentries *r);

/* Adds what was kept, in any order, each prefix once; then sort once. -E2BIG, -ENOMEM. */
int reentries_append(struct reentries *r, const struct reentry *row);
void reentries_sort(struct reentries *r);

const struct reentry *reentries_find(const struct reentries *r, const struct prefix *p);

/*
 * Takes down which automatic entries of `held` have run out, now that `automatic` (sorted) is what
 * there is of them; only those that dropped something. What is taken back before its time, because
 * a guard, a budget or an operator says so, is not held against anybody. Rows that are too old go.
 * Returns how many rows are new or changed (their ended_sec is now_sec), or -ENOMEM.
 */
int reentries_note(struct reentries *r, const struct claims *held, const struct entries *automatic,
		   uint32_t now_sec);

/* What a new entry lasts: twice as long as the last one, within the two times. */
uint32_t reentries_ttl(const struct reentries *r, const struct prefix *p, uint32_t ttl_sec,
		       uint32_t ttl_max_sec, uint32_t now_sec);

#endif
