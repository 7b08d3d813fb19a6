/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * History on the disk: rows come back as they were put, age, make room, and survive damage and
 * sudden death. What they say of the past is test_past.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/store/history.h"

#define WINDOW 1440 /* slots of 10 s */
#define SLOT 10
#define DAYS_BEFORE 100
#define EPOCH (1000000ll * WINDOW)
#define FIRST (1000000u * SPAN_DAY_SLOTS) /* the slot of EPOCH */
#define LARGE (1ull << 30)

static uint64_t random_state = 88172645463325252ull;

/* xorshift64 (Marsaglia 2003) */
static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

struct place {
	char dir[64], file[80];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/seine-history-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/history.db", p->dir);
	*state = p;
	return 0;
}

/* Counts files whose names hold `part`, and removes them if asked to. */
static int files(const struct place *p, const char *part, bool remove)
{
	DIR *dir = opendir(p->dir);
	struct dirent *e;
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.' || !strstr(e->d_name, part))
			continue;
		n++;
		if (remove)
			assert_int_equal(unlinkat(dirfd(dir), e->d_name, 0), 0);
	}
	closedir(dir);
	return n;
}

static int drop_place(void **state)
{
	struct place *p = *state;

	files(p, "", true);
	rmdir(p->dir);
	free(p);
	return 0;
}

static int open_sized(const struct place *p, uint64_t size_max, char *why, struct history **ret)
{
	const struct history_settings s = {
		.path = p->file,
		.window_sec = WINDOW,
		.size_max = size_max,
		.epoch_sec = EPOCH,
	};

	return history_open(&s, why, ret);
}

static struct history *open_history(const struct place *p)
{
	struct history *h = NULL;
	char why[HISTORY_WHY] = "";

	if (open_sized(p, LARGE, why, &h) != 0)
		fail_msg("%s", why);
	return h;
}

static void flush(struct history *h, uint32_t now_sec)
{
	char why[HISTORY_WHY] = "";
	int64_t left;

	do {
		left = history_flush(h, 1000, now_sec, why);
		if (left < 0)
			fail_msg("%s", why);
	} while (left);
}

static void address(uint32_t n, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (n % 3 == 0) {
		ret[10] = ret[11] = 0xff;
		memcpy(ret + 12, &n, sizeof(n));
	} else {
		ret[0] = 0x20;
		memcpy(ret + 4, &n, sizeof(n));
		ret[15] = n % 3 == 2; /* not a /64 */
	}
}

static struct deed deed_of(uint32_t source, uint32_t requests)
{
	struct deed d = {
		.hello_key = 0xfedcba9876543210 + source,
		.syn_class = 77,
		.sums = { .requests = requests,
			  .responses = requests,
			  .handshakes = 1,
			  .gap_dual = 1,
			  .request_log = 170 * requests,
			  .response_log = UINT32_MAX,
			  .gap_ms = 70 },
	};

	address(source, d.source);
	return d;
}

static void put(struct history *h, enum span span, uint32_t start, uint32_t source,
		uint32_t requests)
{
	struct deed d = deed_of(source, requests);

	assert_int_equal(history_put(span, start, &d, h), 0);
}

/* ---- rows ---- */

struct days {
	int n;
	int64_t start_unix[64];
	struct deed deeds[64];
};

static int take_day(int64_t start_unix, const struct deed *deed, void *arg)
{
	struct days *d = arg;

	assert_true(d->n < 64);
	d->start_unix[d->n] = start_unix;
	d->deeds[d->n++] = *deed;
	return 0;
}

static struct days days_of(struct history *h, uint32_t source)
{
	struct days days = { 0 };
	uint8_t a[16];

	address(source, a);
	assert_int_equal(history_days(h, a, take_day, &days), 0);
	return days;
}

static uint32_t sec_of_day(uint32_t day)
{
	return day * WINDOW + 5;
}

static void rows_come_back_as_they_were(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct deed wanted;
	struct days days;

	for (uint32_t source = 0; source < 300; source++)
		for (uint32_t day = 3; day > 0; day--)
			put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, source, day * 10);
	flush(h, sec_of_day(4));
	history_closep(&h);
	h = open_history(*state);
	for (uint32_t source = 0; source < 300; source++) {
		days = days_of(h, source);
		assert_int_equal(days.n, 3);
		for (uint32_t day = 1; day <= 3; day++) {
			wanted = deed_of(source, day * 10);
			assert_memory_equal(&days.deeds[day - 1], &wanted, sizeof(wanted));
			assert_int_equal(days.start_unix[day - 1], EPOCH + day * WINDOW);
		}
	}
	assert_int_equal(days_of(h, 300).n, 0);
}

