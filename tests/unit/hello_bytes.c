/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ClientHellos for tests. See hello_bytes.h. */
#include "tests/unit/hello_bytes.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

/* RFC 9001 5.2 and RFC 9369 3.3.1. */
static const uint8_t salt_v1[20] = { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
				     0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a };
static const uint8_t salt_v2[20] = { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
				     0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 };

/* As in the examples of both RFCs. */
const struct initial initial_v1 = { .version = 1,
				    .salt = salt_v1,
				    .label = "quic",
				    .first = 0xc3,
				    .id = { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 },
				    .key_id = { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 },
				    .number = 2 };
const struct initial initial_v2 = { .version = 0x6b3343cf,
				    .salt = salt_v2,
				    .label = "quicv2",
				    .first = 0xd3,
				    .id = { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 },
				    .key_id = { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 },
				    .number = 2 };

static void must(int holds)
{
	if (!holds)
		abort();
}

void bytes_add(struct bytes *b, const void *data, size_t len)
{
	must(len <= BYTES_MAX - b->len);
	if (!len)
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void bytes_fill(struct bytes *b, uint8_t value, size_t len)
{
	must(len <= BYTES_MAX - b->len);
	memset(b->data + b->len, value, len);
	b->len += len;
}

static void write_number(uint8_t *at, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[i] = value >> (8 * (size - 1 - i));
}

void bytes_number(struct bytes *b, uint64_t value, unsigned int size)
{
	bytes_fill(b, 0, size);
	write_number(b->data + b->len - size, value, size);
}

size_t bytes_open(struct bytes *b, unsigned int size)
{
	bytes_fill(b, 0, size);
	return b->len;
}

void bytes_close(struct bytes *b, size_t opened, unsigned int size)
{
	write_number(b->data + opened - size, b->len - opened, size);
}

void bytes_extension(struct bytes *b, uint16_t type, const void *body, size_t len)
{
	bytes_number(b, type, 2);
	bytes_number(b, len, 2);
	bytes_add(b, body, len);
}

void hello_make(uint8_t seed, size_t padding, struct bytes *ret)
{
	static const uint8_t ciphers[] = { 0x2a, 0x2a, 0x13, 0x01, 0xc0, 0x2f, 0x13, 0x02 };
	static const uint8_t sni[] = "\0\x0e\0\0\x0b"
				     "example.com";
	static const uint8_t alpn[] = "\0\x0c\x02h2\x08http/1.1";
	static const uint8_t versions[] = { 6, 0xfa, 0xfa, 3, 4, 3, 3 };
	static const uint8_t signatures[] = { 0, 6, 4, 3, 8, 4, 4, 1 };
	size_t message, list;

	ret->len = 0;
	bytes_number(ret, 1, 1);
	message = bytes_open(ret, 3);
	bytes_number(ret, 0x0303, 2);
	bytes_fill(ret, seed, 32);
	bytes_number(ret, 0, 1);
	bytes_number(ret, sizeof(ciphers), 2);
	bytes_add(ret, ciphers, sizeof(ciphers));
	bytes_number(ret, 0x0100, 2);
	list = bytes_open(ret, 2);
	bytes_extension(ret, 0x8a8a, "", 0);
	bytes_extension(ret, 0x0000, sni, sizeof(sni) - 1);
	bytes_extension(ret, 0x0010, alpn, sizeof(alpn) - 1);
	bytes_extension(ret, 0x002b, versions, sizeof(versions));
	bytes_extension(ret, 0x000d, signatures, sizeof(signatures));
	bytes_extension(ret, 0x0023, "", 0);
	if (padding) {
		bytes_number(ret, 0x0015, 2);
		bytes_number(ret, padding, 2);
		bytes_fill(ret, 0, padding);
	}
	bytes_close(ret, list, 2);
	bytes_close(ret, message, 3);
}

void records_add(const struct bytes *message, size_t record_len, struct bytes *ret)
{
	for (size_t at = 0; at < message->len; at += record_len) {
		size_t left = message->len - at, len = left < record_len ? left : record_len;

		bytes_number(ret, 0x160301, 3);
		bytes_number(ret, len, 2);
		bytes_add(ret, message->data + at, len);
	}
}

void crypto_add(const struct bytes *message, size_t offset, size_t len, struct bytes *ret)
{
	bytes_number(ret, 6, 1);
	bytes_number(ret, 0x80000000 | offset, 4);
	bytes_number(ret, 0x4000 | len, 2);
	bytes_add(ret, message->data + offset, len);
}

/* HKDF by OpenSSL; `info` is complete. */
static void hkdf(int mode, const void *salt, size_t salt_len, const void *key, size_t key_len,
		 const void *info, size_t info_len, uint8_t *ret, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(kdf);
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_len),
		OSSL_PARAM_construct_octet_string(salt ? OSSL_KDF_PARAM_SALT : OSSL_KDF_PARAM_INFO,
						  (void *)(salt ? salt : info),
						  salt ? salt_len : info_len),
		OSSL_PARAM_construct_end(),
	};

	must(EVP_KDF_derive(c, ret, len, params) > 0);
	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
}

