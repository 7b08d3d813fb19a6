// SPDX-License-Identifier: GPL-2.0-or-later
/* See roster.h. Open addressing with linear probing, at most half full, under the maps' seed: who
 * chooses prefixes cannot choose places. */
#include "user/kernel/roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"

#define NUMBER_BITS 21 /* of a place: LIST_MAX entries and one; the rest is a part of the hash */
#define NUMBER ((1u << NUMBER_BITS) - 1)

static uint64_t hash_of(const struct roster *r, const struct prefix *p)
{
	return seine_hash(seine_addr_word(p->ip), seine_addr_word(p->ip + 8), r->seed0 + p->len,
			  r->seed1);
}

static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* The place of a prefix, or the empty one where it would stand. The part of the hash in a place
 * spares a look at most entries that are others. */
static uint32_t place_of(const struct roster *r, const struct prefix *p, uint64_t hash)
{
	uint32_t part = (uint32_t)(hash >> 32) & ~NUMBER, at = (uint32_t)hash & r->mask;

	for (; r->place[at]; at = (at + 1) & r->mask) {
		if ((r->place[at] & ~NUMBER) == part &&
		    same_prefix(&r->list->list[(r->place[at] & NUMBER) - 1].prefix, p))
			break;
	}
	return at;
}

int roster_new(const struct entries *list, const struct seine_meta *meta, struct roster *ret)
{
	struct roster r = { .list = list, .seed0 = meta->seed0, .seed1 = meta->seed1 };
	size_t room = 2;

	while (room < 2 * list->n)
		room *= 2;
	r.mask = (uint32_t)room - 1;
	r.slot = calloc(list->n ? list->n : 1, sizeof(*r.slot));
	r.place = calloc(room, sizeof(*r.place));
	if (!r.slot || !r.place) {
		roster_clear(&r);
		return -ENOMEM;
	}
	for (size_t i = 0; i < list->n; i++) {
		uint64_t hash = hash_of(&r, &list->list[i].prefix);
		uint32_t at = place_of(&r, &list->list[i].prefix, hash);

		if (!r.place[at])
			r.place[at] = ((uint32_t)(hash >> 32) & ~NUMBER) | ((uint32_t)i + 1);
	}
	*ret = r;
	return 0;
}

void roster_clear(struct roster *r)
{
	free(r->slot);
	free(r->place);
}

bool roster_find(const struct roster *r, const struct prefix *p, size_t *ret)
{
	uint32_t number = r->place[place_of(r, p, hash_of(r, p))] & NUMBER;

	if (!number)
		return false;
	*ret = number - 1;
	return true;
}

struct seine_entry roster_row(const struct roster *r, size_t i)
{
	struct seine_entry row = r->list->list[i].row;

	row.slot = r->slot[i];
	return row;
}
