/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the loader fixes in the program: the secret seed of all keyed hashes, and the sizes of
 * tables that are indexed by them.
 */
#ifndef SEINE_SEED_H
#define SEINE_SEED_H

#include "hash.h"
#include "parse.h"

const volatile __u64 seed0;
const volatile __u64 seed1;
const volatile __u32 source_bits = 64; /* IPv6 source keys are masked to this length */
const volatile __u32 flow_mask = (1u << 18) - 1;
const volatile __u32 half_mask = (1u << 16) - 1;

/* Clears all bits of an address behind the first `len` of 128. */
PARSE_INLINE void seed_mask(__u64 *hi, __u64 *lo, __u32 len)
{
	if (len <= 64) {
		*hi = len ? *hi & ~0ull << (64 - len) : 0;
		*lo = 0;
	} else {
		*lo &= ~0ull << ((128 - len) & 63);
	}
}

PARSE_INLINE void seed_store(__u8 *ip, __u64 hi, __u64 lo)
{
	hi = bpf_cpu_to_be64(hi);
	lo = bpf_cpu_to_be64(lo);
	__builtin_memcpy(ip, &hi, 8);
	__builtin_memcpy(ip + 8, &lo, 8);
}

/* The row a source is accounted to. */
PARSE_INLINE void seed_source(const struct packet *p, struct seine_addr *key)
{
	__u64 hi = p->src_hi, lo = p->src_lo;

	if (p->v6)
		seed_mask(&hi, &lo, source_bits);
	seed_store(key->ip, hi, lo);
}

/* The prefix a source is accounted to: /24 or /48. */
PARSE_INLINE void seed_net(const struct packet *p, struct seine_addr *key)
{
	__u64 hi = p->src_hi, lo = p->src_lo;

	seed_mask(&hi, &lo, p->v6 ? 48 : 120);
	seed_store(key->ip, hi, lo);
}

/* A source, for the doorkeeper and for a canary's share. */
PARSE_INLINE __u64 seed_source_hash(const struct packet *p)
{
	__u64 hi = p->src_hi, lo = p->src_lo;

	if (p->v6)
		seed_mask(&hi, &lo, source_bits);
	return seine_hash(hi, lo, seed1, seed0);
}

/* A connection; never zero, which marks empty rows. */
PARSE_INLINE __u64 seed_connection(const struct packet *p)
{
	__u64 h;

	h = seine_mix64((p->src_hi + p->dst_hi * 0x9e3779b97f4a7c15ull) ^ seed0);
	h = seine_mix64((p->src_lo + h) ^ seed1);
	h = seine_mix64(h + p->dst_lo * 0xd1b54a32d192ed03ull + ((__u64)p->sport << 16 | p->dport));
	return h ? h : 1;
}

#endif
