/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database: opened, checked, set aside when damaged. See file.h. */
#include "user/store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "user/base/cleanup.h"

#define FORM 1		       /* of tables and rows; another one is set aside */
#define APPLICATION 0x7365696e /* "sein" */
/* Damaged files are kept for whoever wants to know why; more of them than this would only fill the
 * disk. */
#define SET_ASIDE 4
#define FILE_MODE 0640 /* it says who talked to this host */
#define PAGE 4096
#define WAL_PAGES 1000 /* written back at that size, or at a 32nd of the limit */
#define WAL_PAGES_MIN 16
#define BUSY_MS 1000 /* somebody may just be reading it, when it is opened */

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

/* ---- errors ---- */

static int errno_of(sqlite3 *db, int code)
{
	int system = db ? sqlite3_system_errno(db) : 0;

	switch (code & 0xff) {
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_READONLY: return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH: return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return -EUCLEAN;
	case SQLITE_CANTOPEN: return system ? -system : -EIO;
	case SQLITE_IOERR: return system == ENOSPC ? -ENOSPC : -EIO;
	default: return -EIO;
	}
}

/* A short read is a file that ends too early; "no such table" and the like, when it is opened, are
 * a file that is not ours or no longer whole. */
static bool is_damage(const struct history *h, int code)
{
	return code == SQLITE_IOERR_SHORT_READ || (code & 0xff) == SQLITE_CORRUPT ||
	       (code & 0xff) == SQLITE_NOTADB || (h->opening && (code & 0xff) == SQLITE_ERROR);
}

int file_errno(struct history *h, int code)
{
	int extended = h->db ? sqlite3_extended_errcode(h->db) : code;

	if ((extended & 0xff) != (code & 0xff))
		extended = code;
	h->damaged |= is_damage(h, extended);
	snprintf(h->error, sizeof(h->error), "%s",
		 h->db ? sqlite3_errmsg(h->db) : sqlite3_errstr(code));
	return errno_of(h->db, extended);
}

int file_damaged(struct history *h, const char *reason)
{
	h->damaged = true;
	snprintf(h->error, sizeof(h->error), "%s", reason);
	return -EUCLEAN;
}

int file_prepare(struct history *h, const char *sql, sqlite3_stmt **ret)
{
	int r = sqlite3_prepare_v3(h->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

	return r == SQLITE_OK ? 0 : file_errno(h, r);
}

int file_do(struct history *h, sqlite3_stmt *s)
{
	int r = sqlite3_step(s), ret = 0;

	if (r != SQLITE_DONE && r != SQLITE_ROW)
		ret = file_errno(h, r);
	sqlite3_reset(s);
	return ret;
}

int file_run(struct history *h, const char *sql)
{
	int r = sqlite3_exec(h->db, sql, NULL, NULL, NULL);

	return r == SQLITE_OK ? 0 : file_errno(h, r);
}

/* The error that was is the one to tell of. */
void file_roll_back(struct history *h)
{
	if (!sqlite3_get_autocommit(h->db))
		(void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
}

int file_number(struct history *h, sqlite3_stmt *s, int64_t *ret)
{
	int r = sqlite3_step(s), res = 0;

	if (r == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) {
		*ret = sqlite3_column_int64(s, 0);
		res = 1;
	} else if (r != SQLITE_ROW && r != SQLITE_DONE) {
		res = file_errno(h, r);
	}
	sqlite3_reset(s);
	return res;
}

int file_pragma(struct history *h, const char *name, int64_t *ret)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	char sql[64];
	int r;

	snprintf(sql, sizeof(sql), "PRAGMA %s", name);
	r = file_prepare(h, sql, &s);
	if (r < 0)
		return r;
	r = file_number(h, s, ret);
	return r < 0 ? r : 0;
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
			r = file_prepare(h, sql, &h->queries[kind][q]);
		}
	}
	return r;
}

static int create_tables(struct history *h)
{
	char sql[256];
	int r = file_run(h, "BEGIN IMMEDIATE");

	for (unsigned int kind = 0; kind < KINDS && r == 0; kind++) {
		snprintf(sql, sizeof(sql),
			 "CREATE TABLE %s (start INTEGER NOT NULL, key BLOB NOT NULL, "
			 "data BLOB NOT NULL, PRIMARY KEY (start, key)) WITHOUT ROWID",
			 kinds[kind].table);
		r = file_run(h, sql);
	}
	if (r == 0)
		r = file_run(
			h, "CREATE TABLE seed (key BLOB PRIMARY KEY, added INTEGER NOT NULL, "
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
	return r < 0 ? r : file_run(h, sql);
}

static int check_window(struct history *h)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	int64_t window_sec = 0;
	int r = file_prepare(h, "SELECT window_sec FROM meta", &s);

	if (r == 0)
		r = file_number(h, s, &window_sec);
	if (r < 0)
		return r;
	return window_sec == h->settings.window_sec ? 0
						    : file_damaged(h, "made with another window");
}

/* An empty file is a new one. */
static int check_form(struct history *h)
{
	int64_t tables = 0, application = 0, form = 0;
	int r;

	r = file_pragma(h, "application_id", &application);
	if (r == 0)
		r = file_pragma(h, "user_version", &form);
	if (r == 0)
		r = file_pragma(h, "schema_version", &tables);
	if (r < 0)
		return r;
	if (!application && !form && !tables)
		return create_tables(h);
	if (application != APPLICATION)
		return file_damaged(h, "not a history");
	if (form != FORM)
		return file_damaged(h, "of another version");
	return check_window(h);
}

/* ---- opening ---- */

