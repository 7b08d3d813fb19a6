/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients of a language model service do: how long requests and answers are, when in the day
 * they ask, and in what bursts.
 *
 * Read from clients.csv, which sums up each client of a published trace of a production service
 * (alibaba/ServeGen, Apache-2.0); it is not part of this tree. Without it clients are drawn from
 * the log-normal parameters published with that trace.
 */
#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/sim/rng.h"

#define QUANTILES 256 /* of a distribution; drawn by a byte */
#define BURSTS 16     /* kinds of burstiness: 8 coefficients of variation, Gamma and Weibull */

struct client {
	float in[QUANTILES], out[QUANTILES]; /* tokens, ascending */
	float in_mean, out_mean;
	double day[25]; /* share of a day's requests before each hour */
	uint8_t burst;
};

struct clients {
	struct client *list;
	size_t n;    /* honest ones; more may be added behind them */
	size_t room; /* of list */
	size_t all;
	float bursts[BURSTS][QUANTILES]; /* intervals, mean 1 */
	bool made_up;			 /* the file was not there */
};

/* `path`: of clients.csv. 0, -ENOMEM, or -EBADMSG when it is there and not understood. */
int clients_new(const char *path, struct clients **ret);
void clients_free(struct clients *c);

/* One whose sizes are log-normal around these tokens, with a flat day. Returns its number. */
int clients_add(struct clients *c, double in, double in_sd, double out, double out_sd);

/* When `work` days' worth of requests have passed since `sec`, for somebody whose clock is `zone`
 * hours ahead. Midnight is where sec % 86400 is 0. */
double client_later(const struct client *c, double sec, int zone, double work);

/* The client's share of a day that lies between two moments of one hour. */
double client_share(const struct client *c, double from_sec, double to_sec, int zone);

#endif
