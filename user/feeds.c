// SPDX-License-Identifier: GPL-2.0-or-later
/* Names and numbers of feeds. See feeds.h. */
#include "user/feeds.h"

#include <errno.h>
#include <string.h>
#include "user/agent.h"
#include "user/ledger.h"

void feeds_clear(struct feeds *f)
{
	free(f->list);
	*f = (struct feeds){ 0 };
}

const struct state_feed *feeds_find(const struct feeds *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].name, name) == 0)
			return &f->list[i];
	return NULL;
}

const struct state_feed *feeds_number(const struct feeds *f, uint32_t number)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].number == number)
			return &f->list[i];
	return NULL;
}

static uint32_t highest_number(const struct agent *a)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < a->feeds.n; i++)
		if (a->feeds.list[i].number > highest)
			highest = a->feeds.list[i].number;
	for (size_t i = 0; i < a->claims->n; i++) {
		const struct seine_entry *row = &a->claims->list[i].row;

		if (row->origin == SEINE_FEED && row->actor > highest &&
		    row->actor != SEINE_NO_ACTOR)
			highest = row->actor;
	}
	return highest;
}

struct state_feed feeds_get(const struct agent *a, const char *name)
{
	const struct state_feed *known = feeds_find(&a->feeds, name);
	struct state_feed feed = { .watched = true };

	if (known)
		return *known;
	feed.number = highest_number(a) + 1;
	snprintf(feed.name, sizeof(feed.name), "%s", name);
	return feed;
}

static int write_feed(struct state *s, const void *arg)
{
	struct state_feed feed = *(const struct state_feed *)arg;

	return state_put_feed(s, &feed);
}

int feeds_put(struct agent *a, const struct state_feed *feed, char *why)
{
	struct state_feed *list = (struct state_feed *)feeds_number(&a->feeds, feed->number);

	if (!list) {
		if (a->feeds.n == FEEDS_MAX)
			return snprintf(why, DATAPATH_WHY, "more than %d feeds", FEEDS_MAX),
			       -ENOSPC;
		list = reallocarray(a->feeds.list, a->feeds.n + 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
		a->feeds.list = list;
		list += a->feeds.n++;
	}
	*list = *feed;
	(void)ledger_record(a, write_feed, feed, NULL);
	return 0;
}
