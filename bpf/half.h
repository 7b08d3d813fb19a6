/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Half-open connections, and how they become proven ones. A SYN leaves a row here and nothing else.
 *
 * The first data may come before the kernel has established the connection: in one batch with the
 * handshake's ACK, or always, where the listener defers accept. Its hello is then kept here, and
 * goes over into the flow row with the first segment that finds an established socket.
 */
#ifndef SEINE_HALF_H
#define SEINE_HALF_H

#include <linux/bpf.h>
#include "account.h"
#include "clock.h"
#include "event.h"
#include "flow.h"
#include "gap.h"
#include "hello.h"
#include "maps.h"
#include "proof.h"
#include "record.h"
#include "syn.h"
#include "timestamp.h"

#define HALF_KEEP_US 3000000 /* for a SYN to be answered, or sent once more */

PARSE_INLINE struct seine_half *half_slot(__u64 tag, __u32 which)
{
	__u32 at = (tag >> 32 & half_mask & ~1u) + which;

	return bpf_map_lookup_elem(&seine_half, &at);
}

PARSE_CALL struct seine_half *half_find(__u64 tag)
{
	struct seine_half *a = half_slot(tag, 0), *b = half_slot(tag, 1);

	if (a && a->tag == tag)
		return a;
	if (b && b->tag == tag)
		return b;
	return NULL;
}

/* May another connection have the row? */
PARSE_INLINE bool half_is_free(const struct seine_half *half, __u32 now_us)
{
	return !half->tag || now_us - half->syn_us >= HALF_KEEP_US;
}

/* The row for a new connection: its own old one, a free one, a stranger's, or the older. */
PARSE_INLINE struct seine_half *half_place(__u64 tag, __u32 now_us)
{
	struct seine_half *a = half_slot(tag, 0), *b = half_slot(tag, 1);

	if (!a || !b)
		return NULL;
	if (a->tag == tag || (b->tag != tag && half_is_free(a, now_us)))
		return a;
	if (b->tag == tag || half_is_free(b, now_us))
		return b;
	if ((a->flags ^ b->flags) & SEINE_F_KNOWN)
		return a->flags & SEINE_F_KNOWN ? b : a;
	return (__s32)(a->syn_us - b->syn_us) <= 0 ? a : b;
}

/*
 * In a flood, room is for sources that have been proven before: strangers share what the limit
 * leaves, and do not displace a known source's handshake while it may still go on.
 */
PARSE_INLINE bool half_admit(const struct track *t, const struct seine_half *half, __u64 now,
			     bool known)
{
	struct seine_guard *g = guard_of(now / NS_PER_SEC);

	if (known)
		return true;
	if (half->flags & SEINE_F_KNOWN && !half_is_free(half, now / NS_PER_US))
		return false;
	if (!g || g->syns >= t->cfg->syns_per_sec)
		return false;
	g->syns++;
	return true;
}

/* Pieces of a hello, copied before the connection is proven: it may never be, so the copy says so. */
PARSE_INLINE void half_copy(struct xdp_md *ctx, const struct packet *p,
			    const struct seine_half *half, const struct seine_cfg *cfg,
			    struct seine_stats *stats, __s32 known, __u32 len)
{
	struct piece w = {
		.tag = half->tag,
		.hello_key = half->hello_key,
		.source_hi = p->src_hi,
		.source_lo = p->src_lo,
		.flags = half->flags,
		.offset = half->next_seq - half->start,
		.off = p->payload,
		.len = len,
	};

	if (known > 0)
		w.off += known;
	else
		w.offset -= known;
	if (cfg->proof == SEINE_PROOF_SOCKET)
		w.flags |= SEINE_F_UNPROVEN;
	event_pieces(ctx, p, &w, stats);
}

/* Data that comes before what precedes it. */
PARSE_INLINE void half_ahead(struct xdp_md *ctx, const struct packet *p, struct seine_half *half,
			     const struct seine_cfg *cfg, struct seine_stats *stats, __u32 seq)
{
	half->flags |= SEINE_F_REORDERED;
	if (!flow_keep_ahead(&half->ahead_from, &half->ahead_to, seq, seq + p->payload_len))
		return;
	if (event_admit(cfg, stats))
		half_copy(ctx, p, half, cfg, stats, half->next_seq - seq, p->payload_len);
}

/* The second line of a row is in use from the first data on. */
PARSE_INLINE void half_data_begins(struct seine_half *half)
{
	half->flags |= SEINE_F_DATA;
	half->hello_key = 0;
	half->first_us = half->hello_us = 0;
	half->missing = 0;
	half->skip = HELLO_LOST;
	half->ahead_from = half->ahead_to = 0;
	half->start = half->next_seq;
	half->record_left = half->early_bytes = 0;
}

/* What stands behind the hello in its segment: 0-RTT data, because nothing else can follow at once.
 */
