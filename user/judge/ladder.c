/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standings of campaigns, and how they climb.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/judge/judge.h"
#include "user/judge/ladder.h"

#define LADDER_LOST_SEC (LADDER_LOST_DAYS * 86400u)
/* After a roll back it must not be back at once, whatever the settings. */
#define ROLLED_BACK_SEC 60u

void ladder_clear(struct ladder *l)
{
	free(l->list);
	*l = (struct ladder){ 0 };
}

const char *rung_name(enum rung r)
{
	static const char *const names[] = { "observe", "canary", "enforce" };

	return names[r];
}

const char *order_name(enum order o)
{
	static const char *const names[] = { "none", "approved", "paused", "rejected" };

	return names[o];
}

/* ---- the list ---- */

/* Where the first standing is that does not sort before the campaign's. */
static size_t position(const struct ladder *l, uint32_t campaign)
{
	size_t low = 0, high = l->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (l->list[mid].campaign < campaign)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct standing *find(struct ladder *l, uint32_t campaign)
{
	size_t at = position(l, campaign);

	return at < l->n && l->list[at].campaign == campaign ? &l->list[at] : NULL;
}

const struct standing *ladder_find(const struct ladder *l, uint32_t campaign)
{
	size_t at = position(l, campaign);

	return at < l->n && l->list[at].campaign == campaign ? &l->list[at] : NULL;
}

static int reserve(struct ladder *l)
{
	struct standing *list;
	size_t room = l->room ? l->room * 2 : 16;

	if (l->n < l->room)
		return 0;
	list = reallocarray(l->list, room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	l->list = list;
	l->room = room;
	return 0;
}

int ladder_put(struct ladder *l, const struct standing *s)
{
	struct standing *held = find(l, s->campaign);
	size_t at = position(l, s->campaign);
	int r;

	if (held) {
		*held = *s;
		return 0;
	}
	if (l->n == LADDER_MAX)
		return -E2BIG;
	r = reserve(l);
	if (r < 0)
		return r;
	memmove(&l->list[at + 1], &l->list[at], (l->n - at) * sizeof(*l->list));
	l->list[at] = *s;
	l->n++;
	return 0;
}

static void take_out(struct ladder *l, size_t at)
{
	l->n--;
	memmove(&l->list[at], &l->list[at + 1], (l->n - at) * sizeof(*l->list));
}

/* ---- moving ---- */

static void __attribute__((format(printf, 4, 5)))
move(struct standing *st, enum rung rung, uint32_t now_sec, const char *reason, ...)
{
	va_list args;

	st->rung = rung;
	st->since_sec = now_sec;
	st->dropped |= rung > RUNG_OBSERVE;
	va_start(args, reason);
	vsnprintf(st->reason, sizeof(st->reason), reason, args);
	va_end(args);
}

static bool held_by_order(const struct standing *st)
{
	return st->order == ORDER_PAUSED || st->order == ORDER_REJECTED;
}

/* How long it stays on its rung. */
static uint32_t dwell_sec(const struct standing *st, const struct judge_settings *s)
{
	uint64_t dwell = st->rung == RUNG_OBSERVE ? s->observe_sec : s->canary_sec;

	if (!st->rollbacks)
		return (uint32_t)dwell;
	if (dwell < ROLLED_BACK_SEC)
		dwell = ROLLED_BACK_SEC;
	for (uint32_t i = 0; i < st->rollbacks && dwell < LADDER_DWELL_MAX; i++)
		dwell *= 2;
	return dwell < LADDER_DWELL_MAX ? (uint32_t)dwell : LADDER_DWELL_MAX;
}

/* Has it nothing to wait for but time? */
static bool waits_for_time(const struct standing *st, const struct judge_settings *s)
{
	if (st->stopped || st->rung == RUNG_ENFORCE || held_by_order(st))
		return false;
	return st->rung != RUNG_OBSERVE || !s->approve;
}

bool ladder_rises(const struct standing *st, const struct judge_settings *s, uint32_t *ret_at_sec)
{
	if (!waits_for_time(st, s))
		return false;
	*ret_at_sec = st->since_sec + dwell_sec(st, s);
	return true;
}

const char *ladder_hindrance(const struct standing *st, const struct campaign *c,
			     const struct judge_settings *s, bool enforcing)
{
	if (st->order == ORDER_REJECTED)
		return "an operator has rejected it";
	if (st->order == ORDER_PAUSED)
		return "an operator has paused it";
	if (st->rung == RUNG_ENFORCE)
		return NULL;
	if (!enforcing)
		return "the mode is observe";
	if (!c)
		return "it has not been found yet since the agent started";
	if (c->ended_sec)
		return "it has ended";
	if (st->rung == RUNG_OBSERVE && judge_spares(c, s))
		return "it keeps to too few networks to be acted on";
	if (st->rung == RUNG_OBSERVE && s->approve && !st->urged)
		return "it waits for an operator to approve it";
	return NULL;
}

/* ---- a turn ---- */

/* Was it taken over from a campaign that was being dropped, and that nobody regrets? */
static bool is_heir(const struct ladder *l, const struct campaign *c)
{
	const struct standing *before = c->replaces ? ladder_find(l, c->replaces) : NULL;

	return before && before->dropped && !before->rollbacks && !held_by_order(before);
}

static bool must_stop(const struct standing *st, const struct campaign *c,
		      const struct judge_settings *s, bool enforcing)
{
	if (c->ended_sec)
		return true;
	return st->rung == RUNG_OBSERVE ? judge_spares(c, s) : !enforcing;
}

/* Its time stops, or begins anew. */
static bool stop_or_go(struct standing *st, bool stop, uint32_t now_sec)
{
	if (stop == st->stopped)
		return false;
	st->stopped = stop;
	st->since_sec = now_sec;
	if (!stop && st->rung == RUNG_ENFORCE)
		move(st, RUNG_CANARY, now_sec, "begins again after it had stopped");
	return true;
}

static bool climb(struct ladder *l, struct standing *st, const struct campaign *c,
		  const struct judge_settings *s, uint32_t now_sec)
{
	uint32_t at_sec;

	if (st->stopped || st->rung == RUNG_ENFORCE || held_by_order(st))
		return false;
	if (st->urged || (ladder_rises(st, s, &at_sec) && now_sec >= at_sec)) {
		st->urged = false;
		move(st, st->rung + 1, now_sec, "%s", "");
		return true;
	}
	if (st->rung == RUNG_OBSERVE && !st->rollbacks && !s->approve && is_heir(l, c)) {
		move(st, RUNG_CANARY, now_sec,
		     "has taken over the load of c-%04x, which was dropped", c->replaces);
		return true;
	}
	return false;
}

static bool step_one(struct ladder *l, struct standing *st, const struct campaign *c,
		     const struct judge_settings *s, bool enforcing, uint32_t now_sec)
{
	bool changed;

	st->seen_sec = now_sec;
	st->hello_key = c->hello_key;
	changed = stop_or_go(st, must_stop(st, c, s, enforcing), now_sec);
	while (enforcing && climb(l, st, c, s, now_sec))
		changed = true;
	return changed;
}

/* After a restart campaigns are found again under other names. */
static struct standing *find_lost(struct ladder *l, const struct campaigns *all,
				  const struct campaign *c)
{
	for (size_t i = 0; c->hello_key && i < l->n; i++)
		if (l->list[i].hello_key == c->hello_key &&
		    !campaigns_find(all, l->list[i].campaign))
			return &l->list[i];
	return NULL;
}

static int enter(struct ladder *l, const struct campaigns *all, const struct campaign *c,
		 uint32_t now_sec)
{
	struct standing st = {
		.since_sec = now_sec,
		.actor = SEINE_NO_ACTOR,
	};
	const struct standing *lost = find_lost(l, all, c);

	if (lost) {
		st = *lost;
		/* While nobody looked no time passed. */
		if (st.since_sec <= st.seen_sec && st.seen_sec <= now_sec)
			st.since_sec += now_sec - st.seen_sec;
		take_out(l, (size_t)(lost - l->list));
	}
	st.campaign = c->id;
	st.first_sec = c->first_sec;
	return ladder_put(l, &st);
}

/* Another campaign has got the id of one that is over. */
static bool is_another(const struct standing *st, const struct campaign *c)
{
	return st->first_sec != c->first_sec && st->hello_key != c->hello_key;
}

static int find_or_enter(struct ladder *l, const struct campaigns *all, const struct campaign *c,
			 uint32_t now_sec)
{
	struct standing *st = find(l, c->id);
	int r;

	if (st && !is_another(st, c)) {
		st->first_sec = c->first_sec;
		return 0;
	}
	if (st)
		take_out(l, (size_t)(st - l->list));
	r = enter(l, all, c, now_sec);
	if (r == -E2BIG)
		return 0; /* what has no standing only watches */
	return r < 0 ? r : 1;
}

static bool is_over(const struct standing *st, const struct campaigns *c, uint32_t now_sec)
{
	if (campaigns_find(c, st->campaign))
		return false;
	return st->stopped || now_sec - st->seen_sec > LADDER_LOST_SEC || now_sec < st->seen_sec;
}

static bool forget(struct ladder *l, const struct campaigns *c, uint32_t now_sec)
{
	size_t n = 0, before = l->n;

	for (size_t i = 0; i < before; i++)
		if (!is_over(&l->list[i], c, now_sec))
			l->list[n++] = l->list[i];
	l->n = n;
	return n != before;
}

int ladder_step(struct ladder *l, const struct campaigns *c, const struct judge_settings *s,
		bool enforcing, uint32_t now_sec)
{
	bool changed = false;
	int r;

	for (size_t i = 0; i < c->n; i++) {
		r = find_or_enter(l, c, &c->list[i], now_sec);
		if (r < 0)
			return r;
		changed |= r > 0;
	}
	for (size_t i = 0; i < c->n; i++) {
		struct standing *st = find(l, c->list[i].id);

		if (st)
			changed |= step_one(l, st, &c->list[i], s, enforcing, now_sec);
	}
	changed |= forget(l, c, now_sec);
	return changed;
}

void ladder_enforce_begins(struct ladder *l, uint32_t now_sec)
{
	for (size_t i = 0; i < l->n; i++) {
		struct standing *st = &l->list[i];

		if (st->rung == RUNG_ENFORCE)
			move(st, RUNG_CANARY, now_sec, "begins again with the mode enforce");
		else if (st->rung == RUNG_CANARY)
			st->since_sec = now_sec;
	}
}

/* ---- orders and roll backs ---- */

int ladder_order(struct ladder *l, uint32_t campaign, enum order order, uint32_t actor,
		 const char *note, uint32_t now_sec)
{
	struct standing *st = find(l, campaign);

	if (!st)
		return -ENOENT;
	if (order == ORDER_APPROVED && st->rung == RUNG_ENFORCE)
		return -EALREADY;
	if (held_by_order(st) != (order == ORDER_PAUSED || order == ORDER_REJECTED))
		st->since_sec = now_sec;
	st->order = order;
	st->order_sec = now_sec;
	st->actor = actor;
	snprintf(st->note, sizeof(st->note), "%s", note ? note : "");
	st->urged = order == ORDER_APPROVED;
	if (held_by_order(st) && st->rung != RUNG_OBSERVE)
		move(st, RUNG_OBSERVE, now_sec, "%s by an operator", order_name(order));
	return 0;
}

int ladder_roll_back(struct ladder *l, uint32_t campaign, const char *reason, uint32_t now_sec)
{
	struct standing *st = find(l, campaign);

	if (!st)
		return -ENOENT;
	if (st->rung == RUNG_OBSERVE)
		return -EALREADY;
	move(st, RUNG_OBSERVE, now_sec, "rolled back: %s", reason);
	st->rollbacks++;
	st->urged = false;
	if (st->order == ORDER_APPROVED)
		st->order = ORDER_NONE;
	return 0;
}

/* ---- what is known of them ---- */

int ladder_measure(struct ladder *l, uint32_t campaign, uint32_t held_out, uint32_t alike)
{
	struct standing *st = find(l, campaign);

	if (!st)
		return -ENOENT;
	st->held_out = held_out;
	st->held_out_alike = alike;
	return 0;
}

static size_t *count_of(const struct standing *st, struct ladder_counts *n)
{
	if (st->order == ORDER_PAUSED)
		return &n->paused;
	if (st->order == ORDER_REJECTED)
		return &n->rejected;
	if (st->rung == RUNG_OBSERVE)
		return &n->observe;
	return st->rung == RUNG_CANARY ? &n->canary : &n->enforce;
}

struct ladder_counts ladder_count(const struct ladder *l, const struct campaigns *c)
{
	struct ladder_counts n = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		const struct standing *st = ladder_find(l, c->list[i].id);

		if (st && !c->list[i].ended_sec)
			(*count_of(st, &n))++;
	}
	return n;
}

/* ---- entries ---- */

enum seine_action ladder_action(const struct standing *st, const struct judge_settings *s,
				uint32_t *ret_share)
{
	uint32_t share = 0;

	switch (st->rung) {
	case RUNG_OBSERVE: *ret_share = 0; return SEINE_WATCH;
	case RUNG_CANARY:
		share = (uint32_t)(s->canary_share * SEINE_SHARE + 0.5);
		*ret_share = share ? share : 1;
		return SEINE_CANARY;
	default:
		share = (uint32_t)(s->hold_out * SEINE_SHARE + 0.5);
		*ret_share = share ? SEINE_SHARE - share : 0;
		return SEINE_DROP;
	}
}
