/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose connection it is, where a balancer stands in front of the host: the PROXY header in front
 * of its data says so. From then on the client's address takes the place of the balancer's in each
 * packet, and nothing behind knows the difference.
 *
 * Only balancers from the settings are believed; anybody else could name whom he likes. What the
 * handshake shows is the balancer's: such connections have no timing (SEINE_F_BALANCED).
 */
#ifndef SEINE_CLIENT_H
#define SEINE_CLIENT_H

#include "balancer.h"
#include "maps.h"
#include "seed.h"

/* packet.behind */
#define CLIENT_UNKNOWN 1 /* a balancer sent it, for whom has not been seen yet */
#define CLIENT_KNOWN 2	 /* the addresses of the packet are the client's */

PARSE_INLINE bool client_is_of(const struct packet *p, const struct seine_balancer *b)
{
	__u64 hi = p->src_hi, lo = p->src_lo;
	struct seine_addr a;

	seed_mask(&hi, &lo, b->len128);
	seed_store(a.ip, hi, lo);
	return *(const __u64 *)a.ip == *(const __u64 *)b->ip &&
	       *(const __u64 *)(a.ip + 8) == *(const __u64 *)(b->ip + 8);
}

/* Is this the packet of a balancer, to a port where balancers name their clients? */
PARSE_INLINE bool client_is_behind(const struct packet *p, const struct seine_ports *ports,
				   const struct seine_cfg *cfg)
{
	if (p->proto != IPPROTO_TCP || !(ports->balanced[p->dport / 64] >> (p->dport & 63) & 1))
		return false;
	PARSE_LOOP
	for (int i = 0; i < SEINE_BALANCERS; i++) {
		if (!cfg->balancer[i].len128)
			return false;
		if (client_is_of(p, &cfg->balancer[i]))
			return true;
	}
	return false;
}

PARSE_INLINE void client_take(struct packet *p, const struct seine_addr *source)
{
	p->src_hi = bpf_be64_to_cpu(*(const __u64 *)source->ip);
	p->src_lo = bpf_be64_to_cpu(*(const __u64 *)(source->ip + 8));
	p->v6 = p->src_hi || p->src_lo >> 32 != 0xffff;
	p->behind = CLIENT_KNOWN;
}

/* The first data of a connection that is not tracked yet. Returns whether its client is known,
 * which is the balancer itself when it names nobody. */
PARSE_ONCE int client_learn(struct xdp_md *ctx, struct packet *p, struct seine_half *half,
			    struct seine_stats *stats)
{
	struct balancer header = {};
	__u32 n;

	if (!p || !half || !stats)
		return false;
	if (!(half->flags & SEINE_F_BALANCED)) {
		if (p->seq != half->seq + 1)
			return false;
		n = balancer_read(ctx, p->payload, p->payload_len, &header);
		if (!n)
			stats->balancer_bad++;
		else
			stats->balanced++;
		if (header.named)
			seed_store(half->source.ip, header.src_hi, header.src_lo);
		else
			seed_store(half->source.ip, p->src_hi, p->src_lo);
		half->flags |= SEINE_F_BALANCED;
		half->next_seq += n;
	}
	client_take(p, &half->source);
	return true;
}

#endif
