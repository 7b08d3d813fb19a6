/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much is admitted in the present second, per CPU: what strangers can ask for is limited.
 */
#ifndef SEINE_GUARD_H
#define SEINE_GUARD_H

#include "clock.h"
#include "maps.h"

PARSE_INLINE struct seine_guard *guard_of(__u32 now_sec)
{
	__u32 zero = 0;
	struct seine_guard *g = bpf_map_lookup_elem(&seine_guard, &zero);

	if (g && g->second != now_sec) {
		g->second = now_sec;
		g->flows = 0;
		g->syns = 0;
		g->hellos = 0;
	}
	return g;
}

#endif
