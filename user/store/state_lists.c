/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What else the state keeps: allow list, mode, feeds, lists of JSON; and all of it at a start. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/state_file.h"

#define ALLOWS_MAX (1u << 20) /* as many as a table of the kernel can have */
#define FEEDS_MAX 65536

/* The statement changed nothing: what it is about is not there. */
static int missing(struct state *s, int r)
{
	return r == 0 && !sqlite3_changes(s->db.handle) ? -ENOENT : r;
}

/* That is no reason to give up the transaction. */
static int done_or_missing(struct state *s, int r)
{
	return r == -ENOENT ? r : state_done(s, r);
}

/* Room for one more in a list that is doubled whenever it is full. */
static int grow(void **list, size_t n, size_t size)
{
	void *more;

	if (n & (n - 1))
		return 0;
	more = reallocarray(*list, n ? n * 2 : 1, size);
	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

/* ---- allow list ---- */

int state_put_allow(struct state *s, const struct allow_entry *e)
{
	sqlite3_stmt *q = s->queries[STATE_ALLOW_PUT];
	uint8_t key[STATE_PREFIX_KEY];
	int r = state_writing(s);

	if (r < 0)
		return r;
	state_prefix_key(&e->prefix, key);
	sqlite3_bind_blob(q, 1, key, sizeof(key), SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, e->row.origin);
	sqlite3_bind_int64(q, 3, e->row.actor);
	sqlite3_bind_int64(q, 4, state_unix(s, e->row.added_sec));
	sqlite3_bind_int64(q, 5, state_unix(s, e->row.expires_sec));
	state_bind_note(q, 6, e->row.note);
	return state_done(s, db_do(&s->db, q));
}

int state_remove_allow(struct state *s, const struct prefix *p)
{
	sqlite3_stmt *q = s->queries[STATE_ALLOW_REMOVE];
	uint8_t key[STATE_PREFIX_KEY];
	int r = state_writing(s);

	if (r < 0)
		return r;
	state_prefix_key(p, key);
	sqlite3_bind_blob(q, 1, key, sizeof(key), SQLITE_STATIC);
	return done_or_missing(s, missing(s, db_do(&s->db, q)));
}

int state_clear_allows(struct state *s)
{
	int r = state_writing(s);

	return r < 0 ? r : state_done(s, db_run(&s->db, "DELETE FROM allow"));
}

static int read_allow(const struct state *s, sqlite3_stmt *q, uint32_t now_sec,
		      struct allow_entry *ret)
{
	int64_t added = sqlite3_column_int64(q, 3), expires = sqlite3_column_int64(q, 4);
	const uint8_t *key = sqlite3_column_blob(q, 0);
	struct allow_entry e = { 0 };
	uint32_t origin = 0;
	int r;

	if (!key || sqlite3_column_bytes(q, 0) != STATE_PREFIX_KEY ||
	    sqlite3_column_type(q, 3) != SQLITE_INTEGER ||
	    sqlite3_column_type(q, 4) != SQLITE_INTEGER)
		return -EBADMSG;
	r = state_prefix_of(key, &e.prefix);
	if (r == 0)
		r = state_column(q, 1, &origin);
	if (r == 0)
		r = state_column(q, 2, &e.row.actor);
	if (r == 0)
		r = state_column_note(q, 5, e.row.note);
	if (r < 0)
		return r;
	e.row.origin = origin;
	e.row.added_sec = state_sec(s, added);
	e.row.expires_sec = state_expiry(s, added, expires, now_sec);
	*ret = e;
	return 0;
}

int state_read_allows(struct state *s, enum state_query query, uint32_t now_sec,
		      struct allow_entry **ret, size_t *ret_n, size_t *left_out)
{
	_cleanup_(freep) struct allow_entry *list = NULL;
	sqlite3_stmt *q = s->queries[query];
	struct allow_entry e;
	int r, res = 0;
	size_t n = 0;

	while (res == 0 && (r = sqlite3_step(q)) == SQLITE_ROW) {
		if (n == ALLOWS_MAX || read_allow(s, q, now_sec, &e) < 0) {
			++*left_out;
			continue;
		}
		res = grow((void **)&list, n, sizeof(*list));
		if (res == 0)
			list[n++] = e;
	}
	if (res == 0 && r != SQLITE_DONE)
		res = db_errno(&s->db, r);
	sqlite3_reset(q);
	if (res < 0)
		return res;
	*ret = take_ptr(list);
	*ret_n = n;
	return 0;
}

/* ---- mode ---- */

static int put_mode(struct state *s, int64_t mode, int64_t conf_mode)
{
	const int64_t numbers[] = { mode, conf_mode };
	int r = state_writing(s);

	return r < 0 ? r : state_done(s, state_do(s, STATE_MODE, ARRAY_LEN(numbers), numbers));
}

int state_set_mode(struct state *s, enum seine_mode mode, enum seine_mode conf_mode)
{
	return put_mode(s, mode, conf_mode);
}

int state_forget_mode(struct state *s)
{
	return put_mode(s, -1, -1);
}

/* ---- feeds ---- */

int state_put_feed(struct state *s, struct state_feed *feed)
{
	sqlite3_stmt *q = s->queries[feed->number ? STATE_FEED_PUT : STATE_FEED_ADD];
	int r = state_writing(s);

	if (r < 0)
		return r;
	if (feed->number)
		sqlite3_bind_int64(q, 1, feed->number);
	sqlite3_bind_text(q, 2, feed->name, (int)strnlen(feed->name, sizeof(feed->name)),
			  SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, feed->imported_unix);
	sqlite3_bind_int64(q, 4, (int64_t)feed->lines);
	sqlite3_bind_int64(q, 5, feed->watched);
	r = missing(s, db_do(&s->db, q));
	if (r == 0 && !feed->number)
		feed->number = (uint32_t)sqlite3_last_insert_rowid(s->db.handle);
	return done_or_missing(s, r);
}

int state_remove_feed(struct state *s, uint32_t number)
{
	const int64_t numbers[] = { number };
	int r = state_writing(s);

	if (r < 0)
		return r;
	return done_or_missing(s, missing(s, state_do(s, STATE_FEED_REMOVE, 1, numbers)));
}

static int read_feed(sqlite3_stmt *q, struct state_feed *ret)
{
	struct state_feed feed = { 0 };
	uint32_t watched = 0;
	int64_t lines = sqlite3_column_int64(q, 3);
	int r;

	r = state_column(q, 0, &feed.number);
	if (r == 0)
		r = state_column(q, 4, &watched);
	if (r < 0 || lines < 0)
		return -EBADMSG;
	state_column_text(q, 1, feed.name, sizeof(feed.name));
	feed.imported_unix = sqlite3_column_int64(q, 2);
	feed.lines = (uint64_t)lines;
	feed.watched = watched;
	*ret = feed;
	return 0;
}

int state_read_feeds(struct state *s, struct state_feed **ret, size_t *ret_n, size_t *left_out)
{
	_cleanup_(freep) struct state_feed *list = NULL;
	sqlite3_stmt *q = s->queries[STATE_FEEDS];
	struct state_feed feed;
	int r, res = 0;
	size_t n = 0;

	while (res == 0 && (r = sqlite3_step(q)) == SQLITE_ROW) {
		if (n == FEEDS_MAX || read_feed(q, &feed) < 0) {
			++*left_out;
			continue;
		}
		res = grow((void **)&list, n, sizeof(*list));
		if (res == 0)
			list[n++] = feed;
	}
	if (res == 0 && r != SQLITE_DONE)
		res = db_errno(&s->db, r);
	sqlite3_reset(q);
	if (res < 0)
		return res;
	*ret = take_ptr(list);
	*ret_n = n;
	return 0;
}

/* ---- lists of JSON ---- */

static int put_row(struct state *s, const char *kind, size_t at, const json_t *row)
{
	_cleanup_(freep) char *text =
		json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	sqlite3_stmt *q = s->queries[STATE_ROW_PUT];

	if (!text)
		return -ENOMEM;
	if (strlen(text) > STATE_ROW_BYTES)
		return -E2BIG;
	sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, (int64_t)at);
	sqlite3_bind_text(q, 3, text, -1, SQLITE_STATIC);
	return db_do(&s->db, q);
}

