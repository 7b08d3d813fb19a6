// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger at a start: what was recorded, against what the kernel holds. See ledger.h. */
#include "user/ledger.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include "user/allowdir.h"
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/base/files.h"
#include "user/base/log.h"
#include "user/judge/reconcile.h"
#include "user/trial.h"

static void entries_freep(struct entries **e)
{
	entries_free(*e);
	*e = NULL;
}

static int fail(int r, char *why, const char *what)
{
	snprintf(why, DATAPATH_WHY, "%s: %s", what, strerror(-r));
	return r;
}

/* Damage deep in a file is found when it is read; the new one in its place is empty. */
static int read_state(struct agent *a, struct state_loaded *ret)
{
	struct state_loaded loaded = { 0 };
	int r = state_load(a->state, agent_now_sec(), &loaded);

	if (r == -EUCLEAN) {
		log_warning("%s", state_why(a->state));
		r = state_load(a->state, agent_now_sec(), &loaded);
	}
	if (r == 0)
		*ret = loaded;
	return r;
}

static int write_revert(struct state *s, const void *arg)
{
	(void)arg;
	return state_trial_revert(s);
}

/* A trial whose time ran out while no agent was there. */
static int end_trial(struct agent *a, struct state_loaded *loaded)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	struct moment m = moment_now();
	int r;

	if (!loaded->trial.active || loaded->trial.until_sec > m.now_sec)
		return 0;
	auditing_begin(&x, a, &m, "apply revert");
	auditing_text(&x, "not confirmed in time; mode, entries and allow list are as they were "
			  "before");
	r = ledger_record(a, write_revert, NULL, &x.audit);
	if (r < 0)
		return r;
	state_loaded_clear(loaded);
	return read_state(a, loaded);
}

static int write_no_mode(struct state *s, const void *arg)
{
	(void)arg;
	return state_forget_mode(s);
}

/* What was said on the command line holds until the file itself says something else, and is over
 * then: it does not come back when the file says the former again. */
static void take_mode(struct agent *a, const struct state_loaded *loaded)
{
	if (!loaded->mode_set)
		return;
	if (loaded->conf_mode != a->conf_mode) {
		(void)ledger_record(a, write_no_mode, NULL, NULL);
		return;
	}
	if (loaded->mode != a->conf.cfg.mode)
		log_info("mode: %s, as it was set by command line",
			 loaded->mode == SEINE_ENFORCE ? "enforce" : "observe");
	a->conf.cfg.mode = loaded->mode;
}

static int load(struct agent *a)
{
	struct state_loaded *loaded = calloc(1, sizeof(*loaded));
	int r;

	if (!loaded)
		return -ENOMEM;
	a->loaded = loaded;
	r = read_state(a, loaded);
	if (r == 0)
		r = end_trial(a, loaded);
	if (r < 0)
		return r;
	if (loaded->left_out)
		log_warning("%s: %zu rows mean nothing and are left out", a->conf.state,
			    loaded->left_out);
	take_mode(a, loaded);
	a->feeds = (struct feeds){ .list = loaded->feeds, .n = loaded->n_feeds };
	loaded->feeds = NULL;
	loaded->n_feeds = 0;
	a->record_anew = !loaded->recorded;
	return state_log_newest(a->state, &a->told_id);
}

static void without_state(struct agent *a, const char *why)
{
	agent_alarm(a, ALARM_STATE, true,
		    "what is changed cannot be recorded, and ends with the "
		    "agent: %s",
		    why);
	if (a->loaded)
		state_loaded_clear(a->loaded);
	freep(&a->loaded);
	state_closep(&a->state);
}

int ledger_open(struct agent *a, char *why)
{
	const struct state_settings s = {
		.path = a->conf.state,
		.epoch_sec = (int64_t)time(NULL) - agent_now_sec(),
		.now_sec = agent_now_sec(),
	};
	char dir[PATH_MAX];
	int r;

	r = claims_new(0, &a->claims);
	if (r < 0)
		return fail(r, why, "claims");
	(void)files_make_parent(a->conf.state, dir);
	r = state_open(&s, why, &a->state);
	if (r == 1)
		log_warning("%s", why);
	if (r < 0) {
		without_state(a, why);
		return 0;
	}
	r = load(a);
	if (r < 0)
		without_state(a, state_why(a->state));
	return 0;
}

