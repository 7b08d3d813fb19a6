/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state survives damage, strange files and a full disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/unit/state_place.h"
#include "user/base/cleanup.h"

#define MANY 3000

static void audit(struct state *s)
{
	const struct audit a = { .uid = 0,
				 .verb = "drop replace",
				 .object = "203.0.113.0/24",
				 .result = "done",
				 .text = "replaced" };

	if (state_audit(s, &a) < 0)
		fail_msg("%s", state_why(s));
}

static void fill(const struct state_place *p)
{
	_cleanup_(claims_freep) struct claims *c = state_place_claims(MANY, 1);
	struct state *s = state_place_open(p);

	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_record_claims(s, NULL, c), 1);
	for (int i = 0; i < 100; i++)
		audit(s);
	state_place_commit(s);
	state_close(s);
}

static int ignore(const struct audit *a, void *arg)
{
	(void)a;
	(void)arg;
	return 0;
}

/* All that a life does, whatever the file is like: at its end the state is what was recorded. */
static void live_with(const struct state_place *p)
{
	static const struct audit_query all = { .after = -1, .limit = 1000 };
	_cleanup_(claims_freep) struct claims *c = state_place_claims(MANY, 2);
	_cleanup_(state_closep) struct state *s = NULL;
	struct state_loaded l = { 0 };
	char why[STATE_WHY] = "";
	int r;

	assert_true(state_open(&p->settings, why, &s) >= 0);
	r = state_load(s, NOW, &l);
	if (r == -EUCLEAN)
		r = state_load(s, NOW, &l);
	assert_int_equal(r, 0);
	state_loaded_clear(&l);
	(void)state_log(s, &all, ignore, NULL, NULL);
	/* Each part that is damaged is told once. */
	for (int i = 0; i < 5; i++) {
		r = state_begin(s, NOW);
		if (r == 0) {
			(void)state_record_claims(s, NULL, c);
			(void)state_forget_mode(s);
			r = state_commit(s);
		}
		if (r == 0)
			break;
		assert_int_equal(r, -EUCLEAN);
		assert_non_null(strstr(state_why(s), "set aside as"));
	}
	assert_int_equal(r, 0);
	state_closep(&s);
	s = state_place_open(p);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, c);
	state_loaded_clear(&l);
}

static void truncated_files(void **state)
{
	const struct state_place *p = *state;
	struct stat st;

	for (int i = 0; i < 10; i++) {
		fill(p);
		assert_int_equal(stat(p->file, &st), 0);
		assert_int_equal(truncate(p->file, 1 + state_place_random((uint32_t)st.st_size)),
				 0);
		live_with(p);
		assert_true(state_place_files(p, "damaged", true) >= 1);
		state_place_files(p, "", true);
	}
}

static void pages_of_noise(void **state)
{
	const struct state_place *p = *state;
	uint8_t noise[4096];
	int set_aside = 0, fd;
	struct stat st;

	for (int i = 0; i < 20; i++) {
		fill(p);
		fd = open(p->file, O_WRONLY);
		assert_true(fd >= 0 && fstat(fd, &st) == 0);
		for (int page = 0; page <= i / 7; page++) {
			size_t n = i % 2 ? sizeof(noise) : 1 + state_place_random(64);
			off_t at = state_place_random((uint32_t)(st.st_size - (off_t)n));

			for (size_t k = 0; k < n; k++)
				noise[k] = (uint8_t)state_place_random(256);
			assert_int_equal(pwrite(fd, noise, n, at), n);
		}
		close(fd);
		live_with(p);
		set_aside += state_place_files(p, "damaged", true) > 0;
		state_place_files(p, "", true);
	}
	assert_true(set_aside > 5);
}

static void other_forms_are_set_aside(void **state)
{
	static const struct {
		const char *sql, *reason;
	} rows[] = {
		{ "PRAGMA user_version = 99", "another version" },
		{ "PRAGMA application_id = 1", "not the state of an agent" },
		{ "DELETE FROM meta", "without its sequence number" },
		{ "DROP TABLE claim", "no such table" },
		{ "DROP TABLE trial_claim", "no such table" },
		{ "ALTER TABLE audit RENAME text TO texts", "no column named text" },
	};
	const struct state_place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct state *s = NULL;
		struct state_loaded l;
		char why[STATE_WHY] = "";

		fill(p);
		state_place_change(p, rows[i].sql);
		assert_int_equal(state_open(&p->settings, why, &s), 1);
		if (!strstr(why, rows[i].reason) || !strstr(why, "set aside as"))
			fail_msg("%s: %s", rows[i].sql, why);
		assert_int_equal(state_place_files(p, "damaged", true), 1);
		l = state_place_load(s, NOW);
		assert_int_equal(l.recorded, 0);
		state_loaded_clear(&l);
		state_close(s);
	}
}