PARSE_INLINE void half_early(struct xdp_md *ctx, struct seine_half *half, __u32 off, __u32 len)
{
	struct records r = {};

	half->flags |= SEINE_F_EARLY;
	if (record_read(ctx, off, len, 0, &r) || r.left == RECORD_LOST) {
		half->flags |= SEINE_F_LOST;
		return;
	}
	half->record_left = r.left;
	half->early_bytes = r.data;
}

/* Data of a connection that is not proven yet, beginning at `half->next_seq` if all is well. A
 * hello is kept until it is. */
PARSE_ONCE int half_data(struct xdp_md *ctx, const struct packet *p, const struct seine_cfg *cfg,
			 struct seine_stats *stats, struct seine_half *half)
{
	__u32 now_us = clock_fine() / NS_PER_US, len, part;
	const struct seine_source *src;
	struct hello hello = {};
	__u32 seq, known, off;

	if (!p || !half || !cfg || !stats)
		return 0;
	seq = p->seq + !!(p->flags & TCP_SYN);
	known = half->next_seq - seq;
	off = p->payload + known;
	len = p->payload_len - known;
	if (!(half->flags & SEINE_F_DATA))
		half_data_begins(half);
	if ((__s32)known < 0) {
		half_ahead(ctx, p, half, cfg, stats, seq);
		return 0;
	}
	/* Or behind a PROXY header, which has no timing either. */
	if (known)
		half->flags |= SEINE_F_RETRANS;
	if ((__s32)len <= 0)
		return 0;
	if (!half->missing) {
		if (half->first_us || hello_read(ctx, off, len, &hello) < 0) {
			half->first_us = now_us;
			half->next_seq += len;
			return 0;
		}
		half->hello_key = hello.key;
		half->first_us = now_us;
		half->start = half->next_seq;
		half->missing = hello.bytes;
		half->skip = hello.skip;
		half->flags |= SEINE_F_HELLO;
		src = account_source(p);
		if (event_wants(cfg, stats, half->tag, !src || src->hello_key != hello.key))
			half->flags |= SEINE_F_SAMPLED;
	}
	part = len < half->missing ? len : half->missing;
	if (half->flags & SEINE_F_SAMPLED)
		half_copy(ctx, p, half, cfg, stats, known, part);
	if (hello_offers_psk(ctx, off, part, &half->skip))
		half->flags |= SEINE_F_PSK;
	half->missing -= part;
	half->next_seq += len;
	half->hello_us = now_us;
	if (half->missing)
		half->flags |= SEINE_F_HELLO_SPLIT;
	else if (len > part)
		half_early(ctx, half, off + part, len - part);
	return 0;
}

/* Ports are used again: what is left of a connection whose end we did not see goes. While the
 * kernel still has it, the SYN is old or forged. */
PARSE_INLINE void half_forget_old(const struct track *t)
{
	struct seine_flow *flow = flow_find(t->tag);

	if (!flow)
		return;
	if (!(flow->flags & (SEINE_F_CLOSED | SEINE_F_UNPROVEN))) {
		if (t->cfg->proof == SEINE_PROOF_SOCKET ? proof_ask_socket(t) == PROOF_YES
							: flow_in_window(flow, t->p->seq))
			return;
	}
	if (!(flow->flags & SEINE_F_CLOSED))
		flow_close(t, flow);
	flow->tag = 0;
}

PARSE_ONCE int half_syn(struct xdp_md *ctx, const struct packet *p, const struct seine_cfg *cfg,
			struct seine_stats *stats, __u64 tag)
{
	struct track t = { .p = p, .ctx = ctx, .cfg = cfg, .stats = stats, .tag = tag };
	__u64 now = clock_fine();
	struct seine_half *half = half_place(tag, now / NS_PER_US);
	bool known;

	if (!p || !cfg || !stats || !half)
		return 0;
	account_syn(p);
	if (half->tag == tag && half->seq == p->seq) {
		half->flags |= SEINE_F_SYN_AGAIN;
		half->syn_us = now / NS_PER_US;
		half->rtt_us = 0;
		return 0;
	}
	known = proof_before(p);
	if (!half_admit(&t, half, now, known)) {
		stats->half_refused++;
		return 0;
	}
	half_forget_old(&t);
	stats->half_new++;
	__builtin_memset(half, 0, offsetof(struct seine_half, hello_key));
	half->tag = tag;
	half->syn_us = now / NS_PER_US;
	half->seq = p->seq;
	half->next_seq = p->seq + 1;
	half->flags = known ? SEINE_F_KNOWN : 0;
	half->first_sec = now / NS_PER_SEC;
	syn_read(ctx, p, &half->syn);
	if (p->payload_len)
		half->flags |= SEINE_F_TFO;
	return 0;
}

/* The client's answer to the server's SYN: the first round trip. */
PARSE_INLINE void half_first_ack(struct xdp_md *ctx, const struct packet *p,
				 struct seine_half *half)
{
	if (half->rtt_us || !proof_fits(p, half))
		return;
	half->rtt_us = (__u32)(clock_fine() / NS_PER_US) - half->syn_us ?: 1;
	half->ack = p->ack;
	half->tsecr = timestamp_echo(ctx, p);
	if (p->payload_len)
		half->flags |= SEINE_F_NO_PURE_ACK;
}

