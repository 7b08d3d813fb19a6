// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The drop list in the kernel: the maps it lives in, made, found again and read back.
 *
 * There are two generations of everything: entries (an inner map of seine_lists), lengths, bits.
 * apply.c builds the one that is not in force and writes the word that brings it into force.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include "seine.skel.h"
#include "user/base/cleanup.h"
#include "user/kernel/handle.h"

#define LIST_MIN 64 /* rows that are always free: for a person with bpftool */

static void entries_freep(struct entries **e)
{
	entries_free(*e);
	*e = NULL;
}

bool lists_key(const struct seine_prefix *key, struct prefix *ret)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
	unsigned int max = memcmp(key->ip, v4, sizeof(v4)) ? 128 : 32;
	struct prefix p;

	if (key->len > max)
		return false;
	p = prefix_of(key->ip, key->len + 128 - max);
	if (memcmp(p.ip, key->ip, sizeof(p.ip)) != 0 || prefix_too_wide(&p))
		return false;
	*ret = p;
	return true;
}

/* The kernel rounds rows up to a power of two of hash buckets. One row beyond a power is the
 * cheapest way to have twice as many buckets as entries, because a fuller table is slower. */
static uint32_t list_rows(size_t n)
{
	uint32_t half = LIST_MIN;

	while (half < n)
		half *= 2;
	return (half > n + LIST_MIN ? half : (uint32_t)n + LIST_MIN) + 1;
}

/* Preallocated, so that it cannot be short of memory later. The types let bpftool print it. */
int lists_new(const struct datapath *d, size_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	if (d->skel) {
		const struct btf *btf = bpf_object__btf(d->skel->obj);
		int key = btf__find_by_name_kind(btf, "seine_prefix", BTF_KIND_STRUCT);
		int value = btf__find_by_name_kind(btf, "seine_entry", BTF_KIND_STRUCT);

		if (key > 0 && value > 0) {
			opts.btf_fd = (uint32_t)bpf_object__btf_fd(d->skel->obj);
			opts.btf_key_type_id = (uint32_t)key;
			opts.btf_value_type_id = (uint32_t)value;
		}
	}
	return bpf_map_create(BPF_MAP_TYPE_HASH, DATAPATH_LIST_PIN, sizeof(struct seine_prefix),
			      sizeof(struct seine_entry), list_rows(n), &opts);
}

static int list_take(const void *key, const void *row, void *arg)
{
	struct entries *list = arg;
	struct entry e;

	if (!lists_key(key, &e.prefix))
		return 0;
	e.row = *(const struct seine_entry *)row;
	e.row.note[SEINE_NOTE - 1] = '\0';
	return list->n < LIST_MAX ? entries_append(list, &e) : -E2BIG;
}

uint32_t lists_rows(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ? 0 : info.max_entries;
}

static int list_read(int fd, struct entries **ret)
{
	_cleanup_(entries_freep) struct entries *list = NULL;
	int r;

	/* As many as there can be, so that the list does not move while it grows: memory that is
	 * not written to costs nothing. */
	r = entries_new(lists_rows(fd), &list);
	if (r < 0)
		return r;
	r = map_walk(fd, sizeof(struct seine_prefix), sizeof(struct seine_entry), list_take, list);
	if (r < 0)
		return r;
	entries_sort(list);
	*ret = take_ptr(list);
	return 0;
}

int lists_enter(struct datapath *d, uint32_t generation, int fd)
{
	int r = bpf_map_update_elem(d->map[MAP_lists], &generation, &fd, BPF_ANY);

	if (r < 0) {
		close(fd);
		return r;
	}
	closep(&d->list[generation]);
	d->list[generation] = fd;
	return 0;
}

int lists_active(const struct datapath *d, uint32_t *ret)
{
	uint32_t zero = 0, active;
	int r;

	r = bpf_map_lookup_elem(d->map[MAP_active], &zero, &active);
	if (r < 0)
		return r;
	*ret = active & 1;
	return 0;
}

int lists_create(struct datapath *d)
{
	for (uint32_t generation = 0; generation < 2; generation++) {
		int fd = lists_new(d, 0), r;

		r = fd < 0 ? fd : lists_enter(d, generation, fd);
		if (r < 0)
			return r;
	}
	return 0;
}

int lists_pin(const struct datapath *d)
{
	uint32_t active;
	int r;

	r = lists_active(d, &active);
	return r < 0 ? r : pins_replace(d->dir, DATAPATH_LIST_PIN, d->list[active]);
}

/* The outer map tells ids only, and asking by id needs CAP_SYS_ADMIN: hence once, at the start. */
static int list_open(const struct datapath *d, uint32_t generation, int *ret)
{
	uint32_t id;
	int r, fd;

	r = bpf_map_lookup_elem(d->map[MAP_lists], &generation, &id);
	if (r < 0)
		return r;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

int lists_adopt(struct datapath *d)
{
	for (uint32_t generation = 0; generation < 2; generation++) {
		int r = list_open(d, generation, &d->list[generation]);

		if (r < 0)
			return r;
	}
	return 0;
}

int datapath_retired(struct datapath *d, struct entries **ret)
{
	uint32_t active;
	int r;

	r = lists_active(d, &active);
	return r < 0 ? r : list_read(d->list[!active], ret);
}

int datapath_lists(struct datapath *d, struct entries **ret)
{
	uint32_t active;
	int r;

	r = lists_active(d, &active);
	return r < 0 ? r : list_read(d->list[active], ret);
}
