/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source did in a span of time, as sums that can be added and subtracted.
 *
 * All fields are modulo 2^32. The kernel's rows only grow, so what lies between two readings is
 * their difference, right as long as less than 2^32 was added.
 */
#ifndef SIGHT_SUMS_H
#define SIGHT_SUMS_H

#include <stdbool.h>
#include <stdint.h>

struct sums {
	uint32_t requests, responses, handshakes;
	uint32_t gap_none, gap_single, gap_dual;
	uint32_t request_log, response_log; /* of log2(bytes), in sixteenths, over `responses` */
	uint32_t gap_ms;		    /* over gap_single and gap_dual */
};

#define SUMS_FIELDS(X) \
	X(requests) \
	X(responses) \
	X(handshakes) \
	X(gap_none) \
	X(gap_single) \
	X(gap_dual) \
	X(request_log) \
	X(response_log) \
	X(gap_ms)

static inline struct sums sums_minus(const struct sums *a, const struct sums *b)
{
	struct sums ret;

#define X(field) ret.field = a->field - b->field;
	SUMS_FIELDS(X)
#undef X
	return ret;
}

static inline void sums_add(struct sums *to, const struct sums *more)
{
#define X(field) to->field += more->field;
	SUMS_FIELDS(X)
#undef X
}

/* Did anything happen? */
static inline bool sums_any(const struct sums *s)
{
	return s->requests || s->handshakes || s->responses;
}

/* The spans that the past is told in: a window of the correlator's day holds 144 slots and 24
 * hours. With the default window they are 10 minutes, an hour and a day. */
enum span {
	SPAN_SLOT,
	SPAN_HOUR,
	SPAN_DAY,
	SPANS,
};
#define SPAN_DAY_SLOTS 144
#define SPAN_HOUR_SLOTS (SPAN_DAY_SLOTS / 24)

/* One source in one span. */
struct deed {
	uint8_t source[16];
	uint64_t hello_key; /* the last one */
	uint64_t syn_class;
	uint64_t active; /* SPAN_HOUR: bit i says that it was active in the i-th slot of it */
	struct sums sums;
};

#endif
