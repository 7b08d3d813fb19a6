/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Claims in the state: the difference of two lists written, all of them read. */
#include <errno.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/state_file.h"

/* More are not read: an agent that recorded them would not have had the memory either. */
#define CLAIMS_MAX (8u << 20)

/* ---- columns ---- */

int state_column(sqlite3_stmt *s, int column, uint32_t *ret)
{
	int64_t v = sqlite3_column_int64(s, column);

	if (sqlite3_column_type(s, column) != SQLITE_INTEGER || v < 0 || v > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)v;
	return 0;
}

void state_column_text(sqlite3_stmt *s, int column, char *ret, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	size_t n = text ? strnlen(text, size - 1) : 0;

	if (n)
		memcpy(ret, text, n);
	ret[n] = '\0';
}

/* Whoever writes the map may write anything there, and must find it again as it was. */
void state_bind_note(sqlite3_stmt *s, int at, const char note[SEINE_NOTE])
{
	int n = SEINE_NOTE;

	while (n && !note[n - 1])
		n--;
	sqlite3_bind_blob(s, at, note, n, SQLITE_STATIC);
	if (!n)
		sqlite3_bind_zeroblob(s, at, 0);
}

int state_column_note(sqlite3_stmt *s, int column, char ret[SEINE_NOTE])
{
	const void *note = sqlite3_column_blob(s, column);
	int n = note ? sqlite3_column_bytes(s, column) : 0;

	if (n > SEINE_NOTE)
		return -EBADMSG;
	memset(ret, 0, SEINE_NOTE);
	if (n)
		memcpy(ret, note, (size_t)n);
	return 0;
}

void state_prefix_key(const struct prefix *p, uint8_t ret[STATE_PREFIX_KEY])
{
	memcpy(ret, p->ip, sizeof(p->ip));
	ret[sizeof(p->ip)] = p->len;
}

int state_prefix_of(const uint8_t *key, struct prefix *ret)
{
	struct prefix p;

	if (key[sizeof(p.ip)] > 128)
		return -EBADMSG;
	p = prefix_of(key, key[sizeof(p.ip)]);
	if (memcmp(p.ip, key, sizeof(p.ip)))
		return -EBADMSG;
	*ret = p;
	return 0;
}

/* ---- keys ---- */

/* Of what tells claims apart, and in their order: prefix, class, and of lists whose it is. */
#define CLAIM_KEY (STATE_PREFIX_KEY + 1 + 2 * 4)

static size_t put_u32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (24 - 8 * i));
	return 4;
}

static size_t claim_key(const struct entry *e, uint8_t ret[CLAIM_KEY])
{
	enum claim_class class = claim_class(e->row.origin);
	size_t n = STATE_PREFIX_KEY;

	state_prefix_key(&e->prefix, ret);
	ret[n++] = (uint8_t)(CLAIM_PEOPLE - class);
	if (class == CLAIM_LISTS) {
		n += put_u32(ret + n, e->row.origin);
		n += put_u32(ret + n, e->row.actor);
	}
	return n;
}

/* ---- written ---- */

static int put(struct state *s, const struct entry *e)
{
	sqlite3_stmt *q = s->queries[STATE_CLAIM_PUT];
	const struct seine_entry *row = &e->row;
	const int64_t numbers[] = {
		row->origin,
		row->actor,
		row->action,
		(int64_t)row->hello_key,
		state_unix(s, row->added_sec),
		state_unix(s, row->expires_sec),
		row->share,
		row->rate_pps,
		row->burst,
		row->campaign,
	};
	uint8_t key[CLAIM_KEY];

	sqlite3_bind_blob(q, 1, key, (int)claim_key(e, key), SQLITE_STATIC);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sqlite3_bind_int64(q, (int)i + 2, numbers[i]);
	state_bind_note(q, (int)ARRAY_LEN(numbers) + 2, row->note);
	return db_do(&s->db, q);
}

static int take_out(struct state *s, const struct entry *e)
{
	sqlite3_stmt *q = s->queries[STATE_CLAIM_REMOVE];
	uint8_t key[CLAIM_KEY];

	sqlite3_bind_blob(q, 1, key, (int)claim_key(e, key), SQLITE_STATIC);
	return db_do(&s->db, q);
}

static bool same(const struct entry *a, const struct entry *b)
{
	struct seine_entry row = a->row;

	row.slot = b->row.slot;
	return !memcmp(&row, &b->row, sizeof(row));
}

