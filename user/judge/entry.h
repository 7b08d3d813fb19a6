/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drop entries as user space handles them, sorted lists of them, and the difference of two lists.
 * Pure.
 */
#ifndef JUDGE_ENTRY_H
#define JUDGE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include "bpf/seine.h"
#include "user/base/prefix.h"

struct entry {
	struct prefix prefix;
	struct seine_entry row; /* as the kernel holds it */
};

#define LIST_MAX (1 << 20) /* entries of a list: 150 MB of unswappable memory in the kernel */

/* Sorted by prefix; one entry a prefix. */
struct entries {
	struct entry *list;
	size_t n;
	size_t room;
};

void entries_free(struct entries *e);
int entries_new(size_t room, struct entries **ret);

/* Adds or replaces, keeping the order. For a few entries: each costs a move of those behind it. */
int entries_put(struct entries *e, const struct entry *entry);

/* For many: append in any order, no prefix twice, then sort once. */
int entries_append(struct entries *e, const struct entry *entry);
void entries_sort(struct entries *e);

/* -ENOENT when there is none with exactly this prefix. */
int entries_remove(struct entries *e, const struct prefix *p);

const struct entry *entries_find(const struct entries *e, const struct prefix *p);

/* The longest entry that covers a prefix; for an address, the one the datapath would hit. NULL:
 * none. */
const struct entry *entries_match(const struct entries *e, const struct prefix *p);

struct entries_diff {
	size_t added, removed, changed;
};

/* What it takes to get from `held` to `wanted`. The hit counters' slot does not count: the kernel
 * side assigns it. */
struct entries_diff entries_compare(const struct entries *held, const struct entries *wanted);

/* The same, one by one in order of prefixes: `was` is NULL for what is added, `is` for what is
 * removed. */
typedef void (*entries_change_fn)(const struct entry *was, const struct entry *is, void *arg);
struct entries_diff entries_each_change(const struct entries *held, const struct entries *wanted,
					entries_change_fn fn, void *arg);

/* Equal but for the slot. */
bool entry_same(const struct entry *a, const struct entry *b);

#endif
