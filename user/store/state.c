/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State: the file, its clock, transactions, and what is read at a start. See state.h. */
#include "user/store/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/store/state_file.h"

#define FORM 1		       /* of tables and rows; another one is set aside */
#define APPLICATION 0x73656973 /* "seis" */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* A clock off by less is not set, but rounded, or disciplined. */
#define CLOCK_SLACK_SEC 5
/* 2001: a clock below was never set, and its times would not differ from "never". */
#define CLOCK_LEAST 1000000000
/* So long after the last commit, one that changes nothing tells that we still lived. */
#define TOUCH_SEC 600
/* Free pages are given back to the file system at a start when they are this many and half of all. */
#define IDLE_PAGES 4096

/* ---- tables ---- */

#define CLAIM_COLUMNS \
	"(key BLOB PRIMARY KEY, origin INTEGER NOT NULL, actor INTEGER NOT NULL, " \
	"action INTEGER NOT NULL, hello_key INTEGER NOT NULL, added INTEGER NOT NULL, " \
	"expires INTEGER NOT NULL, share INTEGER NOT NULL, rate_pps INTEGER NOT NULL, " \
	"burst INTEGER NOT NULL, campaign INTEGER NOT NULL, note BLOB NOT NULL) WITHOUT ROWID;"
#define ALLOW_COLUMNS \
	"(key BLOB PRIMARY KEY, origin INTEGER NOT NULL, actor INTEGER NOT NULL, " \
	"added INTEGER NOT NULL, expires INTEGER NOT NULL, note BLOB NOT NULL) WITHOUT ROWID;"

static const char tables[] =
	"CREATE TABLE meta (epoch INTEGER NOT NULL, boot TEXT NOT NULL, written INTEGER NOT NULL, "
	"recorded INTEGER NOT NULL, applied INTEGER NOT NULL, maps INTEGER NOT NULL, "
	"mode INTEGER NOT NULL, conf_mode INTEGER NOT NULL, audit_bytes INTEGER NOT NULL);"
	"INSERT INTO meta VALUES (0, '', 0, 0, 0, 0, -1, -1, 0);"
	"CREATE TABLE claim " CLAIM_COLUMNS "CREATE TABLE trial_claim " CLAIM_COLUMNS
	"CREATE TABLE allow " ALLOW_COLUMNS "CREATE TABLE trial_allow " ALLOW_COLUMNS
	"CREATE TABLE feed (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, "
	"imported INTEGER NOT NULL, lines INTEGER NOT NULL, watched INTEGER NOT NULL);"
	"CREATE TABLE list (kind TEXT NOT NULL, at INTEGER NOT NULL, json TEXT NOT NULL, "
	"PRIMARY KEY (kind, at)) WITHOUT ROWID;"
	"CREATE TABLE trial (began INTEGER NOT NULL, until INTEGER NOT NULL, uid INTEGER NOT NULL, "
	"actor TEXT NOT NULL, mode INTEGER NOT NULL, conf_mode INTEGER NOT NULL);"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, uid INTEGER NOT NULL, "
	"pid INTEGER NOT NULL, actor TEXT, verb TEXT, object TEXT, ip BLOB, len INTEGER, "
	"result TEXT, text TEXT, before TEXT, after TEXT, evidence TEXT, bytes INTEGER NOT NULL);"
	"CREATE INDEX audit_of ON audit (ip, len) WHERE ip IS NOT NULL;";

#define CLAIM_FIELDS \
	"key, origin, actor, action, hello_key, added, expires, share, rate_pps, burst, " \
	"campaign, note"
#define ALLOW_FIELDS "key, origin, actor, added, expires, note"

