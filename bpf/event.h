/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes to user space beside the rows: pieces of ClientHellos, because only user space has the
 * time to read them, and connections that have ended, while somebody asks for them.
 */
#ifndef SEINE_EVENT_H
#define SEINE_EVENT_H

#include <linux/bpf.h>
#include "clock.h"
#include "guard.h"
#include "maps.h"
#include "quic.h"
#include "report.h"
#include "seed.h"

/* Keeps the compiler from checking a bound on another variable that moves with this one. */
#define BOUND_HERE(n) asm volatile("" : "+r"(n))
#define EVENT_PIECES \
	4 /* of one segment, which receive offload may have put together from several */

/* Whose bytes they are, and where they stand. */
struct piece {
	__u64 tag;
	__u64 hello_key;
	__u64 source_hi, source_lo;
	__u32 flags;
	__u32 offset; /* in the hello */
	__u32 off;    /* in the frame */
	__u32 len;
};

/* Copies words of eight bytes, as many as the frame's buffer, `len` and the event hold; how many
 * bytes that were. A function of its own, so that the verifier forgets which of many numbers it
 * was. */
PARSE_ONCE __u32 event_words(struct xdp_md *ctx, __u32 off, __u32 len, struct seine_segment *to)
{
	__u32 n = 0;

	if (!to)
		return 0;
	PARSE_LOOP
	for (int i = 0; i < SEINE_SEGMENT / 8; i++) {
		const __u64 *at;

		if (n + 8 > len)
			break;
		at = parse_at(ctx, off + n, 8);
		if (!at)
			break;
		*(__u64 *)&to->data[8 * i] = *at;
		n += 8;
	}
	return n;
}

PARSE_ONCE __u32 event_copy(struct xdp_md *ctx, __u32 off, __u32 len, struct seine_segment *to)
{
	__u32 n = event_words(ctx, off, len, to);

	PARSE_LOOP
	for (int i = 0; i < 7; i++) {
		const __u8 *at;

		BOUND_HERE(n);
		if (!to || n >= len || n >= SEINE_SEGMENT)
			break;
		at = parse_at(ctx, off + n, 1);
		if (!at)
			break;
		to->data[n] = *at;
		n++;
	}
	return n;
}

PARSE_ONCE int event_piece(struct xdp_md *ctx, const struct packet *p, struct piece *w,
			   struct seine_stats *stats)
{
	struct seine_segment *e;
	__u32 n;

	if (!p || !w || !stats)
		return 0;
	e = bpf_ringbuf_reserve(&seine_events, sizeof(*e), 0);
	if (!e) {
		stats->hello_lost++;
		return 0;
	}
	e->event = SEINE_EVENT_HELLO;
	e->flags = w->flags;
	e->tag = w->tag;
	e->hello_key = w->hello_key;
	e->time_ns = clock_fine();
	seed_store(e->source.ip, w->source_hi, w->source_lo);
	e->sport = p->sport;
	e->dport = p->dport;
	e->offset = w->offset;
	e->reserved = 0;
	n = event_copy(ctx, w->off, w->len, e);
	e->len = n;
	bpf_ringbuf_submit(e, 0);
	stats->hello_copied++;
	return n;
}

/* All of a segment's bytes that belong to a hello. */
PARSE_INLINE void event_pieces(struct xdp_md *ctx, const struct packet *p, struct piece *w,
			       struct seine_stats *stats)
{
	PARSE_LOOP
	for (int i = 0; i < EVENT_PIECES; i++) {
		__u32 n = event_piece(ctx, p, w, stats);

		if (n < SEINE_SEGMENT || n >= w->len)
			break;
		w->offset += n;
		w->off += n;
		w->len -= n;
	}
}

/* May one more piece be copied in this second? */
PARSE_INLINE bool event_admit(const struct seine_cfg *cfg, struct seine_stats *stats)
{
	struct seine_guard *g = guard_of(clock_fine() / NS_PER_SEC);

	if (!g || g->hellos >= cfg->hellos_per_sec) {
		stats->hello_limited++;
		return false;
	}
	g->hellos++;
	return true;
}

/* Is a hello to be copied? One that is `fresh` at its source always, of the others one in some. */
PARSE_INLINE bool event_wants(const struct seine_cfg *cfg, struct seine_stats *stats, __u64 tag,
			      bool fresh)
{
	if (!fresh && cfg->hello_one_in && (__u32)(tag >> 24) % cfg->hello_one_in)
		return false;
	return event_admit(cfg, stats);
}

/* A QUIC Initial: counted, and some connections' are copied; which, their ports say, so that all
 * packets of one hello are. */
PARSE_ONCE int event_quic(struct xdp_md *ctx, const struct packet *p, const struct seine_cfg *cfg,
			  struct seine_stats *stats)
{
	struct piece w = { .flags = SEINE_F_QUIC | SEINE_F_UNPROVEN };

	if (!p || !cfg || !stats || !quic_is_initial(ctx, p->payload, p->payload_len))
		return 0;
	stats->quic_initial++;
	w.tag = seed_connection(p);
	if (!event_wants(cfg, stats, w.tag, false))
		return 0;
	w.source_hi = p->src_hi;
	w.source_lo = p->src_lo;
	w.off = p->payload;
	w.len = p->payload_len < SEINE_SEGMENT ? p->payload_len : SEINE_SEGMENT;
	event_piece(ctx, p, &w, stats);
	return 0;
}

/* A connection has ended, or its row is needed for another. */
PARSE_ONCE int event_connection(const struct seine_flow *flow, const struct seine_shake *shake,
				const struct seine_cfg *cfg, struct seine_stats *stats)
{
	struct seine_connection *e;

	if (!flow || !shake || !cfg || !stats || !cfg->connection_one_in ||
	    (__u32)(flow->tag >> 32) % cfg->connection_one_in)
		return 0;
	e = bpf_ringbuf_reserve(&seine_events, sizeof(*e), 0);
	if (!e) {
		stats->connection_lost++;
		return 0;
	}
	report_connection(flow, shake, e);
	bpf_ringbuf_submit(e, 0);
	return 1;
}

#endif
