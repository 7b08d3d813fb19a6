// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The line of user/cycle.c, offline: harvest > observe > correlate > judge. Nothing is enforced, so
 * that all of the capture is seen; what would have been listed is what each round holds against the
 * next one. The capture says nothing of the host, so no guard refuses anything.
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

bool replay_round_due(const struct replay *r)
{
	const struct conf *conf = &r->settings->conf;
	uint64_t passed_ns = r->now_ns - r->round_ns;

	if (passed_ns < conf->interval_ms * NS_PER_MS)
		return false;
	return r->input.frames - r->round_frames >= (r->sources + 64) * ROUND_FRAMES ||
	       passed_ns >= conf->window_sec * NS_PER_SEC / ROUND_WINDOW;
}

static int on_source(const struct seine_addr *key, const struct seine_source *row, void *arg)
{
	struct replay *r = arg;

	return mind_source(r->mind, key, row, (uint32_t)(r->now_ns / NS_PER_SEC));
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

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

static int judge(struct replay *r, uint32_t now_sec)
{
	_cleanup_(entries_freep) struct entries *held = NULL;
	const struct guards guards = { 0 };
	int n = 0;

	/* What was wanted last time is what would be held now. */
	if (r->mind->judgement)
		held = take_ptr(r->mind->judgement->desired);
	else
		n = entries_new(0, &held);
	return n < 0 ? n : mind_judge(r->mind, held, &guards, now_sec);
}

int replay_round(struct replay *r)
{
	uint32_t now_sec = (uint32_t)(r->now_ns / NS_PER_SEC);
	int n;

	r->round_ns = r->now_ns;
	r->round_frames = r->input.frames;
	r->rounds++;
	n = calibrate(r, now_sec);
	if (n == 0)
		n = observe(r, now_sec);
	if (n == 0)
		n = correlate(r, now_sec);
	if (n == 0)
		n = judge(r, now_sec);
	r->sources = r->mind->n;
	return n;
}