int state_save_rows(struct state *s, const char *kind, const json_t *array)
{
	sqlite3_stmt *cut = s->queries[STATE_ROWS_CUT];
	size_t n = json_array_size(array);
	int r = state_writing(s);

	if (r < 0)
		return r;
	r = n > STATE_ROWS ? -E2BIG : 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = put_row(s, kind, i, json_array_get(array, i));
	if (r == 0) {
		sqlite3_bind_text(cut, 1, kind, -1, SQLITE_STATIC);
		sqlite3_bind_int64(cut, 2, (int64_t)n);
		r = db_do(&s->db, cut);
	}
	if (r == -E2BIG)
		snprintf(s->db.error, sizeof(s->db.error), "%s: too much to keep", kind);
	return state_done(s, r);
}

static int read_list(struct state *s, const char *kind, json_t *to, size_t *left_out)
{
	sqlite3_stmt *q = s->queries[STATE_ROWS_OF];
	int r, res = 0;

	sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
	while (res == 0 && (r = sqlite3_step(q)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(q, 0);
		json_t *row = text && json_array_size(to) < STATE_ROWS
				      ? json_loads(text, JSON_DECODE_ANY, NULL)
				      : NULL;

		if (!row)
			++*left_out;
		else if (json_array_append_new(to, row) < 0)
			res = -ENOMEM;
	}
	if (res == 0 && r != SQLITE_DONE)
		res = db_errno(&s->db, r);
	sqlite3_reset(q);
	return res;
}

int state_load_rows(struct state *s, const char *kind, json_t **ret, size_t *ret_left_out)
{
	json_t *list = json_array();
	size_t left_out = 0;
	int r;

	if (!list)
		return -ENOMEM;
	r = s->db.handle ? read_list(s, kind, list, &left_out) : -EIO;
	if (r < 0) {
		json_decref(list);
		return state_end_reading(s, r);
	}
	*ret = list;
	*ret_left_out = left_out;
	return 0;
}

/* ---- all of it ---- */

static int read_meta(struct state *s, struct state_loaded *l)
{
	sqlite3_stmt *q = s->queries[STATE_META];
	int r = sqlite3_step(q), mode, conf_mode;

	if (r == SQLITE_ROW) {
		l->recorded = (uint64_t)sqlite3_column_int64(q, 3);
		l->applied = (uint64_t)sqlite3_column_int64(q, 4);
		l->maps = (uint64_t)sqlite3_column_int64(q, 5);
		mode = sqlite3_column_int(q, 6);
		conf_mode = sqlite3_column_int(q, 7);
		l->mode_set = (mode == SEINE_OBSERVE || mode == SEINE_ENFORCE) &&
			      (conf_mode == SEINE_OBSERVE || conf_mode == SEINE_ENFORCE);
		l->mode = l->mode_set ? (enum seine_mode)mode : SEINE_OBSERVE;
		l->conf_mode = l->mode_set ? (enum seine_mode)conf_mode : SEINE_OBSERVE;
	}
	sqlite3_reset(q);
	if (r == SQLITE_DONE)
		return db_damaged(&s->db, "without its sequence number");
	return r == SQLITE_ROW ? 0 : db_errno(&s->db, r);
}

static int read_all(struct state *s, uint32_t now_sec, struct state_loaded *l)
{
	int64_t n = 0;
	int r;

	r = read_meta(s, l);
	if (r == 0)
		r = db_number(&s->db, s->queries[STATE_CLAIM_COUNT], &n);
	if (r >= 0)
		r = state_read_claims(s, STATE_CLAIMS, n > 0 ? (size_t)n : 0, now_sec, &l->claims,
				      &l->left_out);
	if (r == 0)
		r = state_read_allows(s, STATE_ALLOWS, now_sec, &l->allows, &l->n_allows,
				      &l->left_out);
	if (r == 0)
		r = state_read_feeds(s, &l->feeds, &l->n_feeds, &l->left_out);
	return r == 0 ? state_read_trial(s, &l->trial) : r;
}

int state_load(struct state *s, uint32_t now_sec, struct state_loaded *ret)
{
	struct state_loaded l = { 0 };
	int r = s->db.handle ? read_all(s, now_sec, &l) : -EIO;

	if (r < 0) {
		state_loaded_clear(&l);
		return state_end_reading(s, r);
	}
	*ret = l;
	return 0;
}

void state_loaded_clear(struct state_loaded *l)
{
	claims_free(l->claims);
	free(l->allows);
	free(l->feeds);
	*l = (struct state_loaded){ 0 };
}
