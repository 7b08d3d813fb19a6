/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allow lists: any bytes are refused with file, line and reason, or give prefixes that are not too
 * wide. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/allowfile.h"
#include "user/base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fclosep) FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	_cleanup_(freep) struct listed *rows = NULL;
	char why[256] = "";
	size_t n = 0;

	if (!f)
		return 0;
	if (allowfile_read(f, "x", why, sizeof(why), &rows, &n) < 0 &&
	    (rows || strncmp(why, "x:", 2)))
		abort();
	for (size_t i = 0; i < n; i++) {
		if (prefix_too_wide(&rows[i].prefix) || !memchr(rows[i].note, '\0', SEINE_NOTE))
			abort();
	}
	return 0;
}
