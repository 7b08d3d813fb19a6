/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QUIC Initial packets. See quic.h. Sections are those of RFC 9000 and RFC 9001. */
#include "user/sight/quic.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/sight/cursor.h"

#define V1 0x00000001u
#define V2 0x6b3343cfu
#define DRAFT 0xff000000u /* and the draft's number */

#define TAG_BYTES 16
#define SAMPLE_BYTES 16
#define SAMPLE_SKIP 4	/* 9001 5.4.2: as if the packet number were of the longest kind */
#define SECRET_BYTES 32 /* of SHA-256 */
#define SALT_BYTES 20

#define LONG_HEADER 0xc0 /* long header and fixed bit */
#define TYPE_BITS 0x30

enum frame_type {
	PADDING = 0x00,
	PING = 0x01,
	ACK = 0x02,
	ACK_ECN = 0x03,
	CRYPTO = 0x06,
	CLOSE = 0x1c,
};

static const uint8_t salt_v1[SALT_BYTES] = { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34,
					     0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
					     0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a };
static const uint8_t salt_v2[SALT_BYTES] = { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6,
					     0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
					     0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 };
static const uint8_t salt_29[SALT_BYTES] = { 0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2,
					     0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
					     0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99 };
static const uint8_t salt_23[SALT_BYTES] = { 0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb,
					     0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
					     0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02 };
static const uint8_t salt_22[SALT_BYTES] = { 0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb,
					     0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51,
					     0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a };

/* Versions first to last share salt, labels, and the numbers that stand for Initial and Retry. */
struct kind {
	uint32_t first, last;
	const uint8_t *salt;
	const char *label;
	uint8_t initial, retry; /* under TYPE_BITS */
};

static const struct kind kinds[] = {
	{ V1, V1, salt_v1, "quic", 0x00, 0x30 },
	{ V2, V2, salt_v2, "quicv2", 0x10, 0x00 },
	{ DRAFT | 33, DRAFT | 34, salt_v1, "quic", 0x00, 0x30 },
	{ DRAFT | 29, DRAFT | 32, salt_29, "quic", 0x00, 0x30 },
	{ DRAFT | 23, DRAFT | 28, salt_23, "quic", 0x00, 0x30 },
	{ DRAFT | 22, DRAFT | 22, salt_22, "quic", 0x00, 0x30 },
};

/* The `guess`th kind that a packet of this version may be of. A version reserved to force
 * negotiation (9000 15) does not tell its salt: clients take the one of the version that they would
 * like. */
static const struct kind *kind_of(uint32_t version, unsigned int guess)
{
	static const uint32_t guesses[] = { V1, DRAFT | 29 };

	if ((version & 0x0f0f0f0f) == 0x0a0a0a0a && guess < ARRAY_LEN(guesses))
		return kind_of(guesses[guess], 0);
	for (size_t i = 0; !guess && i < ARRAY_LEN(kinds); i++) {
		if (version >= kinds[i].first && version <= kinds[i].last)
			return &kinds[i];
	}
	return NULL;
}

/* 9000 16: the two highest bits of the first byte say how long the number is. */
static uint64_t variable_number(struct cursor *c)
{
	uint64_t n = cursor_number(c, 1);
	unsigned int more = (1u << (n >> 6)) - 1;

	return (n & 0x3f) << (8 * more) | cursor_number(c, more);
}

static void skip(struct cursor *c, uint64_t len)
{
	(void)cursor_take(c, len);
}

int quic_packet_read(const uint8_t *data, size_t len, struct quic_packet *ret)
{
	struct cursor c = { .at = data, .left = len };
	struct quic_packet p = { 0 };
	uint8_t first = cursor_number(&c, 1);
	const struct kind *kind;
	uint64_t rest;

	p.version = cursor_number(&c, 4);
	kind = kind_of(p.version, 0);
	if (!kind || (first & LONG_HEADER) != LONG_HEADER || (first & TYPE_BITS) == kind->retry)
		return -EBADMSG;

	p.dcid_len = cursor_number(&c, 1);
	p.dcid = cursor_take(&c, p.dcid_len);
	rest = cursor_number(&c, 1);
	if (p.dcid_len > QUIC_CID_BYTES || rest > QUIC_CID_BYTES)
		return -EBADMSG;
	skip(&c, rest);

	p.initial = (first & TYPE_BITS) == kind->initial;
	if (p.initial)
		skip(&c, variable_number(&c)); /* token */
	rest = variable_number(&c);
	p.number_at = c.at - data;
	skip(&c, rest);
	if (c.cut || (p.initial && rest < SAMPLE_SKIP + SAMPLE_BYTES))
		return -EBADMSG;
	p.len = p.number_at + rest;
	*ret = p;
	return 0;
}

/* HKDF-Expand-Label (RFC 8446 7.1) without context, for results of one SHA-256 at most. */
static int expand(const uint8_t secret[SECRET_BYTES], const char *prefix, const char *label,
		  uint8_t *ret, uint8_t len)
{
	uint8_t info[64] = { 0, len }, block[EVP_MAX_MD_SIZE];
	size_t n = 3;

	for (const char *text = "tls13 "; *text; text++)
		info[n++] = *text;
	for (const char *text = prefix; *text; text++)
		info[n++] = *text;
	for (const char *text = label; *text; text++)
		info[n++] = *text;
	info[2] = n - 3;
	info[n++] = 0; /* length of the context */
	info[n++] = 1; /* number of the block */
	if (!HMAC(EVP_sha256(), secret, SECRET_BYTES, info, n, block, NULL))
		return -ENOMEM;
	memcpy(ret, block, len);
	return 0;
}

