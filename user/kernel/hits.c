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

int datapath_clear_hits(struct datapath *d, uint32_t slot)
{
	_cleanup_(freep) struct seine_hit *zeros = NULL;
	int cpus = libbpf_num_possible_cpus(), r;
	uint64_t never = 0;

	if (cpus < 0)
		return cpus;
	zeros = calloc((size_t)cpus, sizeof(*zeros));
	if (!zeros)
		return -ENOMEM;
	r = bpf_map_update_elem(d->map[MAP_hits], &slot, zeros, BPF_ANY);
	if (r < 0)
		return r;
	return bpf_map_update_elem(d->map[MAP_tat], &slot, &never, BPF_ANY);
}

/* The row an entry of the list in force has already, when it still means the same. */
static uint32_t slot_held(const struct entries *held, const struct entry *e)
{
	const struct entry *before = entries_find(held, &e->prefix);

	return before && before->row.hello_key == e->row.hello_key ? before->row.slot : 0;
}

/* Rows in use by the list in force stay taken until it has gone: packets still count into them. */
static void slots_mark(const struct entries *list, bool *taken, uint32_t n_slots)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->list[i].row.slot < n_slots)
			taken[list->list[i].row.slot] = true;
	}
}

static int slot_take(struct datapath *d, bool *taken, uint32_t *from, uint32_t *ret)
{
	while (*from < d->sizes.hit_slots && taken[*from])
		(*from)++;
	if (*from >= d->sizes.hit_slots) {
		*ret = 0;
		return 0;
	}
	taken[*from] = true;
	*ret = *from;
	return datapath_clear_hits(d, *from);
}

int hits_assign(struct datapath *d, const struct entries *held, struct entries *next)
{
	_cleanup_(freep) bool *taken = calloc(d->sizes.hit_slots, sizeof(*taken));
	_cleanup_(freep) bool *kept = calloc(d->sizes.hit_slots, sizeof(*kept));
	uint32_t from = 1;

	if (!taken || !kept)
		return -ENOMEM;
	slots_mark(held, taken, d->sizes.hit_slots);

	for (size_t i = 0; i < next->n; i++) {
		struct seine_entry *row = &next->list[i].row;
		uint32_t slot = slot_held(held, &next->list[i]);
		int r;

		/* A row written by hand may name any slot: each one belongs to one entry. */
		if (slot && slot < d->sizes.hit_slots && !kept[slot]) {
			row->slot = slot;
		} else {
			r = slot_take(d, taken, &from, &row->slot);
			if (r < 0)
				return r;
		}
		kept[row->slot] = true;
	}
	return 0;
}
