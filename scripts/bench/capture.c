// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A capture of any size for `seine replay`: what clients of an HTTPS service send, from SYN to FIN,
 * thousands of connections at a time, each with a handshake that a server would answer.
 *
 *	capture BYTES [SEED] >FILE
 *
 * All connections take turns, so that the answer to each packet has had some 70 ms to come. The
 * same seed gives the same bytes.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bpf/hash.h"

#define CLIENTS 4096   /* connections at a time */
#define SOURCES 100000 /* addresses they come from */
#define KINDS 16       /* different ClientHellos */
#define FRAME_MAX 1514
#define STEP_US 17 /* from one packet of the capture to the next, on average */
#define FIRST_SEC 1763683200u
#define TCP_TIMESTAMPS 12

enum step { STEP_SYN, STEP_ACK, STEP_HELLO, STEP_FLIGHT, STEP_REQUEST, STEP_TAKE, STEP_FIN };

struct client {
	uint32_t source, seq, ack;
	uint16_t port;
	uint8_t kind, step, rounds;
};

struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, digits, snaplen, link;
};

struct pcap_record {
	uint32_t sec, us, captured, len;
};

struct output {
	uint64_t bytes, us;
	uint8_t frame[FRAME_MAX];
};

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state += 0x9e3779b97f4a7c15ull;
	return (uint32_t)(seine_mix64(random_state) % n);
}

static void put(const void *what, size_t size)
{
	if (fwrite(what, 1, size, stdout) == size)
		return;
	perror("capture");
	exit(1);
}

/* ---- payloads ---- */

static uint8_t *number(uint8_t *at, uint32_t n, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		at[i] = (uint8_t)(n >> 8 * (len - 1 - i));
	return at + len;
}

static uint8_t *extension(uint8_t *at, uint16_t type, const void *body, uint16_t len)
{
	at = number(at, type, 2);
	at = number(at, len, 2);
	memcpy(at, body, len);
	return at + len;
}

static uint8_t *extensions(uint8_t *at, uint8_t kind)
{
	static const uint8_t name[] = "\x00\x10\x00\x00\x0d"
				      "service.local";
	static const uint8_t groups[] = { 0, 4, 0, 0x1d, 0, 0x17 };
	static const uint8_t alpn[] = "\x00\x0c\x02h2\x08http/1.1";
	static const uint8_t signatures[] = { 0, 6, 4, 3, 8, 4, 4, 1 };
	static const uint8_t versions[] = { 4, 3, 4, 3, 3 };
	uint8_t share[38] = { 0, 36, 0, 0x1d, 0, 32 };
	uint8_t *len = at;

	at += 2;
	at = extension(at, 0, name, sizeof(name) - 1);
	at = extension(at, 10, groups, sizeof(groups));
	at = extension(at, 13, signatures, sizeof(signatures));
	at = extension(at, 16, alpn, sizeof(alpn) - 1);
	at = extension(at, 43, versions, sizeof(versions));
	at = extension(at, 51, share, sizeof(share));
	if (kind & 1)
		at = extension(at, 23, "", 0);
	number(len, (uint32_t)(at - len - 2), 2);
	return at;
}

/* A record with a ClientHello; kinds differ in their ciphers. */
static size_t hello(uint8_t *record, uint8_t kind)
{
	uint8_t *message = record + 5, *at = message + 4;

	at = number(at, 0x0303, 2);
	for (unsigned int i = 0; i < 32; i++)
		*at++ = (uint8_t)random_below(256);
	at = number(at, 0, 1);
	at = number(at, 2u * (3u + kind), 2);
	for (uint32_t i = 0; i < 3u + kind; i++)
		at = number(at, i < 3 ? 0x1301 + i : 0xc02b + i, 2);
	at = number(at, 0x0100, 2);
	at = extensions(at, kind);

	number(message, 1u << 24 | (uint32_t)(at - message - 4), 4);
	number(record, 0x16, 1);
	number(record + 1, 0x0301, 2);
	number(record + 3, (uint32_t)(at - message), 2);
	return (size_t)(at - record);
}

static size_t data_record(uint8_t *record, uint32_t len)
{
	number(record, 0x17, 1);
	number(record + 1, 0x0303, 2);
	number(record + 3, len, 2);
	memset(record + 5, 0xa5, len);
	return len + 5;
}

/* What the client sends once the server's flight has come: ChangeCipherSpec, Finished. */
static size_t flight(uint8_t *record)
{
	static const uint8_t change[] = { 0x14, 3, 3, 0, 1, 1 };

	memcpy(record, change, sizeof(change));
	return sizeof(change) + data_record(record + sizeof(change), 53);
}

/* ---- frames ---- */

