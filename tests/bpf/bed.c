// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads the program, and writes and reads its maps, without the agent.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bpf/hash.h"
#include "seine.skel.h"
#include "tests/bpf/bed.h"
#include "user/base/cleanup.h"

#define BED_ENTRIES 64
#define BED_HITS 64

struct bed {
	struct seine *first; /* whose maps are used */
	struct seine *skel;  /* whose program runs */
	struct bed_sizes sizes;
	int list[2];
	struct seine_cfg *cfg;
	uint64_t *bits, *door;
	struct seine_flow *flow;
	struct seine_shake *shake;
	struct seine_half *half;
	struct seine_lengths lengths[2];
};

/* ---- Loading ---- */

static void *map_memory(struct bpf_map *map, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return at == MAP_FAILED ? NULL : at;
}

static void set_sizes(struct seine *skel, const struct bed_sizes *s)
{
	bpf_map__set_max_entries(skel->maps.seine_flow, s->flows);
	bpf_map__set_max_entries(skel->maps.seine_shake, s->flows);
	bpf_map__set_max_entries(skel->maps.seine_half, s->halves);
	bpf_map__set_max_entries(skel->maps.seine_src, s->sources);
	bpf_map__set_max_entries(skel->maps.seine_net, s->nets);
	bpf_map__set_max_entries(skel->maps.seine_hits, BED_HITS);
	bpf_map__set_max_entries(skel->maps.seine_tat, BED_HITS);
}

static void set_constants(struct seine *skel, const struct bed_sizes *s)
{
	skel->rodata->seed0 = 0x243f6a8885a308d3;
	skel->rodata->seed1 = 0x13198a2e03707344;
	skel->rodata->source_bits = 64;
	skel->rodata->flow_mask = s->flows - 1;
	skel->rodata->half_mask = s->halves - 1;
	skel->rodata->test_clock = true;
}

static int put(int map, uint32_t key, const void *value)
{
	return bpf_map_update_elem(map, &key, value, BPF_ANY);
}

static int lists_create(struct bed *b)
{
	LIBBPF_OPTS(bpf_map_create_opts, o);

	for (int i = 0; i < 2; i++) {
		b->list[i] =
			bpf_map_create(BPF_MAP_TYPE_HASH, "bed_list", sizeof(struct seine_prefix),
				       sizeof(struct seine_entry), BED_ENTRIES, &o);
		if (b->list[i] < 0)
			return -errno;
		if (put(bpf_map__fd(b->first->maps.seine_lists), i, &b->list[i]))
			return -errno;
	}
	return 0;
}

static int maps_reach(struct bed *b)
{
	b->bits = map_memory(b->first->maps.seine_bits, 2ul * SEINE_BITS_WORDS * sizeof(*b->bits));
	b->door = map_memory(b->first->maps.seine_door, SEINE_DOOR_BITS / 8);
	b->flow = map_memory(b->first->maps.seine_flow, b->sizes.flows * sizeof(*b->flow));
	b->shake = map_memory(b->first->maps.seine_shake, b->sizes.flows * sizeof(*b->shake));
	b->half = map_memory(b->first->maps.seine_half, b->sizes.halves * sizeof(*b->half));
	return b->bits && b->door && b->flow && b->shake && b->half ? 0 : -ENOMEM;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* The program counts per CPU, and limits what it admits per CPU: a test runs on one. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void bed_closep(struct bed **b)
{
	bed_close(*b);
}

int bed_open(const struct bed_sizes *sizes, struct bed **ret)
{
	_cleanup_(bed_closep) struct bed *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	libbpf_set_print(quiet);
	stay_on_this_cpu();
	b->list[0] = b->list[1] = -1;
	b->sizes =
		sizes ? *sizes : (struct bed_sizes){ BED_FLOWS, BED_HALVES, BED_SOURCES, BED_NETS };
	b->first = b->skel = seine__open();
	if (!b->first)
		return -errno;
	set_sizes(b->first, &b->sizes);
	set_constants(b->first, &b->sizes);
	err = seine__load(b->first);
	if (err)
		return err;
	err = lists_create(b);
	if (err)
		return err;
	err = maps_reach(b);
	if (err)
		return err;
	bed_reset(b);
	*ret = take_ptr(b);
	return 0;
}

void bed_close(struct bed *b)
{
	if (!b)
		return;
	if (b->bits)
		munmap(b->bits, 2ul * SEINE_BITS_WORDS * sizeof(*b->bits));
	if (b->door)
		munmap(b->door, SEINE_DOOR_BITS / 8);
	if (b->flow)
		munmap(b->flow, b->sizes.flows * sizeof(*b->flow));
	if (b->shake)
		munmap(b->shake, b->sizes.flows * sizeof(*b->shake));
	if (b->half)
		munmap(b->half, b->sizes.halves * sizeof(*b->half));
	closep(&b->list[0]);
	closep(&b->list[1]);
	if (b->skel != b->first)
		seine__destroy(b->skel);
	seine__destroy(b->first);
	free(b);
}

/* Maps whose name starts with a dot belong to one load of the program; the others are shared. */
static int maps_reuse(struct seine *skel, const struct seine *from)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skel->obj)
	{
		const char *name = bpf_map__name(map);
		int err;

		if (strncmp(name, "seine_", 6))
			continue;
		err = bpf_map__reuse_fd(map, bpf_object__find_map_fd_by_name(from->obj, name));
		if (err)
			return err;
	}
	return 0;
}

