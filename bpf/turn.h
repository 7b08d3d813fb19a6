/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests and responses of a proven connection. What the server sends shows in the client's ACK
 * numbers.
 */
#ifndef SEINE_TURN_H
#define SEINE_TURN_H

#include <linux/bpf.h>
#include "account.h"
#include "clock.h"
#include "flow.h"
#include "record.h"
#include "timestamp.h"

#define TURN_RTT_UNKNOWN 50000 /* us, for connections whose handshake was not seen */

#define TURN_TRIPS 1	    /* ACKs of a turn whose round trip is taken: each costs a cold line */
#define TURN_CLOCK_SEC 3600 /* before the microseconds since the SYN wrap */

/*
 * A round trip by timestamps: the packet answers what went out `sent_us` after the SYN. The
 * shortest one counts; the tick that the server's clock may be short of is added, so that it is
 * never too short.
 */
PARSE_INLINE void turn_trip(struct seine_flow *flow, __u32 elapsed_us, __s32 sent_us)
{
	__u32 trip_us = elapsed_us - sent_us + TIMESTAMP_TICK_US;

	if (sent_us >= 0 && (!flow->rtt_min_us || trip_us < flow->rtt_min_us))
		flow->rtt_min_us = trip_us;
}

/* An ACK for something new: how long ago did that go out? */
PARSE_ONCE int turn_sample(struct xdp_md *ctx, const struct packet *p, struct seine_flow *flow)
{
	const struct seine_shake *shake;
	__u64 now = clock_fine();
	__u32 elapsed_us;

	if (!p || !flow)
		return 0;
	shake = flow_shake(flow);
	if (!shake || !shake->tsecr ||
	    (__u32)(now / NS_PER_SEC) - shake->first_sec > TURN_CLOCK_SEC)
		return 0;
	elapsed_us = (__u32)(now / NS_PER_US) - shake->syn_us;
	turn_trip(flow, elapsed_us,
		  timestamp_sent_us(shake->tsecr, timestamp_echo(ctx, p), elapsed_us));
	return 0;
}

/* A request begins with `bytes` of this packet's payload; what came before it is accounted. */
PARSE_ONCE int turn_begin(const struct packet *p, struct seine_stats *stats,
			  struct seine_flow *flow, __u32 bytes)
{
	struct seine_shake *shake;
	struct seine_source *src;
	struct seine_net *net;
	__u64 now = clock_coarse();
	__s32 think_ms = -1;

	if (!p || !stats || !flow)
		return 0;
	src = flow_source(p, flow);
	net = flow_net(p, flow);
	shake = flow_shake(flow);

	if (flow->flags & SEINE_F_TURN) {
		think_ms = (__s32)((__u32)(now / NS_PER_MS) - flow->ack_ms);
		flow_end_turn(flow, shake, src);
	}
	account_fold(src, net, flow, now / NS_PER_SEC);
	account_request(src, net, think_ms, now);
	if (shake)
		shake->requests++;
	if (!(flow->flags & SEINE_F_UNPROVEN))
		stats->requests++;
	flow->phase = SEINE_TURNS;
	flow->flags |= SEINE_F_TURN;
	flow->turn_bytes = bytes;
	flow->turn_ack = flow->ack;
	flow->acks = 0;
	flow->mark = now / NS_PER_MS;
	return 0;
}

/*
 * Does this segment begin a new request, or go on with the present one? An upload comes in bursts
 * one round trip apart, and the server may well speak meanwhile (tickets, window updates); so a new
 * request needs both a response and a pause that is longer.
 */
PARSE_INLINE bool turn_is_new(const struct seine_flow *flow, __u32 now_ms)
{
	__u32 rtt = flow->rtt_us ?: TURN_RTT_UNKNOWN;

	if (!(flow->flags & SEINE_F_TURN))
		return true;
	return flow->ack - flow->turn_ack >= FLOW_RESPONSE_MIN &&
	       now_ms - flow->mark > (rtt + rtt / 4) / 1000 + 1;
}

/* What a segment holds of requests. */
struct turn_part {
	__u32 bytes;  /* of application data; 0: only control frames */
	__u32 begins; /* a record large enough for a request begins */
};

/* Reads the segment's records. Where their boundaries are lost, segments count as records, until
 * one begins that looks like one. */
PARSE_INLINE void turn_read(struct xdp_md *ctx, const struct packet *p, struct seine_stats *stats,
			    struct seine_flow *flow, struct turn_part *part)
{
	__u32 known = flow->next_seq - p->seq, fresh = p->payload_len - known;
	struct records r = {};
	bool inside;

	part->bytes = fresh;
	part->begins = p->payload_len >= RECORD_REQUEST || flow->tls == SEINE_TLS_PLAIN;
	if (flow->tls == SEINE_TLS_PLAIN)
		return;
	if (known >
	    p->payload_len) { /* what is missing in between will come, and not count again */
		known = 0;
		flow->flags |= SEINE_F_LOST;
	}
	if (flow->flags & SEINE_F_LOST) {
		if (!record_resync(ctx, p->payload + known, p->payload_len - known))
			return;
		flow->flags &= ~SEINE_F_LOST;
		flow->record_left = 0;
		stats->resync++;
	}
	inside = flow->record_left & RECORD_LEFT;
	if (record_read(ctx, p->payload + known, p->payload_len - known, flow->record_left, &r)) {
		flow->flags |= SEINE_F_LOST;
		return;
	}
	flow->record_left = r.left;
	if (r.left == RECORD_LOST)
		flow->flags |= SEINE_F_LOST;
	part->begins = r.requests;
	part->bytes = inside || r.requests ? r.data : 0;
}

/* Data behind the handshake. */
PARSE_ONCE int turn_data(struct xdp_md *ctx, const struct packet *p, struct seine_stats *stats,
			 struct seine_flow *flow)
{
	struct turn_part part;
	__u32 now_ms;

	if (!p || !stats || !flow)
		return 0;
	turn_read(ctx, p, stats, flow, &part);
	now_ms = clock_coarse() / NS_PER_MS;
	if (part.begins && turn_is_new(flow, now_ms)) {
		turn_begin(p, stats, flow, part.bytes);
		return 0;
	}
	if (!part.bytes || !(flow->flags & SEINE_F_TURN))
		return 0;
	flow->turn_bytes += part.bytes;
	flow->mark = now_ms;
	return 0;
}

#endif
