/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of seeds: any bytes give addresses with notes that end, or are refused with file, line and
 * reason. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/seedfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void told(const char *sentence, void *arg)
{
	size_t *n = arg;

	if (strncmp(sentence, "x:", 2) != 0)
		abort();
	(*n)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fclosep) FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	struct seeds seeds = { 0 };
	size_t bad = 0;

	if (!f)
		return 0;
	if (seedfile_read(f, "x", told, &bad, &seeds) < 0) {
		if (!bad || seeds.list || seeds.n)
			abort();
		return 0;
	}
	if (bad)
		abort();
	for (size_t i = 0; i < seeds.n; i++)
		if (!memchr(seeds.list[i].note, '\0', SEED_NOTE) || seeds.list[i].expires_sec)
			abort();
	free(seeds.list);
	return 0;
}
