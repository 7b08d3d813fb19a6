// SPDX-License-Identifier: GPL-2.0-or-later
/* TCP segments as Ethernet frames. */
#include "tests/sim/segment.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>

#define TIMESTAMPS 12	 /* bytes: NOP, NOP, timestamps */
#define WINDOW_LATER 501 /* of segments behind the SYN, scaled */

struct profile {
	uint8_t ttl;
	bool timestamps;
	uint16_t window;
	uint8_t options[24], n_options; /* of a SYN; a timestamp in them is filled in */
	uint8_t at_timestamp;
};

static const struct profile profiles[STACKS] = {
	[STACK_LINUX] = { 64,
			  true,
			  64240,
			  { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7 },
			  20,
			  6 },
	[STACK_WINDOWS] = { 128, false, 64240, { 2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2 }, 12, 0 },
	[STACK_MACOS] = { 64,
			  true,
			  65535,
			  { 2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10,
			    0, 0, 0, 0,	  0, 0, 0, 0, 4, 2, 0, 0 },
			  24,
			  10 },
	[STACK_ANDROID] = { 64,
			    true,
			    65535,
			    { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 9 },
			    20,
			    6 },
	[STACK_LINUX_OLD] = { 64,
			      true,
			      29200,
			      { 2, 4, 5, 172, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 5 },
			      20,
			      6 },
	[STACK_BSD] = { 64,
			true,
			65535,
			{ 2, 4, 5, 180, 1, 3, 3, 6, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0 },
			20,
			10 },
};

static const uint8_t server_v4[4] = { 192, 0, 2, 1 };
static const uint8_t server_v6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };

static void put32(uint8_t *at, uint32_t n)
{
	n = htonl(n);
	memcpy(at, &n, sizeof(n));
}

static size_t put_options(const struct segment *s, const struct profile *p, uint8_t *at)
{
	static const uint8_t timestamps[4] = { 1, 1, 8, 10 };

	if (s->flags & SEGMENT_SYN) {
		memcpy(at, p->options, p->n_options);
		if (p->timestamps)
			put32(at + p->at_timestamp + 2, s->tsval);
		return p->n_options;
	}
	if (!p->timestamps)
		return 0;
	memcpy(at, timestamps, sizeof(timestamps));
	put32(at + 4, s->tsval);
	put32(at + 8, s->tsecr);
	return TIMESTAMPS;
}

/* ---- checksums (RFC 1071) ---- */

static uint32_t sum(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *b = data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	return i < len ? sum + (uint32_t)(b[i] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* ---- headers ---- */

static size_t tcp_header(const struct segment *s, struct tcphdr *tcp)
{
	const struct profile *p = &profiles[s->stack % STACKS];
	bool syn = s->flags & SEGMENT_SYN;
	size_t options = put_options(s, p, (uint8_t *)(tcp + 1));

	*tcp = (struct tcphdr){
		.th_sport = htons(s->sport),
		.th_dport = htons(SEGMENT_PORT),
		.th_seq = htonl(s->seq),
		.th_ack = htonl(s->ack),
		.th_off = (5 + options / 4) & 15,
		.th_flags = s->flags,
		.th_win = htons(syn ? p->window : WINDOW_LATER),
	};
	if (s->len)
		memcpy((uint8_t *)(tcp + 1) + options, s->payload, s->len);
	return sizeof(*tcp) + options + s->len;
}

static void tcp_checksum(struct tcphdr *tcp, size_t len, const void *addresses, size_t size)
{
	tcp->th_sum = fold(sum(tcp, len, sum(addresses, size, IPPROTO_TCP + (uint32_t)len)));
}

static size_t frame_v4(const struct segment *s, uint8_t ttl, uint8_t *at)
{
	struct ip *ip = (void *)at;
	struct tcphdr *tcp = (void *)(ip + 1);
	size_t len = tcp_header(s, tcp);

	*ip = (struct ip){
		.ip_v = 4,
		.ip_hl = 5,
		.ip_len = htons((uint16_t)(sizeof(*ip) + len)),
		.ip_id = htons(s->ip_id),
		.ip_off = htons(IP_DF),
		.ip_ttl = ttl,
		.ip_p = IPPROTO_TCP,
	};
	memcpy(&ip->ip_src, s->source + 12, 4);
	memcpy(&ip->ip_dst, server_v4, 4);
	ip->ip_sum = fold(sum(ip, sizeof(*ip), 0));
	tcp_checksum(tcp, len, &ip->ip_src, 8);
	return sizeof(*ip) + len;
}

static size_t frame_v6(const struct segment *s, uint8_t ttl, uint8_t *at)
{
	struct ip6_hdr *ip = (void *)at;
	struct tcphdr *tcp = (void *)(ip + 1);
	size_t len = tcp_header(s, tcp);

	*ip = (struct ip6_hdr){ 0 };
	ip->ip6_flow = htonl(6u << 28 | s->sport);
	ip->ip6_plen = htons((uint16_t)len);
	ip->ip6_nxt = IPPROTO_TCP;
	ip->ip6_hlim = ttl;
	memcpy(&ip->ip6_src, s->source, 16);
	memcpy(&ip->ip6_dst, server_v6, 16);
	tcp_checksum(tcp, len, &ip->ip6_src, 32);
	return sizeof(*ip) + len;
}

size_t segment_frame(const struct segment *s, uint8_t *frame)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t server_mac[6] = { 2, 0, 0, 0, 0, 1 },
			     router_mac[6] = { 2, 0, 0, 0, 0, 2 };
	bool is_v4 = !memcmp(s->source, v4, sizeof(v4));
	struct ethhdr *eth = (void *)frame;
	uint8_t ttl = profiles[s->stack % STACKS].ttl - s->hops;

	memcpy(eth->h_dest, server_mac, 6);
	memcpy(eth->h_source, router_mac, 6);
	eth->h_proto = htons(is_v4 ? ETH_P_IP : ETH_P_IPV6);
	return ETH_HLEN + (is_v4 ? frame_v4 : frame_v6)(s, ttl, frame + ETH_HLEN);
}
