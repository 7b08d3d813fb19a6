// SPDX-License-Identifier: GPL-2.0-or-later
/* A ring of hellos in the order they came, and where each connection's is in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/table.h"
#include "user/replay/pending.h"

struct pending {
	struct table *places;	  /* of tags in the ring */
	struct hello_sight *ring; /* tag 0: taken */
	uint32_t head;		  /* where the next one goes */
	uint32_t swept;		  /* for pending_any() */
};

void pending_free(struct pending *p)
{
	if (!p)
		return;
	table_free(p->places);
	free(p->ring);
	free(p);
}

int pending_new(struct pending **ret)
{
	_cleanup_(pending_freep) struct pending *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->ring = calloc(PENDING_MAX, sizeof(*p->ring));
	if (!p->ring)
		return -ENOMEM;
	r = table_new((uintptr_t)p, 0, &p->places);
	if (r < 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}

static void key_of(uint64_t tag, uint8_t key[16])
{
	memset(key, 0, 16);
	memcpy(key, &tag, sizeof(tag));
}

static void take(struct pending *p, uint32_t at, struct hello_sight *ret)
{
	uint8_t key[16];

	*ret = p->ring[at];
	key_of(ret->tag, key);
	(void)table_remove(p->places, key);
	p->ring[at].tag = 0;
}

bool pending_put(struct pending *p, const struct hello_sight *sight, struct hello_sight *ret_gone)
{
	uint32_t at = p->head % PENDING_MAX, held;
	bool displaced = false;
	uint8_t key[16];

	key_of(sight->tag, key);
	if (table_get(p->places, key, &held) == 0)
		return false;
	if (p->ring[at].tag) {
		take(p, at, ret_gone);
		displaced = true;
	}
	if (table_put(p->places, key, at) == 0) {
		p->ring[at] = *sight;
		p->head++;
	}
	return displaced;
}

bool pending_differs(const struct pending *p, const struct hello_sight *sight)
{
	uint8_t key[16];
	uint32_t at;

	key_of(sight->tag, key);
	return table_get(p->places, key, &at) == 0 && strcmp(p->ring[at].ja4, sight->ja4) != 0;
}

bool pending_take(struct pending *p, uint64_t tag, struct hello_sight *ret)
{
	uint8_t key[16];
	uint32_t at;

	key_of(tag, key);
	if (table_get(p->places, key, &at) < 0)
		return false;
	take(p, at, ret);
	return true;
}

bool pending_any(struct pending *p, struct hello_sight *ret)
{
	for (; p->swept < PENDING_MAX; p->swept++) {
		if (!p->ring[p->swept].tag)
			continue;
		take(p, p->swept, ret);
		return true;
	}
	return false;
}
