/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * History survives damage, strange files and sudden death.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
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
#include "tests/unit/history_place.h"
#include "user/base/cleanup.h"

/* ---- damage ---- */

#define ROWS 3000

static void fill(const struct place *p)
{
	struct history *h = place_open(p);

	for (uint32_t day = 0; day < 5; day++)
		for (uint32_t i = 0; i < ROWS; i++)
			place_put(h, SPAN_DAY, FIRST + day * SPAN_DAY_SLOTS, i, 20);
	place_flush(h, place_sec(5));
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

	assert_true(place_open_sized(p, LARGE, why, &h) >= 0);
	assert_int_equal(history_pasts(h, place_sec(5), SIZE_MAX, ignore, &seen), 0);
	assert_true(seen <= 2 * ROWS);
	for (uint32_t i = 0; i < ROWS; i += 7) {
		struct days days = { 0 };

		place_address(i, a);
		assert_true(history_past(h, a, place_sec(5), &past) >= 0);
		(void)history_days(h, a, place_take_day, &days);
	}
	for (uint32_t i = 0; i < ROWS; i++)
		place_put(h, SPAN_DAY, FIRST + 5 * SPAN_DAY_SLOTS, i, 5);
	(void)history_state(h, &s);
	/* A damaged part may be met by writing and by removing; each is told once. */
	for (int i = 0; i < 5 && left != 0; i++)
		left = history_flush(h, SIZE_MAX, place_sec(60), why);
	assert_int_equal(left, 0);
	place_put(h, SPAN_DAY, FIRST + 60 * SPAN_DAY_SLOTS, 1, 5);
	place_flush(h, place_sec(61));
	assert_true(place_days(h, 1).n >= 1);
}

static void truncated_files(void **state)
{
	const struct place *p = *state;
	struct stat st;

	for (int i = 0; i < 8; i++) {
		fill(p);
		assert_int_equal(stat(p->file, &st), 0);
		assert_int_equal(truncate(p->file, place_random((uint32_t)st.st_size)), 0);
		live_with(p);
		assert_true(place_files(p, "damaged", true) >= 1);
		place_files(p, "", true);
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
			size_t n = i % 2 ? sizeof(noise) : 1 + place_random(64);
			off_t at = place_random((uint32_t)(st.st_size - (off_t)n));

			for (size_t k = 0; k < n; k++)
				noise[k] = (uint8_t)place_random(256);
			assert_int_equal(pwrite(fd, noise, n, at), n);
		}
		close(fd);
		live_with(p);
		set_aside += place_files(p, "damaged", true) > 0;
		place_files(p, "", true);
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
	assert_int_equal(place_open_sized(p, LARGE, why, &h), 0); /* an empty file is a new one */
	history_closep(&h);

	write_text(p->file, long_text);
	assert_int_equal(place_open_sized(p, LARGE, why, &h), 1);
	assert_non_null(strstr(why, "not a database"));
	assert_non_null(strstr(why, "set aside as"));
	assert_int_equal(place_files(p, "damaged", false), 1);
	history_closep(&h);
	for (int i = 0; i < 6; i++) {
		write_text(p->file, long_text);
		assert_int_equal(place_open_sized(p, LARGE, why, &h), 1);
		history_closep(&h);
	}
	assert_int_equal(place_files(p, "damaged", false), 4); /* more are not kept */
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
		_cleanup_(history_closep) struct history *h = place_open(p);

		history_closep(&h);
		place_change(p, rows[i].sql);
		assert_int_equal(place_open_sized(p, LARGE, why, &h), 1);
		if (!strstr(why, rows[i].reason))
			fail_msg("%s: %s", rows[i].sql, why);
		assert_int_equal(place_files(p, "damaged", true), 1);
	}
}

static void rows_of_noise_are_nothing(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	uint32_t seen = 0;

	place_put(h, SPAN_DAY, FIRST, 3, 1);
	history_closep(&h);
	place_change(*state, "INSERT INTO day SELECT 144000144, key, x'00' FROM day;"
			     "INSERT INTO day VALUES (144000000, x'0102', x'00');"
			     "INSERT INTO day VALUES (144000000, 'text', 'text');"
			     "INSERT INTO slot VALUES (-5, x'01020304', zeroblob(9999))");
	h = place_open(*state);
	assert_int_equal(history_pasts(h, place_sec(3), SIZE_MAX, ignore, &seen), 0);
	assert_int_equal(seen, 1);
	assert_int_equal(place_days(h, 3).n, 1);
	place_flush(h, place_sec(3));
}

