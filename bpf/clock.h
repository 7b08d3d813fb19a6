/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The datapath's clock, CLOCK_MONOTONIC. Two prices: fine (about 30 ns a call) where a handshake
 * is timed, coarse (about 6 ns, moves once a tick) everywhere else. Tests and replay set it.
 */
#ifndef SEINE_CLOCK_H
#define SEINE_CLOCK_H

#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "parse.h"

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_SEC 1000000000ull

const volatile bool test_clock; /* take the time from clock_ns */
__u64 clock_ns;

PARSE_INLINE __u64 clock_fine(void)
{
	return test_clock ? *(volatile __u64 *)&clock_ns : bpf_ktime_get_ns();
}

PARSE_INLINE __u64 clock_coarse(void)
{
	return test_clock ? *(volatile __u64 *)&clock_ns : bpf_ktime_get_coarse_ns();
}

#endif
