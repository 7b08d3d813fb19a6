// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of rows.
 *
 * Public campaigns are those that were reported: 28.8 M requests by 25,000 accounts in 45 days; 151
 * M by 3,500 with a peak of 3 M a day; 3.4 M by 273 in 17 days; 0.4 M by 1,500 in 20 days; a pool
 * of 20,000 that other customers' requests were mixed into.
 */
#include <string.h>
#include "tests/sim/rows.h"
#include "user/base/cleanup.h"

#define LRU SCHEDULE_LRU

#define SMALL \
	{ \
		0, 50000, 200000 \
	}
#define LARGE \
	{ \
		0, 100000, 1000000 \
	}
#define SEEDS(sim, full) \
	{ \
		0, sim, full \
	}

#define POOL(n, rate, how) .sources = (n), .per_day = (rate), .schedule = (how), .dense = 0.15
#define GRID(name_, n, rate, sim, full) \
	{ \
		.name = name_, .group = "size and rate", .plans = { { POOL(n, rate, LRU) } }, \
		.days = 3.1, .people = SMALL, .seeds = SEEDS(sim, full) \
	}
#define VARIANT(name_, group_, ...) \
	{ \
		.name = name_, .group = group_, .plans = { { __VA_ARGS__ } }, .days = 3.1, \
		.people = SMALL, .seeds = SEEDS(1, 4) \
	}

const struct row rows[] = {
	{ .name = "28.8M",
	  .group = "public",
	  .plans = { { POOL(25000, 25.6, LRU) } },
	  .days = 3.1,
	  .people = LARGE,
	  .seeds = SEEDS(2, 3) },
	{ .name = "151M",
	  .group = "public",
	  .plans = { { POOL(3500, 330, LRU) } },
	  .days = 3.1,
	  .people = LARGE,
	  .seeds = SEEDS(1, 3) },
	{ .name = "151M-peak",
	  .group = "public",
	  .plans = { { POOL(3500, 850, LRU) } },
	  .days = 1.1,
	  .people = LARGE,
	  .seeds = SEEDS(1, 3) },
	{ .name = "3.4M",
	  .group = "public",
	  .plans = { { POOL(273, 733, LRU) } },
	  .days = 3.1,
	  .people = SMALL,
	  .seeds = SEEDS(2, 6) },
	{ .name = "0.4M",
	  .group = "public",
	  .plans = { { POOL(1500, 13, LRU) } },
	  .days = 3.1,
	  .people = SMALL,
	  .seeds = SEEDS(2, 6) },
	{ .name = "pool-20k",
	  .group = "public",
	  .plans = { { POOL(20000, 25.6, LRU), .mix = 0.5 } },
	  .days = 3.1,
	  .people = LARGE,
	  .seeds = SEEDS(1, 3) },
	{ .name = "replaced",
	  .group = "public",
	  .plans = { { POOL(2000, 46, LRU), .end_day = 3.2 },
		     { POOL(2000, 46, LRU), .start_day = 3.7, .replaces = 1 } },
	  .days = 4.2,
	  .people = SMALL,
	  .seeds = SEEDS(1, 4) },

	GRID("200x13", 200, 13, 0, 4),
	GRID("200x25.6", 200, 25.6, 2, 10),
	GRID("200x46", 200, 46, 0, 4),
	GRID("200x330", 200, 330, 1, 4),
	GRID("1000x13", 1000, 13, 1, 4),
	GRID("1000x25.6", 1000, 25.6, 2, 10),
	GRID("1000x46", 1000, 46, 0, 4),
	GRID("1000x330", 1000, 330, 0, 4),
	GRID("1000x900", 1000, 900, 1, 4),
	GRID("5000x13", 5000, 13, 1, 4),
	GRID("5000x25.6", 5000, 25.6, 1, 4),
	GRID("5000x46", 5000, 46, 0, 4),
	GRID("25000x13", 25000, 13, 0, 2),

	VARIANT("random", "schedule", POOL(1000, 25.6, SCHEDULE_RANDOM)),
	VARIANT("weighted", "schedule", POOL(1000, 25.6, SCHEDULE_WEIGHTED)),
	VARIANT("sticky", "schedule", POOL(1000, 25.6, SCHEDULE_STICKY)),
	VARIANT("rotating", "addresses", POOL(1000, 46, LRU), .rotate = 0.88),
	VARIANT("mixed-50", "mixed", POOL(1000, 46, LRU), .mix = 0.5),
	VARIANT("mixed-90", "mixed", POOL(1000, 46, LRU), .mix = 0.9),
	VARIANT("timing-100", "evasion", POOL(1000, 25.6, SCHEDULE_EVEN)),
	VARIANT("padded", "evasion", POOL(1000, 25.6, LRU), .pad = 16384),
	VARIANT("two-stacks", "evasion", POOL(1000, 25.6, LRU), .hellos = 2),
	VARIANT("duty-40min", "evasion", POOL(1000, 25.6, LRU), .duty_sec = 2400),

	{ .name = "null",
	  .group = "honest",
	  .sort = ROW_NULL,
	  .days = 1,
	  .people = { 0, 4000, 8000 },
	  .seeds = SEEDS(200, 200) },
	{ .name = "month",
	  .group = "honest",
	  .sort = ROW_MONTH,
	  .days = 30,
	  .people = { 0, 50000, 200000 },
	  .seeds = SEEDS(1, 2) },
	{ .name = "month-h7",
	  .group = "honest",
	  .sort = ROW_MONTH,
	  .days = 30,
	  .people = { 0, 20000, 200000 },
	  .seeds = SEEDS(1, 2),
	  .aggregators = true },
	{ .name = "scale",
	  .group = "scale",
	  .sort = ROW_SCALE,
	  .days = 0.1,
	  .plans = { { POOL(25000, 25.6, LRU) } },
	  .people = { 0, 1000000, 1000000 },
	  .seeds = SEEDS(1, 1) },
};
const size_t n_rows = ARRAY_LEN(rows);

const struct row *row_find(const char *name)
{
	for (size_t i = 0; i < n_rows; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}
