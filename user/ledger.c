// SPDX-License-Identifier: GPL-2.0-or-later
/* Claims, recorded and brought into force. See ledger.h. */
#include "user/ledger.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include "bpf/hash.h"
#include "user/allowdir.h"
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/told.h"
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

/* ---- what follows from claims ---- */

/* People may list what a guard speaks for, and are shown that; nobody else's entry gets there, not
 * even for the time until the judge looks again. */
static void withhold_guarded(const struct guards *g, struct entries *e, struct conflicts *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++) {
		const struct entry *x = &e->list[i];
		const struct guarded *guard =
			x->row.action == SEINE_WATCH ? NULL : guards_refuse(g, &x->prefix);
		bool peoples = claim_class(x->row.origin) == CLAIM_PEOPLE, guarded = guard;

		/* Where the allow list speaks it is obeyed by the datapath itself. */
		ret->guarded += guarded && peoples && strcmp(guard->rule, "allow list") != 0;
		ret->withheld += guarded && !peoples;
		if (!guarded || peoples)
			e->list[n++] = *x;
	}
	e->n = n;
}

int ledger_compose(const struct agent *a, const struct claims *claims, struct entries **ret,
		   struct conflicts *ret_conflicts)
{
	_cleanup_(entries_freep) struct entries *e = NULL;
	struct conflicts conflicts = { 0 };
	int r;

	r = claims_merge(claims, &e, &conflicts);
	if (r < 0)
		return r;
	withhold_guarded(&a->guards, e, &conflicts);
	trial_cap(a, e);
	*ret = take_ptr(e);
	if (ret_conflicts)
		*ret_conflicts = conflicts;
	else
		conflicts_clear(&conflicts);
	return 0;
}

/* ---- recording ---- */

static int recorded(struct agent *a, int r)
{
	agent_alarm(a, ALARM_STATE, r < 0,
		    "what is changed cannot be recorded, and ends with the agent: %s",
		    r < 0 ? state_why(a->state) : "");
	return r;
}

/* The journal has each event too, also where nothing can be recorded. */
static void log_event(const struct audit *x)
{
	bool done = strcmp(x->result, "done") == 0;

	log_at(done ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "%s%s%s: %s%s%s, by %s", x->verb,
	       x->object[0] ? " " : "", x->object, done ? "" : x->result, done ? "" : ": ", x->text,
	       x->actor[0] ? x->actor : "somebody who wrote the map");
}

static int write_lists(struct state *s, const struct claims *claims,
		       const struct allow_entry *allows, size_t n_allows)
{
	int r = state_record_claims(s, NULL, claims);

	if (r >= 0)
		r = state_clear_allows(s);
	for (size_t i = 0; i < n_allows && r == 0; i++)
		if (!allowdir_owns(&allows[i]))
			r = state_put_allow(s, &allows[i]);
	return r < 0 ? r : 0;
}

/* What was there before a trial is put where a trial copies it from. */
static int write_trial(const struct agent *a)
{
	const struct trial *t = &a->trial;
	int r = state_trial_confirm(a->state);

	if (!t->deadline_sec || (r < 0 && r != -ENOENT))
		return r == -ENOENT ? 0 : r;
	r = state_set_mode(a->state, t->mode, a->conf_mode);
	if (r == 0)
		r = write_lists(a->state, t->people, t->allows, t->n_allows);
	return r < 0 ? r : state_trial_begin(a->state, t->deadline_sec, t->uid, t->actor);
}

/* Everything, where the state lacks some of it. Standings follow with the next cycle. */
static int catch_up(struct agent *a)
{
	_cleanup_(freep) struct allow_entry *allows = NULL;
	size_t n = 0;
	int r = datapath_allows(a->datapath, &allows, &n);

	if (r == 0)
		r = write_trial(a);
	if (r == 0)
		r = state_set_mode(a->state, a->conf.cfg.mode, a->conf_mode);
	if (r == 0)
		r = write_lists(a->state, a->claims, allows, n);
	for (size_t i = 0; i < a->feeds.n && r == 0; i++)
		r = state_put_feed(a->state, &a->feeds.list[i]);
	a->mind->ladder_changed = true;
	a->mind->reentries_changed = true;
	return r;
}

/* At a start there is nothing yet that could be written anew. */
static bool is_behind(const struct agent *a)
{
	return a->unrecorded && !a->loaded;
}

static int record(struct agent *a, ledger_write write, const void *arg, const struct audit *audit)
{
	int r = state_begin(a->state, agent_now_sec());

	if (r < 0)
		return r;
	if (is_behind(a))
		r = catch_up(a);
	if (r < 0) {
		state_roll_back(a->state);
		return r;
	}
	if (write)
		(void)write(a->state, arg);
	if (audit)
		(void)state_audit(a->state, audit);
	return state_commit(a->state);
}

/* A disk that was full for a moment, or a file that was damaged, leaves no gap: what was not
 * recorded then is with the next thing that is. */
int ledger_record(struct agent *a, ledger_write write, const void *arg, const struct audit *audit)
{
	int r;

	if (audit)
		log_event(audit);
	if (!a->state)
		return -ENODEV;
	state_clock(a->state, (int64_t)time(NULL) - agent_now_sec());
	r = record(a, write, arg, audit);
	if (r == -EUCLEAN) {
		log_warning("%s", state_why(a->state));
		a->unrecorded = true;
		a->told_id = 0; /* events are counted from the beginning */
		r = record(a, write, arg, audit);
	}
	if (!a->loaded)
		a->unrecorded = r < 0;
	else
		a->unrecorded |= r < 0;
	if (recorded(a, r) == 0)
		told_events(a);
	return r;
}

