/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The families of evidence. Each asks a cohort another question, with a p-value as the
 * answer; each has a file.
 */
#ifndef SHOAL_FAMILY_H
#define SHOAL_FAMILY_H

#include "user/shoal/crowd.h"
#include "user/shoal/tempo.h"

/* Are more sources with this ClientHello behind a second leg than with any other? */
struct evidence path_judge(const struct population *p, const struct cohort *c);

/* Do more of the cohort's sources share a subnet than chance allows? */
struct evidence place_judge(const struct population *p, const struct cohort *c);

/* Which test of a family `struct evidence` is about: the one with the smallest p-value. */
enum schedule_test {
	SCHEDULE_HANDOFF, /* observed: mean rank of waiting times, of turns; expected: of innocents */
	SCHEDULE_REGULARITY, /* observed regular sources, of those with enough turns */
	SCHEDULE_TESTS,
};

enum synchrony_test {
	SYNCHRONY_SLOTS,      /* observed in the busier slots, of active slots of all its sources */
	SYNCHRONY_NEIGHBOURS, /* observed with several others alike, of sources looked at */
	SYNCHRONY_TESTS,
};

/* Does the cohort take its turns as a load balancer deals them out? After density: asks the sources
 * that it found dense. -ENOMEM, here and below. */
int schedule_judge(const struct tempo *tempo, const struct cohort *c, struct evidence *ret);

/* Do its sources ask in the same short slots of time? */
int synchrony_judge(const struct tempo *tempo, const struct cohort *c, struct evidence *ret);

/* Are more of its sources seeds than of others? */
struct evidence seed_judge(const struct population *p, const struct cohort *c);

/* Are rate and sizes of the cohort's sources more alike than any crowd's? Also fills c->lfdr. */
int density_judge(struct crowd *crowd, struct cohort *c, const struct shoal_settings *s,
		  struct evidence *ret);

#endif
