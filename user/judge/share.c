/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The place of a source among all.
 */
#include "bpf/hash.h"
#include "user/judge/share.h"

uint32_t share_of(const struct seine_meta *meta, const uint8_t source[16])
{
	uint64_t hash = seine_hash(seine_addr_word(source), seine_addr_word(source + 8),
				   meta->seed1, meta->seed0);

	return (uint32_t)((hash >> 32) * SEINE_SHARE >> 32);
}

bool share_spares(const struct seine_meta *meta, const struct seine_entry *row,
		  const uint8_t source[16])
{
	switch (row->action) {
	case SEINE_DROP: return row->share && share_of(meta, source) >= row->share;
	case SEINE_CANARY: return share_of(meta, source) >= row->share;
	default: return false;
	}
}
