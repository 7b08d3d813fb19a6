// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of rows.
 *
 * Public campaigns are those that were reported: 28.8 M requests by 25,000 accounts in 45 days; 151
 * M by 3,500 with a peak of 3 M a day; 3.4 M by 273 in 17 days; 0.4 M by 1,500 in 20 days; a pool
 * of 20,000 that other customers' requests were mixed into.
 */
#include <math.h>
#include <string.h>
#include "tests/sim/rows.h"
#include "user/base/cleanup.h"

#define LRU SCHEDULE_LRU
#define POOL(n, rate, how) .sources = (n), .per_day = (rate), .schedule = (how), .dense = 0.15

/* How long it lasts, how many people there are besides, and how many seeds are run: by `make sim`,
 * `make sim-full`. */
#define DAYS(sim, full) .days = { sim, full }
#define PEOPLE(sim, full) .people = { sim, full }
#define SEEDS(sim, full) .seeds = { sim, full }
#define THREE_DAYS DAYS(3.1, 3.1)
#define MIXED(share) .mix = (share)
#define FEW PEOPLE(50000, 100000)
#define MONTH PEOPLE(20000, 100000)
#define MANY PEOPLE(60000, 1000000)

#define PUBLIC(row) .name = (row), .group = "public"
#define GRID(row) .name = (row), .group = "size and rate", THREE_DAYS, FEW
#define VARIANT(row, of) .name = (row), .group = (of), THREE_DAYS, FEW, SEEDS(1, 3)
#define HONEST(row) .name = (row), .group = "honest"
#define LIKE(n, rate, how) .plans[0] = { POOL(n, rate, how) }

