/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `drop` and `allow`: the two lists, and what an operator adds to them and takes away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/rank.h"
#include "user/control/request.h"
#include "user/requests.h"

/* --- drop ------------------------------------------------------------------------------------- */

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

static json_t *entry_row(const struct agent *a, const void *row, const struct moment *m)
{
	return json_entry(a, row, m);
}

int request_drop_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
		      struct answer *ret)
{
	_cleanup_(freep) struct drop_row *all = NULL;
	_cleanup_(freep) const void **rows = NULL;
	size_t n = a->entries ? a->entries->n : 0, total = 0;
	struct request_rows wanted;
	rank_compare order;
	struct rank rank;
	int r;

	r = request_rows(request, drop_sorts, why, &wanted);
	if (r < 0)
		return r;
	all = calloc(n + 1, sizeof(*all));
	rows = calloc(wanted.limit, sizeof(*rows));
	if (!all || !rows)
		return -ENOMEM;

	order = drop_orders[wanted.sort];
	rank_init(&rank, order, rows, wanted.limit);
	for (size_t i = 0; i < n; i++) {
		if (!prefix_overlaps(&wanted.within, &a->entries->list[i].prefix))
			continue;
		all[total].entry = &a->entries->list[i];
		if (order == by_hits || order == by_last)
			read_hits(a, &all[total]);
		rank_add(&rank, &all[total++]);
	}
	rank_sort(&rank);

	for (size_t i = 0; i < rank.n; i++)
		rows[i] = ((const struct drop_row *)rows[i])->entry;
	ret->head = answer_new("drops");
	json_object_set_new(ret->head, "mode", json_string(mode_name(a->conf.cfg.mode)));
	json_object_set_new(ret->head, "total", json_integer(total));
	return request_put_rows(a, m, "entries", rows, rank.n, sizeof(struct entry), entry_row,
				ret);
}

int request_drop_add(struct agent *a, const json_t *request, const struct moment *m, char *why,
		     struct answer *ret)
{
	const struct entry *held, *now;
	bool kept = false, dry_run = false, existed;
	struct entry e;
	int r;

	r = request_drop(request, m->now_sec, why, &e, &dry_run);
	if (r == 0 && dry_run)
		r = request_fail(-EOPNOTSUPP, why, "drop add: the agent knows no dry run");
	if (r < 0)
		return r;
	held = a->entries ? entries_find(a->entries, &e.prefix) : NULL;
	existed = held;
	if (held) {
		kept = request_keep_expiry(held->row.expires_sec, &e.row.expires_sec);
		if (!e.row.note[0])
			memcpy(e.row.note, held->row.note, sizeof(e.row.note));
	}
	r = agent_drop_add(a, &e, why);
	if (r < 0)
		return r;

	now = a->entries ? entries_find(a->entries, &e.prefix) : NULL;
	ret->head = answer_new("drop");
	json_object_set_new(ret->head, "entry", json_entry(a, now ? now : &e, m));
	json_object_set_new(ret->head, "existed", json_boolean(existed));
	json_object_set_new(ret->head, "kept_expiry", json_boolean(kept));
	json_object_set_new(ret->head, "mode", json_string(mode_name(a->conf.cfg.mode)));
	return 0;
}

int request_drop_del(struct agent *a, const json_t *request, const struct moment *m, char *why,
		     struct answer *ret)
{
	_cleanup_(json_decrefp) json_t *removed = NULL;
	const struct entry *held, *wider;
	char text[PREFIX_TEXT], other[PREFIX_TEXT];
	struct prefix p;
	int r;

	r = request_prefix(request, why, &p);
	if (r < 0)
		return r;
	held = a->entries ? entries_find(a->entries, &p) : NULL;
	wider = a->entries ? entries_match(a->entries, &p) : NULL;
	if (!held && wider)
		return request_fail(-ENOENT, why, "%s: not listed itself; %s covers it",
				    prefix_format(&p, text), prefix_format(&wider->prefix, other));
	if (!held)
		return request_fail(-ENOENT, why, "%s: not listed", prefix_format(&p, text));
	removed = json_entry(a, held, m);
	r = agent_drop_remove(a, &p, why);
	if (r < 0)
		return r;

