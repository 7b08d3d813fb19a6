/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Initial packets of QUIC clients: versions 1 (RFC 9000, 9001) and 2 (RFC 9369), and drafts 22 to
 * 34. Their keys follow from the destination connection id of the client's first packet, so that
 * anybody on the path can open them; they carry the ClientHello in CRYPTO frames.
 */
#ifndef SIGHT_QUIC_H
#define SIGHT_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIC_CID_BYTES 20 /* longest connection id of the versions above */
#define QUIC_PACKET_BYTES \
	2048 /* longest Initial that quic_open() takes: more than an Ethernet MTU */

/* A packet with a long header. Offsets count from its first byte. */
struct quic_packet {
	uint32_t version;
	bool initial;
	const uint8_t *dcid;
	uint8_t dcid_len;
	size_t number_at; /* where the packet number is, protected; of an Initial */
	size_t len;	  /* of the whole packet; another may follow in the datagram */
};

struct quic_keys {
	uint8_t key[16], iv[12], hp[16];
};

struct quic_crypto {
	uint64_t offset;
	const uint8_t *data;
	size_t len;
};

/* Reads the header at the beginning of `data`. -EBADMSG: no long header of a version above, or a
 * packet that does not fit `len`. */
int quic_packet_read(const uint8_t *data, size_t len, struct quic_packet *ret);

/* Opens the Initial `p`, read from `data`: its frames go to `ret` (QUIC_PACKET_BYTES). -EBADMSG:
 * not under these keys; -ENOMEM: OpenSSL failed. */
int quic_open(const struct quic_keys *keys, const uint8_t *data, const struct quic_packet *p,
	      uint8_t *ret, size_t *ret_len);

/* The same for the client's first packet, whose connection id gives the keys. Also for versions
 * that are reserved to force negotiation. */
int quic_open_first(const uint8_t *data, const struct quic_packet *p, struct quic_keys *ret_keys,
		    uint8_t *ret, size_t *ret_len);

/* The next CRYPTO frame from `*at` on, which moves behind it: 1, or 0 at the end of the frames.
 * -EBADMSG: a frame that has no place in an Initial, or is cut. */
int quic_crypto_next(const uint8_t *frames, size_t len, size_t *at, struct quic_crypto *ret);

#endif
