/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections, packet by packet.
 *
 *	SYN -> half-open row -> ACK: rtt -> first data: proof -> flow row	half.h, proof.h
 *	flow: hello -> next flight: delta, gap -> turns of request and response -> end
 *
 * Everything is read from incoming packets alone: what the server sent shows in ACK numbers.
 */
#ifndef SEINE_TRACK_H
#define SEINE_TRACK_H

#include <linux/bpf.h>
#include "account.h"
#include "clock.h"
#include "flow.h"
#include "gap.h"
#include "half.h"
#include "hello.h"

#define TRACK_ACK_JUMP (1u << 30)
#define TRACK_REQUEST_MIN 64 /* smaller segments are control frames: HTTP/2 pings, window updates */
#define TRACK_RTT_UNKNOWN 50000 /* us, for connections whose handshake was not seen */
#define TRACK_RECORDS 6 /* TLS records of one segment that are looked at before the first request */
#define TRACK_FOLD_BYTES (1u << 30)

PARSE_INLINE __s32 track_since_us(__u32 now, __u32 then)
{
	return (__s32)(now - then);
}

/* ---- turns ---- */

/* A request begins with `bytes` of this packet's payload; what came before it is accounted. */
PARSE_ONCE int track_begin_turn(const struct packet *p, struct seine_stats *stats,
				struct seine_flow *flow, __u32 bytes)
{
	struct seine_source *src;
	struct seine_net *net;
	__u64 now = clock_coarse();
	__s32 think_ms = -1;

	if (!p || !stats || !flow)
		return 0;
	src = account_source(p);
	net = account_net(p);

	if (flow->flags & SEINE_F_TURN) {
		think_ms = (__s32)((__u32)(now / NS_PER_MS) - flow->ack_ms);
		flow_end_turn(flow, src);
	}
	account_fold(src, net, flow, now / NS_PER_SEC);
	account_request(src, net, think_ms, now);
	stats->requests++;
	flow->phase = SEINE_TURNS;
	flow->flags |= SEINE_F_TURN;
	flow->phase_bytes = bytes;
	flow->turn_ack = flow->ack;
	flow->mark = now / NS_PER_MS;
	return 0;
}

/*
 * Does this segment begin a new request, or go on with the present one? An upload comes in bursts
 * one round trip apart, and the server may well speak meanwhile (tickets, window updates); so a new
 * request needs both a response and a pause that is longer.
 */
PARSE_INLINE bool track_is_new_turn(const struct seine_flow *flow, __u32 now_ms)
{
	__u32 rtt = flow->rtt_us ?: TRACK_RTT_UNKNOWN;

	if (!(flow->flags & SEINE_F_TURN))
		return true;
	return flow->ack - flow->turn_ack >= FLOW_RESPONSE_MIN &&
	       now_ms - flow->mark > (rtt + rtt / 4) / 1000 + 1;
}

PARSE_INLINE void track_turn_data(const struct track *t, struct seine_flow *flow, __u32 fresh)
{
	__u32 now_ms;

	if (t->p->payload_len < TRACK_REQUEST_MIN)
		return;
	now_ms = clock_coarse() / NS_PER_MS;
	if (track_is_new_turn(flow, now_ms)) {
		track_begin_turn(t->p, t->stats, flow, fresh);
		return;
	}
	flow->phase_bytes += fresh;
	flow->mark = now_ms;
}

/* ---- TLS handshake ---- */

/*
 * The segments between the hello and the first request, record by record. In TLS 1.3 the first
 * record of type 23 is the client's Finished; in TLS 1.2 handshake records (22) come first and any
 * 23 is a request. A second ClientHello (after HelloRetryRequest) is a 22 that proves nothing.
 */
PARSE_INLINE void track_flight(const struct track *t, struct seine_flow *flow, __u32 fresh)
{
	const struct packet *p = t->p;
	__s32 skip = flow->phase_bytes + p->payload_len - fresh;
	__u32 off, left;

	skip = skip > 0 ? skip : 0;
	if ((__u32)skip >= p->payload_len) {
		flow->phase_bytes = skip - p->payload_len;
		return;
	}
	flow->phase_bytes = 0;
	off = p->payload + skip;
	left = p->payload_len - skip;

	PARSE_LOOP
	for (int i = 0; i < TRACK_RECORDS; i++) {
		const __u8 *at;
		__u32 len;
		__u8 type;

		if (left < TLS_RECORD_HEADER + 1)
			return;
		at = parse_at(t->ctx, off, TLS_RECORD_HEADER + 1);
		if (!at)
			return;
		type = tls_record(at, &len);
		if (!type) {
			track_begin_turn(p, t->stats, flow, left);
			return;
		}
		if (type == TLS_HANDSHAKE && at[5] != 1)
			flow->flags |= SEINE_F_TLS12;
		if (type == TLS_DATA && flow->flags & (SEINE_F_TLS12 | SEINE_F_FINISHED)) {
			if (left >= TRACK_REQUEST_MIN)
				track_begin_turn(p, t->stats, flow, left);
			return;
		}
		if (type == TLS_DATA)
			flow->flags |= SEINE_F_FINISHED;
		len += TLS_RECORD_HEADER;
		if (len > left) {
			flow->phase_bytes = len - left;
			return;
		}
		left -= len;
		off += len;
	}
}

/* The client's next flight answers the server's: the second round trip is known. */
PARSE_INLINE void track_second_trip(const struct track *t, struct seine_flow *flow)
{
	__u32 now_us = clock_fine() / NS_PER_US;
	__s32 took = track_since_us(now_us, flow->mark);
	enum seine_gap gap;

	flow->delta_us = took - (__s32)flow->rtt_us - (__s32)t->cfg->server_us;
	gap = gap_classify(flow->flags, flow->rtt_us, flow->g1_us, flow->delta_us,
			   t->cfg->gap_min_us);
	flow->gap = gap;
	flow->phase = SEINE_IN_FLIGHT;
	if (gap == SEINE_GAP_UNKNOWN)
		t->stats->gap_untrusted++;
	account_gap(account_source(t->p), gap, flow->delta_us);
}

