/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is simulated: a table of rows, each a crowd and up to two campaigns, and how one is run.
 */
#ifndef SIM_ROWS_H
#define SIM_ROWS_H

#include "tests/sim/archive.h"
#include "tests/sim/measure.h"
#include "tests/sim/swarm.h"
#include "tests/sim/world.h"

/* Seeds that somebody may look at while changing detection, and those that count. */
#define SEED_TUNING 1
#define SEED_REPORT 1001

enum row_sort {
	ROW_CAMPAIGN,
	ROW_NULL,  /* a small honest crowd, as the seed will have it */
	ROW_MONTH, /* a larger one for long */
	ROW_SCALE, /* how long a cycle takes */
};

/* How much is done: `make sim`, `make sim-full`. */
enum profile {
	PROFILE_SIM,
	PROFILE_FULL,
	PROFILES,
};

struct row {
	const char *name;
	const char *group; /* rows that are shown together */
	enum row_sort sort;
	struct swarm_plan plans[2];
	double days[PROFILES];	   /* after the first, in which nothing is looked for */
	uint32_t people[PROFILES]; /* 0: not run */
	uint32_t seeds[PROFILES];  /* how many */
	bool aggregators;
};

extern const struct row rows[];
extern const size_t n_rows;
const struct row *row_find(const char *name);
bool row_has_history(const struct row *row);
double row_cost_sec(const struct row *row, enum profile profile); /* of one core, about */

#define MONTH_DAYS 64

struct timing {
	double step_ms, round_ms, judge_ms, look_ms, history_ms; /* in all */
	double round_max_ms;
	uint32_t steps, rounds;
	double harvest_ms, window_ms[WINDOWS], judge_once_ms, history_once_ms; /* ROW_SCALE */
	double cpu_ms; /* of all, the world's too */
};

struct outcome {
	const struct row *row;
	enum profile profile;
	uint64_t seed;
	struct clients *clients;
	struct mind *mind;
	struct world *world;
	struct measure *measure;
	struct archive *archive; /* NULL: rows of campaigns keep no history */
	struct timing timing;
	size_t honest; /* sources that asked for anything */
	size_t sources_max;
	double days;
	uint32_t rss_mib[MONTH_DAYS], n_rss, rss_max_mib;
};

/* `clients`: path of clients.csv. */
int row_run(const struct row *row, enum profile profile, uint64_t seed, const char *clients,
	    struct outcome *ret);
void outcome_clear(struct outcome *o);

#endif
