/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture through the same XDP program and the same line as live traffic: frame by frame with
 * BPF_PROG_TEST_RUN, the capture's time as the clock, maps of its own that nobody else sees.
 *
 *	capture.c  packets to frames	link.c	link headers	ports.c	 lists of ports
 *	replay.c   frame by frame	round.c	 harvest > observe > correlate > judge
 *	tally.c	   each source		pending.c  hellos whose connection is still open
 *	result.c   the answer as JSON
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "user/conf.h"
#include "user/mind.h"
#include "user/replay/capture.h"
#include "user/replay/tally.h"
#include "user/sight/trips.h"

#define REPLAY_WHY CAPTURE_WHY

/* The datapath's clock when the capture begins: not 0, which often means "never". */
#define REPLAY_BEGIN_SEC 86400u

#define REPLAY_EPOCHS 64 /* captures put one behind the other have one each */

struct replay_progress {
	uint64_t frames, offset, size; /* bytes of the file; size 0: not known */
};

struct replay_settings {
	struct conf conf; /* its ports are the protected ones */
	/* Each connection as it ends, and those still open in the end. `ja4` may be NULL. NULL:
	 * nobody asks. */
	void (*connection)(const struct seine_connection *c, const char *ja4,
			   const char *ja4_stable, double time, void *arg);
	/* Every few thousand frames. NULL: nobody asks. */
	void (*progress)(const struct replay_progress *p, void *arg);
	void *arg;
};

/* What was read, before the datapath. */
struct replay_input {
	uint64_t frames;
	uint64_t runts;		   /* shorter than their link header, not run */
	uint64_t cut;		   /* longer than the datapath sees */
	uint64_t snapped;	   /* captured in part */
	uint64_t offloaded;	   /* sent with IP length 0, which was filled in */
	uint64_t back;		   /* older than the one before: run at that one's time */
	uint64_t leaps;		   /* before them the clock was set */
	int64_t first_ns, last_ns; /* since 1970 */
};

struct replay;
struct pending;

struct replay {
	const struct replay_settings *settings;
	struct seine_cfg cfg;
	struct datapath *datapath;
	struct hellos *hellos;
	struct pending *pending; /* NULL: nobody asks for connections */
	struct tally *tally;
	struct replay_input input;
	struct epoch {
		uint64_t from_ns; /* of the datapath's clock */
		int64_t zero_ns;  /* the time of day when that clock was 0 */
	} epochs[REPLAY_EPOCHS];  /* the clock of the capture may be set on the way */
	unsigned int n_epochs;
	uint64_t now_ns;   /* of the datapath's clock */
	int trouble;	   /* of a listener, which cannot return it */
	uint64_t unproven; /* hellos of connections that are not */
	uint64_t quic;

	/* round.c */
	struct judge_settings judge; /* what would be dropped is asked, not when */
	struct mind *mind;
	struct trips trips;
	uint64_t turn_ns;		 /* of the datapath's clock: when sources were observed */
	uint64_t round_ns, round_frames; /* when the last round of the correlator was */
	size_t sources;			 /* in it */
	uint32_t rounds;
};

/* `settings` must outlive it. `why` holds REPLAY_WHY bytes. */
int replay_open(const struct replay_settings *settings, char *why, struct replay **ret);
void replay_close(struct replay *r);
static inline void replay_closep(struct replay **r)
{
	replay_close(*r);
	*r = NULL;
}

/* Runs the capture to its end. -EBADMSG: its end cannot be read; what came before it has been run
 * and evaluated all the same. */
int replay_run(struct replay *r, struct capture *c, char *why);

/* {"seine":{"schema":1,"kind":"replay"},...} with at most so many sources, those that did most
 * first. NULL when memory is out. */
json_t *replay_result(struct replay *r, size_t max_sources);

double replay_unix(const struct replay *r, uint64_t clock_ns);

/* What the agent does every interval: between frames, and once more behind the last one. */
int replay_turn(struct replay *r);
int replay_last_turn(struct replay *r);

#endif
