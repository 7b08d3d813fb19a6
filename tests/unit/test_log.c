/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines, as they arrive on stderr: plain, or with their priority when the journal reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/base/log.h"

struct capture {
	int stderr_fd; /* the real one */
	FILE *file;    /* stands in for it */
};

static int begin(void **state)
{
	static struct capture c;

	c.stderr_fd = dup(STDERR_FILENO);
	c.file = tmpfile();
	if (c.stderr_fd < 0 || !c.file || dup2(fileno(c.file), STDERR_FILENO) < 0)
		return -1;
	*state = &c;
	return 0;
}

static int end(void **state)
{
	struct capture *c = *state;

	unsetenv("JOURNAL_STREAM");
	dup2(c->stderr_fd, STDERR_FILENO);
	close(c->stderr_fd);
	fclose(c->file);
	return 0;
}

static const char *logged(struct capture *c)
{
	static char text[4096];

	text[pread(fileno(c->file), text, sizeof(text) - 1, 0)] = '\0';
	return text;
}

/* As systemd does for a service; `off` by some inodes when another stream is meant. */
static void set_journal_stream(unsigned int off)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
		 (unsigned long)st.st_ino + off);
	setenv("JOURNAL_STREAM", stream, 1);
}

static void plain_on_a_terminal(void **state)
{
	unsetenv("JOURNAL_STREAM");
	log_info("drop %s: %d sources", "203.0.113.0/24", 7);
	log_error("failed");
	assert_string_equal(logged(*state), "drop 203.0.113.0/24: 7 sources\nfailed\n");
}

static void priorities_for_the_journal(void **state)
{
	set_journal_stream(0);
	log_info("a");
	log_warning("b");
	log_error("c");
	assert_string_equal(logged(*state), "<6>a\n<4>b\n<3>c\n");
}

static void plain_when_stderr_went_elsewhere(void **state)
{
	set_journal_stream(1);
	log_error("c");
	assert_string_equal(logged(*state), "c\n");
}

static void one_event_is_one_line(void **state)
{
	char text[5000];

	set_journal_stream(0);
	log_info("note \"%s\"", "x\n<0>forged\033[2J\x7f");
	assert_string_equal(logged(*state), "<6>note \"x?<0>forged?[2J?\"\n");

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
	assert_string_equal(strrchr(logged(*state), 'a'), "a\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_on_a_terminal, begin, end),
		cmocka_unit_test_setup_teardown(priorities_for_the_journal, begin, end),
		cmocka_unit_test_setup_teardown(plain_when_stderr_went_elsewhere, begin, end),
		cmocka_unit_test_setup_teardown(one_event_is_one_line, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
