/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of observations.
 *
 * Each source keeps three snapshots of the kernel's sums: as they are now, as they were when the
 * present half of the window began, and half a window before that. The difference between the
 * first and the last is what the source did in the last half to whole window. Sums that only means
 * are made of are kept modulo 2^32; their differences are right as long as a window adds less.
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

struct snapshot {
	uint64_t request_bytes, response_bytes;
	uint32_t requests, responses, connections, handshakes;
	uint32_t gap_none, gap_single, gap_dual, gap_unknown;
	uint32_t request_log, response_log; /* modulo 2^32 */
	uint32_t gap_ms;		    /* modulo 2^32 */
};

struct observation {
	uint8_t source[16];
	uint64_t hello_key;
	uint64_t syn_class;
	uint64_t last_request_ns;
	uint64_t stacks;
	uint32_t first_sec, last_sec;
	uint32_t harvest; /* the last one that had it */
	uint32_t rtt_min_us;
	uint32_t open_max;
	struct snapshot now, half, whole;
};

struct observations {
	struct table *places; /* of addresses in list */
	struct observation *list;
	size_t n, room, max;
	uint64_t refused;
	uint32_t window_sec;
	uint32_t rotated_sec; /* 0: not yet */
	uint32_t harvest;
};

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

int observations_new(uint32_t window_sec, size_t max, struct observations **ret)
{
	_cleanup_(observations_freep) struct observations *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	o->window_sec = window_sec;
	o->max = max;
	/* Where the table lies is a secret good enough to keep addresses from being chosen to
	 * collide; no result depends on it. */
	r = table_new((uintptr_t)o, 0, &o->places);
	if (r < 0)
		return r;
	*ret = take_ptr(o);
	return 0;
}

static struct snapshot snapshot_of(const struct seine_source *row)
{
	return (struct snapshot){
		.request_bytes = row->request_bytes,
		.response_bytes = row->response_bytes,
		.requests = row->requests,
		.responses = row->responses,
		.connections = row->connections,
		.handshakes = row->handshakes,
		.gap_none = row->gap_none,
		.gap_single = row->gap_single,
		.gap_dual = row->gap_dual,
		.gap_unknown = row->gap_unknown,
		.request_log = (uint32_t)row->request_log,
		.response_log = (uint32_t)row->response_log,
		.gap_ms = (uint32_t)(row->gap_us / 1000),
	};
}

static int append(struct observations *o, const uint8_t source[16], struct observation **ret)
{
	size_t room = o->room ? o->room * 2 : 1024;
	struct observation *list;
	int r;

	if (o->n == o->max) {
		o->refused++;
		return -ENOSPC;
	}
	if (o->n == o->room) {
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

/* A new kernel row counts from zero; of one that is older than the window only what comes now is
 * known to lie within it. */
static void begin(struct observation *x, const struct seine_source *row, uint32_t now_sec,
		  uint32_t window_sec)
{
	bool old = now_sec > row->first_sec && now_sec - row->first_sec > window_sec;

	x->whole = old ? snapshot_of(row) : (struct snapshot){ 0 };
	x->half = x->whole;
}

static bool went_backwards(const struct observation *x, const struct seine_source *row)
{
	return row->connections < x->now.connections || row->requests < x->now.requests ||
	       row->first_sec > x->first_sec;
}

int observations_add(struct observations *o, const struct seine_addr *source,
		     const struct seine_source *row, uint32_t now_sec)
{
	struct observation *x;
	uint32_t place;
	int r;

	if (!table_get(o->places, source->ip, &place)) {
		x = &o->list[place];
		if (went_backwards(x, row))
			begin(x, row, now_sec, o->window_sec);
	} else {
		r = append(o, source->ip, &x);
		if (r < 0)
			return r;
		begin(x, row, now_sec, o->window_sec);
	}
	x->now = snapshot_of(row);
	x->hello_key = row->hello_key;
	x->syn_class = syn_class(&row->syn);
	x->last_request_ns = row->last_request_ns;
	x->stacks = row->stacks;
	x->first_sec = row->first_sec;
	x->last_sec = row->last_sec;
	x->rtt_min_us = row->rtt_min_us;
	x->open_max = row->open_max;
	x->harvest = o->harvest;
	return 0;
}

static uint32_t since(uint32_t then_sec, uint32_t now_sec)
{
	return now_sec > then_sec ? now_sec - then_sec : 0;
}

static bool forgettable(const struct observations *o, const struct observation *x, uint32_t now_sec)
{
	return x->harvest != o->harvest && since(x->last_sec, now_sec) > o->window_sec;
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

void observations_settle(struct observations *o, uint32_t now_sec)
{
	bool rotate = o->rotated_sec && since(o->rotated_sec, now_sec) >= o->window_sec / 2;

	for (size_t i = o->n; i > 0; i--) {
		if (forgettable(o, &o->list[i - 1], now_sec)) {
			forget(o, i - 1);
			continue;
		}
		if (rotate) {
			o->list[i - 1].whole = o->list[i - 1].half;
			o->list[i - 1].half = o->list[i - 1].now;
		}
	}
	if (rotate || !o->rotated_sec)
		o->rotated_sec = now_sec;
	o->harvest++;
}

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

static struct features features_of(const struct observation *x, uint32_t now_sec)
{
	const struct snapshot *a = &x->whole, *b = &x->now;
	uint32_t gaps = b->gap_single - a->gap_single + b->gap_dual - a->gap_dual;
	uint32_t answered = b->responses - a->responses; /* what sizes are accounted with */
	struct features f = {
		.hello_key = x->hello_key,
		.syn_class = x->syn_class,
		.last_request_ns = x->last_request_ns,
		.requests = b->requests - a->requests,
		.connections = b->connections - a->connections,
		.handshakes = b->handshakes - a->handshakes,
		.gap_none = b->gap_none - a->gap_none,
		.gap_single = b->gap_single - a->gap_single,
		.gap_dual = b->gap_dual - a->gap_dual,
		.gap_unknown = b->gap_unknown - a->gap_unknown,
		.gap_ms = gaps ? (float)(b->gap_ms - a->gap_ms) / (float)gaps : 0,
		.rtt_ms = (float)x->rtt_min_us / 1000,
		.log_request = mean_log(b->request_log - a->request_log, answered),
		.log_response = mean_log(b->response_log - a->response_log, answered),
		.stacks = count_stacks(x->stacks),
		.open_max = x->open_max,
		.age_sec = since(x->first_sec, now_sec),
		.idle_sec = since(x->last_sec, now_sec),
		.request_bytes = (double)(b->request_bytes - a->request_bytes),
		.response_bytes = (double)(b->response_bytes - a->response_bytes),
	};

	memcpy(f.source, x->source, sizeof(f.source));
	return f;
}

static bool anything(const struct observation *x)
{
	return x->now.connections != x->whole.connections || x->now.requests != x->whole.requests;
}

int observations_features(const struct observations *o, uint32_t now_sec, struct features **ret,
			  size_t *ret_n)
{
	struct features *list = calloc(o->n + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < o->n; i++)
		if (anything(&o->list[i]))
			list[n++] = features_of(&o->list[i], now_sec);
	*ret = list;
	*ret_n = n;
	return 0;
}

int observations_find(const struct observations *o, const uint8_t source[16], uint32_t now_sec,
		      struct features *ret)
{
	uint32_t place;

	if (table_get(o->places, source, &place))
		return -ENOENT;
	*ret = features_of(&o->list[place], now_sec);
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
