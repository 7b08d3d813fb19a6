// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Our program on an interface, and off it.
 *
 * Through libxdp, which shares the interface with others where the kernel has dispatchers
 * (freplace) and attaches the program alone where not. The attachment belongs to the interface, not
 * to this process: it outlives the agent, and the next agent finds it. An older program of ours is
 * replaced without a moment in between: alone, in one step that names the old one; under a
 * dispatcher, by adding the new one before the old one leaves. What is not ours is never touched.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <xdp/libxdp.h>
#include "seine.skel.h"
#include "user/base/cleanup.h"
#include "user/kernel/chatter.h"
#include "user/kernel/handle.h"

static uint32_t xdp_flags(enum datapath_xdp_mode mode)
{
	return mode == XDP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

static enum xdp_attach_mode libxdp_mode(enum datapath_xdp_mode mode)
{
	return mode == XDP_GENERIC ? XDP_MODE_SKB : XDP_MODE_NATIVE;
}

static const char *mode_name_xdp(enum datapath_xdp_mode mode)
{
	return mode == XDP_GENERIC ? "generic" : "native";
}

static void program_closep(struct xdp_program **p)
{
	xdp_program__close(*p);
}

/* Drivers say why they refuse; the usual reasons get the remedy with them. */
static int refused(int r, const char *ifname, enum datapath_xdp_mode mode, char *why)
{
	const char *said = chatter_after("Kernel error message: ");

	if (!said)
		said = strerror(-r);
	if (strstr(said, "LRO"))
		return datapath_fail(r, why,
				     "%s: the driver refuses XDP while LRO is on; try: "
				     "ethtool -K %s lro off",
				     ifname, ifname);
	if (r == -ERANGE || strstr(said, "MTU") || strstr(said, "mtu"))
		return datapath_fail(r, why,
				     "%s: its MTU is above what the driver allows with XDP (%s)",
				     ifname, said);
	if (r == -EOPNOTSUPP && mode == XDP_NATIVE)
		return datapath_fail(r, why,
				     "%s: the driver has no native XDP; `xdp = generic` works "
				     "everywhere, but slowly (%s)",
				     ifname, said);
	if (r == -EBUSY || r == -EEXIST)
		return datapath_fail(-EBUSY, why,
				     "%s: another program took the interface meanwhile (%s)",
				     ifname, said);
	return datapath_fail(r, why, "%s: attaching in %s mode failed: %s", ifname,
			     mode_name_xdp(mode), said);
}

static int foreign(const struct hook *hook, const char *ifname, char *why)
{
	if (!strcmp(hook->name, "seine"))
		return datapath_fail(
			-EBUSY, why,
			"%s: runs a seine on other maps (program id %u), which is left "
			"alone; to remove it: ip link set dev %s %s off",
			ifname, hook->id, ifname,
			hook->mode == XDP_GENERIC ? "xdpgeneric" : "xdpdrv");
	return datapath_fail(-EBUSY, why,
			     "%s: runs another XDP program (%s, id %u), which is left alone; it "
			     "does not share the interface",
			     ifname, hook->name, hook->id);
}

/* libxdp wants an object that is not loaded yet: a dispatcher's member is loaded as such. */
static int attach_new(const struct datapath *d, int ifindex, enum datapath_xdp_mode mode)
{
	_cleanup_(object_freep) struct seine *skel = NULL;
	_cleanup_(program_closep) struct xdp_program *prog = NULL;
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts);
	int r;

	r = object_open(d, d->frags, false, &skel);
	if (r < 0)
		return r;
	opts.obj = skel->obj;
	opts.prog_name = "seine";
	prog = xdp_program__create(&opts);
	r = (int)libxdp_get_error(prog);
	if (r < 0) {
		prog = NULL;
		return r;
	}
	xdp_program__set_xdp_frags_support(prog, d->frags);
	return xdp_program__attach(prog, ifindex, libxdp_mode(mode), 0);
}

/* Alone on the interface: one step, which fails when `old` is no longer what is there. */
static int replace_single(const struct datapath *d, int ifindex, const struct hook *old)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
	_cleanup_(closep) int fd = -1;

	fd = bpf_prog_get_fd_by_id(old->ours);
	if (fd < 0)
		return fd;
	opts.old_prog_fd = fd;
	return bpf_xdp_attach(ifindex, datapath_prog_fd(d), xdp_flags(old->mode), &opts);
}

static int detach_single(int ifindex, enum datapath_xdp_mode mode, int fd)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);

	opts.old_prog_fd = fd;
	return bpf_xdp_detach(ifindex, xdp_flags(mode), &opts);
}

static int detach_member(int ifindex, uint32_t id, enum datapath_xdp_mode mode)
{
	_cleanup_(program_closep) struct xdp_program *prog = xdp_program__from_id(id);
	int r;

	r = (int)libxdp_get_error(prog);
	if (r < 0) {
		prog = NULL;
		return r;
	}
	return xdp_program__detach(prog, ifindex, libxdp_mode(mode), 0);
}

static int detach_hook(int ifindex, const struct hook *hook)
{
	_cleanup_(closep) int fd = -1;

	if (hook->dispatcher)
		return detach_member(ifindex, hook->ours, hook->mode);
	fd = bpf_prog_get_fd_by_id(hook->ours);
	return fd < 0 ? fd : detach_single(ifindex, hook->mode, fd);
}

