/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `campaign`: what was found, who belongs to it, and why; what was known of it earlier.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/dossier.h"
#include "user/requests.h"

/* Those that live, or those that have ended. */
static void list_those(struct agent *a, const struct moment *m, bool ended, json_t *list)
{
	const struct campaigns *all = a->mind->campaigns;

	for (size_t i = 0; all && i < all->n; i++)
		if (!all->list[i].ended_sec == !ended)
			json_array_append_new(list, json_campaign(a, &all->list[i], m));
}

int request_campaign_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret)
{
	json_t *list;
	int r;

	r = request_nothing(request, why);
	if (r < 0)
		return r;
	list = json_array();
	list_those(a, m, false, list);
	list_those(a, m, true, list);
	ret->head = answer_new("campaigns");
	json_object_set_new(ret->head, "sources",
			    json_integer(a->mind->campaigns ? a->mind->campaigns->sources : 0));
	json_object_set_new(ret->head, "cohorts",
			    json_integer(a->mind->campaigns ? a->mind->campaigns->cohorts : 0));
	json_object_set_new(ret->head, "campaigns", list);
	return 0;
}

static int unknown(uint32_t id, char *why)
{
	return request_fail(-ENOENT, why, "c-%04" PRIx32 ": no such campaign", id);
}

static int find(const struct agent *a, uint32_t id, char *why, const struct campaign **ret)
{
	const struct campaign *c = campaigns_find(a->mind->campaigns, id);

	if (!c)
		return unknown(id, why);
	*ret = c;
	return 0;
}

static json_t *member_row(struct agent *a, const void *row, const struct moment *m)
{
	const struct member *member = row;

	(void)a;
	return json_pack("{s:o, s:I, s:f, s:f, s:f, s:b, s:o}", "source",
			 answer_address(member->source), "requests", (json_int_t)member->requests,
			 "gap_ms", (double)member->gap_ms, "lfdr", member->lfdr, "log10_e",
			 member->log10_e, "seed", member->seed, "joined",
			 json_time(m, member->joined_sec));
}

/* The first `limit`, by address. */
static int put_members(struct agent *a, const struct moment *m, const struct campaign *c,
		       size_t limit, struct answer *ret)
{
	size_t n = c->n_members < limit ? c->n_members : limit;
	_cleanup_(freep) const void **rows = calloc(n + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rows[i] = &c->members[i];
	return request_put_rows(a, m, "members", rows, n, sizeof(*c->members), member_row, ret);
}

static json_t *prefixes(const struct campaign *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_prefixes; i++) {
		const struct net_finding *f = &c->prefixes[i];

		json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:I, s:f}", "prefix",
						      answer_prefix(&f->prefix), "outsiders",
						      (json_int_t)f->outsiders, "members",
						      (json_int_t)f->members, "sources",
						      (json_int_t)f->sources, "purity", f->purity));
	}
	return list;
}

int request_campaign_show(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret)
{
	const struct campaign *c = NULL;
	uint32_t id, limit;
	int r;

	r = request_campaign(request, why, &id, &limit);
	if (r == 0)
		r = find(a, id, why, &c);
	if (r < 0)
		return r;
	ret->head = answer_new("campaign");
	json_object_set_new(ret->head, "campaign", json_campaign(a, c, m));
	json_object_set_new(ret->head, "prefixes", prefixes(c));
	return put_members(a, m, c, limit, ret);
}

/* ---- what was known of it ---- */

struct dossiers {
	json_t *(*show)(const struct dossier *d, json_t *known);
	json_t *list;
};

/* A dossier that cannot be read is passed over. */
static int collect(const struct dossier *d, void *arg)
{
	_cleanup_(json_decrefp) json_t *known = json_loads(d->json, JSON_REJECT_DUPLICATES, NULL);
	struct dossiers *all = arg;

	if (json_is_object(known))
		json_array_append_new(all->list, all->show(d, known));
	return 0;
}

/* As it was then, and when that was. */
static json_t *whole(const struct dossier *d, json_t *known)
{
	json_object_set_new(known, "dossier",
			    json_pack("{s:I, s:o}", "time", (json_int_t)d->unix_sec, "event",
				      answer_text(d->event, sizeof(d->event))));
	return json_incref(known);
}

static json_t *line(const struct dossier *d, json_t *known)
{
	const json_t *c = json_object_get(known, "campaign");

	return json_pack("{s:I, s:o, s:O?, s:O?, s:O?, s:O?}", "time", (json_int_t)d->unix_sec,
			 "event", answer_text(d->event, sizeof(d->event)), "members",
			 json_object_get(c, "members"), "rate", json_object_get(c, "rate"), "q",
			 json_object_get(c, "q"), "evidence", json_object_get(c, "evidence"));
}

/* Newest first. */
static int recall(const struct agent *a, uint32_t id, size_t limit, struct dossiers *all, char *why)
{
	int r;

	all->list = json_array();
	if (!a->history)
		return 0;
	r = history_dossiers(a->history, id, limit, collect, all);
	return r < 0 ? request_fail(r, why, "history: %s", strerror(-r)) : 0;
}

static int explain_past(const struct agent *a, uint32_t id, char *why, struct answer *ret)
{
	struct dossiers all = { .show = whole };
	_cleanup_(json_decrefp) json_t *list = NULL;
	int r;

	r = recall(a, id, 1, &all, why);
	list = all.list;
	if (r < 0)
		return r;
	if (!json_array_size(list))
		return unknown(id, why);
	ret->head = json_incref(json_array_get(list, 0));
	return 0;
}

int request_campaign_explain(struct agent *a, const json_t *request, const struct moment *m,
			     char *why, struct answer *ret)
{
	const struct campaign *c = NULL;
	uint32_t id, limit;
	int r;

	r = request_campaign(request, why, &id, &limit);
	if (r < 0)
		return r;
	c = campaigns_find(a->mind->campaigns, id);
	if (!c)
		return explain_past(a, id, why, ret);
	ret->head = json_explanation(a, c, m);
	return 0;
}

int request_campaign_history(struct agent *a, const json_t *request, const struct moment *m,
			     char *why, struct answer *ret)
{
	struct dossiers all = { .show = line };
	_cleanup_(json_decrefp) json_t *list = NULL;
	uint32_t id, limit;
	int r;

	(void)m;
	r = request_campaign(request, why, &id, &limit);
	if (r == 0)
		r = recall(a, id, limit, &all, why);
	list = all.list;
	if (r < 0)
		return r;
	if (!json_array_size(list) && !campaigns_find(a->mind->campaigns, id))
		return unknown(id, why);
	ret->head = answer_new("campaign history");
	json_object_set_new(ret->head, "id", answer_campaign(id));
	json_object_set_new(ret->head, "kept", json_boolean(a->history));
	json_object_set_new(ret->head, "dossiers", take_ptr(list));
	return 0;
}
