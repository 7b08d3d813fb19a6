/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds: lists that come from somebody else. Each has a name and a number, which is the actor of
 * its claims.
 */
#ifndef FEEDS_H
#define FEEDS_H

#include "user/store/state.h"

struct agent;

#define FEEDS_MAX 256

struct feeds {
	struct state_feed *list;
	size_t n;
};

void feeds_clear(struct feeds *f);
const struct state_feed *feeds_find(const struct feeds *f, const char *name);
const struct state_feed *feeds_number(const struct feeds *f, uint32_t number);

/* The one of that name, or one that was never imported, with a number that nobody has had. Claims
 * of a feed whose name was lost with its file still have theirs. */
struct state_feed feeds_get(const struct agent *a, const char *name);
/* Takes it over and records it. -ENOSPC: too many. */
int feeds_put(struct agent *a, const struct state_feed *feed, char *why);

#endif
