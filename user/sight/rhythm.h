/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a source asks: the times of its last requests, as far as harvests saw them apart, and in
 * which slots of the last day it asked at all.
 */
#ifndef SIGHT_RHYTHM_H
#define SIGHT_RHYTHM_H

#include <stdbool.h>
#include <stdint.h>
#include "user/sight/sums.h"

#define RHYTHM_TIMES 16
#define RHYTHM_WORDS 3
#define RHYTHM_SLOTS (64 * RHYTHM_WORDS) /* more than SPAN_DAY_SLOTS: a day and the present one */

struct rhythm {
	uint64_t active[RHYTHM_WORDS]; /* bit i: in slot `slot` - i */
	uint32_t slot;		       /* the newest one it asked in */
	uint32_t times[RHYTHM_TIMES];  /* seconds, a ring */
	uint8_t n, next;	       /* how many of them, and where the next one goes */
};

/* A request at `sec` in slot `slot`; neither may go backwards. */
void rhythm_note(struct rhythm *r, uint32_t sec, uint32_t slot);

/* The i-th of the n times, oldest first. */
static inline uint32_t rhythm_time(const struct rhythm *r, unsigned int i)
{
	return r->times[(r->next + RHYTHM_TIMES - r->n + i) % RHYTHM_TIMES];
}

/* Did it ask in this slot? false also where that is no longer known. */
bool rhythm_asked(const struct rhythm *r, uint32_t slot);

/* The slots it asked in as seen from `slot`: bit i says that it did so in slot - i. */
void rhythm_active(const struct rhythm *r, uint32_t slot, uint64_t ret[RHYTHM_WORDS]);

/* Marks a slot of the past. */
void rhythm_mark(struct rhythm *r, uint32_t slot);

#endif
