/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A database: opened, set aside when damaged. See db.h. */
#include "user/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "user/base/cleanup.h"

/* Damaged files are kept for whoever wants to know why; more of them than this would only fill the
 * disk. */
#define SET_ASIDE 4
#define FILE_MODE 0640 /* it says who talked to this host, and what was done about it */
#define BUSY_MS 1000   /* somebody may just be reading it, when it is opened */

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
static bool is_damage(const struct db *d, int code)
{
	return code == SQLITE_IOERR_SHORT_READ || (code & 0xff) == SQLITE_CORRUPT ||
	       (code & 0xff) == SQLITE_NOTADB || (d->opening && (code & 0xff) == SQLITE_ERROR);
}

int db_errno(struct db *d, int code)
{
	int extended = d->handle ? sqlite3_extended_errcode(d->handle) : code;

	if ((extended & 0xff) != (code & 0xff))
		extended = code;
	d->damaged |= is_damage(d, extended);
	snprintf(d->error, sizeof(d->error), "%s",
		 d->handle ? sqlite3_errmsg(d->handle) : sqlite3_errstr(code));
	return errno_of(d->handle, extended);
}

int db_damaged(struct db *d, const char *reason)
{
	d->damaged = true;
	snprintf(d->error, sizeof(d->error), "%s", reason);
	return -EUCLEAN;
}

int db_prepare(struct db *d, const char *sql, sqlite3_stmt **ret)
{
	int r = sqlite3_prepare_v3(d->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

	return r == SQLITE_OK ? 0 : db_errno(d, r);
}

int db_do(struct db *d, sqlite3_stmt *s)
{
	int r = sqlite3_step(s), ret = 0;

	if (r != SQLITE_DONE && r != SQLITE_ROW)
		ret = db_errno(d, r);
	sqlite3_reset(s);
	return ret;
}

int db_run(struct db *d, const char *sql)
{
	int r = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);

	return r == SQLITE_OK ? 0 : db_errno(d, r);
}

/* The error that was is the one to tell of. */
void db_roll_back(struct db *d)
{
	if (d->handle && !sqlite3_get_autocommit(d->handle))
		(void)sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
}

int db_number(struct db *d, sqlite3_stmt *s, int64_t *ret)
{
	int r = sqlite3_step(s), res = 0;

	if (r == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) {
		*ret = sqlite3_column_int64(s, 0);
		res = 1;
	} else if (r != SQLITE_ROW && r != SQLITE_DONE) {
		res = db_errno(d, r);
	}
	sqlite3_reset(s);
	return res;
}

int db_pragma(struct db *d, const char *name, int64_t *ret)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	char sql[64];
	int r;

	snprintf(sql, sizeof(sql), "PRAGMA %s", name);
	r = db_prepare(d, sql, &s);
	if (r < 0)
		return r;
	r = db_number(d, s, ret);
	return r < 0 ? r : 0;
}

/* ---- opening ---- */

/* Without memory that is mapped: a damaged disk is an error there, not a signal. */
static int tune(struct db *d)
{
	char sql[384];

	snprintf(
		sql, sizeof(sql),
		"PRAGMA locking_mode = EXCLUSIVE;" /* nobody else writes; no file of shared memory */
		"PRAGMA page_size = %d;"
		"PRAGMA auto_vacuum = INCREMENTAL;"
		"PRAGMA journal_mode = WAL;"
		"PRAGMA mmap_size = 0;"
		"PRAGMA cell_size_check = ON;"
		"PRAGMA trusted_schema = OFF;"
		"PRAGMA temp_store = MEMORY;",
		DB_PAGE);
	sqlite3_busy_timeout(d->handle, BUSY_MS);
	sqlite3_extended_result_codes(d->handle, 1);
	sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return db_run(d, sql);
}

int db_form(struct db *d, int application, int form, const char *what)
{
	int64_t tables = 0, found_application = 0, found_form = 0;
	char reason[64];
	int r;

	r = db_pragma(d, "application_id", &found_application);
	if (r == 0)
		r = db_pragma(d, "user_version", &found_form);
	if (r == 0)
		r = db_pragma(d, "schema_version", &tables);
	if (r < 0)
		return r;
	if (!found_application && !found_form && !tables)
		return 1;
	snprintf(reason, sizeof(reason), "not %s", what);
	if (found_application != application)
		return db_damaged(d, reason);
	return found_form == form ? 0 : db_damaged(d, "of another version");
}

