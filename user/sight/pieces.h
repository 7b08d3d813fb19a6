/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning of a stream, put together from pieces that come in any order, overlap, and come
 * twice. Of bytes that come twice the first ones stay.
 */
#ifndef SIGHT_PIECES_H
#define SIGHT_PIECES_H

#include <stddef.h>
#include <stdint.h>

#define PIECES_BYTES 65536  /* of the stream; longer than any ClientHello in its records */
#define PIECES_STRETCHES 64 /* between holes; browsers cut a QUIC hello into some ten frames */

struct stretch {
	uint32_t from, to;
};

/* All zero: nothing has come. */
struct pieces {
	uint8_t *bytes;
	size_t room;				    /* of bytes */
	struct stretch stretches[PIECES_STRETCHES]; /* what has come, in order, never touching */
	size_t n;
};

/* -E2BIG: beyond the limits; -ENOMEM. Then what came before is unharmed. */
int pieces_put(struct pieces *p, uint64_t offset, const uint8_t *data, size_t len);

/* How many bytes there are from the first one on without a hole. */
size_t pieces_ready(const struct pieces *p);

/* Back to all zero. */
void pieces_drop(struct pieces *p);

#endif
