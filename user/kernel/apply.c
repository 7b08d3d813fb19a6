// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Brings a drop list into force.
 *
 *	plan > clear rows for hits > build > read back and compare > one word > wait
 *
 * The generation that is not in force is built completely; until the word is written nothing has
 * changed for any packet. Then a packet that had read the old word may still be on its way: only
 * when none can be, the old generation is given up, and the caller hears that the list is in force.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/kernel/chatter.h"
#include "user/kernel/generation.h"
#include "user/kernel/plan.h"

#define FILL_BATCH 4096	     /* the kernel is not preempted within one */
#define LIST_TRIES 3	     /* memory may be short for a moment */
#define LIST_PAUSE_US 20000  /* twice as long each time */
#define LIST_LARGE (1 << 16) /* entries, 20 MB: beyond it an old list does not stay in memory */

/* ---- bits ---- */

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

static uint64_t *bits_of(struct datapath *d, uint32_t generation)
{
	return d->bits + (size_t)generation * SEINE_BITS_WORDS;
}

/* Are lengths and bits those of the entries? Not where a person has added one with bpftool. */
static int found_by_packets(struct datapath *d, uint32_t active, const struct plan *p, bool *ret)
{
	_cleanup_(freep) uint64_t *bits = NULL;
	struct seine_lengths held;
	int r;

	r = bpf_map_lookup_elem(d->map[MAP_lengths], &active, &held);
	if (r < 0)
		return r;
	bits = malloc(SEINE_BITS_WORDS * sizeof(*bits));
	if (!bits)
		return -ENOMEM;
	generation_bits(p->roster.list, &d->meta, bits);
	*ret = !memcmp(&held, &p->lengths, sizeof(held)) &&
	       !memcmp(bits, bits_of(d, active), SEINE_BITS_WORDS * sizeof(*bits));
	return 0;
}

/* ---- the entries of a generation ---- */

struct batch {
	struct seine_prefix keys[FILL_BATCH];
	struct seine_entry rows[FILL_BATCH];
};

static struct seine_prefix key_of(const struct prefix *p)
{
	struct seine_prefix key = { .len = prefix_family_len(p) };

	memcpy(key.ip, p->ip, sizeof(key.ip));
	return key;
}

static int list_fill(int fd, const struct roster *roster)
{
	_cleanup_(freep) struct batch *b = malloc(sizeof(*b));
	size_t n = roster->list->n;
	int r = 0;

	if (!b)
		return -ENOMEM;
	for (size_t from = 0; from < n && r == 0; from += FILL_BATCH) {
		uint32_t some = n - from < FILL_BATCH ? (uint32_t)(n - from) : FILL_BATCH;

		for (uint32_t i = 0; i < some; i++) {
			b->keys[i] = key_of(&roster->list->list[from + i].prefix);
			b->rows[i] = roster_row(roster, from + i);
		}
		r = bpf_map_update_batch(fd, b->keys, b->rows, &some, NULL);
	}
	return r;
}

static int list_build(const struct datapath *d, const struct roster *roster, int *ret)
{
	int r = -ENOMEM;

	for (int try = 0; try < LIST_TRIES && r == -ENOMEM; try++) {
		_cleanup_(closep) int fd = -1;

		if (try)
			usleep(LIST_PAUSE_US << try);
		fd = lists_new(d, roster->list->n);
		r = fd < 0 ? fd : list_fill(fd, roster);
		if (r == 0)
			*ret = take_fd(fd);
	}
	return r;
}

/* ---- reading back ---- */

struct comparison {
	const struct roster *roster;
	size_t n;
};

static int on_written(const void *key, const void *value, void *arg)
{
	struct comparison *c = arg;
	struct seine_entry row;
	struct prefix p;
	size_t i;

	c->n++;
	if (!lists_key(key, &p) || !roster_find(c->roster, &p, &i))
		return -EIO;
	row = roster_row(c->roster, i);
	return memcmp(&row, value, sizeof(row)) != 0 ? -EIO : 0;
}

/* Does the kernel hold what was written? Others saw maps take less than they acknowledged. */
static int verify(const struct datapath *d, uint32_t generation, const struct plan *p)
{
	struct comparison c = { .roster = &p->roster };
	struct seine_lengths held;
	int r;

	r = map_walk(d->list[generation], sizeof(struct seine_prefix), sizeof(struct seine_entry),
		     on_written, &c);
	if (r < 0)
		return r;
	r = bpf_map_lookup_elem(d->map[MAP_lengths], &generation, &held);
	if (r < 0)
		return r;
	return c.n == p->roster.list->n && !memcmp(&held, &p->lengths, sizeof(held)) ? 0 : -EIO;
}

