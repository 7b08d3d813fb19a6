// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The line of user/cycle.c, offline: harvest > observe > correlate > judge. Nothing is enforced, so
 * that all of the capture is seen; what would have been listed is what each round holds against the
 * next one. The capture says nothing of the host, so no guard refuses anything.
 *
 * Sources are observed in the agent's interval, so that times of requests are known as well as they
 * are live; that only reads the rows of sources that sent something meanwhile. Rounds of the
 * correlator look at all sources, and are made only when enough frames have come.
 */
#include <errno.h>
#include "user/base/cleanup.h"
#include "user/kernel/datapath.h"
#include "user/replay/replay.h"

#define NS_PER_MS 1000000ull
#define NS_PER_SEC 1000000000ull
/* A source costs a round about as much as two or three frames cost, so that rounds take a tenth of
 * the time. */
#define ROUND_FRAMES 32
#define ROUND_WINDOW 8 /* and never fewer rounds in a window: it moves on by halves */

static bool round_due(const struct replay *r)
{
	return r->input.frames - r->round_frames >= (r->sources + 64) * ROUND_FRAMES ||
	       r->turn_ns - r->round_ns >= r->settings->conf.window_sec * NS_PER_SEC / ROUND_WINDOW;
}

static uint32_t turn_sec(const struct replay *r)
{
	return (uint32_t)(r->turn_ns / NS_PER_SEC);
}

static int on_source(const struct seine_addr *key, const struct seine_source *row, void *arg)
{
	struct replay *r = arg;

	return mind_source(r->mind, key, row, turn_sec(r));
}

/* What servers take is measured while the capture runs, as it is live. */
static int calibrate(struct replay *r, uint32_t now_sec)
{
	struct seine_trips now[SEINE_TLS_KINDS];
	int n;

	if (r->settings->conf.server_us != CONF_SERVER_AUTO)
		return 0;
	n = datapath_trips(r->datapath, now);
	if (n < 0)
		return n;
	trips_add(&r->trips, now, now_sec);
	return trips_calibrate(&r->trips, r->cfg.server_us)
		       ? datapath_configure(r->datapath, &r->cfg)
		       : 0;
}

/* The rows of those who sent something; who was never proven has none. Behind a balancer others
 * send than are counted: those are seen in rounds. */
static int observe_touched(struct replay *r)
{
	struct seine_source row;
	struct seine_addr key;
	int n = mind_begin(r->mind, turn_sec(r));

	while (n == 0 && tally_touched(r->tally, key.ip)) {
		n = datapath_source(r->datapath, &key, &row);
		if (n == 0)
			n = on_source(&key, &row, r);
		else if (n == -ENOENT)
			n = 0;
	}
	return n;
}

static int observe(struct replay *r, uint32_t now_sec)
{
	int n = mind_begin(r->mind, now_sec);

	if (n == 0)
		n = datapath_sources(r->datapath, on_source, r);
	return n < 0 ? n : mind_observe(r->mind, now_sec);
}

static int correlate(struct replay *r, uint32_t now_sec)
{
	struct campaigns *before = NULL;
	int n = mind_correlate(r->mind, now_sec, &before);

	campaigns_free(before);
	return n;
}

static int look(struct replay *r)
{
	uint32_t now_sec = turn_sec(r);
	int n;

	r->round_ns = r->turn_ns;
	r->round_frames = r->input.frames;
	r->rounds++;
	n = calibrate(r, now_sec);
	if (n == 0)
		n = observe(r, now_sec);
	if (n == 0)
		n = correlate(r, now_sec);
	if (n == 0)
		n = mind_judge_alone(r->mind, now_sec);
	r->sources = r->mind->n;
	return n;
}

int replay_turn(struct replay *r)
{
	uint64_t interval_ns = r->settings->conf.interval_ms * NS_PER_MS;
	uint64_t passed = (r->now_ns - r->turn_ns) / interval_ns;
	int n;

	if (!passed)
		return 0;
	/* What has been seen so far belongs to the first of the intervals that have passed. */
	r->turn_ns += interval_ns;
	n = round_due(r) ? look(r) : observe_touched(r);
	r->turn_ns += (passed - 1) * interval_ns;
	return n;
}

int replay_last_turn(struct replay *r)
{
	r->turn_ns = r->now_ns;
	return look(r);
}
