/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two gaps that a split connection shows. Pure.
 *
 * A CONNECT or SOCKS exit ends TCP itself and passes TLS through: the TCP handshake takes the way
 * to the exit, the TLS handshake the way to the hidden client. Its leg shows twice, independently:
 *
 *	g1 = first byte of the hello - handshake ACK
 *	delta = (next client flight - hello) - (handshake ACK - SYN)
 *
 * g1 is max(0, leg - rtt) instead where the exit answers its client before it has dialled.
 * One long gap may be a lost packet or a busy client; two that agree hardly (single and dual). Both
 * also show behind an honest forward proxy, so a gap is evidence of a second leg and of nothing
 *else.
 */
#ifndef SEINE_GAP_H
#define SEINE_GAP_H

#include "parse.h"
#include "seine.h"

#define GAP_AGREE_US 10000 /* gaps agree within this, or within three tenths */
#define GAP_RTT_MIN_US 100 /* below: loopback or a middlebox in the same host */

/* Flags of a handshake whose times mean something else than a round trip. */
#define GAP_UNTRUSTED \
	(SEINE_F_NO_HANDSHAKE | SEINE_F_SYN_AGAIN | SEINE_F_TFO | SEINE_F_RETRANS | \
	 SEINE_F_REORDERED | SEINE_F_LATE_HELLO | SEINE_F_BALANCED | SEINE_F_NO_PURE_ACK)

PARSE_INLINE bool gap_agree(__s64 a, __s64 b, __s64 delta)
{
	__s64 apart = a > b ? a - b : b - a;

	return apart <= GAP_AGREE_US || 10 * apart <= 3 * delta;
}

/* `min_us`: a gap is long from here on. The server's own time is already out of `delta`. */
PARSE_INLINE enum seine_gap gap_classify(__u32 flags, __u32 rtt_us, __s32 g1, __s32 delta,
					 __s32 min_us)
{
	__s64 rtt = rtt_us, behind = delta > rtt ? delta - rtt : 0;

	if (flags & GAP_UNTRUSTED || rtt_us < GAP_RTT_MIN_US || 5ll * delta < -rtt)
		return SEINE_GAP_UNKNOWN;
	if (delta >= min_us && 2ll * g1 >= min_us &&
	    (gap_agree(g1, delta, delta) || gap_agree(g1, behind, delta)))
		return SEINE_GAP_DUAL;
	if (delta >= min_us || g1 >= min_us)
		return SEINE_GAP_SINGLE;
	return SEINE_GAP_NONE;
}

#endif
