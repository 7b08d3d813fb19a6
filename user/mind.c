/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observe, correlate, judge; and when a round is due.
 */
#include "user/mind.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"

/* One source in so many must have changed for a round to pay; a slot's share of the day passes at
 * most without one. */
#define CHANGED_SHARE 64
#define SLOT_ROUNDS 10
/* Below so many sources all windows that are due have their round in one turn. */
#define FEW_SOURCES 100000
/* Rows of history read in a turn: a third of a second, so that the agent goes on answering. */
#define RECALL_ROWS 500000

void mind_free(struct mind *m)
{
	if (!m)
		return;
	observations_free(m->observations);
	asns_free(m->asns);
	free(m->seeds.list);
	campaigns_free(m->campaigns);
	judgement_free(m->judgement);
	ladder_clear(&m->ladder);
	reentries_clear(&m->reentries);
	free(m);
}

int mind_new(const struct mind_settings *s, struct mind **ret)
{
	_cleanup_(mind_freep) struct mind *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->settings = *s;
	m->noise = noise_learn(NULL, 0); /* until the first round */
	m->noise = noise_learn(NULL, 0);
	m->requests_high = INFINITY;
	r = observations_new(&s->observation, &m->observations);
	if (r < 0)
		return r;
	*ret = take_ptr(m);
	return 0;
}

/* ---- observe ---- */

static int recall(const uint8_t source[16], const struct past *past, void *arg)
{
	struct mind *m = arg;
	int r = observations_recall(m->observations, source, past);

	m->n_recalled += r == 0;
	return r == -ENOENT ? 0 : r;
}

int mind_begin(struct mind *m, uint32_t now_sec)
{
	struct history *h = m->settings.history;

	return observations_pass(m->observations, now_sec, h ? history_put : NULL, h);
}

int mind_source(struct mind *m, const struct seine_addr *key, const struct seine_source *row,
		uint32_t now_sec)
{
	struct past past;
	int r;

	r = observations_add(m->observations, key, row, now_sec);
	if (r == 1 && m->settings.history && m->recalled) {
		r = history_past(m->settings.history, key->ip, now_sec, &past);
		if (r == 1)
			r = recall(key->ip, &past, m);
	}
	return r == -ENOSPC || r > 0 ? 0 : r;
}

int mind_observe(struct mind *m, uint32_t now_sec)
{
	struct history *h = m->settings.history;
	int r = 0;

	if (!m->recall_sec)
		m->recall_sec = now_sec;
	if (h && !m->recalled)
		r = history_pasts(h, m->recall_sec, RECALL_ROWS, recall, m);
	if (r > 0)
		return 0;
	m->recalled = true;
	observations_settle(m->observations, now_sec);
	return r;
}

void mind_remember(struct mind *m, struct history *h, bool recall)
{
	m->settings.history = h;
	m->recalled = !recall;
	m->recall_sec = 0;
}

bool mind_recalls(const struct mind *m)
{
	return m->recall_sec && !m->recalled;
}

/* ---- seeds ---- */

/* What they say is worth a round, even where nothing else is new. */
static void look_anew(struct mind *m)
{
	m->rounds[WINDOW_DAY].sec = 0;
}

int mind_add_seeds(struct mind *m, const struct seeds *more, int64_t unix_sec)
{
	struct seeds all = { .n = m->seeds.n + more->n };

	all.list = calloc(all.n + 1, sizeof(*all.list));
	if (!all.list)
		return -ENOMEM;
	if (m->seeds.n)
		memcpy(all.list, m->seeds.list, m->seeds.n * sizeof(*all.list));
	if (more->n)
		memcpy(all.list + m->seeds.n, more->list, more->n * sizeof(*all.list));
	seeds_settle(&all, unix_sec);
	if (all.n > SEEDS_MAX) {
		free(all.list);
		return -E2BIG;
	}
	free(m->seeds.list);
	m->seeds = all;
	look_anew(m);
	return 0;
}

void mind_clear_seeds(struct mind *m)
{
	free(m->seeds.list);
	m->seeds = (struct seeds){ 0 };
	look_anew(m);
}

/* ---- correlate ---- */

static uint32_t slot_sec(const struct mind *m)
{
	uint32_t sec = m->settings.observation.window_sec / SPAN_DAY_SLOTS;

	return sec ? sec : 1;
}

/* The hour and the day have a round whenever enough has changed, and at least one a slot, because
 * what is no longer seen must end, too; the longer windows when a 144th of them has passed. */
static bool due(const struct mind *m, enum window w, uint32_t now_sec)
{
	const struct round *last = &m->rounds[w];
	uint64_t changes = observations_changes(m->observations) - last->changes;
	uint32_t passed = now_sec - last->sec;
	uint32_t slots = window_slots(w) / SPAN_DAY_SLOTS;

	if (w > WINDOW_DAY)
		return passed >= slots * slot_sec(m);
	if (!changes && last->sec)
		return passed >= slot_sec(m);
	return changes * CHANGED_SHARE >= observations_count(m->observations) ||
	       passed >= slot_sec(m) / SLOT_ROUNDS;
}

