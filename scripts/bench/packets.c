// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ns per packet of the datapath and of its peers, over 1, 100,000 and 1,000,000 sources.
 *
 *	packets PIN_DIR ROUNDS
 *
 * Every figure is what a program adds to the generator in front of a bare drop. All tables hold
 * their million before anything is measured, because rows that lie scattered in memory are what a
 * host has to live with. Every round runs every row, so that a slow minute of the machine meets
 * all of them. Prints one JSON object a figure; fails when a program did not do what the row says.
 */
#include <inttypes.h>
#include <stddef.h>
#include "scripts/bench/bench.h"
#include "scripts/bench/generator.skel.h"
#include "scripts/bench/peers.skel.h"

#define COLUMNS 3
#define LAP 1000000	/* packets of one measurement: each of a million sources once */
#define BLOCK 4096	/* connections that shake hands at the same time */
#define ROOM (1u << 20) /* sources a table can hold */
#define FLOWS (1u << 21)
#define FILTER_LISTED 10000 /* the most that xdp-filter holds as shipped */
#define FLOOD_SYNS 20000    /* half-open connections a second kept for unknown sources */
#define SHARE_MIN 0.8	    /* of packets that must have gone the way a row names */
#define BIRTH_PORT 30000    /* of new connections; one port a round */

enum list { LIST_NONE, LIST_STRANGERS, LIST_ONE, LIST_MANY, LISTS };

enum subject { BARE, COUNT, LRU, FILTER_MISS, FILTER_HIT, SEINE };

/* A counter of the datapath, as an offset plus one: 0 is none. */
#define COUNTED(field) (offsetof(struct seine_stats, field) + 1)

/* Of packets meant for known connections: there was none, it had given way to another. */
#define LOST COUNTED(proof_failed)

struct row {
	const char *name;
	enum subject subject;
	enum frame_kind frame;
	enum list list;
	size_t counted; /* must have grown by the packets of a run ... */
	size_t lost;	/* ... but for those in here, which went another way */
	size_t first;	/* column; with few sources no pause precedes a request */
};

static const struct row rows[] = {
	{ "generator", BARE, FRAME_SYN, LIST_NONE, 0, 0, 0 },
	{ "count and drop", COUNT, FRAME_SYN, LIST_NONE, 0, 0, 0 },
	{ "lru count", LRU, FRAME_SYN, LIST_NONE, 0, 0, 0 },
	{ "xdp-filter unlisted", FILTER_MISS, FRAME_SYN, LIST_NONE, 0, 0, 0 },
	{ "xdp-filter listed", FILTER_HIT, FRAME_SYN, LIST_NONE, 0, 0, 0 },
	{ "seine listed 1", SEINE, FRAME_SYN, LIST_ONE, COUNTED(dropped), 0, 0 },
	{ "seine listed 100000", SEINE, FRAME_SYN, LIST_MANY, COUNTED(dropped), 0, 0 },
	{ "seine syn 0", SEINE, FRAME_SYN, LIST_NONE, COUNTED(half_new), 0, 0 },
	{ "seine syn 100000", SEINE, FRAME_SYN, LIST_STRANGERS, COUNTED(half_new), 0, 0 },
	{ "seine data 0", SEINE, FRAME_DATA, LIST_NONE, COUNTED(passed), LOST, 0 },
	{ "seine data 100000", SEINE, FRAME_DATA, LIST_STRANGERS, COUNTED(passed), LOST, 0 },
	{ "seine ack 0", SEINE, FRAME_PURE_ACK, LIST_NONE, COUNTED(passed), 0, 0 },
	{ "seine request 0", SEINE, FRAME_REQUEST, LIST_NONE, COUNTED(requests), 0, 2 },
};

enum birth { BIRTH_LRU, BIRTH_SHAKEN, BIRTH_PROVEN, BIRTH_FLOOD, BIRTHS };

static const char *const birth_names[] = {
	[BIRTH_LRU] = "lru new source",
	[BIRTH_SHAKEN] = "seine syn and ack",
	[BIRTH_PROVEN] = "seine syn, ack and hello",
	[BIRTH_FLOOD] = "seine spoofed syn",
};

/* The connections of one column, one a source, and how far they have got. */
struct column {
	uint32_t sources;
	uint32_t hosts;	     /* in each /24 */
	uint32_t hosts_in_8; /* the same when all must lie in one /8 */
	uint16_t port;
	uint32_t seq, ack;
};

