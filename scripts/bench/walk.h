/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the generator walks over source addresses: network after network in steps that leave no two
 * neighbours side by side, then the same networks with their next host. Shared by the program,
 * which advances the state, and by user space, which writes the plan before each run.
 */
#ifndef BENCH_WALK_H
#define BENCH_WALK_H

#include <linux/types.h>

struct walk {
	__u32 base; /* first address, host order */
	__u32 nets; /* networks, 2^shift addresses apart */
	__u32 shift;
	__u32 hosts;	/* sources in each network */
	__u32 step;	/* from one network to the next; shares no divisor with nets */
	__u32 ip_sum;	/* ones' complement sum of the IP header without source and checksum */
	__u32 seq;	/* of the first lap, host order */
	__u32 seq_step; /* what a lap over all sources adds */
	__u32 ack;
	__u32 ack_step;
	__u32 ifindex; /* where frames are redirected to */
	__u32 net;     /* state from here on */
	__u32 host;
	__u32 laps;
};

#define SCRIPT_KINDS 5
#define SCRIPT_BYTES 192 /* of a frame; shorter ones are padded, their IP header says so */

/* What each source of a walk sends, one kind of frame after the other: a block of sources all send
 * the first, then all the second. */
struct script {
	__u32 kinds;
	__u32 block;
	__u32 kind;    /* state from here on */
	__u32 left;    /* in the present block, of this kind */
	__u32 started; /* a frame has been written; what was in the buffer before is not ours */
	struct walk start;
	struct {
		__u8 bytes[SCRIPT_BYTES];
		__u32 ip_sum;
		__u32 seq;
		__u32 ack;
		__u32 reserved;
	} frame[SCRIPT_KINDS];
};

#endif
