/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * At least two families of evidence: the partial conjunction test of Benjamini and Heller (2008)
 * with Bonferroni's combination, p = (K - 1) * second smallest of K p-values. It rejects "at most
 * one family holds", whatever the dependence between families, so one overwhelming family alone
 * never suffices.
 */
#ifndef SHOAL_PCOMB_H
#define SHOAL_PCOMB_H

#include <stddef.h>

/* 1 when there are fewer than two. */
double pcomb_two(const double *p, size_t n);

/* The same without p[left_out]. */
double pcomb_two_without(const double *p, size_t n, size_t left_out);

#endif
