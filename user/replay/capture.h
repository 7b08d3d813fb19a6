/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture, pcap or pcapng, packet by packet, as frames that the datapath reads. libpcap reads the
 * format; nothing is sought in the file, so that it may be a pipe.
 */
#ifndef REPLAY_CAPTURE_H
#define REPLAY_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "user/replay/link.h"

#define CAPTURE_WHY 320

struct capture;

struct capture_frame {
	struct link_frame frame;
	int64_t time_ns; /* since 1970, as the capture says */
	bool runt;	 /* no frame: the packet is shorter than its link header */
	bool offloaded;	 /* its IP length was 0, and is now what the capture says */
	bool snapped;	 /* less of the packet was captured than it had */
};

/* `path` "-" is standard input. `why` (CAPTURE_WHY bytes) gets "FILE: reason", or
 * "FILE: offset N: reason" where the contents are at fault. */
int capture_open(const char *path, char *why, struct capture **ret);
/* The same of an open stream, which it closes in any case; `name` is for `why`. */
int capture_open_stream(FILE *from, const char *name, char *why, struct capture **ret);
void capture_close(struct capture *c);
void capture_closep(struct capture **c);

/* 1: *ret is the next frame, valid until the next call. 0: the end. -EBADMSG: what follows cannot
 * be read, `why` as above. */
int capture_next(struct capture *c, char *why, struct capture_frame *ret);

uint64_t capture_offset(const struct capture *c); /* bytes read so far */
uint64_t capture_size(const struct capture *c);	  /* of the file; 0: not known */

#endif
