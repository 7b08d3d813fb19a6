/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cohorts: sources with the same ClientHello that are behind a second leg.
 *
 * The key says nothing about volume, size or time, so that these can be tested afterwards without
 * having been selected for.
 */
#ifndef SHOAL_COHORT_H
#define SHOAL_COHORT_H

#include "user/shoal/population.h"

struct cohort {
	uint64_t hello_key;
	enum seine_gap gap;	  /* dual when most long gaps of its sources are */
	const uint32_t *same_key; /* every source with this key: positions in the population */
	size_t n_same_key;
	size_t asked, leaning; /* of them */
	uint32_t *split;       /* those that seem to be behind a second leg: the cohort itself */
	size_t n;
	struct evidence evidence[FAMILY_MAX];
	double core; /* how many of them lie in the fullest small window, innocents taken out */
	float *lfdr; /* of each of `split` */
	double p, q; /* at least two families; over all cohorts */
	double p_without[FAMILY_MAX];
	bool stands_without[FAMILY_MAX];
};

struct cohorts {
	struct cohort *list; /* by hello key */
	size_t n;
};

/* Cohorts of at least `min` sources. Borrows from `p`. */
int cohorts_new(const struct population *p, size_t min, struct cohorts **ret);
void cohorts_free(struct cohorts *c);

#endif