struct bench {
	struct generator *generator;
	struct peers *peers;
	struct bpf_object *filter_miss, *filter_hit;
	struct datapath *seine;
	struct column columns[COLUMNS];
	double ns[ARRAY_LEN(rows)][COLUMNS][ROUNDS_MAX];
	double share[ARRAY_LEN(rows)][COLUMNS]; /* of packets, found in `counted` */
	double birth[BIRTHS][ROUNDS_MAX];
};

static const uint8_t mac[ETH_ALEN] = { 2 };

/* --- One run --- */

static void select_program(const struct bench *b, enum subject subject)
{
	int map = bpf_map__fd(b->generator->maps.under_test), fd = -1;
	uint32_t zero = 0;

	switch (subject) {
	case BARE: fd = bpf_program__fd(b->peers->progs.bare_drop); break;
	case COUNT: fd = bpf_program__fd(b->peers->progs.count_drop); break;
	case LRU: fd = bpf_program__fd(b->peers->progs.lru_count); break;
	case FILTER_MISS: fd = filter_prog(b->filter_miss); break;
	case FILTER_HIT: fd = filter_prog(b->filter_hit); break;
	case SEINE: fd = datapath_prog_fd(b->seine); break;
	}
	if (bpf_map_update_elem(map, &zero, &fd, BPF_ANY))
		die(errno, "putting a program behind the generator");
}

static uint32_t run(const struct bench *b, const struct frame *frame, uint32_t repeat)
{
	uint32_t verdict, ns;

	b->generator->bss->walk.ip_sum = frame->ip_sum;
	ns = run_program(bpf_program__fd(b->generator->progs.generate_call), frame, repeat,
			 &verdict);
	if (verdict == XDP_ABORTED)
		die(0, "the program under test was not reached");
	return ns;
}

static struct walk *walk_column(const struct bench *b, const struct column *c, bool in_8)
{
	struct walk *w = &b->generator->bss->walk;
	uint32_t hosts = in_8 ? c->hosts_in_8 : c->hosts;

	walk_plan(w, BENCH_SOURCES, c->sources / hosts, 8, hosts);
	return w;
}

/* A million SYNs, each the first of its connection. Their port is their own: a SYN for a connection
 * that is known would end that one. */
static uint32_t run_syns(const struct bench *b, const struct column *c, bool in_8)
{
	struct walk *w = walk_column(b, c, in_8);
	struct frame frame;

	frame_make(FRAME_SYN, c->port + COLUMNS, mac, &frame);
	w->seq = now_ns();
	w->seq_step = 1;
	return run(b, &frame, LAP);
}

/* A million segments of known connections, which go on where the last ones ended. */
static uint32_t run_segments(const struct bench *b, struct column *c, enum frame_kind kind)
{
	struct walk *w = walk_column(b, c, false);
	uint32_t laps = LAP / c->sources, ns;
	struct frame frame;

	frame_make(kind, c->port, mac, &frame);
	w->seq_step = frame.payload;
	w->ack_step = kind == FRAME_DATA ? 0 : 1448;
	w->seq = c->seq;
	w->ack = c->ack + w->ack_step;

	ns = run(b, &frame, LAP);

	c->seq += laps * frame.payload;
	c->ack += kind == FRAME_DATA ? 0 : laps * 1448;
	return ns;
}

static uint64_t counter(const struct bench *b, size_t counted)
{
	struct seine_stats stats;
	int r;

	if (!counted)
		return 0;
	r = datapath_stats(b->seine, &stats);
	if (r)
		die(r, "reading the datapath's counters");
	return *(uint64_t *)((char *)&stats + counted - 1);
}

/* --- Connections --- */

/* A script of all kinds up to `last`. Returns where the sequence numbers are then. */
static uint32_t write_script(const struct bench *b, uint16_t port, enum frame_kind last,
			     uint32_t block)
{
	struct script *s = &b->generator->bss->script;
	uint32_t seq = FRAME_ISN;

	memset(s, 0, sizeof(*s));
	s->kinds = last + 1;
	s->block = block;
	for (enum frame_kind kind = FRAME_SYN; kind <= last; kind++) {
		struct frame frame;

		frame_make(kind, port, mac, &frame);
		memcpy(s->frame[kind].bytes, frame.bytes, sizeof(frame.bytes));
		s->frame[kind].ip_sum = frame.ip_sum;
		s->frame[kind].seq = seq;
		s->frame[kind].ack = kind;
		seq += kind == FRAME_SYN ? 1 : frame.payload;
	}
	return seq;
}

