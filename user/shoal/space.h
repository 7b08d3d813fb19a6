/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The space of (requests, request size, response size), cut into bins that are logarithmic on all
 * three axes: at the finest scale a sixth of an octave of requests and a factor of 1.07 in sizes,
 * at each coarser one twice as wide.
 */
#ifndef SHOAL_SPACE_H
#define SHOAL_SPACE_H

#include <stdint.h>
#include "user/sight/observation.h"

#define SPACE_SCALES 3
#define SPACE_AXES 3
#define SPACE_VOLUME 0 /* the axis of requests */
#define SPACE_VOLUME_BITS 7
#define SPACE_SIZE_BITS 8
#define SPACE_STEPS (1u << SPACE_SIZE_BITS) /* on the longest axis */
#define SPACE_BINS (1u << (SPACE_VOLUME_BITS + 2 * SPACE_SIZE_BITS))

/* The bin of a source at the finest scale. The outermost bins stay empty, so that every bin of a
 * source has neighbours on all sides, at any scale. */
uint32_t space_bin(const struct features *f);

uint32_t space_coarser(uint32_t bin, unsigned int scale);

/* Where a bin lies on an axis. */
static inline uint32_t space_step(uint32_t bin, unsigned int axis)
{
	return axis == 0   ? bin >> 2 * SPACE_SIZE_BITS
	       : axis == 1 ? bin >> SPACE_SIZE_BITS & (SPACE_STEPS - 1)
			   : bin & (SPACE_STEPS - 1);
}

#endif
