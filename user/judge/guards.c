/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no drop may touch.
 */
#include "user/judge/judge.h"

static const struct guarded too_wide = { .rule = "too wide" };

const struct guarded *guards_refuse(const struct guards *g, const struct prefix *p)
{
	if (prefix_too_wide(p))
		return &too_wide;
	for (size_t i = 0; i < g->n; i++)
		if (prefix_overlaps(&g->list[i].prefix, p))
			return &g->list[i];
	return NULL;
}
