/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One round of judging: which automatic entries stay, which are renewed, which are new.
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
	.observe_sec = 3600,
	.canary_sec = 3600,
	.canary_share = 0.05,
	.hold_out = 0.05,
	.entries_per_round = 5000,
	.entries_max = 100000,
	.space_v4 = 262144, /* 64 of the widest prefixes, /20 */
	.space_v6 = 65536,  /* one /48 */
	.networks_min = 4,  /* companies own one to three */
	.benign_share_max = 0.001,
	.benign_requests_max = 0.001,
	.v6_source = 64,
};

#define JITTER 10 /* up to one part in so many is cut off a time to live */
#define V4_SOURCE 128
#define SCATTERED_MIN 10 /* members, as many as a cohort has at least */

void judgement_free(struct judgement *j)
{
	if (!j)
		return;
	entries_free(j->automatic);
	free(j->refusals);
	free(j);
}

struct judge_settings judge_at_once(const struct judge_settings *s)
{
	struct judge_settings now = *s;

	now.observe_sec = 0;
	now.canary_sec = 0;
	now.hold_out = 0;
	now.approve = 0;
	return now;
}

/* ---- the round ---- */

static void round_clear(struct round *r)
{
	free(r->parties);
	free(r->names);
	free(r->wide.list);
	free(r->lone.list);
	entries_free(r->people);
	entries_free(r->kept);
	entries_free(r->covering);
	impact_view_clear(&r->view);
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

int candidates_add(struct candidates *c, const struct candidate *more)
{
	size_t room = c->room ? c->room * 2 : 64;
	struct candidate *list;

	if (c->n == c->room) {
		list = reallocarray(c->list, room, sizeof(*list));
		if (!list)
			return -ENOMEM;
		c->list = list;
		c->room = room;
	}
	c->list[c->n++] = *more;
	return 0;
}

static unsigned int source_len(const struct round *r, const struct prefix *p)
{
	return prefix_is_v4(p) ? V4_SOURCE : r->q->settings->v6_source;
}

bool round_is_wide(const struct round *r, const struct prefix *p)
{
	return p->len < source_len(r, p);
}

static int name_compare(const void *a, const void *b)
{
	const struct party_name *x = a, *y = b;

	return (x->campaign > y->campaign) - (x->campaign < y->campaign);
}

struct party *round_party(const struct round *r, uint32_t campaign)
{
	const struct party_name wanted = { .campaign = campaign };
	const struct party_name *name =
		bsearch(&wanted, r->names, r->n_parties - 1, sizeof(wanted), name_compare);

	return &r->parties[name ? name->at : r->n_parties - 1];
}

/* What the ladder does not know yet only watches. */
static void rank(const struct round *r, struct party *p)
{
	const struct standing *st = ladder_find(r->q->ladder, p->campaign->id);

	p->known = st;
	p->action = SEINE_WATCH;
	if (!st)
		return;
	p->rejected = st->order == ORDER_REJECTED;
	p->action = ladder_action(st, r->q->settings, &p->share);
}

static int prepare_parties(struct round *r)
{
	const struct campaigns *c = r->q->campaigns;

	r->n_parties = c->n + 1;
	r->parties = calloc(r->n_parties, sizeof(*r->parties));
	r->names = calloc(r->n_parties, sizeof(*r->names));
	if (!r->parties || !r->names)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		r->parties[i].campaign = &c->list[i];
		r->names[i] = (struct party_name){ c->list[i].id, (uint32_t)i };
		rank(r, &r->parties[i]);
	}
	qsort(r->names, c->n, sizeof(*r->names), name_compare);
	return 0;
}

static bool is_over(const struct round *r, const struct entry *e)
{
	return e->row.expires_sec && e->row.expires_sec <= r->q->now_sec;
}

