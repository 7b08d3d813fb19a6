/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From verb to handler, who may ask, and the verbs that need no file of their own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "user/allowdir.h"
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/judge/impact.h"
#include "user/ledger.h"
#include "user/requests.h"
#include "user/version.h"

_Static_assert(REQUEST_WHY >= DATAPATH_WHY, "the agent's functions write into our `why`");

int request_fail(int r, char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, REQUEST_WHY, format, ap);
	va_end(ap);
	return r;
}

static int answer_mode(struct agent *a, char *why, struct answer *ret)
{
	json_t *answer = answer_new("mode");
	bool off;
	int r;

	r = datapath_switched_off(a->datapath, &off);
	if (r < 0)
		return request_fail(r, why, "kill switch: %s", strerror(-r));
	json_object_set_new(answer, "mode", json_string(mode_name(a->conf.cfg.mode)));
	json_object_set_new(answer, "off", json_boolean(off));
	ret->head = answer;
	return 0;
}

static int mode(struct agent *a, const json_t *request, const struct moment *m, char *why,
		struct answer *ret)
{
	int r = request_nothing(request, why);

	(void)m;
	return r < 0 ? r : answer_mode(a, why, ret);
}

static int mode_set(struct agent *a, const json_t *request, const struct moment *m, char *why,
		    struct answer *ret)
{
	enum seine_mode wanted;
	int r;

	r = request_mode(request, why, &wanted);
	if (r == 0)
		r = agent_set_mode(a, wanted, m, why);
	return r < 0 ? r : answer_mode(a, why, ret);
}

static int switch_to(struct agent *a, const json_t *request, bool off, const struct moment *m,
		     char *why, struct answer *ret)
{
	int r;

	r = request_nothing(request, why);
	if (r == 0)
		r = agent_switch_off(a, off, m, why);
	return r < 0 ? r : answer_mode(a, why, ret);
}

static int off(struct agent *a, const json_t *request, const struct moment *m, char *why,
	       struct answer *ret)
{
	return switch_to(a, request, true, m, why, ret);
}

static int on(struct agent *a, const json_t *request, const struct moment *m, char *why,
	      struct answer *ret)
{
	return switch_to(a, request, false, m, why, ret);
}

static int version(struct agent *a, const json_t *request, const struct moment *m, char *why,
		   struct answer *ret)
{
	int r = request_nothing(request, why);

	(void)a;
	(void)m;
	if (r < 0)
		return r;
	ret->head = answer_new("version");
	json_object_set_new(ret->head, "version", json_string(SEINE_VERSION));
	json_object_set_new(ret->head, "abi", json_integer(SEINE_ABI));
	return 0;
}

static const struct {
	const char *verb;
	enum control_right needs;
	request_fn handle;
} table[] = {
	{ "status", CONTROL_READ, request_status },
	{ "src", CONTROL_READ, request_src },
	{ "source", CONTROL_READ, request_source },
	{ "net", CONTROL_READ, request_net },
	{ "campaign list", CONTROL_READ, request_campaign_list },
	{ "campaign show", CONTROL_READ, request_campaign_show },
	{ "campaign explain", CONTROL_READ, request_campaign_explain },
	{ "campaign history", CONTROL_READ, request_campaign_history },
	{ "campaign seed", CONTROL_CHANGE, request_campaign_seed },
	{ "campaign seeds", CONTROL_READ, request_campaign_seeds },
	{ "campaign unseed", CONTROL_CHANGE, request_campaign_unseed },
	{ "campaign approve", CONTROL_CHANGE, request_campaign_approve },
	{ "campaign pause", CONTROL_CHANGE, request_campaign_pause },
	{ "campaign reject", CONTROL_CHANGE, request_campaign_reject },
	{ "check", CONTROL_READ, request_check },
	{ "drop list", CONTROL_READ, request_drop_list },
	{ "drop add", CONTROL_CHANGE, request_drop_add },
	{ "drop del", CONTROL_CHANGE, request_drop_del },
	{ "drop conflicts", CONTROL_READ, request_drop_conflicts },
	{ "drop watch", CONTROL_READ, request_drop_watch },
	{ "drop flush", CONTROL_CHANGE, request_drop_flush },
	{ "drop replace", CONTROL_CHANGE, request_drop_replace },
	{ "drop import", CONTROL_CHANGE, request_drop_import },
	{ "drop export", CONTROL_READ, request_drop_export },
	{ "apply", CONTROL_READ, request_trial_show },
	{ "apply begin", CONTROL_CHANGE, request_trial_begin },
	{ "apply confirm", CONTROL_CHANGE, request_trial_confirm },
	{ "apply revert", CONTROL_CHANGE, request_trial_revert },
	{ "log", CONTROL_READ, request_log },
	{ "log follow", CONTROL_READ, request_log_follow },
	{ "allow list", CONTROL_READ, request_allow_list },
	{ "allow add", CONTROL_CHANGE, request_allow_add },
	{ "allow del", CONTROL_CHANGE, request_allow_del },
	{ "hello list", CONTROL_READ, request_hello_list },
	{ "hello show", CONTROL_READ, request_hello_show },
	{ "hello name", CONTROL_CHANGE, request_hello_name },
	{ "connections", CONTROL_READ, request_connections },
	{ "mode", CONTROL_READ, mode },
	{ "mode set", CONTROL_CHANGE, mode_set },
	{ "off", CONTROL_CHANGE, off },
	{ "on", CONTROL_CHANGE, on },
	{ "version", CONTROL_READ, version },
};

