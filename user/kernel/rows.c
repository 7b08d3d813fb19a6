// SPDX-License-Identifier: GPL-2.0-or-later
/* The small rows: configuration, kill switch, heartbeat, counters. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/kernel/handle.h"

static int row_read(const struct datapath *d, enum datapath_map map, void *ret)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(d->map[map], &zero, ret);
}

static int row_write(const struct datapath *d, enum datapath_map map, const void *row)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(d->map[map], &zero, row, BPF_ANY);
}

int datapath_configure(struct datapath *d, const struct seine_cfg *cfg)
{
	return row_write(d, MAP_cfg, cfg);
}

int datapath_protect(struct datapath *d, const struct seine_ports *ports)
{
	return row_write(d, MAP_ports, ports);
}

int datapath_config(struct datapath *d, struct seine_cfg *ret)
{
	return row_read(d, MAP_cfg, ret);
}

int datapath_switch_off(struct datapath *d, bool off)
{
	uint32_t row = off;

	return row_write(d, MAP_off, &row);
}

int datapath_switched_off(struct datapath *d, bool *ret)
{
	uint32_t row;
	int r;

	r = row_read(d, MAP_off, &row);
	if (r < 0)
		return r;
	*ret = row;
	return 0;
}

int datapath_beat(struct datapath *d, uint32_t now_sec)
{
	return row_write(d, MAP_beat, &now_sec);
}

int datapath_last_beat(struct datapath *d, uint32_t *ret_sec)
{
	return row_read(d, MAP_beat, ret_sec);
}

int datapath_meta(struct datapath *d, struct seine_meta *ret)
{
	*ret = d->meta;
	return 0;
}

void datapath_sizes(const struct datapath *d, struct datapath_sizes *ret)
{
	*ret = d->sizes;
}

int datapath_stats(struct datapath *d, struct seine_stats *ret)
{
	_cleanup_(freep) struct seine_stats *rows = NULL;
	struct seine_stats sum = { 0 };
	int cpus = libbpf_num_possible_cpus(), r;

	if (cpus < 0)
		return cpus;
	rows = calloc((size_t)cpus, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	r = row_read(d, MAP_stats, rows);
	if (r < 0)
		return r;

	for (int cpu = 0; cpu < cpus; cpu++) {
#define X(name, text) sum.name += rows[cpu].name;
		SEINE_COUNTERS(X)
#undef X
	}
	*ret = sum;
	return 0;
}
