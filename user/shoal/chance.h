/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tail probabilities and exact confidence bounds: the only place that calls GSL.
 *
 * Total functions: any argument gives an answer in [0, 1], and where a question makes no sense the
 * answer is the one that proves nothing. A tail below CHANCE_MIN is CHANCE_MIN, so that logarithms
 * and products stay finite.
 */
#ifndef SHOAL_CHANCE_H
#define SHOAL_CHANCE_H

#include <stdint.h>

#define CHANCE_MIN 1e-300

/* P(X >= k), X binomial: n draws, each with chance p. */
double chance_binomial(uint32_t k, uint32_t n, double p);

/* P(X >= k): k marked ones among `drawn`, when `marked` of `all` are marked. */
double chance_hypergeometric(uint32_t k, uint32_t drawn, uint32_t marked, uint32_t all);

/* P(X >= z), X standard normal. */
double chance_normal(double z);

/* P(X >= t), X Student's t with so many degrees of freedom, which need not be whole. */
double chance_student(double t, double freedom);

/* P(X >= x), X chi-square with so many degrees of freedom, which need not be whole. */
double chance_chi_square(double x, double freedom);

/* Clopper and Pearson (1934): one-sided bounds on a share after k of n, each wrong with chance
 * alpha. Without observations the bounds are 0 and 1. */
double chance_share_low(double k, double n, double alpha);
double chance_share_high(double k, double n, double alpha);

#endif
