// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the program costs the verifier. Kernels give up at a million processed instructions, and
 * older ones count more than newer ones, so there is a budget: the number recorded in
 * verifier.budget and a tenth more, and never above VERIFIER_MAX.
 */
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "seine.skel.h"
#include "user/base/cleanup.h"

#define VERIFIER_MAX 200000
#define VERIFIER_STATS 4 /* log level: figures only */
#define BUDGET "tests/bpf/verifier.budget"
#define LOG_BYTES (1 << 16)

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static long budget(void)
{
	char line[128];
	long n = 0;
	FILE *f = fopen(BUDGET, "re");

	if (!f)
		fail_msg("cannot read %s", BUDGET);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] != '#')
			n = strtol(line, NULL, 10);
	}
	fclose(f);
	return n;
}

static long processed(bool frags)
{
	_cleanup_(freep) char *log = calloc(1, LOG_BYTES);
	struct seine *skel = seine__open();
	const char *at;
	long n;

	libbpf_set_print(quiet);
	assert_non_null(log);
	assert_non_null(skel);
	bpf_program__set_log_level(skel->progs.seine, VERIFIER_STATS);
	bpf_program__set_log_buf(skel->progs.seine, log, LOG_BYTES);
	if (!frags)
		bpf_program__set_flags(skel->progs.seine, 0);
	assert_int_equal(seine__load(skel), 0);
	seine__destroy(skel);
	at = strstr(log, "processed ");
	assert_non_null(at);
	n = strtol(at + strlen("processed "), NULL, 10);
	print_message("# %s%ld instructions processed\n", frags ? "" : "without frags: ", n);
	return n;
}

static void test_budget(void **state)
{
	long n = processed(true), allowed = budget();

	(void)state;
	allowed += allowed / 10;
	if (n > allowed)
		fail_msg("%ld instructions, %ld are allowed", n, allowed);
	assert_true(n <= VERIFIER_MAX);
}

/* As kernels before 5.18 load it. */
static void test_without_frags(void **state)
{
	(void)state;
	assert_true(processed(false) <= VERIFIER_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "within the verifier's budget", test_budget, NULL, NULL, NULL },
		{ "loads without frags", test_without_frags, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
