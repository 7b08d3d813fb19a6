/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of observations.
 *
 * Each source keeps readings of the kernel's sums: as they are now, as they were when the present
 * slot began, and for each window as they were when its newer and its older half began. What it did
 * in a window is the difference of the first and the last. A day is told when WINDOW_DAY moves on
 * at its end: then the older half began a day ago; so is an hour by WINDOW_HOUR.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/table.h"
#include "user/sight/observation.h"
#include "user/sight/syn_text.h"

#define LOG_UNIT 16.0 /* the kernel sums logarithms of base 2 in sixteenths */
#define STACK_BITS 64
#define BLOCK 64 /* bytes are counted in blocks of so many, to fit 32 bits */

/* Of WINDOW_DAY only, and only to be shown. */
struct extra {
	uint32_t connections, gap_unknown;
	uint32_t request_blocks, response_blocks;
};

struct halves {
	struct sums whole, half; /* readings when the older and the newer half began */
};

struct observation {
	uint8_t source[16];
	uint64_t hello_key;
	uint64_t syn_class;
	uint64_t last_request_ns;
	uint64_t stacks;
	int64_t first_unix; /* whenever it was first seen */
	uint32_t last_sec;
	uint32_t row_sec; /* when the kernel's row began */
	uint32_t harvest; /* the last one that had it */
	uint32_t rtt_min_us;
	uint32_t open_max;
	struct trail trail;
	struct rhythm rhythm;
	struct sums now;  /* the kernel's row, as last read */
	struct sums slot; /* when the present slot began */
	struct halves windows[WINDOWS];
	struct extra extra, extra_whole, extra_half;
};

struct observations {
	struct observation_settings settings;
	struct table *places; /* of addresses in list */
	struct observation *list;
	size_t n, room;
	uint64_t refused, changes;
	uint32_t slot;	    /* the present one; 0: not yet */
	uint32_t begun_sec; /* at the first pass */
	uint32_t harvest;
	uint32_t since[WINDOWS][2]; /* when the older and the newer half began, seconds since boot */
};

static uint32_t slot_now(const struct observations *o, uint32_t now_sec)
{
	return slot_at(o->settings.epoch_sec + now_sec, o->settings.window_sec);
}

/* ---- life of the table ---- */

void observations_free(struct observations *o)
{
	if (!o)
		return;
	table_free(o->places);
	free(o->list);
	free(o);
}

static void observations_freep(struct observations **o)
{
	observations_free(*o);
}

int observations_new(const struct observation_settings *s, struct observations **ret)
{
	_cleanup_(observations_freep) struct observations *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->settings = *s;
	/* Where the table lies is a secret good enough to keep addresses from being chosen to
	 * collide; no result depends on it. */
	r = table_new((uintptr_t)o, s->max, &o->places);
	if (r < 0)
		return r;
	*ret = take_ptr(o);
	return 0;
}

