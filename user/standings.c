// SPDX-License-Identifier: GPL-2.0-or-later
/* Standings of campaigns, as the agent keeps and watches them. See standings.h. */
#include "user/standings.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/control/request.h"
#include "user/dossier.h"
#include "user/judge/holdout.h"
#include "user/judge/rollback.h"
#include "user/ledger.h"
#include "user/store/standing.h"

#define TELL_SEC 600	    /* between events that say only how many entries a campaign has */
#define REENTRY_SAVE_SEC 60 /* between writings of who was dropped before */
#define MEASURE_SEC 60	    /* between looks at whom entries spare */

/* What was last told of a campaign. */
struct told {
	uint32_t campaign;
	enum rung rung;
	size_t entries;
	uint32_t at_sec;
};

struct standings {
	struct rollback rollback;
	struct told *told; /* sorted by campaign, one for each standing */
	size_t n_told;
	uint32_t saved_sec;    /* when re-entries were */
	uint32_t measured_sec; /* when those held out were */
};

/* ---- kept ---- */

struct writing {
	const json_t *standings, *reentries; /* NULL: not these */
	const json_t *enforced;		     /* [true]: with the mode enforce */
};

static int write_rows(struct state *s, const void *arg)
{
	const struct writing *w = arg;
	int r = 0;

	if (w->standings)
		r = state_save_rows(s, "standing", w->standings);
	if (r == 0 && w->enforced)
		r = state_save_rows(s, "enforced", w->enforced);
	if (r == 0 && w->reentries)
		r = state_save_rows(s, "reentry", w->reentries);
	return r;
}

static int64_t epoch(const struct agent *a)
{
	return a->mind->settings.observation.epoch_sec;
}

void standings_record(struct agent *a, const struct audit *audit)
{
	_cleanup_(json_decrefp) json_t *standings = NULL, *enforced = NULL;
	struct writing w = { 0 };

	standings = standings_write(&a->mind->ladder, epoch(a));
	enforced = json_pack("[b]", a->conf.cfg.mode == SEINE_ENFORCE);
	w.standings = standings;
	w.enforced = enforced;
	if (ledger_record(a, write_rows, &w, audit) == 0)
		a->mind->ladder_changed = false;
}

static void record_reentries(struct agent *a, uint32_t now_sec)
{
	_cleanup_(json_decrefp) json_t *reentries = NULL;
	struct writing w = { 0 };

	if (!a->mind->reentries_changed || now_sec - a->standings->saved_sec < REENTRY_SAVE_SEC)
		return;
	reentries = reentries_write(&a->mind->reentries, epoch(a));
	w.reentries = reentries;
	a->standings->saved_sec = now_sec;
	if (ledger_record(a, write_rows, &w, NULL) == 0)
		a->mind->reentries_changed = 0;
}

/* Who stopped enforcing and does so again by the file begins anew, as by the command line. */
static void begin_anew(struct agent *a, const json_t *enforced)
{
	if (a->conf.cfg.mode == SEINE_ENFORCE && !json_is_true(json_array_get(enforced, 0)))
		ladder_enforce_begins(&a->mind->ladder, agent_now_sec());
	a->mind->ladder_changed = true;
}

static int read_rows(struct agent *a, size_t *left_out)
{
	_cleanup_(json_decrefp) json_t *standings = NULL, *reentries = NULL, *enforced = NULL;
	size_t no_json = 0;
	int r;

	r = state_load_rows(a->state, "standing", &standings, &no_json);
	*left_out += no_json;
	if (r == 0)
		r = standings_read(standings, epoch(a), &a->mind->ladder, left_out);
	if (r == 0)
		r = state_load_rows(a->state, "enforced", &enforced, &no_json);
	if (r == 0)
		begin_anew(a, enforced);
	if (r == 0)
		r = state_load_rows(a->state, "reentry", &reentries, &no_json);
	*left_out += no_json;
	if (r == 0)
		r = reentries_read(reentries, epoch(a), &a->mind->reentries, left_out);
	return r;
}

