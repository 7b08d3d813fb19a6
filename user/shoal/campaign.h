/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cohort whose evidence held becomes a campaign: who its members are, which prefixes can stand
 * for them, and whether it is one that was known before.
 */
#ifndef SHOAL_CAMPAIGN_H
#define SHOAL_CAMPAIGN_H

#include "user/shoal/cohort.h"

/* What one round found. Identity and prefixes are left at zero. Nothing is owned by `ret` on
 * failure. */
int campaign_build(const struct population *p, const struct cohort *c,
		   const struct shoal_settings *s, struct campaign *ret);
void campaign_clear(struct campaign *c);
static inline void campaign_clearp(struct campaign *c)
{
	campaign_clear(c);
}
int campaign_copy(const struct campaign *c, struct campaign *ret);

/* The prefixes that can stand for members; see nets.c. */
int campaign_find_nets(const struct population *p, const struct shoal_settings *s,
		       struct campaign *c);

/*
 * Joins what a round found, `c`, to what all rounds before it did; see follow.c. Afterwards `c`
 * holds all campaigns that are known, ended ones among them, each with an id of its own.
 */
int campaigns_follow(struct campaigns *c, const struct campaigns *before,
		     const struct population *p, const struct shoal_settings *s);

/* Fills in networks, scattered, and which members are huddled; see spread.c. */
void campaign_spread(struct campaign *c);

/* Share of a's members that are b's, too. Of many a sample is asked. */
double campaign_overlap(const struct campaign *a, const struct campaign *b);

/* The campaigns among `c` that may have taken over another's load, and which; see succession.c. */
void campaigns_link(struct campaigns *c, const struct population *p);

#endif
