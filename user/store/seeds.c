/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seeds on the disk. What an operator gave is there for good once the answer says so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/file.h"
#include "user/store/pack.h"

#define ADD \
	"INSERT INTO seed VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE SET " \
	"added = excluded.added, expires = excluded.expires, note = excluded.note " \
	"WHERE excluded.expires > expires"

/* ---- read ---- */

static bool read_seed(sqlite3_stmt *s, struct seed *ret)
{
	const uint8_t *key = sqlite3_column_blob(s, 0);
	const char *note = (const char *)sqlite3_column_text(s, 3);

	if (!key || key_unpack(key, (size_t)sqlite3_column_bytes(s, 0), ret->source) < 0)
		return false;
	ret->added_sec = sqlite3_column_int64(s, 1);
	ret->expires_sec = sqlite3_column_int64(s, 2);
	snprintf(ret->note, sizeof(ret->note), "%s", note ? note : "");
	return true;
}

static int read_seeds(struct history *h, int64_t now_unix, struct seeds *ret)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	int r;

	r = db_prepare(&h->db, "SELECT key, added, expires, note FROM seed WHERE expires > ?1", &s);
	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, now_unix);
	while ((r = sqlite3_step(s)) == SQLITE_ROW && ret->n < SEEDS_MAX)
		ret->n += read_seed(s, &ret->list[ret->n]);
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : db_errno(&h->db, r);
}

int history_seeds(struct history *h, int64_t now_unix, struct seeds *ret)
{
	_cleanup_(freep) struct seed *list = NULL;
	struct seeds seeds = { 0 };
	int r;

	if (!h->db.handle) {
		*ret = seeds;
		return 0;
	}
	list = calloc(SEEDS_MAX, sizeof(*list));
	if (!list)
		return -ENOMEM;
	seeds.list = list;
	r = file_end(h, read_seeds(h, now_unix, &seeds));
	if (r < 0)
		return r;
	seeds_settle(&seeds, now_unix);
	seeds.list = reallocarray(list, seeds.n + 1, sizeof(*list));
	if (!seeds.list)
		return -ENOMEM;
	list = NULL;
	*ret = seeds;
	return 0;
}

/* ---- written ---- */

static int put_all(struct history *h, const struct seeds *more)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	uint8_t key[KEY_BYTES];
	int r = db_prepare(&h->db, ADD, &s);

	for (size_t i = 0; i < more->n && r == 0; i++) {
		const struct seed *seed = &more->list[i];

		sqlite3_bind_blob(s, 1, key, (int)key_pack(seed->source, key), SQLITE_STATIC);
		sqlite3_bind_int64(s, 2, seed->added_sec);
		sqlite3_bind_int64(s, 3, seed->expires_sec);
		sqlite3_bind_text(s, 4, seed->note, (int)strnlen(seed->note, SEED_NOTE - 1),
				  SQLITE_STATIC);
		r = db_do(&h->db, s);
	}
	return r;
}

/* Those that ended before the new ones came make room. */
static int remove_ended(struct history *h, const struct seeds *more)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "DELETE FROM seed WHERE expires <= %lld",
		 more->n ? (long long)more->list[0].added_sec : 0);
	return db_run(&h->db, sql);
}

static int check_count(struct history *h)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	int64_t n = 0;
	int r = db_prepare(&h->db, "SELECT count(*) FROM seed", &s);

	if (r == 0)
		r = db_number(&h->db, s, &n);
	if (r < 0 || n <= SEEDS_MAX)
		return r < 0 ? r : 0;
	snprintf(h->db.error, sizeof(h->db.error), "these would be %lld seeds; at most %d are kept",
		 (long long)n, SEEDS_MAX);
	return -E2BIG;
}

/* One change, on the disk when it returns. */
static int change(struct history *h, int (*make)(struct history *h, const struct seeds *more),
		  const struct seeds *more, char *why)
{
	int r = -EIO;

	if (!h->db.handle) {
		snprintf(why, HISTORY_WHY, "%.200s: not open", h->db.path);
		return r;
	}
	r = db_run(&h->db, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
	if (r == 0)
		r = make(h, more);
	if (r == 0)
		r = db_run(&h->db, "COMMIT");
	if (r < 0) {
		snprintf(why, HISTORY_WHY, "%.120s: %.120s", h->db.path, h->db.error);
		db_roll_back(&h->db);
	}
	(void)sqlite3_exec(h->db.handle, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	return file_end(h, r);
}

static int add(struct history *h, const struct seeds *more)
{
	int r = remove_ended(h, more);

	if (r == 0)
		r = put_all(h, more);
	return r < 0 ? r : check_count(h);
}

static int clear(struct history *h, const struct seeds *more)
{
	(void)more;
	return db_run(&h->db, "DELETE FROM seed");
}

int history_add_seeds(struct history *h, const struct seeds *more, char *why)
{
	return change(h, add, more, why);
}

int history_clear_seeds(struct history *h, char *why)
{
	return change(h, clear, NULL, why);
}
