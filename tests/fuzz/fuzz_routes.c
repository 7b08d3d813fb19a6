/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and routes as the kernel tells them: any bytes give prefixes that are masked, and no
 * more than find room. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/host/netlink.h"
#include "user/host/routes.h"

#define ROOM 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(finds_free) struct finds f = { .max = ROOM };
	_cleanup_(freep) void *copy = malloc(size + !size); /* aligned, and its end is known */

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (netlink_each(copy, size, routes_read, &f) < 0)
		abort();
	finds_sort(&f);
	if (f.n > ROOM)
		abort();
	for (size_t i = 0; i < f.n; i++) {
		struct prefix p = prefix_of(f.list[i].prefix.ip, f.list[i].prefix.len);

		if (f.list[i].kind > FIND_GATEWAY || f.list[i].prefix.len > 128 ||
		    prefix_compare(&p, &f.list[i].prefix))
			abort();
	}
	return 0;
}
