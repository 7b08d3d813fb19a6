// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one bed of a test program, and what tests ask it.
 */
#include "tests/bpf/stage.h"
#include <string.h>

struct bed *bed;

int stage_open(void **state)
{
	(void)state;
	return bed_open(NULL, &bed);
}

int stage_close(void **state)
{
	(void)state;
	bed_close(bed);
	return 0;
}

int stage_empty(void **state)
{
	(void)state;
	bed_reset(bed);
	return 0;
}

uint64_t ways_out(void)
{
	struct seine_stats s = stats();
	uint64_t sum = 0;

#define X(name, text) \
	if (!strncmp(text, "passed", 6) || !strcmp(text, "dropped")) \
		sum += s.name;
	SEINE_COUNTERS(X)
#undef X
	return sum;
}

int stage_audit(void **state)
{
	(void)state;
	assert_int_equal(ways_out(), stats().packets);
	assert_int_equal(stats().map_error, 0);
	return 0;
}

struct seine_source source(const char *address)
{
	struct seine_source s;

	if (!bed_source(bed, address, &s))
		fail_msg("%s has no row", address);
	return s;
}

struct seine_flow flow(void)
{
	struct seine_flow f;

	if (!bed_flow(bed, &f))
		fail_msg("not one connection");
	return f;
}

struct seine_shake shake(void)
{
	struct seine_shake s;

	if (!bed_shake(bed, &s))
		fail_msg("not one connection");
	return s;
}

struct seine_stats stats(void)
{
	struct seine_stats s;

	bed_stats(bed, &s);
	return s;
}

struct seine_cfg settings(void)
{
	struct seine_cfg cfg;

	bed_config(bed, &cfg);
	return cfg;
}

uint64_t untrusted(void)
{
	struct seine_stats s = stats();
	uint64_t sum = 0;

#define X(name, text) \
	if (!strncmp(#name, "untrusted_", 10)) \
		sum += s.name;
	SEINE_COUNTERS(X)
#undef X
	return sum;
}

void assert_nothing_learnt(void)
{
	assert_int_equal(bed_count(bed, "seine_src"), 0);
	assert_int_equal(bed_count(bed, "seine_net"), 0);
	assert_int_equal(stats().flow_new, 0);
}
