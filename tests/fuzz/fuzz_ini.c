/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files: any bytes are read or refused with file, line and reason. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/ini.h"

static int take(const char *section, const char *key, const char *value, void *arg, char *why,
		size_t size)
{
	(void)arg;
	if (!*section || !*key || !*value || strchr(" \t", *value) || strchr(key, '='))
		abort();
	if (strcmp(key, "refuse"))
		return 0;
	snprintf(why, size, "refused");
	return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fclosep) FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	char why[256] = "";

	if (!f)
		return 0;
	if (ini_read(f, "x", take, NULL, why, sizeof(why)) < 0 && strncmp(why, "x:", 2))
		abort();
	return 0;
}
