/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Radix sort over the bytes that differ, and search in what it sorted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/sight/observation.h"
#include "user/sight/order.h"

#define KEY_BYTES 16
#define RADIX 256

static unsigned int byte_of(const struct ordered *o, unsigned int byte)
{
	return (byte < 8 ? o->lo >> (8 * byte) : o->hi >> (8 * (byte - 8))) & (RADIX - 1);
}

static void pass(const struct ordered *from, size_t n, unsigned int byte, struct ordered *to)
{
	size_t place[RADIX] = { 0 }, start = 0, count;

	for (size_t i = 0; i < n; i++)
		place[byte_of(&from[i], byte)]++;
	for (unsigned int value = 0; value < RADIX; value++) {
		count = place[value];
		place[value] = start;
		start += count;
	}
	for (size_t i = 0; i < n; i++)
		to[place[byte_of(&from[i], byte)]++] = from[i];
}

int order_sort(struct ordered *list, size_t n)
{
	_cleanup_(freep) struct ordered *spare = NULL;
	struct ordered differ = { 0 }, *from = list, *to, *swap;

	for (size_t i = 1; i < n; i++) {
		differ.hi |= list[i].hi ^ list[0].hi;
		differ.lo |= list[i].lo ^ list[0].lo;
	}
	if (!differ.hi && !differ.lo)
		return 0;
	spare = malloc(n * sizeof(*spare));
	if (!spare)
		return -ENOMEM;

	to = spare;
	for (unsigned int byte = 0; byte < KEY_BYTES; byte++) {
		if (!byte_of(&differ, byte))
			continue;
		pass(from, n, byte, to);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != list)
		memcpy(list, from, n * sizeof(*list));
	return 0;
}

int order_by_address(const struct features *f, size_t n, struct ordered **ret)
{
	_cleanup_(freep) struct ordered *list = calloc(n + 1, sizeof(*list));
	int r;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		list[i] = (struct ordered){ seine_addr_word(f[i].source),
					    seine_addr_word(f[i].source + 8), (uint32_t)i };
	r = order_sort(list, n);
	if (r < 0)
		return r;
	*ret = take_ptr(list);
	return 0;
}

/* How many lie before an address, or up to and with it. */
static size_t count_before(const struct ordered *list, size_t n, uint64_t hi, uint64_t lo,
			   bool with)
{
	size_t low = 0, high = n, mid;
	bool before;

	while (low < high) {
		mid = low + (high - low) / 2;
		before = list[mid].hi < hi || (list[mid].hi == hi &&
					       (list[mid].lo < lo || (with && list[mid].lo == lo)));
		if (before)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void order_within(const struct ordered *list, size_t n, const struct prefix *prefix,
		  size_t *ret_first, size_t *ret_end)
{
	uint64_t hi = seine_addr_word(prefix->ip), lo = seine_addr_word(prefix->ip + 8);
	uint64_t last_hi = hi, last_lo = lo;

	if (prefix->len <= 64)
		last_lo = UINT64_MAX;
	else if (prefix->len < 128)
		last_lo |= UINT64_MAX >> (prefix->len - 64);
	if (!prefix->len)
		last_hi = UINT64_MAX;
	else if (prefix->len < 64)
		last_hi |= UINT64_MAX >> prefix->len;

	*ret_first = count_before(list, n, hi, lo, false);
	*ret_end = count_before(list, n, last_hi, last_lo, true);
}
