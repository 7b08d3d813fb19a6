/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of ClientHellos: whatever comes, in whatever order, memory is sound and the counters tell
 * what happened. Input is a list of pieces: a byte whose bits say which of four connections, QUIC,
 * key, late hello; offset and length in two bytes each; data.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/sight/hellos.h"

#define HEADER 5
#define SLOTS 3

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct hellos *h, uint64_t complete, uint64_t bad, uint64_t pieces)
{
	struct hellos_stats stats;

	hellos_stats(h, &stats);
	must(stats.complete == complete && stats.bad == bad);
	must(stats.forgotten <= pieces + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t complete = 0, bad = 0, pieces = 0;
	struct hellos *h = NULL;
	size_t len;

	if (hellos_new(SLOTS, &h) < 0)
		return 0;
	for (; size >= HEADER; data += len, size -= len) {
		struct seine_segment piece = { .tag = 1 + (data[0] & 3),
					       .hello_key = data[0] >> 3 & 3,
					       .time_ns = pieces,
					       .offset = data[1] << 8 | data[2] };
		struct hello_sight sight;
		int r;

		piece.flags =
			(data[0] & 4 ? SEINE_F_QUIC : 0) | (data[0] & 32 ? SEINE_F_LATE_HELLO : 0);
		len = data[3] << 8 | data[4];
		data += HEADER;
		size -= HEADER;
		len = len < size ? len : size;
		len = len < SEINE_SEGMENT ? len : SEINE_SEGMENT;
		piece.len = len;
		memcpy(piece.data, data, len);

		r = hellos_add(h, &piece, &sight);
		must(r == 0 || r == 1 || r == -EBADMSG);
		must(r != 1 || (sight.tag == piece.tag && strlen(sight.ja4) == 36 &&
				strlen(sight.ja4_stable) == 36));
		complete += r == 1;
		bad += r == -EBADMSG;
		pieces++;
	}
	check(h, complete, bad, pieces);
	hellos_free(h);
	return 0;
}