struct claims_change {
	const struct claims *before, *after;
};

static int write_claims(struct state *s, const void *arg)
{
	const struct claims_change *c = arg;

	return state_record_claims(s, c->before, c->after);
}

/* A new file has nothing yet. */
static int record_claims(struct agent *a, const struct claims *before, const struct claims *after,
			 const struct audit *audit)
{
	const struct claims_change c = { a->record_anew ? NULL : before, after };
	int r = ledger_record(a, write_claims, &c, audit);

	a->record_anew &= r < 0;
	return r;
}

/* ---- into force ---- */

/* What tells these maps from others: a secret, hence only a hash of it. */
uint64_t ledger_maps(const struct agent *a)
{
	struct seine_meta meta = { 0 };

	(void)datapath_meta(a->datapath, &meta);
	return seine_mix64(meta.seed0 ^ seine_mix64(meta.seed1));
}

static bool differs(const struct entries_diff *d)
{
	return d->added || d->removed || d->changed;
}

/* Down to the last field; slots are the kernel's. */
static bool in_force(const struct agent *a, const struct entries *e)
{
	struct entries_diff d = entries_compare(a->entries, e);

	return !a->entries_edited && !differs(&d);
}

/* Takes over `wanted`, on success alone. */
static int apply(struct agent *a, struct entries **wanted, char *why)
{
	_cleanup_(entries_freep) struct entries *before = NULL;
	bool readable;
	int r;

	a->applied = (struct entries_diff){ 0 };
	if (in_force(a, *wanted))
		return 0;
	r = datapath_apply_slots(a->datapath, *wanted, why);
	if (r < 0)
		return r;
	readable = r == 1;
	before = a->entries;
	a->entries = take_ptr(*wanted);
	a->entries_edited = false;
	a->applied = entries_compare(before, a->entries);
	told_changes(a, before);
	entries_free(a->retired);
	a->retired = !readable ? NULL : a->seen ? take_ptr(a->seen) : take_ptr(before);
	return 0;
}

/* Whoever's change it is that brings it along. */
static void audit_by_hand(struct agent *a)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	struct entries_diff d = a->by_hand;
	struct moment m = moment_now();

	a->by_hand = (struct entries_diff){ 0 };
	if (!differs(&d))
		return;
	auditing_begin(&x, a, &m, "edited");
	snprintf(x.actor, sizeof(x.actor), "by hand");
	auditing_text(&x, "drop list in the kernel: %zu added, %zu removed, %zu changed", d.added,
		      d.removed, d.changed);
	(void)ledger_record(a, NULL, NULL, &x.audit);
}

int ledger_commit(struct agent *a, struct claims **next, const struct audit *audit, char *why)
{
	_cleanup_(conflicts_clear) struct conflicts conflicts = { 0 };
	_cleanup_(entries_freep) struct entries *wanted = NULL;
	size_t uncounted;
	int r, kept;

	r = ledger_compose(a, *next, &wanted, &conflicts);
	if (r < 0)
		return fail(r, why, "drop list");
	r = datapath_fits(a->datapath, wanted, why, &uncounted);
	if (r < 0)
		return r;
	kept = record_claims(a, a->claims, *next, audit);
	r = apply(a, &wanted, why);
	if (r < 0) {
		if (kept == 0)
			(void)record_claims(a, *next, a->claims, NULL);
		return r;
	}
	if (kept == 0)
		(void)state_applied(a->state, ledger_maps(a));
	claims_free(a->claims);
	a->claims = take_ptr(*next);
	conflicts_clear(&a->conflicts);
	a->conflicts = conflicts;
	conflicts = (struct conflicts){ 0 };
	audit_by_hand(a);
	return 0;
}

/* Who had the list before open by its pin may have written into it after it went. */
static int adopt_late(struct agent *a, struct claims *next, struct entries_diff *ret)
{
	_cleanup_(entries_freep) struct entries *late = NULL;
	int r = datapath_retired(a->datapath, &late);

	return r < 0 ? r : claims_adopt(next, a->retired, late, agent_now_sec(), ret);
}

/* What came by hand has no place in the bitmap yet: the list is written anew. */
int ledger_begin(struct agent *a, struct claims **ret)
{
	_cleanup_(entries_freep) struct entries *held = NULL;
	_cleanup_(claims_freep) struct claims *next = NULL;
	struct entries_diff late = { 0 }, d;
	int r;

	r = claims_copy(a->claims, &next);
	if (r == 0 && a->retired)
		r = adopt_late(a, next, &late);
	if (r == 0)
		r = datapath_lists(a->datapath, &held);
	if (r == 0)
		r = claims_adopt(next, a->entries, held, agent_now_sec(), &d);
	if (r < 0)
		return r;
	d.added += late.added;
	d.removed += late.removed;
	d.changed += late.changed;
	a->by_hand = d;
	a->entries_edited |= differs(&d);
	entries_free(a->seen);
	a->seen = differs(&d) ? take_ptr(held) : NULL;
	*ret = take_ptr(next);
	return 0;
}

void ledger_close(struct agent *a)
{
	entries_free(a->seen);
	entries_free(a->retired);
	claims_free(a->claims);
	conflicts_clear(&a->conflicts);
	trial_clear(&a->trial);
	feeds_clear(&a->feeds);
	state_close(a->state);
}
