/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to sessions.
 */
#include "user/shoal/sessions.h"

/* One page or one call with its retries; a piece of work; a sticky session of the longest kind that
 * proxy networks sell as their default. */
const uint32_t session_tau_sec[SESSION_TAUS] = { 60, 600, 3600 };

unsigned int sessions_collect(const struct rhythm *r, uint32_t tau_sec,
			      struct session ret[RHYTHM_TIMES])
{
	unsigned int n = 0;
	uint32_t sec;

	for (unsigned int i = 0; i < r->n; i++) {
		sec = rhythm_time(r, i);
		if (n && sec - ret[n - 1].end <= tau_sec)
			ret[n - 1].end = sec;
		else
			ret[n++] = (struct session){ sec, sec };
	}
	return n;
}
