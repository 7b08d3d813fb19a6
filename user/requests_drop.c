/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `drop`: the list in force and the claims behind it, and what an operator adds and takes away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/rank.h"
#include "user/control/request.h"
#include "user/ledger.h"
#include "user/requests.h"
#include "user/trial.h"

/* --- list ------------------------------------------------------------------------------------- */

/* An entry and, where the order asks for them, its hits. */
struct drop_row {
	const struct entry *entry;
	uint64_t packets;
	uint32_t last_sec;
};

#define MORE(a, b) (((a) < (b)) - ((a) > (b)))

static int by_prefix(const void *a_, const void *b_)
{
	const struct drop_row *a = a_, *b = b_;

	return prefix_compare(&a->entry->prefix, &b->entry->prefix);
}

static int by_hits(const void *a_, const void *b_)
{
	const struct drop_row *a = a_, *b = b_;

	return a->packets != b->packets ? MORE(a->packets, b->packets) : by_prefix(a, b);
}

static int by_last(const void *a_, const void *b_)
{
	const struct drop_row *a = a_, *b = b_;

	return a->last_sec != b->last_sec ? MORE(a->last_sec, b->last_sec) : by_prefix(a, b);
}

static int by_added(const void *a_, const void *b_)
{
	const struct drop_row *a = a_, *b = b_;
	uint32_t of_a = a->entry->row.added_sec, of_b = b->entry->row.added_sec;

	return of_a != of_b ? MORE(of_a, of_b) : by_prefix(a, b);
}

/* The next to run out first; 0, never, wraps to the end. */
static int by_left(const void *a_, const void *b_)
{
	const struct drop_row *a = a_, *b = b_;
	uint32_t of_a = a->entry->row.expires_sec - 1, of_b = b->entry->row.expires_sec - 1;

	return of_a != of_b ? MORE(of_b, of_a) : by_prefix(a, b);
}

static const char *const drop_sorts[] = { "prefix", "hits", "last", "added", "left", NULL };
static const rank_compare drop_orders[] = { by_prefix, by_hits, by_last, by_added, by_left };
_Static_assert(ARRAY_LEN(drop_sorts) == ARRAY_LEN(drop_orders) + 1, "one order a name");

/* A read of hits costs a system call an entry, so it is made only for an order that needs it. */
static void read_hits(const struct agent *a, struct drop_row *row)
{
	struct seine_hit hit;

	if (!row->entry->row.slot || datapath_hits(a->datapath, row->entry->row.slot, &hit) < 0)
		return;
	row->packets = hit.packets;
	row->last_sec = hit.last_sec;
}

static json_t *entry_row(struct agent *a, const void *row, const struct moment *m)
{
	return json_entry(a, row, m);
}

int request_drop_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
		      struct answer *ret)
{
	_cleanup_(freep) struct drop_row *all = NULL;
	_cleanup_(freep) const void **rows = NULL;
	size_t n = a->entries->n, total = 0;
	struct request_rows wanted;
	unsigned int origins = 0;
	rank_compare order;
	struct rank rank;
	int r;

	r = request_drop_rows(request, drop_sorts, why, &wanted, &origins);
	if (r < 0)
		return r;
	all = calloc(n + 1, sizeof(*all));
	rows = calloc(wanted.limit, sizeof(*rows));
	if (!all || !rows)
		return -ENOMEM;

	order = drop_orders[wanted.sort];
	rank_init(&rank, order, rows, wanted.limit);
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &a->entries->list[i];

		if (!prefix_overlaps(&wanted.within, &e->prefix) || !(origins >> e->row.origin & 1))
			continue;
		all[total].entry = e;
		if (order == by_hits || order == by_last)
			read_hits(a, &all[total]);
		rank_add(&rank, &all[total++]);
	}
	rank_sort(&rank);

	for (size_t i = 0; i < rank.n; i++)
		rows[i] = ((const struct drop_row *)rows[i])->entry;
	ret->head = answer_new("drops");
	json_object_set_new(ret->head, "mode", json_string(mode_name(a->conf.cfg.mode)));
	json_object_set_new(ret->head, "total", json_integer((json_int_t)total));
	json_object_set_new(ret->head, "conflicts", json_integer((json_int_t)a->conflicts.all));
	return request_put_rows(a, m, "entries", rows, rank.n, sizeof(struct entry), entry_row,
				ret);
}

