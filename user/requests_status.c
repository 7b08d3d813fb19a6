/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `status`: one screen that says whether all is well.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/export/connection.h"
#include "user/requests.h"
#include "user/store/state.h"
#include "user/trial.h"
#include "user/version.h"

static json_t *interfaces(const struct agent *a)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < a->conf.n_interfaces; i++) {
		const char *name = a->conf.interfaces[i];
		enum datapath_xdp_mode mode;
		uint32_t id = 0;

		if (datapath_attached(a->datapath, name, &id, &mode) < 0)
			id = 0;
		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o}", "name", answer_text(name, IF_NAMESIZE),
					"program", id ? json_integer(id) : json_null(), "xdp",
					id ? json_string(mode == XDP_NATIVE ? "native" : "generic")
					   : json_null()));
	}
	return list;
}

static json_t *last_cycle(const struct agent *a, const struct moment *m)
{
	const struct cycle *c = &a->cycle;

	if (!c->number)
		return json_null();
	return json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:I}", "number", (json_int_t)c->number,
			 "at", json_time(m, c->at_sec), "age_sec",
			 (json_int_t)(m->now_sec - c->at_sec), "took_ms", (json_int_t)c->took_ms,
			 "added", (json_int_t)c->applied.added, "removed",
			 (json_int_t)c->applied.removed, "changed", (json_int_t)c->applied.changed);
}

/* `per_sec` is null until there are two harvests to compare. */
static json_t *counter(const struct agent *a, uint64_t total, uint64_t last, uint64_t before)
{
	double seconds = a->conf.interval_ms / 1e3;
	json_t *rate = json_null();

	if (a->cycle.number >= 2 && seconds > 0 && last >= before)
		rate = json_real((last - before) / seconds);
	return json_pack("{s:I, s:o}", "total", (json_int_t)total, "per_sec", rate);
}

static json_t *counters(const struct agent *a)
{
	struct seine_stats total = a->stats;
	json_t *object = json_object();

	/* On failure what the last harvest saw is shown, which is at most one interval old. */
	datapath_stats(a->datapath, &total);
#define X(name, text) \
	json_object_set_new(object, #name, \
			    counter(a, total.name, a->stats.name, a->stats_before.name));
	SEINE_COUNTERS(X)
#undef X
	return object;
}

static json_t *fill(size_t used, size_t size)
{
	return json_pack("{s:I, s:I}", "used", (json_int_t)used, "size", (json_int_t)size);
}

static size_t slots_used(const struct entries *e)
{
	size_t n = 0;

	for (size_t i = 0; e && i < e->n; i++)
		n += e->list[i].row.slot != 0;
	return n;
}

static json_t *tables(const struct agent *a)
{
	struct datapath_sizes sizes;
	_cleanup_(freep) struct allow_entry *allows = NULL;
	size_t n_allows = 0;

	if (datapath_allows(a->datapath, &allows, &n_allows) < 0)
		n_allows = 0;
	datapath_sizes(a->datapath, &sizes);
	return json_pack("{s:o, s:o, s:o, s:o}", "sources", fill(a->cycle.sources, sizes.sources),
			 "prefixes", fill(a->cycle.nets, sizes.nets), "hit_slots",
			 fill(slots_used(a->entries), sizes.hit_slots), "allow",
			 fill(n_allows, sizes.allows));
}

static json_t *entries_by_origin(const struct entries *e)
{
	static const enum seine_origin origins[] = { SEINE_OPERATOR, SEINE_AUTO, SEINE_FEED,
						     SEINE_FLEET, SEINE_EXTERNAL };
	json_t *object = json_object();

	for (size_t o = 0; o < ARRAY_LEN(origins); o++) {
		json_int_t n = 0;

		for (size_t i = 0; e && i < e->n; i++)
			n += e->list[i].row.origin == origins[o];
		json_object_set_new(object, origin_name(origins[o]), json_integer(n));
	}
	return object;
}

static json_t *judgement(const struct agent *a)
{
	const struct judgement *j = a->mind->judgement;

	if (!j)
		return json_null();
	return json_pack("{s:I, s:I, s:b}", "refused", (json_int_t)j->n_refusals, "benign_hit",
			 (json_int_t)j->benign_hit, "budget_spent", j->budget_spent);
}

static json_t *campaigns(const struct agent *a)
{
	json_int_t members = 0, prefixes = 0;

	if (!a->mind->campaigns)
		return json_null();
	for (size_t i = 0; i < a->mind->campaigns->n; i++) {
		if (a->mind->campaigns->list[i].ended_sec)
			continue;
		members += a->mind->campaigns->list[i].n_members;
		prefixes += a->mind->campaigns->list[i].n_prefixes;
	}
	return json_pack("{s:I, s:I, s:I, s:I}", "found",
			 (json_int_t)campaigns_living(a->mind->campaigns), "members", members,
			 "prefixes", prefixes, "cohorts", (json_int_t)a->mind->campaigns->cohorts);
}

static json_t *hellos(const struct agent *a)
{
	struct hellos_stats stats = { 0 };

	hellos_stats(a->hellos, &stats);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "known",
			 (json_int_t)dictionary_count(a->dictionary), "named",
			 (json_int_t)dictionary_named(a->dictionary), "displaced",
			 (json_int_t)dictionary_forgotten(a->dictionary), "complete",
			 (json_int_t)stats.complete, "bad", (json_int_t)stats.bad, "unfinished",
			 (json_int_t)stats.forgotten);
}

