/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of sources and prefixes. Only proven connections get here, but for the count of SYNs, which
 * goes to a prefix that has a row already and otherwise to the overflow row.
 *
 * Rows are shared by CPUs: counters are added atomically; "last seen" values are plain stores, of
 * which any one may win.
 */
#ifndef SEINE_ACCOUNT_H
#define SEINE_ACCOUNT_H

#include "clock.h"
#include "maps.h"
#include "seed.h"

#define ACCOUNT_ADD(field, n) __sync_fetch_and_add(&(field), (n))
#define ACCOUNT_EEXIST 17
#define ACCOUNT_E2BIG 7

/* New rows begin as these; too large for the stack. */
static const struct seine_source account_no_source;
static const struct seine_net account_no_net;

PARSE_ONCE int account_msb(__u32 v)
{
	__u32 n = 0;

	if (v >> 16) {
		v >>= 16;
		n = 16;
	}
	if (v >> 8) {
		v >>= 8;
		n += 8;
	}
	if (v >> 4) {
		v >>= 4;
		n += 4;
	}
	if (v >> 2) {
		v >>= 2;
		n += 2;
	}
	return n + (v >> 1);
}

/* log2 in sixteenths, linear between powers of two. */
PARSE_INLINE __u32 account_log(__u32 v)
{
	__u32 msb = account_msb(v) & 31;

	return msb * 16 + ((__u64)v << 4 >> msb & 15);
}

PARSE_INLINE void account_bin(__u32 *hist, __u32 v, __u32 shift)
{
	__u32 bin = account_msb(v);

	bin = bin > shift ? bin - shift : 0;
	if (bin >= SEINE_BINS)
		bin = SEINE_BINS - 1;
	ACCOUNT_ADD(hist[bin], 1);
}

PARSE_INLINE struct seine_net *account_net(const struct packet *p)
{
	struct seine_addr key;
	struct seine_net *row;

	seed_net(p, &key);
	row = bpf_map_lookup_elem(&seine_net, &key);
	if (row)
		return row;
	__builtin_memset(&key, 0, sizeof(key));
	return bpf_map_lookup_elem(&seine_net, &key);
}

PARSE_INLINE void account_syn(const struct packet *p)
{
	struct seine_net *net = account_net(p);

	if (net)
		ACCOUNT_ADD(net->syns, 1);
}

PARSE_INLINE struct seine_net *account_net_new(const struct packet *p, struct seine_stats *stats,
					       __u32 now_sec)
{
	struct seine_addr key;
	struct seine_net *row;
	long r;

	seed_net(p, &key);
	row = bpf_map_lookup_elem(&seine_net, &key);
	if (row)
		return row;

	r = bpf_map_update_elem(&seine_net, &key, &account_no_net, BPF_NOEXIST);
	if (r == -ACCOUNT_E2BIG)
		stats->net_full++;
	else if (r && r != -ACCOUNT_EEXIST)
		stats->map_error++;
	row = account_net(p);
	if (row && !row->first_sec)
		row->first_sec = now_sec;
	return row;
}

PARSE_INLINE struct seine_source *account_source(const struct packet *p)
{
	struct seine_addr key;

	seed_source(p, &key);
	return bpf_map_lookup_elem(&seine_src, &key);
}

/* The row of a source that has just been proven, made when there is none. */
PARSE_INLINE struct seine_source *account_source_new(const struct packet *p,
						     struct seine_stats *stats,
						     struct seine_net *net, __u32 now_sec)
{
	struct seine_source *src = account_source(p);
	struct seine_addr key;
	long r;

	if (src)
		return src;

	seed_source(p, &key);
	r = bpf_map_update_elem(&seine_src, &key, &account_no_source, BPF_NOEXIST);
	if (!r) {
		stats->src_new++;
		if (net)
			ACCOUNT_ADD(net->sources, 1);
	} else if (r == -ACCOUNT_E2BIG) {
		stats->src_full++;
	} else if (r != -ACCOUNT_EEXIST) {
		stats->map_error++;
	}
	src = bpf_map_lookup_elem(&seine_src, &key);
	if (src && !src->first_sec)
		src->first_sec = now_sec;
	return src;
}

/* One more {SYN, hello} pair seen behind this source: a bit of 64 by hash. */
PARSE_INLINE void account_stack(struct seine_source *src)
{
	__u64 h = src->hello_key ^ src->syn.layout ^ (__u64)src->syn.ttl << 8 ^ src->syn.wscale;
	__u64 bit = 1ull << (seine_mix64(h ^ seed0) & 63);

	if (!(src->stacks & bit))
		__sync_fetch_and_or(&src->stacks, bit);
}

PARSE_INLINE bool account_same_syn(const struct seine_syn *a, const struct seine_syn *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return x[0] == y[0] && x[1] == y[1];
}

