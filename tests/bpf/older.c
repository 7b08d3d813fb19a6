/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An older seine. See older.h. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include "tests/bpf/older.h"
#include "tests/bpf/older.skel.h"
#include "user/base/cleanup.h"

struct older *older_load(struct datapath *d)
{
	struct older *older = older__open();
	struct bpf_map *map;

	if (!older)
		return NULL;
	bpf_object__for_each_map(map, older->obj)
	{
		int fd = datapath_map_fd(d, bpf_map__name(map));

		if (fd >= 0 && bpf_map__reuse_fd(map, fd)) {
			older__destroy(older);
			return NULL;
		}
	}
	if (older__load(older)) {
		older__destroy(older);
		return NULL;
	}
	return older;
}

int older_attach(const struct older *older, int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
	_cleanup_(closep) int fd = -1;
	uint32_t id = 0;
	int r;

	r = bpf_xdp_query_id(ifindex, XDP_FLAGS_DRV_MODE, &id);
	if (r < 0)
		return r;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return fd;
	opts.old_prog_fd = fd;
	return bpf_xdp_attach(ifindex, bpf_program__fd(older->progs.seine), XDP_FLAGS_DRV_MODE,
			      &opts);
}
