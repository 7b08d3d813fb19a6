// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes on trial. See trial.h. */
#include "user/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "user/allowdir.h"
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/control/request.h"
#include "user/ledger.h"

void trial_clear(struct trial *t)
{
	claims_free(t->people);
	free(t->allows);
	*t = (struct trial){ 0 };
}

static bool is_not_peoples(const struct entry *e, const void *arg)
{
	(void)arg;
	return claim_class(e->row.origin) != CLAIM_PEOPLE;
}

static bool is_peoples(const struct entry *e, const void *arg)
{
	return !is_not_peoples(e, arg);
}

/* ---- begin ---- */

static int remember(const struct agent *a, struct trial *t, char *why)
{
	int r;

	r = claims_copy(a->claims, &t->people);
	if (r == 0) {
		claims_remove_if(t->people, is_not_peoples, NULL);
		r = datapath_allows(a->datapath, &t->allows, &t->n_allows);
	}
	if (r < 0)
		snprintf(why, DATAPATH_WHY, "trial: %s", strerror(-r));
	return r;
}

static int write_begin(struct state *s, const void *arg)
{
	const struct trial *t = arg;

	return state_trial_begin(s, t->deadline_sec, t->uid, t->actor);
}

int trial_begin(struct agent *a, uint32_t within_sec, const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	struct trial t = {
		.deadline_sec = m->now_sec + within_sec,
		.began_unix = m->unix_sec,
		.uid = m->who ? m->who->uid : SEINE_NO_ACTOR,
		.mode = a->conf.cfg.mode,
	};
	int r;

	if (a->trial.deadline_sec) {
		snprintf(why, DATAPATH_WHY,
			 "a trial runs already, for %" PRIu32 " s more: seine apply --confirm or "
			 "--revert ends it",
			 a->trial.deadline_sec - m->now_sec);
		return -EBUSY;
	}
	auditing_begin(&x, a, m, "apply begin");
	auditing_text(&x, "changes come back in %" PRIu32 " s unless confirmed", within_sec);
	snprintf(t.actor, sizeof(t.actor), "%s", x.actor);
	r = remember(a, &t, why);
	if (r < 0) {
		trial_clear(&t);
		return r;
	}
	(void)ledger_record(a, write_begin, &t, &x.audit);
	a->trial = t;
	return 0;
}

int trial_resume(struct agent *a, const struct state_trial *kept)
{
	struct trial t = {
		.deadline_sec = kept->until_sec,
		.began_unix = kept->began_unix,
		.uid = kept->uid,
		.mode = kept->mode_set ? kept->mode : a->conf_mode,
	};
	int r;

	snprintf(t.actor, sizeof(t.actor), "%.*s", WHO_NAME - 1, kept->actor);
	r = state_trial_copy(a->state, agent_now_sec(), &t.people, &t.allows, &t.n_allows);
	if (r < 0)
		return r;
	a->trial = t;
	return 0;
}

/* ---- what is listed meanwhile ---- */

void trial_cap(const struct agent *a, struct entries *e)
{
	const struct trial *t = &a->trial;

	for (size_t i = 0; t->deadline_sec && i < e->n; i++) {
		struct entry *x = &e->list[i];
		const struct entry *before;

		if (claim_class(x->row.origin) != CLAIM_PEOPLE)
			continue;
		before = claims_find(t->people, x);
		if (before && entry_same(before, x))
			continue;
		if (!x->row.expires_sec || x->row.expires_sec > t->deadline_sec)
			x->row.expires_sec = t->deadline_sec;
	}
}

/* ---- end ---- */

static int none_runs(char *why)
{
	snprintf(why, DATAPATH_WHY, "no trial runs");
	return -ENOENT;
}

static int write_confirm(struct state *s, const void *arg)
{
	(void)arg;
	return state_trial_confirm(s);
}

/* Without the trial the same claims mean entries that live as long as they were meant to. */
static int stay(struct agent *a, char *why)
{
	_cleanup_(claims_freep) struct claims *same = NULL;
	int r = ledger_begin(a, &same);

	return r < 0 ? r : ledger_commit(a, &same, NULL, why);
}

int trial_confirm(struct agent *a, const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	struct trial ended = a->trial;
	int r;

	if (!ended.deadline_sec)
		return none_runs(why);
	a->trial = (struct trial){ 0 };
	r = stay(a, why);
	if (r < 0) {
		a->trial = ended;
		return r;
	}
	trial_clear(&ended);
	auditing_begin(&x, a, m, "apply confirm");
	auditing_text(&x, "what was on trial stays");
	(void)ledger_record(a, write_confirm, NULL, &x.audit);
	return 0;
}

static bool is_over(const struct allow_entry *e, const struct moment *m)
{
	return e->row.expires_sec && e->row.expires_sec <= m->now_sec;
}

static bool same_allow(const struct allow_entry *a, const struct allow_entry *b)
{
	return a && memcmp(&a->row, &b->row, sizeof(a->row)) == 0;
}

/* Those of files follow their files. What passed before the trial passes first. All of it has been
 * recorded in one go: a list of thousands must not take as many writes to the disk. */
