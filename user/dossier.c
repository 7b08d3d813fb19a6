/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written about a campaign, and when.
 */
#include "user/dossier.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/control/answer.h"
#include "user/control/request.h"

#define GROWN 1.5 /* times as many members as in the last dossier make a new one */

/* ---- in a line ---- */

/* Entries that stand for the campaign now. */
static size_t entries_of(const struct entries *e, uint32_t campaign)
{
	size_t n = 0;

	for (size_t i = 0; e && i < e->n; i++)
		n += e->list[i].row.campaign == campaign;
	return n;
}

static json_t *families_that_hold(const struct campaign *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FAMILY_MAX; i++)
		if (c->evidence[i].holds)
			json_array_append_new(list, json_string(family_name(i)));
	return list;
}

/* When each window last found it; null: it never did. */
static json_t *windows(const struct campaign *c, const struct moment *m)
{
	json_t *o = json_object();

	for (size_t i = 0; i < WINDOWS; i++)
		json_object_set_new(o, window_name(i), json_time(m, c->seen_sec[i]));
	return o;
}

static uint32_t replaced_by(const struct agent *a, const struct campaign *c)
{
	const struct campaigns *all = a->mind->campaigns;

	for (size_t i = 0; all && i < all->n; i++)
		if (all->list[i].replaces == c->id)
			return all->list[i].id;
	return 0;
}

/* Rates are requests in day_sec. */
static json_t *life(const struct agent *a, const struct campaign *c, const struct moment *m)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:f, s:f, s:f, s:f, s:o, s:o}",
			 "first", json_time(m, c->first_sec), "last", json_time(m, c->last_sec),
			 "ended", json_time(m, c->ended_sec), "windows", windows(c, m),
			 "members_max", (json_int_t)c->members_max, "grown_from",
			 (json_int_t)c->grown_from, "grown", json_time(m, c->grown_sec), "day_sec",
			 (json_int_t)a->conf.shoal.day_sec, "rate", c->rate, "rate_max",
			 c->rate_max, "awake", c->awake, "awake_expected", c->awake_expected,
			 "replaces", answer_campaign(c->replaces), "replaced_by",
			 answer_campaign(replaced_by(a, c)));
}

json_t *json_campaign(struct agent *a, const struct campaign *c, const struct moment *m)
{
	_cleanup_(json_decrefp) json_t *more = life(a, c, m);
	json_t *o = json_pack(
		"{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:f, s:f, s:f, "
		"s:o}",
		"id", answer_campaign(c->id), "members", (json_int_t)c->n_members, "found",
		(json_int_t)c->found, "requests", (json_int_t)c->requests, "sources",
		(json_int_t)c->sources, "shared", (json_int_t)c->shared, "idle",
		(json_int_t)c->idle, "seeds", (json_int_t)c->seeds, "prefixes",
		(json_int_t)c->n_prefixes, "entries", (json_int_t)entries_of(a->entries, c->id),
		"hello", answer_key(c->hello_key), "hello_name", json_hello_name(a, c->hello_key),
		"gap", gap_name(c->gap), "gap_low_ms", c->gap_low_ms, "gap_high_ms", c->gap_high_ms,
		"q", c->q_value, "evidence", families_that_hold(c));

	json_object_set_new(o, "fleeting", json_integer(c->fleeting));
	json_object_set_new(o, "networks", json_real(c->networks));
	json_object_set_new(o, "standing", json_standing(a, c->id, m));
	json_object_update(o, more);
	return o;
}

/* ---- in full ---- */

static const char *const side_names[] = {
	[SIDE_FOR] = "for",	  [SIDE_AGAINST] = "against", [SIDE_WITHOUT] = "without",
	[SIDE_EFFECT] = "effect", [SIDE_LIFE] = "life",
};

static json_t *evidence(const struct campaign *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FAMILY_MAX; i++) {
		const struct evidence *e = &c->evidence[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:b, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "family",
				  family_name(i), "asked", evidence_asked(c, i), "holds", e->holds,
				  "p", e->p, "observed", e->observed, "of", e->of, "expected",
				  e->expected, "baseline", e->baseline, "p_without",
				  c->p_without[i], "stands_without", c->stands_without[i]));
	}
	return list;
}

