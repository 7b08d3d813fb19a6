/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One round of judging: which held entries stay, which are renewed, which are new.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/judge/round.h"

const struct judge_settings judge_defaults = {
	.ttl_sec = 3600,
	.ttl_max_sec = 86400,
	.entries_per_round = 5000,
	.entries_max = 100000,
	.networks_min = 4, /* companies own one to three */
	.benign_share_max = 0.001,
	.v6_source = 64,
};

#define JITTER 10 /* up to one part in so many is cut off a time to live */
#define V4_SOURCE 128

void judgement_free(struct judgement *j)
{
	if (!j)
		return;
	entries_free(j->desired);
	free(j->refusals);
	free(j);
}

static void round_clear(struct round *r)
{
	free(r->order);
	entries_free(r->kept);
	entries_free(r->wide);
	entries_free(r->fresh);
	judgement_free(r->j);
}

int round_refuse(struct round *r, const struct prefix *p, uint32_t campaign, const char *format,
		 ...)
{
	struct judgement *j = r->j;
	struct refusal *list = j->refusals;
	va_list args;

	if (!(j->n_refusals & (j->n_refusals - 1))) {
		list = reallocarray(list, j->n_refusals ? j->n_refusals * 2 : 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
		j->refusals = list;
	}
	list[j->n_refusals] = (struct refusal){ .prefix = *p, .campaign = campaign };
	va_start(args, format);
	vsnprintf(list[j->n_refusals].reason, sizeof(list->reason), format, args);
	va_end(args);
	j->n_refusals++;
	return 0;
}

static unsigned int source_len(const struct round *r, const struct prefix *p)
{
	return prefix_is_v4(p) ? V4_SOURCE : r->settings->v6_source;
}

/* Entries that were made together must not all run out together. */
static uint32_t jitter(const struct prefix *p, uint32_t ttl_sec)
{
	uint64_t hash = seine_mix64(seine_mix64(seine_addr_word(p->ip)) +
				    seine_addr_word(p->ip + 8) + p->len);

	return (uint32_t)(hash % (ttl_sec / JITTER + 1));
}

/* The life of a renewed entry doubles, but it never ends later than the longest time to live. */
static void renew(const struct round *r, struct entry *e)
{
	uint32_t life = e->row.expires_sec - e->row.added_sec, max = r->settings->ttl_max_sec;
	uint32_t ttl = e->row.expires_sec - r->now_sec + life;

	if (e->row.expires_sec - r->now_sec > (life < max ? life : max) / 2)
		return;
	if (ttl > max)
		ttl = max;
	e->row.expires_sec = r->now_sec + ttl - jitter(&e->prefix, ttl);
}

/* 1: refused, and recorded. */
static int refused_by_guard(struct round *r, const struct entry *e)
{
	const struct guarded *g = guards_refuse(r->guards, &e->prefix);
	char text[PREFIX_TEXT];
	int error;

	if (!g)
		return 0;
	if (prefix_too_wide(&e->prefix))
		error = round_refuse(r, &e->prefix, e->row.campaign, "%s", g->rule);
	else
		error = round_refuse(r, &e->prefix, e->row.campaign, "overlaps %s %s%s%s%s",
				     g->rule, prefix_format(&g->prefix, text), *g->note ? " (" : "",
				     g->note, *g->note ? ")" : "");
	return error < 0 ? error : 1;
}

/* 1: refused, and recorded. An entry for one source is not asked: see judgement.benign_hit. */
static int refused_by_budget(struct round *r, const struct entry *e)
{
	size_t benign;
	int error;

	if (e->prefix.len >= source_len(r, &e->prefix))
		return 0;
	error = budget_count_benign(r, e, &benign);
	if (error < 0)
		return error;
	if (r->j->benign_hit + benign <= r->benign_max) {
		r->j->benign_hit += (uint32_t)benign;
		return 0;
	}
	r->j->budget_spent = true;
	error = round_refuse(r, &e->prefix, e->row.campaign,
			     "would hit %zu sources outside any campaign, %zu left", benign,
			     r->benign_max - r->j->benign_hit);
	return error < 0 ? error : 1;
}

static int keep_automatic(struct round *r, const struct entry *e)
{
	int refused = refused_by_guard(r, e);

	if (!refused)
		refused = refused_by_budget(r, e);
	if (refused)
		return refused < 0 ? refused : 0;
	r->automatic++;
	return entries_append(r->kept, e);
}

/* Held entries come sorted, and stay so. */
static int keep_held(struct round *r)
{
	const struct entry *e;
	int error;

	for (size_t i = 0; i < r->held->n; i++) {
		e = &r->held->list[i];
		if (e->row.expires_sec && e->row.expires_sec <= r->now_sec)
			continue;
		error = e->row.origin == SEINE_AUTO ? keep_automatic(r, e)
						    : entries_append(r->kept, e);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Does an entry that covers a candidate hit the campaign there, and for long enough? */
static bool hits(const struct round *r, const struct campaign *c, const struct entry *e)
{
	if (e->row.origin == SEINE_OPERATOR || e->row.origin == SEINE_EXTERNAL)
		return true; /* decided by people: theirs to change */
	if (e->row.action != SEINE_DROP)
		return false;
	if (e->row.hello_key && e->row.hello_key != c->hello_key)
		return false;
	return !e->row.expires_sec || e->row.expires_sec - r->now_sec > r->settings->ttl_sec / 2;
}

/* Whom an entry of the campaign's own, or of one that is gone, is meant for may have changed since:
 * other software, or somebody else at the address. */
static void adopt(const struct round *r, const struct entry *wanted, struct entry *held)
{
	const struct campaign *owner = campaigns_find(r->campaigns, held->row.campaign);

	if (owner && !owner->ended_sec && owner->id != wanted->row.campaign)
		return;
	held->row.hello_key = wanted->row.hello_key;
	held->row.campaign = wanted->row.campaign;
	memcpy(held->row.note, wanted->row.note, sizeof(held->row.note));
}

/* Is there an entry already that makes a candidate superfluous? Renews it if it is the very same. */
static bool covered(struct round *r, const struct campaign *c, const struct entry *wanted)
{
	const struct entry *e = entries_match(r->kept, &wanted->prefix);

	if (e && !prefix_compare(&e->prefix, &wanted->prefix)) {
		if (e->row.origin == SEINE_AUTO) {
			adopt(r, wanted, &r->kept->list[e - r->kept->list]);
			renew(r, &r->kept->list[e - r->kept->list]);
		}
		return true;
	}
	if (e && hits(r, c, e))
		return true;
	e = entries_match(r->wide, &wanted->prefix);
	return e && hits(r, c, e);
}

static struct entry automatic_entry(const struct round *r, const struct campaign *c,
				    const struct prefix *p, bool alone)
{
	uint32_t ttl = r->settings->ttl_sec;
	struct entry e = { .prefix = *p };

	e.row = (struct seine_entry){
		.hello_key = alone ? 0 : c->hello_key,
		.action = SEINE_DROP,
		.origin = SEINE_AUTO,
		.added_sec = r->now_sec,
		.expires_sec = r->now_sec + ttl - jitter(p, ttl),
		.campaign = c->id,
	};
	snprintf(e.row.note, sizeof(e.row.note), "c-%04x proxy swarm", c->id);
	return e;
}

/* Room for one more new entry? */
static bool affordable(const struct round *r)
{
	return r->fresh->n < r->settings->entries_per_round &&
	       r->automatic < r->settings->entries_max;
}

static int add_fresh(struct round *r, const struct entry *e)
{
	int error;

	r->automatic++;
	error = entries_append(r->fresh, e);
	if (error >= 0 && e->prefix.len < source_len(r, &e->prefix))
		error = entries_put(r->wide, e);
	return error;
}

/* 0: dropped or superfluous, 1: refused, 2: no room this round; both count what could not be had. */
static int want(struct round *r, const struct campaign *c, const struct entry *e)
{
	int refused;

	if (covered(r, c, e))
		return 0;
	refused = refused_by_guard(r, e);
	if (!refused && !affordable(r))
		return 2;
	if (!refused)
		refused = refused_by_budget(r, e);
	return refused ? refused : add_fresh(r, e);
}

/* A company's own proxies, perhaps: then only what lies outside of its networks is acted on, where
 * that alone would be a swarm. */
static bool confined(const struct round *r, const struct campaign *c)
{
	return c->networks < r->settings->networks_min && !c->seeds;
}

#define SCATTERED_MIN 10 /* members, as many as a cohort has at least */

/* 1: refused, and recorded. */
static int refused_as_confined(struct round *r, const struct campaign *c)
{
	struct prefix first;
	int error;

	if (!confined(r, c) || !c->n_members)
		return 0;
	if (c->scattered >= SCATTERED_MIN && c->scattered_networks >= r->settings->networks_min)
		return 0;
	first = prefix_of(c->members[0].source, 128);
	error = round_refuse(r, &first, c->id,
			     "keeps to %.1f networks, a company's own perhaps; at least %u",
			     c->networks, r->settings->networks_min);
	return error < 0 ? error : 1;
}

/* Prefixes are no wider than networks: all members in one are huddled, or none. */
static bool holds_huddled(const struct campaign *c, const struct prefix *p)
{
	struct prefix address;

	for (size_t i = 0; i < c->n_members; i++) {
		address = prefix_of(c->members[i].source, 128);
		if (c->members[i].huddled && prefix_covers(p, &address))
			return true;
	}
	return false;
}

static int want_prefixes(struct round *r, const struct campaign *c)
{
	const struct net_finding *net;
	struct entry e;
	int error;

	for (size_t i = 0; i < c->n_prefixes; i++) {
		net = &c->prefixes[i];
		if (confined(r, c) && holds_huddled(c, &net->prefix))
			continue;
		e = automatic_entry(r, c, &net->prefix, net->alone);
		error = want(r, c, &e);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Members of a prefix that was taken are covered by it; all others get an entry of their own. */
static int want_members(struct round *r, const struct campaign *c)
{
	struct prefix first = { 0 }, address;
	size_t waiting = 0;
	struct entry e;
	int result;

	for (size_t i = 0; i < c->n_members; i++) {
		if (confined(r, c) && c->members[i].huddled)
			continue;
		address = prefix_of(c->members[i].source, 128);
		address = prefix_of(c->members[i].source, source_len(r, &address));
		e = automatic_entry(r, c, &address, c->members[i].alone);
		result = want(r, c, &e);
		if (result < 0)
			return result;
		if (result == 2 && !waiting++)
			first = address;
	}
	if (!waiting)
		return 0;
	r->j->budget_spent = true;
	if (r->automatic >= r->settings->entries_max)
		return round_refuse(r, &first, c->id,
				    "limit of %u automatic entries, %zu sources left out",
				    r->settings->entries_max, waiting);
	return round_refuse(r, &first, c->id, "limit of %u new entries a round, %zu sources wait",
			    r->settings->entries_per_round, waiting);
}

static int want_campaign(struct round *r, const struct campaign *c)
{
	int error;

	if (c->ended_sec)
		return 0;
	error = refused_as_confined(r, c);
	if (error)
		return error < 0 ? error : 0;
	error = want_prefixes(r, c);
	return error < 0 ? error : want_members(r, c);
}

static int prepare(struct round *r)
{
	size_t members = 0;
	int error;

	for (size_t i = 0; i < r->campaigns->n; i++)
		members += r->campaigns->list[i].ended_sec ? 0 : r->campaigns->list[i].n_members;
	r->benign = r->n > members ? r->n - members : 0;
	r->benign_max = (size_t)(r->settings->benign_share_max * (double)r->benign);
	error = entries_new(r->held->n + 1, &r->kept);
	if (error >= 0)
		error = entries_new(1, &r->wide);
	if (error >= 0)
		error = entries_new(1, &r->fresh);
	return error;
}

static int finish(struct round *r, struct judgement **ret)
{
	int error;

	for (size_t i = 0; i < r->fresh->n; i++) {
		error = entries_append(r->kept, &r->fresh->list[i]);
		if (error < 0)
			return error;
	}
	entries_sort(r->kept);
	r->j->desired = take_ptr(r->kept);
	*ret = take_ptr(r->j);
	return 0;
}

int judge_round(const struct campaigns *c, const struct entries *held, const struct guards *g,
		const struct features *f, size_t n, const struct judge_settings *s,
		uint32_t now_sec, struct judgement **ret)
{
	_cleanup_(round_clear) struct round r = {
		.campaigns = c,
		.held = held,
		.guards = g,
		.settings = s,
		.now_sec = now_sec,
		.f = f,
		.n = n,
		.j = calloc(1, sizeof(*r.j)),
	};
	int error;

	if (!r.j)
		return -ENOMEM;
	error = prepare(&r);
	if (error >= 0)
		error = keep_held(&r);
	for (size_t i = 0; i < c->n && error >= 0; i++)
		error = want_campaign(&r, &c->list[i]);
	return error < 0 ? error : finish(&r, ret);
}