/* The system says better than SQLite why a file cannot be had. */
static int touch(struct db *d)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;
	int r;

	if (!strcmp(d->path, ":memory:"))
		return 0;
	fd = open(d->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	r = fd < 0 || fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EISDIR;
	if (r < 0)
		snprintf(d->error, sizeof(d->error), "%s", strerror(-r));
	return r;
}

static int open_database(struct db *d)
{
	int r = touch(d);

	if (r < 0)
		return r;
	r = sqlite3_open_v2(d->path, &d->handle,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r != SQLITE_OK)
		return db_errno(d, r);
	r = tune(d);
	return r == 0 ? d->ready(d->owner) : r;
}

static int open_once(struct db *d)
{
	int r;

	d->damaged = false;
	d->opening = true;
	r = open_database(d);
	d->opening = false;
	return r;
}

void db_close(struct db *d)
{
	if (d->unready)
		d->unready(d->owner);
	sqlite3_close_v2(d->handle);
	d->handle = NULL;
}

static const char *const suffixes[] = { "", "-wal", "-shm" };

static size_t set_aside_before(const struct db *d)
{
	char pattern[PATH_MAX + 16];
	glob_t found;
	size_t n = 0;

	snprintf(pattern, sizeof(pattern), "%s.damaged-*[0-9]", d->path);
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
		n = found.gl_pathc;
		globfree(&found);
	}
	return n;
}

static void remove_all(const struct db *d)
{
	char path[PATH_MAX + 8];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", d->path, suffixes[i]);
		(void)unlink(path);
	}
}

/* Its log goes with it, or the new file would be taken for the one that the log belongs to. */
static int set_aside(struct db *d, char *why)
{
	char from[PATH_MAX + 8], to[PATH_MAX + 40];
	long long when = time(NULL);

	if (set_aside_before(d) >= SET_ASIDE) {
		snprintf(why, DB_WHY, "%.96s: %.96s; removed, as %d such files are kept already",
			 d->path, d->error, SET_ASIDE);
		remove_all(d);
		return 0;
	}
	snprintf(to, sizeof(to), "%s.damaged-%lld", d->path, when);
	while (access(to, F_OK) == 0)
		snprintf(to, sizeof(to), "%s.damaged-%lld", d->path, ++when);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(from, sizeof(from), "%s%s", d->path, suffixes[i]);
		snprintf(to, sizeof(to), "%s.damaged-%lld%s", d->path, when, suffixes[i]);
		if (rename(from, to) < 0 && (i == 0 || errno != ENOENT)) {
			int r = -errno;

			snprintf(d->error, sizeof(d->error), "cannot be set aside: %s",
				 strerror(-r));
			return r;
		}
	}
	snprintf(why, DB_WHY, "%.80s: %.60s; set aside as %.80s.damaged-%lld", d->path, d->error,
		 d->path, when);
	return 0;
}

/* Behind what `why` says already. */
static int refuse_open(struct db *d, char *why, int r)
{
	const char *text = r == -EBUSY ? "another process uses it" : d->error;
	size_t said = strlen(why);

	if (said)
		snprintf(why + said, DB_WHY - said, "; then: %.120s", text);
	else
		snprintf(why, DB_WHY, "%.120s: %.120s", d->path, text);
	db_close(d);
	return r;
}

int db_renew(struct db *d, char *why)
{
	int r;

	why[0] = '\0';
	db_close(d);
	r = set_aside(d, why);
	if (r == 0)
		r = open_once(d);
	return r < 0 ? refuse_open(d, why, r) : 1;
}

int db_open(struct db *d, char *why)
{
	int r;

	why[0] = '\0';
	r = open_once(d);
	if (r == 0)
		return 0;
	return d->damaged ? db_renew(d, why) : refuse_open(d, why, r);
}

uint64_t db_bytes(const struct db *d)
{
	static const char *const parts[] = { "", "-wal" };
	char path[PATH_MAX + 8];
	uint64_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		snprintf(path, sizeof(path), "%s%s", d->path, parts[i]);
		if (stat(path, &st) == 0)
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}