static json_t *conflict_row(struct agent *a, const void *row, const struct moment *m)
{
	const struct conflict *c = row;

	return json_pack("{s:o, s:o}", "loser", json_entry(a, &c->loser, m), "winner",
			 json_entry(a, &c->winner, m));
}

int request_drop_conflicts(struct agent *a, const json_t *request, const struct moment *m,
			   char *why, struct answer *ret)
{
	_cleanup_(freep) const void **rows = NULL;
	size_t n = a->conflicts.n;
	int r;

	r = request_nothing(request, why);
	if (r < 0)
		return r;
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rows[i] = &a->conflicts.list[i];
	ret->head = answer_new("conflicts");
	json_object_set_new(ret->head, "total", json_integer((json_int_t)a->conflicts.all));
	return request_put_rows(a, m, "conflicts", rows, n, sizeof(struct conflict), conflict_row,
				ret);
}

int request_drop_watch(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret)
{
	struct prefix within;
	int r;

	(void)m;
	r = request_within(request, why, &within);
	if (r == 0)
		r = request_follow(a, why);
	if (r < 0)
		return r;
	ret->head = answer_new("drops_watch");
	ret->topic = TOPIC_DROPS;
	return 0;
}

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

/* --- add -------------------------------------------------------------------------------------- */

/* Two ClientHellos at one prefix take two entries, and there is room for one: the first would be
 * lost without a word. */
static int check_hello(const struct entry *held, const struct entry *e, char *why)
{
	char text[PREFIX_TEXT];

	if (!held || held->row.hello_key == e->row.hello_key || !held->row.hello_key)
		return 0;
	return request_fail(-EEXIST, why,
			    "%s: is listed for ClientHello %016llx, and holds one at a time: "
			    "seine drop del it first",
			    prefix_format(&e->prefix, text),
			    (unsigned long long)held->row.hello_key);
}

/* Of a single address too: that is where a customer is typed by mistake. */
static int put_impact(struct agent *a, const struct entry *e, const struct moment *m,
		      json_t *answer)
{
	json_t *impact = json_null();
	int r;

	r = json_impact(a, e, 1, m, &impact);
	json_object_set_new(answer, "impact", impact);
	return r;
}

/* The list as it would be. */
static int preview(struct agent *a, const struct entry *e, char *why, struct entries **ret)
{
	_cleanup_(claims_freep) struct claims *next = NULL;
	size_t uncounted;
	int r;

	r = ledger_begin(a, &next);
	if (r == 0)
		r = claims_put(next, e);
	if (r == 0)
		r = ledger_compose(a, next, ret, NULL);
	return r < 0 ? r : datapath_fits(a->datapath, *ret, why, &uncounted);
}

static int add(struct agent *a, const struct entry *e, const struct entry *held,
	       const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	_cleanup_(claims_freep) struct claims *next = NULL;
	int r;

	auditing_begin(&x, a, m, "drop add");
	auditing_prefix(&x, &e->prefix);
	auditing_text(&x, "%s%s%s%s", held ? "changed to " : "", action_name(e->row.action),
		      e->row.note[0] ? ": " : "", e->row.note);
	auditing_before(&x, held ? json_entry(a, held, m) : NULL);
	auditing_after(&x, json_entry(a, e, m));
	r = ledger_begin(a, &next);
	if (r == 0)
		r = claims_put(next, e);
	return r < 0 ? r : ledger_commit(a, &next, &x.audit, why);
}

int request_drop_add(struct agent *a, const json_t *request, const struct moment *m, char *why,
		     struct answer *ret)
{
	_cleanup_(entries_freep) struct entries *would_be = NULL;
	_cleanup_(json_decrefp) json_t *was = json_null();
	const struct entry *held, *now, *over;
	bool kept = false, dry_run = false;
	struct entry e;
	int r;

