// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The drop list in the kernel.
 *
 * There are two generations of everything: entries (an inner map of seine_lists), lengths, bits.
 * The one that is not in force is built completely, read back and compared, and then one word is
 * written. Replacing the inner map waits until no packet uses the one before, which is why what
 * follows may be written in place. Until that word is written nothing has changed for any packet.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "seine.skel.h"
#include "user/base/cleanup.h"
#include "user/kernel/chatter.h"
#include "user/kernel/generation.h"
#include "user/kernel/handle.h"

#define LIST_MIN 64	   /* rows; must not be zero, and saves growing for the first few */
#define LIST_TRIES 3	   /* memory may be short for a moment */
#define LIST_PAUSE_US 10000

static void entries_freep(struct entries **e)
{
	entries_free(*e);
	*e = NULL;
}

static struct seine_prefix key_of(const struct prefix *p)
{
	struct seine_prefix key = { .len = prefix_family_len(p) };

	memcpy(key.ip, p->ip, sizeof(key.ip));
	return key;
}

/* False for a key that can never match a packet: only a person with bpftool writes such. */
static bool key_read(const struct seine_prefix *key, struct prefix *ret)
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

static uint32_t list_rows(size_t n)
{
	uint32_t rows = LIST_MIN;

	while (rows < 2 * n)
		rows *= 2;
	return rows;
}

/* Twice the entries, because a fuller table is slower; preallocated, so that it cannot be short of
 * memory later. The types let bpftool print it. */
static int list_new(const struct datapath *d, size_t n)
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

static int list_fill(int fd, const struct entries *e)
{
	_cleanup_(freep) struct seine_prefix *keys = NULL;
	_cleanup_(freep) struct seine_entry *rows = NULL;
	uint32_t n = (uint32_t)e->n;

	if (!n)
		return 0;
	keys = calloc(n, sizeof(*keys));
	rows = calloc(n, sizeof(*rows));
	if (!keys || !rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		keys[i] = key_of(&e->list[i].prefix);
		rows[i] = e->list[i].row;
	}
	return bpf_map_update_batch(fd, keys, rows, &n, NULL);
}

static int list_build(const struct datapath *d, const struct entries *e, int *ret)
{
	int r = -ENOMEM;

	for (int try = 0; try < LIST_TRIES && r == -ENOMEM; try++) {
		_cleanup_(closep) int fd = list_new(d, e->n);

		r = fd < 0 ? fd : list_fill(fd, e);
		if (r == 0)
			*ret = take_fd(fd);
		else if (r == -ENOMEM)
			usleep(LIST_PAUSE_US);
	}
	return r;
}

static int list_take(const void *key, const void *row, void *arg)
{
	struct entries *list = arg;
	struct entry e;

	if (!key_read(key, &e.prefix))
		return 0;
	e.row = *(const struct seine_entry *)row;
	e.row.note[SEINE_NOTE - 1] = '\0';
	return list->n < LIST_MAX ? entries_append(list, &e) : -E2BIG;
}

static int list_read(int fd, struct entries **ret)
{
	_cleanup_(entries_freep) struct entries *list = NULL;
	int r;

	r = entries_new(LIST_MIN, &list);
	if (r < 0)
		return r;
	r = map_walk(fd, sizeof(struct seine_prefix), sizeof(struct seine_entry), list_take, list);
	if (r < 0)
		return r;
	entries_sort(list);
	*ret = take_ptr(list);
	return 0;
}

static int list_enter(struct datapath *d, uint32_t generation, int fd)
{
	return bpf_map_update_elem(d->map[MAP_lists], &generation, &fd, BPF_ANY);
}

static int active_read(const struct datapath *d, uint32_t *ret)
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
	const struct entries none = { 0 };

	for (uint32_t generation = 0; generation < 2; generation++) {
		int r = list_build(d, &none, &d->list[generation]);

		if (r == 0)
			r = list_enter(d, generation, d->list[generation]);
		if (r < 0)
			return r;
	}
	return 0;
}

int lists_pin(const struct datapath *d)
{
	uint32_t active;
	int r;

	r = active_read(d, &active);
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

int datapath_lists(struct datapath *d, struct entries **ret)
{
	uint32_t active;
	int r;

	r = active_read(d, &active);
	return r < 0 ? r : list_read(d->list[active], ret);
}

static int bits_map(struct datapath *d)
{
	size_t bytes = 2ul * SEINE_BITS_WORDS * sizeof(uint64_t);
	void *p;

	if (d->bits)
		return 0;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, d->map[MAP_bits], 0);
	if (p == MAP_FAILED)
		return -errno;
	d->bits = p;
	return 0;
}

