/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions: requests of one source that follow each other within tau are one turn, because a
 * balancer with sticky sessions deals out sessions, and a person's page takes several requests.
 *
 * No single tau fits: sticky sessions last up to an hour, and at 900 requests a day an hour would
 * make one session of all. So each test of turns is made with several, and pays for it.
 */
#ifndef SHOAL_SESSIONS_H
#define SHOAL_SESSIONS_H

#include "user/sight/rhythm.h"

#define SESSION_TAUS 3
extern const uint32_t session_tau_sec[SESSION_TAUS];

/* A wait over a night tells when people sleep, and whoever asks once a day at a time of his own is
 * as regular as a clock, and comes in the same order every day: longer waits than half a day are
 * not looked at. */
#define SESSION_WAIT_MAX_SEC (12 * 3600)

struct session {
	uint32_t begin, end; /* seconds: of its first and its last request */
};

/* Those in the ring, oldest first. Returns how many. */
unsigned int sessions_collect(const struct rhythm *r, uint32_t tau_sec,
			      struct session ret[RHYTHM_TIMES]);

#endif