static const char *const query_texts[STATE_QUERIES] = {
	[STATE_META] = "SELECT epoch, boot, written, recorded, applied, maps, mode, conf_mode "
		       "FROM meta",
	[STATE_TOUCH] = "UPDATE meta SET epoch = ?1, written = ?2, boot = ?3",
	[STATE_RAISE] = "UPDATE meta SET recorded = recorded + 1",
	[STATE_APPLIED] = "UPDATE meta SET epoch = ?1, written = ?2, boot = ?3, maps = ?4, "
			  "applied = recorded",
	[STATE_MODE] = "UPDATE meta SET mode = ?1, conf_mode = ?2",
	[STATE_CLAIMS] = "SELECT " CLAIM_FIELDS " FROM claim ORDER BY key",
	[STATE_CLAIM_COUNT] = "SELECT count(*) FROM claim",
	[STATE_CLAIM_PUT] = "REPLACE INTO claim (" CLAIM_FIELDS
			    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	[STATE_CLAIM_REMOVE] = "DELETE FROM claim WHERE key = ?1",
	[STATE_ALLOWS] = "SELECT " ALLOW_FIELDS " FROM allow ORDER BY key",
	[STATE_ALLOW_PUT] = "REPLACE INTO allow (" ALLOW_FIELDS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[STATE_ALLOW_REMOVE] = "DELETE FROM allow WHERE key = ?1",
	[STATE_FEEDS] = "SELECT number, name, imported, lines, watched FROM feed ORDER BY number",
	[STATE_FEED_ADD] = "INSERT INTO feed (name, imported, lines, watched) "
			   "VALUES (?2, ?3, ?4, ?5)",
	[STATE_FEED_PUT] = "INSERT INTO feed (number, name, imported, lines, watched) "
			   "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (number) DO UPDATE SET "
			   "name = ?2, imported = ?3, lines = ?4, watched = ?5",
	[STATE_FEED_REMOVE] = "DELETE FROM feed WHERE number = ?1",
	[STATE_ROWS_OF] = "SELECT json FROM list WHERE kind = ?1 ORDER BY at",
	[STATE_ROW_PUT] = "INSERT INTO list (kind, at, json) VALUES (?1, ?2, ?3) ON CONFLICT "
			  "(kind, at) DO UPDATE SET json = excluded.json WHERE json <> "
			  "excluded.json",
	[STATE_ROWS_CUT] = "DELETE FROM list WHERE kind = ?1 AND at >= ?2",
	[STATE_TRIAL] = "SELECT began, until, uid, actor, mode, conf_mode FROM trial",
	[STATE_TRIAL_PUT] = "INSERT INTO trial (began, until, uid, actor, mode, conf_mode) "
			    "SELECT ?1, ?2, ?3, ?4, mode, conf_mode FROM meta",
	[STATE_TRIAL_CLAIMS] = "SELECT " CLAIM_FIELDS " FROM trial_claim ORDER BY key",
	[STATE_TRIAL_ALLOWS] = "SELECT " ALLOW_FIELDS " FROM trial_allow ORDER BY key",
	[STATE_AUDIT_PUT] =
		"INSERT INTO audit (at, uid, pid, actor, verb, object, ip, len, result, "
		"text, before, after, evidence, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
		"?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
	[STATE_AUDIT_BOUNDS] = "SELECT (SELECT min(id) FROM audit), (SELECT max(id) FROM audit), "
			       "audit_bytes FROM meta",
	[STATE_AUDIT_FIRST] = "SELECT bytes FROM audit WHERE id = ?1",
	[STATE_AUDIT_REMOVE] = "DELETE FROM audit WHERE id = ?1",
	[STATE_AUDIT_COUNT] = "UPDATE meta SET audit_bytes = audit_bytes + ?1",
};

/* Also finds out whether all tables are as they should be. */
static int prepare_queries(struct state *s)
{
	int r = 0;

	for (int q = 0; q < STATE_QUERIES && r == 0; q++)
		r = db_prepare(&s->db, query_texts[q], &s->queries[q]);
	return r;
}

static int create_tables(struct state *s)
{
	char sql[128];
	int r = db_run(&s->db, "BEGIN IMMEDIATE");

	if (r == 0)
		r = db_run(&s->db, tables);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		 APPLICATION, FORM);
	return r < 0 ? r : db_run(&s->db, sql);
}

/* ---- the clock ---- */

/*
 * In the boot that wrote the file its frame still holds. After a reboot the clock says how long we
 * were away, unless it is behind what the file was written at; then it says nothing.
 */
static void find_frame(struct state *s, const char *boot, int64_t epoch, int64_t written)
{
	int64_t now_unix = s->settings.epoch_sec + s->settings.now_sec;

	if (!strcmp(boot, s->boot))
		s->frame_sec = epoch;
	else if (now_unix + CLOCK_SLACK_SEC < written)
		s->frame_sec = written - s->settings.now_sec;
	else
		s->frame_sec = s->epoch_sec;
	if (s->frame_sec < CLOCK_LEAST)
		s->frame_sec = CLOCK_LEAST;
}

static int read_frame(struct state *s)
{
	sqlite3_stmt *q = s->queries[STATE_META];
	char boot[sizeof(s->boot)];
	int r = sqlite3_step(q);

	if (r == SQLITE_ROW) {
		state_column_text(q, 1, boot, sizeof(boot));
		find_frame(s, boot, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 2));
	}
	sqlite3_reset(q);
	if (r == SQLITE_DONE)
		return db_damaged(&s->db, "without its sequence number");
	return r == SQLITE_ROW ? 0 : db_errno(&s->db, r);
}

