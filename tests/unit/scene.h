/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the judge judge: campaigns with members at a list of addresses, claims, guards, and
 * sources around.
 */
#ifndef UNIT_SCENE_H
#define UNIT_SCENE_H

#include "user/judge/judge.h"

#define SCENE_NOW 100000u
#define SCENE_KEY 7
#define SCENE_TTL 3600u
#define SCENE_CAMPAIGNS 8
#define SCENE_MEMBERS 400
#define SCENE_NETS 40

struct scene {
	struct campaign list[SCENE_CAMPAIGNS];
	struct campaigns campaigns;
	struct campaign *c; /* that members and prefixes are given to */
	struct member members[SCENE_CAMPAIGNS][SCENE_MEMBERS];
	struct net_finding nets[SCENE_CAMPAIGNS][SCENE_NETS];
	struct ladder ladder;
	struct entry held[1024];
	size_t n_held;
	struct guards guards;
	struct guarded guarded[4];
	struct features f[4000];
	size_t n;
	struct reentries reentries;
	struct judge_settings settings; /* those of judge_at_once() */
	struct judgement *j;
};

/* With one campaign, c-1f3a, that stands highest. Fails the test where there is no memory. */
struct scene *scene_new(void);
void scene_freep(struct scene **s);

struct prefix scene_prefix(const char *text);

/* Another campaign, whose members and prefixes come next. */
void scene_campaign(struct scene *s, uint32_t id, uint64_t hello_key);
/* Where the present campaign stands. */
struct standing *scene_stand(struct scene *s, enum rung rung, enum order order);

struct features *scene_source(struct scene *s, const char *address, uint64_t key, bool split);
void scene_member(struct scene *s, const char *address, bool alone);
/* 198.51.100.1 to .n; or with "%u" in another pattern. */
void scene_members(struct scene *s, unsigned int n);
void scene_members_at(struct scene *s, const char *pattern, unsigned int n);
void scene_net(struct scene *s, const char *text, uint32_t members, uint32_t outsiders);
/* Many sources far away, so that a thousandth is a number. */
void scene_crowd(struct scene *s, unsigned int n);
void scene_guard(struct scene *s, const char *text, const char *rule, const char *note);

/* A claim; an automatic one is the present campaign's. */
struct seine_entry *scene_held(struct scene *s, const char *text, enum seine_origin origin,
			       enum seine_action action);

/* What follows is checked: it is sorted, each prefix once, and all of it automatic. */
void scene_judge(struct scene *s, uint32_t now);
/* The outcome is what is held next. */
void scene_hold(struct scene *s);
/* NULL: there is none. */
const struct seine_entry *scene_entry(const struct scene *s, const char *text);
size_t scene_count(const struct scene *s, uint32_t campaign);
/* The first reason that a campaign got; "": none. */
const char *scene_reason(const struct scene *s, uint32_t campaign);

#endif