/* A proven connection. `half` is its handshake, NULL when that was not seen. */
PARSE_INLINE struct seine_source *account_connection(const struct packet *p,
						     const struct seine_half *half, __u32 rtt_us,
						     struct seine_stats *stats, __u32 now_sec)
{
	struct seine_net *net = account_net_new(p, stats, now_sec);
	struct seine_source *src = account_source_new(p, stats, net, now_sec);

	if (net) {
		ACCOUNT_ADD(net->connections, 1);
		net->last_sec = now_sec;
	}
	if (!src)
		return NULL;

	src->last_sec = now_sec;
	ACCOUNT_ADD(src->connections, 1);
	ACCOUNT_ADD(src->open, 1);
	if (src->open > src->open_max)
		src->open_max = src->open;
	if (!half)
		return src;

	ACCOUNT_ADD(src->handshakes, 1);
	if (rtt_us && (!src->rtt_min_us || rtt_us < src->rtt_min_us))
		src->rtt_min_us = rtt_us;
	if (!account_same_syn(&src->syn, &half->syn)) {
		if (src->syn.ttl)
			ACCOUNT_ADD(src->syn_changes, 1);
		src->syn = half->syn;
	}
	return src;
}

/* Returns whether this ClientHello is new here. */
PARSE_INLINE bool account_hello(struct seine_source *src, __u64 hello_key)
{
	bool fresh;

	if (!src)
		return false;
	ACCOUNT_ADD(src->hellos, 1);
	fresh = src->hello_key != hello_key;
	if (fresh) {
		if (src->hello_key)
			ACCOUNT_ADD(src->hello_changes, 1);
		src->hello_key = hello_key;
	}
	account_stack(src);
	return fresh;
}

PARSE_INLINE void account_gap(struct seine_source *src, enum seine_gap gap, __s32 delta_us)
{
	if (!src)
		return;
	if (gap == SEINE_GAP_UNKNOWN)
		ACCOUNT_ADD(src->gap_unknown, 1);
	else if (gap == SEINE_GAP_NONE)
		ACCOUNT_ADD(src->gap_none, 1);
	else if (gap == SEINE_GAP_SINGLE)
		ACCOUNT_ADD(src->gap_single, 1);
	else
		ACCOUNT_ADD(src->gap_dual, 1);
	if (gap >= SEINE_GAP_SINGLE && delta_us > 0)
		ACCOUNT_ADD(src->gap_us, (__u64)delta_us);
}

/* What the connection has counted since the last time. */
PARSE_INLINE void account_fold(struct seine_source *src, struct seine_net *net,
			       struct seine_flow *flow, __u32 now_sec)
{
	if (src) {
		ACCOUNT_ADD(src->packets, flow->packets);
		ACCOUNT_ADD(src->bytes, flow->bytes);
		src->last_sec = now_sec;
		if (flow->rtt_min_us && (!src->rtt_min_us || flow->rtt_min_us < src->rtt_min_us))
			src->rtt_min_us = flow->rtt_min_us;
	}
	if (net) {
		ACCOUNT_ADD(net->packets, flow->packets);
		ACCOUNT_ADD(net->bytes, flow->bytes);
		net->last_sec = now_sec;
	}
	flow->packets = 0;
	flow->bytes = 0;
}

/* A request begins, `think_ms` after the response before it; negative: there was none. */
PARSE_INLINE void account_request(struct seine_source *src, struct seine_net *net, __s32 think_ms,
				  __u64 now_ns)
{
	if (net)
		ACCOUNT_ADD(net->requests, 1);
	if (!src)
		return;
	ACCOUNT_ADD(src->requests, 1);
	src->last_request_ns = now_ns;
	if (think_ms >= 0)
		account_bin(src->think_hist, think_ms, SEINE_THINK_SHIFT);
}

/* A request has been answered; its response was acknowledged in `acks` steps. */
PARSE_INLINE void account_response(struct seine_source *src, __u32 request, __u32 response,
				   __u32 response_ms, __u32 acks)
{
	ACCOUNT_ADD(src->responses, 1);
	ACCOUNT_ADD(src->request_bytes, request);
	ACCOUNT_ADD(src->response_bytes, response);
	ACCOUNT_ADD(src->request_log, account_log(request));
	ACCOUNT_ADD(src->response_log, account_log(response));
	ACCOUNT_ADD(src->response_ms, response_ms);
	ACCOUNT_ADD(src->acks, acks);
	account_bin(src->request_hist, request, SEINE_REQUEST_SHIFT);
	account_bin(src->response_hist, response, SEINE_RESPONSE_SHIFT);
	account_bin(src->stream_hist, response / (acks ?: 1), SEINE_STREAM_SHIFT);
}

PARSE_INLINE void account_close(struct seine_source *src, struct seine_net *net, bool reset)
{
	if (net && reset)
		ACCOUNT_ADD(net->resets, 1);
	if (!src)
		return;
	if (reset)
		ACCOUNT_ADD(src->resets, 1);
	if (src->open)
		ACCOUNT_ADD(src->open, -1);
}

#endif
