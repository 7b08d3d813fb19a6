/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLS handshake of a proven connection, from the client's side alone.
 *
 *	WAIT_HELLO -> IN_HELLO -> WAIT_FLIGHT -> IN_FLIGHT -> TURNS
 *		   g1		   trip, delta
 *
 * What the client sends after its hello answers the server's flight; its records tell what kind of
 * handshake it is:
 *
 *	23 (behind 20)			TLS 1.3; resumption when the hello offers a PSK
 *	20, 22 with a ClientHello	TLS 1.3 after HelloRetryRequest
 *	22, 20, 22			TLS 1.2, full
 *	20, 22				TLS 1.2, resumed
 *	23 before the server's answer	TLS 1.3 with 0-RTT data: the answer to the server's flight
 *is the record of 21 bytes that ends it (EndOfEarlyData), or, when the server refused it, the
 *Finished
 *
 * Each function takes what is new in the segment, and moves flow->next_seq over what it has read.
 */
#ifndef SEINE_HANDSHAKE_H
#define SEINE_HANDSHAKE_H

#include <linux/bpf.h>
#include "account.h"
#include "clock.h"
#include "event.h"
#include "flow.h"
#include "gap.h"
#include "hello.h"
#include "record.h"
#include "timestamp.h"
#include "turn.h"

#define HANDSHAKE_RECORDS 6   /* TLS records of one segment that are looked at */
#define HANDSHAKE_AHEAD 65536 /* bytes that may be missing before we stop waiting for them */

/* Bytes at the front of the segment that are known already. */
PARSE_INLINE __u32 handshake_known(const struct packet *p, const struct seine_flow *flow)
{
	return flow->next_seq - p->seq;
}

PARSE_INLINE __u32 handshake_now_us(void)
{
	return clock_fine() / NS_PER_US;
}

/* ---- the gap ---- */

/* The first reason for which a handshake's times are not round trips. */
PARSE_INLINE void handshake_untrusted(struct seine_stats *stats, __u32 flags)
{
	if (flags & SEINE_F_BALANCED)
		stats->untrusted_balanced++;
	else if (flags & SEINE_F_LATE_HELLO)
		stats->untrusted_late++;
	else if (flags & SEINE_F_TFO)
		stats->untrusted_tfo++;
	else if (flags & SEINE_F_SYN_AGAIN)
		stats->untrusted_syn++;
	else if (flags & SEINE_F_NO_PURE_ACK)
		stats->untrusted_ack++;
	else if (flags & SEINE_F_RETRANS)
		stats->untrusted_again++;
	else if (flags & SEINE_F_REORDERED)
		stats->untrusted_order++;
	else
		stats->untrusted_trip++;
}

PARSE_INLINE void handshake_calibrate(__u32 tls, __s32 over_us)
{
	struct seine_trips *trips = bpf_map_lookup_elem(&seine_trips, &tls);
	__u32 bin = over_us > 0 ? account_log(over_us) / 4 : 0;

	if (trips && bin < SEINE_TRIP_BINS)
		trips->hist[bin]++;
}

/* The kind of handshake is known, and when its second flight came: what do they show? */
PARSE_ONCE int handshake_settle(const struct packet *p, const struct seine_cfg *cfg,
				struct seine_stats *stats, struct seine_flow *flow, __u32 tls)
{
	struct seine_shake *shake;
	__s32 delta;

	if (!p || !cfg || !stats || !flow || flow->tls || flow->flags & SEINE_F_UNPROVEN)
		return 0;
	shake = flow_shake(flow);
	if (!shake || tls >= SEINE_TLS_KINDS)
		return 0;

	flow->tls = tls;
	delta = shake->trip_us - flow->rtt_us;
	if (!(flow->flags & GAP_UNTRUSTED))
		handshake_calibrate(tls, delta);
	if (shake->sent_us >= 0) {
		flow->flags |= SEINE_F_TIMESTAMPS;
		delta = shake->flight_us - shake->sent_us - flow->rtt_us;
	} else {
		delta -= cfg->server_us[tls];
	}
	shake->delta_us = delta;
	flow->gap = gap_classify(flow->flags, flow->rtt_us, shake->g1_us, delta, cfg->gap_min_us);
	if (flow->gap == SEINE_GAP_UNKNOWN)
		handshake_untrusted(stats, flow->flags);
	account_gap(flow_source(p, flow), flow->gap, delta);
	return 0;
}

