/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the crowd asks: what the families of time compare a cohort with. Once a round.
 */
#ifndef SHOAL_TEMPO_H
#define SHOAL_TEMPO_H

#include "user/shoal/population.h"
#include "user/shoal/regularity.h"

#define TEMPO_HOURS (RHYTHM_SLOTS / SPAN_HOUR_SLOTS)

struct tempo {
	const struct population *p;
	/* Slots are counted back from the last one of the present hour, so that hours do not
	 * straddle: slot i of this count belongs to hour i / SPAN_HOUR_SLOTS. */
	uint32_t last_slot;
	uint32_t asked[RHYTHM_SLOTS];		 /* how many sources did in each slot */
	struct regularity regular[SESSION_TAUS]; /* of all sources */
};

int tempo_new(const struct population *p, struct tempo **ret);
void tempo_free(struct tempo *t);

/* The slots in which a source asked, see last_slot. false: nothing is known of it. */
bool tempo_active(const struct tempo *t, uint32_t at, uint64_t ret[RHYTHM_WORDS]);

/* Adds a source's active slots. */
void tempo_count(const uint64_t active[RHYTHM_WORDS], uint32_t asked[RHYTHM_SLOTS]);

/* The slots of one hour, as SPAN_HOUR_SLOTS bits. */
unsigned int tempo_hour(const uint64_t active[RHYTHM_WORDS], unsigned int hour);

#endif
