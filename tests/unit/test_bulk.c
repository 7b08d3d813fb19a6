/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files as memory that is passed: what is read arrives, and nothing but sealed memory is mapped. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/control/bulk.h"

#define MAX (1 << 20)
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static char why[BULK_WHY];

static int memory(const char *text, off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void a_file_arrives(void **state)
{
	char path[] = "/tmp/seine-test-bulk-XXXXXX";
	_cleanup_(closep) int file = mkstemp(path), fd = -1;
	_cleanup_(bulk_unmap) struct bulk b = { 0 };

	(void)state;
	assert_int_equal(write(file, "192.0.2.1\n", 10), 10);
	assert_int_equal(bulk_load(path, MAX, NULL, why, &fd), 0);
	assert_int_equal(bulk_map(fd, MAX, why, &b), 0);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.bytes, "192.0.2.1\n", 10);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	closep(&fd);
	assert_int_equal(bulk_load(path, 9, NULL, why, &fd), -EFBIG);
	unlink(path);
	assert_int_equal(bulk_load(path, MAX, NULL, why, &fd), -ENOENT);
	assert_non_null(strstr(why, path));
	assert_int_equal(bulk_load("/tmp", MAX, NULL, why, &fd), -EISDIR);
	assert_int_equal(fd, -1);
}

/* In place of standard input for as long as a test runs. */
static int replace_stdin(int with)
{
	int held = dup(STDIN_FILENO);

	assert_int_equal(dup2(with, STDIN_FILENO), STDIN_FILENO);
	return held;
}

static unsigned int told;

static void count(size_t bytes)
{
	assert_int_equal(bytes, 1);
	told++;
}

static void a_slow_pipe_arrives_and_is_told_of(void **state)
{
	_cleanup_(bulk_unmap) struct bulk b = { 0 };
	_cleanup_(closep) int held = -1, fd = -1;
	int ends[2], r;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		(void)!write(ends[1], "a", 1);
		usleep(2500000);
		(void)!write(ends[1], "b", 1);
		_exit(0);
	}
	close(ends[1]);
	held = replace_stdin(ends[0]);
	r = bulk_load("-", MAX, count, why, &fd);
	dup2(held, STDIN_FILENO);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	assert_int_equal(r, 0);
	assert_true(told >= 1);
	assert_int_equal(bulk_map(fd, MAX, why, &b), 0);
	assert_int_equal(b.len, 2);
	assert_memory_equal(b.bytes, "ab", 2);
}

static void endless_input_is_cut_off(void **state)
{
	_cleanup_(closep) int zero = open("/dev/zero", O_RDONLY), fd = -1;
	_cleanup_(closep) int held = replace_stdin(zero);
	int r = bulk_load("-", MAX, NULL, why, &fd);

	(void)state;
	dup2(held, STDIN_FILENO);
	assert_int_equal(r, -EFBIG);
	assert_string_equal(why, "standard input: larger than 1 MiB");
}

static void an_empty_file_is_one(void **state)
{
	_cleanup_(closep) int fd = -1;
	_cleanup_(bulk_unmap) struct bulk b = { 0 };

	(void)state;
	assert_int_equal(bulk_load("/dev/null", MAX, NULL, why, &fd), 0);
	assert_int_equal(bulk_map(fd, MAX, why, &b), 0);
	assert_int_equal(b.len, 0);
	assert_non_null(b.bytes);
}

static void only_sealed_memory_is_mapped(void **state)
{
	static const struct {
		const char *name;
		int seals;
		off_t size;
		int r;
	} cases[] = {
		{ "as it should be", SEALS, 1, 0 },
		{ "not sealed", 0, 1, -EINVAL },
		{ "may shrink", SEALS & ~F_SEAL_SHRINK, 1, -EINVAL },
		{ "may be written", SEALS & ~F_SEAL_WRITE, 1, -EINVAL },
		{ "may grow", SEALS & ~F_SEAL_GROW, 1, -EINVAL },
		{ "too large", SEALS, MAX + 1, -EFBIG },
		{ "holes", SEALS, MAX, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(closep) int fd = memory("a", cases[i].size, cases[i].seals);
		_cleanup_(bulk_unmap) struct bulk b = { 0 };

		print_message("%s\n", cases[i].name);
		assert_int_equal(bulk_map(fd, MAX, why, &b), cases[i].r);
	}
}

static void what_is_no_memory_is_refused(void **state)
{
	char path[] = "/dev/shm/seine-test-bulk-XXXXXX";
	int fds[6] = { -1, -1, -1, -1, -1, -1 };

	(void)state;
	fds[0] = open("/etc/passwd", O_RDONLY);
	fds[1] = open("/dev/zero", O_RDWR);
	assert_int_equal(pipe(fds + 2), 0);
	fds[4] = socket(AF_UNIX, SOCK_STREAM, 0);
	fds[5] = mkstemp(path); /* has seals, being of tmpfs */
	unlink(path);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		struct bulk b = { .len = 77 };

		assert_int_equal(bulk_map(fds[i], MAX, why, &b), -EINVAL);
		assert_int_equal(b.len, 77);
		close(fds[i]);
	}
}

static void what_is_written_comes_back(void **state)
{
	_cleanup_(closep) int fd = -1, out = memory("", 0, 0);
	char text[8] = "";
	FILE *f = NULL;

	(void)state;
	assert_int_equal(bulk_new(why, &fd), 0);
	assert_int_equal(bulk_open(fd, why, &f), 0);
	fputs("export", f);
	fclose(f);
	assert_int_equal(bulk_copy(fd, out, why), 0);
	assert_int_equal(pread(out, text, sizeof(text), 0), 6);
	assert_string_equal(text, "export");
	assert_int_equal(bulk_open(fd, why, &f), -EINVAL); /* not empty any more */
}

static void what_cannot_be_written_is_refused(void **state)
{
	_cleanup_(closep) int sealed = memory("", 0, F_SEAL_WRITE), grown = memory("a", 1, 0);
	_cleanup_(closep) int fixed = memory("", 0, F_SEAL_GROW),
			      file = open("/dev/null", O_WRONLY);
	FILE *f = NULL;

	(void)state;
	assert_int_equal(bulk_open(sealed, why, &f), -EINVAL);
	assert_int_equal(bulk_open(grown, why, &f), -EINVAL);
	assert_int_equal(bulk_open(fixed, why, &f), -EINVAL);
	assert_int_equal(bulk_open(file, why, &f), -EINVAL);
	assert_null(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_arrives),
		cmocka_unit_test(a_slow_pipe_arrives_and_is_told_of),
		cmocka_unit_test(endless_input_is_cut_off),
		cmocka_unit_test(an_empty_file_is_one),
		cmocka_unit_test(only_sealed_memory_is_mapped),
		cmocka_unit_test(what_is_no_memory_is_refused),
		cmocka_unit_test(what_is_written_comes_back),
		cmocka_unit_test(what_cannot_be_written_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
