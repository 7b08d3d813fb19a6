/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a connection real? The kernel's established socket says so, or, where no socket can exist
 * (routers, replay), sequence numbers that fit. And the doorkeeper: which sources were proven
 * before.
 */
#ifndef SEINE_PROOF_H
#define SEINE_PROOF_H

#include <linux/bpf.h>
#include "flow.h"
#include "maps.h"
#include "seed.h"

/* States of a socket, from the kernel's net/tcp_states.h. */
enum {
	PROOF_ESTABLISHED = 1,
	PROOF_SYN_RECV = 3,
	PROOF_FIN_WAIT1 = 4,
	PROOF_FIN_WAIT2 = 5,
	PROOF_CLOSE_WAIT = 8,
	PROOF_LAST_ACK = 9,
	PROOF_CLOSING = 11,
	PROOF_NEW_SYN_RECV = 12,
};

PARSE_INLINE __u64 *proof_door(const struct packet *p, __u64 *bit)
{
	__u32 at = seed_source_hash(p) & (SEINE_DOOR_BITS - 1);
	__u32 word = at / 64;

	*bit = 1ull << (at & 63);
	return bpf_map_lookup_elem(&seine_door, &word);
}

PARSE_INLINE bool proof_before(const struct packet *p)
{
	__u64 bit, *door = proof_door(p, &bit);

	return door && *door & bit;
}

PARSE_INLINE void proof_remember(const struct packet *p)
{
	__u64 bit, *door = proof_door(p, &bit);

	if (door && !(*door & bit))
		__sync_fetch_and_or(door, bit);
}

enum proof { PROOF_NO, PROOF_LATER, PROOF_YES };

PARSE_INLINE enum proof proof_of_state(__u32 state)
{
	switch (state) {
	case PROOF_ESTABLISHED:
	case PROOF_FIN_WAIT1:
	case PROOF_FIN_WAIT2:
	case PROOF_CLOSE_WAIT:
	case PROOF_LAST_ACK:
	case PROOF_CLOSING: return PROOF_YES;
	case PROOF_SYN_RECV:
	case PROOF_NEW_SYN_RECV: return PROOF_LATER;
	default: return PROOF_NO;
	}
}

PARSE_INLINE enum proof proof_ask_socket(const struct track *t)
{
	const struct packet *p = t->p;
	struct bpf_sock_tuple tuple = {};
	enum proof proof;
	struct bpf_sock *sk;
	__u32 size;

	if (p->v6) {
		seed_store((__u8 *)tuple.ipv6.saddr, p->src_hi, p->src_lo);
		seed_store((__u8 *)tuple.ipv6.daddr, p->dst_hi, p->dst_lo);
		tuple.ipv6.sport = bpf_htons(p->sport);
		tuple.ipv6.dport = bpf_htons(p->dport);
		size = sizeof(tuple.ipv6);
	} else {
		tuple.ipv4.saddr = bpf_htonl((__u32)p->src_lo);
		tuple.ipv4.daddr = bpf_htonl((__u32)p->dst_lo);
		tuple.ipv4.sport = bpf_htons(p->sport);
		tuple.ipv4.dport = bpf_htons(p->dport);
		size = sizeof(tuple.ipv4);
	}
	sk = bpf_skc_lookup_tcp(t->ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return PROOF_NO;
	proof = proof_of_state(sk->state);
	bpf_sk_release(sk);
	return proof;
}

/* Is this a segment that can come next on a half-open connection? A server may also refuse the data
 * of a SYN, which then comes again. */
PARSE_INLINE bool proof_fits(const struct packet *p, const struct seine_half *half)
{
	return p->seq == half->next_seq || p->seq == half->seq + 1;
}

PARSE_INLINE enum proof proof_of(const struct track *t, const struct seine_half *half)
{
	enum proof proof = half ? PROOF_YES : PROOF_NO;

	if (t->cfg->proof == SEINE_PROOF_SOCKET)
		proof = proof_ask_socket(t);
	if (proof == PROOF_YES && half && !proof_fits(t->p, half))
		return PROOF_LATER;
	return proof;
}

#endif
