/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Campaigns over time: identity, growth and end.
 *
 * A round sees one window. What it finds is joined to the campaign that has the same ClientHello or
 * most of the same members: members of both stay, each for as long as findings of its window are
 * held, and the evidence is kept of the window that finds more. A campaign that no window finds any
 * more ends; ended ones are remembered for a while, and begin to live again when they come back.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"

#define ID_MASK 0xffff	  /* four digits are read out over a phone */
#define REMEMBERED_DAYS 2 /* an ended campaign; pools were seen to be replaced within one */
#define HELD_ROUNDS 3	  /* of its window, that may fall short of it */

/* Campaigns of a round that are followed, the largest, and as many that have ended: all are
 * compared with each other, and whoever wants to can make thousands. */
#define FOLLOWED_MAX 256

/* How long a finding of this window stands without being found again. The longer windows have a
 * round each time a 144th of them has passed. */
static uint32_t hold_sec(const struct shoal_settings *s, enum window w)
{
	uint32_t round_sec = (uint32_t)((uint64_t)s->day_sec * window_slots(w) /
					(SPAN_DAY_SLOTS * SPAN_DAY_SLOTS));

	if (w <= WINDOW_DAY || HELD_ROUNDS * round_sec < s->hold_sec)
		return s->hold_sec;
	return HELD_ROUNDS * round_sec;
}

static bool held(const struct shoal_settings *s, uint32_t now_sec, const struct member *m)
{
	return now_sec - m->last_sec <= hold_sec(s, m->window);
}

static bool alive(const struct shoal_settings *s, uint32_t now_sec, const struct campaign *c)
{
	for (int w = 0; w < WINDOWS; w++)
		if (c->seen_sec[w] && now_sec - c->seen_sec[w] <= hold_sec(s, w))
			return true;
	return false;
}

/* ---- joining ---- */

/* A short window's finding must not cut short what a longer one holds. */
static void hold_longer(struct member *m, const struct member *old, const struct shoal_settings *s)
{
	if (old->last_sec + hold_sec(s, old->window) <= m->last_sec + hold_sec(s, m->window))
		return;
	m->window = old->window;
	m->last_sec = old->last_sec;
}

/* Members of both, sorted; of one in both the new finding, with the day it joined. */
static int join_members(const struct campaign *new, const struct campaign *old,
			const struct shoal_settings *s, uint32_t now_sec, struct campaign *ret)
{
	struct member *list = calloc(new->n_members + old->n_members + 1, sizeof(*list));
	size_t n = 0, i = 0, j = 0;
	int order;

	if (!list)
		return -ENOMEM;
	while (i < new->n_members || j < old->n_members) {
		order = i == new->n_members ? 1
			: j == old->n_members
				? -1
				: memcmp(new->members[i].source, old->members[j].source, 16);
		if (order > 0) {
			if (held(s, now_sec, &old->members[j]))
				list[n++] = old->members[j];
			j++;
			continue;
		}
		list[n] = new->members[i++];
		if (order == 0) {
			list[n].joined_sec = old->members[j].joined_sec;
			hold_longer(&list[n], &old->members[j++], s);
		}
		n++;
	}
	ret->members = list;
	ret->n_members = n;
	return 0;
}

/* Does the earlier evidence say more than the new one? */
static bool says_more(const struct campaign *old, const struct campaign *new,
		      const struct shoal_settings *s, uint32_t now_sec)
{
	return old->window != new->window &&
	       old->found > new->found &&now_sec - old->seen_sec[old->window] <=
		       hold_sec(s, old->window);
}

static void inherit(struct campaign *c, const struct campaign *old, uint32_t now_sec,
		    uint32_t day_sec)
{
	c->id = old->id;
	c->first_sec = old->first_sec;
	c->replaces = old->replaces;
	c->rate_max = fmax(c->rate, old->rate_max);
	c->members_max = old->members_max;
	c->grown_from = old->grown_from;
	c->grown_sec = old->grown_sec;
	if (now_sec - old->grown_sec >= day_sec) {
		c->grown_from = (uint32_t)old->n_members;
		c->grown_sec = now_sec;
	}
}

/* `found` becomes one with the earlier campaign. */
static int join(struct campaign *found, const struct campaign *old, const struct population *p,
		const struct shoal_settings *s)
{
	struct campaign joined = says_more(old, found, s, p->now_sec) ? *old : *found;
	_cleanup_(campaign_clearp) struct campaign known = { 0 };
	int r;

	joined.hello_key = found->hello_key; /* also where the earlier evidence stays */
	joined.gap = found->gap;
	joined.members = NULL;
	joined.prefixes = NULL;
	joined.n_prefixes = 0;
	r = campaign_copy(old, &known);
	if (r == 0)
		r = join_members(found, old, s, p->now_sec, &joined);
	if (r < 0)
		return r;
	joined.prefixes = take_ptr(known.prefixes);
	joined.n_prefixes = known.n_prefixes;
	inherit(&joined, old, p->now_sec, s->day_sec);
	memcpy(joined.seen_sec, old->seen_sec, sizeof(joined.seen_sec));
	joined.seen_sec[p->window] = p->now_sec;
	joined.last_sec = p->now_sec;
	joined.ended_sec = 0;
	campaign_clear(found);
	*found = joined;
	return 0;
}