static void what_comes_twice_adds_up(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct deed later = deed_of(1, 5);
	struct days days;

	put(h, SPAN_DAY, FIRST, 1, 3);
	flush(h, sec_of_day(1));
	later.hello_key = 9;
	later.syn_class = 0;
	assert_int_equal(history_put(SPAN_DAY, FIRST, &later, h), 0);
	put(h, SPAN_DAY, FIRST, 2, 1);
	put(h, SPAN_DAY, FIRST, 2, 1); /* in the same run */
	flush(h, sec_of_day(1));
	days = days_of(h, 1);
	assert_int_equal(days.n, 1);
	assert_int_equal(days.deeds[0].sums.requests, 8);
	assert_int_equal(days.deeds[0].sums.gap_dual, 2);
	assert_int_equal(days.deeds[0].sums.response_log, UINT32_MAX - 1); /* modulo 2^32 */
	assert_int_equal(days.deeds[0].hello_key, 9);
	assert_int_equal(days.deeds[0].syn_class, 77);
	assert_int_equal(days_of(h, 2).deeds[0].sums.requests, 2);
}

static int take_net(int64_t start_unix, const struct net_deed *d, void *arg)
{
	struct net_deed *sum = arg;

	assert_int_equal(start_unix % WINDOW, EPOCH % WINDOW);
	*sum = *d;
	return 0;
}

static void prefixes_have_days_too(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct net_deed d = { .net = { 0x20, 1 }, .sources = 3, .requests = 9, .syns = 1 << 20 };
	struct net_deed got = { 0 };

	assert_int_equal(history_put_net(h, SPAN_DAY, FIRST, &d), 0);
	flush(h, sec_of_day(1));
	assert_int_equal(history_put_net(h, SPAN_DAY, FIRST, &d), 0);
	flush(h, sec_of_day(1));
	assert_int_equal(history_net_days(h, d.net, take_net, &got), 0);
	assert_int_equal(got.requests, 18);
	assert_int_equal(got.syns, 2 << 20);
	assert_memory_equal(got.net, d.net, sizeof(d.net));
}

static uint32_t net_requests(struct history *h, const struct net_deed *net)
{
	struct net_deed sum = { 0 };

	assert_int_equal(history_net_days(h, net->net, take_net, &sum), 0);
	return sum.requests;
}

/* A crash in the second hour of a day, after an orderly stop in the first; then a life that goes on
 * with the day. Another prefix is never seen again. */
static void prefixes_survive_a_crash(void **state)
{
	struct history *h = open_history(*state);
	struct net_deed a = { .requests = 1 }, b = { .requests = 10 };
	char why[HISTORY_WHY];
	int64_t left;

	address(3, a.net);
	address(6, b.net);
	assert_int_equal(history_put_net(h, SPAN_SLOT, FIRST + 4, &a), 0);
	assert_int_equal(history_put_net(h, SPAN_HOUR, FIRST, &a), 0);
	assert_int_equal(history_put_net(h, SPAN_DAY, FIRST, &a), 0);
	history_close(h);
	h = open_history(*state);
	assert_int_equal(history_put_net(h, SPAN_SLOT, FIRST + 5, &a), 0);
	assert_int_equal(history_put_net(h, SPAN_HOUR, FIRST, &a), 0);
	for (uint32_t slot = 6; slot < 9; slot++) {
		assert_int_equal(history_put_net(h, SPAN_SLOT, FIRST + slot, &a), 0);
		assert_int_equal(history_put_net(h, SPAN_SLOT, FIRST + slot, &b), 0);
	}
	history_close(h);
	h = open_history(*state);
	assert_int_equal(net_requests(h, &a), 1);
	assert_int_equal(history_put_net(h, SPAN_HOUR, FIRST + 6, &a), 0);
	assert_int_equal(history_put_net(h, SPAN_DAY, FIRST, &a), 0);
	while ((left = history_flush(h, 1, 10 * SLOT, why)) > 0)
		;
	assert_int_equal(left, 0);
	assert_int_equal(net_requests(h, &a), 6);
	assert_int_equal(net_requests(h, &b), 30);
	history_close(h);
}

static void closing_writes_what_is_queued(void **state)
{
	struct history *h = open_history(*state);

	put(h, SPAN_DAY, FIRST, 1, 3);
	history_close(h);
	h = open_history(*state);
	assert_int_equal(days_of(h, 1).n, 1);
	history_close(h);
}

static void a_flush_is_bounded(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	char why[HISTORY_WHY];

	for (uint32_t i = 0; i < 100; i++)
		put(h, SPAN_DAY, FIRST, i, 1);
	assert_int_equal(history_flush(h, 30, sec_of_day(1), why), 70);
	assert_int_equal(history_flush(h, 30, sec_of_day(1), why), 40);
	put(h, SPAN_DAY, FIRST, 1000, 1); /* behind a run that is being written */
	assert_int_equal(history_flush(h, 40, sec_of_day(1), why), 1);
	assert_int_equal(history_flush(h, 40, sec_of_day(1), why), 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(days_of(h, i).n, 1);
	assert_int_equal(days_of(h, 1000).n, 1);
}

/* ---- ageing ---- */

static void rows_age(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct history_state s;

	for (uint32_t day = 0; day < DAYS_BEFORE; day++) {
		put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, 1, 1);
		for (uint32_t hour = 0; hour < 24; hour++)
			put(h, SPAN_HOUR, FIRST + day * SPAN_DAY_SLOTS + hour * SPAN_HOUR_SLOTS, 1,
			    1);
		flush(h, sec_of_day(day + 1));
	}
	assert_int_equal(history_state(h, &s), 0);
	assert_int_equal(s.days, 46);
	assert_int_equal(s.oldest_unix, EPOCH + (DAYS_BEFORE - 46) * WINDOW);
	assert_int_equal(s.sources, 1);
	assert_false(s.full);
	assert_int_equal(days_of(h, 1).n, 46);
}

