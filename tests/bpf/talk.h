/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections for tests, written down as a script of what the client sends and the server answers:
 *
 *	struct talk t = talk_new(bed, "192.0.2.7", 40000);
 *
 *	talk_syn(&t);
 *	talk_wait(&t, 20 * MS);
 *	talk_ack(&t);
 *	talk_hello(&t, 517);
 *	talk_served(&t, 3000);		the client will acknowledge so many bytes more
 *	...
 *
 * Only the client's packets exist, as on the wire that the program sees.
 */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include "tests/bpf/bed.h"

#define US 1ull
#define MS 1000ull
#define SEC 1000000ull

struct talk {
	struct bed *bed;
	struct shape shape; /* of the next packet */
	uint32_t seq;	    /* next byte of the client */
	uint32_t ack;	    /* next byte of the server */
	struct hello_shape hello;
	bool timestamps; /* the client echoes the server's, which counts milliseconds */
	uint32_t tsecr;
	int verdict; /* of the last packet */
};

struct talk talk_new(struct bed *bed, const char *src, uint16_t sport);
void talk_wait(struct talk *t, uint64_t us);
/* The server sends so many bytes now. */
void talk_served(struct talk *t, uint32_t bytes);

void talk_syn(struct talk *t);
void talk_ack(struct talk *t);			/* a pure ACK, also for what the server has sent */
void talk_flags(struct talk *t, uint8_t flags); /* without payload */
/* Sends payload in segments of at most `mss` bytes, all at once. */
void talk_send(struct talk *t, const void *payload, uint32_t len, uint32_t mss);
/* The same packet as `talk_send` of one segment, `back` bytes before the present position, which
 * does not move. */
void talk_again(struct talk *t, const void *payload, uint32_t len, uint32_t back);
/* A ClientHello of this stack, at least as long as said, in segments of 1448 bytes. */
void talk_hello(struct talk *t, uint32_t bytes);
/* One TLS record in one segment. */
void talk_record(struct talk *t, uint8_t type, uint8_t first, uint32_t len);
void talk_data(struct talk *t, uint32_t len); /* application data, `len` bytes on the wire */

/* SYN, after `rtt_us` the ACK, and after `g1_us` a ClientHello of `hello` bytes. */
void talk_open(struct talk *t, uint64_t rtt_us, uint64_t g1_us, uint32_t hello);
/* The rest of a TLS 1.3 handshake: `us` after the hello comes ChangeCipherSpec with Finished. */
void talk_finish(struct talk *t, uint64_t us);

#endif
