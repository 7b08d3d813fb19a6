/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of proven connections: finding one, making room for one, and its end. Rows come in pairs
 * found by keyed hash, and know their connection by a 64-bit tag.
 */
#ifndef SEINE_FLOW_H
#define SEINE_FLOW_H

#include <linux/bpf.h>
#include "account.h"
#include "client.h"
#include "clock.h"
#include "event.h"
#include "guard.h"
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

/* The rest of a connection's row. */
PARSE_CALL struct seine_shake *flow_shake(const struct seine_flow *flow)
{
	__u64 tag = flow->tag;
	struct seine_flow *a = flow_slot(tag, 0);
	__u32 at = (tag & flow_mask & ~1u) + !(a && a->tag == tag);

	return bpf_map_lookup_elem(&seine_shake, &at);
}

/* Adds the bytes from `seq` to `end`, which came too early, to the one stretch of such bytes whose
 * place is kept. False: they do not adjoin it. */
PARSE_INLINE bool flow_keep_ahead(__u32 *from, __u32 *to, __u32 seq, __u32 end)
{
	if (*from == *to)
		*from = *to = seq;
	if (seq == *to)
		*to = end;
	else if (end == *from)
		*from = seq;
	else
		return false;
	return true;
}

PARSE_INLINE bool flow_in_window(const struct seine_flow *flow, __u32 seq)
{
	return seq - flow->next_seq + FLOW_WINDOW <= 2 * FLOW_WINDOW;
}

/* Does the connection count, and does the packet bear its client's address? */
PARSE_INLINE bool flow_counts(const struct packet *p, const struct seine_flow *flow)
{
	return !(flow->flags & SEINE_F_UNPROVEN) &&
	       (!(flow->flags & SEINE_F_BALANCED) || p->behind == CLIENT_KNOWN);
}

/* The row of its source; NULL for what counts nowhere. */
PARSE_INLINE struct seine_source *flow_source(const struct packet *p, const struct seine_flow *flow)
{
	return flow_counts(p, flow) ? account_source(p) : NULL;
}

PARSE_INLINE struct seine_net *flow_net(const struct packet *p, const struct seine_flow *flow)
{
	return flow_counts(p, flow) ? account_net(p) : NULL;
}

/* The turn that has just ended, if it was answered. */
PARSE_CALL void flow_end_turn(struct seine_flow *flow, struct seine_shake *shake,
			      struct seine_source *src)
{
	__u32 request = flow->turn_bytes ?: 1, response = flow->ack - flow->turn_ack;
	__s32 took_ms = flow->ack_ms - flow->mark;

	if (!(flow->flags & SEINE_F_TURN))
		return;
	if (shake) {
		shake->request_bytes += request;
		shake->response_bytes += response;
	}
	if (src && response >= FLOW_RESPONSE_MIN)
		account_response(src, request, response, took_ms > 0 ? took_ms : 0, flow->acks);
}

PARSE_CALL void flow_close(const struct track *t, struct seine_flow *flow)
{
	struct seine_source *src = flow_source(t->p, flow);
	struct seine_net *net = flow_net(t->p, flow);
	struct seine_shake *shake = flow_shake(flow);

	if (flow->flags & SEINE_F_EARLY && !flow->tls && !(flow->flags & SEINE_F_UNPROVEN)) {
		t->stats->untrusted_early++;
		account_gap(src, SEINE_GAP_UNKNOWN, 0);
	}
	flow_end_turn(flow, shake, src);
	account_fold(src, net, flow, clock_coarse() / NS_PER_SEC);
	account_close(src, net, t->p->flags & TCP_RST);
	flow->flags |= SEINE_F_CLOSED;
	event_connection(flow, shake, t->cfg, t->stats);
}

/* The slot for a new connection: its own old one, an empty or closed one, or the one silent longer.
 */
PARSE_INLINE struct seine_flow *flow_take_slot(const struct track *t)
{
	struct seine_flow *a = flow_slot(t->tag, 0), *b = flow_slot(t->tag, 1), *older;

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
	older = (__s32)(a->ack_ms - b->ack_ms) <= 0 ? a : b;
	event_connection(older, flow_shake(older), t->cfg, t->stats);
	return older;
}

PARSE_INLINE bool flow_admit(const struct track *t, __u32 now_sec)
{
	struct seine_guard *g = guard_of(now_sec);

	if (!g || g->flows >= t->cfg->flows_per_sec) {
		t->stats->flow_refused++;
		return false;
	}
	g->flows++;
	return true;
}

#endif