static void rows_that_mean_nothing_are_left_out(void **state)
{
	static const char *const changes[] = {
		"UPDATE claim SET origin = -1",
		"UPDATE claim SET origin = 7",
		"UPDATE claim SET share = 4294967296",
		"UPDATE claim SET added = 'yesterday'",
		"UPDATE claim SET note = zeroblob(41)",
		"UPDATE claim SET key = zeroblob(3)",
		"UPDATE claim SET key = x'ff' || substr(key, 2, 15) || x'0101'",
		"UPDATE claim SET key = substr(key, 1, 16) || x'ff' || substr(key, 18)",
	};
	const struct state_place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		_cleanup_(claims_freep) struct claims *c = state_place_claims(3, 1);
		_cleanup_(state_closep) struct state *s = state_place_open(p);
		struct state_loaded l = { 0 };
		char sql[160];

		state_place_record(s, NULL, c);
		state_closep(&s);
		snprintf(sql, sizeof(sql), "%s WHERE key IN (SELECT key FROM claim LIMIT 1)",
			 changes[i]);
		state_place_change(p, sql);
		s = state_place_open(p);
		assert_int_equal(state_load(s, NOW, &l), 0);
		if (l.left_out != 1 || l.claims->n != 2)
			fail_msg("%s: %zu left out", sql, l.left_out);
		state_loaded_clear(&l);
	}
	assert_int_equal(state_place_files(p, "damaged", false), 0);
}

/* Set aside, and then nothing can be opened: both are told, and later it goes on. */
static void what_follows_is_told_too(void **state)
{
	_cleanup_(claims_freep) struct claims *c = state_place_claims(10, 1);
	struct state_place *p = *state;
	_cleanup_(state_closep) struct state *s = NULL;
	struct rlimit before, none;
	struct state_loaded l = { 0 };

	fill(p);
	s = state_place_open(p);
	assert_int_equal(truncate(p->file, 9000), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(state_load(s, NOW, &l), -EUCLEAN);
	assert_non_null(strstr(state_why(s), "set aside as"));
	assert_non_null(strstr(state_why(s), "then: Too many open files"));
	assert_int_equal(state_load(s, NOW, &l), -EIO);
	assert_int_equal(state_applied(s, 1), -EIO);
	assert_int_equal(state_begin(s, NOW), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(state_begin(s, NOW), -EUCLEAN);
	state_place_record(s, NULL, c);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, c);
	state_loaded_clear(&l);
}

/* ---- a full disk ---- */

/* As much as there is room for is written, what comes then fails whole, and later it goes on. */
static void fill_up(const struct state_place *p, int (*make_room)(void))
{
	_cleanup_(claims_freep) struct claims *few = state_place_claims(10, 1),
					      *many = state_place_claims(40000, 2);
	struct state *s = state_place_open(p);
	struct state_loaded l;
	int r;

	state_place_record(s, NULL, few);
	for (int i = 0; i < 3; i++) {
		r = state_begin(s, NOW);
		assert_int_equal(r, 0);
		r = state_record_claims(s, few, many);
		if (r >= 0)
			audit(s);
		r = state_commit(s);
		assert_true(r == -ENOSPC || r == -EIO);
		assert_true(strlen(state_why(s)) > strlen(p->file) + 3);
		l = state_place_load(s, NOW);
		state_place_same(l.claims, few);
		assert_int_equal(l.recorded, 1);
		state_loaded_clear(&l);
	}
	assert_int_equal(make_room(), 0);
	state_place_record(s, few, many);
	state_close(s);
	s = state_place_open(p);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, many);
	state_loaded_clear(&l);
	state_close(s);
	assert_int_equal(state_place_files(p, "damaged", false), 0);
}

static int lift_limit(void)
{
	struct rlimit none;

	if (getrlimit(RLIMIT_FSIZE, &none) < 0)
		return -1;
	none.rlim_cur = none.rlim_max;
	return setrlimit(RLIMIT_FSIZE, &none);
}

static void a_file_that_may_not_grow(void **state)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	fill_up(*state, lift_limit);
}

static const char *small_disk;

static int enlarge(void)
{
	return mount("none", small_disk, "tmpfs", MS_REMOUNT, "size=64m");
}

/* In a mount namespace of its own, for which one must be root. */
static void a_full_disk(void **state)
{
	struct state_place *p = *state;
	int status = 0;
	pid_t child;

	if (geteuid() != 0) {
		print_message("skipped: a small disk needs root\n");
		skip();
	}
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", p->dir, "tmpfs", 0, "size=1m") < 0)
			_exit(77);
		small_disk = p->dir;
		fill_up(p, enlarge);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: no small disk can be mounted\n");
		skip();
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(truncated_files),
		STATE_TEST(pages_of_noise),
		STATE_TEST(other_forms_are_set_aside),
		STATE_TEST(rows_that_mean_nothing_are_left_out),
		STATE_TEST(what_follows_is_told_too),
		STATE_TEST(a_file_that_may_not_grow),
		STATE_TEST(a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
