/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS records and the ClientHello, as far as the datapath needs them. Pure.
 *
 * The hello key stands for a TLS stack and its settings: 64 bits over the version and the set of
 * cipher suites without GREASE (RFC 8701). Both stand in the first segment of any hello. The sum
 * over suites does not depend on their order, so that a stack which shuffles, or which prefers
 * other suites on other processors, keeps its key; extensions, which change with resumption and key
 * shares, are left out.
 */
#ifndef SEINE_HELLO_H
#define SEINE_HELLO_H

#include "hash.h"
#include "parse.h"

#define TLS_CHANGE_CIPHER 20
#define TLS_ALERT 21
#define TLS_HANDSHAKE 22
#define TLS_DATA 23
#define TLS_RECORD_HEADER 5
#define TLS_RECORD_MAX 16640 /* RFC 8446 5.2: 2^14 + 256 */
#define HELLO_SUITES 128     /* read at most; the longest lists seen in the wild have about 100 */
#define HELLO_FIXED 44	     /* record header to session id length */
#define HELLO_START 6	     /* of these bytes a hello can be told from other data */
#define HELLO_EXTENSIONS 48  /* looked at per segment; stacks send up to about 20 */
#define HELLO_LOST (~0u)     /* a place that is not known any more, or not wanted */
#define HELLO_EXT_PSK 41     /* pre_shared_key, RFC 8446 4.2.11 */

struct hello {
	__u64 key;   /* 0: the segment ends before the last cipher suite */
	__u32 bytes; /* of the record, with its header */
	__u32 skip; /* from its first byte to its first extension; HELLO_LOST: not in this segment */
};

PARSE_INLINE int hello_is_grease(__u16 suite)
{
	return (suite & 0x0f0f) == 0x0a0a && suite >> 8 == (suite & 0xff);
}

/* Is there a record header at `at` (TLS_RECORD_HEADER bytes)? Its type, or 0; length behind it. */
PARSE_INLINE __u8 tls_record(const __u8 *at, __u32 *len)
{
	*len = at[3] << 8 | at[4];
	if (at[0] < TLS_CHANGE_CIPHER || at[0] > TLS_DATA || at[1] != 3 || at[2] > 4 || !*len ||
	    *len > TLS_RECORD_MAX)
		return 0;
	return at[0];
}

/* Does a ClientHello begin at `off`, of whose segment `len` bytes are left? Its record's length
 * with header, or 0. */
PARSE_INLINE __u32 hello_begins(struct frame *f, __u32 off, __u32 len)
{
	const __u8 *at;
	__u32 record;

	if (len < HELLO_START)
		return 0;
	at = parse_at(f, off, HELLO_START);
	if (!at || tls_record(at, &record) != TLS_HANDSHAKE || at[5] != 1)
		return 0;
	return TLS_RECORD_HEADER + record;
}

/* The key of the hello that begins at `start`, and where its extensions begin; untouched when the
 * buffer ends before. -1: this is no hello after all. */
PARSE_ONCE int hello_suites(struct frame *f, __u32 start, struct hello *ret)
{
	const __u8 *at = parse_at(f, start, HELLO_FIXED);
	__u32 off, count, real = 0;
	__u64 sum;

	if (!ret || !at)
		return 0;
	if (at[9] != 3 || at[43] > 32)
		return -1;

	sum = seine_mix64((__u64)at[9] << 8 | at[10]);
	off = start + HELLO_FIXED + at[43];
	at = parse_at(f, off, 2);
	if (!at)
		return 0;
	count = (at[0] << 8 | at[1]) / 2;
	if (!count || count > HELLO_SUITES || at[1] & 1)
		return -1;
	off += 2;

	PARSE_LOOP
	for (__u32 i = 0; i < HELLO_SUITES; i++) {
		__u16 suite;

		if (i >= count)
			break;
		at = parse_at(f, off, 2);
		if (!at)
			return 0;
		suite = at[0] << 8 | at[1];
		if (!hello_is_grease(suite)) {
			sum += seine_mix64(0x10000 | suite);
			real++;
		}
		off += 2;
	}
	ret->key = seine_mix64(sum + real);
	at = parse_at(f, off, 1);
	if (at)
		ret->skip = off + 1 + at[0] + 2 - start;
	return 0;
}

/* Reads the ClientHello that begins at `off`, of whose segment `len` bytes are left: 0, or -1 when
 * it is none. */
PARSE_INLINE int hello_read(struct frame *f, __u32 off, __u32 len, struct hello *ret)
{
	ret->key = 0;
	ret->skip = HELLO_LOST;
	ret->bytes = hello_begins(f, off, len);
	return ret->bytes ? hello_suites(f, off, ret) : -1;
}

/*
 * The extensions of a hello in one of its segments: `len` bytes at `off`. `skip`, from there to the
 * next extension, is brought forward to the end of the segment. Returns whether a pre-shared key is
 * offered, which says that a session is to be resumed.
 */
PARSE_ONCE int hello_offers_psk(struct frame *f, __u32 off, __u32 len, __u32 *skip)
{
	__u32 at, end;

	if (!skip || *skip == HELLO_LOST || len > PARSE_OFFSET_MAX)
		return 0;
	if (*skip >= len) {
		*skip -= len;
		return 0;
	}
	at = off + *skip;
	end = off + len;
	*skip = HELLO_LOST;

	PARSE_LOOP
	for (int i = 0; i < HELLO_EXTENSIONS; i++) {
		const __u8 *ext;

		if (at >= end) {
			*skip = at - end;
			return 0;
		}
		ext = parse_at(f, at, 4);
		if (!ext || at + 4 > end)
			return 0;
		if ((ext[0] << 8 | ext[1]) == HELLO_EXT_PSK)
			return 1;
		at += 4 + (ext[2] << 8 | ext[3]);
	}
	return 0;
}

#endif
