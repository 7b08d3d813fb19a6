// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is on an interface, and whether it is ours.
 *
 * Ours is a program named `seine` on the very maps that we hold, or on those that an older version
 * has pinned beside them. A seine on other maps belongs to another agent, or its pins were removed:
 * to us it is as foreign as any other program.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <xdp/libxdp.h>
#include "user/base/cleanup.h"
#include "user/kernel/handle.h"

#define PROGRAM_NAME "seine"
#define PROGRAM_MAPS 64 /* more than any program of ours refers to */

struct program {
	struct bpf_prog_info info;
	uint32_t map_ids[PROGRAM_MAPS];
};

static int program_read(int fd, struct program *ret)
{
	uint32_t len = sizeof(ret->info);

	memset(ret, 0, sizeof(*ret));
	ret->info.nr_map_ids = PROGRAM_MAPS;
	ret->info.map_ids = (uint64_t)(uintptr_t)ret->map_ids;
	return bpf_obj_get_info_by_fd(fd, &ret->info, &len);
}

static bool program_uses(const struct program *p, int map_fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(map_fd, &info, &len) < 0)
		return false;
	for (uint32_t i = 0; i < p->info.nr_map_ids && i < PROGRAM_MAPS; i++) {
		if (p->map_ids[i] == info.id)
			return true;
	}
	return false;
}

/* The same instructions on the same maps: nothing would change by replacing it. */
static bool program_is_current(const struct datapath *d, const struct program *p)
{
	struct program own;

	if (program_read(datapath_prog_fd(d), &own) < 0)
		return false;
	if (memcmp(own.info.tag, p->info.tag, sizeof(own.info.tag)) != 0)
		return false;
	for (int i = 0; i < MAP_COUNT; i++) {
		if (program_uses(&own, d->map[i]) && !program_uses(p, d->map[i]))
			return false;
	}
	return true;
}

static bool program_is_ours(const struct datapath *d, const struct program *p)
{
	bool uses = program_uses(p, d->map[MAP_cfg]);

	for (unsigned int i = 0; i < d->n_older && !uses; i++)
		uses = program_uses(p, d->older[i]);
	return uses && !strcmp(p->info.name, PROGRAM_NAME);
}

static void hook_judge(const struct datapath *d, const struct program *p, struct hook *hook)
{
	if (!program_is_ours(d, p))
		return;
	hook->ours = p->info.id;
	hook->current = d->skel && program_is_current(d, p);
}

static int hook_single(const struct datapath *d, struct hook *hook)
{
	_cleanup_(closep) int fd = -1;
	struct program p;
	int r;

	fd = bpf_prog_get_fd_by_id(hook->id);
	if (fd < 0)
		return fd;
	r = program_read(fd, &p);
	if (r < 0)
		return r;
	memcpy(hook->name, p.info.name, sizeof(hook->name));
	hook->dispatcher = !strcmp(hook->name, "xdp_dispatcher");
	if (!hook->dispatcher)
		hook_judge(d, &p, hook);
	return 0;
}

static void hook_members(const struct datapath *d, int ifindex, struct hook *hook)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *one = NULL;

	if (libxdp_get_error(all))
		return; /* a dispatcher that libxdp cannot read: whatever is in it is not ours */
	while ((one = xdp_multiprog__next_prog(one, all))) {
		struct program p;

		if (program_read(xdp_program__fd(one), &p) == 0)
			hook_judge(d, &p, hook);
	}
	xdp_multiprog__close(all);
}

int hook_read(const struct datapath *d, int ifindex, struct hook *ret)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	struct hook hook = { 0 };
	int r;

	r = bpf_xdp_query(ifindex, 0, &q);
	if (r < 0)
		return r;
	hook.mode = q.skb_prog_id ? XDP_GENERIC : XDP_NATIVE;
	hook.id = q.drv_prog_id ? q.drv_prog_id : q.skb_prog_id;
	if (!hook.id)
		hook.id = q.hw_prog_id;
	if (hook.id) {
		r = hook_single(d, &hook);
		if (r < 0)
			return r;
		if (hook.dispatcher)
			hook_members(d, ifindex, &hook);
	}
	*ret = hook;
	return 0;
}