/* Where the maps are others than those it was recorded in, all of it comes back. */
static int start_allows(struct agent *a, char *why)
{
	_cleanup_(freep) struct allow_entry *held = NULL;
	const struct state_loaded *l = a->loaded;
	uint32_t now_sec = agent_now_sec();
	size_t n = 0;
	int r;

	r = datapath_allows(a->datapath, &held, &n);
	for (size_t i = 0; i < l->n_allows && r == 0; i++) {
		const struct allow_entry *e = &l->allows[i];

		if (!allow_find(held, n, &e->prefix) &&
		    (!e->row.expires_sec || e->row.expires_sec > now_sec))
			r = datapath_allow_put(a->datapath, e);
	}
	if (r == -ENOSPC) {
		log_warning("allow list: full; not all that was recorded is on it; raise "
			    "`allow_entries`");
		r = 0;
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		if (held[i].row.origin != SEINE_OPERATOR || allowdir_owns(&held[i]) ||
		    allow_find(l->allows, l->n_allows, &held[i].prefix))
			continue;
		r = a->record_anew ? agent_allow_put(a, &held[i], NULL, why)
				   : datapath_allow_remove(a->datapath, &held[i].prefix);
	}
	return r < 0 ? fail(r, why, "allow list") : 0;
}

static int start_claims(struct agent *a, char *why)
{
	_cleanup_(entries_freep) struct entries *composed = NULL;
	_cleanup_(claims_freep) struct claims *next = NULL;
	struct state_loaded *l = a->loaded;
	struct reconcile in = {
		.recorded = l->claims,
		.recorded_number = l->recorded,
		.applied_number = l->applied,
		.applied_maps = l->maps,
		.maps = ledger_maps(a),
		.held = a->entries,
		.now_sec = agent_now_sec(),
	};
	struct entries_diff by_hand;
	enum reconciled how;
	int r;

	r = ledger_compose(a, l->claims, &composed, NULL);
	if (r < 0)
		return fail(r, why, "drop list");
	in.composed = composed;
	r = reconcile(&in, &next, &how, &by_hand);
	if (r < 0)
		return fail(r, why, "drop list");
	if (how != RECONCILED_FRESH && (by_hand.added || by_hand.removed || by_hand.changed))
		log_info("drop list changed by hand while no agent was there: %zu added, %zu "
			 "removed, %zu changed",
			 by_hand.added, by_hand.removed, by_hand.changed);
	if (how != RECONCILED_FRESH)
		a->by_hand = by_hand;
	a->entries_edited = how == RECONCILED_FRESH || by_hand.added;
	claims_free(a->claims);
	a->claims = take_ptr(l->claims);
	claims_expire(next, in.now_sec);
	r = ledger_commit(a, &next, NULL, why);
	agent_alarm(a, ALARM_APPLY, r < 0, "drop list: %s", why);
	if (r == 0)
		return 0;
	/* Cycles try again, and what came by hand must not be lost until one succeeds. */
	claims_free(a->claims);
	a->claims = take_ptr(next);
	a->unrecorded = true;
	return 0;
}

/* Without a state what the kernel holds is all there is. */
static int start_from_kernel(struct agent *a, char *why)
{
	_cleanup_(claims_freep) struct claims *next = NULL;
	int r = ledger_begin(a, &next);

	for (size_t i = 0; i < a->entries->n && r == 0; i++)
		r = claims_append(next, &a->entries->list[i]);
	if (r == 0)
		r = claims_sort(next);
	return r < 0 ? fail(r, why, "drop list") : ledger_commit(a, &next, NULL, why);
}

int ledger_start(struct agent *a, char *why)
{
	int r = 0;

	if (a->loaded)
		r = start_allows(a, why);
	if (r == 0)
		r = agent_guard(a, agent_now_sec());
	if (r < 0)
		return r;
	if (a->loaded && a->loaded->trial.active && trial_resume(a, &a->loaded->trial) < 0)
		log_warning("a trial that ran cannot be read: what was on trial stays");
	(void)datapath_switched_off(a->datapath, &a->off);
	r = a->loaded ? start_claims(a, why) : start_from_kernel(a, why);
	if (a->loaded)
		state_loaded_clear(a->loaded);
	freep(&a->loaded);
	return r;
}
