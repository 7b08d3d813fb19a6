// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens next. */
#include "tests/sim/agenda.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool earlier(const struct agenda *a, size_t x, size_t y)
{
	const struct appointment *p = &a->list[x], *q = &a->list[y];

	return p->ns != q->ns ? p->ns < q->ns : p->what < q->what;
}

static void swap(struct agenda *a, size_t x, size_t y)
{
	struct appointment t = a->list[x];

	a->list[x] = a->list[y];
	a->list[y] = t;
}

static void sink(struct agenda *a)
{
	size_t at = 0, first = 0;

	for (;;) {
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < a->n; child++)
			if (earlier(a, child, first))
				first = child;
		if (first == at)
			return;
		swap(a, at, first);
		at = first;
	}
}

void agenda_free(struct agenda *a)
{
	free(a->list);
}

int agenda_add(struct agenda *a, uint64_t ns, uint32_t what)
{
	size_t room = a->room ? 2 * a->room : 1024;

	if (a->n == a->room) {
		void *list = reallocarray(a->list, room, sizeof(*a->list));

		if (!list)
			return -ENOMEM;
		a->list = list;
		a->room = room;
	}
	a->list[a->n] = (struct appointment){ ns, what };
	for (size_t at = a->n++; at && earlier(a, at, (at - 1) / 2); at = (at - 1) / 2)
		swap(a, at, (at - 1) / 2);
	return 0;
}

void agenda_put_off(struct agenda *a, uint64_t ns)
{
	a->list[0].ns = ns;
	sink(a);
}

void agenda_drop(struct agenda *a)
{
	a->list[0] = a->list[--a->n];
	sink(a);
}