const struct row rows[] = {
	{ PUBLIC("28.8M"), DAYS(3.1, 45), PEOPLE(100000, 1000000), SEEDS(1, 1),
	  LIKE(25000, 25.6, LRU) },
	{ PUBLIC("151M"), THREE_DAYS, MANY, SEEDS(1, 1), LIKE(3500, 330, LRU) },
	{ PUBLIC("151M-peak"), THREE_DAYS, MANY, SEEDS(1, 1), LIKE(3500, 850, LRU) },
	{ PUBLIC("3.4M"), THREE_DAYS, FEW, SEEDS(2, 4), LIKE(273, 733, LRU) },
	{ PUBLIC("0.4M"), THREE_DAYS, FEW, SEEDS(2, 4), LIKE(1500, 13, LRU) },
	{ PUBLIC("pool-20k"), THREE_DAYS, MANY, SEEDS(1, 1),
	  .plans[0] = { POOL(20000, 25.6, LRU), MIXED(0.5) } },
	{ PUBLIC("replaced"), THREE_DAYS, FEW, SEEDS(1, 3),
	  .plans[0] = { POOL(2000, 46, LRU), .end_day = 1.25 },
	  .plans[1] = { POOL(2000, 46, LRU), .start_day = 1.75, .replaces = 1 } },

	{ GRID("200x13"), SEEDS(0, 2), LIKE(200, 13, LRU) },
	{ GRID("200x25.6"), SEEDS(3, 6), LIKE(200, 25.6, LRU) },
	{ GRID("200x46"), SEEDS(0, 2), LIKE(200, 46, LRU) },
	{ GRID("200x330"), SEEDS(1, 2), LIKE(200, 330, LRU) },
	{ GRID("1000x13"), SEEDS(1, 2), LIKE(1000, 13, LRU) },
	{ GRID("1000x25.6"), SEEDS(2, 5), LIKE(1000, 25.6, LRU) },
	{ GRID("1000x46"), SEEDS(0, 2), LIKE(1000, 46, LRU) },
	{ GRID("1000x330"), SEEDS(0, 2), LIKE(1000, 330, LRU) },
	{ GRID("1000x900"), SEEDS(1, 2), LIKE(1000, 900, LRU) },
	{ GRID("5000x13"), SEEDS(1, 2), LIKE(5000, 13, LRU) },
	{ GRID("5000x25.6"), SEEDS(1, 2), LIKE(5000, 25.6, LRU) },
	{ GRID("5000x46"), SEEDS(0, 2), LIKE(5000, 46, LRU) },
	{ GRID("25000x13"), SEEDS(0, 1), LIKE(25000, 13, LRU) },

	{ VARIANT("random", "schedule"), LIKE(1000, 25.6, SCHEDULE_RANDOM) },
	{ VARIANT("weighted", "schedule"), LIKE(1000, 25.6, SCHEDULE_WEIGHTED) },
	{ VARIANT("sticky", "schedule"), LIKE(1000, 25.6, SCHEDULE_STICKY) },
	{ VARIANT("rotating", "addresses"), .plans[0] = { POOL(1000, 46, LRU), .rotate = 0.88 } },
	{ VARIANT("mixed-50", "mixed"), .plans[0] = { POOL(1000, 46, LRU), MIXED(0.5) } },
	{ VARIANT("mixed-90", "mixed"), .plans[0] = { POOL(1000, 46, LRU), MIXED(0.9) } },
	{ VARIANT("timing-100", "evasion"), LIKE(1000, 25.6, SCHEDULE_EVEN) },
	{ VARIANT("padded", "evasion"), .plans[0] = { POOL(1000, 25.6, LRU), .pad = 16384 } },
	{ VARIANT("two-stacks", "evasion"), .plans[0] = { POOL(1000, 25.6, LRU), .hellos = 2 } },
	{ VARIANT("duty-40min", "evasion"),
	  .plans[0] = { POOL(1000, 25.6, LRU), .duty_sec = 2400 } },

	{ HONEST("null"), .sort = ROW_NULL, DAYS(1, 1), PEOPLE(4000, 8000), SEEDS(200, 200) },
	{ HONEST("month"), .sort = ROW_MONTH, DAYS(30, 30), MONTH, SEEDS(1, 2) },
	{ HONEST("month-h7"), .sort = ROW_MONTH, DAYS(30, 30), MONTH, SEEDS(1, 2),
	  .aggregators = true },
	{ .name = "scale",
	  .group = "scale",
	  .sort = ROW_SCALE,
	  DAYS(0.1, 0.1),
	  PEOPLE(1000000, 1000000),
	  SEEDS(1, 1),
	  LIKE(25000, 25.6, LRU) },
};
const size_t n_rows = ARRAY_LEN(rows);

const struct row *row_find(const char *name)
{
	for (size_t i = 0; i < n_rows; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* Measured on a virtual machine with Linux 6.1: a source's day, the same told to a history, and a
 * source in a look, which has a round over some of the windows. */
#define DAY_SEC 2.2e-5
#define HISTORY_SEC 6e-5
#define LOOK_SEC 4.5e-6
#define ALL_DUE 2 /* hours after the last look all windows have their round */

static double looks(const struct row *row, enum profile profile)
{
	double days = row->days[profile];

	switch (row->sort) {
	case ROW_NULL: return 6 * days;
	case ROW_MONTH: return 3 * days;
	case ROW_SCALE: return WINDOWS;
	default: break;
	}
	/* See the paces in run_row.c. */
	if (profile == PROFILE_SIM)
		return 16 + 2 * days;
	return 40 + ALL_DUE * (6 * fmin(days, 3) + 4 * fmax(days - 3, 0));
}

bool row_has_history(const struct row *row)
{
	return row->sort == ROW_MONTH || row->sort == ROW_SCALE;
}

double row_cost_sec(const struct row *row, enum profile profile)
{
	double sources = row->people[profile] + row->plans[0].sources;

	double days = row->days[profile] + 1 + (row->sort == ROW_CAMPAIGN);
	double day_sec = DAY_SEC + (row_has_history(row) ? HISTORY_SEC : 0);

	return sources * (day_sec * days + LOOK_SEC * looks(row, profile));
}
