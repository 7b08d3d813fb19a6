/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sudden death, of the agent and of the host: what is read back is one of the versions that were
 * committed, whole, and none that is older than the last one told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/unit/state_place.h"
#include "user/base/cleanup.h"

/* A version: claims, and one event of the audit. */
static bool record(struct state *s, const struct claims *before, const struct claims *after)
{
	const struct audit a = { .verb = "drop replace", .result = "done" };

	return state_begin(s, NOW) == 0 && state_record_claims(s, before, after) == 1 &&
	       state_audit(s, &a) == 0 && state_commit(s) == 0;
}

/* Version after version, each told once it is committed. */
static void record_until_killed(const struct state_place *p, uint32_t n, uint32_t version, int told)
{
	struct claims *before = version ? state_place_claims(n, version) : NULL;
	struct state *s = state_place_open(p);

	for (;;) {
		struct claims *after = state_place_claims(n, ++version);

		if (!record(s, before, after) ||
		    write(told, &version, sizeof(version)) != sizeof(version) ||
		    (version % 2 && state_applied(s, version) != 0))
			_exit(1);
		claims_free(before);
		before = after;
	}
}

static uint32_t last_told(int from, uint32_t last)
{
	uint32_t version;

	while (read(from, &version, sizeof(version)) == sizeof(version))
		last = version;
	return last;
}

/* What is there is one of the versions, whole, and none that is older than the last one told. */
static uint32_t check_version(const struct state_place *p, uint32_t n, uint32_t told,
			      uint64_t *applied)
{
	_cleanup_(claims_freep) struct claims *expected = NULL;
	_cleanup_(state_closep) struct state *s = state_place_open(p);
	struct state_loaded l = state_place_load(s, NOW);
	uint32_t version = (uint32_t)l.recorded;
	int64_t newest = 0;

	assert_in_range(version, told, told + 1);
	assert_int_equal(state_log_newest(s, &newest), 0);
	assert_int_equal(newest, version);
	assert_in_range(l.applied, *applied, version);
	assert_int_equal(l.maps, l.applied);
	*applied = l.applied;
	expected = state_place_claims(version ? n : 0, version);
	state_place_same(l.claims, expected);
	state_loaded_clear(&l);
	return version;
}

static void kill_often(const struct state_place *p, uint32_t n, int rounds, uint32_t within_us)
{
	uint32_t version = 0, told;
	uint64_t applied = 0;
	int pipes[2], status;

	for (int round = 0; round < rounds; round++) {
		pid_t child;

		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		child = fork();
		assert_true(child >= 0);
		if (!child)
			record_until_killed(p, n, version, pipes[1]);
		close(pipes[1]);
		told = version;
		/* Also while it still opens the file, and however slow the machine is. */
		if (round % 2)
			assert_int_equal(read(pipes[0], &told, sizeof(told)), sizeof(told));
		usleep(state_place_random(within_us));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		told = last_told(pipes[0], told);
		close(pipes[0]);
		version = check_version(p, n, told, &applied);
	}
	assert_true(version >= (uint32_t)rounds / 2);
	assert_int_equal(state_place_files(p, "damaged", false), 0);
}

static void an_agent_is_killed(void **state)
{
	kill_often(*state, 300, 60, 30000);
}

/* In the middle of what takes long. */
static void it_is_killed_with_many_claims(void **state)
{
	kill_often(*state, 20000, 8, 300000);
}

/* ---- the host ---- */

#define VERSIONS 12
#define FEW 200

static void copy(const char *from, const char *to, off_t size)
{
	_cleanup_(closep) int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_(closep) int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char bytes[4096];
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while (size > 0 && (n = read(in, bytes, sizeof(bytes))) > 0) {
		if (n > size)
			n = (ssize_t)size;
		assert_int_equal(write(out, bytes, (size_t)n), n);
		size -= n;
	}
}

/* Of the log only a part has reached the disk. */
static void the_power_goes(void **state)
{
	const struct state_place *p = *state;
	struct state_place cut = *p;
	struct claims *before = NULL;
	struct state *s = state_place_open(p);
	char log[96], cut_log[96];
	uint32_t seen = 0;
	struct stat st;

	for (uint32_t version = 1; version <= VERSIONS; version++) {
		struct claims *after = state_place_claims(FEW, version);

		assert_true(record(s, before, after));
		claims_free(before);
		before = after;
	}
	claims_free(before);
	snprintf(cut.file, sizeof(cut.file), "%s/cut.db", p->dir);
	cut.settings.path = cut.file;
	snprintf(log, sizeof(log), "%s-wal", p->file);
	snprintf(cut_log, sizeof(cut_log), "%s-wal", cut.file);
	assert_int_equal(stat(log, &st), 0);
	for (int i = 0; i < 60; i++) {
		off_t size = (off_t)state_place_random((uint32_t)st.st_size + 1);
		uint64_t applied = 0;
		struct state *c;
		struct state_loaded l;

		copy(p->file, cut.file, st.st_size);
		copy(log, cut_log, i ? size : st.st_size);
		c = state_place_open(&cut);
		l = state_place_load(c, NOW);
		seen |= 1u << l.recorded;
		assert_int_equal(l.recorded == VERSIONS, !i || size == st.st_size);
		state_close(c);
		check_version(&cut, FEW, (uint32_t)l.recorded, &applied);
		state_loaded_clear(&l);
	}
	assert_true(__builtin_popcount(seen) > VERSIONS / 2);
	assert_int_equal(state_place_files(p, "damaged", false), 0);
	state_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(an_agent_is_killed),
		STATE_TEST(it_is_killed_with_many_claims),
		STATE_TEST(the_power_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
