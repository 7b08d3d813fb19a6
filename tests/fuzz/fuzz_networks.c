/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of networks: any bytes are refused with file, line and reason, or give a table in which
 * every address has an answer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/networks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fclosep) FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	_cleanup_(asns_freep) struct asns *a = NULL;
	char why[256] = "";
	uint8_t ip[16];

	if (!f)
		return 0;
	if (networks_parse(f, "x", why, sizeof(why), &a) < 0) {
		if (a || strncmp(why, "x:", 2))
			abort();
		return 0;
	}
	for (size_t at = 0; at + sizeof(ip) <= size; at++) {
		memcpy(ip, data + at, sizeof(ip));
		if (asns_find(a, ip) == UINT32_MAX || (!asns_count(a) && asns_find(a, ip)))
			abort();
	}
	return 0;
}