/* The client's answer to the server's flight is here. */
PARSE_ONCE int handshake_trip(struct xdp_md *ctx, const struct packet *p, struct seine_flow *flow)
{
	struct seine_shake *shake;
	__u32 now_us = handshake_now_us();

	if (!p || !flow)
		return 0;
	shake = flow_shake(flow);
	if (!shake)
		return 0;
	flow->phase = SEINE_IN_FLIGHT;
	shake->trip_us = now_us - flow->mark;
	shake->flight_us = now_us - shake->syn_us;
	shake->sent_us = timestamp_sent_us(shake->tsecr, timestamp_echo(ctx, p), shake->flight_us);
	/* It answers what the server sent after the hello, or it is no measure. */
	if (shake->sent_us >= 0 &&
	    (__u32)shake->sent_us + 2 * TIMESTAMP_TICK_US < flow->mark - shake->syn_us)
		shake->sent_us = -1;
	turn_trip(flow, shake->flight_us, shake->sent_us);
	return 0;
}

/* ---- records ---- */

/* What began in a segment, in one word: a record's type, its bits of struct records.sizes, ... */
#define HANDSHAKE_SIZES 8	/* bits from here on */
#define HANDSHAKE_LARGE 0x10000 /* large enough for a request */
#define HANDSHAKE_HELLO 0x20000 /* a ClientHello in the clear */

/* What follows from a record: in the lowest byte what it begins or ends, above it the kind of
 * handshake that it shows. */
enum { HANDSHAKE_REQUEST = 1, HANDSHAKE_EARLY_ENDS };
#define HANDSHAKE_KIND 8 /* bits from here on */

/* A record of the client's second flight, or behind it. */
PARSE_INLINE int handshake_record(struct seine_flow *flow, __u32 what)
{
	__u32 type = what & 0xff, sizes = what >> HANDSHAKE_SIZES & 0xff, kind;

	if (type == TLS_CHANGE_CIPHER)
		flow->flags |= SEINE_F_CCS;
	if (type == TLS_HANDSHAKE) {
		if (what & HANDSHAKE_HELLO)
			flow->flags |= SEINE_F_RETRY;
		kind = what & HANDSHAKE_HELLO	   ? SEINE_TLS_13_RETRY
		       : flow->flags & SEINE_F_CCS ? SEINE_TLS_12_RESUMED
						   : SEINE_TLS_12;
		return kind << HANDSHAKE_KIND;
	}
	if (type != TLS_DATA)
		return 0;

	kind = (flow->flags & SEINE_F_PSK ? SEINE_TLS_13_PSK : SEINE_TLS_13) << HANDSHAKE_KIND;
	if (flow->tls == SEINE_TLS_12 || flow->tls == SEINE_TLS_12_RESUMED ||
	    flow->flags & SEINE_F_FINISHED)
		return what & HANDSHAKE_LARGE ? kind | HANDSHAKE_REQUEST : kind;
	if (flow->flags & SEINE_F_EARLY) {
		kind = SEINE_TLS_13_EARLY << HANDSHAKE_KIND;
		if (!(sizes & (RECORD_FINISHED | RECORD_FINISHED384)))
			return kind;
		flow->flags |= SEINE_F_FINISHED;
		return kind | HANDSHAKE_EARLY_ENDS;
	}
	flow->flags |= SEINE_F_FINISHED;
	return kind;
}

/* Does a ClientHello begin here? Its own length, three bytes, fits its record's: else it is
 * something encrypted. */
PARSE_INLINE bool handshake_is_hello(struct frame *f, __u32 off)
{
	const __u8 *at = parse_at(f, off, TLS_RECORD_HEADER + 4);

	return at && at[5] == 1 &&
	       ((__u32)at[6] << 16 | at[7] << 8 | at[8]) + 4 == ((__u32)at[3] << 8 | at[4]);
}

