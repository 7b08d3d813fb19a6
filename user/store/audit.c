/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit: who did what, written in the same transaction as the deed, and read back by number or
 * by prefix. The numbers have no gaps: only the oldest go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/state_file.h"

/* Rows that give way to one: more than come, so that a lower limit is reached, and no request waits
 * for that. */
#define REMOVED_AT_ONCE 64

/* ---- written ---- */

/* Where a text of at most `max` bytes ends, so that no character is divided. */
static size_t cut(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	if (n <= max)
		return n;
	for (n = max; n && ((uint8_t)text[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

static size_t bind_text(sqlite3_stmt *q, int at, const char *text, size_t max)
{
	size_t n = text ? cut(text, max) : 0;

	if (text)
		sqlite3_bind_text(q, at, text, (int)n, SQLITE_STATIC);
	else
		sqlite3_bind_null(q, at);
	return n;
}

/* A part of it would be no JSON. */
static size_t bind_json(sqlite3_stmt *q, int at, const char *text, size_t max)
{
	size_t n = text ? strlen(text) : 0;
	char instead[48];

	if (n <= max)
		return bind_text(q, at, text, max);
	n = (size_t)snprintf(instead, sizeof(instead), "{\"left_out\":%zu}", n);
	sqlite3_bind_text(q, at, instead, (int)n, SQLITE_TRANSIENT);
	return n;
}

static void bind_prefix(sqlite3_stmt *q, const char *object)
{
	struct prefix p;
	char why[128];

	sqlite3_bind_null(q, 7);
	sqlite3_bind_null(q, 8);
	if (!object || prefix_parse(object, why, sizeof(why), &p) < 0)
		return;
	sqlite3_bind_blob(q, 7, p.ip, sizeof(p.ip), SQLITE_TRANSIENT);
	sqlite3_bind_int64(q, 8, p.len);
}

static int append(struct state *s, const struct audit *a)
{
	sqlite3_stmt *q = s->queries[STATE_AUDIT_PUT];
	size_t bytes = 0;
	int64_t all;
	int r;

	sqlite3_bind_int64(q, 1, s->epoch_sec + s->now_sec);
	sqlite3_bind_int64(q, 2, a->uid);
	sqlite3_bind_int64(q, 3, a->pid);
	bytes += bind_text(q, 4, a->actor, AUDIT_WORD);
	bytes += bind_text(q, 5, a->verb, AUDIT_WORD);
	bytes += bind_text(q, 6, a->object, AUDIT_WORD);
	bind_prefix(q, a->object);
	bytes += bind_text(q, 9, a->result, AUDIT_WORD);
	bytes += bind_text(q, 10, a->text, AUDIT_TEXT);
	bytes += bind_json(q, 11, a->before, AUDIT_JSON);
	bytes += bind_json(q, 12, a->after, AUDIT_JSON);
	bytes += bind_json(q, 13, a->evidence, AUDIT_EVIDENCE);
	sqlite3_bind_int64(q, 14, (int64_t)bytes);
	r = db_do(&s->db, q);
	sqlite3_clear_bindings(q); /* they point to what is the caller's */
	all = (int64_t)bytes;
	return r < 0 ? r : state_do(s, STATE_AUDIT_COUNT, 1, &all);
}

struct bounds {
	int64_t first, last, bytes; /* first and last 0: empty */
};

static int read_bounds(struct state *s, struct bounds *ret)
{
	sqlite3_stmt *q = s->queries[STATE_AUDIT_BOUNDS];
	int r = sqlite3_step(q);

	if (r == SQLITE_ROW)
		*ret = (struct bounds){
			.first = sqlite3_column_int64(q, 0),
			.last = sqlite3_column_int64(q, 1),
			.bytes = sqlite3_column_int64(q, 2),
		};
	sqlite3_reset(q);
	if (r == SQLITE_DONE)
		return db_damaged(&s->db, "without its sequence number");
	return r == SQLITE_ROW ? 0 : db_errno(&s->db, r);
}

static uint64_t or_default(uint64_t setting, uint64_t by_default)
{
	return setting ? setting : by_default;
}

static bool too_many(const struct state *s, const struct bounds *b)
{
	uint64_t rows = or_default(s->settings.audit_rows, STATE_AUDIT_ROWS);
	uint64_t bytes = or_default(s->settings.audit_bytes, STATE_AUDIT_BYTES);

	return b->last - b->first >= (int64_t)rows ||
	       (b->bytes > (int64_t)bytes && b->first < b->last);
}

/* A number that is missing, after somebody else's hand, costs a turn. */
static int remove_first(struct state *s, struct bounds *b)
{
	sqlite3_stmt *q = s->queries[STATE_AUDIT_FIRST];
	int64_t bytes = 0, less;
	int r;

	sqlite3_bind_int64(q, 1, b->first);
	r = db_number(&s->db, q, &bytes);
	if (r > 0)
		r = state_do(s, STATE_AUDIT_REMOVE, 1, &b->first);
	less = -bytes;
	if (r == 0)
		r = state_do(s, STATE_AUDIT_COUNT, 1, &less);
	b->bytes -= bytes;
	b->first++;
	return r;
}

int state_audit(struct state *s, const struct audit *a)
{
	int r = state_writing(s);
	struct bounds b = { 0 };

	if (r < 0)
		return r;
	r = append(s, a);
	if (r == 0)
		r = read_bounds(s, &b);
	for (int i = 0; i < REMOVED_AT_ONCE && r == 0 && too_many(s, &b); i++)
		r = remove_first(s, &b);
	return state_done(s, r);
}

/* ---- read ---- */

#define FIELDS "id, at, uid, pid, actor, verb, object, result, text, before, after, evidence"
#define SQL_SIZE 2560
/* Where more than these are about a prefix, going through all ends soon. */
#define SPARSE 10000

/* The last address of a prefix. */
static void last_of(const struct prefix *p, uint8_t ret[16])
{
	memcpy(ret, p->ip, 16);
	for (unsigned int bit = p->len; bit < 128; bit++)
		ret[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

/* Parameters: 1 `after`, 2 limit, 3 and 4 the ends of the prefix, then one for each that covers it.
 */
static void write_covering(const struct prefix *p, char ret[SQL_SIZE])
{
	size_t n = (size_t)snprintf(ret, SQL_SIZE, "VALUES (NULL,NULL)");

	for (unsigned int len = 0; len < p->len; len++)
		n += (size_t)snprintf(ret + n, SQL_SIZE - n, ",(?%u,%u)", 5 + len, len);
}

/* All that overlap a prefix, by the index: within it, and those that cover it. */
static void write_overlapping(const struct prefix *p, char ret[SQL_SIZE])
{
	char covering[SQL_SIZE];

	write_covering(p, covering);
	snprintf(ret, SQL_SIZE,
		 "SELECT id FROM audit INDEXED BY audit_of WHERE ip >= ?3 AND ip <= ?4 AND "
		 "len >= %u UNION ALL SELECT id FROM (%.*s) AS wide CROSS JOIN audit INDEXED BY "
		 "audit_of WHERE ip = wide.column1 AND len = wide.column2 AND ip IS NOT NULL",
		 p->len, SQL_SIZE - 512, covering);
}

/* The same, of one row after the other. */
static void write_test(const struct prefix *p, char ret[SQL_SIZE])
{
	char covering[SQL_SIZE];

	write_covering(p, covering);
	snprintf(ret, SQL_SIZE, "(ip >= ?3 AND ip <= ?4 AND len >= %u) OR (ip, len) IN (%.*s)",
		 p->len, SQL_SIZE - 512, covering);
}

static void write_query(const struct audit_query *q, bool sparse, char *sql, size_t size)
{
	const char *order = q->after < 0 ? "DESC" : "ASC";
	char which[SQL_SIZE];

	if (!q->within)
		snprintf(which, sizeof(which), "1");
	else if (sparse)
		write_overlapping(q->within, which);
	else
		write_test(q->within, which);
	snprintf(sql, size,
		 "SELECT " FIELDS " FROM audit WHERE id > ?1 AND %s(%s) ORDER BY id %s LIMIT ?2",
		 q->within && sparse ? "id IN " : "", which, order);
}

static void bind_query(sqlite3_stmt *stmt, const struct audit_query *q)
{
	uint8_t last[16];

	sqlite3_bind_int64(stmt, 1, q->after);
	sqlite3_bind_int64(stmt, 2, q->limit > INT64_MAX ? INT64_MAX : (int64_t)q->limit);
	if (!q->within)
		return;
	last_of(q->within, last);
	sqlite3_bind_blob(stmt, 3, q->within->ip, 16, SQLITE_TRANSIENT);
	sqlite3_bind_blob(stmt, 4, last, 16, SQLITE_TRANSIENT);
	for (unsigned int len = 0; len < q->within->len; len++) {
		struct prefix wide = prefix_parent(q->within, len);

		sqlite3_bind_blob(stmt, 5 + (int)len, wide.ip, 16, SQLITE_TRANSIENT);
	}
}

static const char *text_of(sqlite3_stmt *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt, column);
}

static struct audit audit_of(sqlite3_stmt *stmt)
{
	struct audit a = {
		.id = sqlite3_column_int64(stmt, 0),
		.at_unix = sqlite3_column_int64(stmt, 1),
		.uid = SEINE_NO_ACTOR,
		.actor = text_of(stmt, 4),
		.verb = text_of(stmt, 5),
		.object = text_of(stmt, 6),
		.result = text_of(stmt, 7),
		.text = text_of(stmt, 8),
		.before = text_of(stmt, 9),
		.after = text_of(stmt, 10),
		.evidence = text_of(stmt, 11),
	};

	(void)state_column(stmt, 2, &a.uid);
	(void)state_column(stmt, 3, &a.pid);
	return a;
}

/* `ret_stopped`: what `visit` returned, which is no fault of the file. */
static int visit_all(struct state *s, const struct audit_query *q, bool sparse,
		     int (*visit)(const struct audit *a, void *arg), void *arg, int *ret_stopped)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
	char sql[SQL_SIZE + 256];
	int r, res;

	write_query(q, sparse, sql, sizeof(sql));
	res = db_prepare(&s->db, sql, &stmt);
	if (res < 0)
		return res;
	bind_query(stmt, q);
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct audit a = audit_of(stmt);

		*ret_stopped = visit(&a, arg);
		if (*ret_stopped < 0)
			return 0;
	}
	return r == SQLITE_DONE ? 0 : db_errno(&s->db, r);
}

static int count_all(struct state *s, const struct audit_query *q, uint64_t *ret)
{
	struct bounds b = { 0 };
	int64_t n, from;
	int r = read_bounds(s, &b);

	from = b.first > q->after ? b.first : q->after + 1;
	n = b.first ? b.last - from + 1 : 0;
	*ret = n > 0 ? (uint64_t)n : 0;
	return r;
}

static int count_overlapping(struct state *s, const struct audit_query *q, uint64_t *ret)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
	char sql[SQL_SIZE + 256], which[SQL_SIZE];
	int64_t n = 0;
	int r;

	write_overlapping(q->within, which);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s) WHERE id > ?1", which);
	r = db_prepare(&s->db, sql, &stmt);
	if (r < 0)
		return r;
	bind_query(stmt, q);
	r = db_number(&s->db, stmt, &n);
	*ret = (uint64_t)n;
	return r < 0 ? r : 0;
}

/* From a number on there is usually little to go through, which costs less than to count. */
static int read_log(struct state *s, const struct audit_query *q,
		    int (*visit)(const struct audit *a, void *arg), void *arg, uint64_t *ret_total,
		    int *ret_stopped)
{
	bool newest = q->within && q->after < 0;
	uint64_t total = UINT64_MAX;
	int r = 0;

	if (q->within && (newest || ret_total))
		r = count_overlapping(s, q, &total);
	else if (ret_total)
		r = count_all(s, q, &total);
	if (r == 0)
		r = visit_all(s, q, newest && total <= SPARSE, visit, arg, ret_stopped);
	if (r == 0 && ret_total)
		*ret_total = total;
	return r;
}

int state_log(struct state *s, const struct audit_query *q,
	      int (*visit)(const struct audit *a, void *arg), void *arg, uint64_t *ret_total)
{
	int r, stopped = 0;

	if (!s->db.handle)
		return state_tell(s, -EIO, "not open");
	r = read_log(s, q, visit, arg, ret_total, &stopped);
	return r < 0 ? state_end_reading(s, r) : stopped < 0 ? stopped : 0;
}

int state_log_newest(struct state *s, int64_t *ret_id)
{
	struct bounds b = { 0 };
	int r = s->db.handle ? read_bounds(s, &b) : -EIO;

	if (r < 0)
		return state_end_reading(s, r);
	*ret_id = b.last;
	return 0;
}
