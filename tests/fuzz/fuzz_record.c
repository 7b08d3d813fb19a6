/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS records in a stream cut into segments, against a second reader that goes byte by byte and
 * keeps whole headers between segments. Both must say the same of each segment. Input: how many
 * segments, how much of each the buffer holds, their lengths in two bytes each, then the stream.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "bpf/record.h"

#define SEGMENTS_MAX 16

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct reader {
	uint8_t header[5];
	uint32_t have; /* bytes of the header */
	uint32_t left; /* of the record */
};

static void begins(uint8_t type, uint32_t len, struct records *s)
{
	s->types |= 1 << (type - 20);
	if (!s->first)
		s->first = type;
	if (type != 23)
		return;
	if (len + 5 > s->largest)
		s->largest = len + 5;
	s->requests += len + 5 >= 64;
	s->sizes |= (len == 21) | (len == 53) << 1 | (len == 69) << 2;
}

/* One byte of a header: -1 when it cannot be one. */
static int header_byte(struct reader *r, uint8_t c, struct records *s)
{
	r->header[r->have++] = c;
	if (r->header[0] < 20 || r->header[0] > 23 || (r->have > 1 && r->header[1] != 3) ||
	    (r->have > 2 && r->header[2] > 4) || (r->have > 3 && r->header[3] > 0x41))
		return -1;
	if (r->have < 5)
		return 0;
	r->left = r->header[3] * 256 + r->header[4];
	if (!r->left || r->left > 16640)
		return -1;
	begins(r->header[0], r->left, s);
	return 0;
}

/* Bytes [0, len), of which `held` may be looked at: 0, -1 lost, 1 lost behind the eighth header. */
static int naive(struct reader *r, const uint8_t *at, uint32_t held, uint32_t len,
		 struct records *s)
{
	uint32_t headers = 0;
	bool in_header = false;

	for (uint32_t i = 0; i < len; i++) {
		if (!r->left && r->have == 5)
			r->have = 0;
		in_header = r->have < 5;
		if (in_header && (r->have == 0 || i == 0) && headers++ == 8) {
			s->data += len - i;
			if (len - i > s->largest)
				s->largest = len - i;
			s->requests += len - i >= 64;
			return 1;
		}
		if (in_header && (i >= held || header_byte(r, at[i], s)))
			return -1;
		if (!in_header)
			r->left--;
		s->data += r->header[0] == 23;
	}
	return 0;
}

/* The state between segments says what it should. */
static void check_left(const struct reader *r, uint32_t left)
{
	if (r->have == 5 && !r->left)
		must(!left);
	else if (r->have == 5)
		must((left & RECORD_LEFT) == r->left && !(left >> RECORD_PASSED & 7));
	else
		must((left >> RECORD_PASSED & 7) == r->have);
}

/* One segment; false when the boundary is lost. */
static bool segment(struct reader *r, const uint8_t *at, uint32_t held, uint32_t len,
		    uint32_t *left)
{
	_cleanup_(freep) uint8_t *copy = malloc(held ? held : 1);
	struct records one, two = { 0 };
	struct frame f;
	int got, want;

	if (!copy)
		return false;
	memcpy(copy, at, held);
	f = (struct frame){ copy, copy + held };
	memset(&one, 0xee, sizeof(one));
	got = record_read(&f, 0, len, *left, &one);
	want = naive(r, at, held, len, &two);
	must(got == (want < 0 ? -1 : 0));
	record_resync(&f, 0, len);
	if (got)
		return false;
	must((one.left == RECORD_LOST) == (want == 1));
	if (!want)
		check_left(r, one.left);
	*left = two.left = one.left;
	must(!memcmp(&one, &two, sizeof(one)));
	return !want;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = { .have = 5 };
	uint32_t segments, snap, left = 0;
	const uint8_t *stream, *end = data + size;

	if (size < 2)
		return 0;
	segments = data[0] % SEGMENTS_MAX;
	snap = data[1] ? data[1] * 16 : UINT32_MAX;
	if (size < 2 + 2 * segments)
		return 0;
	stream = data + 2 + 2 * segments;
	for (uint32_t i = 0; i < segments && stream < end; i++) {
		uint32_t len = data[2 + 2 * i] << 8 | data[3 + 2 * i];

		if (len > end - stream)
			len = end - stream;
		if (!segment(&r, stream, len < snap ? len : snap, len, &left))
			break;
		stream += len;
	}
	return 0;
}