static int restore_allows(struct agent *a, const struct trial *t, const struct moment *m, char *why)
{
	_cleanup_(freep) struct allow_entry *held = NULL;
	size_t n = 0;
	int r;

	r = datapath_allows(a->datapath, &held, &n);
	for (size_t i = 0; i < t->n_allows && r == 0; i++) {
		const struct allow_entry *e = &t->allows[i];

		if (!allowdir_owns(e) && !is_over(e, m) &&
		    !same_allow(allow_find(held, n, &e->prefix), e))
			r = datapath_allow_put(a->datapath, e);
	}
	for (size_t i = 0; i < n && r == 0; i++)
		if (!allowdir_owns(&held[i]) &&
		    !allow_find(t->allows, t->n_allows, &held[i].prefix))
			r = datapath_allow_remove(a->datapath, &held[i].prefix);
	if (r < 0)
		snprintf(why, DATAPATH_WHY, "allow list: %s", strerror(-r));
	return r;
}

static int restore_claims(struct agent *a, const struct trial *t, const struct moment *m, char *why)
{
	_cleanup_(claims_freep) struct claims *next = NULL;
	int r;

	r = ledger_begin(a, &next);
	if (r < 0)
		return r;
	claims_remove_if(next, is_peoples, NULL);
	for (size_t i = 0; i < t->people->n && r == 0; i++)
		r = claims_append(next, &t->people->list[i]);
	if (r == 0)
		r = claims_sort(next);
	if (r < 0)
		return r;
	claims_expire(next, m->now_sec);
	return ledger_commit(a, &next, NULL, why);
}

static int write_revert(struct state *s, const void *arg)
{
	(void)arg;
	return state_trial_revert(s);
}

/* What was recorded goes back as a whole first; should we die then, the start does the rest. */
int trial_revert(struct agent *a, const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	struct trial t = a->trial;
	int r;

	if (!t.deadline_sec)
		return none_runs(why);
	auditing_begin(&x, a, m, "apply revert");
	auditing_text(&x, "%s; mode, entries and allow list are as they were before",
		      m->who ? "taken back" : "not confirmed in time");
	(void)ledger_record(a, write_revert, NULL, &x.audit);
	a->trial = (struct trial){ 0 };
	r = restore_allows(a, &t, m, why);
	if (r == 0)
		r = agent_put_mode(a, t.mode, NULL, why);
	if (r == 0)
		r = restore_claims(a, &t, m, why);
	if (r < 0) {
		a->trial = t; /* the next second tries again */
		return r;
	}
	trial_clear(&t);
	return 0;
}

void trial_check(struct agent *a)
{
	struct moment m = moment_now();
	char why[DATAPATH_WHY] = "";
	int r;

	if (!a->trial.deadline_sec) /* somebody else ended it */
		agent_alarm(a, ALARM_TRIAL, false, "a trial that cannot be taken back");
	if (!a->trial.deadline_sec || m.now_sec < a->trial.deadline_sec)
		return;
	r = trial_revert(a, &m, why);
	agent_alarm(a, ALARM_TRIAL, r < 0,
		    "the trial was not confirmed in time, and cannot be taken back: %s", why);
}

/* ---- shown ---- */

struct counts {
	size_t added, removed, changed;
};

static void add_change(json_t *list, const struct counts *n, const char *what)
{
	char text[128];

	if (!n->added && !n->removed && !n->changed)
		return;
	snprintf(text, sizeof(text), "%s: %zu added, %zu removed, %zu changed", what, n->added,
		 n->removed, n->changed);
	json_array_append_new(list, json_string(text));
}

static struct counts count_claims(const struct agent *a)
{
	const struct claims *before = a->trial.people;
	struct counts n = { 0 };

	for (size_t i = 0; i < a->claims->n; i++) {
		const struct entry *e = &a->claims->list[i], *was;

		if (claim_class(e->row.origin) != CLAIM_PEOPLE)
			continue;
		was = claims_find(before, e);
		n.added += !was;
		n.changed += was && !entry_same(was, e);
	}
	for (size_t i = 0; i < before->n; i++)
		n.removed += !claims_find(a->claims, &before->list[i]);
	return n;
}

static struct counts count_allows(const struct agent *a)
{
	_cleanup_(freep) struct allow_entry *held = NULL;
	const struct trial *t = &a->trial;
	struct counts n = { 0 };
	size_t n_held = 0;

	if (datapath_allows(a->datapath, &held, &n_held) < 0)
		return n;
	for (size_t i = 0; i < n_held; i++) {
		const struct allow_entry *was = allow_find(t->allows, t->n_allows, &held[i].prefix);

		n.added += !was;
		n.changed += was && memcmp(&was->row, &held[i].row, sizeof(was->row));
	}
	for (size_t i = 0; i < t->n_allows; i++)
		n.removed += !allow_find(held, n_held, &t->allows[i].prefix);
	return n;
}

static json_t *json_changes(const struct agent *a)
{
	const struct counts claims = count_claims(a), allows = count_allows(a);
	json_t *list = json_array();
	char text[64];

	if (a->trial.mode != a->conf.cfg.mode) {
		snprintf(text, sizeof(text), "mode: %s, was %s", mode_name(a->conf.cfg.mode),
			 mode_name(a->trial.mode));
		json_array_append_new(list, json_string(text));
	}
	add_change(list, &claims, "entries");
	add_change(list, &allows, "allow list");
	return list;
}

json_t *json_trial(struct agent *a, const struct moment *m)
{
	const struct trial *t = &a->trial;

	if (!t->deadline_sec)
		return json_null();
	return json_pack(
		"{s:b, s:o, s:I, s:I, s:s, s:o}", "active", true, "until",
		json_time(m, t->deadline_sec), "left_sec",
		(json_int_t)(t->deadline_sec > m->now_sec ? t->deadline_sec - m->now_sec : 0),
		"began", (json_int_t)t->began_unix, "actor", t->actor, "changes", json_changes(a));
}
