/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of ClientHellos: any bytes are refused with file, line and reason, or give names that can
 * be written and read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/hellonames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fclosep) FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	_cleanup_(freep) struct hello_name *names = NULL;
	char why[256] = "", name_why[128];
	size_t n = 0;

	if (!f)
		return 0;
	if (hellonames_parse(f, "x", why, sizeof(why), &names, &n) < 0 &&
	    (names || strncmp(why, "x:", 2)))
		abort();
	for (size_t i = 0; i < n; i++) {
		if (hello_name_check(names[i].name, name_why, sizeof(name_why)) < 0 ||
		    !names[i].key == !names[i].ja4[0])
			abort();
	}
	return 0;
}
