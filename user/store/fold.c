/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spans whose end the agent did not live to see, or saw without some of their sources: an hour is
 * made of its slots, a day of its hours, for each source that was told of in the one and not in the
 * other. Else what a source did on the day of a restart would be lost with its hours.
 *
 * Only the newest hour and day in a file can be such spans. Once they are over and what was told of
 * them is written, they are folded, a bounded number of sources at a time.
 */
#include <errno.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/walk.h"

#define PARTS_MAX 24

static int newest(struct history *h, enum span span, int64_t *ret)
{
	return db_number(&h->db, h->queries[span][QUERY_NEWEST], ret);
}

int fold_begin(struct history *h)
{
	int64_t slot = 0, hour = 0;
	int r;

	h->fold = (struct fold){ 0 };
	r = newest(h, SPAN_SLOT, &slot);
	if (r >= 0)
		r = newest(h, SPAN_HOUR, &hour);
	if (r < 0)
		return r;
	/* What comes back from the disk may be no slot at all. */
	if (slot < 0 || slot > UINT32_MAX || hour < 0 || hour > UINT32_MAX)
		return 0;
	h->fold.start[SPAN_HOUR] = (uint32_t)(slot - slot % SPAN_HOUR_SLOTS);
	if (hour < slot)
		hour = slot;
	h->fold.start[SPAN_DAY] = (uint32_t)(hour - hour % SPAN_DAY_SLOTS);
	return 0;
}

static void take_part(enum span span, size_t i, struct deed *part, struct deed *sum)
{
	part->active = span == SPAN_HOUR ? (uint64_t) !!part->sums.requests << i : 0;
	deed_merge(sum, part);
}

int fold_get(struct history *h, enum span span, uint32_t start, const uint8_t *key, size_t key_size,
	     struct deed *ret)
{
	enum span finer = span == SPAN_DAY ? SPAN_HOUR : SPAN_SLOT;
	int r = deeds_get(h, span, start, key, key_size, ret);
	struct deed sum = { 0 }, part = { 0 };
	bool any = false;

	if (r || span == SPAN_SLOT || h->fold.start[span] != start)
		return r;
	for (uint32_t i = 0; i < span_slots(span) / span_slots(finer); i++) {
		r = fold_get(h, finer, start + i * span_slots(finer), key, key_size, &part);
		if (r < 0)
			return r;
		if (r)
			take_part(span, i, &part, &sum);
		any |= r;
	}
	memcpy(sum.source, ret->source, sizeof(sum.source));
	*ret = sum;
	return any;
}

static int put_folded(struct history *h, enum span span, const uint8_t *key, size_t key_size,
		      const struct deed *deed)
{
	uint8_t data[DEED_BYTES];
	const struct queued row = {
		.start = h->fold.start[span],
		.key = key,
		.data = data,
		.key_size = key_size,
		.data_size = deed_pack(deed, data),
	};

	return file_put(h, h->queries[span][QUERY_PUT_NEW], &row);
}

static bool same_key(const struct fold *f, const struct walk_row *row)
{
	return row->key_size == (size_t)f->key_size && !memcmp(row->key, f->key, row->key_size);
}

static void take_row(enum span span, const struct walk_row *row, struct deed *sum)
{
	struct deed part = { 0 };

	if (deed_unpack(row->data, row->data_size, &part) < 0)
		return;
	part.active = span == SPAN_HOUR ? (uint64_t) !!part.sums.requests << row->span : 0;
	deed_merge(sum, &part);
}

/* At most `max` sources. Returns how many it was: fewer, and the span is done. */
static int64_t fold_sources(struct history *h, enum span span, struct walk *w, size_t max)
{
	struct fold *f = &h->fold;
	struct deed sum = { 0 };
	struct walk_row row;
	size_t n = 0;
	bool any = false;
	int r;

	while ((r = walk_next(w, &row)) > 0) {
		if (row.key_size > sizeof(f->key))
			continue;
		if (any && !same_key(f, &row)) {
			r = put_folded(h, span, f->key, (size_t)f->key_size, &sum);
			if (r < 0 || ++n == max)
				return r < 0 ? r : (int64_t)n;
			sum = (struct deed){ 0 };
		}
		any = true;
		memcpy(f->key, row.key, row.key_size);
		f->key_size = (int)row.key_size;
		take_row(span, &row, &sum);
	}
	if (r == 0 && any)
		r = put_folded(h, span, f->key, (size_t)f->key_size, &sum);
	return r < 0 ? r : (int64_t)n;
}

static int64_t fold_span(struct history *h, enum span span, size_t max)
{
	_cleanup_(walk_freep) struct walk *w = NULL;
	enum span finer = span == SPAN_HOUR ? SPAN_SLOT : SPAN_HOUR;
	size_t n = span_slots(span) / span_slots(finer);
	struct walk_span parts[PARTS_MAX];
	struct fold before = h->fold;
	int64_t done;
	int r;

	for (size_t i = 0; i < n; i++)
		parts[i] = (struct walk_span){ finer, h->fold.start[span] +
							      (uint32_t)i * span_slots(finer) };
	r = db_run(&h->db, "BEGIN IMMEDIATE");
	if (r == 0)
		r = walk_new(h, parts, n, h->fold.key, (size_t)h->fold.key_size, &w);
	done = r < 0 ? r : fold_sources(h, span, w, max);
	walk_freep(&w);
	if (done >= 0) {
		r = db_run(&h->db, "COMMIT");
		if (r == 0)
			return done;
		done = r;
	}
	h->fold = before;
	db_roll_back(&h->db);
	return done;
}

static bool is_due(const struct history *h, enum span span, uint32_t now_slot)
{
	return h->fold.start[span] && h->fold.start[span] + span_slots(span) <= now_slot;
}

bool fold_due(const struct history *h, uint32_t now_slot)
{
	return is_due(h, SPAN_HOUR, now_slot) || is_due(h, SPAN_DAY, now_slot);
}

int fold_some(struct history *h, uint32_t now_slot, size_t max)
{
	int64_t done;

	for (enum span span = SPAN_HOUR; span <= SPAN_DAY && max; span++) {
		if (!is_due(h, span, now_slot))
			continue;
		done = fold_span(h, span, max);
		if (done < 0)
			return (int)done;
		if ((size_t)done == max)
			return 0;
		max -= (size_t)done;
		h->fold.start[span] = 0;
		h->fold.key_size = 0;
	}
	return 0;
}
