/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The crowd in the space of requests and sizes, and how dense it is anywhere.
 *
 * A window is the 3 x 3 x 3 bins around a bin: at the finest scale half an octave of requests and a
 * factor of 1.2 in both sizes wide, then twice and four times that. Windows overlap, so no border
 * can cut a campaign in two.
 */
#ifndef SHOAL_CROWD_H
#define SHOAL_CROWD_H

#include "user/shoal/cohort.h"
#include "user/shoal/space.h"

/* How many sources of a kind lie in each bin, and in each step of each axis. */
struct tally {
	uint32_t *bins;
	uint32_t axis[SPACE_AXES][SPACE_STEPS];
	size_t n;
};

struct crowd {
	const struct population *p;
	struct tally direct[SPACE_SCALES];  /* those who are not behind a second leg */
	struct tally split[SPACE_SCALES];   /* those who are, unless suspect */
	struct tally own_direct, own_split; /* of the cohort in hand, all of them */
	struct tally own_proven;	    /* of its split ones those that are proven */
	struct tally own_once;		    /* of its split ones those that were asked but once */
	struct tally dense;		    /* bins found dense; empty between uses */
	unsigned int scale;		    /* of the cohort in hand */
	bool suspect;			    /* so is the cohort in hand */
};

/*
 * Cohorts have their path evidence already. Those where it is strong are suspects: their split
 * sources stand for no crowd, else two campaigns that share work under two ClientHellos would be
 * each other's excuse.
 */
int crowd_new(const struct population *p, const struct cohorts *cohorts, struct crowd **ret);
void crowd_free(struct crowd *crowd);

/* Takes a cohort in hand at a scale, and puts it back. */
void crowd_enter(struct crowd *crowd, const struct cohort *c, unsigned int scale);
void crowd_leave(struct crowd *crowd, const struct cohort *c);

void tally_add(struct tally *t, uint32_t bin, int sources);
uint32_t tally_bin(const struct tally *t, uint32_t bin);
uint32_t tally_window(const struct tally *t, uint32_t bin);

/* What a group of innocents shows at one place: `here` of `n`. */
struct reference {
	size_t here, n;
};
#define CROWD_REFERENCES 3

/*
 * What to compare a bin or window with, told by `sum`: everybody with another ClientHello; of them
 * those who are behind a second leg too; those with the same ClientHello who are not. The last two
 * only when there are enough of them. Suspects count nowhere, nor do those of the cohort that look
 * direct because their only handshake hid the leg, as far as those whose only one showed it tell
 * how many these are. Returns how many.
 */
unsigned int crowd_references(const struct crowd *crowd, uint32_t bin,
			      uint32_t (*sum)(const struct tally *, uint32_t),
			      struct reference ret[CROWD_REFERENCES]);

/* Honest groups with one tool were seen to be 2 to 5 times denser than the crowd around them. */
#define CONCENTRATION 5.0

/*
 * Upper bound on the share of innocents in the cohort in hand. Its innocents use the same software
 * as those of its ClientHello who are direct, so they are spread like these: the outermost quarter
 * of them on either end of any axis must hold a quarter of the innocents, and how few of the
 * cohort's sources it holds bounds how many innocents there are (the mixture bound behind Storey
 * 2002, asked at regions fixed in advance). Where too few are direct, the whole crowd stands for
 * them; but software may have sizes of its own, so that only volume is asked, and as innocents may
 * be denser there the bound is so many times higher.
 */
double crowd_innocent_share(const struct crowd *crowd);

#endif