/* ---- identity ---- */

/* Living ones before ended ones, as `same` tells; NULL: none that is not taken yet. */
static const struct campaign *search(const struct campaigns *c, const struct campaign *new,
				     const struct campaigns *before,
				     bool (*same)(const struct campaign *, const struct campaign *))
{
	const struct campaign *ended = NULL, *old;

	for (size_t i = 0; i < before->n; i++) {
		old = &before->list[i];
		if ((old->ended_sec && ended) || !same(new, old) || campaigns_find(c, old->id))
			continue;
		if (!old->ended_sec)
			return old;
		ended = old;
	}
	return ended;
}

static bool same_hello(const struct campaign *a, const struct campaign *b)
{
	return a->hello_key == b->hello_key;
}

static bool same_members(const struct campaign *a, const struct campaign *b)
{
	return a->n_members <= b->n_members ? campaign_overlap(a, b) > 0.5
					    : campaign_overlap(b, a) > 0.5;
}

/* First all that go on with the same software, then those that changed it: nobody takes the name of
 * one that is still there. */
static int join_earlier(struct campaigns *c, size_t found, const struct campaigns *before,
			const struct population *p, const struct shoal_settings *s)
{
	const struct campaign *old;
	int r = 0;

	for (int pass = 0; before && pass < 2; pass++) {
		for (size_t i = 0; i < found && r == 0; i++) {
			if (c->list[i].id)
				continue;
			old = search(c, &c->list[i], before, pass ? same_members : same_hello);
			r = old ? join(&c->list[i], old, p, s) : 0;
		}
	}
	return r;
}

static void begin(struct campaigns *c, struct campaign *new, const struct campaigns *before,
		  uint32_t now_sec)
{
	uint32_t id = seine_mix64(new->hello_key + now_sec) & ID_MASK;

	while (!id || campaigns_find(c, id) || campaigns_find(before, id))
		id = (id + 1) & ID_MASK;
	new->id = id;
	new->first_sec = now_sec;
	new->grown_from = (uint32_t) new->n_members;
	new->grown_sec = now_sec;
}

/* ---- the rest ---- */

/* Found campaigns come largest first. */
static void limit(struct campaigns *c)
{
	while (c->n > FOLLOWED_MAX) {
		campaign_clear(&c->list[--c->n]);
		c->left_out++;
	}
}

/* An earlier campaign that this round did not find stays as it was, ends, or is forgotten. */
static int keep(struct campaigns *c, const struct campaign *old, const struct shoal_settings *s,
		uint32_t now_sec)
{
	struct campaign *kept = &c->list[c->n];
	int r;

	if (old->ended_sec && now_sec - old->ended_sec > REMEMBERED_DAYS * s->day_sec)
		return 0;
	r = campaign_copy(old, kept);
	if (r < 0)
		return r;
	if (!old->ended_sec && !alive(s, now_sec, old))
		kept->ended_sec = now_sec;
	c->n++;
	return 0;
}

static int keep_others(struct campaigns *c, const struct campaigns *before,
		       const struct shoal_settings *s, uint32_t now_sec)
{
	struct campaign *list;
	size_t ended = 0;
	int r = 0;

	if (!before || !before->n)
		return 0;
	list = reallocarray(c->list, c->n + before->n, sizeof(*list));
	if (!list)
		return -ENOMEM;
	c->list = list;
	for (size_t i = 0; i < before->n && r == 0; i++) {
		ended += before->list[i].ended_sec != 0;
		if (before->list[i].ended_sec && ended > FOLLOWED_MAX)
			continue;
		if (!campaigns_find(c, before->list[i].id))
			r = keep(c, &before->list[i], s, now_sec);
	}
	return r;
}

static void count_members(struct campaign *c)
{
	campaign_spread(c);
	c->seeds = 0;
	for (size_t i = 0; i < c->n_members; i++)
		c->seeds += c->members[i].seed;
	if (c->n_members > c->members_max)
		c->members_max = (uint32_t)c->n_members;
}

/* Who lives beside members only a day's view tells; the hour's would see fewer. */
static int find_prefixes(struct campaign *c, const struct population *p,
			 const struct shoal_settings *s)
{
	if (p->window != WINDOW_DAY)
		return 0;
	free(c->prefixes);
	c->prefixes = NULL;
	c->n_prefixes = 0;
	memset(c->refused, 0, sizeof(c->refused));
	return campaign_find_nets(p, s, c);
}

int campaigns_follow(struct campaigns *c, const struct campaigns *before,
		     const struct population *p, const struct shoal_settings *s)
{
	size_t found;
	int r;

	limit(c);
	found = c->n;
	r = join_earlier(c, found, before, p, s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < found; i++) {
		if (!c->list[i].id)
			begin(c, &c->list[i], before, p->now_sec);
		count_members(&c->list[i]);
		r = find_prefixes(&c->list[i], p, s);
		if (r < 0)
			return r;
	}
	r = keep_others(c, before, s, p->now_sec);
	if (r == 0)
		campaigns_link(c, p);
	return r;
}
