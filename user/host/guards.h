/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host cannot do without: its own addresses, its gateways and resolvers, the addresses
 * that never leave a link, its balancers, and the operator's allow list. No drop may touch any of
 * it.
 */
#ifndef HOST_GUARDS_H
#define HOST_GUARDS_H

#include <stdint.h>
#include "user/judge/judge.h"
#include "user/kernel/datapath.h"

#define GUARDS_MAX \
	65536 /* a host with more addresses and routes than that is not ours to guess at */

/*
 * Reads it all anew, since it changes while the agent runs. What cannot be read (no IPv6, no
 * resolv.conf) guards nothing; only a lack of memory is an error. `allows`: those that have expired
 * by now_sec do not count.
 */
int guards_collect(const struct allow_entry *allows, size_t n, uint32_t now_sec,
		   struct guards *ret);
/* Adds the balancers that speak for clients: a drop of theirs would hit everybody behind them. */
int guards_add_balancers(struct guards *g, const struct seine_balancer b[SEINE_BALANCERS]);
void guards_free(struct guards *g); /* its list; `g` itself is the caller's */

#endif
