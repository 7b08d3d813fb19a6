/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unfinished ClientHellos. See waiting.h. */
#include "user/sight/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/table.h"

#define NONE UINT32_MAX

struct waiting {
	struct unfinished *slots;
	struct table *places; /* tag -> slot */
	size_t max;
	size_t bytes; /* in all slots' pieces */
	uint32_t oldest, newest;
	uint32_t unused; /* a list by `newer` */
	uint64_t forgotten;
};

int waiting_new(size_t max, struct waiting **ret)
{
	struct waiting *w;
	int r;

	if (!max || max >= NONE)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->max = max;
	w->oldest = w->newest = NONE;
	w->slots = calloc(max, sizeof(*w->slots));
	r = table_new(0, max, &w->places); /* tags are keyed hashes already */
	if (!w->slots || r < 0) {
		waiting_free(w);
		return -ENOMEM;
	}
	for (size_t i = 0; i < max; i++)
		w->slots[i].newer = i + 1 < max ? i + 1 : NONE;
	*ret = w;
	return 0;
}

void waiting_free(struct waiting *w)
{
	if (!w)
		return;
	for (size_t i = 0; w->slots && i < w->max; i++)
		pieces_drop(&w->slots[i].pieces);
	free(w->slots);
	table_free(w->places);
	free(w);
}

static void tag_key(uint64_t tag, uint8_t ret[16])
{
	memset(ret, 0, 16);
	memcpy(ret, &tag, sizeof(tag));
}

struct unfinished *waiting_find(struct waiting *w, uint64_t tag)
{
	uint8_t key[16];
	uint32_t at;

	tag_key(tag, key);
	return table_get(w->places, key, &at) < 0 ? NULL : &w->slots[at];
}

void waiting_drop(struct waiting *w, struct unfinished *u)
{
	uint8_t key[16];

	tag_key(u->tag, key);
	table_remove(w->places, key);
	if (u->older == NONE)
		w->oldest = u->newer;
	else
		w->slots[u->older].newer = u->newer;
	if (u->newer == NONE)
		w->newest = u->older;
	else
		w->slots[u->newer].older = u->older;
	w->bytes -= u->pieces.room;
	pieces_drop(&u->pieces);
	u->newer = w->unused;
	w->unused = u - w->slots;
}

void waiting_forget(struct waiting *w, struct unfinished *u)
{
	w->forgotten++;
	waiting_drop(w, u);
}

uint64_t waiting_forgotten(const struct waiting *w)
{
	return w->forgotten;
}

int waiting_begin(struct waiting *w, uint64_t tag, struct unfinished **ret)
{
	struct unfinished *u;
	uint8_t key[16];
	uint32_t at;

	if (w->unused == NONE)
		waiting_forget(w, &w->slots[w->oldest]);
	at = w->unused;
	tag_key(tag, key);
	if (table_put(w->places, key, at) < 0)
		return -ENOMEM;

	u = &w->slots[at];
	w->unused = u->newer;
	*u = (struct unfinished){ .tag = tag, .older = w->newest, .newer = NONE };
	if (w->newest == NONE)
		w->oldest = at;
	else
		w->slots[w->newest].newer = at;
	w->newest = at;
	*ret = u;
	return 0;
}

/* Makes the others pay for what `u` has grown. One alone is always within the budget. */
static void keep_budget(struct waiting *w, const struct unfinished *u)
{
	while (w->bytes > w->max * WAITING_SHARE + PIECES_BYTES) {
		struct unfinished *oldest = &w->slots[w->oldest];

		waiting_forget(w, oldest != u ? oldest : &w->slots[oldest->newer]);
	}
}

int waiting_put(struct waiting *w, struct unfinished *u, uint64_t offset, const uint8_t *data,
		size_t len)
{
	size_t before = u->pieces.room;
	int r = pieces_put(&u->pieces, offset, data, len);

	if (r == -E2BIG) {
		waiting_forget(w, u);
		return -EBADMSG;
	}
	if (r < 0) {
		waiting_drop(w, u);
		return r;
	}
	w->bytes += u->pieces.room - before;
	keep_budget(w, u);
	return 0;
}
