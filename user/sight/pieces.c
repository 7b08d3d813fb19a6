/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of a stream. See pieces.h. */
#include "user/sight/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FEWEST 2048 /* most hellos fit */

static int make_room(struct pieces *p, size_t end)
{
	size_t room = p->room ? p->room : FEWEST;
	uint8_t *bytes;

	if (end <= p->room)
		return 0;
	while (room < end)
		room *= 2;
	bytes = realloc(p->bytes, room);
	if (!bytes)
		return -ENOMEM;
	p->bytes = bytes;
	p->room = room;
	return 0;
}

/* Copies what has not come yet of [from, to); stretches [first, end) touch it. */
static void fill_holes(struct pieces *p, size_t first, size_t end, struct stretch s,
		       const uint8_t *data)
{
	uint32_t at = s.from;

	for (size_t i = first; i < end; i++) {
		const struct stretch *have = &p->stretches[i];

		if (have->from > at)
			memcpy(p->bytes + at, data + (at - s.from), have->from - at);
		if (have->to > at)
			at = have->to;
	}
	if (at < s.to)
		memcpy(p->bytes + at, data + (at - s.from), s.to - at);
}

int pieces_put(struct pieces *p, uint64_t offset, const uint8_t *data, size_t len)
{
	struct stretch s = { .from = offset, .to = offset + len };
	size_t first = 0, end;
	int r;

	if (offset > PIECES_BYTES || len > PIECES_BYTES - offset)
		return -E2BIG;
	if (!len)
		return 0;

	while (first < p->n && p->stretches[first].to < s.from)
		first++;
	for (end = first; end < p->n && p->stretches[end].from <= s.to;)
		end++;
	if (first == end && p->n == PIECES_STRETCHES)
		return -E2BIG;
	r = make_room(p, s.to);
	if (r < 0)
		return r;
	fill_holes(p, first, end, s, data);

	/* All that it touches, and itself, are one from now on. */
	if (first < end && p->stretches[first].from < s.from)
		s.from = p->stretches[first].from;
	if (first < end && p->stretches[end - 1].to > s.to)
		s.to = p->stretches[end - 1].to;
	memmove(&p->stretches[first + 1], &p->stretches[end],
		(p->n - end) * sizeof(p->stretches[0]));
	p->stretches[first] = s;
	p->n += first + 1;
	p->n -= end;
	return 0;
}

size_t pieces_ready(const struct pieces *p)
{
	return p->n && !p->stretches[0].from ? p->stretches[0].to : 0;
}

void pieces_drop(struct pieces *p)
{
	free(p->bytes);
	*p = (struct pieces){ 0 };
}
