/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections, packet by packet.
 *
 *	SYN -> half-open row -> ACK: rtt -> first data: proof -> flow row	half.h, proof.h
 *	flow: hello -> next flight: delta, gap				handshake.h
 *	      -> turns of request and response -> end			turn.h, flow.h
 *
 * Everything is read from incoming packets alone: what the server sent shows in ACK numbers.
 */
#ifndef SEINE_TRACK_H
#define SEINE_TRACK_H

#include <linux/bpf.h>
#include "account.h"
#include "clock.h"
#include "flow.h"
#include "half.h"
#include "handshake.h"
#include "turn.h"

#define TRACK_ACK_JUMP (1u << 30)
#define TRACK_FOLD_BYTES (1u << 30)

/* ---- packets of a proven connection ---- */

PARSE_INLINE void track_data(const struct track *t, struct seine_flow *flow)
{
	const struct packet *p = t->p;
	__u32 fresh;

	if (flow->phase < SEINE_TURNS) {
		handshake_data(t, flow);
		return;
	}
	/* TLS may begin late: behind CONNECT, STARTTLS, a greeting. */
	if (flow->tls == SEINE_TLS_PLAIN && p->seq == flow->next_seq &&
	    hello_begins(t->ctx, p->payload, p->payload_len)) {
		handshake_late(t, flow);
		return;
	}
	fresh = p->seq + p->payload_len - flow->next_seq;
	if ((__s32)fresh <= 0)
		return;
	turn_data(t->ctx, p, t->stats, flow);
	flow->next_seq = p->seq + p->payload_len;
}

/* Returns whether the packet belongs to the connection. */
PARSE_ONCE int track_flow(struct xdp_md *ctx, const struct packet *p, const struct seine_cfg *cfg,
			  struct seine_stats *stats, struct seine_flow *flow)
{
	struct track t = { .p = p, .ctx = ctx, .cfg = cfg, .stats = stats };
	__u32 forward;

	if (!p || !cfg || !stats || !flow)
		return 0;
	forward = p->ack - flow->ack;

	if (!flow_in_window(flow, p->seq)) {
		stats->out_of_window++;
		return 0;
	}
	flow->packets++;
	flow->bytes += p->ip_bytes;
	if (p->flags & TCP_ACK && forward && forward < TRACK_ACK_JUMP) {
		flow->ack = p->ack;
		if (flow->acks++ < TURN_TRIPS && flow->phase >= SEINE_WAIT_FLIGHT)
			turn_sample(ctx, p, flow);
		flow->ack_ms = clock_coarse() / NS_PER_MS;
	}
	if (p->payload_len && !(p->flags & TCP_RST))
		track_data(&t, flow);
	if (p->flags & (TCP_FIN | TCP_RST)) {
		/* What is missing before it comes again, and must not begin a new row. */
		if ((__s32)(p->seq + p->payload_len - flow->next_seq) > 0)
			flow->next_seq = p->seq + p->payload_len;
		flow_close(&t, flow);
	} else if (flow->bytes > TRACK_FOLD_BYTES) {
		account_fold(flow_source(p, flow), flow_net(p, flow), flow,
			     clock_coarse() / NS_PER_SEC);
	}
	return 1;
}

/* Data that a connection had before its end, once more. */
PARSE_INLINE bool track_is_echo(const struct packet *p, const struct seine_flow *flow)
{
	return flow_in_window(flow, p->seq) &&
	       (__s32)(p->seq + p->payload_len - flow->next_seq) <= 0;
}

/* Replay: a hello whose handshake is not in the capture is still told of, and counts nowhere. */
PARSE_INLINE bool track_unproven(const struct track *t)
{
	struct seine_flow *flow;

	if (!hello_begins(t->ctx, t->p->payload, t->p->payload_len))
		return false;
	flow = half_make_flow(t);
	if (!flow)
		return false;
	flow->flags = SEINE_F_NO_HANDSHAKE | SEINE_F_UNPROVEN;
	return true;
}

enum { TRACK_HALF = 1, TRACK_PROVEN };

/* A packet that belongs to no flow row: the rest of a handshake, or a connection to be proven.
 * TRACK_PROVEN: it has a row now. TRACK_HALF: its data belongs to the half-open row. */
PARSE_ONCE int track_unknown(struct xdp_md *ctx, struct packet *p, const struct seine_cfg *cfg,
			     struct seine_stats *stats, __u64 tag)
{
	struct track t = { .p = p, .ctx = ctx, .cfg = cfg, .stats = stats, .tag = tag };
	struct seine_half *half = half_find(tag);
	enum proof proof;

	if (!p || !cfg || !stats)
		return 0;
	if (half && (__u32)(p->seq - half->seq - 1) > FLOW_WINDOW)
		half = NULL;
	if (!(p->flags & TCP_ACK) || p->flags & TCP_RST)
		return 0;
	if (half)
		half_first_ack(ctx, p, half);
	if (!p->payload_len)
		return 0;

	proof = proof_of(&t, half);
	if (proof == PROOF_NO) {
		stats->proof_failed++;
		return cfg->keep_unproven && track_unproven(&t) ? TRACK_PROVEN : 0;
	}
	if (p->behind && (!half || !client_learn(ctx, p, half, stats)))
		return 0;
	if (proof == PROOF_LATER) {
		stats->proof_deferred++;
		return half ? TRACK_HALF : 0;
	}
	return half_promote(&t, half) ? TRACK_PROVEN : 0;
}

/* A TCP packet to a protected port, of the connection with this tag. Returns whether it belongs to
 * a proven one. */
PARSE_ONCE int track(struct xdp_md *ctx, struct packet *p, const struct seine_cfg *cfg,
		     struct seine_stats *stats, __u64 tag)
{
	const struct seine_shake *shake;
	struct seine_flow *flow;
	struct seine_half *half;
	int what = TRACK_PROVEN;

	if (!p || !cfg || !stats)
		return false;
	if (p->flags & TCP_SYN) {
		if (p->flags & TCP_ACK)
			return false;
		half_syn(ctx, p, cfg, stats, tag);
		what = p->payload_len ? TRACK_HALF : 0;
	} else {
		flow = flow_find(tag);
		if (flow && flow->flags & SEINE_F_CLOSED && track_is_echo(p, flow))
			return false;
		if (!flow || flow->flags & SEINE_F_CLOSED)
			what = track_unknown(ctx, p, cfg, stats, tag);
	}
	if (what == TRACK_HALF) {
		half = half_find(tag);
		if (half)
			half_data(ctx, p, cfg, stats, half);
	}
	flow = what == TRACK_PROVEN ? flow_find(tag) : NULL;
	if (!flow)
		return false;
	if (p->behind) {
		shake = flow_shake(flow);
		if (shake)
			client_take(p, &shake->source);
	}
	return track_flow(ctx, p, cfg, stats, flow);
}

/* The ClientHello of the connection with this tag, 0 when unknown. */
PARSE_ONCE __u64 track_hello_key(__u64 tag)
{
	const struct seine_flow *flow = flow_find(tag);
	const struct seine_shake *shake = flow ? flow_shake(flow) : NULL;

	return shake ? shake->hello_key : 0;
}

#endif
