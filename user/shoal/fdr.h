/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * False discovery rate over many tests, as q-values: reject where q <= the rate one can live with.
 *
 * Benjamini and Hochberg (1995) for tests that are independent or positively dependent; Benjamini
 * and Yekutieli (2001) for any dependence, at the price of a factor of 1 + 1/2 + ... + 1/n.
 */
#ifndef SHOAL_FDR_H
#define SHOAL_FDR_H

#include <stddef.h>

/* One q-value for each p-value, in the same order. -ENOMEM. */
int fdr_bh(const double *p, size_t n, double *ret_q);
int fdr_by(const double *p, size_t n, double *ret_q);

#endif
