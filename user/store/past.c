/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was known of a source, as the halves of windows that the table of observations would hold
 * had it never stopped.
 *
 * The time since each border is covered with rows that do not overlap: whole days, before and
 * behind them hours, before and behind those slots, as far as there are any. Where only a day is
 * left that a border divides, it belongs to the half in which its middle lies. So every row that is
 * needed, and what it counts to, follows from the time alone; one source is read by a look-up of
 * each, all sources by a walk over them, which can be left behind any source and gone on with.
 *
 *	border        |
 *	days                  [   day   ][   day   ]
 *	hours          [h][h]                       [h][h]
 *	slots        [s]                                  [s][s] now
 *
 * Of the present slot there is a row where the agent was stopped in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/walk.h"

#define PIECES_MAX 256 /* 46 days, 2 of hours and 3 hours of slots are fewer */

enum { /* what a row counts to: the halves of windows from bit 0 on, and */
       FOR_TRAIL = 1u << 2 * WINDOWS,
       FOR_RHYTHM = FOR_TRAIL << 1,
};

struct pieces {
	struct walk_span spans[PIECES_MAX]; /* by start, the longer first */
	uint32_t counts[PIECES_MAX];
	size_t n;
	int64_t now_slot, now_unix;
	uint32_t now_sec;
};

static int64_t floor_to(int64_t slot, int64_t slots)
{
	return slot - slot % slots;
}

static void need(struct pieces *p, enum span span, int64_t start, uint32_t count)
{
	size_t at = p->n;

	while (at && (p->spans[at - 1].start > start ||
		      (p->spans[at - 1].start == start && p->spans[at - 1].span < span)))
		at--;
	if (at && p->spans[at - 1].start == start && p->spans[at - 1].span == span) {
		p->counts[at - 1] |= count;
		return;
	}
	if (p->n == PIECES_MAX)
		return;
	memmove(&p->spans[at + 1], &p->spans[at], (p->n - at) * sizeof(*p->spans));
	memmove(&p->counts[at + 1], &p->counts[at], (p->n - at) * sizeof(*p->counts));
	p->spans[at] = (struct walk_span){ span, (uint32_t)start };
	p->counts[at] = count;
	p->n++;
}

/* The first slot from which rows no finer than kept can cover: a border that divides a span of which
 * only the whole is left goes to an end of it, so that the span's middle is on its own side. */
static int64_t movable(const struct pieces *p, int64_t border)
{
	for (int span = SPAN_DAY; span > SPAN_SLOT; span--) {
		int64_t slots = span_slots(span), start = floor_to(border, slots);

		if (start == border || start >= p->now_slot - kept_slots(span - 1))
			continue;
		return start + slots / 2 >= border ? start : start + slots;
	}
	return border;
}

static void cover(struct pieces *p, int64_t border, uint32_t count)
{
	int64_t at = movable(p, border < 0 ? 0 : border);

	while (at <= p->now_slot) {
		int span = SPAN_DAY;

		while (span > SPAN_SLOT &&
		       (at % span_slots(span) || at + span_slots(span) > p->now_slot))
			span--;
		need(p, span, at, count);
		at += span_slots(span);
	}
}

static void cover_rhythm(struct pieces *p)
{
	int64_t hour = floor_to(p->now_slot, SPAN_HOUR_SLOTS), at = hour - RHYTHM_SLOTS;

	for (at = at < 0 ? 0 : at; at < hour; at += SPAN_HOUR_SLOTS)
		need(p, SPAN_HOUR, at, FOR_RHYTHM);
	for (; at <= p->now_slot; at++)
		need(p, SPAN_SLOT, at, FOR_RHYTHM);
}

