// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What clients send. Each hello has the ciphers and extensions that libraries of its
 * kind send; variants leave out the last few ciphers, as builds and settings do.
 */
#include "tests/sim/software.h"

#include <stdbool.h>
#include <string.h>

#define CIPHERS_MIN 4 /* that any variant keeps */
#define RECORD_HEADER 5u
#define RECORD_WHOLE (RECORD_HEADER + 16384u + 17u) /* with tag and type */
#define FINISHED 53				    /* with SHA-256 */
#define LAST_MIN 64	 /* the smallest record that a request ends with */
#define MLKEM_SHARE 1216 /* bytes of an X25519MLKEM768 key share */

enum {
	EXT_SNI = 0,
	EXT_GROUPS = 10,
	EXT_POINTS = 11,
	EXT_SIGNATURES = 13,
	EXT_ALPN = 16,
	EXT_EXTENDED_MASTER = 23,
	EXT_TICKET = 35,
	EXT_VERSIONS = 43,
	EXT_PSK_MODES = 45,
	EXT_KEY_SHARE = 51,
	EXT_RENEGOTIATION = 0xff01,
};

struct shape {
	uint8_t n_ciphers;
	bool grease, h2, ticket, big_share;
	uint16_t ciphers[40];
};

static const struct shape shapes[SOFTWARE_BASES] = {
	[SOFTWARE_BROWSER] = {
		15, true, true, true, true,
		{ 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
		  0xc014, 0x009c, 0x009d, 0x002f, 0x0035 },
	},
	[SOFTWARE_OPENSSL] = {
		30, false, true, true, false,
		{ 0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc02b,
		  0xc02f, 0x009e, 0xc024, 0xc028, 0x006b, 0xc023, 0xc027, 0x0067, 0xc00a, 0xc014,
		  0x0039, 0xc009, 0xc013, 0x0033, 0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f },
	},
	[SOFTWARE_GO] = {
		13, false, true, true, false,
		{ 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014,
		  0x1301, 0x1302, 0x1303 },
	},
	[SOFTWARE_NODE] = {
		22, false, false, true, false,
		{ 0x1302, 0x1303, 0x1301, 0xc02f, 0xc02b, 0xc030, 0xc02c, 0x009e, 0xc027, 0x0067,
		  0xc028, 0x006b, 0x00a3, 0x009f, 0xcca9, 0xcca8, 0xccaa, 0xc0af, 0xc0ad, 0xc0a3,
		  0xc09f, 0xc05d },
	},
	[SOFTWARE_JAVA] = {
		34, false, false, false, false,
		{ 0x1302, 0x1301, 0x1303, 0xc02c, 0xc02b, 0xcca9, 0xc030, 0xcca8, 0xc02f, 0x009f,
		  0xccaa, 0x00a3, 0x009e, 0x00a2, 0xc024, 0xc028, 0xc023, 0xc027, 0x006b, 0x006a,
		  0x0067, 0x0040, 0xc00a, 0xc014, 0xc009, 0xc013, 0x0039, 0x0038, 0x0033, 0x0032,
		  0x009d, 0x009c, 0x003d, 0x003c },
	},
	[SOFTWARE_RUST] = {
		12, false, true, false, false,
		{ 0x1302, 0x1301, 0x1303, 0xc0ac, 0xc0ae, 0xc02c, 0xc02b, 0xcca9, 0xc030, 0xc02f, 0xcca8, 0x00ff },
	},
};

static void add_ciphers(const struct shape *s, unsigned int variant, struct bytes *ret)
{
	unsigned int n = s->n_ciphers;
	size_t list;

	n = n > variant + CIPHERS_MIN ? n - variant : CIPHERS_MIN;
	list = bytes_open(ret, 2);
	if (s->grease)
		bytes_number(ret, 0x3a3a, 2);
	for (unsigned int i = 0; i < n; i++)
		bytes_number(ret, s->ciphers[i], 2);
	bytes_close(ret, list, 2);
}

static void add_key_share(const struct shape *s, struct bytes *ret)
{
	size_t body, list;

	bytes_number(ret, EXT_KEY_SHARE, 2);
	body = bytes_open(ret, 2);
	list = bytes_open(ret, 2);
	if (s->big_share) {
		bytes_number(ret, 0x11ec, 2);
		bytes_number(ret, MLKEM_SHARE, 2);
		bytes_fill(ret, 0x5a, MLKEM_SHARE);
	}
	bytes_number(ret, 0x001d, 2);
	bytes_number(ret, 32, 2);
	bytes_fill(ret, 0x5a, 32);
	bytes_close(ret, list, 2);
	bytes_close(ret, body, 2);
}

