/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes in the hour and the day that a former life did not end. What it told of slots is whole,
 * but for the last one in a crash; what it told of the hour and the day is only there if it was
 * stopped in order. So before this life adds to them they are made anew: the newest hour of its
 * slots, then the newest day of its hours.
 *
 * Sources are another matter, see fold.c: a life that knows their past tells of them as a whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include "user/store/file.h"

static uint32_t parts_of(enum span span)
{
	return span_slots(span) / span_slots(span - 1);
}

/* Of a span whose parts may have begun to age away nothing is made anew. */
static void choose(struct net_fold *f, enum span span, int64_t newest, uint32_t now_slot)
{
	int64_t start = newest - newest % span_slots(span);

	if (newest > 0 && start + kept_slots(span - 1) >= now_slot && start <= now_slot)
		f->start[span] = (uint32_t)start;
}

static int begin(struct history *h, uint32_t now_slot)
{
	int64_t slot = 0, hour = 0;
	int r;

	r = db_number(&h->db, h->queries[KIND_NET + SPAN_SLOT][QUERY_NEWEST], &slot);
	if (r >= 0)
		r = db_number(&h->db, h->queries[KIND_NET + SPAN_HOUR][QUERY_NEWEST], &hour);
	if (r < 0)
		return r;
	choose(&h->net_fold, SPAN_HOUR, slot, now_slot);
	choose(&h->net_fold, SPAN_DAY, slot > hour ? slot : hour, now_slot);
	h->net_fold.span = SPAN_HOUR;
	return 0;
}

/* The first part takes the place of what was there. */
static int add_part(struct history *h, const struct net_fold *f)
{
	const char *to = kind_table(KIND_NET + f->span);
	uint32_t start = f->start[f->span], part = start + f->part * span_slots(f->span - 1);
	char sql[320];
	int r = db_run(&h->db, "BEGIN IMMEDIATE");

	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE start = %" PRIu32, to, start);
	if (r == 0 && !f->part)
		r = db_run(&h->db, sql);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO %s SELECT %" PRIu32 ", key, data FROM %s WHERE start = %" PRIu32
		 " ON CONFLICT (start, key) DO UPDATE SET data = seine_add_nets(data, "
		 "excluded.data)",
		 to, start, kind_table(KIND_NET + f->span - 1), part);
	if (r == 0)
		r = db_run(&h->db, sql);
	if (r == 0)
		r = db_run(&h->db, "COMMIT");
	if (r < 0)
		db_roll_back(&h->db);
	return r;
}

static int step(struct history *h)
{
	struct net_fold *f = &h->net_fold;
	int r = f->start[f->span] ? add_part(h, f) : 0;

	if (r < 0)
		return r;
	if (f->start[f->span] && ++f->part < parts_of(f->span))
		return 0;
	f->part = 0;
	f->span++;
	return 0;
}

int netfold_some(struct history *h, uint32_t now_slot, size_t max)
{
	int64_t before = sqlite3_total_changes(h->db.handle);
	int r = h->net_fold.span ? 0 : begin(h, now_slot);

	while (r == 0 && h->net_fold.span < SPANS) {
		if ((uint64_t)(sqlite3_total_changes(h->db.handle) - before) >= max)
			return 1;
		r = step(h);
	}
	return r;
}