void state_clock(struct state *s, int64_t epoch_sec)
{
	s->epoch_sec = epoch_sec;
}

/* Every time in the file; 0 stays what it means. */
static int shift(struct state *s, int64_t by_sec)
{
	static const struct {
		const char *table, *column;
	} times[] = {
		{ "claim", "added" },	    { "claim", "expires" },
		{ "allow", "added" },	    { "allow", "expires" },
		{ "trial_claim", "added" }, { "trial_claim", "expires" },
		{ "trial_allow", "added" }, { "trial_allow", "expires" },
		{ "trial", "until" },
	};
	char sql[256];
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(times) && r == 0; i++) {
		snprintf(sql, sizeof(sql),
			 "UPDATE %1$s SET %2$s = max(1, %2$s + (%3$" PRId64 ")) WHERE %2$s > 0",
			 times[i].table, times[i].column, by_sec);
		r = db_run(&s->db, sql);
	}
	return r;
}

static int follow_clock(struct state *s)
{
	int64_t by_sec = s->epoch_sec - s->frame_sec;
	int r;

	if (llabs(by_sec) <= CLOCK_SLACK_SEC || s->epoch_sec < CLOCK_LEAST)
		return 0;
	r = shift(s, by_sec);
	if (r == 0)
		s->frame_sec = s->epoch_sec;
	return r;
}

uint32_t state_expiry(const struct state *s, int64_t added, int64_t expires, uint32_t now_sec)
{
	uint32_t sec = state_sec(s, expires);

	if (added > 0 && expires > added && sec > now_sec && sec - now_sec > expires - added)
		sec = (uint32_t)(now_sec + (expires - added));
	return sec;
}

/* ---- opening ---- */

static int tune(struct state *s)
{
	return db_run(&s->db, "PRAGMA synchronous = FULL;"
			      "PRAGMA cache_size = -16384;"
			      "PRAGMA wal_autocheckpoint = 1000;"
			      "PRAGMA journal_size_limit = 16777216;");
}

/* After many claims have gone. */
static void shrink(struct state *s)
{
	int64_t pages = 0, idle = 0;

	if (db_pragma(&s->db, "page_count", &pages) == 0 &&
	    db_pragma(&s->db, "freelist_count", &idle) == 0 && idle > IDLE_PAGES &&
	    idle > pages / 2)
		(void)db_run(&s->db, "PRAGMA incremental_vacuum");
}

static int ready(void *state)
{
	struct state *s = state;
	int r;

	r = tune(s);
	if (r == 0)
		r = db_form(&s->db, APPLICATION, FORM, "the state of an agent");
	if (r > 0)
		r = create_tables(s);
	if (r == 0)
		r = prepare_queries(s);
	if (r == 0)
		r = read_frame(s);
	return r;
}

static void unready(void *state)
{
	struct state *s = state;

	for (int q = 0; q < STATE_QUERIES; q++)
		stmt_finalizep(&s->queries[q]);
}

/* Unknown: every life is one in another boot. */
static void read_boot(const char *given, char *ret, size_t size)
{
	_cleanup_(fclosep) FILE *f = NULL;

	ret[0] = '\0';
	if (given) {
		snprintf(ret, size, "%s", given);
		return;
	}
	f = fopen(BOOT_ID, "re");
	if (f && fgets(ret, (int)size, f))
		ret[strcspn(ret, "\n")] = '\0';
	if (!ret[0])
		snprintf(ret, size, "unknown-%ld", (long)getpid());
}

int state_open(const struct state_settings *settings, char *why, struct state **ret)
{
	_cleanup_(state_closep) struct state *s = calloc(1, sizeof(*s));
	int r;

	if (!s || strlen(settings->path) >= sizeof(s->db.path)) {
		snprintf(why, STATE_WHY, "%.200s: %s", settings->path,
			 s ? "the path is too long" : "out of memory");
		return s ? -ENAMETOOLONG : -ENOMEM;
	}
	s->settings = *settings;
	memcpy(s->db.path, settings->path, strlen(settings->path) + 1);
	s->settings.path = s->db.path;
	read_boot(settings->boot, s->boot, sizeof(s->boot));
	s->settings.boot = s->boot;
	s->epoch_sec = settings->epoch_sec;
	s->now_sec = settings->now_sec;
	s->db.ready = ready;
	s->db.unready = unready;
	s->db.owner = s;
	r = db_open(&s->db, why);
	if (r < 0)
		return r;
	shrink(s);
	*ret = take_ptr(s);
	return r;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	db_roll_back(&s->db);
	db_close(&s->db);
	free(s);
}

