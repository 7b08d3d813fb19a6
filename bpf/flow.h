/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of proven connections: finding one, making room for one, and its end. Rows come in pairs
 * found by keyed hash, and know their connection by a 64-bit tag.
 */
#ifndef SEINE_FLOW_H
#define SEINE_FLOW_H

#include <linux/bpf.h>
#include "account.h"
#include "clock.h"
#include "maps.h"
#include "seed.h"

#define FLOW_WINDOW (1u << 20) /* client bytes by which a segment may be ahead or behind */
#define FLOW_RESPONSE_MIN 128  /* fewer acknowledged bytes are no response */

/* What one packet needs on its way through. */
struct track {
	const struct packet *p;
	struct xdp_md *ctx;
	const struct seine_cfg *cfg;
	struct seine_stats *stats;
	__u64 tag;
};

PARSE_INLINE struct seine_guard *flow_guard(__u32 now_sec)
{
	__u32 zero = 0;
	struct seine_guard *g = bpf_map_lookup_elem(&seine_guard, &zero);

	if (g && g->second != now_sec) {
		g->second = now_sec;
		g->flows = 0;
		g->syns = 0;
	}
	return g;
}

PARSE_INLINE struct seine_flow *flow_slot(__u64 tag, __u32 which)
{
	__u32 at = (tag & flow_mask & ~1u) + which;

	return bpf_map_lookup_elem(&seine_flow, &at);
}

PARSE_INLINE struct seine_flow *flow_find(__u64 tag)
{
	struct seine_flow *a = flow_slot(tag, 0), *b = flow_slot(tag, 1);

	if (a && a->tag == tag)
		return a;
	if (b && b->tag == tag)
		return b;
	return NULL;
}

PARSE_INLINE bool flow_in_window(const struct seine_flow *flow, __u32 seq)
{
	return seq - flow->next_seq + FLOW_WINDOW <= 2 * FLOW_WINDOW;
}

/* The turn that has just ended, if it was answered. */
PARSE_INLINE void flow_end_turn(struct seine_flow *flow, struct seine_source *src)
{
	__u32 response = flow->ack - flow->turn_ack;
	__s32 took_ms = flow->ack_ms - flow->mark;

	if (!(flow->flags & SEINE_F_TURN) || response < FLOW_RESPONSE_MIN)
		return;
	account_response(src, flow->phase_bytes ?: 1, response, took_ms > 0 ? took_ms : 0);
}

PARSE_CALL void flow_close(const struct track *t, struct seine_flow *flow)
{
	struct seine_source *src = account_source(t->p);
	struct seine_net *net = account_net(t->p);

	flow_end_turn(flow, src);
	account_fold(src, net, flow, clock_coarse() / NS_PER_SEC);
	account_close(src, net, t->p->flags & TCP_RST);
	flow->flags |= SEINE_F_CLOSED;
}

/* The slot for a new connection: its own old one, an empty or closed one, or the one silent longer.
 */
PARSE_INLINE struct seine_flow *flow_take_slot(const struct track *t)
{
	struct seine_flow *a = flow_slot(t->tag, 0), *b = flow_slot(t->tag, 1);

	if (!a || !b)
		return NULL;
	if (a->tag == t->tag || !a->tag)
		return a;
	if (b->tag == t->tag || !b->tag)
		return b;
	if (a->flags & SEINE_F_CLOSED)
		return a;
	if (b->flags & SEINE_F_CLOSED)
		return b;
	t->stats->flow_evicted++;
	return (__s32)(a->ack_ms - b->ack_ms) <= 0 ? a : b;
}

PARSE_INLINE bool flow_admit(const struct track *t, __u32 now_sec)
{
	struct seine_guard *g = flow_guard(now_sec);

	if (!g || g->flows >= t->cfg->flows_per_sec) {
		t->stats->flow_refused++;
		return false;
	}
	g->flows++;
	return true;
}

#endif
