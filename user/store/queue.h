/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows that wait to be written, packed as they will lie on the disk.
 *
 * Rows of one kind and span that come together are a run. A run is sorted by key when its first row
 * is taken: written in this order, rows fill their pages one after the other.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* Three spans of a million sources wait at the end of a day, at some 60 bytes each, and as much
 * again while the disk fails for a while. */
#define QUEUE_BYTES (512u << 20)
/* A span told for nobody in particular takes room too. */
#define QUEUE_RUNS 256

struct run;

struct queue {
	struct run *first, *last;
	size_t runs, bytes;
	size_t rows;   /* not yet settled */
	uint64_t lost; /* given up so far, with their run */
};

struct queued {
	unsigned int kind;
	uint32_t start;
	const uint8_t *key, *data;
	size_t key_size, data_size;
};

void queue_clear(struct queue *q);

/* 0 or -ENOMEM. Beyond the limits the oldest run is given up. */
int queue_put(struct queue *q, const struct queued *row);

/* The next row in the order of writing; valid until the queue changes. 1, 0: none, -ENOMEM. */
int queue_take(struct queue *q, struct queued *ret);

void queue_settle(struct queue *q); /* what was taken is written */
void queue_return(struct queue *q); /* it is not: it will be taken again */

#endif
