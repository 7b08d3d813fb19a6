// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Turns one IPv4 frame of BPF_PROG_TEST_RUN into a flood: each run gives it a source address in 11/8
 * and a source port that do not come again for 2^24 runs, and hands it to the program under test.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

__u32 flood_count;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flood_target SEC(".maps");

SEC("xdp.frags")
int flood(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 n = flood_count++ * 0x9e3779b1; /* odd: a permutation */

	if ((void *)(tcp + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	ip->saddr = bpf_htonl(11 << 24 | (n & 0xffffff));
	tcp->source = bpf_htons(n >> 16);
	tcp->seq = bpf_htonl(n * 5);
	bpf_tail_call(ctx, &flood_target, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license")
= "GPL";
