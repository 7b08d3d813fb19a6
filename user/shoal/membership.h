/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom a campaign holds: the sources of a cohort whose chance to be innocent is small enough, each
 * for itself and all together.
 */
#ifndef SHOAL_MEMBERSHIP_H
#define SHOAL_MEMBERSHIP_H

#include "user/shoal/cohort.h"
#include "user/shoal/tempo.h"

/* How many innocents may be expected among so many members of one cohort of this round. */
double membership_innocents(const struct population *p, const struct cohort *c, double members);

/* Could this source be a member at all? */
bool membership_open(const struct population *p, const struct source *s);

/*
 * After density and schedule: c->lfdr of each source as density found it, sharpened by its own
 * turns where the cohort takes them, and 1 for those that are given up. -ENOMEM.
 */
int membership_judge(const struct tempo *tempo, struct cohort *c, const struct shoal_settings *s);

#endif
