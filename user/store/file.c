/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database: opened, checked. See file.h. */
#include "user/store/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "user/base/cleanup.h"

#define FORM 1		       /* of tables and rows; another one is set aside */
#define APPLICATION 0x7365696e /* "sein" */
#define WAL_PAGES 1000	       /* written back at that size, or at a 32nd of the limit */
#define WAL_PAGES_MIN 16

static const struct {
	const char *table;
	uint32_t slots, kept;
} kinds[KINDS] = {
	[SPAN_SLOT] = { "slot", 1, KEEP_SLOTS },
	[SPAN_HOUR] = { "hour", SPAN_HOUR_SLOTS, KEEP_HOURS },
	[SPAN_DAY] = { "day", SPAN_DAY_SLOTS, KEEP_DAYS },
	[KIND_NET + SPAN_SLOT] = { "net_slot", 1, KEEP_SLOTS },
	[KIND_NET + SPAN_HOUR] = { "net_hour", SPAN_HOUR_SLOTS, KEEP_HOURS },
	[KIND_NET + SPAN_DAY] = { "net_day", SPAN_DAY_SLOTS, KEEP_DAYS },
};

const char *kind_table(unsigned int kind)
{
	return kinds[kind].table;
}

uint32_t span_slots(enum span span)
{
	return kinds[span].slots;
}

uint32_t kept_slots(enum span span)
{
	return kinds[span].kept;
}

/* ---- tables ---- */

static const char *const query_texts[QUERIES] = {
	[QUERY_PUT] = "INSERT INTO %s VALUES (?1, ?2, ?3) ON CONFLICT (start, key) "
		      "DO UPDATE SET data = seine_add_%s(data, excluded.data)",
	[QUERY_PUT_NEW] = "INSERT INTO %s VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
	[QUERY_GET] = "SELECT data FROM %s WHERE start = ?1 AND key = ?2",
	[QUERY_NEXT] = "SELECT min(start) FROM %s WHERE start > ?1",
	[QUERY_NEWEST] = "SELECT max(start) FROM %s",
	[QUERY_COUNT] = "SELECT count(*) FROM %s WHERE start = ?1",
	/* No key is as long as the last one here. */
	[QUERY_REMOVE] = "DELETE FROM %1$s WHERE start = ?1 AND key < coalesce((SELECT key FROM "
			 "%1$s WHERE start = ?1 ORDER BY key LIMIT 1 OFFSET ?2), "
			 "x'ffffffffffffffffffffffffffffffffff')",
};

/* Also finds out whether all tables are as they should be. */
static int prepare_queries(struct history *h)
{
	char sql[512];
	int r = 0;

	for (unsigned int kind = 0; kind < KINDS && r == 0; kind++) {
		for (int q = 0; q < QUERIES && r == 0; q++) {
			snprintf(sql, sizeof(sql), query_texts[q], kinds[kind].table,
				 kind < KIND_NET ? "deeds" : "nets");
			r = db_prepare(&h->db, sql, &h->queries[kind][q]);
		}
	}
	return r;
}

static int create_tables(struct history *h)
{
	char sql[256];
	int r = db_run(&h->db, "BEGIN IMMEDIATE");

	for (unsigned int kind = 0; kind < KINDS && r == 0; kind++) {
		snprintf(sql, sizeof(sql),
			 "CREATE TABLE %s (start INTEGER NOT NULL, key BLOB NOT NULL, "
			 "data BLOB NOT NULL, PRIMARY KEY (start, key)) WITHOUT ROWID",
			 kinds[kind].table);
		r = db_run(&h->db, sql);
	}
	if (r == 0)
		r = db_run(&h->db,
			   "CREATE TABLE seed (key BLOB PRIMARY KEY, added INTEGER NOT NULL, "
			   "expires INTEGER NOT NULL, note TEXT NOT NULL) WITHOUT ROWID;"
			   "CREATE TABLE campaign (id INTEGER PRIMARY KEY, form INTEGER NOT NULL, "
			   "record TEXT NOT NULL, members BLOB NOT NULL);"
			   "CREATE TABLE dossier (id INTEGER PRIMARY KEY, campaign INTEGER NOT "
			   "NULL, at INTEGER NOT NULL, event TEXT NOT NULL, json TEXT NOT NULL);"
			   "CREATE INDEX dossier_of ON dossier (campaign, at);"
			   "CREATE TABLE meta (window_sec INTEGER NOT NULL);");
	snprintf(sql, sizeof(sql),
		 "INSERT INTO meta VALUES (%" PRIu32
		 "); PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		 h->settings.window_sec, APPLICATION, FORM);
	return r < 0 ? r : db_run(&h->db, sql);
}

static int check_window(struct history *h)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	int64_t window_sec = 0;
	int r = db_prepare(&h->db, "SELECT window_sec FROM meta", &s);

	if (r == 0)
		r = db_number(&h->db, s, &window_sec);
	if (r < 0)
		return r;
	return window_sec == h->settings.window_sec
		       ? 0
		       : db_damaged(&h->db, "made with another window");
}

static int check_form(struct history *h)
{
	int r = db_form(&h->db, APPLICATION, FORM, "a history");

	return r < 0 ? r : r > 0 ? create_tables(h) : check_window(h);
}

/* ---- opening ---- */

static int tune(struct history *h)
{
	uint64_t pages = h->settings.size_max / DB_PAGE / 32;
	char sql[256];

	pages = pages > WAL_PAGES ? WAL_PAGES : pages < WAL_PAGES_MIN ? WAL_PAGES_MIN : pages;
	snprintf(sql, sizeof(sql),
		 "PRAGMA synchronous = NORMAL;"
		 "PRAGMA cache_size = -32768;"
		 "PRAGMA wal_autocheckpoint = %" PRIu64 ";"
		 "PRAGMA journal_size_limit = %" PRIu64 ";",
		 pages, pages * DB_PAGE);
	return db_run(&h->db, sql);
}

static int ready(void *history)
{
	struct history *h = history;
	int r = tune(h);

	if (r == 0)
		r = deeds_register(h);
	if (r == 0)
		r = check_form(h);
	if (r == 0)
		r = prepare_queries(h);
	return r == 0 ? fold_begin(h) : r;
}

static void unready(void *history)
{
	struct history *h = history;

	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (int q = 0; q < QUERIES; q++)
			stmt_finalizep(&h->queries[kind][q]);
}

int file_open(struct history *h, char *why)
{
	h->db.ready = ready;
	h->db.unready = unready;
	h->db.owner = h;
	return db_open(&h->db, why);
}

int file_end(struct history *h, int r)
{
	if (!h->db.damaged)
		return r;
	(void)db_renew(&h->db, h->notice);
	h->db.damaged = false;
	h->renewed = true;
	return r;
}

int file_end_reading(struct history *h, int r)
{
	r = file_end(h, r);
	if (r < 0 && !h->notice[0])
		snprintf(h->notice, sizeof(h->notice), "%.120s: %.120s", h->db.path,
			 r == -ENOMEM ? strerror(-r) : h->db.error);
	return r < 0 ? 0 : r;
}
