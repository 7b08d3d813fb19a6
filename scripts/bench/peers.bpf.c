// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least that others could do: the marks that the datapath is measured against.
 *
 * bare_drop is what the generator's cost is measured with, count_drop the cheapest filter that can
 * prove what it did, lru_count the cheapest one that knows a million sources apart.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} counted SEC(".maps");

struct source {
	__u32 word[4];
};

struct row {
	__u64 packets;
	__u64 bytes;
	__u64 rest[6]; /* as large as a cache line, like rows that say something */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, struct source);
	__type(value, struct row);
} sources SEC(".maps");

static __always_inline void count(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct counter *c = bpf_map_lookup_elem(&counted, &key);

	if (!c)
		return;
	c->packets++;
	c->bytes += ctx->data_end - ctx->data;
}

SEC("xdp.frags")
int bare_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp.frags")
int count_drop(struct xdp_md *ctx)
{
	count(ctx);
	return XDP_DROP;
}

SEC("xdp.frags")
int lru_count(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	__u64 bytes = ctx->data_end - ctx->data;
	struct source key = { { 0, 0, bpf_htonl(0xffff), 0 } };
	struct row *row;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	key.word[3] = ip->saddr;
	row = bpf_map_lookup_elem(&sources, &key);
	if (row) {
		__sync_fetch_and_add(&row->packets, 1);
		__sync_fetch_and_add(&row->bytes, bytes);
	} else {
		struct row fresh = { .packets = 1, .bytes = bytes };

		bpf_map_update_elem(&sources, &key, &fresh, BPF_NOEXIST);
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license")
= "GPL";
