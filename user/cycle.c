// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The line: what happens every ten seconds. The mode plays no part in it: observing differs
 * from enforcing by one word that the datapath reads.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include "user/agent.h"
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/dossier.h"
#include "user/idle.h"
#include "user/ledger.h"
#include "user/remember.h"
#include "user/standings.h"

/* What one turn knows, beside what it leaves in the agent. */
struct turn {
	uint32_t now_sec;
	struct idle_table sources, nets; /* every row of the kernel, by age */
	struct datapath_sizes sizes;
	struct claims *next; /* of everybody, as they will be */
	size_t expired;
	struct campaigns *campaigns_before; /* NULL: no round was due */
	bool budget_spent_before;
	char why[DATAPATH_WHY];
};

static void turn_clear(struct turn *t)
{
	idle_free(&t->sources);
	idle_free(&t->nets);
	claims_free(t->next);
	campaigns_free(t->campaigns_before);
}

bool agent_alarm(struct agent *a, enum alarm alarm, bool on, const char *format, ...)
{
	char text[DATAPATH_WHY];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (on)
		snprintf(a->troubles[alarm], sizeof(a->troubles[alarm]), "%s", text);
	if (on && !a->alarms[alarm])
		log_warning("%s", text);
	else if (!on && a->alarms[alarm])
		log_info("over: %s", text);
	a->alarms[alarm] = on;

	a->degraded = false;
	for (int i = 0; i < ALARM_COUNT; i++)
		a->degraded |= a->alarms[i];
	return on;
}

const char *agent_trouble(const struct agent *a)
{
	for (int i = 0; i < ALARM_COUNT; i++)
		if (a->alarms[i])
			return a->troubles[i];
	return "";
}

/* ---- harvest ---- */

struct harvest {
	struct agent *agent;
	struct turn *turn;
};

static int on_source(const struct seine_addr *key, const struct seine_source *row, void *arg)
{
	struct harvest *h = arg;
	int r;

	r = mind_source(h->agent->mind, key, row, h->turn->now_sec);
	return r < 0 ? r : idle_add(&h->turn->sources, key, row->last_sec);
}

static int on_net(const struct seine_addr *key, const struct seine_net *row, void *arg)
{
	static const struct seine_addr overflow; /* the row of what has none stays */
	struct harvest *h = arg;

	if (!memcmp(key, &overflow, sizeof(overflow)))
		return 0;
	remember_net(h->agent, key, row);
	return idle_add(&h->turn->nets, key, row->last_sec);
}

static int harvest(struct agent *a, struct turn *t)
{
	struct harvest h = { .agent = a, .turn = t };
	int r;

	datapath_sizes(a->datapath, &t->sizes);
	r = mind_begin(a->mind, t->now_sec);
	if (r == 0)
		r = remember_begin(a, t->now_sec);
	if (r < 0)
		return r;
	r = datapath_sources(a->datapath, on_source, &h);
	if (r == 0)
		r = datapath_nets(a->datapath, on_net, &h);
	if (r < 0)
		return r;
	a->cycle.sources = t->sources.n;
	a->cycle.nets = t->nets.n;
	a->stats_before = a->stats;
	r = datapath_stats(a->datapath, &a->stats);
	return r < 0 ? r : agent_calibrate(a, t->now_sec);
}

/* Rows that have long been idle go, so that there is room for new ones: the tables do not evict. */
static void make_room(struct agent *a, struct turn *t)
{
	bool pressed;
	size_t n;

	n = idle_pick(&t->sources, t->sizes.sources, t->now_sec, a->conf.idle_sec, &pressed);
	for (size_t i = 0; i < n; i++)
		(void)datapath_forget_source(a->datapath, &t->sources.rows[i].key);
	agent_alarm(a, ALARM_SOURCES, pressed || a->stats.src_full != a->stats_before.src_full,
		    "the table of sources is nearly full (%zu of %u): sources are forgotten early; "
		    "raise `sources`",
		    t->sources.n, t->sizes.sources);

	n = idle_pick(&t->nets, t->sizes.nets, t->now_sec, a->conf.idle_sec, &pressed);
	for (size_t i = 0; i < n; i++)
		(void)datapath_forget_net(a->datapath, &t->nets.rows[i].key);
	agent_alarm(a, ALARM_NETS, pressed || a->stats.net_full != a->stats_before.net_full,
		    "the table of prefixes is nearly full (%zu of %u): raise `prefixes`", t->nets.n,
		    t->sizes.nets);
}

/* ---- observe, correlate, judge ---- */

static int observe(struct agent *a, struct turn *t)
{
	return mind_observe(a->mind, t->now_sec);
}

static int correlate(struct agent *a, struct turn *t)
{
	return mind_correlate(a->mind, t->now_sec, &t->campaigns_before);
}