/* What gaps are calibrated by, for each kind of handshake. */
static json_t *server_time(const struct agent *a)
{
	json_t *object = json_object();

	for (unsigned int kind = SEINE_TLS_12; kind < SEINE_TLS_KINDS; kind++)
		json_object_set_new(object, tls_name(kind),
				    json_integer(a->conf.cfg.server_us[kind]));
	return object;
}

/* Null: none is kept. Sizes are in bytes, `queued` and `lost` rows. */
static json_t *history(const struct agent *a)
{
	struct history_state s = { 0 };

	if (!a->history || history_state(a->history, &s) < 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:o, s:I, s:I, s:b, s:b}", "bytes", (json_int_t)s.bytes,
			 "size", (json_int_t)a->conf.history_size, "days", (json_int_t)s.days,
			 "oldest", s.oldest_unix ? json_integer(s.oldest_unix) : json_null(),
			 "queued", (json_int_t)s.queued, "lost", (json_int_t)s.lost, "full", s.full,
			 "recalling", mind_recalls(a->mind));
}

static json_t *reasons(const struct agent *a)
{
	json_t *list = json_array();

	for (int i = 0; i < ALARM_COUNT; i++)
		if (a->alarms[i])
			json_array_append_new(list, answer_text(a->troubles[i], DATAPATH_WHY));
	return list;
}

/* How many prefixes each rule keeps from being dropped. */
static json_t *guards(const struct agent *a)
{
	struct guard_count counts[GUARD_RULES];
	size_t n = guards_count(&a->guards, counts);
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(object, counts[i].rule, json_integer((json_int_t)counts[i].n));
	return object;
}

/* Living campaigns by rung; those that an operator stopped apart. */
static json_t *ladder(const struct agent *a)
{
	const struct campaigns *all = a->mind->campaigns;
	json_int_t on[RUNG_ENFORCE + 1] = { 0 }, paused = 0, rejected = 0;

	for (size_t i = 0; all && i < all->n; i++) {
		const struct standing *s = ladder_find(&a->mind->ladder, all->list[i].id);

		if (all->list[i].ended_sec || !s)
			continue;
		paused += s->order == ORDER_PAUSED;
		rejected += s->order == ORDER_REJECTED;
		on[s->rung] += s->order != ORDER_PAUSED && s->order != ORDER_REJECTED;
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "observe", on[RUNG_OBSERVE], "canary",
			 on[RUNG_CANARY], "enforce", on[RUNG_ENFORCE], "paused", paused, "rejected",
			 rejected);
}

/* `recorded`: what is changed outlives the agent. Null: nothing does. */
static json_t *state(const struct agent *a)
{
	if (!a->state)
		return json_null();
	return json_pack("{s:s, s:b, s:I}", "path", a->conf.state, "recorded",
			 !a->alarms[ALARM_STATE], "bytes", (json_int_t)state_bytes(a->state));
}

int request_status(struct agent *a, const json_t *request, const struct moment *m, char *why,
		   struct answer *ret)
{
	bool off = false;
	json_t *answer;
	int r;

	r = request_nothing(request, why);
	if (r < 0)
		return r;
	r = datapath_switched_off(a->datapath, &off);
	if (r < 0)
		return request_fail(r, why, "kill switch: %s", strerror(-r));

	answer = answer_new("status");
	json_object_set_new(answer, "version", json_string(SEINE_VERSION));
	json_object_set_new(answer, "mode", json_string(mode_name(a->conf.cfg.mode)));
	json_object_set_new(answer, "off", json_boolean(off));
	json_object_set_new(answer, "degraded", json_boolean(a->degraded));
	json_object_set_new(answer, "trouble", answer_text(agent_trouble(a), DATAPATH_WHY));
	json_object_set_new(answer, "reasons", reasons(a));
	json_object_set_new(answer, "started", json_time(m, a->started_sec));
	json_object_set_new(answer, "uptime_sec", json_integer(m->now_sec - a->started_sec));
	json_object_set_new(answer, "interval_ms", json_integer(a->conf.interval_ms));
	json_object_set_new(answer, "silent_after_sec", json_integer(a->conf.cfg.beat_max_sec));
	json_object_set_new(answer, "interfaces", interfaces(a));
	json_object_set_new(answer, "cycle", last_cycle(a, m));
	json_object_set_new(answer, "tables", tables(a));
	json_object_set_new(answer, "entries", entries_by_origin(a->entries));
	json_object_set_new(answer, "campaigns", campaigns(a));
	json_object_set_new(answer, "judgement", judgement(a));
	json_object_set_new(answer, "conflicts", json_integer((json_int_t)a->conflicts.all));
	json_object_set_new(answer, "withheld", json_integer((json_int_t)a->conflicts.withheld));
	json_object_set_new(answer, "guarded", json_integer((json_int_t)a->conflicts.guarded));
	json_object_set_new(answer, "guards", guards(a));
	json_object_set_new(answer, "ladder", ladder(a));
	json_object_set_new(answer, "trial", json_trial(a, m));
	json_object_set_new(answer, "state", state(a));
	json_object_set_new(answer, "hellos", hellos(a));
	json_object_set_new(answer, "history", history(a));
	json_object_set_new(answer, "server_us", server_time(a));
	json_object_set_new(answer, "server_time",
			    json_string(a->conf.server_us == CONF_SERVER_AUTO ? "auto" : "fixed"));
	json_object_set_new(answer, "followers",
			    json_integer(control_server_followers(a->server, 0)));
	json_object_set_new(answer, "counters", counters(a));
	ret->head = answer;
	return 0;
}
