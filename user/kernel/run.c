// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program without an interface: over frames from a capture, one at a time, and what its
 * connections are like when the last frame has been.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>
#include "bpf/report.h"
#include "user/base/cleanup.h"
#include "user/kernel/handle.h"

int datapath_run(struct datapath *d, const void *frame, uint32_t len, uint64_t now_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = len);
	int r;

	if (len < DATAPATH_FRAME_MIN)
		return -EINVAL;
	if (len > DATAPATH_FRAME_MAX)
		o.data_size_in = DATAPATH_FRAME_MAX;
	datapath_set_clock(d, now_ns);
	r = bpf_prog_test_run_opts(datapath_prog_fd(d), &o);
	return r < 0 ? r : (int)o.retval;
}

struct memory {
	void *at;
	size_t bytes;
};

static void memory_unmap(struct memory *m)
{
	if (m->at != MAP_FAILED)
		munmap(m->at, m->bytes);
}

static struct memory memory_map(const struct datapath *d, enum datapath_map map, size_t row)
{
	size_t bytes = d->sizes.flows * row;

	return (struct memory){ mmap(NULL, bytes, PROT_READ, MAP_SHARED, d->map[map], 0), bytes };
}

int datapath_connections(struct datapath *d, datapath_connection_fn row, void *arg)
{
	_cleanup_(memory_unmap) struct memory flows = memory_map(d, MAP_flow,
								 sizeof(struct seine_flow)),
					      shakes = memory_map(d, MAP_shake,
								  sizeof(struct seine_shake));
	const struct seine_flow *flow = flows.at;
	const struct seine_shake *shake = shakes.at;
	int r = 0;

	if (flows.at == MAP_FAILED || shakes.at == MAP_FAILED)
		return -errno;
	for (uint32_t i = 0; i < d->sizes.flows && r >= 0; i++) {
		struct seine_connection c;

		if (!flow[i].tag || flow[i].flags & SEINE_F_CLOSED)
			continue;
		report_connection(&flow[i], &shake[i], &c);
		r = row(&c, arg);
	}
	return r < 0 ? r : 0;
}