static int append(struct observations *o, const uint8_t source[16], struct observation **ret)
{
	size_t room = o->room ? o->room * 2 : 1024;
	struct observation *list;
	int r;

	if (o->n == o->settings.max) {
		o->refused++;
		return -ENOSPC;
	}
	if (o->n == o->room) {
		if (room > o->settings.max)
			room = o->settings.max;
		list = reallocarray(o->list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		o->list = list;
		o->room = room;
	}
	r = table_put(o->places, source, (uint32_t)o->n);
	if (r < 0)
		return r;
	o->list[o->n] = (struct observation){ 0 };
	memcpy(o->list[o->n].source, source, 16);
	*ret = &o->list[o->n++];
	return 0;
}

/* ---- rows ---- */

static struct sums sums_of(const struct seine_source *row)
{
	return (struct sums){
		.requests = row->requests,
		.responses = row->responses,
		.handshakes = row->handshakes,
		.gap_none = row->gap_none,
		.gap_single = row->gap_single,
		.gap_dual = row->gap_dual,
		.request_log = (uint32_t)row->request_log,
		.response_log = (uint32_t)row->response_log,
		.gap_ms = (uint32_t)(row->gap_us / 1000),
	};
}

static struct extra extra_of(const struct seine_source *row)
{
	return (struct extra){
		.connections = row->connections,
		.gap_unknown = row->gap_unknown,
		.request_blocks = (uint32_t)(row->request_bytes / BLOCK),
		.response_blocks = (uint32_t)(row->response_bytes / BLOCK),
	};
}

static struct extra extra_minus(const struct extra *a, const struct extra *b)
{
	return (struct extra){
		.connections = a->connections - b->connections,
		.gap_unknown = a->gap_unknown - b->gap_unknown,
		.request_blocks = a->request_blocks - b->request_blocks,
		.response_blocks = a->response_blocks - b->response_blocks,
	};
}

static uint32_t window_sec(const struct observations *o, enum window w)
{
	return (uint32_t)((uint64_t)o->settings.window_sec * window_slots(w) / SPAN_DAY_SLOTS);
}

/* A row that began within a window lies in it as a whole; of an older one only what comes now is
 * known to. The sums so far begin at 0, so a reading of 0 means all of it. */
static void begin(struct observations *o, struct observation *x, const struct seine_source *row,
		  uint32_t now_sec)
{
	struct sums all = sums_of(row);
	uint32_t age_sec = sec_since(row->first_sec, now_sec);

	x->first_unix = o->settings.epoch_sec + row->first_sec;
	for (int w = 0; w < WINDOWS; w++)
		if (age_sec > window_sec(o, w))
			x->windows[w] = (struct halves){ all, all };
	if (age_sec > o->settings.window_sec)
		x->extra_whole = x->extra_half = extra_of(row);
	x->slot = all; /* of an unknown part of it is told nothing */
	if (age_sec * (uint64_t)SPAN_DAY_SLOTS <= o->settings.window_sec)
		x->slot = (struct sums){ 0 };
	x->trail.sec = now_sec;
}

static bool began_anew(const struct observation *x, const struct seine_source *row)
{
	return row->connections < x->extra.connections || row->requests < x->now.requests ||
	       row->first_sec > x->row_sec;
}

static void move_back(struct sums *reading, const struct sums *by)
{
	*reading = sums_minus(reading, by);
}

/* The new row counts from 0: all readings move back by what the old one held, so that differences
 * stay what they are. */
static void begin_anew(struct observation *x)
{
	struct sums old = x->now;
	struct extra extra = x->extra;

	for (int w = 0; w < WINDOWS; w++) {
		move_back(&x->windows[w].whole, &old);
		move_back(&x->windows[w].half, &old);
	}
	move_back(&x->slot, &old);
	x->extra_whole = extra_minus(&x->extra_whole, &extra);
	x->extra_half = extra_minus(&x->extra_half, &extra);
	x->now = (struct sums){ 0 };
	x->extra = (struct extra){ 0 };
}

static void follow_trail(struct observations *o, struct observation *x, const struct sums *more,
			 bool changed, uint32_t now_sec)
{
	if (!changed && !more->gap_none && !more->gap_single && !more->gap_dual)
		return;
	x->trail = trail_at(&x->trail, now_sec, o->settings.window_sec);
	if (changed)
		trail_doubt(&x->trail);
	x->trail.none += (float)more->gap_none;
	x->trail.single += (float)more->gap_single;
	x->trail.dual += (float)more->gap_dual;
}

static void take(struct observations *o, struct observation *x, const struct seine_source *row,
		 uint32_t now_sec)
{
	struct sums all = sums_of(row), more = sums_minus(&all, &x->now);
	uint64_t class = syn_class(&row->syn);
	bool changed = x->syn_class && class != x->syn_class;
	uint32_t request_sec = (uint32_t)(row->last_request_ns / 1000000000u);

	o->changes += sums_any(&more);
	x->now = all;
	x->extra = extra_of(row);
	follow_trail(o, x, &more, changed, now_sec);
	if (row->last_request_ns > x->last_request_ns)
		rhythm_note(&x->rhythm, request_sec, slot_now(o, request_sec));

	x->hello_key = row->hello_key;
	x->syn_class = class;
	x->last_request_ns = row->last_request_ns;
	x->stacks = row->stacks;
	x->row_sec = row->first_sec;
	x->last_sec = row->last_sec;
	x->rtt_min_us = row->rtt_min_us;
	x->open_max = row->open_max;
}

int observations_add(struct observations *o, const struct seine_addr *source,
		     const struct seine_source *row, uint32_t now_sec)
{
	struct observation *x;
	uint32_t place;
	bool new;
	int r;

	new = table_get(o->places, source->ip, &place) < 0;
	if (new) {
		r = append(o, source->ip, &x);
		if (r < 0)
			return r;
		begin(o, x, row, now_sec);
	} else {
		x = &o->list[place];
		if (began_anew(x, row))
			begin_anew(x);
	}
	x->harvest = o->harvest;
	if (new || row->last_sec != x->last_sec || row->requests != x->now.requests ||
	    row->handshakes != x->now.handshakes || row->responses != x->now.responses)
		take(o, x, row, now_sec);
	return new;
}

int observations_recall(struct observations *o, const uint8_t source[16], const struct past *past)
{
	struct trail seen = { 0 };
	struct sums known = { 0 };
	struct observation *x;
	uint32_t place;

	if (table_get(o->places, source, &place) < 0)
		return -ENOENT;
	x = &o->list[place];
	/* What a row met at first, or older, held is in the past already, or lost with the slot;
	 * one that has begun since holds what nobody has told yet. */
	if (!o->harvest || x->row_sec < o->begun_sec)
		known = x->now;
	else
		seen = x->trail;
	for (int w = 0; w < WINDOWS; w++) {
		x->windows[w].whole = sums_minus(&known, &past->sums[w][0]);
		x->windows[w].half = sums_minus(&known, &past->sums[w][1]);
	}
	x->slot = known;
	x->trail = past->trail;
	x->trail.none += seen.none;
	x->trail.single += seen.single;
	x->trail.dual += seen.dual;
	if (past->first_sec && past->first_sec < x->first_unix)
		x->first_unix = past->first_sec;
	for (uint32_t i = 0; i < RHYTHM_SLOTS; i++)
		if (past->active[i / 64] >> i % 64 & 1)
			rhythm_mark(&x->rhythm, past->slot - i);
	return 0;
}

/* ---- borders of time ---- */

/* Is `slot` a border that divides time into spans of so many slots? */
static bool border(uint32_t slot, uint32_t slots)
{
	return slot % slots == 0;
}

static uint64_t active_slots(const struct rhythm *r, uint32_t start)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < SPAN_HOUR_SLOTS; i++)
		bits |= (uint64_t)rhythm_asked(r, start + i) << i;
	return bits;
}