/* What others did to the kernel's list comes before the judge's own wishes. */
static int judge(struct agent *a, struct turn *t)
{
	bool enforcing = a->conf.cfg.mode == SEINE_ENFORCE;
	int r;

	r = agent_guard(a, t->now_sec);
	if (r == 0)
		r = ledger_begin(a, &t->next);
	if (r < 0)
		return r;
	t->budget_spent_before = a->mind->judgement && a->mind->judgement->budget_spent;
	standings_watch(a, t->now_sec);
	r = mind_judge(a->mind, t->next, &a->guards, enforcing, t->now_sec);
	if (r < 0)
		return r;
	t->expired = claims_expire(t->next, t->now_sec);
	return claims_set_automatic(t->next, a->mind->judgement->automatic);
}

/* ---- enforce ---- */

static int enforce(struct agent *a, struct turn *t)
{
	int r = ledger_commit(a, &t->next, NULL, t->why);

	a->cycle.applied = a->applied;
	agent_alarm(a, ALARM_APPLY, r < 0, "drop list: %s", t->why);
	return 0; /* the old list stays in force, and the next turn tries again */
}

int agent_rethink(struct agent *a, uint32_t now_sec, char *why)
{
	_cleanup_(turn_clear) struct turn t = { .now_sec = now_sec };
	int r;

	if (!a->mind->campaigns || mind_recalls(a->mind))
		return agent_guard(a, now_sec);
	r = judge(a, &t);
	if (r == 0)
		r = enforce(a, &t);
	if (r == 0)
		standings_cycle(a, now_sec);
	if (r < 0 || a->alarms[ALARM_APPLY])
		snprintf(why, DATAPATH_WHY, "%s", t.why[0] ? t.why : strerror(-r));
	return r;
}

/* ---- record ---- */

static void record_beginning(const struct campaign *c)
{
	char text[SENTENCE_SIZE];

	log_info("campaign c-%04" PRIx32 ": found, %zu members, %" PRIu64 " requests; %s", c->id,
		 c->n_members, c->requests, evidence_sentence(c, FAMILY_PATH, text, sizeof(text)));
}

/* What changed in a campaign since the round before. */
static void record_campaign(const struct campaign *before, const struct campaign *now)
{
	if (!now->ended_sec && (!before || before->ended_sec))
		record_beginning(now);
	if (now->ended_sec && before && !before->ended_sec)
		log_info("campaign c-%04" PRIx32 ": ended, %" PRIu32 " members at its height",
			 now->id, now->members_max);
	if (now->replaces && !(before && before->replaces))
		log_warning("campaign c-%04" PRIx32 ": has taken over the load of c-%04" PRIx32,
			    now->id, now->replaces);
}

static void record_campaigns(const struct campaigns *before, const struct campaigns *now)
{
	for (size_t i = 0; i < now->n; i++)
		record_campaign(before ? campaigns_find(before, now->list[i].id) : NULL,
				&now->list[i]);
}

static void record_entries(const struct agent *a)
{
	const struct entries_diff *d = &a->cycle.applied;

	if (!a->alarms[ALARM_APPLY] && (d->added || d->removed))
		log_info("drop list: %zu added, %zu removed, %zu renewed; %zu entries, %s",
			 d->added, d->removed, d->changed, a->entries->n,
			 a->conf.cfg.mode == SEINE_ENFORCE ? "enforcing" : "observing only");
}

static void record_budget(const struct agent *a, bool before)
{
	if (a->mind->judgement->budget_spent && !before)
		log_warning("the budget is spent: not all of what was found is acted on");
}

static void check_samples(struct agent *a, uint32_t now_sec)
{
	const struct hygiene *h = &a->hygiene;

	hygiene_add(&a->hygiene, &a->stats, now_sec, a->conf.window_sec / SPAN_DAY_SLOTS);
	if (h->bad)
		agent_alarm(a, ALARM_SAMPLES, true,
			    "the timing of %" PRIu64 " of the last %" PRIu64
			    " handshakes cannot be trusted: campaigns may hide there; of %" PRIu64
			    " because %s",
			    h->untrusted, h->handshakes, h->most, h->reason);
	else
		agent_alarm(a, ALARM_SAMPLES, false,
			    "the timing of %" PRIu64 " of the last %" PRIu64
			    " handshakes cannot be trusted",
			    h->untrusted, h->handshakes);
}

static void check_counters(struct agent *a, uint32_t now_sec)
{
	const struct seine_stats *s = &a->stats, *b = &a->stats_before;

	agent_alarm(a, ALARM_FLOWS, s->flow_refused != b->flow_refused,
		    "more new connections than flows_per_second: some are not measured");
	agent_alarm(a, ALARM_MAPS, s->map_error != b->map_error,
		    "map operations fail in the datapath (map_error)");
	check_samples(a, now_sec);
}