static int prepare(struct round *r)
{
	const struct claims *claims = r->q->claims;
	int error;

	error = prepare_parties(r);
	if (error == 0)
		error = entries_new(1, &r->people);
	if (error == 0)
		error = entries_new(1, &r->kept);
	if (error == 0)
		error = entries_new(1, &r->covering);
	/* Claims come sorted, and people have one on a prefix. */
	for (size_t i = 0; i < claims->n && error == 0; i++) {
		const struct entry *e = &claims->list[i];

		if (claim_class(e->row.origin) == CLAIM_PEOPLE && !is_over(r, e))
			error = entries_append(r->people, e);
	}
	return error;
}

/* ---- time to live ---- */

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
	uint32_t now_sec = r->q->now_sec, max = r->q->settings->ttl_max_sec;
	uint32_t life = e->row.expires_sec - e->row.added_sec;
	uint32_t ttl = e->row.expires_sec - now_sec + life;

	if (e->row.expires_sec - now_sec > (life < max ? life : max) / 2)
		return;
	if (ttl > max)
		ttl = max;
	e->row.expires_sec = now_sec + ttl - jitter(&e->prefix, ttl);
}

/* ---- what is held ---- */

/* 1: refused, and recorded. */
static int refused_by_guard(struct round *r, const struct entry *e)
{
	const struct guarded *g = guards_refuse(r->q->guards, &e->prefix);
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

/* What the campaign's rung says, when the ladder knows it; else it goes on as it did. */
static void follow_rung(const struct party *p, struct entry *e)
{
	if (!p->known)
		return;
	e->row.action = p->action;
	e->row.share = p->share;
}

/* Held entries come sorted, and stay so. Those of a campaign that an operator has rejected go at
 * once. */
static int keep(struct round *r, const struct entry *held)
{
	struct party *p = round_party(r, held->row.campaign);
	struct candidate x = { .entry = *held, .party = p, .held = true };
	int refused;

	if (p->rejected)
		return 0;
	refused = refused_by_guard(r, held);
	if (refused)
		return refused < 0 ? refused : 0;
	follow_rung(p, &x.entry);
	return round_is_wide(r, &held->prefix) ? candidates_add(&r->wide, &x)
					       : entries_append(r->kept, &x.entry);
}

static int keep_held(struct round *r)
{
	const struct claims *claims = r->q->claims;
	int error = 0;

	for (size_t i = 0; i < claims->n && error == 0; i++) {
		const struct entry *e = &claims->list[i];

		if (claim_class(e->row.origin) == CLAIM_JUDGE && !is_over(r, e))
			error = keep(r, e);
	}
	r->wide_held = r->wide.n;
	return error;
}

static int candidate_compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return prefix_compare(&x->entry.prefix, &y->entry.prefix);
}

struct candidate *round_held_wide(const struct round *r, const struct prefix *p)
{
	const struct candidate wanted = { .entry.prefix = *p };

	if (!r->wide_held)
		return NULL;
	return bsearch(&wanted, r->wide.list, r->wide_held, sizeof(wanted), candidate_compare);
}

static struct entry *find_held(struct round *r, const struct prefix *p, struct candidate **ret)
{
	const struct entry *e;

	*ret = round_held_wide(r, p);
	if (*ret)
		return &(*ret)->entry;
	e = entries_find(r->kept, p);
	return e ? &r->kept->list[e - r->kept->list] : NULL;
}

bool round_hits(const struct round *r, const struct entry *wanted, const struct entry *e)
{
	const struct campaign *c = round_party(r, wanted->row.campaign)->campaign;

	if (e->row.action < wanted->row.action)
		return false;
	if (e->row.hello_key && (!c || e->row.hello_key != c->hello_key))
		return false;
	return !e->row.expires_sec ||
	       e->row.expires_sec - r->q->now_sec > r->q->settings->ttl_sec / 2;
}

/* Whom an entry of the campaign's own, or of one that is gone, is meant for may have changed since:
 * other software, or somebody else at the address. One that stands higher takes it over, too. */
