/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ClientHello -> struct. See client_hello.h. */
#include "user/sight/client_hello.h"

#include <errno.h>
#include "user/sight/cursor.h"

#define RANDOM_BYTES 32
#define SESSION_BYTES 32 /* at most */

bool tls_is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* A vector of numbers of two bytes, all of it. */
static int read_list(struct cursor list, size_t max, uint16_t *ret, size_t *ret_n)
{
	size_t n = list.left / 2;

	if (list.cut || list.left % 2 || n > max)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		ret[i] = cursor_number(&list, 2);
	*ret_n = n;
	return 0;
}

static int read_versions(struct cursor body, struct client_hello *ret)
{
	struct cursor list = cursor_vector(&body, 1);

	if (list.cut || body.left || list.left % 2)
		return -EBADMSG;
	while (list.left) {
		uint16_t version = cursor_number(&list, 2);

		if (!tls_is_grease(version) && version > ret->version)
			ret->version = version;
	}
	return 0;
}

static int read_signatures(struct cursor body, struct client_hello *ret)
{
	struct cursor list = cursor_vector(&body, 2);

	if (body.left)
		return -EBADMSG;
	return read_list(list, CLIENT_HELLO_SIGNATURES, ret->signatures, &ret->signature_count);
}

/* RFC 7301 wants a name, and no empty ones; JA4 has a rule for those that come all the same. */
static int read_alpn(struct cursor body, struct client_hello *ret)
{
	struct cursor list = cursor_vector(&body, 2);

	if (list.cut || body.left)
		return -EBADMSG;
	for (bool first = true; list.left; first = false) {
		struct cursor name = cursor_vector(&list, 1);

		if (name.cut)
			return -EBADMSG;
		if (first && name.left) {
			ret->alpn = name.at;
			ret->alpn_len = name.left;
		}
	}
	return 0;
}

static int read_extension(uint16_t type, struct cursor body, struct client_hello *ret)
{
	switch (type) {
	case TLS_EXT_SNI: ret->sni = true; return 0;
	case TLS_EXT_PSK: ret->psk = true; return 0;
	case TLS_EXT_EARLY_DATA: ret->early_data = true; return 0;
	case TLS_EXT_VERSIONS: return read_versions(body, ret);
	case TLS_EXT_SIGNATURES: return read_signatures(body, ret);
	case TLS_EXT_ALPN: return read_alpn(body, ret);
	default: return 0;
	}
}

/* No type may come twice (RFC 8446 4.2): else two readers could see two hellos in one. */
static bool seen(const struct client_hello *h, uint16_t type)
{
	for (size_t i = 0; i < h->extension_count; i++) {
		if (h->extensions[i] == type)
			return true;
	}
	return false;
}

static int read_extensions(struct cursor list, struct client_hello *ret)
{
	int r;

	while (list.left) {
		uint16_t type = cursor_number(&list, 2);
		struct cursor body = cursor_vector(&list, 2);

		if (body.cut || ret->extension_count == CLIENT_HELLO_EXTENSIONS || seen(ret, type))
			return -EBADMSG;
		r = read_extension(type, body, ret);
		if (r < 0)
			return r;
		ret->extensions[ret->extension_count++] = type;
	}
	return 0;
}

/* From behind the random to the compression methods. */
static int read_middle(struct cursor *c, struct client_hello *ret)
{
	struct cursor session = cursor_vector(c, 1);
	struct cursor ciphers = cursor_vector(c, 2);
	struct cursor compression = cursor_vector(c, 1);

	if (c->cut || session.left > SESSION_BYTES || !ciphers.left || !compression.left)
		return -EBADMSG;
	return read_list(ciphers, CLIENT_HELLO_CIPHERS, ret->ciphers, &ret->cipher_count);
}

int client_hello_parse(const uint8_t *message, size_t len, struct client_hello *ret)
{
	struct cursor c = { .at = message, .left = len };
	struct cursor list;
	size_t rest;
	int r;

	if (cursor_number(&c, 1) != CLIENT_HELLO)
		return -EBADMSG;
	rest = cursor_number(&c, 3);
	if (c.cut || rest != c.left)
		return -EBADMSG;

	ret->version = 0;
	ret->sni = ret->psk = ret->early_data = false;
	ret->alpn = NULL;
	ret->alpn_len = 0;
	ret->cipher_count = ret->extension_count = ret->signature_count = 0;
	ret->legacy_version = cursor_number(&c, 2);
	cursor_take(&c, RANDOM_BYTES);
	r = read_middle(&c, ret);
	if (r < 0)
		return r;
	if (!c.left) /* before TLS 1.2 a hello could end here */
		return 0;

	list = cursor_vector(&c, 2);
	if (list.cut || c.left)
		return -EBADMSG;
	return read_extensions(list, ret);
}