static void find_pieces(const struct history *h, uint32_t now_sec, struct pieces *p)
{
	p->now_sec = now_sec;
	p->now_unix = h->settings.epoch_sec + now_sec;
	p->now_slot = slot_at(p->now_unix, h->settings.window_sec);
	p->n = 0;
	for (int w = 0; w < WINDOWS; w++) {
		int64_t half = window_slots(w) / 2, newer = floor_to(p->now_slot, half);

		cover(p, newer - half, 1u << 2 * w);
		cover(p, newer, 2u << 2 * w);
	}
	cover(p, floor_to(p->now_slot, SPAN_DAY_SLOTS) - KEEP_DAYS, FOR_TRAIL);
	cover_rhythm(p);
}

/* ---- a source ---- */

struct gathering {
	const struct history *history;
	const struct pieces *pieces;
	uint64_t syn_class; /* of the last row */
	struct past past;
};

static void begin(struct gathering *g)
{
	g->syn_class = 0;
	g->past = (struct past){ .slot = (uint32_t)g->pieces->now_slot };
}

/* All that was done in the middle of the span. */
static void follow_trail(struct gathering *g, const struct walk_span *at, const struct deed *d)
{
	uint32_t window_sec = g->history->settings.window_sec;
	int64_t middle =
		(2ll * at->start + span_slots(at->span)) * window_sec / (2ll * SPAN_DAY_SLOTS);
	struct trail *t = &g->past.trail;

	*t = trail_at(t, (uint32_t)middle, window_sec);
	if (g->syn_class && d->syn_class && d->syn_class != g->syn_class)
		trail_doubt(t);
	t->none += (float)d->sums.gap_none;
	t->single += (float)d->sums.gap_single;
	t->dual += (float)d->sums.gap_dual;
	if (d->syn_class)
		g->syn_class = d->syn_class;
}

static void mark(struct past *past, int64_t slot)
{
	int64_t ago = past->slot - slot;

	if (ago >= 0 && ago < RHYTHM_SLOTS)
		past->active[ago / 64] |= 1ull << ago % 64;
}

static void follow_rhythm(struct gathering *g, const struct walk_span *at, const struct deed *d)
{
	if (at->span == SPAN_SLOT && d->sums.requests)
		mark(&g->past, at->start);
	for (uint32_t i = 0; at->span == SPAN_HOUR && i < SPAN_HOUR_SLOTS; i++)
		if (d->active >> i & 1)
			mark(&g->past, (int64_t)at->start + i);
}

static void gather(struct gathering *g, size_t piece, const struct deed *d)
{
	const struct walk_span *at = &g->pieces->spans[piece];
	uint32_t counts = g->pieces->counts[piece];

	if (!g->past.first_sec)
		g->past.first_sec = slot_unix(g->history, at->start);
	for (int w = 0; w < WINDOWS; w++)
		for (int half = 0; half < 2; half++)
			if (counts >> (2 * w + half) & 1)
				sums_add(&g->past.sums[w][half], &d->sums);
	if (counts & FOR_TRAIL)
		follow_trail(g, at, d);
	if (counts & FOR_RHYTHM)
		follow_rhythm(g, at, d);
}

static void end(struct gathering *g)
{
	g->past.trail = trail_at(&g->past.trail, (uint32_t)g->pieces->now_unix,
				 g->history->settings.window_sec);
	g->past.trail.sec = g->pieces->now_sec;
}

static int read_past(struct history *h, const uint8_t source[16], struct gathering *g)
{
	struct deed deed = { 0 };
	uint8_t key[KEY_BYTES];
	size_t key_size = key_pack(source, key);
	int r, any = 0;

	for (size_t i = 0; i < g->pieces->n; i++) {
		const struct walk_span *at = &g->pieces->spans[i];

		r = fold_get(h, at->span, at->start, key, key_size, &deed);
		if (r < 0)
			return r;
		if (r)
			gather(g, i, &deed);
		any |= r;
	}
	return any;
}

