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

struct hello {
	__u64 key;
	__u32 bytes; /* of the record, with its header */
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

/* Reads the ClientHello that begins at `off`: 0, or -1 when it is none or cut before its last
 * suite. */
PARSE_ONCE int hello_read(struct frame *f, __u32 off, struct hello *ret)
{
	const __u8 *at = parse_at(f, off, HELLO_FIXED);
	__u32 count, record;
	__u64 sum = 0;
	__u32 real = 0;

	if (!ret || !at || tls_record(at, &record) != TLS_HANDSHAKE || at[5] != 1 || at[9] != 3 ||
	    at[43] > 32)
		return -1;

	sum = seine_mix64((__u64)at[9] << 8 | at[10]);
	off += HELLO_FIXED + at[43];
	at = parse_at(f, off, 2);
	if (!at)
		return -1;
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
			return -1;
		suite = at[0] << 8 | at[1];
		if (!hello_is_grease(suite)) {
			sum += seine_mix64(0x10000 | suite);
			real++;
		}
		off += 2;
	}
	ret->key = seine_mix64(sum + real);
	ret->bytes = TLS_RECORD_HEADER + record;
	return 0;
}

#endif