static int derive(const struct kind *kind, const uint8_t *dcid, size_t len, struct quic_keys *ret)
{
	uint8_t initial[EVP_MAX_MD_SIZE], client[SECRET_BYTES];

	if (!HMAC(EVP_sha256(), kind->salt, SALT_BYTES, dcid, len, initial, NULL) ||
	    expand(initial, "", "client in", client, sizeof(client)) < 0 ||
	    expand(client, kind->label, " key", ret->key, sizeof(ret->key)) < 0 ||
	    expand(client, kind->label, " iv", ret->iv, sizeof(ret->iv)) < 0 ||
	    expand(client, kind->label, " hp", ret->hp, sizeof(ret->hp)) < 0)
		return -ENOMEM;
	return 0;
}

static void cipher_freep(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

/* The mask of header protection, 9001 5.4.3. */
static int mask_make(EVP_CIPHER_CTX *c, const uint8_t hp[16], const uint8_t *sample,
		     uint8_t mask[16])
{
	int n;

	if (!EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, hp, NULL) ||
	    !EVP_CIPHER_CTX_set_padding(c, 0) || !EVP_EncryptUpdate(c, mask, &n, sample, 16))
		return -ENOMEM;
	return 0;
}

/* Takes the protection off the header, 9001 5.4.1: into `header` goes all before the frames. Their
 * offset, or -ENOMEM. The nonce is made of the number as it is sent: the numbers of Initials are
 * too small to be cut. */
static int unprotect(EVP_CIPHER_CTX *c, const struct quic_keys *keys, const uint8_t *data,
		     const struct quic_packet *p, uint8_t *header, uint8_t nonce[12])
{
	const uint8_t *sample = data + p->number_at + SAMPLE_SKIP;
	uint8_t mask[16];
	size_t number_len;

	if (mask_make(c, keys->hp, sample, mask) < 0)
		return -ENOMEM;
	memcpy(header, data, p->number_at + SAMPLE_SKIP);
	header[0] ^= mask[0] & 0x0f;
	number_len = (header[0] & 3) + 1;
	memcpy(nonce, keys->iv, sizeof(keys->iv));
	for (size_t i = 0; i < number_len; i++) {
		header[p->number_at + i] ^= mask[1 + i];
		nonce[sizeof(keys->iv) - number_len + i] ^= header[p->number_at + i];
	}
	return p->number_at + number_len;
}

int quic_open(const struct quic_keys *keys, const uint8_t *data, const struct quic_packet *p,
	      uint8_t *ret, size_t *ret_len)
{
	_cleanup_(cipher_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t header[QUIC_PACKET_BYTES], nonce[12], tag[TAG_BYTES];
	int from, len, n;

	if (!p->initial || p->len > QUIC_PACKET_BYTES)
		return -EBADMSG;
	if (!c)
		return -ENOMEM;
	from = unprotect(c, keys, data, p, header, nonce);
	if (from < 0)
		return from;

	len = (int)p->len - from - TAG_BYTES;
	if (len < 0)
		return -EBADMSG;
	memcpy(tag, data + from + len, TAG_BYTES);
	if (!EVP_DecryptInit_ex(c, EVP_aes_128_gcm(), NULL, keys->key, nonce) ||
	    !EVP_DecryptUpdate(c, NULL, &n, header, from) ||
	    !EVP_DecryptUpdate(c, ret, &n, data + from, len) ||
	    !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag))
		return -ENOMEM;
	if (EVP_DecryptFinal_ex(c, ret + len, &n) <= 0)
		return -EBADMSG;
	*ret_len = len;
	return 0;
}

int quic_open_first(const uint8_t *data, const struct quic_packet *p, struct quic_keys *ret_keys,
		    uint8_t *ret, size_t *ret_len)
{
	const struct kind *kind;
	struct quic_keys keys;
	int r = -EBADMSG;

	for (unsigned int i = 0; r == -EBADMSG && (kind = kind_of(p->version, i)); i++) {
		r = derive(kind, p->dcid, p->dcid_len, &keys);
		if (!r)
			r = quic_open(&keys, data, p, ret, ret_len);
	}
	if (!r)
		*ret_keys = keys;
	return r;
}

/* 9000 19.3. */
static void skip_ack(struct cursor *c, enum frame_type type)
{
	uint64_t ranges;

	(void)variable_number(c); /* largest */
	(void)variable_number(c); /* delay */
	ranges = variable_number(c);
	(void)variable_number(c); /* first range */
	while (ranges-- && !c->cut) {
		(void)variable_number(c); /* gap */
		(void)variable_number(c); /* length */
	}
	for (int i = 0; type == ACK_ECN && i < 3; i++)
		(void)variable_number(c);
}

/* 9000 19.19, the kind that QUIC itself sends. */
static void skip_close(struct cursor *c)
{
	(void)variable_number(c); /* error */
	(void)variable_number(c); /* type of the frame at fault */
	skip(c, variable_number(c));
}

int quic_crypto_next(const uint8_t *frames, size_t len, size_t *at, struct quic_crypto *ret)
{
	struct cursor c = { .at = frames + *at, .left = len - *at };

	while (c.left) {
		uint64_t type = variable_number(&c);

		switch (type) {
		case PADDING:
		case PING: break;
		case ACK:
		case ACK_ECN: skip_ack(&c, type); break;
		case CLOSE: skip_close(&c); break;
		case CRYPTO:
			ret->offset = variable_number(&c);
			ret->len = variable_number(&c);
			ret->data = cursor_take(&c, ret->len);
			if (c.cut)
				return -EBADMSG;
			*at = len - c.left;
			return 1;
		default: return -EBADMSG;
		}
		if (c.cut)
			return -EBADMSG;
	}
	*at = len;
	return 0;
}