/* Where they stood before a restart is no news, and no climb to watch. */
static int begin_told(struct standings *s, const struct ladder *l)
{
	s->told = calloc(l->n + 1, sizeof(*s->told));
	if (!s->told)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++)
		s->told[i] = (struct told){ .campaign = l->list[i].campaign,
					    .rung = l->list[i].rung,
					    .entries = l->list[i].rung != RUNG_OBSERVE };
	s->n_told = l->n;
	return 0;
}

int standings_open(struct agent *a, char *why)
{
	size_t left_out = 0;
	int r = 0;

	a->standings = calloc(1, sizeof(*a->standings));
	if (!a->standings)
		return snprintf(why, DATAPATH_WHY, "out of memory"), -ENOMEM;
	rollback_begin(&a->standings->rollback, &a->conf.rollback);
	if (a->state)
		r = read_rows(a, &left_out);
	if (r == -ENOMEM)
		return snprintf(why, DATAPATH_WHY, "standings of campaigns: %s", strerror(-r)), r;
	if (r < 0) {
		log_warning("standings of campaigns: %s; campaigns begin anew",
			    state_why(a->state));
		a->unrecorded = true;
	}
	if (left_out)
		log_warning("%s: %zu standings or re-entries mean nothing and are left out",
			    a->conf.state, left_out);
	return begin_told(a->standings, &a->mind->ladder) < 0 ? -ENOMEM : 0;
}

void standings_close(struct agent *a)
{
	if (a->standings)
		free(a->standings->told);
	free(a->standings);
	a->standings = NULL;
}

void standings_forget_traffic(struct agent *a, const struct rollback_settings *s)
{
	rollback_begin(&a->standings->rollback, s);
}

/* ---- orders ---- */

static bool is_of(const struct entry *e, const void *campaign)
{
	return e->row.origin == SEINE_AUTO && e->row.campaign == *(const uint32_t *)campaign;
}

/* While a long past is read nothing is judged; but who says stop must not wait for that. */
static int follow_at_once(struct agent *a, uint32_t campaign, enum order order, char *why)
{
	_cleanup_(claims_freep) struct claims *next = NULL;
	int r;

	if (order != ORDER_PAUSED && order != ORDER_REJECTED)
		return 0;
	r = ledger_begin(a, &next);
	if (r < 0)
		return r;
	if (order == ORDER_REJECTED)
		claims_remove_if(next, is_of, &campaign);
	for (size_t i = 0; i < next->n; i++) {
		struct seine_entry *row = &next->list[i].row;

		if (is_of(&next->list[i], &campaign)) {
			row->action = SEINE_WATCH;
			row->share = 0;
		}
	}
	return ledger_commit(a, &next, NULL, why);
}

int standings_order(struct agent *a, uint32_t campaign, enum order order, const char *note,
		    const struct moment *m, char *why)
{
	const struct standing *s = ladder_find(&a->mind->ladder, campaign);
	uint32_t actor = m->who ? m->who->uid : SEINE_NO_ACTOR;
	int r;

	r = ladder_order(&a->mind->ladder, campaign, order, actor, note, m->now_sec);
	if (r == -ENOENT)
		return request_fail(r, why, "c-%04" PRIx32 ": no such campaign", campaign);
	if (r == -EALREADY)
		return request_fail(r, why, "c-%04" PRIx32 ": cannot climb any further: %s",
				    campaign, s ? rung_name(s->rung) : "");
	if (r < 0)
		return request_fail(r, why, "%s", strerror(-r));
	if (mind_recalls(a->mind))
		return follow_at_once(a, campaign, order, why);
	return agent_rethink(a, m->now_sec, why);
}

/* ---- coming down ---- */

static const struct campaign *living(const struct agent *a, uint32_t id)
{
	const struct campaign *c = campaigns_find(a->mind->campaigns, id);

	return c && !c->ended_sec ? c : NULL;
}

