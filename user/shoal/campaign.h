/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cohort whose evidence held becomes a campaign: who its members are, which prefixes can stand
 * for them, and whether it is one that was known before.
 */
#ifndef SHOAL_CAMPAIGN_H
#define SHOAL_CAMPAIGN_H

#include "user/shoal/cohort.h"

/* Fills everything but id, first_sec and prefixes. Nothing is owned by `ret` on failure. */
int campaign_build(const struct population *p, const struct cohort *c,
		   const struct shoal_settings *s, uint32_t now_sec, struct campaign *ret);
void campaign_clear(struct campaign *c);

/* The prefixes that can stand for members; see nets.c. */
int campaign_find_nets(const struct population *p, const struct shoal_settings *s,
		       struct campaign *c);

/* Gives every campaign an id and the time it was first seen: those of an earlier one with the same
 * ClientHello or most of the same members, else new ones. Ids stay unique. */
void campaigns_inherit(struct campaigns *c, const struct campaigns *before, uint32_t now_sec);

/* Adds copies of earlier campaigns that were not found again, unless last seen over hold_sec ago. */
int campaigns_hold(struct campaigns *c, const struct campaigns *before, uint32_t now_sec,
		   uint32_t hold_sec);

#endif