const char *state_why(const struct state *s)
{
	return s->why;
}

uint64_t state_bytes(const struct state *s)
{
	return db_bytes(&s->db);
}

/* ---- transactions ---- */

int state_tell(struct state *s, int r, const char *text)
{
	snprintf(s->why, sizeof(s->why), "%.120s: %.120s", s->db.path, text);
	return r;
}

static int tell_error(struct state *s, int r)
{
	return state_tell(s, r, r == -ENOMEM ? strerror(ENOMEM) : s->db.error);
}

int state_end(struct state *s, int r)
{
	if (!s->db.damaged)
		return r;
	s->touched_sec = 0;
	(void)db_renew(&s->db, s->why);
	s->db.damaged = false;
	return -EUCLEAN;
}

int state_end_reading(struct state *s, int r)
{
	if (!s->db.handle)
		return state_tell(s, r, "not open");
	if (s->writing)
		return state_done(s, r);
	(void)tell_error(s, r);
	return state_end(s, r);
}

int state_writing(const struct state *s)
{
	return s->failed ? s->failed : s->writing ? 0 : -EINVAL;
}

int state_done(struct state *s, int r)
{
	if (r < 0 && !s->failed) {
		s->failed = r;
		(void)tell_error(s, r);
	}
	return r;
}

int state_do(struct state *s, enum state_query q, size_t n, const int64_t *numbers)
{
	for (size_t i = 0; i < n; i++)
		sqlite3_bind_int64(s->queries[q], (int)i + 1, numbers[i]);
	return db_do(&s->db, s->queries[q]);
}

/* A file that was damaged, and could not be made anew then. */
static int reopen(struct state *s)
{
	int r = db_open(&s->db, s->why);

	if (r < 0)
		return r;
	return state_tell(s, -EUCLEAN, "opened again, and empty");
}

int state_begin(struct state *s, uint32_t now_sec)
{
	int r;

	if (s->writing)
		return -EINVAL;
	if (!s->db.handle)
		return reopen(s);
	s->failed = 0;
	s->frame_before = s->frame_sec;
	s->now_sec = now_sec;
	s->changes = sqlite3_total_changes(s->db.handle);
	r = db_run(&s->db, "BEGIN IMMEDIATE");
	if (r == 0)
		r = follow_clock(s);
	if (r == 0) {
		s->writing = true;
		return 0;
	}
	(void)tell_error(s, r);
	db_roll_back(&s->db);
	s->frame_sec = s->frame_before;
	return state_end(s, r);
}

void state_roll_back(struct state *s)
{
	db_roll_back(&s->db);
	s->frame_sec = s->frame_before;
	s->writing = false;
	s->failed = 0;
	(void)state_end(s, 0);
}

/* That we lived at this time, and by which clock. */
static int touch(struct state *s, enum state_query q, uint32_t now_sec)
{
	const int64_t numbers[] = { s->frame_sec, s->frame_sec + now_sec };

	sqlite3_bind_text(s->queries[q], 3, s->boot, -1, SQLITE_STATIC);
	return state_do(s, q, ARRAY_LEN(numbers), numbers);
}

int state_commit(struct state *s)
{
	int r = state_writing(s);
	bool idle;

	if (!s->writing)
		return r;
	idle = sqlite3_total_changes(s->db.handle) == s->changes && s->touched_sec &&
	       s->now_sec - s->touched_sec < TOUCH_SEC;
	if (r == 0 && !idle) {
		r = touch(s, STATE_TOUCH, s->now_sec);
		if (r == 0)
			r = db_run(&s->db, "COMMIT");
		state_done(s, r);
	}
	if (r == 0 && !idle) {
		s->touched_sec = s->now_sec;
		s->writing = false;
		return 0;
	}
	db_roll_back(&s->db);
	s->frame_sec = s->frame_before;
	s->writing = false;
	s->failed = 0;
	return state_end(s, r);
}

/* Not synced: what dies with the host is told by the identity of its maps. */
int state_applied(struct state *s, uint64_t maps)
{
	int r;

	if (s->writing)
		return -EINVAL;
	if (!s->db.handle)
		return state_tell(s, -EIO, "not open");
	r = db_run(&s->db, "PRAGMA synchronous = NORMAL");
	if (r == 0) {
		sqlite3_bind_int64(s->queries[STATE_APPLIED], 4, (int64_t)maps);
		r = touch(s, STATE_APPLIED, s->now_sec);
	}
	(void)sqlite3_exec(s->db.handle, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	if (r < 0)
		(void)tell_error(s, r);
	return state_end(s, r);
}