static bool same(const struct entries *a, const struct entries *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (prefix_compare(&a->list[i].prefix, &b->list[i].prefix) != 0 ||
		    memcmp(&a->list[i].row, &b->list[i].row, sizeof(a->list[i].row)) != 0)
			return false;
	}
	return true;
}

/* Does the kernel hold what was written? Others saw maps take less than they acknowledged. */
static int verify(const struct datapath *d, uint32_t generation, const struct entries *e,
		  const struct seine_lengths *lengths)
{
	_cleanup_(entries_freep) struct entries *held = NULL;
	struct seine_lengths held_lengths;
	int r;

	r = list_read(d->list[generation], &held);
	if (r < 0)
		return r;
	r = bpf_map_lookup_elem(d->map[MAP_lengths], &generation, &held_lengths);
	if (r < 0)
		return r;
	return same(held, e) && !memcmp(&held_lengths, lengths, sizeof(*lengths)) ? 0 : -EIO;
}

/* Builds `generation`, which no packet looks at. */
static int generation_build(struct datapath *d, uint32_t generation, const struct entries *e,
			    const struct seine_lengths *lengths)
{
	_cleanup_(closep) int fd = -1;
	int r;

	r = list_build(d, e, &fd);
	if (r < 0)
		return r;
	r = list_enter(d, generation, fd);
	if (r < 0)
		return r;
	closep(&d->list[generation]);
	d->list[generation] = take_fd(fd);

	r = bpf_map_update_elem(d->map[MAP_lengths], &generation, lengths, BPF_ANY);
	if (r < 0)
		return r;
	r = bits_map(d);
	if (r < 0)
		return r;
	generation_bits(e, &d->meta, d->bits + (size_t)generation * SEINE_BITS_WORDS);
	return verify(d, generation, e, lengths);
}

static int list_copy(const struct entries *from, struct entries **ret)
{
	_cleanup_(entries_freep) struct entries *copy = NULL;
	int r;

	r = entries_new(from->n, &copy);
	for (size_t i = 0; i < from->n && r == 0; i++)
		r = entries_append(copy, &from->list[i]);
	if (r == 0)
		*ret = take_ptr(copy);
	return r;
}

static int replace(struct datapath *d, struct entries *next, const struct seine_lengths *lengths)
{
	_cleanup_(entries_freep) struct entries *held = NULL;
	uint32_t zero = 0, active;
	int r;

	r = active_read(d, &active);
	if (r < 0)
		return r;
	r = list_read(d->list[active], &held);
	if (r < 0)
		return r;
	r = hits_assign(d, held, next);
	if (r < 0)
		return r;

	active = !active;
	r = generation_build(d, active, next, lengths);
	if (r < 0)
		return r;
	r = bpf_map_update_elem(d->map[MAP_active], &zero, &active, BPF_ANY);
	if (r < 0)
		return r;
	/* From here on the list is in force; a stale pin only misleads who dumps it by name. */
	(void)lists_pin(d);
	return 0;
}

int datapath_apply(struct datapath *d, const struct entries *wanted, char *why)
{
	_cleanup_(entries_freep) struct entries *next = NULL;
	struct seine_lengths lengths;
	int r;

	if (wanted->n > LIST_MAX)
		return datapath_fail(-E2BIG, why, "a drop list holds at most %d entries", LIST_MAX);
	r = generation_lengths(wanted, &lengths);
	if (r == -E2BIG)
		return datapath_fail(r, why, "more than %d different IPv6 prefix lengths",
				     SEINE_V6_LENGTHS);
	if (r < 0)
		return datapath_fail(r, why, "a prefix is too wide");

	r = list_copy(wanted, &next);
	if (r == 0)
		r = replace(d, next, &lengths);
	if (r == -EIO)
		return datapath_fail(r, why,
				     "the new drop list reads back differently; "
				     "the old one stays in force");
	if (r < 0)
		return datapath_fail(r, why,
				     "the new drop list was refused (%s); the old one "
				     "stays in force",
				     strerror(-r));
	return 0;
}
