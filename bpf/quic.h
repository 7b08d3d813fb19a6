/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QUIC Initial packets (RFC 9000 17.2.2, RFC 9369 3.2), as far as they can be told from outside.
 * Pure.
 */
#ifndef SEINE_QUIC_H
#define SEINE_QUIC_H

#include "parse.h"

#define QUIC_LONG 0xc0 /* header form and fixed bit */
#define QUIC_TYPE 0x30
#define QUIC_V1 1u
#define QUIC_V2 0x6b3343cfu
#define QUIC_DRAFT 0xff000000u /* | number of the draft */
#define QUIC_DRAFTS 0xffffff00u
#define QUIC_RESERVED 0x0a0a0a0au /* versions that ask for negotiation, RFC 9000 15 */
#define QUIC_RESERVED_BITS 0x0f0f0f0fu
#define QUIC_ID_MAX 20
#define QUIC_START 7 /* first byte, version, length of a connection id and its first byte */

/* Is the datagram of `len` bytes at `off` a client's Initial, or does it begin with one? */
PARSE_INLINE bool quic_is_initial(struct frame *f, __u32 off, __u32 len)
{
	const __u8 *at;
	__u32 version, initial;

	if (len < QUIC_START)
		return false;
	at = parse_at(f, off, QUIC_START);
	if (!at || (at[0] & QUIC_LONG) != QUIC_LONG || !at[5] || at[5] > QUIC_ID_MAX)
		return false;
	version = (__u32)at[1] << 24 | at[2] << 16 | at[3] << 8 | at[4];
	initial = version == QUIC_V2 ? 0x10 : 0;
	return (version == QUIC_V1 || version == QUIC_V2 || (version & QUIC_DRAFTS) == QUIC_DRAFT ||
		(version & QUIC_RESERVED_BITS) == QUIC_RESERVED) &&
	       (at[0] & QUIC_TYPE) == initial;
}

#endif
