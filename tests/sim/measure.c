// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Truth against what is reported.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/measure.h"
#include "user/base/cleanup.h"

#define THREE 3u

enum mark {
	MARK_MEMBER = 1, /* of a campaign that is reported now */
	MARK_ACTED = 2,	 /* an entry would hit it now */
	MARK_EVER = 4,	 /* one would have */
};

int measure_new(struct world *w, struct mind *m, struct measure **ret)
{
	_cleanup_(measure_freep) struct measure *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->world = w;
	x->mind = m;
	x->verdicts = calloc(w->n_swarms + 1, sizeof(*x->verdicts));
	if (!x->verdicts)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_swarms; i++)
		for (int k = 0; k < MOMENTS; k++)
			x->verdicts[i].sec[k] = NOT_YET;
	*ret = take_ptr(x);
	return 0;
}

void measure_free(struct measure *m)
{
	if (!m)
		return;
	free(m->marks);
	free(m->verdicts);
	free(m);
}

static bool honest(const struct world_source *s)
{
	return s->kind != KIND_MEMBER;
}

static void clear_marks(struct measure *m)
{
	if (m->n < m->world->n) {
		m->marks = realloc(m->marks, m->world->room);
		if (!m->marks)
			abort();
		memset(m->marks + m->n, 0, m->world->room - m->n);
		m->n = m->world->room;
	}
	for (size_t i = 0; i < m->world->n; i++)
		m->marks[i] &= MARK_EVER;
	for (size_t i = 0; i < m->world->n_swarms; i++)
		m->verdicts[i].now = (struct sighting){ 0 };
}

/* ---- campaigns ---- */

/* A swarm with so many members in a campaign, or a tenth of them, has its part in it. */
#define PART_MIN 10

struct votes {
	uint32_t *of;	/* swarms; 0: the honest */
	uint32_t kinds; /* a bit for each kind among them */
};

static void votes_free(struct votes *v)
{
	free(v->of);
}

static void count_votes(const struct measure *m, const struct campaign *c, struct votes *ret)
{
	uint32_t at;

	ret->of = calloc(m->world->n_swarms + 1, sizeof(*ret->of));
	if (!ret->of)
		abort();
	for (size_t i = 0; i < c->n_members; i++) {
		const struct world_source *s;

		if (!world_find(m->world, c->members[i].source, &at))
			continue;
		s = &m->world->list[at];
		ret->kinds |= 1u << s->kind;
		ret->of[honest(s) ? 0 : s->swarm]++;
	}
}

static void note_false(struct measure *m, uint32_t id, uint32_t kinds)
{
	for (size_t i = 0; i < m->n_false; i++)
		if (m->false_ids[i] == id)
			return;
	if (m->n_false == ARRAY_LEN(m->false_ids))
		return;
	m->false_ids[m->n_false] = id;
	m->false_kinds[m->n_false++] = kinds;
}

static void take_part(struct measure *m, uint32_t swarm, const struct campaign *c)
{
	uint32_t before = m->world->swarms[swarm].plan.replaces;
	struct verdict *v = &m->verdicts[swarm];

	if (!v->now.campaigns++) {
		v->now.id = v->id = c->id;
		v->now.replaces = c->replaces;
	}
	for (int f = 0; f < FAMILY_MAX; f++)
		v->now.families |= (uint32_t)c->evidence[f].holds << f;
	if (before)
		v->now.linked |= c->id == m->verdicts[before - 1].id ||
				 (c->replaces && c->replaces == m->verdicts[before - 1].id);
}

static void mark_members(struct measure *m, const struct campaign *c, struct sighting *now)
{
	const struct world_source *s;
	uint32_t at;

	for (size_t i = 0; i < c->n_members; i++) {
		if (!world_find(m->world, c->members[i].source, &at))
			continue;
		s = &m->world->list[at];
		if (honest(s) && !(m->marks[at] & MARK_MEMBER)) {
			now->wrong++;
			now->wrong_requests += s->total;
			now->wrong_of[s->kind]++;
		}
		m->marks[at] |= MARK_MEMBER;
	}
}

static void note_campaign(struct measure *m, const struct campaign *c)
{
	_cleanup_(votes_free) struct votes votes = { 0 };
	uint32_t most = 1;

	count_votes(m, c, &votes);
	if (!m->world->n_swarms || votes.of[0] * 2ull > c->n_members) {
		note_false(m, c->id, votes.kinds);
		return;
	}
	for (uint32_t i = 1; i <= m->world->n_swarms; i++) {
		if (votes.of[i] >= PART_MIN || votes.of[i] * 10ull > c->n_members)
			take_part(m, i - 1, c);
		if (votes.of[i] > votes.of[most])
			most = i;
	}
	mark_members(m, c, &m->verdicts[most - 1].now);
}

static void note_campaigns(struct measure *m)
{
	const struct campaigns *c = m->mind->campaigns;

	for (size_t i = 0; c && i < c->n; i++) {
		if (c->list[i].ended_sec)
			continue;
		note_campaign(m, &c->list[i]);
		if (c->list[i].n_members > m->members_max)
			m->members_max = c->list[i].n_members;
	}
}

/* ---- entries ---- */

static bool hits(const struct entry *e, const struct world_source *s)
{
	if (e->row.origin != SEINE_AUTO || e->row.action == SEINE_WATCH)
		return false;
	return !e->row.hello_key || e->row.hello_key == world_hello_key(s->hello_now);
}

static bool is_wide(const struct entry *e)
{
	return e->prefix.len < 128 && (prefix_is_v4(&e->prefix) || e->prefix.len < 64);
}