/* New connections of `sources` sources in whole blocks. Returns ns a connection. */
static double run_script(const struct bench *b, uint32_t sources)
{
	struct script *s = &b->generator->bss->script;
	struct frame room = { .len = SCRIPT_BYTES };
	uint32_t blocks = (sources + s->block - 1) / s->block, verdict;
	int prog = bpf_program__fd(b->generator->progs.generate_script);

	return (double)run_program(prog, &room, blocks * s->block * s->kinds, &verdict) * s->kinds;
}

/* One connection a source in each column, all past their first request. The million comes first,
 * because it is the older connections that give way where rows collide. */
static void establish(struct bench *b)
{
	uint64_t flows;

	select_program(b, SEINE);
	for (size_t i = COLUMNS; i-- > 0;) {
		struct column *c = &b->columns[i];
		uint32_t block = c->sources < BLOCK ? c->sources : BLOCK;

		walk_column(b, c, false);
		c->seq = write_script(b, c->port, FRAME_REQUEST, block);
		c->ack = FRAME_REQUEST;
		run_script(b, c->sources);
	}
	flows = counter(b, COUNTED(flow_new));
	if (flows < LAP)
		die(0, "only %" PRIu64 " connections were accepted as proven", flows);
}

/* --- Rounds --- */

static void apply_list(const struct bench *b, enum list list)
{
	switch (list) {
	case LIST_STRANGERS: datapath_list(b->seine, BENCH_STRANGERS, BENCH_MANY, 24); break;
	case LIST_ONE: datapath_list(b->seine, BENCH_SOURCES, 1, 8); break;
	case LIST_MANY: datapath_list(b->seine, BENCH_SOURCES, BENCH_MANY, 24); break;
	default: datapath_list(b->seine, 0, 0, 0);
	}
}

static bool available(const struct bench *b, const struct row *row)
{
	return b->filter_hit || (row->subject != FILTER_HIT && row->subject != FILTER_MISS);
}

static uint32_t measure_row(struct bench *b, size_t r, size_t at)
{
	const struct row *row = &rows[r];
	struct column *c = &b->columns[at];
	int64_t before;
	uint32_t ns;

	select_program(b, row->subject);
	before = counter(b, row->counted) - counter(b, row->lost);
	if (row->frame == FRAME_SYN)
		ns = run_syns(b, c, row->list == LIST_ONE);
	else
		ns = run_segments(b, c, row->frame);
	before = (int64_t)(counter(b, row->counted) - counter(b, row->lost)) - before;
	b->share[r][at] = (double)before / LAP;
	return ns;
}

static void round_of_rows(struct bench *b, int round)
{
	for (enum list list = LIST_NONE; list < LISTS; list++) {
		double base[COLUMNS];

		apply_list(b, list);
		select_program(b, BARE);
		for (size_t at = 0; at < COLUMNS; at++)
			base[at] = run_syns(b, &b->columns[at], false);
		for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
			if (rows[r].list != list || !available(b, &rows[r]))
				continue;
			for (size_t at = rows[r].first; at < COLUMNS; at++)
				b->ns[r][at][round] = measure_row(b, r, at) -
						      (rows[r].subject == BARE ? 0 : base[at]);
		}
	}
}

/* A million SYNs of sources that never come back. */
static uint32_t run_strangers(const struct bench *b, int round)
{
	const struct column *c = &b->columns[COLUMNS - 1];
	struct walk *w = &b->generator->bss->walk;
	struct frame frame;

	frame_make(FRAME_SYN, c->port, mac, &frame);
	walk_plan(w, BENCH_SPOOFED + round * c->hosts_in_8, LAP / c->hosts_in_8, 8, c->hosts_in_8);
	w->seq = FRAME_ISN;
	return run(b, &frame, LAP);
}

/* A million new connections of known sources, up to the frame `last`. ns a connection. */
static double run_births(const struct bench *b, uint16_t port, enum frame_kind last, size_t counted)
{
	const struct column *c = &b->columns[COLUMNS - 1];
	double ns, base, share;

	write_script(b, port, last, BLOCK);
	walk_column(b, c, false);
	select_program(b, BARE);
	base = run_script(b, c->sources);

	write_script(b, port, last, BLOCK);
	walk_column(b, c, false);
	select_program(b, SEINE);
	share = counter(b, counted);
	ns = run_script(b, c->sources);
	share = (counter(b, counted) - share) / c->sources;
	if (share < SHARE_MIN)
		die(0, "only %.2f of new connections were kept", share);
	return ns - base;
}

