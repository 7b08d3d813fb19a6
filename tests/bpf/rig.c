// SPDX-License-Identifier: GPL-2.0-or-later
/* See rig.h. */
#include "tests/bpf/rig.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>
#include "bpf/hash.h"

int rig_reopen(const char *pin_dir, char *why, struct datapath **ret)
{
	const struct datapath_options o = {
		.pin_dir = pin_dir,
		.sizes = { .sources = 1024,
			   .nets = 1024,
			   .flows = 1024,
			   .half_open = 1024,
			   .hit_slots = RIG_SLOTS,
			   .allows = 64 },
		.source_bits = 64,
		.test_clock = true,
	};

	return datapath_open(&o, why, ret);
}

struct datapath *rig_open(const char *pin_dir)
{
	struct datapath *d = NULL;
	char why[DATAPATH_WHY];

	(void)datapath_unpin(pin_dir);
	if (rig_reopen(pin_dir, why, &d) < 0)
		fail_msg("%s", why);
	datapath_set_clock(d, RIG_NOW_SEC * RIG_SECOND);
	return d;
}

void rig_close(struct datapath *d, const char *pin_dir)
{
	datapath_close(d);
	assert_int_equal(datapath_unpin(pin_dir), 0);
	rmdir(pin_dir);
}

void rig_enforce(struct datapath *d)
{
	const struct seine_cfg cfg = {
		.mode = SEINE_ENFORCE,
		.proof = SEINE_PROOF_ACK,
		.flows_per_sec = 1000000,
		.syns_per_sec = 1000000,
		.beat_max_sec = 60,
	};

	static const struct seine_ports ports = { .tcp[443 / 64] = 1ull << 443 % 64 };

	assert_int_equal(datapath_configure(d, &cfg), 0);
	assert_int_equal(datapath_protect(d, &ports), 0);
	assert_int_equal(datapath_beat(d, RIG_NOW_SEC), 0);
}

static void tcp_syn(struct tcphdr *tcp)
{
	tcp->source = htons(40000);
	tcp->dest = htons(443);
	tcp->doff = 5;
	tcp->syn = 1;
}

static uint32_t frame_v4(uint8_t *frame, const uint8_t ip[16])
{
	struct ethhdr *eth = (void *)frame;
	struct iphdr *ip4 = (void *)(eth + 1);

	eth->h_proto = htons(ETH_P_IP);
	ip4->version = 4;
	ip4->ihl = 5;
	ip4->tot_len = htons(40);
	ip4->ttl = 64;
	ip4->protocol = IPPROTO_TCP;
	memcpy(&ip4->saddr, ip + 12, 4);
	ip4->daddr = htonl(0xc0000201);
	tcp_syn((void *)(ip4 + 1));
	return ETH_HLEN + 40;
}

static uint32_t frame_v6(uint8_t *frame, const uint8_t ip[16])
{
	struct ethhdr *eth = (void *)frame;
	struct ipv6hdr *ip6 = (void *)(eth + 1);

	eth->h_proto = htons(ETH_P_IPV6);
	ip6->version = 6;
	ip6->payload_len = htons(20);
	ip6->nexthdr = IPPROTO_TCP;
	ip6->hop_limit = 64;
	memcpy(&ip6->saddr, ip, 16);
	ip6->daddr.s6_addr[0] = 0x20;
	tcp_syn((void *)(ip6 + 1));
	return ETH_HLEN + 60;
}

uint32_t rig_syn(struct datapath *d, const uint8_t ip[16], uint32_t times)
{
	/* Two bytes before, so that what follows the Ethernet header is aligned. */
	uint8_t room[128] __attribute__((aligned(8))) = { 0 }, *frame = room + 2;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .repeat = (int)times);

	opts.data_size_in = seine_addr_is_v4(seine_addr_word(ip), seine_addr_word(ip + 8))
				    ? frame_v4(frame, ip)
				    : frame_v6(frame, ip);
	assert_int_equal(bpf_prog_test_run_opts(datapath_prog_fd(d), &opts), 0);
	return opts.retval;
}

int rig_put(struct datapath *d, const char *map, uint32_t key, const void *row)
{
	return bpf_map_update_elem(datapath_map_fd(d, map), &key, row, BPF_ANY);
}

uint64_t rig_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15ull;
	return seine_mix64(*state);
}
