/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The windows that the correlator looks at, and slots, their smallest part.
 */
#ifndef SIGHT_WINDOW_H
#define SIGHT_WINDOW_H

#include <stdint.h>
#include "user/sight/sums.h"

/* Lengths are fixed proportions of the day's: an hour, a day, a week and 45 days by default. */
enum window {
	WINDOW_HOUR,
	WINDOW_DAY,
	WINDOW_WEEK,
	WINDOW_SEASON,
	WINDOWS,
};

uint32_t window_slots(enum window window);   /* its length, in slots */
const char *window_name(enum window window); /* "hour", "day", "week", "season" */

/* The slot of a time of day, both since 1970, where WINDOW_DAY is so long. */
uint32_t slot_at(int64_t unix_sec, uint32_t day_sec);

/* From one moment of a clock to another; 0 where that is earlier. */
static inline uint32_t sec_since(uint32_t then_sec, uint32_t now_sec)
{
	return now_sec > then_sec ? now_sec - then_sec : 0;
}

#endif
