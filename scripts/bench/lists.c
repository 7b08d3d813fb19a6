// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Milliseconds to load and to replace a list in the kernel, read back and compared, as the agent
 * does it; and what xdp-filter's table takes for as many as it holds.
 *
 *	lists PIN_DIR ROUNDS
 */
#include "scripts/bench/bench.h"

#define FILTER_LISTED 10000 /* the most that xdp-filter holds as shipped */

enum work { LOAD, REPLACE, FILTER_LOAD, WORKS };

static const struct {
	const char *name, *what;
	uint32_t entries;
} works[] = {
	[LOAD] = { "seine", "load", BENCH_MANY },
	[REPLACE] = { "seine", "replace", BENCH_MANY },
	[FILTER_LOAD] = { "xdp-filter", "load", FILTER_LISTED },
};

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

int main(int argc, char **argv)
{
	_cleanup_(entries_release) struct entries first = {}, second = {}, none = {};
	static double ms[WORKS][ROUNDS_MAX];
	struct datapath *d;
	int rounds;

	if (argc != 3)
		die(0, "usage: lists PIN_DIR ROUNDS");
	rounds = bench_rounds(argv[2]);
	libbpf_set_print(quiet);
	pin_to_last_cpu();

	entries_list(BENCH_SOURCES, BENCH_MANY, 24, &first);
	entries_list(BENCH_STRANGERS, BENCH_MANY, 24, &second);
	d = datapath_fresh(argv[1], 1 << 10, 1 << 10);
	for (int i = 0; i < rounds; i++) {
		progress("loading lists: round %d of %d", i + 1, rounds);
		ms_to_apply(d, &none);
		ms[LOAD][i] = ms_to_apply(d, &first);
		ms[REPLACE][i] = ms_to_apply(d, &second);
		ms[FILTER_LOAD][i] = ms_to_filter();
	}
	progress_done();

	for (enum work w = 0; w < WORKS; w++) {
		struct spread s = spread_of(ms[w], rounds);

		if (s.low >= 0)
			printf("{\"part\":\"lists\",\"program\":\"%s\",\"work\":\"%s\",\"entries\":"
			       "%u,"
			       "\"ms\":%.1f,\"low\":%.1f,\"high\":%.1f}\n",
			       works[w].name, works[w].what, works[w].entries, s.median, s.low,
			       s.high);
	}
	return 0;
}
