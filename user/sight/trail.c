/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weights that halve with age. */
#include <math.h>
#include "user/sight/trail.h"
#include "user/sight/window.h"

struct trail trail_at(const struct trail *t, uint32_t now_sec, uint32_t day_sec)
{
	float weight = exp2f(-(float)sec_since(t->sec, now_sec) /
			     ((float)TRAIL_HALF_LIFE * (float)day_sec));

	return (struct trail){ t->none * weight, t->single * weight, t->dual * weight, now_sec };
}

void trail_doubt(struct trail *t)
{
	float all = t->none + t->single + t->dual, weight;

	if (all <= TRAIL_LEFT)
		return;
	weight = TRAIL_LEFT / all;
	t->none *= weight;
	t->single *= weight;
	t->dual *= weight;
}