static int look(struct mind *m, enum window w, uint32_t now_sec, struct campaigns **ret)
{
	_cleanup_(freep) struct features *f = NULL;
	struct shoal_question q = {
		.window = w,
		.now_sec = now_sec,
		.since_sec = observations_since(m->observations, w),
		.asns = m->asns,
		.seeds = m->seeds.n ? &m->seeds : NULL,
		.slot = slot_at(m->settings.observation.epoch_sec + now_sec,
				m->settings.observation.window_sec),
	};
	int r;

	seeds_settle(&m->seeds, m->settings.observation.epoch_sec + now_sec);
	if (!m->seeds.n)
		q.seeds = NULL;
	r = observations_features(m->observations, w, now_sec, &f, &q.n);
	q.f = f;
	if (r == 0)
		r = shoal_correlate(&q, m->settings.shoal, m->campaigns, ret);
	if (r < 0)
		return r;
	m->rounds[w] = (struct round){ now_sec, observations_changes(m->observations) };
	m->n_rounds++;
	if (w == WINDOW_DAY) {
		m->n = q.n;
		m->noise = (*ret)->noise;
		m->requests_high = (*ret)->requests_high;
	}
	return 0;
}

/* The window whose round is longest ago, of those due; WINDOWS: none is. */
static enum window next_due(const struct mind *m, uint32_t now_sec)
{
	enum window next = WINDOWS;

	for (int w = 0; w < WINDOWS; w++)
		if (due(m, w, now_sec) &&
		    (next == WINDOWS || m->rounds[w].sec < m->rounds[next].sec))
			next = w;
	return next;
}

int mind_correlate(struct mind *m, uint32_t now_sec, struct campaigns **campaigns_before)
{
	size_t most = observations_count(m->observations) < FEW_SOURCES ? WINDOWS : 1;
	struct campaigns *found = NULL;
	enum window w;
	int r = 0;

	*campaigns_before = NULL;
	/* The day first: prefixes are found there. */
	for (size_t i = 0; i < most; i++) {
		w = m->rounds[WINDOW_DAY].sec ? next_due(m, now_sec) : WINDOW_DAY;
		if (w == WINDOWS)
			break;
		r = look(m, w, now_sec, &found);
		if (r < 0)
			break;
		if (*campaigns_before)
			campaigns_free(m->campaigns);
		else
			*campaigns_before = m->campaigns;
		m->campaigns = found;
	}
	return r;
}

/* ---- judge ---- */

/* Only an entry for more than one source can hit somebody who was not judged. */
static bool any_wide(const struct campaigns *c, const struct claims *claims,
		     const struct judge_settings *s)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].n_prefixes)
			return true;
	for (size_t i = 0; i < claims->n; i++) {
		const struct prefix *p = &claims->list[i].prefix;

		if (claims->list[i].row.origin == SEINE_AUTO &&
		    p->len < (prefix_is_v4(p) ? 128 : s->v6_source))
			return true;
	}
	return false;
}

static int judge(struct mind *m, const struct claims *claims, const struct guards *g,
		 uint32_t now_sec, struct judgement **ret)
{
	_cleanup_(freep) struct features *f = NULL;
	struct judge_question q = {
		.campaigns = m->campaigns,
		.claims = claims,
		.ladder = &m->ladder,
		.reentries = &m->reentries,
		.guards = g,
		.settings = m->settings.judge,
		.now_sec = now_sec,
	};
	int r = 0;

	if (any_wide(m->campaigns, claims, m->settings.judge))
		r = observations_features(m->observations, WINDOW_DAY, now_sec, &f, &q.n);
	q.f = f;
	return r < 0 ? r : judge_round(&q, ret);
}

int mind_judge(struct mind *m, const struct claims *claims, const struct guards *g, bool enforcing,
	       uint32_t now_sec)
{
	struct judgement *j = NULL;
	int r;

	r = ladder_step(&m->ladder, m->campaigns, m->settings.judge, enforcing, now_sec);
	if (r < 0)
		return r;
	m->ladder_changed |= r > 0;
	r = judge(m, claims, g, now_sec, &j);
	if (r < 0)
		return r;
	r = reentries_note(&m->reentries, claims, j->automatic, now_sec);
	if (r < 0) {
		judgement_free(j);
		return r;
	}
	m->reentries_changed += (size_t)r;
	judgement_free(m->judgement);
	m->judgement = j;
	return 0;
}

int mind_judge_alone(struct mind *m, uint32_t now_sec)
{
	static const struct entries none;
	_cleanup_(claims_freep) struct claims *held = NULL;
	const struct guards guards = { 0 };
	int r;

	r = claims_from(m->judgement ? m->judgement->automatic : &none, &held);
	return r < 0 ? r : mind_judge(m, held, &guards, true, now_sec);
}