static void add_extensions(const struct shape *s, struct bytes *ret)
{
	static const uint8_t name[] = "\x00\x10\x00\x00\x0d"
				      "service.local";
	static const uint8_t groups[] = { 0, 6, 0, 0x1d, 0, 0x17, 0, 0x18 };
	static const uint8_t new_groups[] = { 0, 6, 0x11, 0xec, 0, 0x1d, 0, 0x17 };
	static const uint8_t signatures[] = { 0, 8, 4, 3, 8, 4, 4, 1, 5, 3 };
	static const uint8_t alpn_h2[] = "\x00\x0c\x02h2\x08http/1.1";
	static const uint8_t alpn_h1[] = "\x00\x09\x08http/1.1";
	static const uint8_t versions[] = { 4, 3, 4, 3, 3 };

	bytes_extension(ret, EXT_SNI, name, sizeof(name) - 1);
	bytes_extension(ret, EXT_EXTENDED_MASTER, "", 0);
	bytes_extension(ret, EXT_RENEGOTIATION, "", 1);
	bytes_extension(ret, EXT_GROUPS, s->big_share ? new_groups : groups, sizeof(groups));
	bytes_extension(ret, EXT_POINTS, "\x01", 2);
	if (s->ticket)
		bytes_extension(ret, EXT_TICKET, "", 0);
	if (s->h2)
		bytes_extension(ret, EXT_ALPN, alpn_h2, sizeof(alpn_h2) - 1);
	else
		bytes_extension(ret, EXT_ALPN, alpn_h1, sizeof(alpn_h1) - 1);
	bytes_extension(ret, EXT_SIGNATURES, signatures, sizeof(signatures));
	add_key_share(s, ret);
	bytes_extension(ret, EXT_PSK_MODES, "\x01\x01", 2);
	bytes_extension(ret, EXT_VERSIONS, versions, sizeof(versions));
}

void software_hello(unsigned int kind, struct bytes *ret)
{
	const struct shape *s = &shapes[kind % SOFTWARE_BASES];
	size_t record, message, list;

	ret->len = 0;
	bytes_number(ret, 0x160301, 3);
	record = bytes_open(ret, 2);
	bytes_number(ret, 1, 1);
	message = bytes_open(ret, 3);
	bytes_number(ret, 0x0303, 2);
	bytes_fill(ret, 0, 32);
	bytes_number(ret, 32, 1);
	bytes_fill(ret, 0xe1,
		   32); /* a session id, as TLS 1.3 clients send to look like older ones */
	add_ciphers(s, kind / SOFTWARE_BASES, ret);
	bytes_number(ret, 0x0100, 2);
	list = bytes_open(ret, 2);
	add_extensions(s, ret);
	bytes_close(ret, list, 2);
	bytes_close(ret, message, 3);
	bytes_close(ret, record, 2);
}

size_t software_flight(uint8_t *ret)
{
	static const uint8_t flight[] = { 0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, FINISHED };

	memcpy(ret, flight, sizeof(flight));
	memset(ret + sizeof(flight), 0xa5, FINISHED);
	return sizeof(flight) + FINISHED;
}

size_t software_goodbye(uint8_t *ret)
{
	static const uint8_t goodbye[24] = { 0x17, 3, 3, 0, 19 };

	memcpy(ret, goodbye, sizeof(goodbye));
	return sizeof(goodbye);
}

uint32_t software_request_bytes(uint32_t bytes)
{
	uint32_t last = bytes % RECORD_WHOLE;

	return !bytes || (last && last < LAST_MIN) ? bytes - last + LAST_MIN : bytes;
}

void software_request(uint32_t total, uint32_t at, size_t len, uint8_t *ret)
{
	uint32_t end = at + (uint32_t)len;

	memset(ret, 0xa5, len);
	for (uint32_t begin = at / RECORD_WHOLE * RECORD_WHOLE; begin < end;
	     begin += RECORD_WHOLE) {
		uint32_t left = total - begin;
		uint32_t body = (left < RECORD_WHOLE ? left : RECORD_WHOLE) - RECORD_HEADER;
		const uint8_t header[] = { 0x17, 3, 3, (uint8_t)(body >> 8), (uint8_t)body };

		for (uint32_t i = 0; i < RECORD_HEADER; i++)
			if (begin + i >= at && begin + i < end)
				ret[begin + i - at] = header[i];
	}
}