static size_t syn_options(uint8_t *at)
{
	static const uint8_t options[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
					   0, 1, 0, 0,	  0, 0, 1, 3,  3, 7 };

	memcpy(at, options, sizeof(options));
	return sizeof(options);
}

static size_t options_for(const struct client *c, uint64_t us, uint8_t *at)
{
	if (c->step == STEP_SYN)
		return syn_options(at);
	number(at, 0x0101080a, 4);
	number(at + 4, (uint32_t)(us / 1000), 4);
	number(at + 8, (uint32_t)(us / 1000) + 7, 4);
	return TCP_TIMESTAMPS;
}

static size_t payload_for(const struct client *c, uint8_t *at)
{
	switch (c->step) {
	case STEP_HELLO: return hello(at, c->kind);
	case STEP_FLIGHT: return flight(at);
	case STEP_REQUEST: return data_record(at, 200 + random_below(1000));
	default: return 0;
	}
}

static void ip_header(const struct client *c, struct iphdr *ip, size_t len)
{
	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)len),
		.id = htons((uint16_t)c->seq),
		.frag_off = htons(0x4000),
		.ttl = (uint8_t)(50 + c->kind % 8),
		.protocol = 6,
		.saddr = htonl(c->source),
		.daddr = htonl(0xc0000201),
	};
}

/* Writes the client's next packet. */
static void send_packet(struct output *o, struct client *c)
{
	struct ethhdr *eth = (void *)o->frame;
	struct iphdr *ip = (void *)(o->frame + ETH_HLEN);
	struct tcphdr *tcp = (void *)(ip + 1);
	uint8_t *options = (uint8_t *)(tcp + 1);
	size_t header = options_for(c, o->us, options);
	size_t payload = payload_for(c, options + header);
	size_t len = ETH_HLEN + sizeof(*ip) + sizeof(*tcp) + header + payload;
	struct pcap_record record = {
		.sec = FIRST_SEC + (uint32_t)(o->us / 1000000),
		.us = (uint32_t)(o->us % 1000000),
		.captured = (uint32_t)len,
		.len = (uint32_t)len,
	};

	*eth = (struct ethhdr){ .h_proto = htons(ETH_P_IP) };
	ip_header(c, ip, len - ETH_HLEN);
	*tcp = (struct tcphdr){
		.source = htons(c->port),
		.dest = htons(443),
		.seq = htonl(c->seq),
		.ack_seq = htonl(c->step == STEP_SYN ? 0 : c->ack),
		.doff = (5 + header / 4) & 15,
		.window = htons(64240),
		.syn = c->step == STEP_SYN,
		.ack = c->step != STEP_SYN,
		.psh = payload > 0,
		.fin = c->step == STEP_FIN,
	};
	put(&record, sizeof(record));
	put(o->frame, len);
	o->bytes += sizeof(record) + len;
	c->seq += (uint32_t)payload + (c->step == STEP_SYN || c->step == STEP_FIN);
}

/* ---- connections ---- */

static void connect_anew(struct client *c)
{
	uint32_t who = random_below(SOURCES);

	*c = (struct client){
		.source = 0x0a000000 + who,
		.port = (uint16_t)(1024 + random_below(64000)),
		.seq = random_below(UINT32_MAX),
		.ack = random_below(UINT32_MAX),
		.kind = (uint8_t)(who % KINDS),
		.rounds = (uint8_t)(1 + random_below(6)),
	};
}

/* What the server has sent meanwhile shows in the ACK number. */
static void advance(struct client *c)
{
	switch (c->step) {
	case STEP_HELLO: c->ack += 3000; break;
	case STEP_REQUEST: c->ack += 1000 + random_below(20000); break;
	case STEP_TAKE:
		if (--c->rounds) {
			c->step = STEP_REQUEST;
			return;
		}
		break;
	case STEP_FIN: connect_anew(c); return;
	default: break;
	}
	c->step++;
}

int main(int argc, char **argv)
{
	static const struct pcap_header header = { 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1 };
	static struct client clients[CLIENTS];
	static struct output out;
	uint64_t limit = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;

	if (!limit || isatty(STDOUT_FILENO)) {
		fputs("usage: capture BYTES [SEED] >FILE\n", stderr);
		return 2;
	}
	random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	for (unsigned int i = 0; i < CLIENTS; i++)
		connect_anew(&clients[i]);

	put(&header, sizeof(header));
	out.bytes = sizeof(header);
	for (unsigned int i = 0; out.bytes < limit; i = (i + 1) % CLIENTS) {
		out.us += 1 + random_below(2 * STEP_US);
		send_packet(&out, &clients[i]);
		advance(&clients[i]);
	}
	return fflush(stdout) == EOF;
}
