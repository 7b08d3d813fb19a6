// SPDX-License-Identifier: GPL-2.0-or-later
/* See privileges.h. */
#include "user/host/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/bpf.h>
#include <seccomp.h>
#include <sys/syscall.h>

static int capabilities_drop(bool keep_sys_admin)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_BPF, CAP_NET_ADMIN, -1))
		return -EINVAL;
	if (keep_sys_admin &&
	    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_SYS_ADMIN))
		return -EINVAL;
	/* The bounding set matters only to what we execute, which is nothing. */
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

/* Not where a dispatcher is in use: taking a program out of it means loading a new one. */
static int loading_forbid(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!filter)
		return -ENOMEM;
	r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bpf), 1,
			     SCMP_A0(SCMP_CMP_EQ, BPF_PROG_LOAD, 0));
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int privileges_drop(bool keep_sys_admin)
{
	int r = 0;

	if (!keep_sys_admin)
		r = loading_forbid();
	return r < 0 ? r : capabilities_drop(keep_sys_admin);
}