int history_past(struct history *h, const uint8_t source[16], uint32_t now_sec, struct past *ret)
{
	struct pieces pieces;
	struct gathering g = { .history = h, .pieces = &pieces };
	int r;

	/* A disk that fails is asked again after the next flush. */
	if (!h->db.handle || h->notice[0] || (h->known && !known_maybe(h->known, source)))
		return 0;
	find_pieces(h, now_sec, &pieces);
	begin(&g);
	r = read_past(h, source, &g);
	if (file_end_reading(h, r) <= 0)
		return 0;
	end(&g);
	*ret = g.past;
	return 1;
}

/* ---- all sources ---- */

#define ROWS_PER_FOLD 8 /* read while one source is folded */

struct visitor {
	int (*visit)(const uint8_t source[16], const struct past *past, void *arg);
	void *arg;
	int result;  /* of `visit`, where it is an error */
	size_t rows; /* yet to be read */
};

static int tell(struct gathering *g, struct recall *at, struct visitor *v)
{
	uint8_t source[16];

	if (key_unpack(at->key, at->key_size, source) < 0)
		return 0;
	end(g);
	known_add(at->known, source);
	v->result = v->visit(source, &g->past, v->arg);
	return v->result;
}

/* 1: there is more, behind at->key. */
static int each_past(struct walk *w, struct gathering *g, struct recall *at, struct visitor *v)
{
	struct deed deed = { 0 };
	struct walk_row row;
	bool any = false;
	int r;

	while ((r = walk_next(w, &row)) > 0) {
		v->rows -= v->rows > 0;
		if (row.key_size > sizeof(at->key) ||
		    deed_unpack(row.data, row.data_size, &deed) < 0)
			continue;
		if (!any || row.key_size != at->key_size ||
		    memcmp(row.key, at->key, row.key_size)) {
			r = any ? tell(g, at, v) : 0;
			if (r < 0 || (any && !v->rows))
				return r < 0 ? r : 1;
			any = true;
			memcpy(at->key, row.key, row.key_size);
			at->key_size = row.key_size;
			begin(g);
		}
		gather(g, row.span, &deed);
	}
	return r == 0 && any ? tell(g, at, v) : r;
}

static int walk_pasts(struct history *h, const struct pieces *pieces, struct visitor *v)
{
	struct gathering g = { .history = h, .pieces = pieces };
	_cleanup_(walk_freep) struct walk *w = NULL;
	int r;

	r = walk_new(h, pieces->spans, pieces->n, h->recall.key, h->recall.key_size, &w);
	return r < 0 ? r : each_past(w, &g, &h->recall, v);
}

static int read_some(struct history *h, uint32_t now_sec, struct visitor *v)
{
	struct pieces pieces;
	uint32_t now_slot;
	int r = 0;

	find_pieces(h, now_sec, &pieces);
	now_slot = (uint32_t)pieces.now_slot;
	if (fold_due(h, now_slot))
		r = fold_some(h, now_slot, v->rows / ROWS_PER_FOLD + 1);
	if (r < 0 || fold_due(h, now_slot))
		return r < 0 ? r : 1;
	return walk_pasts(h, &pieces, v);
}

int history_pasts(struct history *h, uint32_t now_sec, size_t rows,
		  int (*visit)(const uint8_t source[16], const struct past *past, void *arg),
		  void *arg)
{
	struct visitor v = { .visit = visit, .arg = arg, .rows = rows };
	int r;

	if (!h->db.handle)
		return 0;
	if (!h->recall.known) {
		r = known_new(&h->recall.known);
		if (r < 0)
			return r;
	}
	r = read_some(h, now_sec, &v);
	r = v.result < 0 ? file_end(h, r) : file_end_reading(h, r);
	if (r > 0)
		return 1;
	known_free(h->known);
	h->known = NULL;
	if (v.result < 0 || h->notice[0])
		known_free(h->recall.known);
	else
		h->known = h->recall.known;
	h->recall = (struct recall){ 0 };
	return v.result;
}
