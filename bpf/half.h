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
#include "flow.h"
#include "gap.h"
#include "hello.h"
#include "maps.h"
#include "proof.h"
#include "syn.h"

#define HALF_KEEP_US 3000000 /* for a SYN to be answered, or sent once more */

PARSE_INLINE struct seine_half *half_find(__u64 tag)
{
	__u32 at = tag >> 32 & half_mask;

	return bpf_map_lookup_elem(&seine_half, &at);
}

/*
 * In a flood, room is for sources that have been proven before: strangers share what the limit
 * leaves, and do not displace a known source's handshake while it may still go on.
 */
PARSE_INLINE bool half_admit(const struct track *t, const struct seine_half *half, __u64 now,
			     bool known)
{
	struct seine_guard *g = flow_guard(now / NS_PER_SEC);

	if (known)
		return true;
	if (half->flags & SEINE_F_KNOWN && half->tag &&
	    (__u32)(now / NS_PER_US) - half->syn_us < HALF_KEEP_US)
		return false;
	if (!g || g->syns >= t->cfg->syns_per_sec)
		return false;
	g->syns++;
	return true;
}

/* Data of a connection that is not proven yet, beginning at `seq`. A hello is kept until it is. */
PARSE_ONCE int half_data(struct xdp_md *ctx, const struct packet *p, struct seine_half *half,
			 __u32 seq)
{
	__u32 now_us = clock_fine() / NS_PER_US, len;
	struct hello hello = {};

	if (!p || !half)
		return 0;
	len = p->payload_len;
	if (seq != half->next_seq) {
		half->flags |= SEINE_F_RETRANS;
		return 0;
	}
	half->next_seq += len;
	if (half->missing) {
		half->missing = len < half->missing ? half->missing - len : 0;
		half->hello_us = now_us;
		return 0;
	}
	if (seq != half->seq + 1 || hello_read(ctx, p->payload, &hello) < 0)
		return 0;

	half->hello_key = hello.key;
	half->first_us = now_us;
	half->hello_us = now_us;
	half->flags |= SEINE_F_HELLO;
	if (hello.bytes > len) {
		half->missing = hello.bytes - len;
		half->flags |= SEINE_F_HELLO_SPLIT;
	}
	return 0;
}

/* Ports are used again: what is left of a connection whose end we did not see goes. While the
 * kernel still has it, the SYN is old or forged. */
PARSE_INLINE void half_forget_old(const struct track *t)
{
	struct seine_flow *flow = flow_find(t->tag);

	if (!flow)
		return;
	if (!(flow->flags & SEINE_F_CLOSED)) {
		if (t->cfg->proof == SEINE_PROOF_SOCKET ? proof_ask_socket(t) == PROOF_YES
							: flow_in_window(flow, t->p->seq))
			return;
		flow_close(t, flow);
	}
	flow->tag = 0;
}

PARSE_ONCE int half_syn(struct xdp_md *ctx, const struct packet *p, const struct seine_cfg *cfg,
			struct seine_stats *stats, __u64 tag)
{
	struct track t = { .p = p, .ctx = ctx, .cfg = cfg, .stats = stats, .tag = tag };
	struct seine_half *half = half_find(tag);
	__u64 now = clock_fine();
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
	__builtin_memset(half, 0, sizeof(*half));
	half->tag = tag;
	half->syn_us = now / NS_PER_US;
	half->seq = p->seq;
	half->next_seq = p->seq + 1;
	half->flags = known ? SEINE_F_KNOWN : 0;
	syn_read(ctx, p, &half->syn);
	if (p->payload_len) {
		half->flags |= SEINE_F_TFO;
		half_data(ctx, p, half, half->next_seq);
	}
	return 0;
}

/* The client's answer to the server's SYN: the first round trip. */
PARSE_INLINE void half_first_ack(const struct packet *p, struct seine_half *half)
{
	if (half->rtt_us || !proof_fits(p, half))
		return;
	half->rtt_us = (__u32)(clock_fine() / NS_PER_US) - half->syn_us ?: 1;
	half->ack = p->ack;
	if (p->payload_len)
		half->flags |= SEINE_F_NO_PURE_ACK;
}

/* What the handshake has shown goes over into the connection. */
PARSE_INLINE void half_take_over(const struct track *t, const struct seine_half *half,
				 struct seine_flow *flow)
{
	flow->flags = half->flags;
	flow->rtt_us = half->rtt_us;
	flow->mark = half->syn_us + half->rtt_us;
	flow->ack = half->ack;
	flow->turn_ack = half->ack;
	if (!(half->flags & SEINE_F_HELLO))
		return;

	t->stats->hello++;
	flow->next_seq = half->next_seq;
	flow->hello_key = half->hello_key;
	flow->g1_us = half->first_us - flow->mark;
	flow->mark = half->hello_us;
	flow->phase = half->missing ? SEINE_IN_HELLO : SEINE_WAIT_FLIGHT;
	flow->phase_bytes = half->missing;
}

/* A connection has been proven by the segment at hand. `half` may be NULL. */
PARSE_CALL struct seine_flow *half_promote(const struct track *t, struct seine_half *half)
{
	const struct packet *p = t->p;
	__u64 now = clock_fine();
	__u32 now_sec = now / NS_PER_SEC;
	struct seine_flow *flow;

	if (!flow_admit(t, now_sec))
		return NULL;
	flow = flow_take_slot(t);
	if (!flow)
		return NULL;

	__builtin_memset(flow, 0, sizeof(*flow));
	flow->tag = t->tag;
	flow->next_seq = p->seq;
	flow->ack = p->ack;
	flow->turn_ack = p->ack;
	flow->mark = now / NS_PER_MS;
	flow->ack_ms = now / NS_PER_MS;
	t->stats->flow_new++;
	proof_remember(p);

	if (!half) {
		flow->flags = SEINE_F_NO_HANDSHAKE;
		flow->phase = SEINE_TURNS;
		t->stats->flow_pickup++;
		account_connection(p, NULL, 0, t->stats, now_sec);
		return flow;
	}
	half_take_over(t, half, flow);
	account_connection(p, half, flow->flags & GAP_UNTRUSTED ? 0 : flow->rtt_us, t->stats,
			   now_sec);
	if (half->flags & SEINE_F_HELLO)
		account_hello(account_source(p), half->hello_key);
	half->tag = 0;
	return flow;
}

#endif
