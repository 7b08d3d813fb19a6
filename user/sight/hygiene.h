/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Do enough handshakes give a gap sample that can be trusted? What is not trusted is no evidence,
 * so that campaigns hide where most of it is left out: then something on the way here, or in how
 * this host is connected, is to be looked at.
 */
#ifndef SIGHT_HYGIENE_H
#define SIGHT_HYGIENE_H

#include <stdbool.h>
#include <stdint.h>
#include "bpf/seine.h"

/* So many handshakes in a slot say how large the share of the untrusted is, to five points with 95
 * % confidence where it is one in five (normal approximation); fewer say nothing. */
#define HYGIENE_HANDSHAKES 250
#define HYGIENE_SHARE 0.2 /* of them may go untrusted */

struct hygiene {
	struct seine_stats began; /* the datapath's counters when the present slot began */
	uint32_t began_sec;	  /* 0: no slot has begun */
	/* Of the last whole slot: */
	uint64_t handshakes; /* with a ClientHello, but for those behind a balancer */
	uint64_t untrusted;  /* of them, for whatever reason */
	uint64_t most;	     /* of them, for the most frequent reason ... */
	const char *reason;  /* ... in words; NULL: there was none */
	bool bad;
};

/* The counters as of now. Judges the slot when it has ended, and begins the next one. */
void hygiene_add(struct hygiene *h, const struct seine_stats *now, uint32_t now_sec,
		 uint32_t slot_sec);

#endif
