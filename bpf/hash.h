/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyed hashes that the datapath and user space must agree on. Pure.
 *
 * The seed is secret (struct seine_meta): whoever cannot read the maps cannot choose addresses
 * that collide.
 */
#ifndef SEINE_HASH_H
#define SEINE_HASH_H

#include <linux/types.h>
#include "seine.h"

/* A bijection of 64 bits in which every output bit depends on every input bit: the finaliser of
 * SplitMix64 (Steele, Lea, Flood 2014, variant 13 of Stafford). */
static inline __attribute__((always_inline)) __u64 seine_mix64(__u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Two words of an address under the seed. */
static inline __attribute__((always_inline)) __u64 seine_hash(__u64 hi, __u64 lo, __u64 seed0,
							      __u64 seed1)
{
	return seine_mix64(seine_mix64(hi ^ seed0) + (lo ^ seed1));
}

/* The words of an address, in the order the bytes are written. */
static inline __attribute__((always_inline)) __u64 seine_addr_word(const __u8 *b)
{
	return (__u64)b[0] << 56 | (__u64)b[1] << 48 | (__u64)b[2] << 40 | (__u64)b[3] << 32 |
	       (__u64)b[4] << 24 | (__u64)b[5] << 16 | (__u64)b[6] << 8 | (__u64)b[7];
}

static inline __attribute__((always_inline)) int seine_addr_is_v4(__u64 hi, __u64 lo)
{
	return !hi && lo >> 32 == 0xffff;
}

/* The bit of seine_bits that speaks for an address, counted within one generation. */
static inline __attribute__((always_inline)) __u32 seine_bit(__u64 hi, __u64 lo, __u64 seed0,
							     __u64 seed1)
{
	if (seine_addr_is_v4(hi, lo))
		return (__u32)lo >> 8;
	return SEINE_BITS_V4 + (seine_hash(hi >> 16, 0, seed0, seed1) & (SEINE_BITS_V6 - 1));
}

#endif
