/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a source stands among all: what a canary takes first, and what a drop holds out. The same
 * as verdict_share() of bpf/verdict.h, in user space. Pure.
 */
#ifndef JUDGE_SHARE_H
#define JUDGE_SHARE_H

#include <stdbool.h>
#include <stdint.h>
#include "bpf/seine.h"

/*
 * From 0 to SEINE_SHARE - 1, evenly over sources, and the same for every entry for as long as the
 * maps live. `source` is a source's key: IPv6 masked to meta->source_bits. An entry with a share
 * drops those whose place is below it.
 */
uint32_t share_of(const struct seine_meta *meta, const uint8_t source[16]);

/* Does an entry spare this source? Only a canary and a drop with a share spare any. */
bool share_spares(const struct seine_meta *meta, const struct seine_entry *row,
		  const uint8_t source[16]);

#endif