static bool adopt(const struct round *r, const struct entry *wanted, struct entry *held)
{
	const struct campaign *owner = round_party(r, held->row.campaign)->campaign;

	if (owner && !owner->ended_sec && owner->id != wanted->row.campaign &&
	    held->row.action >= wanted->row.action)
		return false;
	held->row.hello_key = wanted->row.hello_key;
	held->row.campaign = wanted->row.campaign;
	held->row.action = wanted->row.action;
	held->row.share = wanted->row.share;
	memcpy(held->row.note, wanted->row.note, sizeof(held->row.note));
	return true;
}

/* Is it held already? Then it is renewed. */
static bool is_held(struct round *r, struct party *p, const struct entry *wanted)
{
	struct candidate *x;
	struct entry *held = find_held(r, &wanted->prefix, &x);

	if (!held)
		return false;
	if (adopt(r, wanted, held) && x)
		x->party = p;
	renew(r, held);
	return true;
}

/* ---- what is wanted ---- */

static struct entry automatic_entry(const struct round *r, const struct party *p,
				    const struct prefix *prefix, bool alone)
{
	const struct judge_settings *s = r->q->settings;
	uint32_t now_sec = r->q->now_sec;
	uint32_t ttl = reentries_ttl(r->q->reentries, prefix, s->ttl_sec, s->ttl_max_sec, now_sec);
	struct entry e = { .prefix = *prefix };

	e.row = (struct seine_entry){
		.hello_key = alone ? 0 : p->campaign->hello_key,
		.action = p->action,
		.share = p->share,
		.origin = SEINE_AUTO,
		.actor = SEINE_NO_ACTOR,
		.added_sec = now_sec,
		.expires_sec = now_sec + ttl - jitter(prefix, ttl),
		.campaign = p->campaign->id,
	};
	snprintf(e.row.note, sizeof(e.row.note), "c-%04x proxy swarm", p->campaign->id);
	return e;
}

/* Does an entry of people speak of some of the same packets? Then it decides, whatever it says. */
static bool decided_by_people(const struct round *r, struct party *p, const struct entry *wanted)
{
	struct prefix inner = wanted->prefix;
	const struct entry *e;

	while ((e = entries_match(r->people, &inner))) {
		if (!e->row.hello_key || !wanted->row.hello_key ||
		    e->row.hello_key == wanted->row.hello_key) {
			if (!p->decided++)
				p->first_decided = wanted->prefix;
			return true;
		}
		if (!e->prefix.len)
			break;
		inner = prefix_parent(&e->prefix, e->prefix.len - 1u);
	}
	return false;
}

static bool is_covered(const struct round *r, const struct entry *wanted)
{
	const struct entry *e = entries_match(r->covering, &wanted->prefix);

	return e && round_hits(r, wanted, e);
}

static int want(struct round *r, struct party *p, const struct prefix *prefix, bool alone,
		struct candidates *to)
{
	struct candidate x = { .entry = automatic_entry(r, p, prefix, alone), .party = p };
	int refused;

	if (decided_by_people(r, p, &x.entry) || is_held(r, p, &x.entry) || is_covered(r, &x.entry))
		return 0;
	refused = refused_by_guard(r, &x.entry);
	if (refused)
		return refused < 0 ? refused : 0;
	return candidates_add(to, &x);
}

/* A company's own proxies, perhaps: then only what lies outside of its networks is acted on, where
 * that alone would be a swarm. */
static bool confined(const struct campaign *c, const struct judge_settings *s)
{
	return c->networks < s->networks_min && !c->seeds;
}

