/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ClientHellos for tests: made field by field, put into TLS records, or into QUIC packets. */
#ifndef TESTS_HELLO_BYTES_H
#define TESTS_HELLO_BYTES_H

#include <stddef.h>
#include <stdint.h>

#define BYTES_MAX 70000

struct bytes {
	uint8_t data[BYTES_MAX];
	size_t len;
};

void bytes_add(struct bytes *b, const void *data, size_t len);
void bytes_fill(struct bytes *b, uint8_t value, size_t len);
/* `size` bytes, most significant first. */
void bytes_number(struct bytes *b, uint64_t value, unsigned int size);

/* Opens a vector whose length takes `size` bytes; the result goes to bytes_close(). */
size_t bytes_open(struct bytes *b, unsigned int size);
void bytes_close(struct bytes *b, size_t opened, unsigned int size);

/* An extension of a hello: its type, its length, its body. */
void bytes_extension(struct bytes *b, uint16_t type, const void *body, size_t len);

/* A hello as a browser sends it, after which its extensions may be gone on with: GREASE, SNI, ALPN
 * h2 and http/1.1, versions 1.3 and 1.2, three signatures, a ticket, and `padding` bytes of padding
 * (0: none). `seed` is its random. */
void hello_make(uint8_t seed, size_t padding, struct bytes *ret);
#define HELLO_JA4 "13d0305h2_40b44b994229_7106140218c7" /* behind t or q; without padding */
#define HELLO_JA4_PADDED "13d0306h2_40b44b994229_08823fdf7c54"
#define HELLO_JA4_STABLE "13d0304h2_40b44b994229_4b7616f1fee2"

/* `message` in records of `record_len` bytes each, behind what is in `ret`. */
void records_add(const struct bytes *message, size_t record_len, struct bytes *ret);

/* A CRYPTO frame with `len` bytes of `message` from `offset` on. */
void crypto_add(const struct bytes *message, size_t offset, size_t len, struct bytes *ret);

/* A client's Initial packet behind what is in `ret`. `key_id`: the connection id that gives the
 * keys, 8 bytes; `id`: the one in the header. Version 1, or 2 (0x6b3343cf), or one of a known salt.
 */
struct initial {
	uint32_t version;
	const uint8_t *salt; /* 20 bytes */
	const char *label;   /* "quic" or "quicv2" */
	uint8_t first;	     /* byte, with 4 bytes of packet number: 0xc3, or 0xd3 in version 2 */
	uint8_t id[8], key_id[8];
	uint32_t number;
};
void initial_add(const struct initial *p, const struct bytes *frames, struct bytes *ret);
extern const struct initial initial_v1, initial_v2;

#endif