/* An interface runs native or generic programs, not both: the one change that needs a gap. */
static int change_mode(const struct datapath *d, int ifindex, const struct hook *old,
		       enum datapath_xdp_mode mode)
{
	int r;

	r = detach_hook(ifindex, old);
	return r < 0 ? r : attach_new(d, ifindex, mode);
}

static int attach_over(const struct datapath *d, int ifindex, const struct hook *old,
		       enum datapath_xdp_mode mode)
{
	int r;

	if (!old->ours)
		return attach_new(d, ifindex, mode);
	if (old->mode != mode)
		return change_mode(d, ifindex, old, mode);
	if (old->current)
		return 0;
	if (!old->dispatcher)
		return replace_single(d, ifindex, old);
	r = attach_new(d, ifindex, mode);
	return r < 0 ? r : detach_member(ifindex, old->ours, mode);
}

/* The row of an interface, a new one when it has none; NULL when there is no room. */
static struct attached *row_of(struct datapath *d, int ifindex)
{
	for (unsigned int i = 0; i < d->n_attached; i++) {
		if (d->attached[i].ifindex == ifindex)
			return &d->attached[i];
	}
	if (d->n_attached == DATAPATH_INTERFACES)
		return NULL;
	d->attached[d->n_attached] = (struct attached){ .ifindex = ifindex, .fd = -1 };
	return &d->attached[d->n_attached++];
}

/* Descriptors are taken now: later the agent may no longer ask for programs by id. */
static int record(const struct datapath *d, int ifindex, struct attached *a)
{
	struct hook hook;
	int r, fd = -1;

	r = hook_read(d, ifindex, &hook);
	if (r < 0)
		return r;
	if (!hook.ours)
		return -ESTALE;
	if (!hook.dispatcher) {
		fd = bpf_prog_get_fd_by_id(hook.ours);
		if (fd < 0)
			return fd;
	}
	closep(&a->fd);
	*a = (struct attached){
		.ifindex = ifindex, .hook_id = hook.id, .id = hook.ours, .fd = fd, .mode = hook.mode
	};
	return 0;
}

int datapath_attach(struct datapath *d, const char *ifname, enum datapath_xdp_mode mode, char *why)
{
	int ifindex = (int)if_nametoindex(ifname), r;
	struct attached *row;
	struct hook old;

	chatter_begin();
	if (!ifindex)
		return datapath_fail(-ENODEV, why, "there is no interface %s", ifname);
	row = row_of(d, ifindex);
	if (!row)
		return datapath_fail(-E2BIG, why, "%s: more than %d interfaces", ifname,
				     DATAPATH_INTERFACES);
	r = hook_read(d, ifindex, &old);
	if (r < 0)
		return datapath_fail(r, why, "%s: cannot see what it runs: %s", ifname,
				     strerror(-r));
	if (old.id && !old.ours && !old.dispatcher)
		return foreign(&old, ifname, why);
	if (old.id && old.mode != mode && !(old.ours && !old.dispatcher))
		return datapath_fail(-EBUSY, why, "%s: its XDP programs run in %s mode", ifname,
				     mode_name_xdp(old.mode));

	r = attach_over(d, ifindex, &old, mode);
	if (r == 0)
		r = record(d, ifindex, row);
	return r < 0 ? refused(r, ifname, mode, why) : 0;
}

/* NULL when the interface no longer runs what was recorded. */
static const struct attached *recorded(const struct datapath *d, int ifindex)
{
	uint32_t id = 0;

	if (bpf_xdp_query_id(ifindex, 0, &id) < 0)
		return NULL;
	for (unsigned int i = 0; i < d->n_attached; i++) {
		if (d->attached[i].ifindex == ifindex && id && d->attached[i].hook_id == id)
			return &d->attached[i];
	}
	return NULL;
}

int datapath_attached(const struct datapath *d, const char *ifname, uint32_t *ret_id,
		      enum datapath_xdp_mode *ret_mode)
{
	int ifindex = (int)if_nametoindex(ifname), r;
	const struct attached *a;
	struct hook hook;

	if (!ifindex)
		return -ENODEV;
	a = recorded(d, ifindex);
	if (a) {
		*ret_id = a->id;
		*ret_mode = a->mode;
		return 0;
	}
	r = hook_read(d, ifindex, &hook);
	if (r < 0)
		return r;
	*ret_id = hook.ours;
	*ret_mode = hook.mode;
	return 0;
}

int datapath_detach(struct datapath *d, const char *ifname, char *why)
{
	int ifindex = (int)if_nametoindex(ifname), r;
	const struct attached *a;
	struct hook hook;

	chatter_begin();
	if (!ifindex)
		return datapath_fail(-ENODEV, why, "there is no interface %s", ifname);
	a = recorded(d, ifindex);
	if (a && a->fd >= 0) {
		r = detach_single(ifindex, a->mode, a->fd);
	} else {
		r = hook_read(d, ifindex, &hook);
		if (r == 0 && !hook.ours)
			return datapath_fail(-ENOENT, why, "%s: runs no program of ours", ifname);
		if (r == 0)
			r = detach_hook(ifindex, &hook);
	}
	return r < 0 ? datapath_fail(r, why, "%s: cannot detach: %s", ifname, strerror(-r)) : 0;
}

bool datapath_shares(const struct datapath *d)
{
	for (unsigned int i = 0; i < d->n_attached; i++) {
		if (d->attached[i].id && d->attached[i].fd < 0)
			return true;
	}
	return false;
}
