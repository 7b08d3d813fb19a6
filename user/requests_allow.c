/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `allow`: what always passes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/allowdir.h"
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/rank.h"
#include "user/control/request.h"
#include "user/requests.h"

#define OVERRULED_SHOWN 5

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

static json_t *allow_row(struct agent *a, const void *row, const struct moment *m)
{
	return json_allow(a, row, m);
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
	json_object_set_new(ret->head, "total", json_integer((json_int_t)total));
	return request_put_rows(a, m, "entries", rows, rank.n, sizeof(*all), allow_row, ret);
}

/* Entries that it lets pass, in whole or in part. */
static void put_overruled(struct agent *a, const struct prefix *p, const struct moment *m,
			  json_t *answer)
{
	json_t *list = json_array();
	json_int_t n = 0;

	for (size_t i = 0; i < a->entries->n; i++) {
		const struct entry *e = &a->entries->list[i];

		if (!prefix_overlaps(p, &e->prefix))
			continue;
		if (n++ < OVERRULED_SHOWN)
			json_array_append_new(list, json_entry(a, e, m));
	}
	json_object_set_new(answer, "overrules", json_integer(n));
	json_object_set_new(answer, "overruled", list);
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
	if (r == 0)
		r = read_allows(a, why, &all, &n);
	if (r < 0)
		return r;
	allow.row.actor = m->who ? m->who->uid : SEINE_NO_ACTOR;
	held = allow_find(all, n, &allow.prefix);
	if (held) {
		kept = request_keep_expiry(held->row.expires_sec, &allow.row.expires_sec);
		if (!allow.row.note[0])
			memcpy(allow.row.note, held->row.note, sizeof(allow.row.note));
	}
	ret->head = answer_new("allow");
	put_overruled(a, &allow.prefix, m, ret->head);
	if (!dry_run)
		r = agent_allow_add(a, &allow, held, m, why);
	if (r < 0)
		return r;

	json_object_set_new(ret->head, "entry", json_allow(a, &allow, m));
	json_object_set_new(ret->head, "existed", json_boolean(held != NULL));
	json_object_set_new(ret->head, "kept_expiry", json_boolean(kept));
	json_object_set_new(ret->head, "dry_run", json_boolean(dry_run));
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
	held = allow_find(all, n, &p);
	if (!held)
		return request_fail(-ENOENT, why, "%s: not on the allow list",
				    prefix_format(&p, text));
	r = agent_allow_remove(a, held, m, why);
	if (r < 0)
		return r;

	ret->head = answer_new("allow");
	json_object_set_new(ret->head, "removed", json_allow(a, held, m));
	json_object_set_new(ret->head, "of_a_file", json_boolean(allowdir_owns(held)));
	return 0;
}