bool requests_change(const json_t *request)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].verb, request_verb(request)) == 0)
			return table[i].needs == CONTROL_CHANGE && table[i].handle != off;
	return false;
}

struct moment moment_now(void)
{
	return (struct moment){ .now_sec = agent_now_sec(), .unix_sec = time(NULL) };
}

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (!len || strncmp(text, prefix, len) != 0 || strncmp(text + len, ": ", 2) != 0)
		return text;
	return text + len + 2;
}

/* Without what the audit says beside it. */
static const char *bare(const char *why, const char *object)
{
	return after(after(why, object), "refused");
}

/* What was asked for and not done is as much worth knowing. */
static void audit_failure(struct agent *a, const json_t *request, const struct moment *m, int error,
			  const char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	static const char *const named[] = { "prefix", "id", "name", "feed", "mode" };
	const char *object = NULL;

	auditing_begin(&x, a, m, request_verb(request));
	for (size_t i = 0; i < ARRAY_LEN(named) && !object; i++)
		object = json_string_value(json_object_get(request, named[i]));
	auditing_object(&x, object ? object : "");
	auditing_text(&x, "%s", why[0] ? bare(why, x.object) : strerror(-error));
	x.audit.result = error == -EPERM || error == -EACCES ? "refused" : "failed";
	(void)ledger_record(a, NULL, NULL, &x.audit);
}

static int handle(struct agent *a, const json_t *request, const struct moment *m, char *why,
		  struct answer *ret)
{
	const char *verb = request_verb(request);
	int r;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].verb, verb) != 0)
			continue;
		if (m->who->right < table[i].needs)
			r = request_fail(-EACCES, why,
					 "%s: changing takes root or membership in group %s", verb,
					 CONTROL_GROUP_CHANGE);
		else
			r = table[i].handle(a, request, m, why, ret);
		if (r < 0 && table[i].needs == CONTROL_CHANGE)
			audit_failure(a, request, m, r, why);
		return r;
	}
	return request_fail(-EINVAL, why, "%.40s: the agent knows no such verb", verb);
}

void requests_handle(void *agent, const struct control_peer *peer, const json_t *request,
		     struct answer *ret)
{
	struct moment m = moment_now();
	char why[REQUEST_WHY] = "";
	int r;

	m.who = peer;
	r = handle(agent, request, &m, why, ret);
	if (r < 0) {
		answer_clear(ret);
		ret->head = answer_error(answer_code_of_errno(r), why[0] ? why : strerror(-r));
	}
}

int request_follow(const struct agent *a, char *why)
{
	if (control_server_followers(a->server, 0) < CONTROL_FOLLOWERS)
		return 0;
	return request_fail(-EBUSY, why,
			    "%d clients follow something already, and more are not served",
			    CONTROL_FOLLOWERS);
}

int request_guarded(struct agent *a, const struct prefix *p, const struct moment *m, char *why)
{
	int r = agent_guard(a, m->now_sec);

	if (r < 0)
		return request_fail(r, why, "cannot tell what must not be dropped: %s",
				    strerror(-r));
	return agent_guarded(a, p, why) ? -EPERM : 0;
}

/* --- Rows ------------------------------------------------------------------------------------- */

struct rows {
	struct agent *agent;
	struct moment moment;
	json_row make;
	size_t size;
	_Alignas(max_align_t) char bytes[];
};

static json_t *make_row(void *arg, size_t i)
{
	const struct rows *rows = arg;

	return rows->make(rows->agent, rows->bytes + i * rows->size, &rows->moment);
}

int request_put_rows(struct agent *a, const struct moment *m, const char *member,
		     const void *const *rows, size_t n, size_t size, json_row make,
		     struct answer *ret)
{
	struct rows *copy = malloc(sizeof(*copy) + n * size);

	if (!copy)
		return -ENOMEM;
	*copy = (struct rows){ .agent = a, .moment = *m, .make = make, .size = size };
	for (size_t i = 0; i < n; i++)
		memcpy(copy->bytes + i * size, rows[i], size);

	ret->member = member;
	ret->n = n;
	ret->row = make_row;
	ret->rows = copy;
	return 0;
}

/* --- Parts that several answers show ---------------------------------------------------------- */

json_t *json_time(const struct moment *m, uint32_t sec)
{
	return sec ? json_integer(m->unix_sec + ((int64_t)sec - m->now_sec)) : json_null();
}

/* Null: never. What has just run out has 0 s left. */
static json_t *json_left(const struct moment *m, uint32_t expires_sec)
{
	if (!expires_sec)
		return json_null();
	return json_integer(expires_sec > m->now_sec ? expires_sec - m->now_sec : 0);
}

