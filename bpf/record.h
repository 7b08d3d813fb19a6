/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS records in what a client sends, followed from segment to segment: how much of it is
 * application data, and whether a record begins that may be a request. Pure.
 *
 * From one segment to the next goes a single word, `left`. Zero: a record begins. A plain number up
 * to RECORD_LEFT: so many bytes are left of something that is no application data. What this file
 * makes of it also holds the type, and where a segment ends within a header, as much of the header
 * as is needed to go on. Only headers are read, never contents: a frame's buffer may be shorter
 * than its segment. A header that the buffer does not hold, or that is none, loses the boundary.
 */
#ifndef SEINE_RECORD_H
#define SEINE_RECORD_H

#include "hello.h"
#include "parse.h"

#define RECORD_MAX 8	   /* headers read in one segment; the rest counts as one record */
#define RECORD_REQUEST 64  /* bytes with header; HTTP/2's PING takes 39, SETTINGS' ACK 31 */
#define RECORD_LEFT 0xffff /* of `left`: bytes; within a header: its fourth byte, << 8 */
#define RECORD_PASSED 16   /* bits from here on: how many bytes of a header have passed */
#define RECORD_TYPE 24	   /* bits from here on: its type, less TLS_CHANGE_CIPHER */
#define RECORD_UNUSED 0xfcf80000
#define RECORD_LOST 0xffffffff /* no boundary is known */

/* Lengths by which encrypted handshake messages are known; application data may have them, too. */
#define RECORD_EARLY_END 0x1   /* 21: EndOfEarlyData */
#define RECORD_FINISHED 0x2    /* 53: Finished with SHA-256 */
#define RECORD_FINISHED384 0x4 /* 69: with SHA-384 */

/* One segment. A record begins where its header is complete. */
struct records {
	__u32 data;    /* bytes of application data records, with headers */
	__u32 largest; /* application data record that begins here, with header; whole length */
	__u32 left;    /* for the next segment, RECORD_LOST after more than RECORD_MAX */
	__u8 requests; /* application data records of RECORD_REQUEST or more that begin here */
	__u8 types;    /* that begin here, bit type - TLS_CHANGE_CIPHER */
	__u8 first;    /* type of the first one that begins here, or 0 */
	__u8 sizes;    /* RECORD_EARLY_END, ..., of those that begin here */
};

PARSE_INLINE void record_grow(struct records *s, __u32 bytes)
{
	if (bytes > s->largest)
		s->largest = bytes;
	if (bytes >= RECORD_REQUEST)
		s->requests++;
}

/* A record of `len` bytes begins. */
PARSE_INLINE void record_note(struct records *s, __u32 type, __u32 len)
{
	s->types |= 1 << (type & 3);
	if (!s->first)
		s->first = TLS_CHANGE_CIPHER + (type & 3);
	if (type + TLS_CHANGE_CIPHER != TLS_DATA)
		return;
	record_grow(s, TLS_RECORD_HEADER + len);
	if (len == 21)
		s->sizes |= RECORD_EARLY_END;
	if (len == 53)
		s->sizes |= RECORD_FINISHED;
	if (len == 69)
		s->sizes |= RECORD_FINISHED384;
}

/* The `nth` byte of a header; false when it may not stand there. The same rules as tls_record(). */
PARSE_INLINE bool record_byte(__u32 nth, __u32 c, __u32 *type, __u32 *len)
{
	switch (nth) {
	case 0: *type = c - TLS_CHANGE_CIPHER; return *type <= TLS_DATA - TLS_CHANGE_CIPHER;
	case 1: return c == 3;
	case 2: return c <= 4;
	case 3: *len = c << 8; return *len <= TLS_RECORD_MAX;
	default: *len |= c; return *len && *len <= TLS_RECORD_MAX;
	}
}

/* What a segment of `len` bytes has of a header, from the byte on that `left` says; how many bytes,
 * 0 when it is none or not in the buffer. */
PARSE_INLINE __u32 record_header(struct frame *f, __u32 off, __u32 len, struct records *s)
{
	__u32 passed = s->left >> RECORD_PASSED & 7, type = s->left >> RECORD_TYPE & 3;
	__u32 bytes = s->left & RECORD_LEFT, took = 0;

	PARSE_LOOP
	for (__u32 i = 0; i < TLS_RECORD_HEADER; i++) {
		const __u8 *at;

		if (i < passed)
			continue;
		if (took >= len)
			break;
		at = parse_at(f, off + took, 1);
		if (!at || !record_byte(i, *at, &type, &bytes))
			return 0;
		took++;
	}
	s->left = bytes | type << RECORD_TYPE;
	passed += took;
	if (passed < TLS_RECORD_HEADER)
		s->left |= passed << RECORD_PASSED;
	else
		record_note(s, type, bytes);
	if (type + TLS_CHANGE_CIPHER == TLS_DATA)
		s->data += took;
	return took;
}

/* One header and what follows of its record, or the rest of one that began before, within `len`
 * bytes: how many bytes that is, 0 when the boundary is lost. */
PARSE_ONCE int record_step(struct frame *f, __u32 off, __u32 len, struct records *s)
{
	__u32 header = 0, body;

	if (!s || !len)
		return 0;
	if (!(s->left & RECORD_LEFT) || s->left >> RECORD_PASSED & 7) {
		header = record_header(f, off, len, s);
		if (!header || s->left >> RECORD_PASSED & 7)
			return header;
	}
	body = s->left & RECORD_LEFT;
	if (body > len - header)
		body = len - header;
	if ((s->left >> RECORD_TYPE & 3) + TLS_CHANGE_CIPHER == TLS_DATA)
		s->data += body;
	s->left -= body;
	if (!(s->left & RECORD_LEFT))
		s->left = 0;
	return header + body;
}

/* Follows the records through `len` bytes at `off`, which come next in the stream: 0, or -1 when
 * the boundary is lost; `ret` is left alone then. */
PARSE_ONCE int record_read(struct frame *f, __u32 off, __u32 len, __u32 left, struct records *ret)
{
	bool older = left & RECORD_LEFT && !(left >> RECORD_PASSED & 7);
	struct records s = { .left = left };

	if (!ret || left & RECORD_UNUSED || (left >> RECORD_PASSED & 7) >= TLS_RECORD_HEADER)
		return -1;

	PARSE_LOOP
	for (__u32 i = 0; i <= RECORD_MAX; i++) {
		__u32 step;

		/* The rest of an older record takes a step, but no header. */
		if (!len || (i == RECORD_MAX && !older))
			break;
		step = record_step(f, off, len, &s);
		if (!step || step > len)
			return -1;
		off += step;
		len -= step;
	}
	if (len) {
		s.data += len;
		record_grow(&s, len);
		s.left = RECORD_LOST;
	}
	*ret = s;
	return 0;
}

/* Does a record of application data seem to begin here? Where the boundary was lost, that is taken
 * for the next one. */
PARSE_INLINE bool record_resync(struct frame *f, __u32 off, __u32 len)
{
	const __u8 *at = parse_at(f, off, TLS_RECORD_HEADER);
	__u32 bytes;

	return at && len >= TLS_RECORD_HEADER && tls_record(at, &bytes) == TLS_DATA && at[2] == 3;
}

#endif
