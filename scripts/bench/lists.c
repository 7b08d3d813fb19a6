// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Milliseconds to bring a list into force in the kernel, read back and compared, as the agent does
 * it: into an empty datapath, in the place of another list, and when it is in force already. And
 * what xdp-filter's table takes for as many as it holds.
 *
 *	lists PIN_DIR ROUNDS
 */
#include "scripts/bench/bench.h"

#define FILTER_LISTED 10000 /* the most that xdp-filter holds as shipped */
#define LARGE_ROUNDS 3	    /* of a million entries */

enum work { LOAD, REPLACE, AGAIN, WORKS };

static const char *const work_name[] = { [LOAD] = "load", [REPLACE] = "replace", [AGAIN] = "again" };
static const uint32_t sizes[] = { 25000, BENCH_MANY, 1000000 };

static double ms_since(uint64_t start)
{
	return (now_ns() - start) / 1e6;
}

static double ms_to_apply(struct datapath *d, const struct entries *list)
{
	uint64_t start = now_ns();
	char why[DATAPATH_WHY];

	if (datapath_apply(d, list, why))
		die(0, "applying %zu entries: %s", list->n, why);
	return ms_since(start);
}

static double ms_to_filter(void)
{
	struct bpf_object *filter = filter_open(0);
	struct walk w;
	uint64_t start;
	double ms;

	if (!filter)
		return -1;
	walk_plan(&w, BENCH_SOURCES, FILTER_LISTED, 8, 1);
	start = now_ns();
	filter_list(filter, &w);
	ms = ms_since(start);
	bpf_object__close(filter);
	return ms;
}

static void tell(const char *program, const char *work, uint32_t entries, double *ms, int rounds)
{
	struct spread s = spread_of(ms, rounds);

	if (s.low >= 0)
		printf("{\"part\":\"lists\",\"program\":\"%s\",\"work\":\"%s\",\"entries\":%u,"
		       "\"ms\":%.1f,\"low\":%.1f,\"high\":%.1f}\n",
		       program, work, entries, s.median, s.low, s.high);
}

static void measure(struct datapath *d, uint32_t entries, int rounds)
{
	_cleanup_(entries_release) struct entries first = {}, second = {}, none = {};
	static double ms[WORKS][ROUNDS_MAX];

	entries_list(BENCH_SOURCES, entries, 24, &first);
	entries_list(BENCH_STRANGERS, entries, 24, &second);
	for (int i = 0; i < rounds; i++) {
		progress("lists of %u entries: round %d of %d", entries, i + 1, rounds);
		ms_to_apply(d, &none);
		ms[LOAD][i] = ms_to_apply(d, &first);
		ms[REPLACE][i] = ms_to_apply(d, &second);
		ms[AGAIN][i] = ms_to_apply(d, &second);
	}
	for (enum work w = 0; w < WORKS; w++)
		tell("seine", work_name[w], entries, ms[w], rounds);
}

int main(int argc, char **argv)
{
	static double filter_ms[ROUNDS_MAX];
	struct datapath *d;
	int rounds;

	if (argc != 3)
		die(0, "usage: lists PIN_DIR ROUNDS");
	rounds = bench_rounds(argv[2]);
	libbpf_set_print(quiet);
	pin_to_last_cpu();

	d = datapath_fresh(argv[1], 1 << 10, 1 << 10);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		measure(d, sizes[i], sizes[i] > BENCH_MANY ? LARGE_ROUNDS : rounds);
	for (int i = 0; i < rounds; i++)
		filter_ms[i] = ms_to_filter();
	progress_done();
	tell("xdp-filter", "load", FILTER_LISTED, filter_ms, rounds);
	return 0;
}
