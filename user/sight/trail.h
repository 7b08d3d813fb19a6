/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is left of a source's handshakes: their gap classes, weighed by age.
 */
#ifndef SIGHT_TRAIL_H
#define SIGHT_TRAIL_H

#include <stdint.h>

/*
 * A source's handshakes by gap class, each weighed by age: half after a week (seven days' windows).
 * Where the SYN tells that another machine has the address now, what it leaves of the past weighs
 * no more than TRAIL_LEFT of one handshake.
 */
struct trail {
	float none, single, dual;
	uint32_t sec; /* the weights are as of then */
};
#define TRAIL_HALF_LIFE 7 /* days */
#define TRAIL_LEFT 0.5f

/* As of now, where WINDOW_DAY is `day_sec` long. */
struct trail trail_at(const struct trail *t, uint32_t now_sec, uint32_t day_sec);

/* The machine behind the address is another one: what was seen of the old one says little. */
void trail_doubt(struct trail *t);

#endif