/* The first data of a connection that we saw from its SYN on. */
PARSE_INLINE void track_first_data(const struct track *t, struct seine_flow *flow)
{
	__u32 now_us = clock_fine() / NS_PER_US;
	struct hello hello = {};

	if (hello_read(t->ctx, t->p->payload, &hello) < 0) {
		t->stats->hello_bad++;
		track_begin_turn(t->p, t->stats, flow, t->p->payload_len);
		return;
	}
	t->stats->hello++;
	flow->g1_us = track_since_us(now_us, flow->mark);
	flow->mark = now_us;
	flow->hello_key = hello.key;
	flow->flags |= SEINE_F_HELLO;
	if (hello.bytes > t->p->payload_len) {
		flow->flags |= SEINE_F_HELLO_SPLIT;
		flow->phase = SEINE_IN_HELLO;
		flow->phase_bytes = hello.bytes - t->p->payload_len;
	} else {
		flow->phase = SEINE_WAIT_FLIGHT;
	}
	account_hello(account_source(t->p), hello.key);
}

PARSE_INLINE void track_rest_of_hello(struct seine_flow *flow, __u32 fresh)
{
	if (fresh < flow->phase_bytes) {
		flow->phase_bytes -= fresh;
		return;
	}
	flow->phase_bytes = 0;
	flow->phase = SEINE_WAIT_FLIGHT;
	flow->mark = clock_fine() / NS_PER_US;
}

/* ---- packets of a proven connection ---- */

PARSE_INLINE void track_data(const struct track *t, struct seine_flow *flow)
{
	const struct packet *p = t->p;
	__u32 end = p->seq + p->payload_len;
	__u32 fresh = end - flow->next_seq;

	if ((__s32)fresh <= 0 || p->seq != flow->next_seq) {
		if (flow->phase < SEINE_TURNS)
			flow->flags |= SEINE_F_RETRANS;
		if ((__s32)fresh <= 0)
			return;
	}
	flow->next_seq = end;

	switch (flow->phase) {
	case SEINE_WAIT_HELLO: track_first_data(t, flow); break;
	case SEINE_IN_HELLO: track_rest_of_hello(flow, fresh); break;
	case SEINE_WAIT_FLIGHT:
		/* Early data (0-RTT) goes out before anything of the server's has come. */
		if (flow->ack == flow->turn_ack)
			break;
		track_second_trip(t, flow);
		track_flight(t, flow, fresh);
		break;
	case SEINE_IN_FLIGHT: track_flight(t, flow, fresh); break;
	default: track_turn_data(t, flow, fresh);
	}
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
		flow->ack_ms = clock_coarse() / NS_PER_MS;
	}
	if (p->payload_len && !(p->flags & TCP_RST))
		track_data(&t, flow);
	if (p->flags & (TCP_FIN | TCP_RST))
		flow_close(&t, flow);
	else if (flow->bytes > TRACK_FOLD_BYTES)
		account_fold(account_source(p), account_net(p), flow, clock_coarse() / NS_PER_SEC);
	return 1;
}

/* Data that a connection had before its end, once more. */
PARSE_INLINE bool track_is_echo(const struct packet *p, const struct seine_flow *flow)
{
	return flow_in_window(flow, p->seq) &&
	       (__s32)(p->seq + p->payload_len - flow->next_seq) <= 0;
}

/* A packet that belongs to no flow row: the rest of a handshake, or a connection to be proven. */
PARSE_INLINE struct seine_flow *track_unknown(const struct track *t)
{
	const struct packet *p = t->p;
	struct seine_half *half = half_find(t->tag);
	struct seine_flow *flow;

	if (half && (half->tag != t->tag || (__u32)(p->seq - half->seq - 1) > FLOW_WINDOW))
		half = NULL;
	if (!(p->flags & TCP_ACK) || p->flags & TCP_RST)
		return NULL;
	if (half)
		half_first_ack(p, half);
	if (!p->payload_len)
		return NULL;

	switch (proof_of(t, half)) {
	case PROOF_NO: t->stats->proof_failed++; return NULL;
	case PROOF_LATER:
		t->stats->proof_deferred++;
		if (half)
			half_data(t->ctx, p, half, p->seq);
		return NULL;
	default: break;
	}
	flow = half_promote(t, half);
	if (flow)
		track_flow(t->ctx, p, t->cfg, t->stats, flow);
	return flow;
}

/* A TCP packet to a protected port. Returns the key of its connection's ClientHello, 0 when
 * unknown. */
PARSE_ONCE __u64 track(struct xdp_md *ctx, const struct packet *p, const struct seine_cfg *cfg,
		       struct seine_stats *stats)
{
	struct track t = { .p = p, .ctx = ctx, .cfg = cfg, .stats = stats };
	struct seine_flow *flow;

	if (!p || !cfg || !stats)
		return 0;
	t.tag = seed_connection(p);
	if (p->flags & TCP_SYN) {
		if (!(p->flags & TCP_ACK))
			half_syn(ctx, p, cfg, stats, t.tag);
		return 0;
	}

	flow = flow_find(t.tag);
	if (flow && !(flow->flags & SEINE_F_CLOSED))
		return track_flow(ctx, p, cfg, stats, flow) ? flow->hello_key : 0;
	if (flow && track_is_echo(p, flow))
		return 0;
	flow = track_unknown(&t);
	return flow ? flow->hello_key : 0;
}

#endif
