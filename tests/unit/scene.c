/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenes for the judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/scene.h"
#include "user/base/cleanup.h"

struct prefix scene_prefix(const char *text)
{
	struct prefix p;
	char why[120];

	if (prefix_parse(text, why, sizeof(why), &p) < 0)
		fail_msg("%s", why);
	return p;
}

struct standing *scene_stand(struct scene *s, enum rung rung, enum order order)
{
	const struct standing st = {
		.campaign = s->c->id,
		.hello_key = s->c->hello_key,
		.rung = rung,
		.order = order,
	};

	assert_int_equal(ladder_put(&s->ladder, &st), 0);
	for (size_t i = 0; i < s->ladder.n; i++)
		if (s->ladder.list[i].campaign == st.campaign)
			return &s->ladder.list[i];
	return NULL;
}

void scene_campaign(struct scene *s, uint32_t id, uint64_t hello_key)
{
	size_t at = s->campaigns.n++;

	assert_true(at < SCENE_CAMPAIGNS);
	s->c = &s->list[at];
	*s->c = (struct campaign){
		.id = id,
		.hello_key = hello_key,
		.members = s->members[at],
		.prefixes = s->nets[at],
		.networks = 10,
	};
	scene_stand(s, RUNG_ENFORCE, ORDER_NONE);
}

struct scene *scene_new(void)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->campaigns.list = s->list;
	s->guards.list = s->guarded;
	s->settings = judge_at_once(&judge_defaults);
	scene_campaign(s, 0x1f3a, SCENE_KEY);
	return s;
}

void scene_freep(struct scene **s)
{
	judgement_free((*s)->j);
	ladder_clear(&(*s)->ladder);
	reentries_clear(&(*s)->reentries);
	free(*s);
}

struct features *scene_source(struct scene *s, const char *address, uint64_t key, bool split)
{
	struct prefix p = scene_prefix(address);
	struct features *f = &s->f[s->n++];

	assert_true(s->n <= ARRAY_LEN(s->f));
	memcpy(f->source, p.ip, 16);
	f->hello_key = key;
	f->requests = 5;
	f->gap_dual = split ? 5 : 0;
	f->gap_none = split ? 0 : 5;
	return f;
}

void scene_member(struct scene *s, const char *address, bool alone)
{
	struct member *m = &s->c->members[s->c->n_members++];
	struct prefix p = scene_prefix(address);

	assert_true(s->c->n_members <= SCENE_MEMBERS);
	memcpy(m->source, p.ip, 16);
	m->alone = alone;
	scene_source(s, address, s->c->hello_key, true);
}

void scene_members_at(struct scene *s, const char *pattern, unsigned int n)
{
	for (unsigned int i = 1; i <= n; i++) {
		char text[PREFIX_TEXT], number[12];
		const char *at = strstr(pattern, "%u");

		snprintf(number, sizeof(number), "%u", i);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - pattern), pattern, number,
			 at + 2);
		scene_member(s, text, true);
	}
}

void scene_members(struct scene *s, unsigned int n)
{
	scene_members_at(s, "198.51.100.%u", n);
}

void scene_net(struct scene *s, const char *text, uint32_t members, uint32_t outsiders)
{
	s->c->prefixes[s->c->n_prefixes++] = (struct net_finding){
		.prefix = scene_prefix(text),
		.members = members,
		.outsiders = outsiders,
		.alone = !outsiders,
	};
}

void scene_crowd(struct scene *s, unsigned int n)
{
	char text[PREFIX_TEXT];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "10.1.%u.%u", i / 200, i % 200);
		scene_source(s, text, 1, false);
	}
}

void scene_guard(struct scene *s, const char *text, const char *rule, const char *note)
{
	struct guarded *g = &s->guarded[s->guards.n++];

	g->prefix = scene_prefix(text);
	snprintf(g->rule, sizeof(g->rule), "%s", rule);
	snprintf(g->note, sizeof(g->note), "%s", note);
}

struct seine_entry *scene_held(struct scene *s, const char *text, enum seine_origin origin,
			       enum seine_action action)
{
	struct entry *e = &s->held[s->n_held++];

	assert_true(s->n_held <= ARRAY_LEN(s->held));
	e->prefix = scene_prefix(text);
	e->row = (struct seine_entry){
		.origin = origin,
		.action = action,
		.added_sec = SCENE_NOW - 1000,
		.expires_sec = SCENE_NOW - 1000 + SCENE_TTL,
		.campaign = origin == SEINE_AUTO ? s->c->id : 0,
	};
	return &e->row;
}

static struct claims *claims_of(const struct scene *s)
{
	struct claims *c;

	assert_int_equal(claims_new(s->n_held, &c), 0);
	for (size_t i = 0; i < s->n_held; i++)
		assert_int_equal(claims_append(c, &s->held[i]), 0);
	assert_int_equal(claims_sort(c), 0);
	return c;
}

static void check(const struct entries *e)
{
	for (size_t i = 0; i < e->n; i++) {
		assert_int_equal(e->list[i].row.origin, SEINE_AUTO);
		if (i)
			assert_true(prefix_compare(&e->list[i - 1].prefix, &e->list[i].prefix) < 0);
	}
}

void scene_judge(struct scene *s, uint32_t now)
{
	_cleanup_(claims_freep) struct claims *claims = NULL;
	struct judge_question q = {
		.campaigns = &s->campaigns,
		.ladder = &s->ladder,
		.reentries = &s->reentries,
		.guards = &s->guards,
		.f = s->f,
		.n = s->n,
		.settings = &s->settings,
		.now_sec = now,
	};

	claims = claims_of(s);
	q.claims = claims;
	judgement_free(s->j);
	s->j = NULL;
	assert_int_equal(judge_round(&q, &s->j), 0);
	assert_true(reentries_note(&s->reentries, claims, s->j->automatic, now) >= 0);
	check(s->j->automatic);
}

void scene_hold(struct scene *s)
{
	s->n_held = s->j->automatic->n;
	assert_true(s->n_held <= ARRAY_LEN(s->held));
	memcpy(s->held, s->j->automatic->list, s->n_held * sizeof(*s->held));
}

const struct seine_entry *scene_entry(const struct scene *s, const char *text)
{
	struct prefix p = scene_prefix(text);
	const struct entry *e = entries_find(s->j->automatic, &p);

	return e ? &e->row : NULL;
}

size_t scene_count(const struct scene *s, uint32_t campaign)
{
	size_t n = 0;

	for (size_t i = 0; i < s->j->automatic->n; i++)
		n += s->j->automatic->list[i].row.campaign == campaign;
	return n;
}

const char *scene_reason(const struct scene *s, uint32_t campaign)
{
	for (size_t i = 0; i < s->j->n_refusals; i++)
		if (s->j->refusals[i].campaign == campaign)
			return s->j->refusals[i].reason;
	return "";
}
