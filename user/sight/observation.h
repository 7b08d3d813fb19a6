/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of each source over the correlator's window.
 *
 * The kernel's rows only grow. This table keeps, for each source, three snapshots of the sums that
 * matter, and hands out their differences as features of the last half to whole window. Pure: rows
 * and the time come in as arguments.
 */
#ifndef SIGHT_OBSERVATION_H
#define SIGHT_OBSERVATION_H

#include <stddef.h>
#include <stdint.h>
#include "bpf/seine.h"

/* One source over the window: the correlator's input. */
struct features {
	uint8_t source[16];
	uint64_t hello_key; /* of its last ClientHello, 0: none seen */
	uint64_t syn_class; /* hash of its SYN without what a path may change */
	uint64_t last_request_ns;
	uint32_t requests;
	uint32_t connections;
	uint32_t handshakes;
	uint32_t gap_none, gap_single, gap_dual, gap_unknown;
	float gap_ms;	    /* mean of its long gaps */
	float rtt_ms;	    /* smallest SYN to ACK time, 0: unknown */
	float log_request;  /* mean natural logarithm of request bytes, 0: none answered yet */
	float log_response; /* and of response bytes */
	float stacks;	    /* estimated number of different TCP/TLS stacks behind it, ever */
	uint32_t open_max;
	uint32_t age_sec; /* since first seen */
	uint32_t idle_sec;
	double request_bytes, response_bytes;
};

struct observations;

/* `window_sec`: features cover between half of it and all of it. `max`: sources held at most; more
 * are counted in observations_refused(). */
int observations_new(uint32_t window_sec, size_t max, struct observations **ret);
void observations_free(struct observations *o);

/*
 * Takes in one kernel row as of now (seconds since boot). Rows whose counters went backwards were
 * recreated by the kernel and start anew. A row that is older than the window when it is first met
 * starts from what it holds then. -ENOSPC: full, and counted; -ENOMEM.
 */
int observations_add(struct observations *o, const struct seine_addr *source,
		     const struct seine_source *row, uint32_t now_sec);

/* Ends one harvest: rotates snapshots when half a window has passed, forgets sources that the
 * kernel no longer has and that have left the window. */
void observations_settle(struct observations *o, uint32_t now_sec);

/* Features of all sources with anything in the window. Caller frees `*ret`. */
int observations_features(const struct observations *o, uint32_t now_sec, struct features **ret,
			  size_t *ret_n);

/* Those of one source; -ENOENT. */
int observations_find(const struct observations *o, const uint8_t source[16], uint32_t now_sec,
		      struct features *ret);

size_t observations_count(const struct observations *o);
uint64_t observations_refused(const struct observations *o);

#endif
