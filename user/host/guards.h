/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host cannot do without, and what no drop may touch for it: the operator's allow list,
 * its own addresses, gateways and resolvers, health checkers, whoever has a session of ssh, whom
 * the host itself is connected to, its balancers; and addresses that no client on the internet has.
 */
#ifndef HOST_GUARDS_H
#define HOST_GUARDS_H

#include <stddef.h>
#include <stdint.h>
#include "user/judge/guards.h"
#include "user/kernel/datapath.h"

/* Different ones of each kind; the allow list may have any length. */
#define GUARDS_HOST_MAX 16384 /* own addresses and gateways */
#define GUARDS_SSH_MAX 4096   /* peers of ssh */
#define GUARDS_TCP_MAX 32768  /* peers of outbound connections */
#define GUARDS_UDP_MAX 8192   /* and of UDP sockets */
#define GUARDS_MAX 65536      /* all of that, and what settings and standards name */

#define GUARD_CHECKERS 64

struct guard_settings {
	struct prefix
		checkers[GUARD_CHECKERS]; /* whose health checks decide whether we get traffic */
	unsigned int n_checkers;
	uint64_t ssh[SEINE_PORT_WORDS]; /* one bit a port */
	uint32_t special_use; /* 1: private networks and other special ranges are guarded too */
};

struct guard_sources {
	const struct guard_settings *settings;
	const struct seine_ports *ports; /* protected: sockets of clients are not looked at */
	const struct seine_balancer *balancers; /* SEINE_BALANCERS of them */
	const struct allow_entry *allows;	/* those expired by now_sec do not count */
	size_t n_allows;
	uint32_t now_sec;
};

/*
 * Reads it all anew, since it changes while the agent runs; `*ret` is sealed, guards_free() ends
 * it. -ENOMEM is the only error: what cannot be read, or finds no room, guards nothing, and then
 * `why` (`size` bytes) has the sentence for the operator, else it is empty.
 */
int guards_collect(const struct guard_sources *from, char *why, size_t size, struct guards *ret);

#endif
