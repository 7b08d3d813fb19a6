// SPDX-License-Identifier: GPL-2.0-or-later
/* See idle.h. */
#include "user/idle.h"

#include <errno.h>
#include <stdlib.h>

#define PRESSED_ABOVE \
	0.75		/* of the capacity: what is left takes the newcomers until the next round */
#define PRESSED_TO 0.70 /* and is then emptied some more, or each round would be pressed */

int idle_add(struct idle_table *t, const struct seine_addr *key, uint32_t last_sec)
{
	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 1024;
		void *rows = realloc(t->rows, room * sizeof(*t->rows));

		if (!rows)
			return -ENOMEM;
		t->rows = rows;
		t->room = room;
	}
	t->rows[t->n++] = (struct idle_row){ .key = *key, .last_sec = last_sec };
	return 0;
}

void idle_free(struct idle_table *t)
{
	free(t->rows);
	*t = (struct idle_table){ 0 };
}

static int by_age(const void *a, const void *b)
{
	const struct idle_row *x = a, *y = b;

	return (x->last_sec > y->last_sec) - (x->last_sec < y->last_sec);
}

static size_t partition(struct idle_table *t, uint32_t now_sec, uint32_t idle_sec)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct idle_row row = t->rows[i];

		if (row.last_sec + (uint64_t)idle_sec >= now_sec)
			continue;
		t->rows[i] = t->rows[n];
		t->rows[n++] = row;
	}
	return n;
}

size_t idle_pick(struct idle_table *t, uint32_t capacity, uint32_t now_sec, uint32_t idle_sec,
		 bool *ret_pressed)
{
	size_t n = partition(t, now_sec, idle_sec);
	size_t keep = (size_t)(PRESSED_TO * capacity);

	*ret_pressed = (double)(t->n - n) > PRESSED_ABOVE * capacity;
	if (!*ret_pressed)
		return n;
	qsort(t->rows, t->n, sizeof(*t->rows), by_age);
	return t->n - keep;
}
