/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows that wait to be written. See queue.h. */
#include "user/store/queue.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 4096

struct place { /* of a row, with what sorting mostly needs beside it */
	uint64_t head;
	const uint8_t *row; /* two bytes of sizes, key, data */
};

struct run {
	struct run *next;
	unsigned int kind;
	uint32_t start;
	uint8_t *bytes;
	size_t used, room, n;
	struct place *order;   /* NULL: still growing */
	size_t taken, settled; /* rows of `order` */
};

static size_t weight(const struct run *r)
{
	return r->room + (r->order ? r->n * sizeof(*r->order) : 0);
}

static void drop_first(struct queue *q)
{
	struct run *r = q->first;

	q->first = r->next;
	if (!q->first)
		q->last = NULL;
	q->runs--;
	q->bytes -= weight(r);
	q->rows -= r->n - r->settled;
	free(r->order);
	free(r->bytes);
	free(r);
}

void queue_clear(struct queue *q)
{
	while (q->first)
		drop_first(q);
}

static void give_up_first(struct queue *q)
{
	q->lost += q->first->n - q->first->settled;
	drop_first(q);
}

/* ---- putting ---- */

static struct run *find_growing(const struct queue *q, unsigned int kind, uint32_t start)
{
	for (struct run *r = q->first; r; r = r->next)
		if (!r->order && r->kind == kind && r->start == start)
			return r;
	return NULL;
}

static struct run *begin(struct queue *q, unsigned int kind, uint32_t start)
{
	struct run *r;

	if (q->runs == QUEUE_RUNS)
		give_up_first(q);
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->kind = kind;
	r->start = start;
	if (q->last)
		q->last->next = r;
	else
		q->first = r;
	q->last = r;
	q->runs++;
	return r;
}

static int make_room(struct queue *q, struct run *r, size_t more)
{
	size_t room = r->room ? r->room * 2 : FIRST_BYTES;
	uint8_t *bytes;

	if (r->used + more <= r->room)
		return 0;
	bytes = realloc(r->bytes, room);
	if (!bytes)
		return -ENOMEM;
	q->bytes += room - r->room;
	r->bytes = bytes;
	r->room = room;
	return 0;
}

int queue_put(struct queue *q, const struct queued *row)
{
	struct run *r = q->last;
	int res;

	if (!r || r->order || r->kind != row->kind || r->start != row->start)
		r = find_growing(q, row->kind, row->start);
	if (!r)
		r = begin(q, row->kind, row->start);
	if (!r)
		return -ENOMEM;
	res = make_room(q, r, 2 + row->key_size + row->data_size);
	if (res < 0)
		return res;
	r->bytes[r->used++] = (uint8_t)row->key_size;
	r->bytes[r->used++] = (uint8_t)row->data_size;
	memcpy(r->bytes + r->used, row->key, row->key_size);
	r->used += row->key_size;
	memcpy(r->bytes + r->used, row->data, row->data_size);
	r->used += row->data_size;
	r->n++;
	q->rows++;
	while (q->bytes > QUEUE_BYTES && q->first != r)
		give_up_first(q);
	return 0;
}

/* ---- taking ---- */

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	size_t n = x->row[0] < y->row[0] ? x->row[0] : y->row[0];
	int r;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	r = memcmp(x->row + 2, y->row + 2, n);
	return r ? r : x->row[0] - y->row[0];
}

static int sort(struct queue *q, struct run *r)
{
	const uint8_t *row = r->bytes;
	struct place *order = calloc(r->n, sizeof(*order));
	uint64_t head;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		head = 0;
		memcpy(&head, row + 2, row[0] < sizeof(head) ? row[0] : sizeof(head));
		order[i] = (struct place){ be64toh(head), row };
		row += 2 + row[0] + row[1];
	}
	qsort(order, r->n, sizeof(*order), by_key);
	r->order = order;
	q->bytes += r->n * sizeof(*order);
	return 0;
}

int queue_take(struct queue *q, struct queued *ret)
{
	struct run *r = q->first;
	const uint8_t *row;
	int res;

	while (r && r->order && r->taken == r->n)
		r = r->next;
	if (!r)
		return 0;
	if (!r->order) {
		res = sort(q, r);
		if (res < 0)
			return res;
	}
	row = r->order[r->taken++].row;
	*ret = (struct queued){
		.kind = r->kind,
		.start = r->start,
		.key = row + 2,
		.data = row + 2 + row[0],
		.key_size = row[0],
		.data_size = row[1],
	};
	return 1;
}

void queue_settle(struct queue *q)
{
	for (struct run *r = q->first; r; r = r->next) {
		q->rows -= r->taken - r->settled;
		r->settled = r->taken;
	}
	while (q->first && q->first->order && q->first->settled == q->first->n)
		drop_first(q);
}

void queue_return(struct queue *q)
{
	for (struct run *r = q->first; r; r = r->next)
		r->taken = r->settled;
}
