/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regularity: how many sources ask at nearly equal intervals. A pool in turn gives each source the
 * sum of many gaps between the pool's requests, which varies little; people vary as much as chance
 * does and more.
 *
 * Statistic: the share of sources whose coefficient of variation over their last REGULARITY_GAPS
 * waits is below REGULARITY_CV. As many waits for each, since the coefficient of few looks smaller;
 * and a wait counts from where it exceeds tau, since none shorter is left: what is left of an
 * exponential wait is exponential again, so that tau makes nobody regular.
 * Null: each source is regular with at most the chance that the crowd's sources are (an upper bound
 * on it, as in path.c), and at least REGULARITY_KNOWN. Binomial tail. Public traces of language
 * model services (ServeGen, 2025) have 0.4 to 5.9 % of clients below 0.5; of
 * exponential waits, 2.8 % of samples of eight are.
 * Blind to random balancing; and monitors and scheduled jobs are regular and innocent.
 */
#ifndef SHOAL_REGULARITY_H
#define SHOAL_REGULARITY_H

#include <stdbool.h>
#include "user/shoal/sessions.h"

#define REGULARITY_GAPS 8 /* with fewer, over 5 % of exponential waits would look regular */
#define REGULARITY_CV 0.5
#define REGULARITY_KNOWN 0.06

struct regularity {
	uint32_t regular, measured; /* sources */
};

/* Counts a source in; session_tau_sec[tau]. */
void regularity_count(const struct rhythm *r, unsigned int tau, struct regularity *ret);

#endif
