/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures: any bytes are read to their end or refused with place and reason; frames fit. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/replay/capture.h"

static volatile uint8_t seen; /* every byte is looked at, for the sanitizer to object */

static void check_frame(const struct capture_frame *f)
{
	if (f->runt)
		return;
	if (f->frame.len < LINK_FRAME_MIN || f->frame.len > LINK_FRAME_MAX)
		abort();
	for (uint32_t i = 0; i < f->frame.len; i++)
		seen ^= f->frame.at[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(capture_closep) struct capture *c = NULL;
	FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	char why[CAPTURE_WHY] = "";
	struct capture_frame frame;
	int r;

	if (!f)
		return 0;
	r = capture_open_stream(f, "x", why, &c);
	if (r == 0)
		r = capture_next(c, why, &frame);
	for (; r == 1; r = capture_next(c, why, &frame))
		check_frame(&frame);
	if (r < 0 && r != -ENOMEM && strncmp(why, "x: ", 3) != 0)
		abort();
	return 0;
}
