// SPDX-License-Identifier: GPL-2.0-or-later
/* How full the tables of lists are, and what an operator should know of that. */
#include <stdio.h>
#include "user/kernel/chatter.h"
#include "user/kernel/handle.h"

void datapath_room(const struct datapath *d, const struct entries *held, size_t allows,
		   struct datapath_room *ret)
{
	struct datapath_room room = {
		.entries = held->n,
		.entries_max = LIST_MAX,
		.hit_slots = d->sizes.hit_slots,
		.allows = allows,
		.allows_max = d->sizes.allows,
	};

	for (size_t i = 0; i < held->n; i++) {
		const struct seine_entry *row = &held->list[i].row;

		room.uncounted += !row->slot;
		room.unlimited += !row->slot && row->action == SEINE_LIMIT;
	}
	*ret = room;
}

bool datapath_room_short(const struct datapath_room *room, char *why)
{
	const char *remedy =
		"raise `hit_slots`, and make the maps anew with `seined --remove-maps`";

	if (room->unlimited)
		datapath_fail(0, why,
			      "%zu entries with a rate limit nothing: all %u rows for hits are "
			      "taken; %s",
			      room->unlimited, room->hit_slots, remedy);
	else if (room->entries >= room->entries_max)
		datapath_fail(0, why, "the drop list is full (%zu entries)", room->entries);
	else if (room->allows >= room->allows_max)
		datapath_fail(0, why, "the allow list is full (%zu entries)", room->allows);
	else if (room->uncounted)
		datapath_fail(0, why,
			      "the hits of %zu entries are not told apart: all %u rows for hits "
			      "are taken; %s",
			      room->uncounted, room->hit_slots, remedy);
	else
		return false;
	return true;
}
