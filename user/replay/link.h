/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what a capture calls a packet to the Ethernet frame that the datapath reads: what has no
 * Ethernet header gets one. Pure.
 */
#ifndef REPLAY_LINK_H
#define REPLAY_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_FRAME_MIN 14
#define LINK_FRAME_MAX 3400 /* as many as the datapath sees of a frame */

/* Where a frame is built that does not stand in the capture as it is. */
struct link_room {
	uint8_t bytes[LINK_FRAME_MAX];
};

/* Can packets of this link type (DLT_* of libpcap) become frames? */
bool link_known(int type);

struct link_frame {
	const uint8_t *at;
	uint32_t len;  /* LINK_FRAME_MIN to LINK_FRAME_MAX */
	uint32_t lost; /* bytes of the packet that were cut off here */
};

/*
 * `ret->at` is `packet` itself, or `room`. Longer packets are cut: the lengths that count are those
 * of the IP header. False: too short to be a packet of this link type.
 */
bool link_frame(int type, const uint8_t *packet, size_t len, struct link_room *room,
		struct link_frame *ret);

/*
 * A sender that leaves the cutting to its NIC leaves the IP length at 0 as well. Where it is, puts
 * in how long the packet is, of which `missing` bytes are not in the frame. True: done, and
 * `ret->at` is `room` now.
 */
bool link_fill_length(size_t missing, struct link_room *room, struct link_frame *ret);

#endif