int bed_replace(struct bed *b)
{
	struct seine *skel = seine__open();
	int err;

	if (!skel)
		return -errno;
	err = maps_reuse(skel, b->first);
	if (!err) {
		set_constants(skel, &b->sizes);
		err = seine__load(skel);
	}
	if (err) {
		seine__destroy(skel);
		return err;
	}
	skel->bss->clock_ns = b->skel->bss->clock_ns;
	if (b->skel != b->first)
		seine__destroy(b->skel);
	b->skel = skel;
	return 0;
}

int bed_prog(const struct bed *b)
{
	return bpf_program__fd(b->skel->progs.seine);
}

int bed_map(const struct bed *b, const char *name)
{
	return bpf_object__find_map_fd_by_name(b->first->obj, name);
}

/* ---- State ---- */

static void map_clear(int map, uint32_t key_size)
{
	uint8_t key[32];

	while (!bpf_map_get_next_key(map, NULL, key) && key_size <= sizeof(key))
		bpf_map_delete_elem(map, key);
}

static void percpu_clear(int map, uint32_t rows, size_t bytes)
{
	_cleanup_(freep) void *zeros = calloc(libbpf_num_possible_cpus(), (bytes + 7) & ~7ul);

	for (uint32_t i = 0; zeros && i < rows; i++)
		put(map, i, zeros);
}

static void forget_all(struct bed *b)
{
	uint64_t never = 0;

	memset(b->door, 0, SEINE_DOOR_BITS / 8);
	memset(b->flow, 0, b->sizes.flows * sizeof(*b->flow));
	memset(b->shake, 0, b->sizes.flows * sizeof(*b->shake));
	memset(b->half, 0, b->sizes.halves * sizeof(*b->half));
	map_clear(bed_map(b, "seine_src"), sizeof(struct seine_addr));
	map_clear(bed_map(b, "seine_net"), sizeof(struct seine_addr));
	percpu_clear(bed_map(b, "seine_stats"), 1, sizeof(struct seine_stats));
	percpu_clear(bed_map(b, "seine_guard"), 1, sizeof(struct seine_guard));
	percpu_clear(bed_map(b, "seine_hits"), BED_HITS, sizeof(struct seine_hit));
	percpu_clear(bed_map(b, "seine_trips"), SEINE_TLS_KINDS, sizeof(struct seine_trips));
	for (uint32_t i = 0; i < BED_HITS; i++)
		put(bed_map(b, "seine_tat"), i, &never);
}

static void lists_clear(struct bed *b)
{
	memset(b->bits, 0, 2ul * SEINE_BITS_WORDS * sizeof(*b->bits));
	memset(b->lengths, 0, sizeof(b->lengths));
	map_clear(bed_map(b, "seine_allow"), sizeof(struct seine_allow_key));
	for (uint32_t i = 0; i < 2; i++) {
		map_clear(b->list[i], sizeof(struct seine_prefix));
		put(bed_map(b, "seine_lengths"), i, &b->lengths[i]);
	}
	bed_activate(b, 0);
}

static void protect(struct bed *b)
{
	static const uint16_t tcp[] = { 443, 8443, 10001, 10002, 10003, 10004 },
			      udp[] = { 443, 9443 };
	static struct seine_ports ports;

	for (size_t i = 0; i < ARRAY_LEN(tcp); i++)
		ports.tcp[tcp[i] / 64] |= 1ull << tcp[i] % 64;
	for (size_t i = 0; i < ARRAY_LEN(udp); i++)
		ports.udp[udp[i] / 64] |= 1ull << udp[i] % 64;
	put(bed_map(b, "seine_ports"), 0, &ports);
}

