/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ClientHello message (RFC 8446 4.1.2; older versions differ only in what they leave out), as
 * far as it tells one TLS client from another. Strict: every length must fit the one around it, and
 * nothing may be left over.
 */
#ifndef SIGHT_CLIENT_HELLO_H
#define SIGHT_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_HELLO 1		    /* the handshake message's type */
#define CLIENT_HELLO_HEADER 4	    /* type and length of a handshake message */
#define CLIENT_HELLO_CIPHERS 512    /* IANA has given out fewer than 400 */
#define CLIENT_HELLO_EXTENSIONS 128 /* IANA has given out fewer than 70 */
#define CLIENT_HELLO_SIGNATURES 128 /* IANA has given out fewer than 60 */

/* Types of extensions that somebody here asks for. */
enum {
	TLS_EXT_SNI = 0x0000,
	TLS_EXT_SIGNATURES = 0x000d,
	TLS_EXT_ALPN = 0x0010,
	TLS_EXT_PADDING = 0x0015,
	TLS_EXT_TICKET = 0x0023,
	TLS_EXT_PSK = 0x0029,
	TLS_EXT_EARLY_DATA = 0x002a,
	TLS_EXT_VERSIONS = 0x002b,
};

struct client_hello {
	uint16_t legacy_version;
	uint16_t version; /* the highest offered by supported_versions, 0: none there */
	bool sni, psk, early_data;
	const uint8_t *alpn; /* the first protocol, in the message; NULL: none */
	uint8_t alpn_len;
	/* In the message's order, GREASE included. */
	uint16_t ciphers[CLIENT_HELLO_CIPHERS];
	uint16_t extensions[CLIENT_HELLO_EXTENSIONS];
	uint16_t signatures[CLIENT_HELLO_SIGNATURES]; /* signature_algorithms, not ..._cert */
	size_t cipher_count, extension_count, signature_count;
};

/* One of the values that mean nothing, and are sent so that servers learn to ignore such (RFC
 * 8701). */
bool tls_is_grease(uint16_t value);

/* `message` begins with its type and holds nothing behind its end. `ret` points into it. -EBADMSG:
 * no ClientHello, or one with more in it than the limits above; then `ret` holds rubbish. */
int client_hello_parse(const uint8_t *message, size_t len, struct client_hello *ret);

#endif
