/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for tests: a description with sensible defaults becomes bytes with right lengths and
 * checksums, unless the description asks for wrong ones.
 *
 *	struct shape s = { .src = "192.0.2.7", .flags = TH_SYN, .options = OPTIONS_LINUX };
 *	struct wire w;
 *
 *	wire_build(&s, &w);
 */
#ifndef TESTS_PACKET_H
#define TESTS_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX 3400 /* what BPF_PROG_TEST_RUN takes in one buffer */
#define SHAPE_EXTENSIONS 8
#define SHAPE_PORT 443
#define SHAPE_SPORT 40000

/* TCP options as stacks send them in a SYN. */
enum options {
	OPTIONS_NONE,
	OPTIONS_LINUX,	   /* mss 1460, sack ok, timestamp, nop, scale 7 */
	OPTIONS_WINDOWS,   /* mss 1460, nop, scale 8, nop, nop, sack ok */
	OPTIONS_MACOS,	   /* mss 1460, nop, scale 6, nop, nop, timestamp, sack ok, eol */
	OPTIONS_TIMESTAMP, /* nop, nop, timestamp: what follows the SYN */
	OPTIONS_OVERRUN,   /* an option longer than what is left */
	OPTIONS_ZERO,	   /* an option of length zero */
	OPTIONS_FULL,	   /* forty bytes of nop */
};

/* A frame. Zero means the usual: IPv4, TCP, port 443, lengths that fit. */
struct shape {
	const char *src, *dst; /* with a colon: IPv6 */
	uint16_t sport, dport;
	uint16_t ether; /* instead of the right type */
	uint8_t vlans;	/* tags; the outer of two is 802.1ad */
	uint8_t outer;	/* 4 or 6: wrapped into this IP version */

	uint8_t version, ihl; /* instead of the right ones */
	uint16_t total;	      /* instead of the right IP length field */
	uint16_t id;
	uint8_t tos, ttl;
	uint8_t df, more;   /* IPv4 flags; `more` also in a fragment extension */
	uint16_t fragment;  /* offset in units of 8 bytes */
	uint8_t ip_options; /* bytes, a multiple of 4 */
	uint32_t flow_label;
	uint8_t ext[SHAPE_EXTENSIONS]; /* IPv6 next-header values, 0xff: hop-by-hop, 0: end */
	uint8_t proto;

	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, urgent;
	uint8_t doff; /* instead of the right one */
	enum options options;
	uint32_t tsecr; /* of OPTIONS_TIMESTAMP: what it echoes */

	const void *payload;
	uint32_t payload_len; /* with no payload: this many zeros */
	uint32_t cut;	      /* the buffer ends after this many bytes of the frame */
	uint8_t pad;	      /* filled up to the 60 bytes an Ethernet frame has at least */
};

#define EXT_HOP 0xff /* hop-by-hop, whose number is zero */

/* Bytes begin two behind a multiple of four, so that IP headers are aligned as in a kernel. */
struct wire {
	uint16_t align __attribute__((aligned(4)));
	uint8_t bytes[WIRE_MAX];
	uint32_t len;
	uint32_t l3, l4, payload; /* offsets; of the inner packet when there are two */
};

void wire_build(const struct shape *s, struct wire *ret);
/* An address as the maps hold it: IPv4 mapped. */
void wire_address(const char *text, uint8_t ret[16]);

/* Stacks whose ClientHello differs in what the hello key is made of. */
enum stack {
	STACK_OPENSSL, /* no GREASE */
	STACK_BROWSER, /* GREASE in front */
	STACK_GO,
	STACKS
};

struct hello_shape {
	enum stack stack;
	uint32_t bytes;	    /* of the whole record, filled up with padding; 0: as short as it is */
	uint8_t session_id; /* its length */
	uint16_t grease;    /* instead of 0x0a0a */
	uint8_t reversed;   /* suites in the opposite order */
	uint16_t psk; /* bytes of a pre_shared_key extension, which is the last one; 0: none */
};

#define TLS_MAX 40000 /* of records written by one test at once */

/* Writes a ClientHello in one record; its length. `at` has room for h->bytes or WIRE_MAX. */
uint32_t tls_hello(const struct hello_shape *h, uint8_t *at);

#define TLS_CCS 20
#define TLS_22 22
#define TLS_23 23
/* Appends a record with `len` bytes of content, of which the first is `first`; the new end. */
uint32_t tls_append(uint8_t *at, uint32_t end, uint8_t type, uint8_t first, uint32_t len);

#endif