void bed_reset(struct bed *b)
{
	forget_all(b);
	lists_clear(b);
	bed_configure(b, &(struct seine_cfg){
				 .mode = SEINE_ENFORCE,
				 .proof = SEINE_PROOF_ACK,
				 .gap_min_us = 20000,
				 .flows_per_sec = 100000,
				 .syns_per_sec = 100000,
				 .beat_max_sec = 60,
			 });
	protect(b);
	bed_switch_off(b, false);
	bed_beat(b, BED_START_SEC);
	bed_clock(b, BED_START_SEC * 1000000000ull);
}

void bed_clock(struct bed *b, uint64_t now_ns)
{
	b->skel->bss->clock_ns = now_ns;
}

uint64_t bed_now(const struct bed *b)
{
	return b->skel->bss->clock_ns;
}

void bed_configure(struct bed *b, const struct seine_cfg *cfg)
{
	put(bed_map(b, "seine_cfg"), 0, cfg);
}

void bed_config(const struct bed *b, struct seine_cfg *ret)
{
	uint32_t zero = 0;

	bpf_map_lookup_elem(bed_map(b, "seine_cfg"), &zero, ret);
}

void bed_switch_off(struct bed *b, bool off)
{
	uint32_t value = off;

	put(bed_map(b, "seine_off"), 0, &value);
}

void bed_beat(struct bed *b, uint32_t sec)
{
	put(bed_map(b, "seine_beat"), 0, &sec);
}

/* ---- Lists ---- */

/* "192.0.2.0/24": the length, in the address's own family. */
static uint32_t prefix_parse(const char *text, uint8_t ip[16])
{
	char address[64];
	const char *slash = strchr(text, '/');

	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	wire_address(address, ip);
	return strtoul(slash + 1, NULL, 10);
}

static void bit_set(struct bed *b, uint32_t generation, uint64_t hi, uint64_t lo)
{
	uint32_t bit = seine_bit(hi, lo, b->skel->rodata->seed0, b->skel->rodata->seed1);

	b->bits[generation * (uint64_t)SEINE_BITS_WORDS + bit / 64] |= 1ull << (bit & 63);
}

static void length_add(uint8_t *lens, uint8_t *count, uint8_t len)
{
	int at = 0;

	for (int i = 0; i < *count; i++) {
		if (lens[i] == len)
			return;
	}
	while (at < *count && lens[at] > len)
		at++;
	memmove(lens + at + 1, lens + at, *count - at);
	lens[at] = len;
	(*count)++;
}

static void cover_v4(struct bed *b, uint32_t generation, uint64_t lo, uint32_t len)
{
	uint64_t nets = len < 24 ? 1ull << (24 - len) : 1;

	for (uint64_t i = 0; i < nets; i++)
		bit_set(b, generation, 0, lo + (i << 8));
	length_add(b->lengths[generation].v4, &b->lengths[generation].v4_count, len);
}

static void cover_v6(struct bed *b, uint32_t generation, uint64_t hi, uint64_t lo, uint32_t len)
{
	uint64_t nets = len < 48 ? 1ull << (48 - len) : 1;

	length_add(b->lengths[generation].v6, &b->lengths[generation].v6_count, len);
	if (len < 32) {
		b->lengths[generation].v6_wide = 1;
		return;
	}
	for (uint64_t i = 0; i < nets; i++)
		bit_set(b, generation, hi + (i << 16), lo);
}

void bed_entry(struct bed *b, uint32_t generation, const char *prefix, const struct seine_entry *e)
{
	struct seine_prefix key;
	uint64_t hi, lo;

	key.len = prefix_parse(prefix, key.ip);
	hi = seine_addr_word(key.ip);
	lo = seine_addr_word(key.ip + 8);
	if (strchr(prefix, ':'))
		cover_v6(b, generation, hi, lo, key.len);
	else
		cover_v4(b, generation, lo, key.len);
	bpf_map_update_elem(b->list[generation], &key, e, BPF_ANY);
	put(bed_map(b, "seine_lengths"), generation, &b->lengths[generation]);
}

