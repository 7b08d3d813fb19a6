/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it takes to bring a list into force: whether there is room for it, which rows of seine_hits
 * its entries get, and whether it is in force already. Reads the maps and writes nothing.
 */
#ifndef KERNEL_PLAN_H
#define KERNEL_PLAN_H

#include "user/kernel/handle.h"
#include "user/kernel/roster.h"

struct plan {
	struct roster roster;
	struct seine_lengths lengths;
	uint32_t *fresh; /* rows of seine_hits that were free, to be cleared before they are used */
	size_t n_fresh;
	size_t uncounted; /* entries for which no row was left */
	size_t unlimited; /* of them those with a rate, which then is not kept */
	bool in_force;	  /* the entries are already what the kernel holds */
};

/* -E2BIG, -EINVAL: the list does not fit, and `why` says what of it. */
int plan_make(const struct datapath *d, const struct entries *wanted, char *why, struct plan *ret);
void plan_clear(struct plan *p);

#endif
