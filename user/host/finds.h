/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses as they are found on this host, each once, and no more than a limit: thousands of
 * routes lead through one gateway, thousands of connections to one database.
 */
#ifndef HOST_FINDS_H
#define HOST_FINDS_H

#include <stdbool.h>
#include <stdint.h>
#include "user/base/prefix.h"

enum find_kind { /* in the order in which their rules speak */
		 FIND_OWN,
		 FIND_GATEWAY,
		 FIND_SSH,
		 FIND_TCP,
		 FIND_UDP,
};

struct find {
	struct prefix prefix;
	uint8_t kind;
	uint32_t detail; /* OWN, GATEWAY: number of the device. TCP, UDP: port at their end */
};

/* Zeroed but for `max`: empty. */
struct finds {
	struct find *list;
	size_t n, room;
	size_t max;    /* different ones */
	bool left_out; /* there were more */
};

/* 0 or -ENOMEM. What finds no room is told by `left_out` alone. */
int finds_add(struct finds *f, const struct find *found);

/* By kind, then prefix, each once with the detail that came first, and at most `max`. */
void finds_sort(struct finds *f);

void finds_free(struct finds *f);

#endif
