/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of each source over the correlator's windows.
 *
 * The kernel's rows only grow. This table keeps, for each source, readings of the sums that matter,
 * and hands out their differences as features of a window. Pure: rows and the time come in as
 * arguments.
 *
 * Windows are moved on by halves, at the same moment for all sources, on borders of the time of
 * day: a window always covers between half and all of its length, and observations_since() says
 * since when. At the same borders the table tells what each source did in the slot, the hour and
 * the day that ended; whoever keeps that can give it back with observations_recall().
 */
#ifndef SIGHT_OBSERVATION_H
#define SIGHT_OBSERVATION_H

#include <stddef.h>
#include <stdint.h>
#include "bpf/seine.h"
#include "user/sight/rhythm.h"
#include "user/sight/sums.h"
#include "user/sight/trail.h"
#include "user/sight/window.h"

/* One source over a window: the correlator's input. */
struct features {
	uint8_t source[16];
	uint64_t hello_key; /* of its last ClientHello, 0: none seen */
	uint64_t syn_class; /* hash of its SYN without what a path may change */
	uint64_t last_request_ns;
	uint32_t requests;
	uint32_t connections; /* WINDOW_DAY only, and 0 in others; so gap_unknown and bytes */
	uint32_t handshakes;
	uint32_t gap_none, gap_single, gap_dual, gap_unknown;
	struct trail trail;	     /* whatever the window, as of now */
	const struct rhythm *rhythm; /* valid until the table changes; NULL: not known */
	float gap_ms;		     /* mean of its long gaps */
	float rtt_ms;		     /* smallest SYN to ACK time, 0: unknown */
	float log_request;	     /* mean natural logarithm of request bytes, 0: none answered */
	float log_response;	     /* and of response bytes */
	float stacks;		     /* estimated number of different TCP/TLS stacks, ever */
	uint32_t open_max;
	uint32_t age_sec; /* since first seen */
	uint32_t idle_sec;
	double request_bytes, response_bytes;
};

struct observations;

struct observation_settings {
	uint32_t window_sec; /* WINDOW_DAY: all lengths follow from it */
	size_t max;	     /* sources held; more are counted in observations_refused() */
	int64_t epoch_sec;   /* the time of day, since 1970, when `now_sec` was 0 */
};

int observations_new(const struct observation_settings *s, struct observations **ret);
void observations_free(struct observations *o);

/*
 * Takes in one kernel row as of now (seconds since boot). Rows whose counters went backwards were
 * recreated by the kernel: they go on from what was known. A row that is older than a window when
 * it is first met starts from what it holds then. 1: first met, its past may be recalled. -ENOSPC:
 * full, and counted; -ENOMEM.
 */
int observations_add(struct observations *o, const struct seine_addr *source,
		     const struct seine_source *row, uint32_t now_sec);

/* What was known of a source before it was met. */
struct past {
	/* Since the window's older and newer half began: the second is a part of the first. */
	struct sums sums[WINDOWS][2];
	struct trail trail;
	uint64_t active[RHYTHM_WORDS]; /* as in struct rhythm, up to `slot` */
	uint32_t slot;
	int64_t first_sec; /* since 1970; 0: never seen */
};

/* -ENOENT: not met. */
int observations_recall(struct observations *o, const uint8_t source[16], const struct past *past);

/* Told for each source that did something in a span that has ended; `start` counts slots since
 * 1970. An error ends the telling and is returned. */
typedef int (*observations_tell)(enum span span, uint32_t start, const struct deed *deed,
				 void *arg);

/* Before the first row of a harvest: tells of spans that have ended since the last one (`tell` may
 * be NULL) and moves windows on. What the harvest brings belongs to the present slot. */
int observations_pass(struct observations *o, uint32_t now_sec, observations_tell tell, void *arg);

/* At an end of the telling: what was done so far in the present slot. Whoever adds it to what is
 * told of that slot later loses nothing. */
int observations_tell_present(const struct observations *o, observations_tell tell, void *arg);

/* After the last row: forgets sources that the kernel no longer has and that have left WINDOW_DAY. */
void observations_settle(struct observations *o, uint32_t now_sec);

/* Features of all sources with anything in the window. Caller frees `*ret`. -ENOMEM. */
int observations_features(const struct observations *o, enum window window, uint32_t now_sec,
			  struct features **ret, size_t *ret_n);

/* Those of one source; -ENOENT. */
int observations_find(const struct observations *o, const uint8_t source[16], enum window window,
		      uint32_t now_sec, struct features *ret);

/* When the window's older half began, in seconds since boot; at most its length ago. */
uint32_t observations_since(const struct observations *o, enum window window);

size_t observations_count(const struct observations *o);
uint64_t observations_refused(const struct observations *o);
/* How often a source was met with something new in it: what a round costs is worth it once this has
 * grown by a good part of observations_count(). */
uint64_t observations_changes(const struct observations *o);

#endif