static void round_of_births(struct bench *b, int round)
{
	double base;

	select_program(b, BARE);
	base = run_strangers(b, round);
	select_program(b, LRU);
	b->birth[BIRTH_LRU][round] = run_strangers(b, round) - base;

	b->birth[BIRTH_SHAKEN][round] =
		run_births(b, BIRTH_PORT + round, FRAME_ACK, COUNTED(half_new));
	b->birth[BIRTH_PROVEN][round] =
		run_births(b, BIRTH_PORT + ROUNDS_MAX + round, FRAME_HELLO, COUNTED(flow_new));

	select_program(b, SEINE);
	datapath_limits(b->seine, FLOOD_SYNS, UINT32_MAX);
	b->birth[BIRTH_FLOOD][round] = run_strangers(b, round) - base;
	datapath_limits(b->seine, UINT32_MAX, UINT32_MAX);
}

/* --- Setting up and reporting --- */

static struct bpf_object *filter_with(uint32_t room, uint32_t base, uint32_t nets, uint32_t hosts)
{
	struct bpf_object *o = filter_open(room);
	struct walk w;

	walk_plan(&w, base, nets, 8, hosts);
	if (o)
		filter_list(o, &w);
	return o;
}

static void set_up(struct bench *b, const char *pin_dir)
{
	static const struct column columns[COLUMNS] = {
		{ .sources = 1, .hosts = 1, .hosts_in_8 = 1, .port = 20001 },
		{ .sources = 100000, .hosts = 1, .hosts_in_8 = 2, .port = 20002 },
		{ .sources = 1000000, .hosts = 10, .hosts_in_8 = 16, .port = 20003 },
	};

	memcpy(b->columns, columns, sizeof(columns));
	b->generator = generator__open_and_load();
	b->peers = peers__open_and_load();
	if (!b->generator || !b->peers)
		die(errno, "loading the generator and its peers");
	b->filter_miss = filter_with(0, BENCH_STRANGERS, FILTER_LISTED, 1);
	b->filter_hit = filter_with(ROOM, BENCH_SOURCES, BENCH_MANY, LAP / BENCH_MANY);
	b->seine = datapath_fresh(pin_dir, ROOM, FLOWS);

	establish(b);
	select_program(b, LRU);
	run_syns(b, &b->columns[COLUMNS - 1], false);
}

static void print_figure(const char *name, uint32_t sources, double *ns, int rounds)
{
	struct spread s = spread_of(ns, rounds);

	printf("{\"part\":\"packets\",\"row\":\"%s\",\"sources\":%u,\"ns\":%.0f,\"low\":%.0f,"
	       "\"high\":%.0f",
	       name, sources, s.median, s.low, s.high);
}

static void report(struct bench *b, int rounds)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		if (!available(b, &rows[r]))
			continue;
		for (size_t at = rows[r].first; at < COLUMNS; at++) {
			print_figure(rows[r].name, b->columns[at].sources, b->ns[r][at], rounds);
			if (rows[r].counted)
				printf(",\"counted\":%.4f", b->share[r][at]);
			puts("}");
		}
	}
	for (enum birth i = 0; i < BIRTHS; i++) {
		print_figure(birth_names[i], LAP, b->birth[i], rounds);
		puts("}");
	}
}

/* A figure of packets that went another way would be a lie. */
static void verify(const struct bench *b)
{
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		for (size_t at = rows[r].first; rows[r].counted && at < COLUMNS; at++) {
			if (b->share[r][at] < SHARE_MIN || b->share[r][at] > 1.0001)
				die(0, "%s, %u sources: %.2f of the packets took another way",
				    rows[r].name, b->columns[at].sources, 1 - b->share[r][at]);
		}
	}
}

int main(int argc, char **argv)
{
	static struct bench b;
	int rounds;

	if (argc != 3)
		die(0, "usage: packets PIN_DIR ROUNDS");
	rounds = bench_rounds(argv[2]);
	libbpf_set_print(quiet);
	pin_to_last_cpu();

	progress("ns per packet: filling tables with a million sources");
	set_up(&b, argv[1]);
	for (int round = 0; round < rounds; round++) {
		progress("ns per packet: round %d of %d", round + 1, rounds);
		round_of_rows(&b, round);
	}
	apply_list(&b, LIST_NONE);
	for (int round = 0; round < rounds; round++) {
		progress("ns per new connection: round %d of %d", round + 1, rounds);
		round_of_births(&b, round);
	}
	progress_done();
	verify(&b);
	report(&b, rounds);
	return 0;
}
