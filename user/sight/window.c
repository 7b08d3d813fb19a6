/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lengths of time. */
#include "user/sight/window.h"

static const struct {
	const char *name;
	uint32_t slots;
} windows[WINDOWS] = {
	[WINDOW_HOUR] = { "hour", SPAN_HOUR_SLOTS },
	[WINDOW_DAY] = { "day", SPAN_DAY_SLOTS },
	[WINDOW_WEEK] = { "week", 7 * SPAN_DAY_SLOTS },
	[WINDOW_SEASON] = { "season", 45 * SPAN_DAY_SLOTS },
};

uint32_t window_slots(enum window window)
{
	return windows[window].slots;
}

const char *window_name(enum window window)
{
	return windows[window].name;
}

uint32_t slot_at(int64_t unix_sec, uint32_t day_sec)
{
	return unix_sec > 0 ? (uint32_t)((uint64_t)unix_sec * SPAN_DAY_SLOTS / day_sec) : 0;
}