static int days_held(struct history *h)
{
	struct history_state s = { 0 };

	assert_int_equal(history_state(h, &s), 0);
	return (int)s.days;
}

static enum history_clock clock_at(struct history *h, uint32_t now_sec, int64_t set_by)
{
	return history_clock(h, EPOCH + now_sec + set_by, now_sec);
}

/* Years ahead, or behind. What is there stays for an hour; then the clock is believed. */
static void a_wrong_clock_takes_nothing_at_once(void **state)
{
	static const struct {
		uint32_t day, wrong;
	} days[] = { { 0, 400 }, { 90, 2 } };
	const struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		struct history *h = open_history(p);
		uint32_t day = days[i].day, wrong = sec_of_day(days[i].wrong);

		put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, 1, 1);
		flush(h, sec_of_day(day + 1));
		assert_int_equal(clock_at(h, sec_of_day(day + 1), 0), CLOCK_TRUSTED);
		history_close(h);

		h = open_history(p);
		flush(h, wrong);
		assert_int_equal(days_held(h), 1);
		assert_int_equal(clock_at(h, wrong, 0), CLOCK_DOUBTED);
		flush(h, wrong + 3599);
		assert_int_equal(days_held(h), 1);
		flush(h, wrong + 3600);
		assert_int_equal(days_held(h), 0);
		assert_int_equal(clock_at(h, wrong + 3600, 0), CLOCK_TRUSTED);
		history_close(h);
	}
}

/* It was wrong and has been set: what it says of the age of rows is not to be trusted any more. */
static void a_clock_that_was_set_takes_nothing(void **state)
{
	struct history *h = open_history(*state);
	uint32_t late = sec_of_day(60);

	put(h, SPAN_DAY, FIRST, 1, 1);
	flush(h, sec_of_day(1));
	assert_int_equal(clock_at(h, late, SLOT), CLOCK_TRUSTED);
	assert_int_equal(clock_at(h, late, SLOT + 1), CLOCK_MOVED);
	assert_int_equal(clock_at(h, late, -SLOT - 1), CLOCK_MOVED);
	flush(h, late);
	assert_int_equal(days_held(h), 1);
	assert_int_equal(clock_at(h, late, 0), CLOCK_TRUSTED);
	flush(h, late);
	assert_int_equal(days_held(h), 0);
	history_close(h);
}

static void the_oldest_days_make_room(void **state)
{
	_cleanup_(history_closep) struct history *h = NULL;
	const uint64_t most = 2 << 20;
	struct history_state s;
	struct days days;
	char why[HISTORY_WHY];

	assert_int_equal(open_sized(*state, most, why, &h), 0);
	for (uint32_t day = 0; day < 40; day++) {
		for (uint32_t i = 0; i < 3000; i++)
			put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, i, 20);
		flush(h, sec_of_day(day + 1));
		assert_int_equal(history_state(h, &s), 0);
		assert_in_range(s.bytes, 1, most);
		assert_true(s.full || s.days == day + 1);
	}
	assert_true(s.full);
	assert_in_range(s.days, 5, 20);
	days = days_of(h, 2999);
	assert_int_equal(days.start_unix[days.n - 1], EPOCH + 39 * WINDOW);
	assert_int_equal(days.start_unix[0], EPOCH + (40 - days.n) * WINDOW);
	assert_int_equal(s.lost, 0);

	/* With a smaller limit it gets smaller. */
	history_closep(&h);
	assert_int_equal(open_sized(*state, most / 2, why, &h), 0);
	for (int i = 0; i < 50; i++)
		flush(h, sec_of_day(40));
	assert_int_equal(history_state(h, &s), 0);
	assert_in_range(s.bytes, 1, most / 2);
}

/* ---- errors ---- */

static void what_cannot_be_opened_is_named(void **state)
{
	struct place nowhere = { .file = "/nonexistent/history.db" }, dir = { 0 };
	const struct place *p = *state;
	_cleanup_(history_closep) struct history *h = NULL, *second = NULL;
	char why[HISTORY_WHY] = "";

	assert_int_equal(open_sized(&nowhere, LARGE, why, &h), -ENOENT);
	assert_string_equal(why, "/nonexistent/history.db: No such file or directory");
	memcpy(dir.file, p->dir, sizeof(p->dir));
	assert_int_equal(open_sized(&dir, LARGE, why, &h), -EISDIR);
	assert_null(h);
	h = open_history(p);
	assert_int_equal(open_sized(p, LARGE, why, &second), -EBUSY);
	assert_non_null(strstr(why, "another process uses it"));
	assert_int_equal(files(p, "damaged", false), 0);
}

