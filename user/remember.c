/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives the agent. See remember.h. */
#include "user/remember.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "user/base/cleanup.h"
#include "user/base/files.h"
#include "user/base/log.h"
#include "user/base/table.h"

/* Rows written for each second between cycles; takes about a hundredth of it. A million sources
 * tell 3 million rows at the end of a day, which are written before the next slot ends. */
#define ROWS_PER_SEC 5000
#define ROWS_AT_END 50000 /* written at a time, when the agent ends */
#define RETRY_SEC 10	  /* a history that cannot be opened is tried again */
/* Opened later than that after the start, what is known since is worth more than the past that
 * would take its place. */
#define RECALL_LATE_SEC 3600
#define FORGET_SLOTS SPAN_DAY_SLOTS /* a prefix not in the kernel's table for so long */

/* Readings of a prefix's counters, modulo 2^32, and of when each span began. */
struct counts {
	uint32_t sources, connections, requests, syns;
};

struct reading {
	uint8_t net[16];
	struct counts row; /* the kernel's, as last read */
	struct counts now; /* the same, going on where the kernel's began anew */
	struct counts begun[SPANS];
	uint32_t seen_slot;
};

struct remember {
	int64_t epoch_sec;
	struct table *places; /* of prefixes in list */
	struct reading *list;
	size_t n, max;
	uint32_t harvests, begun_sec; /* the first harvest */
	uint32_t slot;		      /* the present one; 0: not yet */
	uint32_t saved_slot;	      /* when campaigns were saved */
	uint32_t opened_sec;	      /* when that was last tried */
	bool recalled;		      /* campaigns and seeds: before that none are saved */
	uint64_t lost;		      /* history_lost() at the last cycle */
	bool renewed;		      /* the file is a new one, and lacks them */
	char refused[HISTORY_WHY];    /* why there is no history */
};

static uint32_t slot_of(const struct agent *a, uint32_t now_sec)
{
	return slot_at(a->remember->epoch_sec + now_sec, a->conf.window_sec);
}

/* ---- start ---- */

static void open_history(struct agent *a)
{
	const struct history_settings s = {
		.path = a->conf.history,
		.window_sec = a->conf.window_sec,
		.size_max = a->conf.history_size,
		.epoch_sec = a->remember->epoch_sec,
	};
	char dir[PATH_MAX], why[HISTORY_WHY] = "";
	int r;

	a->remember->opened_sec = agent_now_sec();
	(void)files_make_parent(a->conf.history, dir);
	r = history_open(&s, why, &a->history);
	if (r == 1)
		log_warning("history: %s", why);
	if (r < 0)
		snprintf(a->remember->refused, sizeof(a->remember->refused), "%s", why);
	agent_alarm(a, ALARM_HISTORY, r < 0, "history is not kept: %s", why);
}

int remember_open(struct agent *a, int64_t epoch_sec, size_t nets)
{
	struct remember *m;
	int r;

	if (!a->conf.history[0])
		return 0;
	m = a->remember = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->epoch_sec = epoch_sec;
	m->max = nets;
	/* As in observations_new(): no result depends on it. */
	r = table_new((uintptr_t)m, 0, &m->places);
	if (r < 0)
		return r;
	open_history(a);
	return 0;
}

static int recall_campaigns(struct agent *a)
{
	struct campaigns *found = NULL;
	size_t left_out = 0;
	int r;

	r = history_campaigns(a->history, agent_now_sec(), &found, &left_out);
	if (r < 0)
		return r;
	if (left_out)
		log_warning("history: %zu campaigns cannot be read and are left out", left_out);
	if (found->n)
		log_info("history: %zu campaigns", found->n);
	/* None at all is as before a first round. Those of today have names of their own. */
	if (found->n && (!a->mind->campaigns || !a->mind->campaigns->n)) {
		campaigns_free(a->mind->campaigns);
		a->mind->campaigns = found;
		return 0;
	}
	if (found->n)
		log_warning("history: they are given up: others were found meanwhile");
	campaigns_free(found);
	return 0;
}

static int recall_seeds(struct agent *a)
{
	struct seeds found = { 0 };
	int r;

	r = history_seeds(a->history, time(NULL), &found);
	if (r == 0 && found.n) {
		log_info("history: %zu seeds", found.n);
		r = mind_add_seeds(a->mind, &found, time(NULL));
	}
	free(found.list);
	return r;
}

void remember_recall(struct agent *a)
{
	int r;

	if (!a->history || a->remember->recalled)
		return;
	r = recall_seeds(a);
	if (r == 0)
		r = recall_campaigns(a);
	a->remember->recalled = r == 0;
	if (r < 0)
		log_warning("history: campaigns and seeds cannot be read: %s; tried again",
			    strerror(-r));
}

