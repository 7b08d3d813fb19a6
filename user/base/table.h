/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table from addresses (16 bytes) to numbers: the places of rows in somebody's array.
 *
 * Open addressing with linear probing, at most three quarters full; a removal moves the rows behind
 * it forward, so that nothing is left to sweep. The hash is keyed: who chooses addresses cannot
 * choose places.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

/* `room`: rows expected; the table grows beyond it. 0 or -ENOMEM. */
int table_new(uint64_t seed, size_t room, struct table **ret);
void table_free(struct table *t);
static inline void table_freep(struct table **t)
{
	table_free(*t);
	*t = NULL;
}

size_t table_count(const struct table *t);

/* 0 or -ENOENT. */
int table_get(const struct table *t, const uint8_t key[16], uint32_t *ret);

/* Adds the key, or replaces its number. 0 or -ENOMEM, with the table as it was. */
int table_put(struct table *t, const uint8_t key[16], uint32_t value);

/* 0 or -ENOENT. */
int table_remove(struct table *t, const uint8_t key[16]);

#endif
