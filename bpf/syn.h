/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SYN says of the TCP stack that sent it. Pure.
 *
 * The facts are those of p0f's notation (which prints them); the encoding is ours: option kinds in
 * their order, four bits each, the initial TTL rounded up to what stacks begin with, window, MSS
 * and scale as they are, and one bit a quirk.
 */
#ifndef SEINE_SYN_H
#define SEINE_SYN_H

#include "parse.h"
#include "seine.h"

#define SYN_OPTIONS 16 /* that seine_syn.layout has room for */

PARSE_INLINE __u8 syn_ttl(__u8 ttl)
{
	if (ttl <= 32)
		return 32;
	if (ttl <= 64)
		return 64;
	if (ttl <= 128)
		return 128;
	return 255;
}

PARSE_INLINE __u16 syn_quirks(const struct packet *p)
{
	__u16 q = 0;

	if (p->v6)
		q |= SEINE_Q_V6;
	if (p->v6 && p->ip6_flow)
		q |= SEINE_Q_FLOW;
	if (p->df)
		q |= SEINE_Q_DF;
	if (p->df && p->ip_id)
		q |= SEINE_Q_ID_PLUS;
	if (!p->v6 && !p->df && !p->ip_id)
		q |= SEINE_Q_ID_MINUS;
	if (p->flags & (TCP_ECE | TCP_CWR) || p->tos & 3)
		q |= SEINE_Q_ECN;
	if (!p->seq)
		q |= SEINE_Q_SEQ_ZERO;
	if (p->ack)
		q |= SEINE_Q_ACK_PLUS;
	if (p->urgent || p->flags & TCP_URG)
		q |= SEINE_Q_URG;
	if (p->flags & TCP_PSH)
		q |= SEINE_Q_PUSH;
	if (p->ip_options)
		q |= SEINE_Q_IP_OPTIONS;
	if (p->payload_len)
		q |= SEINE_Q_DATA;
	return q;
}

PARSE_INLINE int syn_bad(struct seine_syn *syn)
{
	syn->quirks |= SEINE_Q_BAD;
	return 0;
}

/* Takes in one option of `size` bytes; its kind, SEINE_OPT_END when the buffer ends before it. */
PARSE_INLINE __u64 syn_option_value(struct frame *f, __u32 off, __u8 kind, __u32 size,
				    struct seine_syn *syn)
{
	const __u8 *opt;

	if (kind == 2 && size == 4) {
		opt = parse_at(f, off, 4);
		if (!opt)
			return SEINE_OPT_END;
		syn->mss = opt[2] << 8 | opt[3];
		return SEINE_OPT_MSS;
	}
	if (kind == 3 && size == 3) {
		opt = parse_at(f, off, 3);
		if (!opt)
			return SEINE_OPT_END;
		syn->wscale = opt[2];
		if (opt[2] > 14)
			syn->quirks |= SEINE_Q_EXCESS;
		return SEINE_OPT_WSCALE;
	}
	if (kind == 4 && size == 2)
		return SEINE_OPT_SACK_OK;
	if (kind == 5)
		return SEINE_OPT_SACK;
	if (kind == 8 && size == 10) {
		opt = parse_at(f, off, 10);
		if (!opt)
			return SEINE_OPT_END;
		if (!(opt[2] | opt[3] | opt[4] | opt[5]))
			syn->quirks |= SEINE_Q_TS_ZERO;
		if (opt[6] | opt[7] | opt[8] | opt[9])
			syn->quirks |= SEINE_Q_TS_PEER;
		return SEINE_OPT_TIMESTAMP;
	}
	return SEINE_OPT_OTHER;
}

/* The `nth` option, at `off`, of `left` bytes; how far to move on, 0 at the end or when malformed. */
PARSE_ONCE int syn_option(struct frame *f, __u32 off, __u32 left, __u32 nth, struct seine_syn *syn)
{
	__u64 kind;
	const __u8 *opt;
	__u32 size;

	if (!syn || nth >= SYN_OPTIONS)
		return 0;
	opt = parse_at(f, off, 1);
	if (!opt)
		return syn_bad(syn);
	if (opt[0] < 2) {
		kind = opt[0] ? SEINE_OPT_NOP : SEINE_OPT_EOL;
		syn->layout |= kind << (4 * nth);
		return opt[0];
	}

	opt = parse_at(f, off, 2);
	if (!opt)
		return syn_bad(syn);
	size = opt[1];
	if (size < 2 || size > left)
		return syn_bad(syn);
	kind = syn_option_value(f, off, opt[0], size, syn);
	if (kind == SEINE_OPT_END)
		return syn_bad(syn);
	syn->layout |= kind << (4 * nth);
	return size;
}

/* Reads a packet with the SYN flag. Never fails: what is malformed is a quirk of its own. */
PARSE_INLINE void syn_read(struct frame *f, const struct packet *p, struct seine_syn *syn)
{
	__u32 off = p->l4 + sizeof(struct tcphdr);
	__u32 left = p->tcp_options;

	__builtin_memset(syn, 0, sizeof(*syn));
	syn->window = p->window;
	syn->ttl = syn_ttl(p->ttl);
	syn->wscale = 255;
	syn->quirks = syn_quirks(p);

	PARSE_LOOP
	for (__u32 i = 0; i < SYN_OPTIONS; i++) {
		__u32 step;

		if (!left)
			break;
		step = syn_option(f, off, left, i, syn);
		if (!step || step > left)
			break;
		off += step;
		left -= step;
	}
}

#endif