/* What all sources did in the span that ends with slot `end`. */
static int tell_span(const struct observations *o, enum span span, uint32_t end,
		     observations_tell tell, void *arg)
{
	static const uint32_t slots[SPANS] = { 1, SPAN_HOUR_SLOTS, SPAN_DAY_SLOTS };
	uint32_t start = end - slots[span];
	int r = 0;

	for (size_t i = 0; i < o->n && r >= 0; i++) {
		const struct observation *x = &o->list[i];
		struct deed d = {
			.hello_key = x->hello_key,
			.syn_class = x->syn_class,
			.active = span == SPAN_HOUR ? active_slots(&x->rhythm, start) : 0,
			.sums = sums_minus(&x->now, span == SPAN_SLOT ? &x->slot
						    : span == SPAN_HOUR
							    ? &x->windows[WINDOW_HOUR].whole
							    : &x->windows[WINDOW_DAY].whole),
		};

		if (!sums_any(&d.sums))
			continue;
		memcpy(d.source, x->source, sizeof(d.source));
		r = tell(span, start, &d, arg);
	}
	return r < 0 ? r : 0;
}

static void move_on(struct observations *o, enum window w, uint32_t now_sec)
{
	for (size_t i = 0; i < o->n; i++) {
		struct observation *x = &o->list[i];

		x->windows[w].whole = x->windows[w].half;
		x->windows[w].half = x->now;
		if (w == WINDOW_DAY) {
			x->extra_whole = x->extra_half;
			x->extra_half = x->extra;
		}
	}
	o->since[w][0] = o->since[w][1];
	o->since[w][1] = now_sec;
}

/* All borders up to the present slot. After a long pause spans may be told of that are longer than
 * they should be: what was done is counted once, and where it ended. */
static int pass_borders(struct observations *o, uint32_t now_sec, observations_tell tell, void *arg)
{
	uint32_t before = o->slot, slot = slot_now(o, now_sec);
	int r = 0;

	o->slot = slot;
	if (tell)
		r = tell_span(o, SPAN_SLOT, before + 1, tell, arg);
	for (size_t i = 0; i < o->n; i++)
		o->list[i].slot = o->list[i].now;
	for (uint32_t end = slot - before > SPAN_DAY_SLOTS ? slot - SPAN_DAY_SLOTS + 1 : before + 1;
	     end <= slot; end++) {
		if (r >= 0 && tell && border(end, SPAN_HOUR_SLOTS))
			r = tell_span(o, SPAN_HOUR, end, tell, arg);
		if (r >= 0 && tell && border(end, SPAN_DAY_SLOTS))
			r = tell_span(o, SPAN_DAY, end, tell, arg);
		for (int w = 0; w < WINDOWS; w++)
			if (border(end, window_slots(w) / 2))
				move_on(o, w, now_sec);
	}
	return r;
}

static bool forgettable(const struct observations *o, const struct observation *x, uint32_t now_sec)
{
	return x->harvest != o->harvest && sec_since(x->last_sec, now_sec) > o->settings.window_sec;
}

/* The last one moves into the gap. */
static void forget(struct observations *o, size_t at)
{
	table_remove(o->places, o->list[at].source);
	if (at != --o->n) {
		o->list[at] = o->list[o->n];
		table_put(o->places, o->list[at].source, (uint32_t)at);
	}
}