/* 1: something was written. */
static int write_difference(struct state *s, const struct claims *before,
			    const struct claims *after)
{
	size_t i = 0, j = 0;
	int r = 0, changed = 0;

	while ((i < before->n || j < after->n) && r == 0) {
		const struct entry *b = i < before->n ? &before->list[i] : NULL;
		const struct entry *a = j < after->n ? &after->list[j] : NULL;
		int order = !b ? 1 : !a ? -1 : claim_compare(b, a);

		if (order < 0)
			r = take_out(s, b);
		else if (order > 0 || !same(a, b))
			r = put(s, a);
		changed |= order != 0 || !same(a, b);
		i += order <= 0;
		j += order >= 0;
	}
	return r < 0 ? r : changed;
}

int state_record_claims(struct state *s, const struct claims *before, const struct claims *after)
{
	static const struct claims nothing = { 0 };
	int r = state_writing(s), changed;

	if (r < 0)
		return r;
	if (!before)
		r = db_run(&s->db, "DELETE FROM claim");
	changed = r < 0 ? r : write_difference(s, before ? before : &nothing, after);
	if (changed < 0 || (before && !changed))
		return state_done(s, changed);
	r = state_do(s, STATE_RAISE, 0, NULL);
	return state_done(s, r < 0 ? r : changed);
}

/* ---- read ---- */

static int read_numbers(sqlite3_stmt *q, struct seine_entry *row)
{
	uint32_t origin = 0, action = 0;
	int r;

	r = state_column(q, 1, &origin);
	if (r == 0)
		r = state_column(q, 2, &row->actor);
	if (r == 0)
		r = state_column(q, 3, &action);
	if (r == 0)
		r = state_column(q, 7, &row->share);
	if (r == 0)
		r = state_column(q, 8, &row->rate_pps);
	if (r == 0)
		r = state_column(q, 9, &row->burst);
	if (r == 0)
		r = state_column(q, 10, &row->campaign);
	row->origin = origin;
	row->action = action;
	row->hello_key = (uint64_t)sqlite3_column_int64(q, 4);
	return r;
}

static int read_claim(const struct state *s, sqlite3_stmt *q, uint32_t now_sec, struct entry *ret)
{
	int64_t added = sqlite3_column_int64(q, 5), expires = sqlite3_column_int64(q, 6);
	const uint8_t *key = sqlite3_column_blob(q, 0);
	size_t size = (size_t)sqlite3_column_bytes(q, 0);
	uint8_t expected[CLAIM_KEY];
	struct entry e = { 0 };
	int r;

	if (!key || size < STATE_PREFIX_KEY || sqlite3_column_type(q, 5) != SQLITE_INTEGER ||
	    sqlite3_column_type(q, 6) != SQLITE_INTEGER)
		return -EBADMSG;
	r = state_prefix_of(key, &e.prefix);
	if (r == 0)
		r = read_numbers(q, &e.row);
	if (r == 0)
		r = state_column_note(q, 11, e.row.note);
	if (r < 0)
		return r;
	if (size != claim_key(&e, expected) || memcmp(key, expected, size))
		return -EBADMSG;
	e.row.added_sec = state_sec(s, added);
	e.row.expires_sec = state_expiry(s, added, expires, now_sec);
	*ret = e;
	return 0;
}

static int read_rows(struct state *s, sqlite3_stmt *q, uint32_t now_sec, struct claims *to,
		     size_t *left_out)
{
	struct entry e;
	int r, res = 0;

	while (res == 0 && (r = sqlite3_step(q)) == SQLITE_ROW) {
		if (to->n == CLAIMS_MAX || read_claim(s, q, now_sec, &e) < 0)
			++*left_out;
		else
			res = claims_append(to, &e);
	}
	if (res == 0 && r != SQLITE_DONE)
		res = db_errno(&s->db, r);
	sqlite3_reset(q);
	return res;
}

int state_read_claims(struct state *s, enum state_query q, size_t room, uint32_t now_sec,
		      struct claims **ret, size_t *left_out)
{
	_cleanup_(claims_freep) struct claims *list = NULL;
	int r;

	r = claims_new(room < CLAIMS_MAX ? room : CLAIMS_MAX, &list);
	if (r == 0)
		r = read_rows(s, s->queries[q], now_sec, list, left_out);
	if (r == 0)
		r = claims_sort(list);
	if (r < 0)
		return r;
	*ret = take_ptr(list);
	return 0;
}