/* A limit on the size of files stands for a full disk. */
static void a_full_disk_keeps_rows_queued(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct rlimit before, tight;
	char why[HISTORY_WHY] = "";

	flush(h, sec_of_day(1));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 200 << 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	for (uint32_t i = 0; i < 20000; i++)
		put(h, SPAN_DAY, FIRST, i, 20);
	for (int i = 0; i < 5; i++)
		assert_true(history_flush(h, SIZE_MAX, sec_of_day(1), why) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(strlen(why) > 0);
	flush(h, sec_of_day(1));
	for (uint32_t i = 0; i < 20000; i += 19)
		assert_int_equal(days_of(h, i).n, 1);
	assert_int_equal(files(*state, "damaged", false), 0);
}

/* ---- damage ---- */

#define ROWS 3000

static void fill(const struct place *p)
{
	struct history *h = open_history(p);

	for (uint32_t day = 0; day < 5; day++)
		for (uint32_t i = 0; i < ROWS; i++)
			put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, i, 20);
	flush(h, sec_of_day(5));
	history_close(h);
}

static int ignore(const uint8_t source[16], const struct past *past, void *arg)
{
	(void)source;
	(void)past;
	++*(uint32_t *)arg;
	return 0;
}

/* Everything that a life does; then it must be in order again. */
static void live_with(const struct place *p)
{
	_cleanup_(history_closep) struct history *h = NULL;
	struct history_state s;
	struct past past;
	uint32_t seen = 0;
	uint8_t a[16];
	char why[HISTORY_WHY] = "";
	int64_t left = -1;

	assert_true(open_sized(p, LARGE, why, &h) >= 0);
	assert_int_equal(history_pasts(h, sec_of_day(5), SIZE_MAX, ignore, &seen), 0);
	assert_true(seen <= 2 * ROWS);
	for (uint32_t i = 0; i < ROWS; i += 7) {
		struct days days = { 0 };

		address(i, a);
		assert_true(history_past(h, a, sec_of_day(5), &past) >= 0);
		(void)history_days(h, a, take_day, &days);
	}
	for (uint32_t i = 0; i < ROWS; i++)
		put(h, SPAN_DAY, FIRST + 5 * SPAN_DAY_SLOTS, i, 5);
	(void)history_state(h, &s);
	/* A damaged part may be met by writing and by removing; each is told once. */
	for (int i = 0; i < 5 && left != 0; i++)
		left = history_flush(h, SIZE_MAX, sec_of_day(60), why);
	assert_int_equal(left, 0);
	put(h, SPAN_DAY, FIRST + 60 * SPAN_DAY_SLOTS, 1, 5);
	flush(h, sec_of_day(61));
	assert_true(days_of(h, 1).n >= 1);
}

static void truncated_files(void **state)
{
	const struct place *p = *state;
	struct stat st;

	for (int i = 0; i < 8; i++) {
		fill(p);
		assert_int_equal(stat(p->file, &st), 0);
		assert_int_equal(truncate(p->file, random_below((uint32_t)st.st_size)), 0);
		live_with(p);
		assert_true(files(p, "damaged", true) >= 1);
		files(p, "", true);
	}
}

