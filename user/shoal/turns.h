/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tests that the families of time consist of, each with a file. Each gives a p-value for
 * itself; the families correct for having asked several. -ENOMEM.
 */
#ifndef SHOAL_TURNS_H
#define SHOAL_TURNS_H

#include "user/shoal/cohort.h"
#include "user/shoal/tempo.h"

/* Fewer sources than the smallest cohort say nothing of how a group behaves. */
#define TURNS_SOURCES_MIN 10

/* Sources a test is about: positions in the population. */
struct group {
	const uint32_t *at;
	size_t n;
};

int handoff_test(const struct tempo *tempo, const struct group *g, struct evidence *ret);

/* `cohort`: who is no part of the crowd. */
void regularity_test(const struct tempo *tempo, const struct group *g, const struct group *cohort,
		     struct evidence *ret);

int slots_test(const struct tempo *tempo, const struct group *g, struct evidence *ret);
int neighbours_test(const struct tempo *tempo, const struct group *g, struct evidence *ret);

#endif