/* Whatever kept it from being opened may be over. */
static void try_again(struct agent *a)
{
	uint32_t now_sec = agent_now_sec();

	if (now_sec - a->remember->opened_sec < RETRY_SEC)
		return;
	open_history(a);
	if (!a->history)
		return;
	log_info("history: opened now");
	remember_recall(a);
	mind_remember(a->mind, a->history, now_sec - a->started_sec < RECALL_LATE_SEC);
}

/* ---- prefixes ---- */

static struct counts counts_of(const struct seine_net *row)
{
	return (struct counts){
		.sources = row->sources,
		.connections = (uint32_t)row->connections,
		.requests = (uint32_t)row->requests,
		.syns = (uint32_t)row->syns,
	};
}

static struct counts minus(const struct counts *a, const struct counts *b)
{
	return (struct counts){
		.sources = a->sources - b->sources,
		.connections = a->connections - b->connections,
		.requests = a->requests - b->requests,
		.syns = a->syns - b->syns,
	};
}

static void add(struct counts *to, const struct counts *more)
{
	to->sources += more->sources;
	to->connections += more->connections;
	to->requests += more->requests;
	to->syns += more->syns;
}

static int tell_net(struct history *h, enum span span, uint32_t start, struct reading *x)
{
	struct counts c = minus(&x->now, &x->begun[span]);
	struct net_deed d = { .sources = c.sources,
			      .connections = c.connections,
			      .requests = c.requests,
			      .syns = c.syns };

	if (!c.sources && !c.connections && !c.requests && !c.syns)
		return 0;
	memcpy(d.net, x->net, sizeof(d.net));
	x->begun[span] = x->now;
	return history_put_net(h, span, start, &d);
}

static int tell_span(struct agent *a, enum span span, uint32_t start)
{
	struct remember *m = a->remember;
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++)
		r = tell_net(a->history, span, start, &m->list[i]);
	return r;
}

/* The last one moves into the gap. */
static void forget(struct remember *m, size_t at)
{
	table_remove(m->places, m->list[at].net);
	if (at != --m->n) {
		m->list[at] = m->list[m->n];
		table_put(m->places, m->list[at].net, (uint32_t)at);
	}
}

static const uint32_t span_slots[SPANS] = { 1, SPAN_HOUR_SLOTS, SPAN_DAY_SLOTS };

/* After a pause, what was done is told of the span before it. */
static int pass(struct agent *a, uint32_t slot)
{
	struct remember *m = a->remember;
	int r = 0;

	for (int span = 0; span < SPANS && r == 0; span++) {
		uint32_t start = m->slot - m->slot % span_slots[span];

		if (slot >= start + span_slots[span])
			r = tell_span(a, span, start);
	}
	for (size_t i = m->n; i > 0; i--)
		if (m->list[i - 1].seen_slot + FORGET_SLOTS < slot)
			forget(m, i - 1);
	m->slot = slot;
	return r;
}

int remember_begin(struct agent *a, uint32_t now_sec)
{
	struct remember *m = a->remember;
	uint32_t slot;

	if (!a->history)
		return 0;
	slot = slot_of(a, now_sec);
	m->harvests++;
	if (!m->slot) {
		m->slot = slot;
		m->begun_sec = now_sec;
	}
	return slot > m->slot ? pass(a, slot) : 0;
}

static struct reading *append(struct remember *m, const struct seine_addr *net)
{
	/* Doubled whenever it is full: its sizes are the powers of two. */
	if (!(m->n & (m->n - 1))) {
		struct reading *list = reallocarray(m->list, m->n ? m->n * 2 : 1, sizeof(*list));

		if (!list)
			return NULL;
		m->list = list;
	}
	if (table_put(m->places, net->ip, (uint32_t)m->n) < 0)
		return NULL;
	m->list[m->n] = (struct reading){ 0 };
	memcpy(m->list[m->n].net, net->ip, sizeof(net->ip));
	return &m->list[m->n++];
}

/* Of a row from before our time only what comes now is known to be of now. */
static struct reading *begin(struct remember *m, const struct seine_addr *net,
			     const struct seine_net *row)
{
	struct reading *x = m->n < m->max ? append(m, net) : NULL;

	if (x && (m->harvests == 1 || row->first_sec < m->begun_sec))
		x->row = counts_of(row);
	return x;
}

void remember_net(struct agent *a, const struct seine_addr *net, const struct seine_net *row)
{
	struct counts all = counts_of(row), more;
	struct remember *m = a->remember;
	struct reading *x;
	uint32_t place;

	if (!a->history)
		return;
	x = table_get(m->places, net->ip, &place) == 0 ? &m->list[place] : begin(m, net, row);
	if (!x)
		return;
	if (row->syns < x->row.syns || row->connections < x->row.connections)
		x->row = (struct counts){ 0 }; /* the kernel's began anew */
	more = minus(&all, &x->row);
	add(&x->now, &more);
	x->row = all;
	x->seen_slot = m->slot;
}

