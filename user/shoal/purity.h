/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How sure it is that a prefix holds a campaign and nobody else.
 */
#ifndef SHOAL_PURITY_H
#define SHOAL_PURITY_H

/*
 * The smaller of two lower bounds (Clopper and Pearson, two-sided level alpha): on the share of
 * members among sources, k of n, and on their share of requests. Requests come in clumps, so they
 * count only as n observations, not as many as there are.
 */
double purity_low(double k, double n, double member_requests, double requests, double alpha);

#endif
