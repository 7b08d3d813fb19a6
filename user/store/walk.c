/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many spans read side by side: a heap of statements. See walk.h. */
#include "user/store/walk.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"

struct head {		/* of one span: the row it stands at */
	uint64_t first; /* eight bytes of the key, which mostly decide */
	sqlite3_stmt *stmt;
	size_t span;
	struct walk_row row;
};

struct walk {
	struct history *history;
	struct head *heap; /* the least key at the top */
	size_t n;
	bool begun;
};

void walk_free(struct walk *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		sqlite3_finalize(w->heap[i].stmt);
	free(w->heap);
	free(w);
}

/* 1: stands at a row; 0: at its end, and closed. */
static int step(struct history *h, struct head *head)
{
	int r = sqlite3_step(head->stmt);
	struct walk_row *row = &head->row;

	if (r != SQLITE_ROW) {
		r = r == SQLITE_DONE ? 0 : db_errno(&h->db, r);
		stmt_finalizep(&head->stmt);
		return r;
	}
	row->span = head->span;
	row->key = sqlite3_column_blob(head->stmt, 0);
	row->key_size = row->key ? (size_t)sqlite3_column_bytes(head->stmt, 0) : 0;
	row->data = sqlite3_column_blob(head->stmt, 1);
	row->data_size = row->data ? (size_t)sqlite3_column_bytes(head->stmt, 1) : 0;
	head->first = 0;
	if (row->key_size)
		memcpy(&head->first, row->key, row->key_size < 8 ? row->key_size : 8);
	head->first = be64toh(head->first);
	return 1;
}

static bool before(const struct head *a, const struct head *b)
{
	size_t x = a->row.key_size, y = b->row.key_size;
	int r;

	if (a->first != b->first)
		return a->first < b->first;
	if (x > 4 || y > 4) { /* else the first eight bytes were all */
		r = memcmp(a->row.key, b->row.key, x < y ? x : y);
		if (r)
			return r < 0;
	}
	return x != y ? x < y : a->span < b->span;
}

static void sink(struct walk *w, size_t at)
{
	struct head moved = w->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= w->n)
			break;
		if (child + 1 < w->n && before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!before(&w->heap[child], &moved))
			break;
		w->heap[at] = w->heap[child];
		at = child;
	}
	w->heap[at] = moved;
}

static int open_span(struct walk *w, const struct walk_span *span, const uint8_t *key,
		     size_t key_size, struct head *ret)
{
	char sql[128];
	int r;

	snprintf(sql, sizeof(sql),
		 "SELECT key, data FROM %s WHERE start = ?1 AND key > ?2 ORDER BY key",
		 kind_table(span->span));
	r = db_prepare(&w->history->db, sql, &ret->stmt);
	if (r < 0)
		return r;
	sqlite3_bind_int64(ret->stmt, 1, span->start);
	/* No bytes are less than any key. A pointer of NULL would be NULL, which is not. */
	sqlite3_bind_blob(ret->stmt, 2, key_size ? (const void *)key : "", (int)key_size,
			  SQLITE_TRANSIENT);
	return step(w->history, ret);
}

int walk_new(struct history *h, const struct walk_span *spans, size_t n, const uint8_t *key,
	     size_t key_size, struct walk **ret)
{
	_cleanup_(walk_freep) struct walk *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->history = h;
	w->heap = calloc(n + 1, sizeof(*w->heap));
	if (!w->heap)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct head *head = &w->heap[w->n];

		*head = (struct head){ .span = i };
		r = open_span(w, &spans[i], key, key_size, head);
		if (r < 0)
			return r;
		w->n += (size_t)r;
	}
	for (size_t i = w->n / 2; i > 0; i--)
		sink(w, i - 1);
	*ret = take_ptr(w);
	return 0;
}

int walk_next(struct walk *w, struct walk_row *ret)
{
	int r;

	if (w->begun && w->n) {
		r = step(w->history, &w->heap[0]);
		if (r < 0)
			return r; /* its statement is closed, and NULL is fine to close again */
		if (r == 0)
			w->heap[0] = w->heap[--w->n];
		if (w->n)
			sink(w, 0);
	}
	w->begun = true;
	if (!w->n)
		return 0;
	*ret = w->heap[0].row;
	return 1;
}