/* A flow row for the connection of the packet at hand, as one whose handshake nobody saw. */
PARSE_CALL struct seine_flow *half_make_flow(const struct track *t)
{
	const struct packet *p = t->p;
	__u64 now = clock_fine();
	struct seine_shake *shake;
	struct seine_flow *flow;

	if (!flow_admit(t, now / NS_PER_SEC))
		return NULL;
	flow = flow_take_slot(t);
	if (!flow)
		return NULL;
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->tag = t->tag;
	shake = flow_shake(flow);
	if (!shake)
		return NULL;
	__builtin_memset(shake, 0, sizeof(*shake));
	flow->next_seq = p->seq;
	flow->ack = p->ack;
	flow->turn_ack = p->ack;
	flow->mark = now / NS_PER_MS;
	flow->ack_ms = now / NS_PER_MS;
	seed_store(shake->source.ip, p->src_hi, p->src_lo);
	shake->sport = p->sport;
	shake->dport = p->dport;
	shake->first_sec = now / NS_PER_SEC;
	shake->isn = p->seq - 1;
	shake->skip = HELLO_LOST;
	return flow;
}

/* What the handshake has shown goes over into the connection. */
PARSE_CALL void half_take_over(const struct track *t, struct seine_half *half,
			       struct seine_flow *flow, struct seine_shake *shake)
{
	flow->flags = half->flags & ~SEINE_F_DATA;
	flow->rtt_us = half->rtt_us;
	flow->rtt_min_us = half->flags & GAP_UNTRUSTED ? 0 : half->rtt_us;
	flow->mark = half->syn_us + half->rtt_us;
	flow->ack = half->ack;
	flow->turn_ack = half->ack;
	flow->next_seq = half->next_seq;
	shake->syn = half->syn;
	shake->first_sec = half->first_sec;
	shake->syn_us = half->syn_us;
	/* Timestamps tell nothing where it is not known which SYN was answered, and nothing of the
	 * client where they are a balancer's. */
	shake->tsecr = half->flags & (SEINE_F_SYN_AGAIN | SEINE_F_BALANCED) ? 0 : half->tsecr;
	shake->isn = half->seq;
	if (!(half->flags & SEINE_F_DATA))
		return;
	shake->ahead_from = half->ahead_from;
	shake->ahead_to = half->ahead_to;
	if (!(half->flags & SEINE_F_HELLO))
		return;

	t->stats->hello++;
	shake->hello_key = half->hello_key;
	shake->g1_us = half->first_us - flow->mark;
	shake->missing = half->missing;
	shake->skip = half->skip;
	flow->mark = half->hello_us;
	flow->phase = half->missing ? SEINE_IN_HELLO : SEINE_WAIT_FLIGHT;
	flow->record_left = half->record_left;
	flow->turn_bytes = half->early_bytes;
	shake->isn = half->start - 1;
}

/* A hello that was copied before is proven now: a piece without bytes says so. */
PARSE_ONCE int half_tell(struct xdp_md *ctx, const struct packet *p, struct seine_stats *stats,
			 const struct seine_flow *flow)
{
	struct piece w = {};

	if (!p || !stats || !flow)
		return 0;
	w.tag = flow->tag;
	w.flags = flow->flags;
	w.source_hi = p->src_hi;
	w.source_lo = p->src_lo;
	event_piece(ctx, p, &w, stats);
	return 0;
}

/* A connection has been proven by the segment at hand. `half` may be NULL. Returns whether it
 * has a row. */
PARSE_CALL bool half_promote(const struct track *t, struct seine_half *half)
{
	const struct packet *p = t->p;
	struct seine_flow *flow = half_make_flow(t);
	struct seine_shake *shake;
	__u32 now_sec;

	if (!flow)
		return false;
	now_sec = clock_coarse() / NS_PER_SEC;
	t->stats->flow_new++;
	proof_remember(p);
	if (!half) {
		flow->flags = SEINE_F_NO_HANDSHAKE | SEINE_F_LOST;
		flow->phase = SEINE_TURNS;
		t->stats->flow_pickup++;
		account_connection(p, NULL, 0, t->stats, now_sec);
		return true;
	}
	shake = flow_shake(flow);
	if (!shake)
		return false;
	half_take_over(t, half, flow, shake);
	account_connection(p, half, flow->flags & GAP_UNTRUSTED ? 0 : flow->rtt_us, t->stats,
			   now_sec);
	if (flow->flags & SEINE_F_HELLO) {
		account_hello(account_source(p), shake->hello_key);
		if (flow->flags & SEINE_F_SAMPLED && t->cfg->proof == SEINE_PROOF_SOCKET)
			half_tell(t->ctx, p, t->stats, flow);
	}
	half->tag = 0;
	return true;
}

#endif
