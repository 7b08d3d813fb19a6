/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading bytes that somebody else wrote: a cursor never leaves its bytes. What is asked for beyond
 * their end is zero or empty, and the cursor says `cut` from then on, so that a reader may ask once
 * at its end instead of after every field.
 */
#ifndef SIGHT_CURSOR_H
#define SIGHT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	size_t left;
	bool cut; /* more was asked for than there was */
};

/* The next `len` bytes, or NULL. */
static inline const uint8_t *cursor_take(struct cursor *c, uint64_t len)
{
	const uint8_t *at = c->at;

	if (c->cut || len > c->left) {
		c->cut = true;
		c->left = 0;
		return NULL;
	}
	c->at += len;
	c->left -= len;
	return at;
}

/* A number of `len` bytes (at most 8), most significant first. */
static inline uint64_t cursor_number(struct cursor *c, unsigned int len)
{
	const uint8_t *at = cursor_take(c, len);
	uint64_t n = 0;

	for (unsigned int i = 0; at && i < len; i++)
		n = n << 8 | at[i];
	return n;
}

/* TLS's vector: a length of `prefix` bytes, and so many bytes. */
static inline struct cursor cursor_vector(struct cursor *c, unsigned int prefix)
{
	uint64_t len = cursor_number(c, prefix);
	const uint8_t *at = cursor_take(c, len);

	return (struct cursor){ .at = at, .left = at ? len : 0, .cut = !at };
}

#endif