/* ---- generations ---- */

/* Builds `generation`, which no packet looks at. */
static int generation_build(struct datapath *d, uint32_t generation, const struct plan *p)
{
	int r, fd = -1;

	r = list_build(d, &p->roster, &fd);
	if (r < 0)
		return r;
	r = lists_enter(d, generation, fd);
	if (r < 0)
		return r;
	r = bpf_map_update_elem(d->map[MAP_lengths], &generation, &p->lengths, BPF_ANY);
	if (r < 0)
		return r;
	generation_bits(p->roster.list, &d->meta, bits_of(d, generation));
	return verify(d, generation, p);
}

/*
 * Until no packet looks at the generation that was in force. The kernel waits for them whenever an
 * inner map is written, so the same one is written once more. A large list then gives back its
 * memory; if that fails it does so when the next one is built.
 */
static void generation_retire(struct datapath *d, uint32_t generation, bool large)
{
	int fd;

	(void)bpf_map_update_elem(d->map[MAP_lists], &generation, &d->list[generation], BPF_ANY);
	if (!large)
		return;
	fd = lists_new(d, 0);
	if (fd >= 0)
		(void)lists_enter(d, generation, fd);
}

/* 1: the list before is still there; 0: its memory was given back. */
static int publish(struct datapath *d, uint32_t generation)
{
	uint32_t zero = 0, old = !generation;
	bool large = lists_rows(d->list[old]) > LIST_LARGE;
	int r;

	r = bpf_map_update_elem(d->map[MAP_active], &zero, &generation, BPF_ANY);
	if (r < 0)
		return r;
	/* From here on the list is in force; a stale pin only misleads who dumps it by name. */
	(void)lists_pin(d);
	generation_retire(d, old, large);
	return !large;
}

/* 1: as publish(); 0 also where the list was in force already. */
static int carry_out(struct datapath *d, const struct plan *p)
{
	bool found = false;
	uint32_t active;
	int r;

	r = lists_active(d, &active);
	if (r == 0)
		r = bits_map(d);
	if (r == 0 && p->in_force && !p->n_fresh)
		r = found_by_packets(d, active, p, &found);
	if (r < 0 || found)
		return r;
	r = hits_clear(d, p->fresh, p->n_fresh);
	if (r == 0)
		r = generation_build(d, !active, p);
	return r < 0 ? r : publish(d, !active);
}

static int apply(struct datapath *d, const struct plan *p, char *why)
{
	int r = carry_out(d, p);

	if (r == -EIO)
		return datapath_fail(r, why,
				     "the new drop list reads back differently; "
				     "the old one stays in force");
	if (r == -ENOMEM)
		return datapath_fail(r, why,
				     "no memory for a drop list of %zu entries; the old one stays "
				     "in force",
				     p->roster.list->n);
	if (r < 0)
		return datapath_fail(r, why,
				     "the new drop list was refused (%s); the old one "
				     "stays in force",
				     strerror(-r));
	return r;
}

int datapath_apply(struct datapath *d, const struct entries *wanted, char *why)
{
	_cleanup_(plan_clear) struct plan p = { 0 };
	int r;

	r = plan_make(d, wanted, why, &p);
	if (r == 0)
		r = apply(d, &p, why);
	return r < 0 ? r : 0;
}

int datapath_apply_slots(struct datapath *d, struct entries *list, char *why)
{
	_cleanup_(plan_clear) struct plan p = { 0 };
	int r;

	r = plan_make(d, list, why, &p);
	if (r == 0)
		r = apply(d, &p, why);
	for (size_t i = 0; i < list->n && r >= 0; i++)
		list->list[i].row.slot = p.roster.slot[i];
	return r;
}

int datapath_fits(struct datapath *d, const struct entries *wanted, char *why,
		  size_t *ret_uncounted)
{
	_cleanup_(plan_clear) struct plan p = { 0 };
	int r;

	r = plan_make(d, wanted, why, &p);
	if (r < 0)
		return r;
	if (p.unlimited)
		return datapath_fail(-ENOSPC, why,
				     "%zu entries with a rate find no row to keep it in, all %u "
				     "are taken; raise `hit_slots`",
				     p.unlimited, d->sizes.hit_slots);
	*ret_uncounted = p.uncounted;
	return 0;
}