/* 0-RTT data goes on, and counts, or ends here, which is returned. */
PARSE_INLINE bool handshake_is_early(struct seine_flow *flow, __u32 bytes, bool ends)
{
	if (!(flow->flags & SEINE_F_EARLY) || flow->phase != SEINE_WAIT_FLIGHT)
		return false;
	if (!ends)
		flow->turn_bytes += bytes;
	return ends;
}

#define HANDSHAKE_AGAIN (~0u) /* instead of bytes: a second hello begins at flow->next_seq */

/* What comes between hello and first request, record by record. Returns how many bytes a request
 * has that begins here, 0 when none does. */
PARSE_ONCE __u32 handshake_flight(struct xdp_md *ctx, const struct packet *p,
				  const struct seine_cfg *cfg, struct seine_stats *stats,
				  struct seine_flow *flow)
{
	struct records s = {};
	__u32 off, left, request = 0;
	bool answered;

	if (!p || !cfg || !stats || !flow)
		return 0;
	off = p->payload + handshake_known(p, flow);
	left = p->payload_len - handshake_known(p, flow);
	answered = flow->ack != flow->turn_ack;
	if (answered && flow->phase == SEINE_WAIT_FLIGHT && !(flow->flags & SEINE_F_EARLY))
		handshake_trip(ctx, p, flow);

	s.left = flow->record_left;
	PARSE_LOOP
	for (int i = 0; i < HANDSHAKE_RECORDS; i++) {
		bool hello;
		__u32 step;
		int what;

		if (!left)
			break;
		hello = !s.left && handshake_is_hello(ctx, off);
		s.first = s.sizes = s.requests = 0;
		s.data = 0;
		step = record_step(ctx, off, left, &s);
		if (!step || step > left) {
			flow->flags |= SEINE_F_LOST;
			return request ?: left;
		}
		if (!answered && s.data)
			flow->flags |= SEINE_F_EARLY;
		/* A second hello ends 0-RTT, too: the server refused it. */
		if (handshake_is_early(flow, s.data, answered && (s.sizes || hello)))
			handshake_trip(ctx, p, flow);
		if (!s.first || flow->phase != SEINE_IN_FLIGHT)
			goto next;

		what = handshake_record(flow, s.first | s.sizes << HANDSHAKE_SIZES |
						      (s.requests ? HANDSHAKE_LARGE : 0) |
						      (hello ? HANDSHAKE_HELLO : 0));
		if (what >> HANDSHAKE_KIND)
			handshake_settle(p, cfg, stats, flow, what >> HANDSHAKE_KIND);
		if (hello) {
			flow->next_seq = p->seq + (off - p->payload);
			return HANDSHAKE_AGAIN;
		}
		if ((what & 0xff) == HANDSHAKE_REQUEST && !request)
			request = left;
		if ((what & 0xff) == HANDSHAKE_EARLY_ENDS)
			request = flow->turn_bytes; /* that was the request */
next:
		off += step;
		left -= step;
	}
	if (left)
		flow->flags |= SEINE_F_LOST;
	flow->record_left = s.left;
	return request;
}

/* ---- hello ---- */

/* Copies the segment's bytes that are of the hello, or may be: where its beginning has not come
 * yet, all of them. */
PARSE_ONCE int handshake_copy(struct xdp_md *ctx, const struct packet *p, struct seine_stats *stats,
			      const struct seine_flow *flow)
{
	const struct seine_shake *shake;
	bool begun;
	struct piece w;
	__s32 known;

	if (!p || !stats || !flow)
		return 0;
	shake = flow_shake(flow);
	if (!shake)
		return 0;
	begun = flow->phase == SEINE_IN_HELLO;
	known = handshake_known(p, flow);
	if (known < 0)
		known = 0;
	w.tag = flow->tag;
	w.hello_key = begun ? shake->hello_key : 0;
	w.source_hi = p->src_hi;
	w.source_lo = p->src_lo;
	w.flags = flow->flags;
	w.offset = p->seq + known - shake->isn - 1;
	w.off = p->payload + known;
	w.len = p->payload_len - known;
	if (begun && flow->next_seq + shake->missing - p->seq - known < w.len)
		w.len = flow->next_seq + shake->missing - p->seq - known;
	event_pieces(ctx, p, &w, stats);
	return 0;
}