	wider = a->entries ? entries_match(a->entries, &p) : NULL;
	ret->head = answer_new("drop");
	json_object_set(ret->head, "removed", removed);
	json_object_set_new(ret->head, "still_covered_by",
			    wider ? answer_prefix(&wider->prefix) : json_null());
	return 0;
}

/* --- allow ------------------------------------------------------------------------------------ */

static int compare_allows(const void *a_, const void *b_)
{
	const struct allow_entry *a = a_, *b = b_;

	return prefix_compare(&a->prefix, &b->prefix);
}

static int read_allows(const struct agent *a, char *why, struct allow_entry **ret, size_t *ret_n)
{
	int r = datapath_allows(a->datapath, ret, ret_n);

	return r < 0 ? request_fail(r, why, "allow list: %s", strerror(-r)) : 0;
}

static json_t *allow_row(const struct agent *a, const void *row, const struct moment *m)
{
	(void)a;
	return json_allow(row, m);
}

int request_allow_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret)
{
	static const char *const sorts[] = { "prefix", NULL };
	_cleanup_(freep) struct allow_entry *all = NULL;
	_cleanup_(freep) const void **rows = NULL;
	struct request_rows wanted;
	size_t n = 0, total = 0;
	struct rank rank;
	int r;

	r = request_rows(request, sorts, why, &wanted);
	if (r == 0)
		r = read_allows(a, why, &all, &n);
	if (r < 0)
		return r;
	rows = calloc(wanted.limit, sizeof(*rows));
	if (!rows)
		return -ENOMEM;

	rank_init(&rank, compare_allows, rows, wanted.limit);
	for (size_t i = 0; i < n; i++) {
		if (!prefix_overlaps(&wanted.within, &all[i].prefix))
			continue;
		total++;
		rank_add(&rank, &all[i]);
	}
	rank_sort(&rank);

	ret->head = answer_new("allows");
	json_object_set_new(ret->head, "total", json_integer(total));
	return request_put_rows(a, m, "entries", rows, rank.n, sizeof(*all), allow_row, ret);
}

static const struct allow_entry *find_allow(const struct allow_entry *all, size_t n,
					    const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_compare(&all[i].prefix, p) == 0)
			return &all[i];
	return NULL;
}

int request_allow_add(struct agent *a, const json_t *request, const struct moment *m, char *why,
		      struct answer *ret)
{
	_cleanup_(freep) struct allow_entry *all = NULL;
	const struct allow_entry *held;
	struct allow_entry allow;
	bool kept = false, dry_run = false;
	size_t n = 0;
	int r;

	r = request_allow(request, m->now_sec, why, &allow, &dry_run);
	if (r == 0 && dry_run)
		r = request_fail(-EOPNOTSUPP, why, "allow add: the agent knows no dry run");
	if (r == 0)
		r = read_allows(a, why, &all, &n);
	if (r < 0)
		return r;
	held = find_allow(all, n, &allow.prefix);
	if (held) {
		kept = request_keep_expiry(held->row.expires_sec, &allow.row.expires_sec);
		if (!allow.row.note[0])
			memcpy(allow.row.note, held->row.note, sizeof(allow.row.note));
	}
	r = agent_allow_add(a, &allow, why);
	if (r < 0)
		return r;

	ret->head = answer_new("allow");
	json_object_set_new(ret->head, "entry", json_allow(&allow, m));
	json_object_set_new(ret->head, "existed", json_boolean(held != NULL));
	json_object_set_new(ret->head, "kept_expiry", json_boolean(kept));
	return 0;
}

int request_allow_del(struct agent *a, const json_t *request, const struct moment *m, char *why,
		      struct answer *ret)
{
	_cleanup_(freep) struct allow_entry *all = NULL;
	const struct allow_entry *held;
	char text[PREFIX_TEXT];
	struct prefix p;
	size_t n = 0;
	int r;

	r = request_prefix(request, why, &p);
	if (r == 0)
		r = read_allows(a, why, &all, &n);
	if (r < 0)
		return r;
	held = find_allow(all, n, &p);
	if (!held)
		return request_fail(-ENOENT, why, "%s: not on the allow list",
				    prefix_format(&p, text));
	r = agent_allow_remove(a, &p, why);
	if (r < 0)
		return r;

	ret->head = answer_new("allow");
	json_object_set_new(ret->head, "removed", json_allow(held, m));
	return 0;
}
