/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a generation of the drop list holds besides its entries: the prefix lengths in use, and the
 * bitmap that tells in one memory access that an address touches no entry. Pure.
 */
#ifndef KERNEL_GENERATION_H
#define KERNEL_GENERATION_H

#include "bpf/seine.h"
#include "user/judge/entry.h"

/* -E2BIG: more different IPv6 lengths than the datapath searches; -EINVAL: a prefix too wide for
 * anyone. */
int generation_lengths(const struct entries *e, struct seine_lengths *ret);

/* `words` (SEINE_BITS_WORDS) gets exactly the bits of these entries. */
void generation_bits(const struct entries *e, const struct seine_meta *meta, uint64_t *words);

#endif