/* Bytes of a hello whose beginning is known; moves flow->next_seq behind them. */
PARSE_ONCE int handshake_rest(struct xdp_md *ctx, const struct packet *p, struct seine_flow *flow)
{
	struct seine_shake *shake;
	__u32 off, len, part;

	if (!p || !flow)
		return 0;
	shake = flow_shake(flow);
	if (!shake)
		return 0;
	off = p->payload + handshake_known(p, flow);
	len = p->payload_len - handshake_known(p, flow);
	part = len < shake->missing ? len : shake->missing;

	if (hello_offers_psk(ctx, off, part, &shake->skip))
		flow->flags |= SEINE_F_PSK;
	shake->missing -= part;
	flow->next_seq += part;
	if (shake->missing) {
		flow->flags |= SEINE_F_HELLO_SPLIT;
		return 0;
	}
	flow->phase = SEINE_WAIT_FLIGHT;
	flow->mark = handshake_now_us();
	flow->record_left = 0;
	return 0;
}

/* The first data of a connection, or the first that looks like TLS. Returns whether it is. */
PARSE_ONCE int handshake_hello(struct xdp_md *ctx, const struct packet *p,
			       const struct seine_cfg *cfg, struct seine_stats *stats,
			       struct seine_flow *flow)
{
	__u32 known, now_us = handshake_now_us();
	struct seine_shake *shake;
	struct hello hello = {};
	bool fresh = true;

	if (!p || !cfg || !stats || !flow)
		return false;
	shake = flow_shake(flow);
	known = handshake_known(p, flow);
	if (!shake || hello_read(ctx, p->payload + known, p->payload_len - known, &hello) < 0)
		return false;

	if (!(flow->flags & (SEINE_F_NO_HANDSHAKE | SEINE_F_LATE_HELLO | SEINE_F_RETRY)))
		shake->g1_us = now_us - flow->mark;
	flow->flags |= SEINE_F_HELLO;
	flow->phase = SEINE_IN_HELLO;
	shake->hello_key = hello.key;
	shake->isn = flow->next_seq - 1;
	shake->missing = hello.bytes;
	shake->skip = hello.skip;
	if (!(flow->flags & SEINE_F_UNPROVEN)) {
		stats->hello++;
		fresh = account_hello(account_source(p), hello.key);
	}
	if (event_wants(cfg, stats, flow->tag, fresh))
		flow->flags |= SEINE_F_SAMPLED;
	return true;
}

/* ---- order ---- */

/* A segment that comes before what precedes it: its place is kept, its bytes go to user space. */
PARSE_CALL void handshake_ahead(const struct track *t, struct seine_flow *flow)
{
	const struct packet *p = t->p;
	struct seine_shake *shake = flow_shake(flow);
	__u32 ahead = p->seq - flow->next_seq, end = p->seq + p->payload_len;

	if (!shake)
		return;
	flow->flags |= SEINE_F_REORDERED;
	if (ahead > HANDSHAKE_AHEAD) {
		flow->flags |= SEINE_F_LOST;
		turn_begin(p, t->stats, flow, p->payload_len);
		flow->next_seq = end;
		return;
	}
	if (!flow_keep_ahead(&shake->ahead_from, &shake->ahead_to, p->seq, end))
		return;
	if (flow->phase <= SEINE_IN_HELLO && event_admit(t->cfg, t->stats))
		handshake_copy(t->ctx, p, t->stats, flow);
}

