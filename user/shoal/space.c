/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bins of the space of requests and sizes.
 */
#include <math.h>
#include "user/shoal/space.h"

#define BIN_OCTAVE (1.0 / 6) /* of requests ... */
#define FEW 6		     /* ... and so many more: of few requests one is no difference */
#define BIN_SIZE (0.2 / 3)   /* of the natural logarithm of a size */
#define SIZE_LOW 2.5	     /* exp(2.5), 12 bytes, and less are one bin */

/* Steps begin at 1; what lies beyond the axis is put on its last one. */
static uint32_t step(double x, unsigned int bits)
{
	return (uint32_t)fmin(fmax(1 + x, 1), (1u << bits) - 2);
}

static uint32_t bin_at(uint32_t volume, uint32_t request, uint32_t response)
{
	return (volume << SPACE_SIZE_BITS | request) << SPACE_SIZE_BITS | response;
}

uint32_t space_bin(const struct features *f)
{
	return bin_at(step((log2((double)f->requests + FEW) - log2(FEW)) / BIN_OCTAVE,
			   SPACE_VOLUME_BITS),
		      step((f->log_request - SIZE_LOW) / BIN_SIZE, SPACE_SIZE_BITS),
		      step((f->log_response - SIZE_LOW) / BIN_SIZE, SPACE_SIZE_BITS));
}

static uint32_t coarser(uint32_t bin, unsigned int axis, unsigned int scale)
{
	return ((space_step(bin, axis) - 1) >> scale) + 1;
}

uint32_t space_coarser(uint32_t bin, unsigned int scale)
{
	return bin_at(coarser(bin, 0, scale), coarser(bin, 1, scale), coarser(bin, 2, scale));
}
