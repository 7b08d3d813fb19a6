/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks: prefixes flattened into ranges, by a sweep that keeps those around it on a stack.
 */
#include "user/sight/asns.h"

#include <errno.h>
#include <stdlib.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"

struct row { /* one prefix */
	uint64_t first;
	uint32_t asn;
	uint32_t len;
};

/* One family: rows until it is settled, ranges from then on. */
struct family {
	struct row *rows;
	size_t n, room;
	uint64_t *first; /* addresses where a range begins; it ends where the next one does */
	uint32_t *asn;	 /* of each range; 0: a hole */
	uint32_t *index; /* of the first range that begins at these upper bits or later */
	uint32_t ranges;
};

/* An index by so many bits leaves a few ranges of a full table of IPv4 to search in. */
#define INDEX_BITS 16
#define INDEX_SIZE ((1u << INDEX_BITS) + 1)

enum { V4, V6, FAMILIES };

struct asns {
	struct family families[FAMILIES];
	size_t n;
	bool settled;
};

int asns_new(struct asns **ret)
{
	struct asns *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	*ret = a;
	return 0;
}

void asns_free(struct asns *a)
{
	if (!a)
		return;
	for (int i = 0; i < FAMILIES; i++) {
		free(a->families[i].rows);
		free(a->families[i].first);
		free(a->families[i].asn);
		free(a->families[i].index);
	}
	free(a);
}

/* An address as a word, IPv4 in its upper half, so that lengths mean the same in both families. */
static int word_of(const uint8_t ip[16], uint64_t *ret)
{
	uint64_t hi = seine_addr_word(ip), lo = seine_addr_word(ip + 8);
	bool v4 = seine_addr_is_v4(hi, lo);

	*ret = v4 ? lo << 32 : hi;
	return v4 ? V4 : V6;
}

int asns_add(struct asns *a, const struct prefix *p, uint32_t asn)
{
	bool v4 = prefix_is_v4(p);
	struct family *f = &a->families[v4 ? V4 : V6];
	struct row row = { .asn = asn, .len = prefix_family_len(p) };

	if (a->settled || (!v4 && p->len > ASNS_V6_MAX))
		return -EINVAL;
	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 64;
		struct row *rows = reallocarray(f->rows, room, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		f->rows = rows;
		f->room = room;
	}
	(void)word_of(p->ip, &row.first);
	f->rows[f->n++] = row;
	a->n++;
	return 0;
}

/* ---- flattening ---- */

/* By address, the wider before what lies in it, and of two alike the one that counts first. */
static int row_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->asn < y->asn ? -1 : x->asn > y->asn;
}

static uint64_t last_of(const struct row *r)
{
	return r->len >= 64 ? r->first : r->first | UINT64_MAX >> r->len;
}

static bool alike(const struct row *a, const struct row *b)
{
	return a->first == b->first && a->len == b->len;
}

/* From `first` on it is `asn`. What began at the same address lies further out and has no part. */
static void put_range(struct family *f, uint64_t first, uint32_t asn)
{
	if (f->ranges && f->first[f->ranges - 1] == first)
		f->ranges--;
	if ((f->ranges ? f->asn[f->ranges - 1] : 0) == asn)
		return;
	f->first[f->ranges] = first;
	f->asn[f->ranges++] = asn;
}

/* Prefixes around the place where the sweep is, the longest on top: each is longer than the one
 * below it, so no more than lengths there are. */
struct nest {
	const struct row *rows[ASNS_V6_MAX + 1];
	size_t n;
};

/* Leaves the prefixes that end before `row`; NULL: all of them. */
static void leave(struct nest *nest, struct family *f, const struct row *row)
{
	uint64_t last;

	while (nest->n) {
		last = last_of(nest->rows[nest->n - 1]);
		if (row && last >= row->first)
			return;
		nest->n--;
		if (last < UINT64_MAX)
			put_range(f, last + 1, nest->n ? nest->rows[nest->n - 1]->asn : 0);
	}
}

static void sweep(struct family *f)
{
	struct nest nest = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		if (i && alike(&f->rows[i - 1], &f->rows[i]))
			continue;
		leave(&nest, f, &f->rows[i]);
		put_range(f, f->rows[i].first, f->rows[i].asn);
		nest.rows[nest.n++] = &f->rows[i];
	}
	leave(&nest, f, NULL);
}

static int index_ranges(struct family *f)
{
	uint32_t at = 0;

	f->index = reallocarray(NULL, INDEX_SIZE, sizeof(*f->index));
	if (!f->index)
		return -ENOMEM;
	for (uint32_t bits = 0; bits < INDEX_SIZE; bits++) {
		while (at < f->ranges && f->first[at] >> (64 - INDEX_BITS) < bits)
			at++;
		f->index[bits] = at;
	}
	return 0;
}

/* A range begins where a prefix begins or ends. Pages beyond the last one were never touched, so
 * they cost nothing even while this runs. */
static int flatten(struct family *f)
{
	uint64_t *first;
	uint32_t *asn;

	if (f->n)
		qsort(f->rows, f->n, sizeof(*f->rows), row_compare);
	f->first = reallocarray(NULL, 2 * f->n + 1, sizeof(*f->first));
	f->asn = reallocarray(NULL, 2 * f->n + 1, sizeof(*f->asn));
	if (!f->first || !f->asn)
		return -ENOMEM;
	sweep(f);
	free(take_ptr(f->rows));
	f->n = f->room = 0;

	first = reallocarray(f->first, f->ranges + 1, sizeof(*first));
	if (first)
		f->first = first;
	asn = reallocarray(f->asn, f->ranges + 1, sizeof(*asn));
	if (asn)
		f->asn = asn;
	return index_ranges(f);
}

int asns_settle(struct asns *a)
{
	int r = 0;

	for (int i = 0; i < FAMILIES && r == 0 && !a->settled; i++)
		r = flatten(&a->families[i]);
	a->settled = true;
	return r;
}

/* ---- questions ---- */

uint32_t asns_find(const struct asns *a, const uint8_t ip[16])
{
	const struct family *f;
	uint32_t low, n, half, bits;
	uint64_t word;

	f = &a->families[word_of(ip, &word)];
	bits = (uint32_t)(word >> (64 - INDEX_BITS));
	low = f->index[bits] ? f->index[bits] - 1 : 0;
	n = f->index[bits + 1] - low;
	if (!n || word < f->first[low])
		return 0;
	/* first[low] <= word < first[low + n]: halved without a branch that could be guessed wrong.
	 */
	while (n > 1) {
		half = n / 2;
		low += f->first[low + half] <= word ? half : 0;
		n -= half;
	}
	return f->asn[low];
}

size_t asns_count(const struct asns *a)
{
	return a->n;
}