int observations_pass(struct observations *o, uint32_t now_sec, observations_tell tell, void *arg)
{
	if (!o->slot) {
		o->slot = slot_now(o, now_sec);
		o->begun_sec = now_sec;
		for (int w = 0; w < WINDOWS; w++)
			o->since[w][0] = o->since[w][1] = now_sec;
		return 0;
	}
	return slot_now(o, now_sec) > o->slot ? pass_borders(o, now_sec, tell, arg) : 0;
}

int observations_tell_present(const struct observations *o, observations_tell tell, void *arg)
{
	return o->slot ? tell_span(o, SPAN_SLOT, o->slot + 1, tell, arg) : 0;
}

void observations_settle(struct observations *o, uint32_t now_sec)
{
	for (size_t i = o->n; i > 0; i--)
		if (forgettable(o, &o->list[i - 1], now_sec))
			forget(o, i - 1);
	o->harvest++;
}

uint32_t observations_since(const struct observations *o, enum window window)
{
	return o->since[window][0];
}

/* ---- features ---- */

/* Linear counting (Whang, Vander-Zanden, Taylor 1990): n = -m ln(share of bits still clear). */
static float count_stacks(uint64_t bits)
{
	int clear = STACK_BITS - __builtin_popcountll(bits);

	return (float)(STACK_BITS * log((double)STACK_BITS / (clear ? clear : 0.5)));
}

static float mean_log(uint32_t sum, uint32_t n)
{
	return n ? (float)(sum / LOG_UNIT / n * M_LN2) : 0;
}

static uint32_t age_sec(const struct observations *o, const struct observation *x, uint32_t now_sec)
{
	int64_t age = o->settings.epoch_sec + now_sec - x->first_unix;

	return age > 0 ? (uint32_t)age : 0;
}

static struct features features_of(const struct observations *o, const struct observation *x,
				   enum window window, uint32_t now_sec)
{
	struct sums s = sums_minus(&x->now, &x->windows[window].whole);
	struct extra extra = extra_minus(&x->extra, &x->extra_whole);
	uint32_t gaps = s.gap_single + s.gap_dual;
	struct features f = {
		.hello_key = x->hello_key,
		.syn_class = x->syn_class,
		.last_request_ns = x->last_request_ns,
		.requests = s.requests,
		.handshakes = s.handshakes,
		.gap_none = s.gap_none,
		.gap_single = s.gap_single,
		.gap_dual = s.gap_dual,
		.trail = trail_at(&x->trail, now_sec, o->settings.window_sec),
		.rhythm = &x->rhythm,
		.gap_ms = gaps ? (float)s.gap_ms / (float)gaps : 0,
		.rtt_ms = (float)x->rtt_min_us / 1000,
		.log_request = mean_log(s.request_log, s.responses),
		.log_response = mean_log(s.response_log, s.responses),
		.stacks = count_stacks(x->stacks),
		.open_max = x->open_max,
		.age_sec = age_sec(o, x, now_sec),
		.idle_sec = sec_since(x->last_sec, now_sec),
	};

	if (window == WINDOW_DAY) {
		f.connections = extra.connections;
		f.gap_unknown = extra.gap_unknown;
		f.request_bytes = (double)BLOCK * extra.request_blocks;
		f.response_bytes = (double)BLOCK * extra.response_blocks;
	}
	memcpy(f.source, x->source, sizeof(f.source));
	return f;
}

static bool anything(const struct observation *x, enum window window)
{
	struct sums s = sums_minus(&x->now, &x->windows[window].whole);

	return sums_any(&s) ||
	       (window == WINDOW_DAY && x->extra.connections != x->extra_whole.connections);
}

int observations_features(const struct observations *o, enum window window, uint32_t now_sec,
			  struct features **ret, size_t *ret_n)
{
	struct features *list = calloc(o->n + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < o->n; i++)
		if (anything(&o->list[i], window))
			list[n++] = features_of(o, &o->list[i], window, now_sec);
	*ret = list;
	*ret_n = n;
	return 0;
}

int observations_find(const struct observations *o, const uint8_t source[16], enum window window,
		      uint32_t now_sec, struct features *ret)
{
	uint32_t place;

	if (table_get(o->places, source, &place))
		return -ENOENT;
	*ret = features_of(o, &o->list[place], window, now_sec);
	return 0;
}

size_t observations_count(const struct observations *o)
{
	return o->n;
}

uint64_t observations_refused(const struct observations *o)
{
	return o->refused;
}

uint64_t observations_changes(const struct observations *o)
{
	return o->changes;
}
