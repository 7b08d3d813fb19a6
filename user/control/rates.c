/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic cell rate algorithm (ITU-T I.371): instead of tokens, which run full, there is a time
 * up to which requests are paid for, which passes.
 */
#include "user/control/rates.h"

static const struct {
	unsigned int per_sec, burst;
} limits[2][RATES] = { RATE_OTHERS, RATE_TRUSTED };

static uint64_t latest_due(const struct rate_user *u)
{
	uint64_t due = 0;

	for (int i = 0; i < RATES; i++)
		due = u->due_us[i] > due ? u->due_us[i] : due;
	return due;
}

/* The user's row; a new one has asked for nothing, like whoever is forgotten for it. */
static struct rate_user *user_of(struct rates *r, uid_t uid)
{
	struct rate_user *least = r->users;

	for (struct rate_user *u = r->users; u < r->users + RATE_USERS; u++) {
		if (u->uid == uid && latest_due(u))
			return u;
		if (latest_due(u) < latest_due(least))
			least = u;
	}
	*least = (struct rate_user){ .uid = uid };
	return least;
}

uint64_t rates_take(struct rates *r, uid_t uid, bool trusted, enum rate what, uint64_t now_us)
{
	struct rate_user *u = user_of(r, uid);
	uint64_t each = 1000000 / limits[trusted][what].per_sec;
	uint64_t most = now_us + each * limits[trusted][what].burst;
	uint64_t due = u->due_us[what] > now_us ? u->due_us[what] : now_us;

	if (due + each > most)
		return due + each - most;
	u->due_us[what] = due + each;
	return 0;
}