static void damage_met_by_a_reader_is_told_once(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct days days = { 0 };
	char why[HISTORY_WHY];
	uint8_t a[16];

	place_put(h, SPAN_DAY, FIRST, 3, 1);
	history_closep(&h);
	place_change(*state, "INSERT INTO day VALUES ('no number', x'01020304', x'00')");
	h = place_open(*state);
	place_address(3, a);
	assert_int_equal(history_days(h, a, place_take_day, &days), -EUCLEAN);
	assert_int_equal(place_files(*state, "damaged", false), 1);
	place_put(h, SPAN_DAY, FIRST, 4, 1);
	assert_int_equal(history_flush(h, 10, place_sec(1), why), -EUCLEAN);
	assert_non_null(strstr(why, "set aside as"));
	assert_int_equal(history_flush(h, 10, place_sec(1), why), 0);
	assert_int_equal(place_days(h, 4).n, 1);
	assert_int_equal(place_days(h, 3).n, 0);
}

/* Set aside, and then nothing can be opened: both are told. */
static void what_follows_is_told_too(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct rlimit before, none;
	struct days days = { 0 };
	char why[HISTORY_WHY];
	uint8_t a[16];

	history_closep(&h);
	place_change(*state, "INSERT INTO day VALUES ('no number', x'01020304', x'00')");
	h = place_open(*state);
	place_address(3, a);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(history_days(h, a, place_take_day, &days), -EUCLEAN);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(history_flush(h, 10, place_sec(1), why), -EUCLEAN);
	assert_non_null(strstr(why, "set aside as"));
	assert_non_null(strstr(why, "then: Too many open files"));
	place_put(h, SPAN_DAY, FIRST, 4, 1);
	assert_int_equal(history_flush(h, 10, place_sec(1), why), 0);
	assert_int_equal(place_days(h, 4).n, 1);
}

/* What fails without damage leaves the file alone, fails nobody, and is told. */
static void a_read_that_fails_is_told(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	char why[HISTORY_WHY];
	int seen = 0;

	for (uint32_t i = 0; i < 1000; i++)
		place_put(h, SPAN_DAY, FIRST, i, 1);
	place_flush(h, place_sec(1));
	sqlite3_hard_heap_limit64(1);
	assert_int_equal(history_pasts(h, place_sec(1), SIZE_MAX, ignore, &seen), 0);
	sqlite3_hard_heap_limit64(0);
	assert_int_equal(history_flush(h, 10, place_sec(1), why), -EIO);
	assert_non_null(strstr(why, "memory"));
	assert_int_equal(history_flush(h, 10, place_sec(1), why), 0);
	assert_int_equal(place_files(*state, "damaged", false), 0);
	assert_int_equal(history_pasts(h, place_sec(1), SIZE_MAX, ignore, &seen), 0);
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

	history_close(place_open(p));
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
	h = place_open(p);
	history_close(h);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(ready[0]);
	close(ready[1]);
}

static void rows_that_cannot_be_removed_do_not_hold_it_up(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	char why[HISTORY_WHY];

	place_put(h, SPAN_DAY, FIRST, 1, 1);
	history_closep(&h);
	place_change(*state, "INSERT INTO day VALUES "
			     "(1, x'ffffffffffffffffffffffffffffffffffffffff', x'00')");
	h = place_open(*state);
	assert_int_equal(history_flush(h, 10, place_sec(1), why), -EUCLEAN);
	assert_int_equal(history_flush(h, 10, place_sec(1), why), 0);
}

/* ---- sudden death ---- */

#define BATCH 50

static void write_until_killed(const struct place *p, uint32_t round, uint32_t *written)
{
	_cleanup_(history_closep) struct history *h = place_open(p);
	char why[HISTORY_WHY];

	for (uint32_t i = 0;; i += BATCH) {
		for (uint32_t k = 0; k < BATCH; k++)
			place_put(h, SPAN_DAY, FIRST + round * SPAN_DAY_SLOTS, i + k, 1);
		if (history_flush(h, BATCH, place_sec(round + 1), why) != 0)
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
		usleep(1000 + place_random(25000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		h = place_open(*state);
		for (uint32_t i = 0; i < *written; i++)
			assert_int_equal(place_days(h, i).start_unix[place_days(h, i).n - 1],
					 EPOCH + round * WINDOW);
		history_close(h);
	}
	assert_int_equal(place_files(*state, "damaged", false), 0);
	munmap(written, sizeof(*written));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(truncated_files),
		PLACE_TEST(pages_of_noise),
		PLACE_TEST(files_that_are_no_history),
		PLACE_TEST(other_forms_are_set_aside),
		PLACE_TEST(rows_of_noise_are_nothing),
		PLACE_TEST(damage_met_by_a_reader_is_told_once),
		PLACE_TEST(what_follows_is_told_too),
		PLACE_TEST(a_read_that_fails_is_told),
		PLACE_TEST(a_short_reader_is_waited_for),
		PLACE_TEST(rows_that_cannot_be_removed_do_not_hold_it_up),
		PLACE_TEST(what_was_flushed_survives_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
