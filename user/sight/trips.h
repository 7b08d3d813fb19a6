/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's own share of a TLS handshake, from the histograms of the datapath.
 *
 * Between a complete ClientHello and the client's next flight lie one round trip, what the server
 * takes, and for a proxied client the hidden leg. The tenth percentile over all connections is
 * what the server takes, as long as one in ten of them comes without a hidden leg. It is taken for
 * each kind of handshake over a window that forgets half of itself every hour. Pure.
 */
#ifndef SIGHT_TRIPS_H
#define SIGHT_TRIPS_H

#include <stdbool.h>
#include <stdint.h>
#include "bpf/seine.h"

#define TRIPS_SHARE 0.1	    /* the percentile */
#define TRIPS_SAMPLES 200   /* fewer say nothing of a kind */
#define TRIPS_HALF_SEC 3600 /* the window forgets half */
#define TRIPS_MOVE 0.1	    /* a smaller change is not worth writing ... */
#define TRIPS_MOVE_US 100   /* ... when it is also smaller than this */
#define TRIPS_MAX_US \
	50000 /* slower servers have to say so (server_time): otherwise a swarm that is \
	       * most of the traffic would calibrate its own hidden leg away */

struct trips {
	struct seine_trips last[SEINE_TLS_KINDS]; /* as read */
	double window[SEINE_TLS_KINDS][SEINE_TRIP_BINS];
	uint32_t halved_sec;
};

/* Takes in what the datapath counts at now_sec. `t` begins as zero; what was counted before belongs
 * to the window. */
void trips_add(struct trips *t, const struct seine_trips now[SEINE_TLS_KINDS], uint32_t now_sec);

/* The window as it stands: the tenth percentile in us, interpolated within its bin; 0 without
 * samples. */
double trips_percentile(const double hist[SEINE_TRIP_BINS], double share);

/*
 * Server time for each kind. A kind without enough samples takes that of SEINE_TLS_13, or, when
 * that has not enough either, what it has in `us` already. True: `us` has changed by enough to be
 * written.
 */
bool trips_calibrate(const struct trips *t, uint32_t us[SEINE_TLS_KINDS]);

#endif
