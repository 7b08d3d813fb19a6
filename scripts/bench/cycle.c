// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one turn of the agent's line costs with many sources in the kernel's table: reading them, a
 * round of the correlator over each window, judging; and what a turn costs in which little changed.
 *
 *	cycle PIN_DIR SOURCES
 *
 * One process a size, so that its memory is that size's own. Sources are a made-up crowd with a
 * fortieth of them in a campaign: what is timed depends on how many there are and how they spread,
 * not on what is found.
 */
#include <inttypes.h>
#include <math.h>
#include <sys/resource.h>
#include "bpf/hash.h"
#include "scripts/bench/bench.h"
#include "user/mind.h"

#define SOURCES_MAX (1u << 26)
#define STACKS 40
#define DAYS_SEC 86400u
#define NOW (10 * DAYS_SEC)
#define CHANGED 100 /* one source in so many, between two turns */

static uint64_t random_state = 1;

static double uniform(void)
{
	random_state += 0x9e3779b97f4a7c15ull;
	return ((double)(seine_mix64(random_state) >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* A day of a source: people differ by orders of magnitude, a campaign's exits hardly. */
static struct seine_source day_of(bool swarm, uint32_t now_sec)
{
	uint32_t requests =
		swarm ? 25 + (uint32_t)(2 * uniform()) : 1 + (uint32_t)(12 * exp(2 * normal()));
	uint32_t long_gaps = swarm || uniform() < 0.03 ? requests * 3 / 4 : 0;

	if (requests > 100000)
		requests = 100000;
	return (struct seine_source){
		.first_sec = now_sec - DAYS_SEC / 2,
		.last_sec = now_sec - (uint32_t)(3600 * uniform()),
		.last_request_ns = (now_sec - (uint64_t)(3600 * uniform())) * 1000000000,
		.hello_key = seine_mix64(swarm ? 1 : 1 + (uint64_t)(STACKS * pow(uniform(), 1.6))),
		.stacks = 1,
		.syn = { .ttl = 64 },
		.requests = requests,
		.responses = requests,
		.connections = requests,
		.handshakes = requests,
		.gap_dual = long_gaps,
		.gap_none = requests - long_gaps,
		.gap_us = long_gaps * 60000ull,
		.request_log = (uint64_t)(requests * 16 * (11.5 + (swarm ? 0.1 : 1.4) * normal())),
		.response_log = (uint64_t)(requests * 16 * (14.4 + (swarm ? 0.1 : 1.4) * normal())),
	};
}

static struct seine_addr address_of(uint32_t i)
{
	uint32_t ip = htonl((uint32_t)(BENCH_SOURCES + (uint64_t)i * 97 % (1u << 30)));
	struct seine_addr a = { .ip = { [10] = 0xff, [11] = 0xff } };

	memcpy(&a.ip[12], &ip, sizeof(ip));
	return a;
}

/* The pinned table itself: rows are put there as the datapath would have. */
static int sources_map(const char *pin_dir)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%d/seine_src", pin_dir, SEINE_ABI);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die(errno, "%s", path);
	return fd;
}

/* Writes every `step`-th source's day anew. */
static void fill(int map, uint32_t sources, uint32_t step, uint32_t now_sec)
{
	for (uint32_t i = 0; i < sources; i += step) {
		struct seine_source row = day_of(i % 40 == 0, now_sec);
		struct seine_addr key = address_of(i);

		if (bpf_map_update_elem(map, &key, &row, BPF_ANY))
			die(errno, "filling the table of sources");
		if (i % 65536 == 0)
			progress("cycle: %" PRIu32 " of %" PRIu32 " sources", i, sources);
	}
}

struct turn {
	struct mind *mind;
	uint32_t now_sec;
};

static int on_source(const struct seine_addr *key, const struct seine_source *row, void *arg)
{
	struct turn *t = arg;

	return mind_source(t->mind, key, row, t->now_sec);
}

static void harvest(struct datapath *d, struct mind *m, uint32_t now_sec)
{
	struct turn t = { m, now_sec };

	if (mind_begin(m, now_sec) || datapath_sources(d, on_source, &t) ||
	    mind_observe(m, now_sec))
		die(ENOMEM, "harvest");
}

static void tell(uint32_t sources, const char *work, uint64_t start)
{
	printf("{\"part\":\"cycle\",\"sources\":%" PRIu32 ",\"work\":\"%s\",\"ms\":%.1f}\n",
	       sources, work, (now_ns() - start) / 1e6);
}

static void correlate(struct mind *m, uint32_t now_sec, struct campaigns **before)
{
	campaigns_free(*before);
	if (mind_correlate(m, now_sec, before))
		die(ENOMEM, "correlating");
}

/* A turn has one window's round where there are many sources: as many turns as windows. */
static void time_rounds(struct mind *m, uint32_t sources)
{
	static const char *const names[WINDOWS] = { "round, day", "round, hour", "round, week",
						    "round, season" };
	struct campaigns *before = NULL;
	uint64_t start;

	for (int w = 0; w < WINDOWS; w++) {
		start = now_ns();
		correlate(m, NOW, &before);
		tell(sources, names[w], start);
	}
	campaigns_free(before);
}

static void time_judging(struct mind *m, uint32_t sources)
{
	uint64_t start = now_ns();

	if (mind_judge_alone(m, NOW))
		die(ENOMEM, "judging");
	tell(sources, "judging", start);
}

/* A turn in which few have changed: they are read and taken in, and no round is due. */
static void time_quiet_turn(struct datapath *d, int map, struct mind *m, uint32_t sources)
{
	struct campaigns *before = NULL;
	uint64_t start;

	fill(map, sources, CHANGED, NOW + 1);
	start = now_ns();
	harvest(d, m, NOW + 1);
	correlate(m, NOW + 1, &before);
	tell(sources, "turn, 1 % changed", start);
	campaigns_free(before);
}

int main(int argc, char **argv)
{
	static struct shoal_settings shoal;
	static const struct judge_settings *judge = &judge_defaults;
	uint32_t sources = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct mind_settings s = { .observation = { DAYS_SEC, sources, 0 },
				   .shoal = &shoal,
				   .judge = judge };
	struct rusage usage;
	struct datapath *d;
	struct mind *m;
	uint64_t start;
	int map;

	if (!sources || sources > SOURCES_MAX)
		die(0, "usage: cycle PIN_DIR SOURCES");
	shoal = shoal_defaults;
	libbpf_set_print(quiet);
	pin_to_last_cpu();
	d = datapath_fresh(argv[1], sources, 1 << 10);
	map = sources_map(argv[1]);
	fill(map, sources, 1, NOW);
	if (mind_new(&s, &m))
		die(ENOMEM, "mind");
	progress("cycle: %" PRIu32 " sources", sources);

	start = now_ns();
	harvest(d, m, NOW);
	tell(sources, "harvest, all new", start);
	time_rounds(m, sources);
	time_judging(m, sources);
	time_quiet_turn(d, map, m, sources);
	progress_done();
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"part\":\"cycle\",\"sources\":%" PRIu32 ",\"work\":\"memory\",\"mib\":%.0f}\n",
	       sources, usage.ru_maxrss / 1024.0);
	mind_free(m);
	datapath_close(d);
	return 0;
}
