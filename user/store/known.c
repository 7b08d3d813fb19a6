/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A Bloom filter of sources. See known.h. */
#include "user/store/known.h"

#include <errno.h>
#include <stdlib.h>
#include "bpf/hash.h"

/* 8 MiB: with five million sources one in a hundred strangers is looked up in vain. */
#define BITS (1u << 26)
#define HASHES 4

struct known {
	uint64_t seed; /* who chooses addresses cannot choose bits */
	uint64_t bits[BITS / 64];
};

int known_new(struct known **ret)
{
	struct known *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->seed = seine_mix64((uintptr_t)k);
	*ret = k;
	return 0;
}

void known_free(struct known *k)
{
	free(k);
}

static uint64_t hash(const struct known *k, const uint8_t source[16])
{
	return seine_hash(seine_addr_word(source), seine_addr_word(source + 8), k->seed, ~k->seed);
}

/* All places from two hashes (Kirsch, Mitzenmacher 2006). */
static uint32_t place(uint64_t hash, unsigned int i)
{
	return (uint32_t)((uint32_t)hash + i * ((uint32_t)(hash >> 32) | 1)) % BITS;
}

void known_add(struct known *k, const uint8_t source[16])
{
	uint64_t h = hash(k, source);

	for (unsigned int i = 0; i < HASHES; i++)
		k->bits[place(h, i) / 64] |= 1ull << place(h, i) % 64;
}

bool known_maybe(const struct known *k, const uint8_t source[16])
{
	uint64_t h = hash(k, source);

	for (unsigned int i = 0; i < HASHES; i++)
		if (!(k->bits[place(h, i) / 64] >> place(h, i) % 64 & 1))
			return false;
	return true;
}
