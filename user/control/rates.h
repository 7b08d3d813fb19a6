/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many requests a user may make: so many a second in the long run, and a burst at once. A
 * script that runs wild keeps neither the agent from its work nor others from being answered. Pure.
 */
#ifndef CONTROL_RATES_H
#define CONTROL_RATES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum rate {
	RATE_REQUEST, /* any */
	RATE_CHANGE,  /* one that changes something: lists are built and written */
	RATE_FILE,    /* one with a descriptor: lists of any size are read */
	RATES,
};

/* Of root and the agent's own user: a script that adds address by address must come through. */
#define RATE_TRUSTED \
	{ \
		{ 200, 1000 }, { 50, 500 }, \
		{ \
			10, 100 \
		} \
	}
#define RATE_OTHERS \
	{ \
		{ 50, 200 }, { 10, 100 }, \
		{ \
			1, 10 \
		} \
	}

#define RATE_USERS 64 /* told apart; when more are at it at once the least busy one is forgotten */

struct rates {
	struct rate_user {
		uid_t uid;
		uint64_t due_us[RATES]; /* when all that was let through would have been due */
	} users[RATE_USERS];
};

/* 0: let it through, and it counts. Otherwise the microseconds until it would be. `r` is zero in
 * the beginning. */
uint64_t rates_take(struct rates *r, uid_t uid, bool trusted, enum rate what, uint64_t now_us);

#endif