static void expand(const uint8_t secret[32], const char *prefix, const char *label, uint8_t *ret,
		   size_t len)
{
	struct bytes *info = calloc(1, sizeof(*info));
	size_t text;

	must(!!info);
	bytes_number(info, len, 2);
	text = bytes_open(info, 1);
	bytes_add(info, "tls13 ", 6);
	bytes_add(info, prefix, strlen(prefix));
	bytes_add(info, label, strlen(label));
	bytes_close(info, text, 1);
	bytes_number(info, 0, 1);
	hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, NULL, 0, secret, 32, info->data, info->len, ret, len);
	free(info);
}

static void encrypt(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *iv,
		    const uint8_t *head, size_t head_len, const uint8_t *data, size_t len,
		    uint8_t *ret, uint8_t *tag)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	must(EVP_EncryptInit_ex(c, cipher, NULL, key, iv));
	must(EVP_CIPHER_CTX_set_padding(c, 0));
	must(!head || EVP_EncryptUpdate(c, NULL, &n, head, head_len));
	must(EVP_EncryptUpdate(c, ret, &n, data, len));
	must(!tag || EVP_EncryptFinal_ex(c, ret + n, &n));
	must(!tag || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag));
	EVP_CIPHER_CTX_free(c);
}

void initial_add(const struct initial *p, const struct bytes *frames, struct bytes *ret)
{
	uint8_t secret[32], key[16], iv[12], hp[16], mask[16], tag[16];
	uint8_t *packet = ret->data + ret->len, *number, *body;

	hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, p->salt, 20, p->key_id, 8, NULL, 0, secret, 32);
	expand(secret, "", "client in", secret, 32);
	expand(secret, p->label, " key", key, 16);
	expand(secret, p->label, " iv", iv, 12);
	expand(secret, p->label, " hp", hp, 16);

	bytes_number(ret, p->first, 1);
	bytes_number(ret, p->version, 4);
	bytes_number(ret, 8, 1);
	bytes_add(ret, p->id, 8);
	bytes_number(ret, 0, 2); /* no source id, no token */
	bytes_number(ret, 0x4000 | (4 + frames->len + 16), 2);
	number = ret->data + ret->len;
	bytes_number(ret, p->number, 4);
	body = ret->data + ret->len;
	bytes_fill(ret, 0, frames->len + 16);

	for (int i = 0; i < 4; i++)
		iv[8 + i] ^= number[i];
	encrypt(EVP_aes_128_gcm(), key, iv, packet, body - packet, frames->data, frames->len, body,
		tag);
	memcpy(body + frames->len, tag, 16);
	encrypt(EVP_aes_128_ecb(), hp, NULL, NULL, 0, body, 16, mask, NULL);
	packet[0] ^= mask[0] & 0x0f;
	for (int i = 0; i < 4; i++)
		number[i] ^= mask[1 + i];
}