static bool is_false(const struct measure *m, uint32_t campaign)
{
	for (size_t i = 0; i < m->n_false; i++)
		if (m->false_ids[i] == campaign)
			return true;
	return false;
}

#define EARLY (6 * 3600u)

static bool is_early(const struct measure *m, uint32_t now_sec)
{
	for (size_t i = 0; i < m->world->n_swarms; i++)
		if (!m->world->swarms[i].plan.honest && now_sec >= m->world->swarms[i].start_sec &&
		    now_sec - m->world->swarms[i].start_sec < EARLY)
			return true;
	return false;
}

static void hit(struct measure *m, uint32_t at, const struct entry *e, uint32_t now_sec)
{
	const struct world_source *s = &m->world->list[at];
	const struct campaign *c = campaigns_find(m->mind->campaigns, e->row.campaign);
	const struct member *member = c ? campaign_member(c, s->ip) : NULL;

	m->marks[at] |= MARK_ACTED;
	if (m->marks[at] & MARK_EVER)
		return;
	m->marks[at] |= MARK_EVER;
	if (!honest(s))
		return;
	m->harm.sources++;
	m->harm.users += s->people;
	m->harm.of[s->kind]++;
	m->harm.early += is_early(m, now_sec);
	if (member)
		m->harm.by[member->window]++;
}

/* Prefixes are looked for from each source; that is slow, and they are few. */
static void note_wide(struct measure *m, const struct entries *wide, uint32_t now_sec)
{
	size_t all = 0, wrong = 0;

	for (uint32_t i = 0; wide->n && i < m->world->n; i++) {
		const struct world_source *s = &m->world->list[i];
		struct prefix p = prefix_of(s->ip, 128);
		const struct entry *e = s->total ? entries_match(wide, &p) : NULL;

		if (!e)
			continue;
		all++;
		wrong += honest(s);
		if (hits(e, s))
			hit(m, i, e, now_sec);
	}
	if (all > m->harm.wide)
		m->harm.wide = all;
	if (wrong > m->harm.wide_honest)
		m->harm.wide_honest = wrong;
}

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

static void note_entries(struct measure *m, uint32_t now_sec)
{
	const struct entries *wanted = m->mind->judgement ? m->mind->judgement->automatic : NULL;
	_cleanup_(entries_freep) struct entries *wide = NULL;
	bool acted_wrongly = false;
	uint32_t at;

	if (!wanted || entries_new(0, &wide) < 0)
		return;
	for (size_t i = 0; i < wanted->n; i++) {
		const struct entry *e = &wanted->list[i];

		if (e->row.origin == SEINE_AUTO && e->row.action != SEINE_WATCH)
			acted_wrongly |= is_false(m, e->row.campaign);
		if (is_wide(e))
			(void)entries_append(wide, e);
		else if (world_find(m->world, e->prefix.ip, &at) && hits(e, &m->world->list[at]))
			hit(m, at, e, now_sec);
	}
	m->false_acted += acted_wrongly;
	if (wanted->n > m->entries_max)
		m->entries_max = wanted->n;
	entries_sort(wide);
	note_wide(m, wide, now_sec);
}

/* ---- swarms ---- */

static void count_sources(struct measure *m)
{
	for (size_t i = 0; i < m->world->n; i++) {
		const struct world_source *s = &m->world->list[i];
		struct sighting *now;

		if (!s->swarm || !s->total)
			continue;
		now = &m->verdicts[s->swarm - 1].now;
		now->sources++;
		now->requests += s->total;
		now->acted += !!(m->marks[i] & MARK_ACTED);
		if (!(m->marks[i] & MARK_MEMBER))
			continue;
		now->found++;
		now->found_requests += s->total;
	}
}

static bool reached(const struct sighting *now, enum moment moment)
{
	switch (moment) {
	case MOMENT_ALARM: return now->campaigns;
	case MOMENT_HALF: return now->found * 2ull >= now->sources;
	case MOMENT_MOST: return now->found * 10ull >= now->sources * 9ull;
	case MOMENT_ACTED: return now->acted;
	default: return now->linked;
	}
}

static void date(struct measure *m, size_t i, uint32_t now_sec)
{
	struct verdict *v = &m->verdicts[i];

	v->now.sec = now_sec - m->world->swarms[i].start_sec;
	v->now.hit = m->harm.sources;
	v->now.hit_users = m->harm.users;
	for (int k = 0; v->now.sources && k < MOMENTS; k++) {
		if (v->sec[k] != NOT_YET || !reached(&v->now, k))
			continue;
		v->sec[k] = v->now.sec;
		v->leaked[k] = v->now.requests;
	}
	if (v->now.wrong > v->wrong_max)
		v->wrong_max = v->now.wrong;
	if (!m->world->swarms[i].end_sec)
		return; /* it is over */
	if (!v->day.sec && v->now.sec >= WORLD_DAY - 1)
		v->day = v->now;
	if (!v->three_days.sec && v->now.sec >= THREE * WORLD_DAY - 1)
		v->three_days = v->now;
	if (v->n_later < LATER && v->now.sec >= (v->n_later + 1) * LATER_DAYS * WORLD_DAY - 1)
		v->later[v->n_later++] = v->now;
}

void measure_look(struct measure *m, uint32_t now_sec)
{
	clear_marks(m);
	note_campaigns(m);
	note_entries(m, now_sec);
	count_sources(m);
	for (size_t i = 0; i < m->world->n_swarms; i++)
		if (now_sec >= m->world->swarms[i].start_sec)
			date(m, i, now_sec);
}
