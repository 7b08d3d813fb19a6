// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Turns one frame of BPF_PROG_TEST_RUN into traffic of many sources.
 *
 * Each run gives the frame the next source address of the walk, sequence numbers that move on with
 * every lap, and a right IP checksum; then it hands it to the program under test, by a tail call or
 * through a veth pair. What it costs is measured with an empty program and subtracted.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "walk.h"

struct walk walk;
struct script script;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} under_test SEC(".maps");

static __always_inline __u32 next_source(void)
{
	walk.net += walk.step;
	if (walk.net >= walk.nets)
		walk.net -= walk.nets;
	if (!walk.net && ++walk.host == walk.hosts) {
		walk.host = 0;
		walk.laps++;
	}
	return walk.base + (walk.net << walk.shift) + walk.host;
}

static __always_inline __u16 ip_checksum(__u32 source)
{
	__u32 sum = walk.ip_sum + (source >> 16) + (source & 0xffff);

	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

static __always_inline int forge(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 source;

	if ((void *)(tcp + 1) > (void *)(long)ctx->data_end)
		return -1;
	source = next_source();
	ip->saddr = bpf_htonl(source);
	ip->check = bpf_htons(ip_checksum(source));
	tcp->seq = bpf_htonl(walk.seq + walk.laps * walk.seq_step);
	tcp->ack_seq = bpf_htonl(walk.ack + walk.laps * walk.ack_step);
	return 0;
}

SEC("xdp.frags")
int generate_call(struct xdp_md *ctx)
{
	if (!forge(ctx))
		bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int generate_redirect(struct xdp_md *ctx)
{
	return forge(ctx) ? XDP_ABORTED : bpf_redirect(walk.ifindex, 0);
}

/* At the end of a block the same sources go on with the next kind; after the last kind, new ones
 * begin with the first. Both leave the frame of that kind in the buffer, which all runs share. */
static __always_inline void next_block(void *data)
{
	__u32 kind = script.started ? script.kind + 1 : 0;

	if (kind >= script.kinds)
		kind = 0;
	if (kind >= SCRIPT_KINDS)
		return;
	if (kind)
		walk = script.start;
	else
		script.start = walk;
	__builtin_memcpy(data, script.frame[kind].bytes, SCRIPT_BYTES);
	walk.ip_sum = script.frame[kind].ip_sum;
	walk.seq = script.frame[kind].seq;
	walk.ack = script.frame[kind].ack;
	script.kind = kind;
	script.left = script.block;
	script.started = 1;
}

SEC("xdp.frags")
int generate_script(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	if (data + SCRIPT_BYTES > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (!script.left)
		next_block(data);
	script.left--;
	if (!forge(ctx))
		bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license")
= "GPL";
