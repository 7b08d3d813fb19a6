/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that no client on the internet has: the registries of RFC 6890, as far as a packet
 * could bear them as its source. */
#ifndef HOST_SPECIAL_H
#define HOST_SPECIAL_H

#include "user/judge/guards.h"

/* Those that never leave a host or a link. */
int special_guard_always(struct guards *g);

/* Those that leave it, but are not for the internet; some hosts have clients there. */
int special_guard_more(struct guards *g);

#endif