/* What came too early is reached: its bytes count, though nobody can look at them any more. */
PARSE_CALL void handshake_catch_up(struct seine_flow *flow)
{
	struct seine_shake *shake = flow_shake(flow);
	__u32 n, part;

	if (!shake || shake->ahead_from == shake->ahead_to ||
	    (__s32)(flow->next_seq - shake->ahead_from) < 0)
		return;
	n = shake->ahead_to - flow->next_seq;
	shake->ahead_from = shake->ahead_to = 0;
	if ((__s32)n <= 0)
		return;
	flow->next_seq += n;
	if (flow->phase == SEINE_IN_HELLO) {
		part = n < shake->missing ? n : shake->missing;
		shake->skip = HELLO_LOST;
		shake->missing -= part;
		n -= part;
		if (shake->missing)
			return;
		flow->phase = SEINE_WAIT_FLIGHT;
		flow->mark = handshake_now_us();
	}
	if (!n)
		return;
	flow->flags |= SEINE_F_LOST;
	if (flow->phase == SEINE_IN_FLIGHT) /* what was not read is the flight's end */
		flow->flags |= SEINE_F_FINISHED;
}

/* ---- all of it ---- */

/* The first bytes were none of a hello. */
PARSE_INLINE void handshake_plain(const struct track *t, struct seine_flow *flow, __u32 fresh)
{
	t->stats->hello_bad++;
	flow->tls = SEINE_TLS_PLAIN;
	turn_begin(t->p, t->stats, flow, fresh);
}

/* The part of a hello that this segment has. */
PARSE_INLINE void handshake_hello_part(const struct track *t, struct seine_flow *flow)
{
	if (flow->flags & SEINE_F_SAMPLED)
		handshake_copy(t->ctx, t->p, t->stats, flow);
	handshake_rest(t->ctx, t->p, flow);
}

/* The flight, which may bring a second hello: what the server had to ask again for. */
PARSE_INLINE void handshake_on(const struct track *t, struct seine_flow *flow)
{
	__u32 request = handshake_flight(t->ctx, t->p, t->cfg, t->stats, flow);

	if (request == HANDSHAKE_AGAIN) {
		if (handshake_hello(t->ctx, t->p, t->cfg, t->stats, flow))
			handshake_hello_part(t, flow);
	} else if (request) {
		turn_begin(t->p, t->stats, flow, request);
	}
}

/* A segment of a hello, and what may stand behind it. */
PARSE_INLINE void handshake_in_hello(const struct track *t, struct seine_flow *flow)
{
	const struct packet *p = t->p;

	handshake_hello_part(t, flow);
	if (flow->phase == SEINE_WAIT_FLIGHT && flow->next_seq != p->seq + p->payload_len)
		handshake_on(t, flow);
}

/* A hello behind other data. */
PARSE_CALL void handshake_late(const struct track *t, struct seine_flow *flow)
{
	flow->flags |= SEINE_F_LATE_HELLO;
	flow->tls = SEINE_TLS_UNKNOWN;
	flow->turn_ack = flow->ack;
	if (!handshake_hello(t->ctx, t->p, t->cfg, t->stats, flow))
		return;
	if (!(flow->flags & SEINE_F_UNPROVEN))
		t->stats->hello_late++;
	handshake_in_hello(t, flow);
	flow->next_seq = t->p->seq + t->p->payload_len;
}

/* Data before the first request. */
PARSE_INLINE void handshake_data(const struct track *t, struct seine_flow *flow)
{
	const struct packet *p = t->p;
	__u32 end = p->seq + p->payload_len;
	__u32 fresh = end - flow->next_seq;

	if ((__s32)(p->seq - flow->next_seq) > 0) {
		handshake_ahead(t, flow);
		return;
	}
	if (p->seq != flow->next_seq)
		flow->flags |= SEINE_F_RETRANS;
	if ((__s32)fresh <= 0)
		return;

	switch (flow->phase) {
	case SEINE_WAIT_HELLO:
		if (handshake_hello(t->ctx, p, t->cfg, t->stats, flow))
			handshake_in_hello(t, flow);
		else
			handshake_plain(t, flow, fresh);
		break;
	case SEINE_IN_HELLO: handshake_in_hello(t, flow); break;
	default: handshake_on(t, flow);
	}
	flow->next_seq = end;
	if (flow->flags & SEINE_F_REORDERED)
		handshake_catch_up(flow);
}

#endif
