// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the program and its maps come into being, or are adopted from an agent that went before.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include "seine.skel.h"
#include "user/base/cleanup.h"
#include "user/kernel/chatter.h"
#include "user/kernel/handle.h"

void object_freep(struct seine **skel)
{
	seine__destroy(*skel);
	*skel = NULL;
}

/* Tables that are indexed by a hash have a power of two of rows. */
static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n && p < 1u << 31)
		p *= 2;
	return p;
}

static void sizes_set(struct seine *skel, const struct datapath_sizes *s)
{
	bpf_map__set_max_entries(skel->maps.seine_src, s->sources);
	bpf_map__set_max_entries(skel->maps.seine_net, s->nets);
	bpf_map__set_max_entries(skel->maps.seine_flow, s->flows);
	bpf_map__set_max_entries(skel->maps.seine_shake, s->flows);
	bpf_map__set_max_entries(skel->maps.seine_half, s->half_open);
	bpf_map__set_max_entries(skel->maps.seine_hits, s->hit_slots);
	bpf_map__set_max_entries(skel->maps.seine_tat, s->hit_slots);
	bpf_map__set_max_entries(skel->maps.seine_allow, s->allows);
}

static int maps_reuse(struct seine *skel, const int fd[MAP_COUNT])
{
	for (int i = 0; i < MAP_COUNT; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, datapath_map_name[i]);
		int r = bpf_map__reuse_fd(map, fd[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int object_open(const struct datapath *d, bool frags, bool test_clock, struct seine **ret)
{
	_cleanup_(object_freep) struct seine *skel = seine__open();
	struct bpf_program *prog;
	int r;

	if (!skel)
		return -errno;
	if (d->map[0] >= 0)
		r = maps_reuse(skel, d->map);
	else
		sizes_set(skel, &d->sizes), r = 0;
	if (r < 0)
		return r;

	skel->rodata->seed0 = d->meta.seed0;
	skel->rodata->seed1 = d->meta.seed1;
	skel->rodata->source_bits = d->meta.source_bits;
	skel->rodata->flow_mask = d->sizes.flows - 1;
	skel->rodata->half_mask = d->sizes.half_open - 1;
	skel->rodata->test_clock = test_clock;

	/* libbpf takes frags from the section's name, and keeps that to itself; said this way the
	 * flag is visible to libxdp and can be left out. */
	prog = skel->progs.seine;
	bpf_program__set_type(prog, BPF_PROG_TYPE_XDP);
	bpf_program__set_expected_attach_type(prog, BPF_XDP);
	bpf_program__set_flags(prog, frags ? BPF_F_XDP_HAS_FRAGS : 0);

	*ret = take_ptr(skel);
	return 0;
}

/* Kernels before 5.18 know nothing of packets in several buffers. */
static int object_load(struct datapath *d, bool test_clock, char *why)
{
	int r = -EINVAL;

	for (int frags = 1; frags >= 0; frags--) {
		_cleanup_(object_freep) struct seine *skel = NULL;

		r = object_open(d, frags, test_clock, &skel);
		if (r == 0)
			r = seine__load(skel);
		if (r == 0) {
			d->frags = frags;
			d->skel = take_ptr(skel);
			return 0;
		}
		if (r != -EINVAL)
			break;
	}
	if (r == -EPERM)
		return datapath_fail(r, why,
				     "loading the program needs root, or the capabilities "
				     "BPF, NET_ADMIN and PERFMON");
	return datapath_fail(r, why, "the kernel refused the program: %s (%s)", strerror(-r),
			     chatter_last());
}

static uint32_t entries_of(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ? 0 : info.max_entries;
}

static void sizes_adopt(struct datapath *d)
{
	d->sizes = (struct datapath_sizes){
		.sources = entries_of(d->map[MAP_src]),
		.nets = entries_of(d->map[MAP_net]),
		.flows = entries_of(d->map[MAP_flow]),
		.half_open = entries_of(d->map[MAP_half]),
		.hit_slots = entries_of(d->map[MAP_hits]),
		.allows = entries_of(d->map[MAP_allow]),
	};
}

static int layouts_check(const struct datapath *d, char *why)
{
	_cleanup_(object_freep) struct seine *skel = seine__open();
	int r = 0;

	if (!skel)
		return -errno;
	for (int i = 0; i < MAP_COUNT && r == 0; i++)
		r = pins_check(d->map[i],
			       bpf_object__find_map_by_name(skel->obj, datapath_map_name[i]), why);
	return r;
}

static int meta_read(struct datapath *d, char *why)
{
	uint32_t zero = 0;
	int r;

	r = bpf_map_lookup_elem(d->map[MAP_meta], &zero, &d->meta);
	if (r < 0)
		return datapath_fail(r, why, "cannot read %s/seine_meta: %s", d->dir, strerror(-r));
	if (d->meta.magic == SEINE_MAGIC && d->meta.abi == SEINE_ABI)
		return 0;
	return datapath_fail(-EPROTO, why, "the maps in %s are not seine's, or of another version",
			     d->dir);
}

static int adopt(struct datapath *d, char *why)
{
	int r;

	r = pins_open(d->dir, why, d->map);
	if (r == -ESTALE)
		return datapath_fail(-ENOENT, why,
				     "%s is incomplete: a pin has been removed; remove the "
				     "directory to start anew",
				     d->dir);
	if (r < 0)
		return r;
	r = layouts_check(d, why);
	if (r < 0)
		return r;
	r = meta_read(d, why);
	if (r < 0)
		return r;
	sizes_adopt(d);
	return 0;
}

/* Offline nobody attacks, and the same capture has the same answer. */
static int meta_new(struct datapath *d, uint32_t source_bits)
{
	uint64_t seed[2] = { 0x9e3779b97f4a7c15, 0xd1b54a32d192ed03 };

	if (d->dir[0] && getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	d->meta = (struct seine_meta){
		.magic = SEINE_MAGIC,
		.abi = SEINE_ABI,
		.seed0 = seed[0],
		.seed1 = seed[1],
		.source_bits = source_bits,
	};
	return 0;
}

/* The program's own maps become ours: their descriptors outlive the object. */
static int maps_keep(struct datapath *d, char *why)
{
	uint32_t zero = 0;
	int r;

	for (int i = 0; i < MAP_COUNT; i++) {
		struct bpf_map *map =
			bpf_object__find_map_by_name(d->skel->obj, datapath_map_name[i]);

		d->map[i] = dup(bpf_map__fd(map));
		if (d->map[i] < 0)
			return datapath_fail(-errno, why, "%s", strerror(errno));
	}
	r = bpf_map_update_elem(d->map[MAP_meta], &zero, &d->meta, BPF_ANY);
	if (r == 0)
		r = lists_create(d);
	if (r < 0)
		return datapath_fail(r, why, "cannot fill the new maps: %s", strerror(-r));
	if (!d->dir[0])
		return 0;
	r = pins_create(d->dir, d->map, why);
	if (r == 0)
		(void)lists_pin(d);
	return r;
}

static int datapath_new(const char *pin_dir, char *why, struct datapath **ret)
{
	struct datapath *d = calloc(1, sizeof(*d));

	if (!d)
		return datapath_fail(-ENOMEM, why, "out of memory");
	d->lock = -1;
	d->list[0] = d->list[1] = -1;
	for (int i = 0; i < MAP_COUNT; i++)
		d->map[i] = -1;
	if (pin_dir &&
	    snprintf(d->dir, sizeof(d->dir), "%s/%d", pin_dir, SEINE_ABI) >= (int)sizeof(d->dir)) {
		free(d);
		return datapath_fail(-ENAMETOOLONG, why, "pin_dir is too long a name");
	}
	*ret = d;
	return 0;
}

void datapath_close(struct datapath *d)
{
	if (!d)
		return;
	events_freep(&d->events);
	if (d->bits)
		munmap(d->bits, 2ul * SEINE_BITS_WORDS * sizeof(uint64_t));
	for (unsigned int i = 0; i < d->n_attached; i++)
		closep(&d->attached[i].fd);
	orphans_forget(d);
	for (int i = 0; i < MAP_COUNT; i++)
		closep(&d->map[i]);
	closep(&d->list[0]);
	closep(&d->list[1]);
	seine__destroy(d->skel);
	closep(&d->lock);
	free(d);
}

static void datapath_closep(struct datapath **d)
{
	datapath_close(*d);
}

static int open_locked(struct datapath *d, const struct datapath_options *o, char *why)
{
	bool pinned = d->dir[0] && access(d->dir, F_OK) == 0;
	int r;

	if (pinned) {
		r = adopt(d, why);
	} else {
		d->sizes = o->sizes;
		d->sizes.flows = power_of_two(o->sizes.flows);
		d->sizes.half_open = power_of_two(o->sizes.half_open);
		r = meta_new(d, o->source_bits);
	}
	if (r < 0)
		return r;

	r = object_load(d, o->test_clock, why);
	if (r < 0)
		return r;
	if (!pinned)
		return maps_keep(d, why);
	r = lists_adopt(d);
	if (r < 0)
		return datapath_fail(r, why, "cannot open the lists: %s", strerror(-r));
	(void)lists_pin(d); /* the agent before may have died before it came to that */
	return 0;
}

int datapath_open(const struct datapath_options *o, char *why, struct datapath **ret)
{
	_cleanup_(datapath_closep) struct datapath *d = NULL;
	int r;

	chatter_begin();
	why[0] = '\0';
	r = datapath_new(o->pin_dir, why, &d);
	if (r < 0)
		return r;
	if (o->pin_dir)
		r = pins_lock(o->pin_dir, why, &d->lock);
	if (r < 0)
		return r;
	r = open_locked(d, o, why);
	if (r < 0)
		return why[0] ? r : datapath_fail(r, why, "%s", strerror(-r));
	if (o->pin_dir)
		orphans_know(d);
	*ret = take_ptr(d);
	return 0;
}

int datapath_open_pinned(const char *pin_dir, char *why, struct datapath **ret)
{
	_cleanup_(datapath_closep) struct datapath *d = NULL;
	int r;

	chatter_begin();
	r = datapath_new(pin_dir, why, &d);
	if (r < 0)
		return r;
	r = pins_open(d->dir, why, d->map);
	if (r < 0)
		return r;
	r = meta_read(d, why);
	if (r < 0)
		return r;
	sizes_adopt(d);
	r = lists_adopt(d);
	if (r < 0)
		return datapath_fail(r, why, "cannot open the lists: %s", strerror(-r));
	*ret = take_ptr(d);
	return 0;
}

int datapath_prog_fd(const struct datapath *d)
{
	return d->skel ? bpf_program__fd(d->skel->progs.seine) : -EBADF;
}

int datapath_map_fd(const struct datapath *d, const char *name)
{
	for (int i = 0; i < MAP_COUNT; i++) {
		if (!strcmp(name, datapath_map_name[i]))
			return d->map[i];
	}
	return -ENOENT;
}

void datapath_set_clock(struct datapath *d, uint64_t now_ns)
{
	__atomic_store_n(&d->skel->bss->clock_ns, now_ns, __ATOMIC_RELAXED);
}
