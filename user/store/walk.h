/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All sources with all their rows of some spans, in one reading: every span of a table is in the
 * order of its keys, so they are merged, and no more than one row of each is held.
 */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "user/store/file.h"
#include "user/store/pack.h"

struct walk_span {
	enum span span;
	uint32_t start;
};

struct walk;

/* From the first key behind `key` (0 bytes: all). `spans` must stay. */
int walk_new(struct history *h, const struct walk_span *spans, size_t n, const uint8_t *key,
	     size_t key_size, struct walk **ret);
void walk_free(struct walk *w);
static inline void walk_freep(struct walk **w)
{
	walk_free(*w);
	*w = NULL;
}

struct walk_row {
	size_t span;		   /* its place in `spans` */
	const uint8_t *key, *data; /* valid until the next one */
	size_t key_size, data_size;
};

/* By key, and of one key in the order of `spans`. 1, 0: no more. */
int walk_next(struct walk *w, struct walk_row *ret);

#endif
