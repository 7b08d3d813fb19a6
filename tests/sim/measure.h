/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the line says of a made-up world, against the truth.
 *
 * A campaign that is reported counts for each swarm that has some members in it, and is false where
 * most of them are honest. All times count from the swarm's start.
 */
#ifndef SIM_MEASURE_H
#define SIM_MEASURE_H

#include "tests/sim/swarm.h"
#include "tests/sim/world.h"

#define NOT_YET UINT32_MAX
#define LATER_DAYS 5u
#define LATER 12

/* A swarm at one moment. Requests are all since its start. */
struct sighting {
	uint32_t sec;
	uint32_t sources, found; /* that have asked so far; members of them */
	uint32_t acted;		 /* those an entry would hit */
	uint32_t wrong;		 /* honest members of its campaigns */
	uint64_t requests, found_requests, wrong_requests;
	uint32_t families; /* that hold, a bit each */
	uint32_t campaigns;
	uint32_t id; /* of the largest one, and whom it replaces */
	uint32_t replaces;
	bool linked;
	size_t wrong_of[KINDS];
	size_t hit, hit_users; /* the honest that entries would have hit so far */
};

enum moment {
	MOMENT_ALARM,
	MOMENT_HALF,   /* of its sources are members */
	MOMENT_MOST,   /* nine tenths */
	MOMENT_ACTED,  /* the first entry */
	MOMENT_LINKED, /* to the campaign that it goes on with */
	MOMENTS,
};

struct verdict {
	uint32_t sec[MOMENTS];
	uint64_t leaked[MOMENTS]; /* requests until then */
	struct sighting now, day, three_days;
	struct sighting later[LATER]; /* each LATER_DAYS */
	uint32_t n_later;
	uint32_t wrong_max; /* honest members of its campaigns, at most at one time */
	uint32_t id;	    /* of its largest campaign, when last reported */
};

struct harm {
	size_t sources, users; /* honest ones that some entry would have hit, once each */
	size_t of[KINDS];
	size_t by[WINDOWS];	  /* the window that made them members */
	size_t early;		  /* while a campaign was younger than six hours */
	size_t wide, wide_honest; /* sources in prefixes, at most at one time */
};

struct measure {
	struct world *world;
	struct mind *mind;
	uint8_t *marks; /* of sources */
	size_t n;
	struct verdict *verdicts; /* of swarms */
	uint32_t false_ids[64];
	uint32_t false_kinds[64]; /* a bit for each kind among their members */
	size_t n_false;
	size_t false_acted; /* rounds in which an entry stood for a false campaign */
	struct harm harm;
	size_t entries_max, members_max;
};

int measure_new(struct world *w, struct mind *m, struct measure **ret);
void measure_free(struct measure *m);
static inline void measure_freep(struct measure **m)
{
	measure_free(*m);
	*m = NULL;
}

/* After a round and its judgement. */
void measure_look(struct measure *m, uint32_t now_sec);

#endif
