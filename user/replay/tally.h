/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a capture says of each source: every packet to a protected port, proven or not, and all that
 * is known of the proven connections. The first comes from the packets themselves, the second from
 * the datapath's events. Pure, and bounded: a flood of forged addresses fills the table and is then
 * counted together.
 */
#ifndef REPLAY_TALLY_H
#define REPLAY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/seine.h"
#include "user/sight/hellos.h"
#include "user/sight/syn_text.h"

#define TALLY_SOURCES (1u << 22) /* 300 MB when they are forged, and all there are in a /10 */
#define TALLY_NAMES 65536	 /* different JA4s, and SYN signatures, in a capture */
#define TALLY_KINDS 512		 /* of them told apart behind one source */
#define TALLY_SAMPLES 4096	 /* of one measure of one source; more are sampled */

/* A measure over connections, in us: the least, and what the median is taken from. */
struct samples {
	int32_t *list;
	uint32_t n, room;
	uint64_t seen;
	int32_t min;
};

/* How often each of several names; the names are numbered, see tally_ja4() and tally_syn(). */
struct count {
	uint32_t name, n;
};
struct counts {
	struct count *list;
	uint32_t n, room;
	uint64_t others; /* of names beyond the limits */
};

struct tally_proven {
	uint32_t connections;
	uint32_t handshakes; /* of them from their SYN on */
	uint32_t hellos;
	uint64_t requests, request_bytes, response_bytes;
	uint64_t gap[SEINE_GAP_DUAL + 1];
	uint64_t tls[SEINE_TLS_KINDS];
	struct samples rtt, g1, delta;
	struct counts ja4, syn;
};

struct tally_source {
	uint8_t ip[16]; /* IPv6 masked as the datapath does */
	uint64_t packets;
	uint64_t bytes; /* IP length */
	uint64_t syn;
	struct tally_proven *proven; /* NULL: none of its connections is */
	uint32_t touched;	     /* see tally_touched() */
};

struct tally;

int tally_new(uint32_t source_bits, struct tally **ret);
void tally_free(struct tally *t);
static inline void tally_freep(struct tally **t)
{
	tally_free(*t);
	*t = NULL;
}

/* A packet to a protected port, as its addresses' words. -ENOMEM, here and below. */
int tally_packet(struct tally *t, uint64_t hi, uint64_t lo, uint32_t bytes, bool syn);
int tally_connection(struct tally *t, const struct seine_connection *c); /* a proven one */
int tally_hello(struct tally *t, const struct hello_sight *sight);	 /* of a proven one */

/* Takes out one of the sources that sent a packet since they were last asked for; false: none is
 * left. Those beyond TALLY_SOURCES are not among them. */
bool tally_touched(struct tally *t, uint8_t ret_source[16]);

size_t tally_count(const struct tally *t);
const struct tally_source *tally_source(const struct tally *t, size_t i);
const struct tally_source *tally_others(const struct tally *t);	 /* beyond TALLY_SOURCES */
struct tally_proven *tally_all(struct tally *t);		 /* over all sources */
void tally_sum(const struct tally *t, struct tally_source *ret); /* packets, bytes and SYNs */

const char *tally_ja4(const struct tally *t, uint32_t name);
const char *tally_syn(const struct tally *t, uint32_t name, char buf[SYN_TEXT]);

/* Sorts what is kept. 0 without any. */
double samples_median(struct samples *s);

#endif
