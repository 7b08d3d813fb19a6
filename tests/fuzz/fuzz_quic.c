/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QUIC: headers and frames stay inside the datagram. The first byte says what follows: 0 a
 * datagram, 1 the frames of an Initial, which encryption would hide from the fuzzer.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include "user/sight/quic.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_frames(const uint8_t *frames, size_t len)
{
	struct quic_crypto crypto;
	size_t at = 0, before = 0;
	int r;

	while ((r = quic_crypto_next(frames, len, &at, &crypto)) > 0) {
		must(at > before && at <= len);
		must(crypto.data >= frames && crypto.len <= len);
		must(crypto.data + crypto.len == frames + at);
		must(crypto.offset < 1ull << 62);
		before = at;
	}
	must(r < 0 || at == len);
}

static void check_datagram(const uint8_t *data, size_t size)
{
	uint8_t frames[QUIC_PACKET_BYTES];
	struct quic_packet p;
	struct quic_keys keys;
	size_t len;

	for (size_t at = 0; quic_packet_read(data + at, size - at, &p) == 0; at += p.len) {
		must(p.len > 7 && p.len <= size - at);
		must(p.dcid == data + at + 6 && p.dcid_len <= QUIC_CID_BYTES);
		must(p.number_at <= p.len);
		if (quic_open_first(data + at, &p, &keys, frames, &len) < 0)
			continue;
		must(p.initial && len < p.len);
		check_frames(frames, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		check_frames(data + 1, size - 1);
	else
		check_datagram(data + 1, size - 1);
	return 0;
}
