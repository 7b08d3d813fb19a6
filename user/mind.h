/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The middle of the line, the same for a card, a capture and a simulation:
 *
 *	rows of sources -> observe -> correlate -> judge -> automatic entries
 *
 * It owns what is remembered between turns: observations, campaigns, how far they have come on the
 * ladder, who was dropped before, the last judgement. Time comes in as `now_sec`.
 *
 * A round of the correlator looks at all sources of a window, so it is due only when enough has
 * changed to be worth it: then the cost of all rounds is in proportion to what changes.
 */
#ifndef MIND_H
#define MIND_H

#include <stdbool.h>
#include "user/judge/judge.h"
#include "user/shoal/seeds.h"
#include "user/shoal/shoal.h"
#include "user/sight/asns.h"
#include "user/sight/observation.h"
#include "user/store/history.h"

struct mind_settings {
	struct observation_settings observation;
	const struct shoal_settings *shoal;
	const struct judge_settings *judge;
	struct history *history; /* NULL: nothing is remembered beyond this life */
};

struct mind {
	struct mind_settings settings;
	struct observations *observations;
	struct asns *asns; /* NULL: none given */
	struct seeds seeds;
	size_t n;	    /* sources in the last round over WINDOW_DAY ... */
	struct noise noise; /* ... and what it measured by, see struct campaigns */
	double requests_high;
	struct campaigns *campaigns; /* NULL before the first round */
	struct ladder ladder;
	struct reentries reentries;
	/* What changed in them that is worth keeping; whoever keeps it sets them back. */
	bool ladder_changed;
	size_t reentries_changed; /* rows, see reentries_note() */
	struct judgement *judgement;
	struct round {
		uint32_t sec;	  /* when the last one was; 0: never */
		uint64_t changes; /* observations_changes() then */
	} rounds[WINDOWS];
	bool recalled;	     /* the past of those met at first has been told */
	uint32_t recall_sec; /* when that was begun; 0: not yet */
	size_t n_recalled;   /* sources of which there was one */
	uint32_t n_rounds;   /* so far */
};

int mind_new(const struct mind_settings *s, struct mind **ret);
void mind_free(struct mind *m);
static inline void mind_freep(struct mind **m)
{
	mind_free(*m);
	*m = NULL;
}

/* Before the first row of a harvest. */
int mind_begin(struct mind *m, uint32_t now_sec);

/* Keeps history from now on. With `recall` the past of those met already is read, as of the next
 * harvest; else only that of new ones. */
void mind_remember(struct mind *m, struct history *h, bool recall);

/* A row of the kernel, as of now. -ENOSPC where there is no more room is counted, and no error. */
int mind_source(struct mind *m, const struct seine_addr *key, const struct seine_source *row,
		uint32_t now_sec);

/* After the last row of a harvest. */
int mind_observe(struct mind *m, uint32_t now_sec);

/* The first harvest waits for the past of its sources, of which mind_observe() reads a part each
 * time. Until it is over nothing else may be asked of the mind, and no harvest be begun. */
bool mind_recalls(const struct mind *m);

/* Seeds from now on, as of the time of day; the next turn has a round. -E2BIG when they would be
 * too many: then nothing has changed. */
int mind_add_seeds(struct mind *m, const struct seeds *more, int64_t unix_sec);
void mind_clear_seeds(struct mind *m);

/* The rounds that are due. `campaigns_before` gets what was known before, or NULL where no round
 * was due; the caller frees it. */
int mind_correlate(struct mind *m, uint32_t now_sec, struct campaigns **campaigns_before);

/* One turn of the ladder, and the judgement that follows. `claims`: of all, what has run out since
 * the last turn included. `enforcing`: the mode. */
int mind_judge(struct mind *m, const struct claims *claims, const struct guards *g, bool enforcing,
	       uint32_t now_sec);

/* The same where nobody else claims anything and the mode is enforce: what was wanted last time is
 * what is held now. */
int mind_judge_alone(struct mind *m, uint32_t now_sec);

#endif