static json_t *json_hits(const struct agent *a, uint32_t slot, const struct moment *m)
{
	struct seine_hit hit;

	if (!slot || datapath_hits(a->datapath, slot, &hit) < 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:o}", "packets", (json_int_t)hit.packets, "bytes",
			 (json_int_t)hit.bytes, "syns", (json_int_t)hit.syns, "last",
			 json_time(m, hit.last_sec));
}

json_t *json_hello_name(const struct agent *a, uint64_t key)
{
	const char *name = agent_hello_name(a, key);

	return name ? answer_text(name, DICTIONARY_NAME) : json_null();
}

static json_t *json_actor(struct agent *a, const struct seine_entry *row)
{
	const char *actor = agent_actor(a, row);

	return actor ? answer_text(actor, STATE_NAME) : json_null();
}

json_t *json_entry(struct agent *a, const struct entry *e, const struct moment *m)
{
	const struct seine_entry *row = &e->row;

	return json_pack("{s:o, s:s, s:s, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o}",
			 "prefix", answer_prefix(&e->prefix), "action", action_name(row->action),
			 "origin", origin_name(row->origin), "actor", json_actor(a, row), "share",
			 (json_int_t)row->share, "rate_pps", (json_int_t)row->rate_pps, "burst",
			 (json_int_t)row->burst, "hello", answer_key(row->hello_key), "hello_name",
			 json_hello_name(a, row->hello_key), "campaign",
			 answer_campaign(row->campaign), "added", json_time(m, row->added_sec),
			 "expires", json_time(m, row->expires_sec), "left_sec",
			 json_left(m, row->expires_sec), "hits", json_hits(a, row->slot, m), "note",
			 answer_text(row->note, sizeof(row->note)));
}

json_t *json_allow(struct agent *a, const struct allow_entry *allow, const struct moment *m)
{
	const struct seine_allow *row = &allow->row;

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "prefix",
			 answer_prefix(&allow->prefix), "origin", origin_name(row->origin), "actor",
			 allowdir_owns(allow) || row->actor == SEINE_NO_ACTOR
				 ? json_null()
				 : json_string(agent_user(a, row->actor)),
			 "added", json_time(m, row->added_sec), "expires",
			 json_time(m, row->expires_sec), "left_sec", json_left(m, row->expires_sec),
			 "note", answer_text(row->note, sizeof(row->note)));
}

static json_t *json_maybe(const char *text)
{
	return text && *text ? answer_text(text, strlen(text) + 1) : json_null();
}

/* What was recorded as JSON comes back as such. */
static json_t *json_again(const char *text)
{
	json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	return value ? value : json_null();
}

json_t *json_event(const struct audit *row)
{
	json_t *event = answer_new("event");

	json_object_update_new(
		event, json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
				 "id", (json_int_t)row->id, "at", (json_int_t)row->at_unix, "actor",
				 json_maybe(row->actor), "uid",
				 row->uid == SEINE_NO_ACTOR ? json_null() : json_integer(row->uid),
				 "pid", row->pid ? json_integer(row->pid) : json_null(), "verb",
				 json_maybe(row->verb), "object", json_maybe(row->object), "result",
				 json_maybe(row->result), "text", json_maybe(row->text), "before",
				 json_again(row->before), "after", json_again(row->after),
				 "evidence", json_again(row->evidence)));
	return event;
}

/* Of all sources, or of the one that a single address means: that one is asked often. */
static int features_within(const struct agent *a, const struct entry *list, size_t n,
			   uint32_t now_sec, struct features **ret, size_t *ret_n)
{
	struct prefix source;
	struct features *f;

	if (n != 1 ||
	    list->prefix.len < (prefix_is_v4(&list->prefix) ? 128 : a->conf.judge.v6_source))
		return observations_features(a->mind->observations, WINDOW_DAY, now_sec, ret,
					     ret_n);
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	source = request_source_of(a, &list->prefix);
	*ret = f;
	*ret_n = observations_find(a->mind->observations, source.ip, WINDOW_DAY, now_sec, f) == 0;
	return 0;
}

int json_impact(struct agent *a, const struct entry *list, size_t n, const struct moment *m,
		json_t **ret)
{
	_cleanup_(impact_view_clear) struct impact_view view = { 0 };
	_cleanup_(freep) struct features *f = NULL;
	json_t *examples;
	struct impact i;
	size_t n_f = 0;
	int r;

	r = features_within(a, list, n, m->now_sec, &f, &n_f);
	if (r == 0)
		r = impact_view_new(a->mind->campaigns, f, n_f, a->conf.judge.v6_source, &view);
	if (r == 0)
		r = impact_of(&view, list, n, &i);
	if (r < 0)
		return r;
	examples = json_array();
	for (uint32_t k = 0; k < i.n_examples; k++)
		json_array_append_new(examples, answer_address(i.examples[k]));
	*ret = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "addresses_v4",
			 (json_int_t)i.addresses_v4, "networks_v6", (json_int_t)i.networks_v6,
			 "sources", (json_int_t)i.sources, "members", (json_int_t)i.members,
			 "honest_sources", (json_int_t)i.honest, "honest_requests",
			 (json_int_t)i.honest_requests, "honest", examples);
	return 0;
}