/* The emergency stop is written into the map by whoever may, and often not by us. */
static void check_switch(struct agent *a)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	struct moment m = moment_now();
	bool off;

	if (datapath_switched_off(a->datapath, &off) < 0 || off == a->off)
		return;
	a->off = off;
	auditing_begin(&x, a, &m, off ? "off" : "on");
	x.actor[0] = '\0';
	auditing_text(&x, "%s; written into the map",
		      off ? "every packet passes" : "entries and mode count again");
	(void)ledger_record(a, NULL, NULL, &x.audit);
}

static void check_campaigns(struct agent *a)
{
	size_t left_out = a->mind->campaigns->left_out;

	agent_alarm(a, ALARM_CAMPAIGNS, left_out,
		    "more campaigns than are followed: the %zu smallest are left out", left_out);
}

static void check_lists(struct agent *a)
{
	_cleanup_(freep) struct allow_entry *allows = NULL;
	struct datapath_room room;
	char why[DATAPATH_WHY] = "";
	size_t n = 0;
	bool full;

	if (datapath_allows(a->datapath, &allows, &n) < 0)
		return;
	datapath_room(a->datapath, a->entries, n, &room);
	full = datapath_room_short(&room, why); /* before `why` is looked at */
	agent_alarm(a, ALARM_SLOTS, full, "%s", why);
}

static const struct standing *standing_of(const struct agent *a, uint32_t campaign)
{
	return ladder_find(&a->mind->ladder, campaign);
}

/* A pool that was dropped goes on under other addresses. */
static void check_replaced(struct agent *a)
{
	const struct campaigns *all = a->mind->campaigns;
	const struct campaign *new = NULL;

	for (size_t i = 0; i < all->n && !new; i++) {
		const struct campaign *c = &all->list[i];
		const struct standing *old = c->replaces ? standing_of(a, c->replaces) : NULL;

		if (!c->ended_sec && old && old->dropped)
			new = c;
	}
	agent_alarm(a, ALARM_REPLACED, new,
		    "campaign c-%04" PRIx32 " has taken over the load of c-%04" PRIx32
		    ", which was dropped",
		    new ? new->id : 0, new ? new->replaces : 0);
}

static void check_interfaces(struct agent *a)
{
	enum datapath_xdp_mode mode;
	const char *lost = NULL;

	for (unsigned int i = 0; i < a->conf.n_interfaces; i++) {
		uint32_t id = 0;

		if (datapath_attached(a->datapath, a->conf.interfaces[i], &id, &mode) < 0 || !id)
			lost = a->conf.interfaces[i];
	}
	agent_alarm(a, ALARM_INTERFACE, lost,
		    "%s: the program is no longer attached; restart seined to attach it again",
		    lost ? lost : "interfaces");
}

static void record(struct agent *a, struct turn *t)
{
	standings_cycle(a, t->now_sec);
	if (t->campaigns_before || a->mind->n_rounds == 1)
		record_campaigns(t->campaigns_before, a->mind->campaigns);
	dossiers_keep(a, &(struct moment){ .now_sec = t->now_sec, .unix_sec = time(NULL) });
	record_entries(a);
	record_budget(a, t->budget_spent_before);
	check_counters(a, t->now_sec);
	check_campaigns(a);
	check_replaced(a);
	check_lists(a);
	check_switch(a);
	check_interfaces(a);
	remember_cycle(a, t->now_sec);
}

/* ---- the line ---- */

static uint32_t elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((now.tv_sec - since->tv_sec) * 1000 +
			  (now.tv_nsec - since->tv_nsec) / 1000000);
}

static int harvest_and_observe(struct agent *a, struct turn *t)
{
	int r;

	r = harvest(a, t);
	if (r < 0)
		return r;
	make_room(a, t);
	return observe(a, t);
}

static int line(struct agent *a, struct turn *t)
{
	bool recalls = mind_recalls(a->mind);
	int r;

	r = recalls ? observe(a, t) : harvest_and_observe(a, t);
	/* While a long past is read, what is in force stays; then the next turn looks anew. */
	if (r < 0 || recalls || mind_recalls(a->mind))
		return r;
	r = correlate(a, t);
	if (r < 0)
		return r;
	r = judge(a, t);
	if (r < 0)
		return r;
	r = enforce(a, t);
	if (r < 0)
		return r;
	record(a, t);
	return 0;
}

int agent_cycle(struct agent *a, uint32_t now_sec)
{
	_cleanup_(turn_clear) struct turn t = { .now_sec = now_sec };
	struct timespec began;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &began);
	r = line(a, &t);
	agent_alarm(a, ALARM_CYCLE, r < 0, "cycle failed: %s", strerror(-r));
	a->cycle.number++;
	a->cycle.at_sec = now_sec;
	a->cycle.took_ms = elapsed_ms(&began);
	return r;
}
