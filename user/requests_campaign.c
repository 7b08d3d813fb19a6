/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `campaign`: what was found in the last round, who belongs to it, and why.
 */
#include <errno.h>
#include <inttypes.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/requests.h"

static const char *const side_names[] = {
	[SIDE_FOR] = "for",
	[SIDE_AGAINST] = "against",
	[SIDE_EFFECT] = "effect",
};

/* Entries that stand for the campaign now. */
static size_t entries_of(const struct agent *a, uint32_t campaign)
{
	size_t n = 0;

	for (size_t i = 0; a->entries && i < a->entries->n; i++)
		n += a->entries->list[i].row.campaign == campaign;
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

static json_t *summary(const struct agent *a, const struct campaign *c, const struct moment *m)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:f, s:f, s:f, s:o, "
			 "s:o, s:o}",
			 "id", answer_campaign(c->id), "members", (json_int_t)c->n_members,
			 "requests", (json_int_t)c->requests, "sources", (json_int_t)c->sources,
			 "shared", (json_int_t)c->shared, "prefixes", (json_int_t)c->n_prefixes,
			 "entries", (json_int_t)entries_of(a, c->id), "hello",
			 answer_key(c->hello_key), "hello_name", json_hello_name(a, c->hello_key),
			 "gap", gap_name(c->gap), "gap_low_ms", c->gap_low_ms, "gap_high_ms",
			 c->gap_high_ms, "q", c->q_value, "evidence", families_that_hold(c),
			 "first", json_time(m, c->first_sec), "last", json_time(m, c->last_sec));
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
	for (size_t i = 0; a->mind->campaigns && i < a->mind->campaigns->n; i++)
		json_array_append_new(list, summary(a, &a->mind->campaigns->list[i], m));
	ret->head = answer_new("campaigns");
	json_object_set_new(ret->head, "sources",
			    json_integer(a->mind->campaigns ? a->mind->campaigns->sources : 0));
	json_object_set_new(ret->head, "cohorts",
			    json_integer(a->mind->campaigns ? a->mind->campaigns->cohorts : 0));
	json_object_set_new(ret->head, "campaigns", list);
	return 0;
}

static int find(const struct agent *a, const json_t *request, char *why,
		const struct campaign **ret, uint32_t *ret_limit)
{
	const struct campaign *c = NULL;
	uint32_t id, limit;
	int r;

	r = request_campaign(request, why, &id, &limit);
	if (r < 0)
		return r;
	if (a->mind->campaigns)
		c = campaigns_find(a->mind->campaigns, id);
	if (!c)
		return request_fail(-ENOENT, why, "c-%04" PRIx32 ": no such campaign in this round",
				    id);

	*ret = c;
	*ret_limit = limit;
	return 0;
}

static json_t *member_row(const struct agent *a, const void *row, const struct moment *m)
{
	const struct member *member = row;

	(void)a;
	(void)m;
	return json_pack("{s:o, s:I, s:f, s:f, s:f}", "source", answer_address(member->source),
			 "requests", (json_int_t)member->requests, "gap_ms", (double)member->gap_ms,
			 "lfdr", member->lfdr, "log10_e", member->log10_e);
}

/* The first `limit`, by address. */
static int put_members(const struct agent *a, const struct moment *m, const struct campaign *c,
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
	const struct campaign *c;
	uint32_t limit;
	int r;

	r = find(a, request, why, &c, &limit);
	if (r < 0)
		return r;
	ret->head = answer_new("campaign");
	json_object_set_new(ret->head, "campaign", summary(a, c, m));
	json_object_set_new(ret->head, "prefixes", prefixes(c));
	return put_members(a, m, c, limit, ret);
}

static json_t *evidence(const struct campaign *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < FAMILY_MAX; i++) {
		const struct evidence *e = &c->evidence[i];

		json_array_append_new(
			list, json_pack("{s:s, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "family",
					family_name(i), "holds", e->holds, "p", e->p, "observed",
					e->observed, "of", e->of, "expected", e->expected,
					"baseline", e->baseline, "p_without", c->p_without[i],
					"stands_without", c->stands_without[i]));
	}
	return list;
}

static json_t *sentences(const struct campaign *c)
{
	struct sentence all[SENTENCES_MAX];
	size_t n = campaign_explain(c, all);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:o}", "side", side_names[all[i].side],
						"text", answer_text(all[i].text, SENTENCE_SIZE)));
	return list;
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

int request_campaign_explain(struct agent *a, const json_t *request, const struct moment *m,
			     char *why, struct answer *ret)
{
	const struct campaign *c;
	uint32_t limit;
	int r;

	r = find(a, request, why, &c, &limit);
	if (r < 0)
		return r;
	ret->head = answer_new("explanation");
	json_object_set_new(ret->head, "campaign", summary(a, c, m));
	json_object_set_new(ret->head, "p_combined", json_real(c->p_combined));
	json_object_set_new(ret->head, "lfdr_max", json_real(c->lfdr_max));
	json_object_set_new(ret->head, "evidence", evidence(c));
	json_object_set_new(ret->head, "sentences", sentences(c));
	json_object_set_new(ret->head, "refusals", refusals(a, c->id));
	return 0;
}