json_t *json_sentences(const struct sentence *list, size_t n)
{
	json_t *o = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(o,
				      json_pack("{s:s, s:o}", "side", side_names[list[i].side],
						"text", answer_text(list[i].text, SENTENCE_SIZE)));
	return o;
}

static json_t *sentences(const struct agent *a, const struct campaign *c, const struct moment *m)
{
	const struct backdrop b = {
		.now_sec = m->now_sec,
		.day_sec = a->conf.shoal.day_sec,
		.sources = a->mind->n,
		.all = a->mind->campaigns,
	};
	struct sentence all[SENTENCES_MAX];

	return json_sentences(all, campaign_explain(c, &b, all));
}

/* What the judge would not do about it, with the rule that forbade it. */
static json_t *refusals(const struct agent *a, uint32_t campaign)
{
	json_t *list = json_array();

	for (size_t i = 0; a->mind->judgement && i < a->mind->judgement->n_refusals; i++) {
		const struct refusal *refusal = &a->mind->judgement->refusals[i];

		if (refusal->campaign != campaign)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:o, s:o}", "prefix", answer_prefix(&refusal->prefix), "reason",
				  answer_text(refusal->reason, sizeof(refusal->reason))));
	}
	return list;
}

static double innocents(const struct campaign *c)
{
	double sum = 0;

	for (size_t i = 0; i < c->n_members; i++)
		sum += c->members[i].lfdr;
	return sum;
}

/* How many members and others the prefixes would cover. */
static json_t *coverage(const struct campaign *c)
{
	json_int_t members = 0, outsiders = 0;

	for (size_t i = 0; i < c->n_prefixes; i++) {
		members += c->prefixes[i].members;
		outsiders += c->prefixes[i].outsiders;
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "prefixes",
			 (json_int_t)c->n_prefixes, "members", members, "outsiders", outsiders,
			 "alone", (json_int_t)c->n_members - members, "spared", "thin",
			 (json_int_t)c->refused[NET_SPARSE], "impure",
			 (json_int_t)c->refused[NET_IMPURE], "known",
			 (json_int_t)c->refused[NET_KNOWN], "shared",
			 (json_int_t)c->refused[NET_SHARED]);
}

json_t *json_explanation(struct agent *a, const struct campaign *c, const struct moment *m)
{
	json_t *o = answer_new("explanation");

	json_object_set_new(o, "campaign", json_campaign(a, c, m));
	json_object_set_new(o, "p_combined", json_real(c->p_combined));
	json_object_set_new(o, "stands_without_any", json_boolean(campaign_stands(c)));
	json_object_set_new(o, "lfdr_max", json_real(c->lfdr_max));
	json_object_set_new(o, "innocents", json_real(innocents(c)));
	json_object_set_new(o, "all_sources", json_integer((json_int_t)a->mind->n));
	json_object_set_new(o, "coverage", coverage(c));
	json_object_set_new(o, "evidence", evidence(c));
	json_object_set_new(o, "sentences", sentences(a, c, m));
	json_object_set_new(o, "refusals", refusals(a, c->id));
	return o;
}

/* ---- dossiers ---- */

static struct dossier_mark *mark_of(struct agent *a, uint32_t campaign)
{
	for (size_t i = 0; i < a->n_marks; i++)
		if (a->marks[i].campaign == campaign)
			return &a->marks[i];
	return NULL;
}

/* Campaigns whose entries do more than watch; a campaign's name has 16 bits. */
struct wanted {
	uint64_t bits[(UINT16_MAX + 1) / 64];
};

