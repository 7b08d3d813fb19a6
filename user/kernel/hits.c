// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What entries have met. Entries refer to rows of a table of their own, so that counters outlive
 * the replacement of a list. Row 0 is shared by entries that found none free.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/kernel/handle.h"

int datapath_hits(struct datapath *d, uint32_t slot, struct seine_hit *ret)
{
	_cleanup_(freep) struct seine_hit *rows = NULL;
	struct seine_hit sum = { 0 };
	int cpus = libbpf_num_possible_cpus(), r;

	if (cpus < 0)
		return cpus;
	rows = calloc((size_t)cpus, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	r = bpf_map_lookup_elem(d->map[MAP_hits], &slot, rows);
	if (r < 0)
		return r;

	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += rows[cpu].packets;
		sum.bytes += rows[cpu].bytes;
		sum.syns += rows[cpu].syns;
		if (rows[cpu].last_sec > sum.last_sec)
			sum.last_sec = rows[cpu].last_sec;
	}
	*ret = sum;
	return 0;
}

/* Rows are cleared this many at a time: a row of a machine with hundreds of CPUs takes kilobytes. */
#define CLEAR_BATCH 1024

struct clearing {
	void *zeros; /* a batch of rows, for all CPUs */
	bool singly; /* the kernel knows no batches here (before 5.13) */
};

static int clear_one(const struct datapath *d, const struct clearing *c, uint32_t slot)
{
	int r = bpf_map_update_elem(d->map[MAP_hits], &slot, c->zeros, BPF_ANY);

	return r < 0 ? r : bpf_map_update_elem(d->map[MAP_tat], &slot, c->zeros, BPF_ANY);
}

static int clear_batch(const struct datapath *d, struct clearing *c, const uint32_t *slots,
		       uint32_t n)
{
	uint32_t hits = n, tats = n;
	int r;

	if (!c->singly) {
		r = bpf_map_update_batch(d->map[MAP_hits], slots, c->zeros, &hits, NULL);
		if (r == 0)
			r = bpf_map_update_batch(d->map[MAP_tat], slots, c->zeros, &tats, NULL);
		if (r == 0)
			return 0;
		c->singly = true;
	}
	for (uint32_t i = 0; i < n; i++) {
		r = clear_one(d, c, slots[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int hits_clear(const struct datapath *d, const uint32_t *slots, size_t n)
{
	_cleanup_(freep) void *zeros = NULL;
	struct clearing c = { 0 };
	int cpus = libbpf_num_possible_cpus(), r = 0;

	if (cpus < 0)
		return cpus;
	zeros = calloc(n < CLEAR_BATCH ? n + 1 : CLEAR_BATCH,
		       (size_t)cpus * sizeof(struct seine_hit));
	if (!zeros)
		return -ENOMEM;
	c.zeros = zeros;
	for (size_t i = 0; i < n && r == 0; i += CLEAR_BATCH)
		r = clear_batch(d, &c, slots + i,
				(uint32_t)(n - i < CLEAR_BATCH ? n - i : CLEAR_BATCH));
	return r;
}

int datapath_clear_hits(struct datapath *d, uint32_t slot)
{
	return hits_clear(d, &slot, 1);
}
