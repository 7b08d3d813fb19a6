/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table from addresses to numbers. See table.h. */
#include "user/base/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"

#define FEWEST 16

struct row {
	uint8_t key[16];
	uint32_t value;
	uint32_t used;
};

struct table {
	struct row *rows;
	size_t n, mask;
	uint64_t seed;
};

static size_t home(const struct table *t, const uint8_t key[16])
{
	return seine_hash(seine_addr_word(key), seine_addr_word(key + 8), t->seed, ~t->seed) &
	       t->mask;
}

/* The row that holds the key, or the empty one where it would go. */
static size_t find(const struct table *t, const uint8_t key[16])
{
	size_t at = home(t, key);

	while (t->rows[at].used && memcmp(t->rows[at].key, key, 16))
		at = (at + 1) & t->mask;
	return at;
}

int table_new(uint64_t seed, size_t room, struct table **ret)
{
	struct table *t = calloc(1, sizeof(*t));
	size_t size = FEWEST;

	if (!t)
		return -ENOMEM;
	while (size / 4 * 3 < room)
		size *= 2;
	t->rows = calloc(size, sizeof(*t->rows));
	if (!t->rows) {
		free(t);
		return -ENOMEM;
	}
	t->mask = size - 1;
	t->seed = seed;
	*ret = t;
	return 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->rows);
	free(t);
}

size_t table_count(const struct table *t)
{
	return t->n;
}

int table_get(const struct table *t, const uint8_t key[16], uint32_t *ret)
{
	const struct row *row = &t->rows[find(t, key)];

	if (!row->used)
		return -ENOENT;
	*ret = row->value;
	return 0;
}

static int grow(struct table *t)
{
	struct table bigger = { .seed = t->seed, .n = t->n, .mask = t->mask * 2 + 1 };

	bigger.rows = calloc(bigger.mask + 1, sizeof(*bigger.rows));
	if (!bigger.rows)
		return -ENOMEM;
	for (size_t i = 0; i <= t->mask; i++) {
		if (t->rows[i].used)
			bigger.rows[find(&bigger, t->rows[i].key)] = t->rows[i];
	}
	free(t->rows);
	*t = bigger;
	return 0;
}

int table_put(struct table *t, const uint8_t key[16], uint32_t value)
{
	size_t at = find(t, key);
	int r;

	if (!t->rows[at].used && (t->n + 1) * 4 > (t->mask + 1) * 3) {
		r = grow(t);
		if (r < 0)
			return r;
		at = find(t, key);
	}
	t->n += !t->rows[at].used;
	memcpy(t->rows[at].key, key, 16);
	t->rows[at].value = value;
	t->rows[at].used = 1;
	return 0;
}

int table_remove(struct table *t, const uint8_t key[16])
{
	size_t hole = find(t, key), at;

	if (!t->rows[hole].used)
		return -ENOENT;
	/* Fill the hole with the next row whose home is not behind the hole (Knuth 6.4, Algorithm
	 * R). */
	for (at = (hole + 1) & t->mask; t->rows[at].used; at = (at + 1) & t->mask) {
		size_t from = home(t, t->rows[at].key);

		if (((at - from) & t->mask) < ((at - hole) & t->mask))
			continue;
		t->rows[hole] = t->rows[at];
		hole = at;
	}
	t->rows[hole].used = 0;
	t->n--;
	return 0;
}