	r = request_drop(request, m->now_sec, why, &e, &dry_run);
	if (r == 0 && e.row.action != SEINE_WATCH)
		r = request_guarded(a, &e.prefix, m, why);
	if (r < 0)
		return r;
	e.row.actor = m->who ? m->who->uid : SEINE_NO_ACTOR;
	held = claims_find(a->claims, &e);
	r = check_hello(held, &e, why);
	if (r < 0)
		return r;
	if (held) {
		was = json_entry(a, held, m);
		kept = request_keep_expiry(held->row.expires_sec, &e.row.expires_sec);
		if (!e.row.note[0])
			memcpy(e.row.note, held->row.note, sizeof(e.row.note));
	}
	r = dry_run ? preview(a, &e, why, &would_be) : add(a, &e, held, m, why);
	if (r < 0)
		return r;

	now = entries_find(dry_run ? would_be : a->entries, &e.prefix);
	over = claims_overruled(dry_run ? would_be : a->entries, &e);
	ret->head = answer_new("drop");
	json_object_set_new(ret->head, "entry",
			    json_entry(a, now && !claim_compare(now, &e) ? now : &e, m));
	json_object_set_new(ret->head, "existed", json_boolean(!json_is_null(was)));
	json_object_set(ret->head, "was", was);
	json_object_set_new(ret->head, "kept_expiry", json_boolean(kept));
	json_object_set_new(ret->head, "overruled_by", over ? json_entry(a, over, m) : json_null());
	json_object_set_new(ret->head, "dry_run", json_boolean(dry_run));
	json_object_set_new(ret->head, "mode", json_string(mode_name(a->conf.cfg.mode)));
	json_object_set_new(ret->head, "trial", json_trial(a, m));
	return put_impact(a, &e, m, ret->head);
}

/* --- del -------------------------------------------------------------------------------------- */

static int not_listed(const struct agent *a, const struct prefix *p, char *why)
{
	const struct entry *wider = entries_match(a->entries, p);
	char text[PREFIX_TEXT], other[PREFIX_TEXT];

	if (wider)
		return request_fail(-ENOENT, why, "%s: not listed itself; %s covers it",
				    prefix_format(p, text), prefix_format(&wider->prefix, other));
	return request_fail(-ENOENT, why, "%s: not listed", prefix_format(p, text));
}

static int del(struct agent *a, const struct entry *e, const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	_cleanup_(claims_freep) struct claims *next = NULL;
	int r;

	auditing_begin(&x, a, m, "drop del");
	auditing_prefix(&x, &e->prefix);
	auditing_text(&x, "removed %s of %s", action_name(e->row.action),
		      origin_name(e->row.origin));
	auditing_before(&x, json_entry(a, e, m));
	r = ledger_begin(a, &next);
	if (r == 0)
		r = claims_remove(next, e);
	return r < 0 ? r : ledger_commit(a, &next, &x.audit, why);
}

/* The strongest claim on a prefix goes: what is listed is what an operator sees and means. */
int request_drop_del(struct agent *a, const json_t *request, const struct moment *m, char *why,
		     struct answer *ret)
{
	_cleanup_(json_decrefp) json_t *removed = NULL;
	const struct entry *held, *now, *wider;
	struct entry gone;
	struct prefix p;
	int r;

	r = request_prefix(request, why, &p);
	if (r < 0)
		return r;
	held = claims_at(a->claims, &p);
	if (!held)
		return not_listed(a, &p, why);
	gone = *held;
	now = entries_find(a->entries, &p);
	removed = json_entry(a, now ? now : held, m);
	r = del(a, &gone, m, why);
	if (r < 0)
		return r;

	now = entries_find(a->entries, &p);
	wider = now ? NULL : entries_match(a->entries, &p);
	ret->head = answer_new("drop");
	json_object_set(ret->head, "removed", removed);
	json_object_set_new(ret->head, "now", now ? json_entry(a, now, m) : json_null());
	json_object_set_new(ret->head, "still_covered_by",
			    wider ? answer_prefix(&wider->prefix) : json_null());
	json_object_set_new(ret->head, "mode", json_string(mode_name(a->conf.cfg.mode)));
	return 0;
}
