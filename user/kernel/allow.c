// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The allow list in the kernel: a trie, which a packet asks for the longest prefix that covers it.
 * Small (a few thousand), so one system call an entry is fine.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/kernel/chatter.h"
#include "user/kernel/handle.h"

static struct seine_allow_key allow_key(const struct prefix *p)
{
	struct seine_allow_key key = { .len128 = p->len };

	memcpy(key.ip, p->ip, sizeof(key.ip));
	return key;
}

static bool allow_held(const struct allow_entry *held, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++) {
		if (!prefix_compare(&held[i].prefix, p))
			return true;
	}
	return false;
}

int datapath_allow_fits(struct datapath *d, const struct allow_entry *list, size_t n, char *why)
{
	_cleanup_(freep) struct allow_entry *held = NULL;
	size_t more = 0, n_held;
	int r;

	r = datapath_allows(d, &held, &n_held);
	if (r < 0)
		return datapath_fail(r, why, "cannot read the allow list: %s", strerror(-r));
	for (size_t i = 0; i < n; i++)
		more += !allow_held(held, n_held, &list[i].prefix);
	if (n_held + more <= d->sizes.allows)
		return 0;
	return datapath_fail(-ENOSPC, why,
			     "the allow list has room for %u entries, holds %zu, and %zu more do "
			     "not fit",
			     d->sizes.allows, n_held, more);
}

int datapath_allow_put(struct datapath *d, const struct allow_entry *a)
{
	struct seine_allow_key key = allow_key(&a->prefix);

	return bpf_map_update_elem(d->map[MAP_allow], &key, &a->row, BPF_ANY);
}

int datapath_allow_remove(struct datapath *d, const struct prefix *p)
{
	struct seine_allow_key key = allow_key(p);

	return bpf_map_delete_elem(d->map[MAP_allow], &key);
}

int datapath_allows(struct datapath *d, struct allow_entry **ret, size_t *ret_n)
{
	_cleanup_(freep) struct allow_entry *list = NULL;
	struct seine_allow_key key, next;
	size_t n = 0;
	int r;

	list = calloc(d->sizes.allows, sizeof(*list));
	if (!list)
		return -ENOMEM;

	r = bpf_map_get_next_key(d->map[MAP_allow], NULL, &next);
	while (r == 0 && n < d->sizes.allows) {
		key = next;
		if (key.len128 <= 128 &&
		    bpf_map_lookup_elem(d->map[MAP_allow], &key, &list[n].row) == 0)
			list[n++].prefix = prefix_of(key.ip, key.len128);
		r = bpf_map_get_next_key(d->map[MAP_allow], &key, &next);
	}
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = take_ptr(list);
	*ret_n = n;
	return 0;
}
