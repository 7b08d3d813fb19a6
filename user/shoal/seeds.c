/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sorted list of seeds.
 */
#include <stdlib.h>
#include <string.h>
#include "user/shoal/seeds.h"

static int by_address(const void *a, const void *b)
{
	const struct seed *x = a, *y = b;
	int r = memcmp(x->source, y->source, sizeof(x->source));

	return r ? r : (x->expires_sec < y->expires_sec) - (x->expires_sec > y->expires_sec);
}

void seeds_settle(struct seeds *s, int64_t unix_sec)
{
	size_t kept = 0;

	if (s->n)
		qsort(s->list, s->n, sizeof(*s->list), by_address);
	for (size_t i = 0; i < s->n; i++) {
		if (s->list[i].expires_sec <= unix_sec)
			continue;
		if (kept &&
		    !memcmp(s->list[kept - 1].source, s->list[i].source, sizeof(s->list[i].source)))
			continue;
		s->list[kept++] = s->list[i];
	}
	s->n = kept;
}

static int compare(const void *key, const void *seed)
{
	return memcmp(key, ((const struct seed *)seed)->source, 16);
}

bool seeds_hold(const struct seeds *s, const uint8_t source[16])
{
	return s && s->n && bsearch(source, s->list, s->n, sizeof(*s->list), compare);
}