/* Without memory that is mapped: a damaged disk is an error there, not a signal. */
static int tune(struct history *h)
{
	uint64_t pages = h->settings.size_max / PAGE / 32;
	char sql[640];

	pages = pages > WAL_PAGES ? WAL_PAGES : pages < WAL_PAGES_MIN ? WAL_PAGES_MIN : pages;
	snprintf(
		sql, sizeof(sql),
		"PRAGMA locking_mode = EXCLUSIVE;" /* nobody else writes; no file of shared memory */
		"PRAGMA page_size = %d;"
		"PRAGMA auto_vacuum = INCREMENTAL;"
		"PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = NORMAL;"
		"PRAGMA cache_size = -32768;"
		"PRAGMA mmap_size = 0;"
		"PRAGMA cell_size_check = ON;"
		"PRAGMA trusted_schema = OFF;"
		"PRAGMA temp_store = MEMORY;"
		"PRAGMA wal_autocheckpoint = %" PRIu64 ";"
		"PRAGMA journal_size_limit = %" PRIu64 ";",
		PAGE, pages, pages * PAGE);
	sqlite3_busy_timeout(h->db, BUSY_MS);
	sqlite3_extended_result_codes(h->db, 1);
	sqlite3_db_config(h->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return file_run(h, sql);
}

/* The system says better than SQLite why a file cannot be had. */
static int touch(struct history *h)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;
	int r;

	if (!strcmp(h->path, ":memory:"))
		return 0;
	fd = open(h->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	r = fd < 0 || fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EISDIR;
	if (r < 0)
		snprintf(h->error, sizeof(h->error), "%s", strerror(-r));
	return r;
}

static int open_database(struct history *h)
{
	int r = touch(h);

	if (r < 0)
		return r;
	r = sqlite3_open_v2(h->path, &h->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r != SQLITE_OK)
		return file_errno(h, r);
	r = tune(h);
	if (r == 0)
		r = deeds_register(h);
	if (r == 0)
		r = check_form(h);
	if (r == 0)
		r = prepare_queries(h);
	return r == 0 ? fold_begin(h) : r;
}

static int open_once(struct history *h)
{
	int r;

	h->damaged = false;
	h->opening = true;
	r = open_database(h);
	h->opening = false;
	return r;
}

void file_close(struct history *h)
{
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (int q = 0; q < QUERIES; q++)
			stmt_finalizep(&h->queries[kind][q]);
	sqlite3_close_v2(h->db);
	h->db = NULL;
}

static const char *const suffixes[] = { "", "-wal", "-shm" };

static size_t set_aside_before(const struct history *h)
{
	char pattern[PATH_MAX + 16];
	glob_t found;
	size_t n = 0;

	snprintf(pattern, sizeof(pattern), "%s.damaged-*[0-9]", h->path);
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
		n = found.gl_pathc;
		globfree(&found);
	}
	return n;
}

static void remove_all(const struct history *h)
{
	char path[PATH_MAX + 8];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", h->path, suffixes[i]);
		(void)unlink(path);
	}
}

/* Its log goes with it, or the new file would be taken for the one that the log belongs to. */
static int set_aside(struct history *h, char *why)
{
	char from[PATH_MAX + 8], to[PATH_MAX + 40];
	long long when = time(NULL);

	if (set_aside_before(h) >= SET_ASIDE) {
		snprintf(why, HISTORY_WHY,
			 "%.96s: %.96s; removed, as %d such files are kept already", h->path,
			 h->error, SET_ASIDE);
		remove_all(h);
		return 0;
	}
	snprintf(to, sizeof(to), "%s.damaged-%lld", h->path, when);
	while (access(to, F_OK) == 0)
		snprintf(to, sizeof(to), "%s.damaged-%lld", h->path, ++when);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(from, sizeof(from), "%s%s", h->path, suffixes[i]);
		snprintf(to, sizeof(to), "%s.damaged-%lld%s", h->path, when, suffixes[i]);
		if (rename(from, to) < 0 && (i == 0 || errno != ENOENT)) {
			int r = -errno;

			snprintf(h->error, sizeof(h->error), "cannot be set aside: %s",
				 strerror(-r));
			return r;
		}
	}
	snprintf(why, HISTORY_WHY, "%.80s: %.60s; set aside as %.80s.damaged-%lld", h->path,
		 h->error, h->path, when);
	return 0;
}

/* Behind what `why` says already. */
static int refuse_open(struct history *h, char *why, int r)
{
	const char *text = r == -EBUSY ? "another process uses it" : h->error;
	size_t said = strlen(why);

	if (said)
		snprintf(why + said, HISTORY_WHY - said, "; then: %.120s", text);
	else
		snprintf(why, HISTORY_WHY, "%.120s: %.120s", h->path, text);
	file_close(h);
	return r;
}

int file_open(struct history *h, char *why)
{
	int r;

	why[0] = '\0';
	r = open_once(h);
	if (r == 0)
		return 0;
	if (!h->damaged)
		return refuse_open(h, why, r);
	file_close(h);
	r = set_aside(h, why);
	if (r == 0)
		r = open_once(h);
	return r < 0 ? refuse_open(h, why, r) : 1;
}

int file_end(struct history *h, int r)
{
	if (!h->damaged)
		return r;
	file_close(h);
	h->notice[0] = '\0';
	if (set_aside(h, h->notice) < 0 || open_once(h) < 0)
		(void)refuse_open(h, h->notice, -EIO);
	h->damaged = false;
	h->renewed = true;
	return r;
}

int file_end_reading(struct history *h, int r)
{
	r = file_end(h, r);
	if (r < 0 && !h->notice[0])
		snprintf(h->notice, sizeof(h->notice), "%.120s: %.120s", h->path,
			 r == -ENOMEM ? strerror(-r) : h->error);
	return r < 0 ? 0 : r;
}
