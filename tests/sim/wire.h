/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Made-up TLS connections as a capture: what clients send to an HTTPS server, which is all that
 * XDP sees, from SYN to FIN, many at a time and in order of time.
 *
 * The server's side is played along: its answers show in ACK numbers, timestamps, and in the time
 * that the client's next packet takes. A second leg stands where a proxy's exit has ended TCP:
 * handshake ACK and pure ACKs take one round trip to the exit, hello and flight that and the leg to
 * the hidden client.
 *
 * Memory is what open connections take, about 300 bytes each.
 */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WIRE_REQUESTS 8	       /* of a connection */
#define WIRE_OPEN_MAX 1000000u /* connections at a time */

struct wire_request {
	uint32_t pause_ms;  /* after the last response was taken */
	uint32_t bytes;	    /* of records */
	uint32_t wait_ms;   /* until the response begins */
	uint32_t stream_ms; /* from its beginning to its end */
	uint32_t response_bytes;
};

struct wire_connection {
	uint64_t start_ns;  /* since 1970; not before the last one's */
	uint8_t source[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t sport;
	uint8_t stack, hops;	 /* enum stack */
	uint8_t software;	 /* of SOFTWARE_KINDS */
	uint8_t n;		 /* requests */
	bool optimistic;	 /* the exit answers its client before it has dialled */
	bool rough;		 /* a mobile network: packets come late, and some are lost */
	uint32_t rtt_us, leg_us; /* leg 0: direct */
	struct wire_request request[WIRE_REQUESTS];
};

struct wire;

/* Writes the capture's header. `out` must outlive it. -ENOMEM, -EIO. */
int wire_new(FILE *out, uint64_t seed, struct wire **ret);
void wire_free(struct wire *w);
static inline void wire_freep(struct wire **w)
{
	wire_free(*w);
	*w = NULL;
}

/* -ENOMEM, -ENOSPC. */
int wire_connect(struct wire *w, const struct wire_connection *c);

/* Writes all packets before that time, since 1970. -EIO. */
int wire_until(struct wire *w, uint64_t ns);

uint64_t wire_packets(const struct wire *w);
uint64_t wire_bytes(const struct wire *w);  /* of the file */
size_t wire_open_max(const struct wire *w); /* most connections at a time */

#endif