/* Rows that are wrong without breaking a page cannot be known; that nothing crashes can. */
static void pages_of_noise(void **state)
{
	const struct place *p = *state;
	uint8_t noise[4096];
	struct stat st;
	int set_aside = 0, fd;

	for (int i = 0; i < 20; i++) {
		fill(p);
		fd = open(p->file, O_WRONLY);
		assert_true(fd >= 0 && fstat(fd, &st) == 0);
		for (int page = 0; page <= i / 7; page++) {
			size_t n = i % 2 ? sizeof(noise) : 1 + random_below(64);
			off_t at = random_below((uint32_t)(st.st_size - (off_t)n));

			for (size_t k = 0; k < n; k++)
				noise[k] = (uint8_t)random_below(256);
			assert_int_equal(pwrite(fd, noise, n, at), n);
		}
		close(fd);
		live_with(p);
		set_aside += files(p, "damaged", true) > 0;
		files(p, "", true);
	}
	assert_true(set_aside > 5);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void files_that_are_no_history(void **state)
{
	static const char long_text[] =
		"This is not a database. It goes on for more than a hundred bytes, as a header "
		"of one has that many, and less would be an empty one to some.\n";
	const struct place *p = *state;
	_cleanup_(history_closep) struct history *h = NULL;
	char why[HISTORY_WHY] = "";

	write_text(p->file, "");
	assert_int_equal(open_sized(p, LARGE, why, &h), 0); /* an empty file is a new one */
	history_closep(&h);

	write_text(p->file, long_text);
	assert_int_equal(open_sized(p, LARGE, why, &h), 1);
	assert_non_null(strstr(why, "not a database"));
	assert_non_null(strstr(why, "set aside as"));
	assert_int_equal(files(p, "damaged", false), 1);
	history_closep(&h);
	for (int i = 0; i < 6; i++) {
		write_text(p->file, long_text);
		assert_int_equal(open_sized(p, LARGE, why, &h), 1);
		history_closep(&h);
	}
	assert_int_equal(files(p, "damaged", false), 4); /* more are not kept */
}

static void change_file(const struct place *p, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void other_forms_are_set_aside(void **state)
{
	static const struct {
		const char *sql, *reason;
	} rows[] = {
		{ "PRAGMA user_version = 99", "another version" },
		{ "PRAGMA application_id = 1", "not a history" },
		{ "UPDATE meta SET window_sec = 1", "another window" },
		{ "DELETE FROM meta", "another window" },
		{ "DROP TABLE hour", "no such table" },
		{ "DROP TABLE day; CREATE TABLE day (x)", "has 1 columns" },
	};
	const struct place *p = *state;
	char why[HISTORY_WHY];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(history_closep) struct history *h = open_history(p);

		history_closep(&h);
		change_file(p, rows[i].sql);
		assert_int_equal(open_sized(p, LARGE, why, &h), 1);
		if (!strstr(why, rows[i].reason))
			fail_msg("%s: %s", rows[i].sql, why);
		assert_int_equal(files(p, "damaged", true), 1);
	}
}

static void rows_of_noise_are_nothing(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	uint32_t seen = 0;

	put(h, SPAN_DAY, FIRST, 3, 1);
	history_closep(&h);
	change_file(*state, "INSERT INTO day SELECT 144000144, key, x'00' FROM day;"
			    "INSERT INTO day VALUES (144000000, x'0102', x'00');"
			    "INSERT INTO day VALUES (144000000, 'text', 'text');"
			    "INSERT INTO slot VALUES (-5, x'01020304', zeroblob(9999))");
	h = open_history(*state);
	assert_int_equal(history_pasts(h, sec_of_day(3), SIZE_MAX, ignore, &seen), 0);
	assert_int_equal(seen, 1);
	assert_int_equal(days_of(h, 3).n, 1);
	flush(h, sec_of_day(3));
}

static void damage_met_by_a_reader_is_told_once(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct days days = { 0 };
	char why[HISTORY_WHY];
	uint8_t a[16];

	put(h, SPAN_DAY, FIRST, 3, 1);
	history_closep(&h);
	change_file(*state, "INSERT INTO day VALUES ('no number', x'01020304', x'00')");
	h = open_history(*state);
	address(3, a);
	assert_int_equal(history_days(h, a, take_day, &days), -EUCLEAN);
	assert_int_equal(files(*state, "damaged", false), 1);
	put(h, SPAN_DAY, FIRST, 4, 1);
	assert_int_equal(history_flush(h, 10, sec_of_day(1), why), -EUCLEAN);
	assert_non_null(strstr(why, "set aside as"));
	assert_int_equal(history_flush(h, 10, sec_of_day(1), why), 0);
	assert_int_equal(days_of(h, 4).n, 1);
	assert_int_equal(days_of(h, 3).n, 0);
}

/* Set aside, and then nothing can be opened: both are told. */
static void what_follows_is_told_too(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct rlimit before, none;
	struct days days = { 0 };
	char why[HISTORY_WHY];
	uint8_t a[16];

	history_closep(&h);
	change_file(*state, "INSERT INTO day VALUES ('no number', x'01020304', x'00')");
	h = open_history(*state);
	address(3, a);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(history_days(h, a, take_day, &days), -EUCLEAN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(history_flush(h, 10, sec_of_day(1), why), -EUCLEAN);
	assert_non_null(strstr(why, "set aside as"));
	assert_non_null(strstr(why, "then: Too many open files"));
	put(h, SPAN_DAY, FIRST, 4, 1);
	assert_int_equal(history_flush(h, 10, sec_of_day(1), why), 0);
	assert_int_equal(days_of(h, 4).n, 1);
}

/* What fails without damage leaves the file alone, fails nobody, and is told. */
static void a_read_that_fails_is_told(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	char why[HISTORY_WHY];
	int seen = 0;

	for (uint32_t i = 0; i < 1000; i++)
		put(h, SPAN_DAY, FIRST, i, 1);
	flush(h, sec_of_day(1));
	sqlite3_hard_heap_limit64(1);
	assert_int_equal(history_pasts(h, sec_of_day(1), SIZE_MAX, ignore, &seen), 0);
	sqlite3_hard_heap_limit64(0);
	assert_int_equal(history_flush(h, 10, sec_of_day(1), why), -EIO);
	assert_non_null(strstr(why, "memory"));
	assert_int_equal(history_flush(h, 10, sec_of_day(1), why), 0);
	assert_int_equal(files(*state, "damaged", false), 0);
	assert_int_equal(history_pasts(h, sec_of_day(1), SIZE_MAX, ignore, &seen), 0);
	assert_int_equal(seen, 1000);
}

/* Somebody reads the file for a moment while it is opened. */
static void a_short_reader_is_waited_for(void **state)
{
	const struct place *p = *state;
	sqlite3 *db = NULL;
	struct history *h;
	int ready[2], status;
	char byte = 0;
	pid_t child;

	history_close(open_history(p));
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		sqlite3_open(p->file, &db);
		sqlite3_exec(db, "BEGIN; SELECT count(*) FROM day", NULL, NULL, NULL);
		(void)!write(ready[1], &byte, 1);
		usleep(300000);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	h = open_history(p);
	history_close(h);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(ready[0]);
	close(ready[1]);
}

static void rows_that_cannot_be_removed_do_not_hold_it_up(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	char why[HISTORY_WHY];

	put(h, SPAN_DAY, FIRST, 1, 1);
	history_closep(&h);
	change_file(*state, "INSERT INTO day VALUES "
			    "(1, x'ffffffffffffffffffffffffffffffffffffffff', x'00')");
	h = open_history(*state);
	assert_int_equal(history_flush(h, 10, sec_of_day(1), why), -EUCLEAN);
	assert_int_equal(history_flush(h, 10, sec_of_day(1), why), 0);
}

/* ---- sudden death ---- */

#define BATCH 50

static void write_until_killed(const struct place *p, uint32_t round, uint32_t *written)
{
	_cleanup_(history_closep) struct history *h = open_history(p);
	char why[HISTORY_WHY];

	for (uint32_t i = 0;; i += BATCH) {
		for (uint32_t k = 0; k < BATCH; k++)
			put(h, SPAN_DAY, FIRST + round * SPAN_DAY_SLOTS, i + k, 1);
		if (history_flush(h, BATCH, sec_of_day(round + 1), why) != 0)
			_exit(1);
		__atomic_store_n(written, i + BATCH, __ATOMIC_RELEASE);
	}
}

static void what_was_flushed_survives_death(void **state)
{
	uint32_t *written = mmap(NULL, sizeof(*written), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const uint32_t rounds = 24;
	int status;

	assert_true(written != MAP_FAILED);
	for (uint32_t round = 0; round < rounds; round++) {
		struct history *h;
		pid_t child;

		*written = 0;
		child = fork();
		assert_true(child >= 0);
		if (!child)
			write_until_killed(*state, round, written);
		usleep(1000 + random_below(25000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		h = open_history(*state);
		for (uint32_t i = 0; i < *written; i++)
			assert_int_equal(days_of(h, i).start_unix[days_of(h, i).n - 1],
					 EPOCH + round * WINDOW);
		history_close(h);
	}
	assert_int_equal(files(*state, "damaged", false), 0);
	munmap(written, sizeof(*written));
}

/* ---- seeds ---- */

static struct seed seed_of(uint32_t n, int64_t added, int64_t expires, const char *note)
{
	struct seed s = { .added_sec = added, .expires_sec = expires };

	address(n, s.source);
	snprintf(s.note, sizeof(s.note), "%s", note);
	return s;
}

static void seeds_are_kept_until_their_end(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct seed list[] = { seed_of(1, 100, 1000, "one"), seed_of(2, 100, 900, "two") };
	struct seed later[] = { seed_of(1, 200, 900, "earlier end"), seed_of(2, 200, 2000, "x") };
	struct seeds got = { 0 };
	char why[HISTORY_WHY];

	assert_int_equal(history_add_seeds(h, &(struct seeds){ list, 2 }, why), 0);
	assert_int_equal(history_add_seeds(h, &(struct seeds){ later, 2 }, why), 0);
	history_closep(&h);
	h = open_history(*state);
	assert_int_equal(history_seeds(h, 300, &got), 0);
	assert_int_equal(got.n, 2);
	assert_true(seeds_hold(&got, list[0].source));
	for (size_t i = 0; i < 2; i++) {
		bool one = !memcmp(got.list[i].source, list[0].source, 16);

		assert_int_equal(got.list[i].expires_sec, one ? 1000 : 2000);
		assert_string_equal(got.list[i].note, one ? "one" : "x");
	}
	free(got.list);
	assert_int_equal(history_seeds(h, 1500, &got), 0);
	assert_int_equal(got.n, 1);
	free(got.list);
	assert_int_equal(history_clear_seeds(h, why), 0);
	assert_int_equal(history_seeds(h, 0, &got), 0);
	assert_int_equal(got.n, 0);
	free(got.list);
}

static void too_many_seeds_change_nothing(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	_cleanup_(freep) struct seed *list = calloc(SEEDS_MAX, sizeof(*list));
	struct seeds got = { 0 };
	char why[HISTORY_WHY];

	assert_non_null(list);
	for (uint32_t i = 0; i < SEEDS_MAX; i++)
		list[i] = seed_of(i, 100, 1000, "");
	assert_int_equal(history_add_seeds(h, &(struct seeds){ list, SEEDS_MAX - 1 }, why), 0);
	for (uint32_t i = 0; i < 5; i++)
		list[i] = seed_of(SEEDS_MAX + i, 100, 1000, "");
	assert_int_equal(history_add_seeds(h, &(struct seeds){ list, 5 }, why), -E2BIG);
	assert_non_null(strstr(why, "at most 100000"));
	assert_int_equal(history_seeds(h, 300, &got), 0);
	assert_int_equal(got.n, SEEDS_MAX - 1);
	assert_false(seeds_hold(&got, list[0].source));
	free(got.list);
}

/* ---- campaigns ---- */

static struct campaign campaign_of(uint32_t id, struct member *members, size_t n,
				   struct net_finding *net)
{
	struct campaign c = {
		.id = id,
		.hello_key = 0xfedcba9876543210,
		.gap = SEINE_GAP_DUAL,
		.window = WINDOW_WEEK,
		.seen_sec = { 0, 500, 600, 0 },
		.first_sec = 400,
		.last_sec = 600,
		.replaces = 7,
		.grown_from = 3,
		.members_max = 9,
		.rate = 25.5,
		.sources = 12,
		.requests = 1ull << 40,
		.p_combined = 1e-30,
		.q_value = 1e-20 / id,
		.log_request = 7.5f,
		.members = members,
		.n_members = n,
		.prefixes = net,
		.n_prefixes = 1,
	};

	for (int f = 0; f < FAMILY_MAX; f++)
		c.evidence[f] = (struct evidence){ .family = f, .p = 1 };
	c.evidence[FAMILY_PLACE] = (struct evidence){
		.family = FAMILY_PLACE,
		.p = 1e-9,
		.holds = true,
		.observed = 5,
		.of = 12,
		.test = 2,
		.where = net->prefix,
		.asn = 64500,
	};
	c.p_without[FAMILY_PLACE] = 0.25;
	c.stands_without[FAMILY_PLACE] = true;
	for (size_t i = 0; i < n; i++) {
		members[i] = (struct member){ .lfdr = 0.01,
					      .log10_e = -3.5,
					      .requests = 5,
					      .gap_ms = 70.5f,
					      .alone = true,
					      .window = WINDOW_SEASON,
					      .last_sec = 600,
					      .joined_sec = 500,
					      .seed = i == 3 };
		members[i].source[0] = 0x20;
		members[i].source[4] = (uint8_t)i;
	}
	return c;
}

static void campaigns_freep(struct campaigns **c)
{
	campaigns_free(*c);
}

static void same_campaign(const struct campaign *a, const struct campaign *b)
{
	struct campaign x = *a, y = *b;

	assert_int_equal(x.n_members, y.n_members);
	for (size_t i = 0; i < x.n_members; i++) {
		assert_memory_equal(x.members[i].source, y.members[i].source, 16);
		assert_int_equal(x.members[i].window, y.members[i].window);
		assert_int_equal(x.members[i].last_sec, y.members[i].last_sec);
		assert_true(x.members[i].lfdr == y.members[i].lfdr && x.members[i].alone);
		assert_int_equal(x.members[i].joined_sec, y.members[i].joined_sec);
		assert_int_equal(x.members[i].seed, y.members[i].seed);
		assert_true(x.members[i].log10_e == y.members[i].log10_e);
		assert_true(x.members[i].gap_ms == y.members[i].gap_ms);
	}
	assert_int_equal(x.n_prefixes, y.n_prefixes);
	assert_memory_equal(&x.prefixes[0].prefix, &y.prefixes[0].prefix, sizeof(struct prefix));
	assert_int_equal(x.prefixes[0].outsiders, y.prefixes[0].outsiders);
	x.members = y.members = NULL;
	x.prefixes = y.prefixes = NULL;
	for (int f = 0; f < FAMILY_MAX; f++) {
		assert_true(x.evidence[f].p == y.evidence[f].p);
		assert_int_equal(x.evidence[f].asn, y.evidence[f].asn);
		assert_int_equal(x.evidence[f].test, y.evidence[f].test);
		assert_int_equal(x.evidence[f].holds, y.evidence[f].holds);
		assert_int_equal(x.evidence[f].where.len, y.evidence[f].where.len);
	}
	/* All scalar fields lie before and behind the evidence. */
	assert_memory_equal(&x, &y, offsetof(struct campaign, evidence));
	assert_memory_equal(x.p_without, y.p_without, sizeof(x.p_without));
	assert_memory_equal(x.stands_without, y.stands_without, sizeof(x.stands_without));
	assert_true(x.p_combined == y.p_combined && x.q_value == y.q_value);
}

static void campaigns_keep_their_names(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *got = NULL;
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct net_finding net = { .members = 3, .sources = 4, .outsiders = 1, .purity = 0.9 };
	struct member members[2][20];
	struct campaign list[2];
	struct campaigns all = { .list = list, .n = 2 };
	char why[HISTORY_WHY];
	size_t left_out;

	assert_int_equal(prefix_parse("198.51.100.0/24", why, sizeof(why), &net.prefix), 0);
	list[0] = campaign_of(9, members[0], 20, &net);
	list[1] = campaign_of(4, members[1], 3, &net);
	assert_int_equal(history_save_campaigns(h, &all), 0);
	assert_int_equal(history_save_campaigns(h, &all), 0);
	history_closep(&h);
	h = open_history(*state);
	assert_int_equal(history_campaigns(h, 700, &got, &left_out), 0);
	assert_int_equal(got->n, 2);
	assert_int_equal(left_out, 0);
	same_campaign(&got->list[0], &list[0]);
	same_campaign(&got->list[1], &list[1]);
}

/* After a boot the clock of seconds began anew; what was before it is at its beginning. */
static void campaigns_outlive_a_boot(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *got = NULL;
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct net_finding net = { .prefix = { .len = 128 } };
	struct history_settings s = { .path = ((struct place *)*state)->file,
				      .window_sec = WINDOW,
				      .size_max = LARGE,
				      .epoch_sec = EPOCH + 450 };
	struct member members[3];
	struct campaign list[1] = { campaign_of(9, members, 3, &net) };
	char why[HISTORY_WHY];
	size_t left_out;

	assert_int_equal(history_save_campaigns(h, &(struct campaigns){ list, 1, 0, 0 }), 0);
	history_closep(&h);
	assert_int_equal(history_open(&s, why, &h), 0);
	assert_int_equal(history_campaigns(h, 200, &got, &left_out), 0);
	assert_int_equal(got->list[0].first_sec, 1);
	assert_int_equal(got->list[0].last_sec, 150);
	assert_int_equal(got->list[0].seen_sec[WINDOW_HOUR], 0);
	assert_int_equal(got->list[0].seen_sec[WINDOW_DAY], 50);
}

static void campaigns_that_cannot_be_read_are_left_out(void **state)
{
	static const char *const changes[] = {
		"UPDATE campaign SET form = 2 WHERE id = 4",
		"UPDATE campaign SET record = '{' WHERE id = 4",
		"UPDATE campaign SET record = '[]' WHERE id = 4",
		"UPDATE campaign SET record = replace(record, 'week', 'year') WHERE id = 4",
		"UPDATE campaign SET members = x'00' WHERE id = 4",
		"UPDATE campaign SET members = randomblob(46) WHERE id = 4",
		"UPDATE campaign SET id = 5 WHERE id = 4",
		"UPDATE campaign SET record = replace(record, '100.0/24', '100.0/99') WHERE id = 4",
	};
	struct net_finding net = { 0 };
	struct member members[2][3];
	struct campaign list[2];
	char why[HISTORY_WHY];

	assert_int_equal(prefix_parse("198.51.100.0/24", why, sizeof(why), &net.prefix), 0);
	list[0] = campaign_of(9, members[0], 3, &net);
	list[1] = campaign_of(4, members[1], 3, &net);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		_cleanup_(campaigns_freep) struct campaigns *got = NULL;
		_cleanup_(history_closep) struct history *h = open_history(*state);
		size_t left_out;

		assert_int_equal(history_save_campaigns(h, &(struct campaigns){ list, 2, 0, 0 }),
				 0);
		history_closep(&h);
		change_file(*state, changes[i]);
		h = open_history(*state);
		assert_int_equal(history_campaigns(h, 700, &got, &left_out), 0);
		if (got->n != 1 || got->list[0].id != 9 || left_out != 1)
			fail_msg("%s: %zu campaigns", changes[i], got->n);
	}
}

struct told {
	int n;
	int64_t when[8];
};

static int take_dossier(const struct dossier *d, void *arg)
{
	struct told *t = arg;

	assert_string_equal(d->event, "acted");
	assert_non_null(strstr(d->json, "{"));
	t->when[t->n++] = d->unix_sec;
	return 0;
}

static void dossiers_newest_first(void **state)
{
	_cleanup_(history_closep) struct history *h = open_history(*state);
	struct dossier d = { .event = "acted", .json = (char[]){ "{\"q\":1}" } };
	struct told told = { 0 };

	for (d.unix_sec = 1; d.unix_sec <= 400; d.unix_sec++)
		assert_int_equal(history_put_dossier(h, 9, &d, false), 0);
	assert_int_equal(history_dossiers(h, 9, 3, take_dossier, &told), 0);
	assert_int_equal(told.n, 3);
	assert_int_equal(told.when[0], 400);
	assert_int_equal(told.when[2], 398);
	assert_int_equal(history_dossiers(h, 10, 3, take_dossier, &told), 0);
	assert_int_equal(told.n, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_come_back_as_they_were),
		TEST(what_comes_twice_adds_up),
		TEST(prefixes_have_days_too),
		TEST(prefixes_survive_a_crash),
		TEST(closing_writes_what_is_queued),
		TEST(a_flush_is_bounded),
		TEST(rows_age),
		TEST(a_wrong_clock_takes_nothing_at_once),
		TEST(a_clock_that_was_set_takes_nothing),
		TEST(the_oldest_days_make_room),
		TEST(what_cannot_be_opened_is_named),
		TEST(a_full_disk_keeps_rows_queued),
		TEST(truncated_files),
		TEST(pages_of_noise),
		TEST(files_that_are_no_history),
		TEST(other_forms_are_set_aside),
		TEST(rows_of_noise_are_nothing),
		TEST(damage_met_by_a_reader_is_told_once),
		TEST(what_follows_is_told_too),
		TEST(a_read_that_fails_is_told),
		TEST(a_short_reader_is_waited_for),
		TEST(rows_that_cannot_be_removed_do_not_hold_it_up),
		TEST(what_was_flushed_survives_death),
		TEST(seeds_are_kept_until_their_end),
		TEST(too_many_seeds_change_nothing),
		TEST(campaigns_keep_their_names),
		TEST(campaigns_outlive_a_boot),
		TEST(campaigns_that_cannot_be_read_are_left_out),
		TEST(dossiers_newest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
