/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ClientHellos, put together from the pieces that the datapath copies: TCP segments in any order,
 * some of them twice, TLS records and messages cut anywhere; and QUIC Initial packets, whose keys
 * anybody can derive. What is kept of unfinished ones is bounded.
 */
#ifndef SIGHT_HELLOS_H
#define SIGHT_HELLOS_H

#include <stddef.h>
#include "bpf/seine.h"
#include "user/sight/ja4.h"

#define HELLOS_BYTES 65536 /* of one hello, at most */

struct hellos;

struct hello_sight {
	uint64_t tag, hello_key; /* of the connection; key 0 with QUIC */
	uint64_t time_ns;	 /* of the piece that completed it */
	struct seine_addr source;
	uint16_t sport, dport;
	uint32_t flags; /* SEINE_F_* as of that piece */
	char ja4[JA4_TEXT];
	char ja4_stable[JA4_TEXT];
};

struct hellos_stats {
	uint64_t complete;
	uint64_t bad;	    /* pieces that are no ClientHello */
	uint64_t forgotten; /* unfinished ones dropped for newer ones, or for their size */
};

/* `max`: unfinished hellos kept at once; the oldest goes first. */
int hellos_new(size_t max, struct hellos **ret);
void hellos_free(struct hellos *h);
/* 1: complete, *ret is written. 0: more is needed, or this piece says nothing new. -EBADMSG: no
 * ClientHello. -ENOMEM. */
int hellos_add(struct hellos *h, const struct seine_segment *piece, struct hello_sight *ret);
void hellos_stats(const struct hellos *h, struct hellos_stats *ret);

#endif