static void roll_back(struct agent *a, uint32_t campaign, const char *reason, uint32_t now_sec)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	struct moment m = moment_now();
	const struct campaign *c = living(a, campaign);
	char id[16];

	if (ladder_roll_back(&a->mind->ladder, campaign, reason, now_sec) < 0)
		return;
	rollback_withdrawn(&a->standings->rollback, campaign, now_sec);
	snprintf(id, sizeof(id), "c-%04" PRIx32, campaign);
	auditing_begin(&x, a, &m, "roll back");
	auditing_object(&x, id);
	auditing_text(&x, "%s", reason);
	auditing_after(&x, json_standing(a, campaign, &m));
	auditing_evidence(&x, c ? json_campaign(a, c, &m) : NULL);
	standings_record(a, &x.audit);
}

static void watch_traffic(struct agent *a, uint32_t now_sec)
{
	struct rollback *r = &a->standings->rollback;
	struct rollback_fall fall;

	rollback_add(r, now_sec, a->stats.requests, a->stats.flow_new);
	if (!rollback_check(r, &a->conf.rollback, now_sec, &fall)) {
		agent_alarm(a, ALARM_ROLLBACK, a->alarms[ALARM_ROLLBACK] && r->n_climbs,
			    "campaigns were rolled back");
		return;
	}
	agent_alarm(a, ALARM_ROLLBACK, true, "rolled back: %s", fall.text);
	for (size_t i = 0; i < fall.n; i++)
		roll_back(a, fall.campaigns[i], fall.text, now_sec);
}

/* Of each campaign that drops: do those whom its entries spare go on as before? */
static int measure_spared(struct agent *a, uint32_t now_sec)
{
	_cleanup_(freep) struct features *f = NULL;
	struct ladder *l = &a->mind->ladder;
	struct holdout_question q = {
		.entries = a->entries,
		.noise = &a->mind->noise,
		.now_sec = now_sec,
	};
	struct seine_meta meta;
	struct holdout found;
	int r;

	r = datapath_meta(a->datapath, &meta);
	if (r == 0)
		r = observations_features(a->mind->observations, WINDOW_HOUR, now_sec, &f, &q.n);
	if (r < 0)
		return r;
	q.f = f;
	q.meta = &meta;
	for (size_t i = 0; i < l->n; i++) {
		const struct standing *s = &l->list[i];

		q.campaign = living(a, s->campaign);
		q.since_sec = s->since_sec;
		if (!q.campaign || s->rung == RUNG_OBSERVE)
			continue;
		holdout_measure(&q, &holdout_defaults, &found);
		(void)ladder_measure(l, s->campaign, found.measured, found.alike);
		if (found.verdict == HOLDOUT_BAD)
			roll_back(a, s->campaign, found.text, now_sec);
	}
	return 0;
}

static bool any_drops(const struct ladder *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].rung != RUNG_OBSERVE)
			return true;
	return false;
}

void standings_watch(struct agent *a, uint32_t now_sec)
{
	struct standings *s = a->standings;

	watch_traffic(a, now_sec);
	if (now_sec - s->measured_sec < MEASURE_SEC || !any_drops(&a->mind->ladder))
		return;
	s->measured_sec = now_sec;
	if (measure_spared(a, now_sec) < 0)
		log_warning("those whom entries spare cannot be measured: out of memory");
}

/* ---- what has changed ---- */

/* Shares of all requests and connections of the last hour that are a campaign's. */
struct portion {
	double requests, connections;
};

static int find_portion(const struct agent *a, const struct campaign *c, uint32_t now_sec,
			struct portion *ret)
{
	_cleanup_(freep) struct features *f = NULL;
	double requests = 0, connections = 0;
	struct portion mine = { 0 };
	size_t n = 0;
	int r;

	r = observations_features(a->mind->observations, WINDOW_DAY, now_sec, &f, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		bool member = campaign_member(c, f[i].source);

		requests += f[i].requests;
		connections += f[i].connections;
		mine.requests += member ? f[i].requests : 0;
		mine.connections += member ? f[i].connections : 0;
	}
	ret->requests = requests > 0 ? mine.requests / requests : 0;
	ret->connections = connections > 0 ? mine.connections / connections : 0;
	return 0;
}

