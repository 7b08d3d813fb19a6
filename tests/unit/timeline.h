/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Populations for tests of time: sources whose requests follow simulated processes. One seed gives
 * one population. */
#ifndef TESTS_TIMELINE_H
#define TESTS_TIMELINE_H

#include "user/shoal/cohort.h"
#include "user/shoal/tempo.h"

#define DAY_SEC 86400
#define TIMELINE_END (20u * DAY_SEC + 9 * 3600 + 1500) /* the present: 9:25 in the morning */

struct timeline {
	struct features *f;
	struct rhythm *rhythms; /* of each */
	size_t n, room;
	uint64_t random;
	struct population *p;
	struct cohorts *cohorts;
	struct tempo *tempo;
};

void timeline_clear(struct timeline *t);

/* Adds sources that have not asked yet; of the cohort, or of the crowd. Returns the first one. */
size_t timeline_add(struct timeline *t, size_t n, bool cohort);
void timeline_note(struct timeline *t, size_t at, double sec);

/* From features to cohorts and tempo. The one cohort. */
struct cohort *timeline_judge(struct timeline *t);

double timeline_uniform(struct timeline *t); /* in (0, 1) */
double timeline_exponential(struct timeline *t, double mean);
double timeline_normal(struct timeline *t);

/* How likely people are awake at a time, from 0 to 1; NULL: always. */
typedef double (*timeline_profile)(double sec);

double profile_office(double sec);    /* 9:00 to 17:30, most start and stop within an hour */
double profile_sharp(double sec);     /* 9:30 to 17:30 with a break from 12:30, to the second */
double profile_day(double sec);	      /* a sine over the day */
double profile_minutes40(double sec); /* from 3:40 to 4:20 */

/* A user: Poisson with `per_day` requests, while awake, over the last `days`. */
void timeline_user(struct timeline *t, size_t at, double per_day, double days,
		   timeline_profile awake);

/* The same in bursts of `size` requests on average, `gap_sec` apart. */
void timeline_bursts(struct timeline *t, size_t at, double per_day, double days, double size,
		     double gap_sec);

/* A machine with one period, from its own moment on, up to `jitter_sec` late each time. */
void timeline_monitor(struct timeline *t, size_t at, double period_sec, double days,
		      double jitter_sec);

/* A pool of the sources [first, first + n): Poisson arrivals go to the one that has waited longest;
 * noise makes each wait look up to so much shorter or longer, 1 is random choice. A session goes
 * on with chance `sticky`, two minutes later on average. */
struct pool {
	size_t first, n;
	double per_day; /* requests of each source */
	double days;
	double sticky, noise;
	bool random;
	timeline_profile awake;
};
void timeline_pool(struct timeline *t, const struct pool *pool);

#endif
