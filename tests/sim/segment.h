/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP segments as Ethernet frames, the way different TCP stacks send them. */
#ifndef SIM_SEGMENT_H
#define SIM_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

enum stack {
	STACK_LINUX,
	STACK_WINDOWS,
	STACK_MACOS,
	STACK_ANDROID,
	STACK_LINUX_OLD, /* routers and set-top boxes */
	STACK_BSD,
	STACKS
};

#define SEGMENT_PAYLOAD 1428 /* bytes, with room for IPv6 and timestamps */
#define SEGMENT_FRAME 1514
#define SEGMENT_PORT 443

enum { SEGMENT_FIN = 1, SEGMENT_SYN = 2, SEGMENT_PUSH = 8, SEGMENT_ACK = 16 };

struct segment {
	uint8_t source[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t sport, ip_id;
	uint8_t stack, hops, flags;
	uint32_t seq, ack;
	uint32_t tsval, tsecr; /* of stacks that send timestamps */
	const uint8_t *payload;
	size_t len; /* SEGMENT_PAYLOAD at most */
};

/*
 * To port 443 of 192.0.2.1 or 2001:db8::1, with checksums. Returns the bytes of the frame, which
 * has room for SEGMENT_FRAME and begins two bytes behind a multiple of four, as in a kernel: so the
 * headers in it are aligned.
 */
size_t segment_frame(const struct segment *s, uint8_t *frame);

#endif