static void find_wanted(const struct agent *a, struct wanted *ret)
{
	const struct entries *e = a->mind->judgement ? a->mind->judgement->automatic : NULL;

	*ret = (struct wanted){ 0 };
	for (size_t i = 0; e && i < e->n; i++) {
		uint16_t id = (uint16_t)e->list[i].row.campaign;

		if (e->list[i].row.action != SEINE_WATCH)
			ret->bits[id / 64] |= 1ull << id % 64;
	}
}

static bool is_wanted(const struct wanted *w, uint32_t campaign)
{
	uint16_t id = (uint16_t)campaign;

	return w->bits[id / 64] >> id % 64 & 1;
}

/* What to call the dossier that is due; NULL: none is. */
static const char *due(const struct wanted *w, const struct campaign *c, struct dossier_mark *mark)
{
	if (c->ended_sec) {
		if (mark->ended)
			return NULL;
		mark->ended = true;
		mark->acted = false;
		return "ended";
	}
	if (mark->ended) {
		mark->ended = false;
		mark->members = c->n_members;
		return "found";
	}
	if (!mark->acted && is_wanted(w, c->id)) {
		mark->acted = true;
		return "acted";
	}
	if (c->n_members <= mark->members || (double)c->n_members < GROWN * (double)mark->members)
		return NULL;
	mark->members = c->n_members;
	return "grown";
}

static int put(struct agent *a, const struct campaign *c, const char *event, bool anew,
	       const struct moment *m)
{
	_cleanup_(json_decrefp) json_t *o = json_explanation(a, c, m);
	_cleanup_(freep) char *text = NULL;
	struct dossier d = { .unix_sec = m->unix_sec };
	int r = -ENOMEM;

	text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(ANSWER_DIGITS));
	snprintf(d.event, sizeof(d.event), "%s", event);
	d.json = text;
	if (text)
		r = history_put_dossier(a->history, c->id, &d, anew);
	if (r < 0 && !a->marks_stuck)
		log_warning("campaign c-%04" PRIx32 ": what was known when it was %s cannot be "
			    "written: %s; tried again",
			    c->id, event, strerror(-r));
	a->marks_stuck = r < 0;
	return r;
}

/* A campaign that is met for the first time: new, or remembered from before a restart. */
static struct dossier_mark meet(const struct wanted *w, const struct campaign *c, bool fresh)
{
	return (struct dossier_mark){
		.campaign = c->id,
		.members = c->n_members,
		.acted = !fresh && is_wanted(w, c->id),
		.ended = fresh || c->ended_sec,
		.fresh = fresh,
	};
}

/* One mark for each campaign, and none for those that are forgotten. */
static int renew_marks(struct agent *a, const struct wanted *w)
{
	const struct campaigns *all = a->mind->campaigns;
	struct dossier_mark *marks = calloc(all->n + 1, sizeof(*marks));
	const struct dossier_mark *old;

	if (!marks)
		return -ENOMEM;
	for (size_t i = 0; i < all->n; i++) {
		const struct campaign *c = &all->list[i];

		old = mark_of(a, c->id);
		marks[i] = old ? *old : meet(w, c, c->first_sec >= a->started_sec && !c->ended_sec);
	}
	free(a->marks);
	a->marks = marks;
	a->n_marks = all->n;
	return 0;
}

/* A mark moves on when what it stands for is written. */
static int keep(struct agent *a, const struct wanted *w, size_t i, const struct moment *m)
{
	const struct campaign *c = &a->mind->campaigns->list[i];
	struct dossier_mark next = a->marks[i];
	const char *event;
	int r = 0;

	while (r == 0 && (event = due(w, c, &next))) {
		r = put(a, c, event, next.fresh, m);
		if (r < 0)
			break;
		next.fresh = false;
		a->marks[i] = next;
	}
	return r;
}

void dossiers_keep(struct agent *a, const struct moment *m)
{
	const struct campaigns *all = a->mind->campaigns;
	struct wanted wanted;

	if (!a->history || !all)
		return;
	find_wanted(a, &wanted);
	if (renew_marks(a, &wanted) < 0)
		return;
	for (size_t i = 0; i < all->n; i++)
		if (keep(a, &wanted, i, m) < 0)
			break;
}