/* Of a campaign's sources, on a rung. */
static double dropped_share(const struct agent *a, enum rung rung)
{
	switch (rung) {
	case RUNG_CANARY: return a->conf.judge.canary_share;
	case RUNG_ENFORCE: return 1 - a->conf.judge.hold_out;
	default: return 0;
	}
}

static void watch_climb(struct agent *a, const struct campaign *c, enum rung from, enum rung to,
			uint32_t now_sec)
{
	double more = dropped_share(a, to) - dropped_share(a, from);
	struct portion mine;

	if (to < from)
		rollback_withdrawn(&a->standings->rollback, c->id, now_sec);
	else if (to > from && find_portion(a, c, now_sec, &mine) == 0)
		rollback_climbed(&a->standings->rollback, c->id, mine.requests * more,
				 mine.connections * more, now_sec);
}

static void tell(struct agent *a, const struct standing *s, const struct told *before,
		 const struct told *now)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	const struct campaign *c = campaigns_find(a->mind->campaigns, s->campaign);
	struct moment m = moment_now();
	char id[16];

	snprintf(id, sizeof(id), "c-%04" PRIx32, s->campaign);
	auditing_begin(&x, a, &m, "campaign");
	auditing_object(&x, id);
	if (!before || before->rung != now->rung)
		auditing_text(&x, "%s %s: %zu entries%s%s",
			      before && before->rung > now->rung ? "down to" : "on rung",
			      rung_name(now->rung), now->entries, s->reason[0] ? "; " : "",
			      s->reason);
	else
		auditing_text(&x, "%zu entries, were %zu", now->entries, before->entries);
	auditing_after(&x, json_standing(a, s->campaign, &m));
	auditing_evidence(&x, c ? json_campaign(a, c, &m) : NULL);
	standings_record(a, &x.audit);
}

/* Entries of each campaign, by its name of 16 bits. */
static uint32_t *count_entries(const struct agent *a)
{
	uint32_t *counts = calloc(UINT16_MAX + 1, sizeof(*counts));

	for (size_t i = 0; counts && i < a->entries->n; i++)
		if (a->entries->list[i].row.origin == SEINE_AUTO)
			counts[(uint16_t)a->entries->list[i].row.campaign]++;
	return counts;
}

static const struct told *told_of(const struct standings *s, uint32_t campaign)
{
	for (size_t i = 0; i < s->n_told; i++)
		if (s->told[i].campaign == campaign)
			return &s->told[i];
	return NULL;
}

/* A campaign that has never had an entry is told of when it has one. */
static bool worth_telling(const struct told *before, const struct told *now, uint32_t now_sec)
{
	if (!before)
		return now->entries > 0;
	if (before->rung != now->rung || !before->entries != !now->entries)
		return true;
	return before->entries != now->entries && now_sec - before->at_sec >= TELL_SEC;
}

static int look(struct agent *a, uint32_t now_sec)
{
	const struct ladder *l = &a->mind->ladder;
	_cleanup_(freep) uint32_t *counts = count_entries(a);
	_cleanup_(freep) struct told *all = calloc(l->n + 1, sizeof(*all));
	struct standings *mine = a->standings;
	size_t n = 0;

	if (!counts || !all)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++) {
		const struct standing *s = &l->list[i];
		const struct told *before = told_of(mine, s->campaign);
		const struct campaign *c = living(a, s->campaign);
		struct told now = { s->campaign, s->rung, counts[(uint16_t)s->campaign], now_sec };

		if (c && now.rung != (before ? before->rung : RUNG_OBSERVE))
			watch_climb(a, c, before ? before->rung : RUNG_OBSERVE, now.rung, now_sec);
		if (worth_telling(before, &now, now_sec))
			tell(a, s, before, &now);
		else if (before)
			now = *before;
		if (before || now.entries)
			all[n++] = now;
	}
	free(mine->told);
	mine->told = take_ptr(all);
	mine->n_told = n;
	return 0;
}

void standings_cycle(struct agent *a, uint32_t now_sec)
{
	if (look(a, now_sec) < 0)
		log_warning("standings of campaigns: out of memory");
	if (a->mind->ladder_changed)
		standings_record(a, NULL);
	record_reentries(a, now_sec);
}