bool judge_spares(const struct campaign *c, const struct judge_settings *s)
{
	return confined(c, s) &&
	       (c->scattered < SCATTERED_MIN || c->scattered_networks < s->networks_min);
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

static int want_prefixes(struct round *r, struct party *p)
{
	const struct campaign *c = p->campaign;
	int error = 0;

	for (size_t i = 0; i < c->n_prefixes && error == 0; i++) {
		const struct net_finding *net = &c->prefixes[i];

		if (!round_is_wide(r, &net->prefix))
			continue; /* its member gets an entry anyway */
		if (!confined(c, r->q->settings) || !holds_huddled(c, &net->prefix))
			error = want(r, p, &net->prefix, net->alone, &r->wide);
	}
	return error;
}

/* Members of a prefix that was taken are covered by it; all others get an entry of their own. */
static int want_members(struct round *r, struct party *p)
{
	const struct campaign *c = p->campaign;
	struct prefix address;
	int error = 0;

	for (size_t i = 0; i < c->n_members && error == 0; i++) {
		if (confined(c, r->q->settings) && c->members[i].huddled)
			continue;
		address = prefix_of(c->members[i].source, 128);
		address = prefix_of(c->members[i].source, source_len(r, &address));
		error = want(r, p, &address, c->members[i].alone, &r->lone);
	}
	return error;
}

static bool wants_entries(const struct round *r, const struct party *p)
{
	const struct campaign *c = p->campaign;

	return c && !c->ended_sec && !p->rejected && !judge_spares(c, r->q->settings);
}

static int want_all(struct round *r, int (*want_some)(struct round *r, struct party *p))
{
	int error = 0;

	for (size_t i = 0; i < r->n_parties && error == 0; i++)
		if (wants_entries(r, &r->parties[i]))
			error = want_some(r, &r->parties[i]);
	return error;
}

/* Why a campaign as a whole gets no entries, or not all it might have. */
static int record_party(struct round *r, const struct party *p)
{
	const struct campaign *c = p->campaign;
	struct prefix first;

	if (!c || c->ended_sec || !c->n_members)
		return 0;
	first = prefix_of(c->members[0].source, 128);
	if (p->rejected)
		return round_refuse(r, &first, c->id, "an operator has rejected the campaign");
	if (judge_spares(c, r->q->settings))
		return round_refuse(r, &first, c->id,
				    "keeps to %.1f networks, a company's own perhaps; at least %u",
				    c->networks, r->q->settings->networks_min);
	if (p->decided)
		return round_refuse(r, &p->first_decided, c->id,
				    "an operator's entry decides, here and for %zu more",
				    p->decided - 1);
	return 0;
}

/* ---- the outcome ---- */

/* Two campaigns may have a member in common: the one that stands higher has the entry. */
static void settle(struct entries *e)
{
	size_t n = 0;

	entries_sort(e);
	for (size_t i = 0; i < e->n; i++) {
		const struct entry *x = &e->list[i];
		struct entry *last = n ? &e->list[n - 1] : NULL;

		if (!last || prefix_compare(&last->prefix, &x->prefix))
			e->list[n++] = *x;
		else if (x->row.action > last->row.action || (x->row.action == last->row.action &&
							      x->row.campaign < last->row.campaign))
			*last = *x;
	}
	e->n = n;
}

static int finish(struct round *r, struct judgement **ret)
{
	int error = 0;

	for (size_t i = 0; i < r->n_parties && error == 0; i++)
		error = record_party(r, &r->parties[i]);
	for (size_t i = 0; i < r->covering->n && error == 0; i++)
		error = entries_append(r->kept, &r->covering->list[i]);
	for (size_t i = 0; i < r->lone.n && error == 0; i++)
		error = entries_append(r->kept, &r->lone.list[i].entry);
	if (error < 0)
		return error;
	settle(r->kept);
	r->j->automatic = take_ptr(r->kept);
	*ret = take_ptr(r->j);
	return 0;
}

int judge_round(const struct judge_question *q, struct judgement **ret)
{
	_cleanup_(round_clear) struct round r = { .q = q, .j = calloc(1, sizeof(*r.j)) };
	int error;

	if (!r.j)
		return -ENOMEM;
	error = prepare(&r);
	if (error == 0)
		error = keep_held(&r);
	if (error == 0)
		error = want_all(&r, want_prefixes);
	if (error == 0)
		error = budget_covering(&r);
	if (error == 0)
		error = want_all(&r, want_members);
	if (error == 0)
		error = budget_entries(&r);
	return error < 0 ? error : finish(&r, ret);
}
