/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rows of a kernel table to give up, so that it never fills. Pure.
 *
 * Tables of sources and prefixes do not evict: eviction is what a flood would use. Instead the
 * agent removes rows that have been idle for long, and when a table is nearly full the longest idle
 * ones, however recent.
 */
#ifndef IDLE_H
#define IDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/seine.h"

struct idle_row {
	struct seine_addr key;
	uint32_t last_sec;
};

struct idle_table {
	struct idle_row *rows;
	size_t n, room;
};

int idle_add(struct idle_table *t, const struct seine_addr *key, uint32_t last_sec);
void idle_free(struct idle_table *t);

/*
 * Moves the rows to give up to the front, and returns how many. `capacity` is the table's; true in
 * `ret_pressed` when rows had to go before their time.
 */
size_t idle_pick(struct idle_table *t, uint32_t capacity, uint32_t now_sec, uint32_t idle_sec,
		 bool *ret_pressed);

#endif
