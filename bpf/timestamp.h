/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP timestamps (RFC 7323): which of the server's segments a client answers. Pure.
 *
 * A client echoes the timestamp of the segment it answers (TSecr). The server's SYN-ACK went out
 * when the SYN came, so the echo in the first ACK tells what the server's clock showed then, and
 * every later echo when the segment in question was sent: the time between that and its answer is a
 * round trip without the server's thinking, and without what was lost before.
 */
#ifndef SEINE_TIMESTAMP_H
#define SEINE_TIMESTAMP_H

#include "parse.h"

#define TIMESTAMP_TICK_US 1000u /* Linux servers count milliseconds */
#define TIMESTAMP_TICKS 2000000u
#define TIMESTAMP_FIRST 12   /* NOP, NOP, timestamp: what nearly all stacks send */
#define TIMESTAMP_OPTIONS 12 /* options looked through otherwise */

/* The echoed timestamp, 0 when there is none. */
PARSE_ONCE __u32 timestamp_echo(struct frame *f, const struct packet *p)
{
	__u32 off, end;
	const __u8 *at;

	if (!p || p->tcp_options < TIMESTAMP_FIRST)
		return 0;
	off = p->l4 + sizeof(struct tcphdr);
	end = off + p->tcp_options;
	at = parse_at(f, off, TIMESTAMP_FIRST);
	if (!at)
		return 0;
	if (at[0] == 1 && at[1] == 1 && at[2] == 8 && at[3] == 10)
		return (__u32)at[8] << 24 | at[9] << 16 | at[10] << 8 | at[11];

	PARSE_LOOP
	for (int i = 0; i < TIMESTAMP_OPTIONS; i++) {
		if (off + 10 > end)
			return 0;
		at = parse_at(f, off, 10);
		if (!at || !at[0])
			return 0;
		if (at[0] == 8 && at[1] == 10)
			return (__u32)at[6] << 24 | at[7] << 16 | at[8] << 8 | at[9];
		if (at[0] != 1 && at[1] < 2)
			return 0;
		off += at[0] == 1 ? 1 : at[1];
	}
	return 0;
}

/*
 * When the segment with timestamp `echo` was sent, in us after the SYN; `first` is what the first
 * ACK echoed, `elapsed_us` how long ago the SYN came. -1 when the two cannot be of one clock, or
 * after half an hour, when the result has no room.
 */
PARSE_INLINE __s32 timestamp_sent_us(__u32 first, __u32 echo, __u32 elapsed_us)
{
	__u32 ticks = echo - first;

	if (!first || !echo || ticks > elapsed_us / TIMESTAMP_TICK_US + 1 ||
	    ticks > TIMESTAMP_TICKS)
		return -1;
	return ticks * TIMESTAMP_TICK_US;
}

#endif
