/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the benches share: the generator's walk over sources, the peers, and the datapath loaded
 * into tables of its own. A bench that cannot go on says why and exits; what it had pinned is
 * removed by scripts/bench/run.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "bpf/seine.h"
#include "scripts/bench/frame.h"
#include "scripts/bench/walk.h"
#include "user/base/cleanup.h"
#include "user/kernel/datapath.h"

#define BENCH_SOURCES 0x10000000u   /* 16.0.0.0: where the walk begins */
#define BENCH_STRANGERS 0x60000000u /* 96.0.0.0: entries that no source touches */
#define BENCH_SPOOFED 0x20000000u   /* 32.0.0.0: sources that never come back */
#define BENCH_MANY 100000	    /* entries of a long list */

#define FILTER_PATTERN "/usr/lib/*/bpf/xdpfilt_alw_ip.o"
#define FILTER_SOURCE 1 /* its flag: compare with the source address */

static inline __attribute__((noreturn, format(printf, 2, 3))) void die(int r, const char *what, ...)
{
	va_list args;

	va_start(args, what);
	fputs("bench: ", stderr);
	vfprintf(stderr, what, args);
	va_end(args);
	if (r)
		fprintf(stderr, ": %s", strerror(abs(r)));
	fputc('\n', stderr);
	exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Shows on a terminal what takes time; each call replaces the line of the last one. */
static inline __attribute__((format(printf, 1, 2))) void progress(const char *what, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(args, what);
	fputs("\r\033[K", stderr);
	vfprintf(stderr, what, args);
	va_end(args);
}

static inline void progress_done(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

/* Generator, program and, over veth, receiver share the last CPU: one core's cost, all in. */
static inline void pin_to_last_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die(errno, "binding to one CPU");
}

static inline int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* --- Figures --- */

#define ROUNDS_MIN 3
#define ROUNDS_MAX 31

struct spread {
	double median, low, high;
};

static inline int bench_rounds(const char *text)
{
	long n = strtol(text, NULL, 10);

	if (n < ROUNDS_MIN || n > ROUNDS_MAX)
		die(0, "rounds: from %d to %d", ROUNDS_MIN, ROUNDS_MAX);
	return n;
}

static inline int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts `v`. */
static inline struct spread spread_of(double *v, int n)
{
	qsort(v, n, sizeof(*v), by_size);
	return (struct spread){ .median = v[n / 2], .low = v[0], .high = v[n - 1] };
}

/* --- Sources and entries --- */

static inline uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* `nets` networks 2^shift apart with `hosts` sources each, in an order without neighbours. */
static inline void walk_plan(struct walk *w, uint32_t base, uint32_t nets, uint32_t shift,
			     uint32_t hosts)
{
	uint32_t step = nets * 0.618 + 1;

	while (common_divisor(step, nets) != 1)
		step++;
	*w = (struct walk){
		.base = base, .nets = nets, .shift = shift, .hosts = hosts, .step = step
	};
}

/* n IPv4 entries of length `len`, one after the other, that drop for ever. */
static inline void entries_list(uint32_t base, uint32_t n, uint8_t len, struct entries *ret)
{
	ret->n = n;
	ret->list = calloc(n ? n : 1, sizeof(*ret->list));
	if (!ret->list)
		die(ENOMEM, "entries");
	for (uint32_t i = 0; i < n; i++) {
		struct entry *e = &ret->list[i];
		uint32_t ip = htonl(base + (i << (32 - len)));

		e->prefix.ip[10] = e->prefix.ip[11] = 0xff;
		memcpy(e->prefix.ip + 12, &ip, sizeof(ip));
		e->prefix.len = PREFIX_V4_BASE + len;
		e->row = (struct seine_entry){ .action = SEINE_DROP,
					       .origin = SEINE_OPERATOR,
					       .slot = i + 1 };
	}
}

static inline void entries_release(struct entries *e)
{
	free(e->list);
}

/* --- The datapath --- */

static inline void datapath_list(struct datapath *d, uint32_t base, uint32_t n, uint8_t len)
{
	_cleanup_(entries_release) struct entries list = {};
	char why[DATAPATH_WHY];

	entries_list(base, n, len, &list);
	if (datapath_apply(d, &list, why))
		die(0, "applying %u entries: %s", n, why);
}

/* Proof by sequence numbers, since there are no sockets; `syns` and `flows` a second and CPU. */
static inline void datapath_limits(struct datapath *d, uint32_t syns, uint32_t flows)
{
	struct seine_cfg cfg = {
		.mode = SEINE_ENFORCE,
		.proof = SEINE_PROOF_ACK,
		.gap_min_us = 20000,
		.syns_per_sec = syns,
		.flows_per_sec = flows,
		.beat_max_sec = 60,
	};
	static const struct seine_ports ports = {
		.tcp[FRAME_PORT / 64] = 1ull << FRAME_PORT % 64,
	};
	int r = datapath_configure(d, &cfg);

	if (!r)
		r = datapath_protect(d, &ports);

	if (r)
		die(r, "configuring the datapath");
}

static inline struct datapath *datapath_fresh(const char *pin_dir, uint32_t sources, uint32_t flows)
{
	struct datapath_options options = {
		.pin_dir = pin_dir,
		.sizes = { .sources = sources,
			   .nets = 1 << 17,
			   .flows = flows,
			   .half_open = 1 << 16,
			   .hit_slots = 1 << 17,
			   .allows = 1024 },
		.source_bits = 64,
	};
	struct datapath *d = NULL;
	char why[DATAPATH_WHY];

	if (datapath_open(&options, why, &d))
		die(0, "%s", why);
	datapath_limits(d, UINT32_MAX, UINT32_MAX);
	return d;
}

/* --- Peers --- */

/* xdp-filter in the mode that drops what is listed, which its package calls alw; NULL: not
 * installed. */
static inline struct bpf_object *filter_open(uint32_t room)
{
	struct bpf_object *o = NULL;
	struct bpf_program *program;
	struct bpf_map *map;
	glob_t found = {};

	if (!glob(FILTER_PATTERN, 0, NULL, &found))
		o = bpf_object__open_file(found.gl_pathv[0], NULL);
	globfree(&found);
	if (!o)
		return NULL;

	bpf_object__for_each_map(map, o) bpf_map__set_pin_path(map, NULL);
	if (room)
		bpf_map__set_max_entries(bpf_object__find_map_by_name(o, "filter_ipv4"), room);
	program = bpf_object__next_program(o, NULL);
	bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
	if (bpf_object__load(o))
		die(errno, "loading xdp-filter");
	return o;
}

static inline int filter_prog(const struct bpf_object *o)
{
	return bpf_program__fd(bpf_object__next_program(o, NULL));
}

static inline int filter_map(const struct bpf_object *o, const char *name)
{
	return bpf_object__find_map_fd_by_name(o, name);
}

/* Lists each source of a walk, one by one as its own tool does. */
static inline void filter_list(const struct bpf_object *o, const struct walk *w)
{
	_cleanup_(freep) uint64_t *flags = calloc(libbpf_num_possible_cpus(), sizeof(*flags));
	int fd = filter_map(o, "filter_ipv4");

	if (!flags)
		die(ENOMEM, "xdp-filter");
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		flags[i] = FILTER_SOURCE;
	for (uint32_t net = 0; net < w->nets; net++) {
		for (uint32_t host = 0; host < w->hosts; host++) {
			uint32_t ip = htonl(w->base + (net << w->shift) + host);

			if (bpf_map_update_elem(fd, &ip, flags, BPF_ANY))
				die(errno, "xdp-filter: listing an address");
		}
	}
}

/* The first word of row `key` of a per-CPU map, summed over CPUs: packets, in all peers. */
static inline uint64_t percpu_packets(int fd, uint32_t key, uint32_t words)
{
	_cleanup_(freep) uint64_t *rows = calloc(libbpf_num_possible_cpus(), words * sizeof(*rows));
	uint64_t sum = 0;

	if (!rows || bpf_map_lookup_elem(fd, &key, rows))
		die(errno, "reading a counter");
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += rows[i * words];
	return sum;
}

/* --- Runs --- */

/* `repeat` frames through a program. Returns ns per packet; `ret_verdict` is the last one's. */
static inline uint32_t run_program(int prog, const struct frame *frame, uint32_t repeat,
				   uint32_t *ret_verdict)
{
	uint8_t in[FRAME_MAX], out[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = frame->len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = repeat);

	memcpy(in, frame->bytes, frame->len);
	if (bpf_prog_test_run_opts(prog, &o))
		die(errno, "running a program");
	*ret_verdict = o.retval;
	return o.duration;
}

#endif
