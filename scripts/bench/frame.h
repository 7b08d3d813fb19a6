/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of one TLS connection, client's side, as templates for the generator, which fills in
 * source address, sequence numbers and IP checksum.
 *
 * SYN -> ACK -> HELLO -> FLIGHT -> then REQUEST, DATA and PURE_ACK in any order. The TCP checksum
 * is left zero: nothing that is measured here reads it.
 */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include "scripts/bench/walk.h"

#define FRAME_HEADERS 54
#define FRAME_MAX SCRIPT_BYTES
#define FRAME_PORT 443
#define FRAME_ISN 1000 /* of every connection */

enum frame_kind {
	FRAME_SYN,
	FRAME_ACK,
	FRAME_HELLO,
	FRAME_FLIGHT,
	FRAME_REQUEST,
	FRAME_DATA,
	FRAME_PURE_ACK,
	FRAME_KINDS
};

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint32_t len;
	uint32_t payload;
	uint32_t ip_sum; /* ones' complement sum of the IP header without source and checksum */
};

/* As Linux sends them: MSS 1460, SACK permitted, timestamps, NOP, window scale 7. */
static const uint8_t frame_syn_options[20] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
					       0, 1, 0, 0,   0, 0, 1, 3,  3, 7 };

/* A ClientHello of TLS 1.2 form with 16 cipher suites and no extensions; a hundred bytes. */
static inline uint32_t frame_hello(uint8_t *at)
{
	const uint32_t suites = 16, hello = 2 + 32 + 1 + 2 + 2 * suites + 2;

	memset(at, 0, 9 + hello);
	memcpy(at, (uint8_t[]){ 22, 3, 1, 0, 4 + hello, 1, 0, 0, hello, 3, 3 }, 11);
	at[45] = 2 * suites;
	for (uint32_t i = 0; i < suites; i++)
		memcpy(at + 46 + 2 * i, (uint8_t[]){ 0x13, 1 + i }, 2);
	at[46 + 2 * suites] = 1; /* one compression method: none */
	return 9 + hello;
}

static inline uint32_t frame_payload(enum frame_kind kind, uint8_t *at)
{
	static const uint8_t flight[] = { 20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 53 };
	static const uint8_t request[] = { 23, 3, 3, 0, 123 };

	switch (kind) {
	case FRAME_HELLO: return frame_hello(at);
	case FRAME_FLIGHT: memcpy(at, flight, sizeof(flight)); return 6 + 5 + 53;
	case FRAME_REQUEST: memcpy(at, request, sizeof(request)); return 5 + 123;
	case FRAME_DATA: memset(at, 0xa5, 128); return 128;
	default: return 0;
	}
}

static inline uint32_t frame_sum(const struct iphdr *ip)
{
	const uint8_t *b = (const void *)ip;
	uint32_t sum = 0;

	for (unsigned int i = 0; i < sizeof(*ip); i += 2)
		sum += b[i] << 8 | b[i + 1];
	return sum;
}

/* From `port` to port 443 of 198.18.0.1, addressed to the interface with `mac`. */
static inline void frame_make(enum frame_kind kind, uint16_t port, const uint8_t mac[ETH_ALEN],
			      struct frame *ret)
{
	struct ethhdr eth = { .h_source = { 2, 0, 0, 0, 0, 1 }, .h_proto = htons(ETH_P_IP) };
	uint32_t options = kind == FRAME_SYN ? sizeof(frame_syn_options) : 0;
	struct tcphdr tcp = {
		.source = htons(port),
		.dest = htons(FRAME_PORT),
		.doff = 5 + options / 4,
		.syn = kind == FRAME_SYN,
		.ack = kind != FRAME_SYN,
		.psh = kind == FRAME_REQUEST,
		.window = htons(64240),
	};
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 52,
		.frag_off = htons(IP_DF),
		.id = htons(4711),
		.protocol = IPPROTO_TCP,
		.daddr = htonl(0xc6120001),
	};

	memset(ret, 0, sizeof(*ret));
	ret->payload = frame_payload(kind, ret->bytes + FRAME_HEADERS);
	if (options)
		memcpy(ret->bytes + FRAME_HEADERS, frame_syn_options, options);
	ret->len = FRAME_HEADERS + options + ret->payload;
	ip.tot_len = htons(ret->len - ETH_HLEN);
	ret->ip_sum = frame_sum(&ip);

	memcpy(eth.h_dest, mac, ETH_ALEN);
	memcpy(ret->bytes, &eth, sizeof(eth));
	memcpy(ret->bytes + sizeof(eth), &ip, sizeof(ip));
	memcpy(ret->bytes + sizeof(eth) + sizeof(ip), &tcp, sizeof(tcp));
	if (ret->len < ETH_ZLEN)
		ret->len = ETH_ZLEN;
}

#endif