void bed_allow(struct bed *b, const char *prefix, uint32_t expires_sec)
{
	struct seine_allow_key key;
	struct seine_allow row = { .expires_sec = expires_sec };

	key.len128 = prefix_parse(prefix, key.ip);
	if (!strchr(prefix, ':'))
		key.len128 += 96;
	bpf_map_update_elem(bed_map(b, "seine_allow"), &key, &row, BPF_ANY);
}

void bed_activate(struct bed *b, uint32_t generation)
{
	put(bed_map(b, "seine_active"), 0, &generation);
}

/* ---- Packets and rows ---- */

int bed_run(struct bed *b, const struct wire *w)
{
	static uint8_t out[WIRE_MAX + 256];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = w->bytes, .data_size_in = w->len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);
	int err = bpf_prog_test_run_opts(bed_prog(b), &o);

	return err ? err : (int)o.retval;
}

static bool percpu_sum(int map, uint32_t key, size_t words, uint64_t *ret)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_(freep) uint64_t *rows = calloc(cpus, words * sizeof(*rows));

	if (!rows || bpf_map_lookup_elem(map, &key, rows))
		return false;
	memset(ret, 0, words * sizeof(*ret));
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (size_t i = 0; i < words; i++)
			ret[i] += rows[cpu * words + i];
	}
	return true;
}

void bed_stats(const struct bed *b, struct seine_stats *ret)
{
	percpu_sum(bed_map(b, "seine_stats"), 0, sizeof(*ret) / 8, (uint64_t *)ret);
}

/* All counting happens on one CPU, so that the sum of words is a sum of fields. */
void bed_hits(const struct bed *b, uint32_t slot, struct seine_hit *ret)
{
	percpu_sum(bed_map(b, "seine_hits"), slot, sizeof(*ret) / 8, (uint64_t *)ret);
}

void bed_trips(const struct bed *b, enum seine_tls kind, struct seine_trips *ret)
{
	percpu_sum(bed_map(b, "seine_trips"), kind, sizeof(*ret) / 8, (uint64_t *)ret);
}

void bed_balance(struct bed *b, uint16_t port, const char *prefix)
{
	struct seine_balancer *free;
	struct seine_ports ports;
	struct seine_cfg cfg;
	uint32_t zero = 0;

	bpf_map_lookup_elem(bed_map(b, "seine_ports"), &zero, &ports);
	ports.balanced[port / 64] |= 1ull << port % 64;
	put(bed_map(b, "seine_ports"), 0, &ports);

	bed_config(b, &cfg);
	for (free = cfg.balancer; free->len128; free++)
		;
	free->len128 = prefix_parse(prefix, free->ip);
	if (!strchr(prefix, ':'))
		free->len128 += 96;
	bed_configure(b, &cfg);
}

bool bed_source(const struct bed *b, const char *address, struct seine_source *ret)
{
	struct seine_addr key;

	wire_address(address, key.ip);
	if (strchr(address, ':'))
		memset(key.ip + 8, 0, 8);
	return !bpf_map_lookup_elem(bed_map(b, "seine_src"), &key, ret);
}

void bed_forget(struct bed *b, const char *address)
{
	struct seine_addr key;

	wire_address(address, key.ip);
	bpf_map_delete_elem(bed_map(b, "seine_src"), &key);
}

bool bed_net(const struct bed *b, const char *prefix, struct seine_net *ret)
{
	struct seine_addr key;

	prefix_parse(prefix, key.ip);
	return !bpf_map_lookup_elem(bed_map(b, "seine_net"), &key, ret);
}

bool bed_flow(const struct bed *b, struct seine_flow *ret)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < b->sizes.flows; i++) {
		if (!b->flow[i].tag)
			continue;
		*ret = b->flow[i];
		found++;
	}
	return found == 1;
}

bool bed_shake(const struct bed *b, struct seine_shake *ret)
{
	struct seine_flow f;

	if (!bed_flow(b, &f))
		return false;
	for (uint32_t i = 0; i < b->sizes.flows; i++) {
		if (b->flow[i].tag == f.tag)
			*ret = b->shake[i];
	}
	return true;
}

bool bed_half(const struct bed *b, struct seine_half *ret)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < b->sizes.halves; i++) {
		if (!b->half[i].tag)
			continue;
		*ret = b->half[i];
		found++;
	}
	return found == 1;
}

uint32_t bed_count(const struct bed *b, const char *map)
{
	uint8_t key[32], *at = NULL;
	uint32_t n = 0;

	while (!bpf_map_get_next_key(bed_map(b, map), at, key)) {
		at = key;
		n++;
	}
	return n;
}