/* ---- writing ---- */

static int save_campaigns(struct agent *a)
{
	if (!a->mind->campaigns || !a->remember->recalled)
		return 0;
	return history_save_campaigns(a->history, a->mind->campaigns);
}

/* A file that was set aside took with it what the mind still holds. */
static int write_anew(struct agent *a, char *why)
{
	struct remember *m = a->remember;
	int r = 0;

	if (!m->renewed)
		return 0;
	m->recalled = true; /* there is nothing in it that could be overwritten */
	if (a->mind->seeds.n)
		r = history_add_seeds(a->history, &a->mind->seeds, why);
	if (r < 0)
		return r;
	m->renewed = false;
	m->saved_slot = 0;
	return 0;
}

static int save(struct agent *a, char *why)
{
	struct remember *m = a->remember;
	int r = write_anew(a, why);

	if (r < 0 || m->slot == m->saved_slot)
		return r;
	remember_recall(a);
	r = save_campaigns(a);
	if (r == 0)
		m->saved_slot = m->slot;
	else
		snprintf(why, HISTORY_WHY, "campaigns: %s", strerror(-r));
	return r;
}

static void check_clock(struct agent *a)
{
	enum history_clock clock = history_clock(a->history, time(NULL), agent_now_sec());

	if (clock == CLOCK_MOVED)
		agent_alarm(a, ALARM_CLOCK, true,
			    "history: the clock was set since the start: restart seined, or what "
			    "is seen is dated wrong; nothing is forgotten until then");
	else
		agent_alarm(a, ALARM_CLOCK, clock == CLOCK_DOUBTED,
			    "history: the clock is far from its newest row: nothing is forgotten "
			    "for an hour, as it may be wrong");
}

static size_t rows_per_cycle(const struct agent *a)
{
	return (size_t)ROWS_PER_SEC * a->conf.interval_ms / 1000;
}

/* Is anything forgotten that should not be? */
static void check_room(struct agent *a)
{
	uint64_t lost = history_lost(a->history);
	uint64_t more = lost - a->remember->lost;

	a->remember->lost = lost;
	if (more)
		agent_alarm(a, ALARM_HISTORY, true,
			    "history: %" PRIu64 " rows came faster than they are written, and are "
			    "given up",
			    more);
	else
		agent_alarm(a, ALARM_HISTORY, history_full(a->history),
			    "history: history_size is spent: the oldest days are forgotten early");
}

static void write_some(struct agent *a, uint32_t now_sec)
{
	char why[HISTORY_WHY] = "";
	int64_t left;
	int r;

	check_clock(a);
	r = save(a, why);
	left = history_flush(a->history, rows_per_cycle(a), now_sec, why);
	if (left == -EUCLEAN) {
		log_warning("history: %s", why);
		a->remember->renewed = true;
		r = save(a, why);
	}
	if ((left < 0 && left != -EUCLEAN) || r < 0)
		agent_alarm(a, ALARM_HISTORY, true, "history: %s", why);
	else
		check_room(a);
}

void remember_cycle(struct agent *a, uint32_t now_sec)
{
	if (!a->history && a->remember)
		try_again(a);
	if (a->history)
		write_some(a, now_sec);
	else if (a->remember)
		agent_alarm(a, ALARM_HISTORY, true, "history is not kept: %s",
			    a->remember->refused);
}

static int64_t write_all(struct history *h, char *why)
{
	int64_t left = 1;

	while (left > 0)
		left = history_flush(h, ROWS_AT_END, agent_now_sec(), why);
	return left;
}

void remember_stop(struct agent *a)
{
	char why[HISTORY_WHY] = "out of memory";
	struct remember *m = a->remember;
	int64_t r = 0;

	if (!a->history)
		return;
	/* Before its past is known, a row may hold what was told at the end before this one. */
	if (a->mind->recalled)
		r = observations_tell_present(a->mind->observations, history_put, a->history);
	for (int span = 0; span < SPANS && r == 0 && m->slot; span++)
		r = tell_span(a, span, m->slot - m->slot % span_slots[span]);
	if (r == 0)
		r = write_all(a->history, why);
	if (r == 0 && save_campaigns(a) < 0)
		log_error("history: campaigns are not kept");
	if (r < 0)
		log_error("history: the end is not kept: %s", why);
}

void remember_close(struct agent *a)
{
	history_close(a->history);
	if (!a->remember)
		return;
	table_free(a->remember->places);
	free(a->remember->list);
	free(a->remember);
}
