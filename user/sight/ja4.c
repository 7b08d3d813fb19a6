/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ClientHello -> JA4. See ja4.h. Every list leaves GREASE out; the last part's list of extensions
 * also leaves out SNI and ALPN, which the first part speaks of.
 */
#include "user/sight/ja4.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"

#define HASH_CHARS 12 /* of each SHA-256 */
#define COUNT_MAX 99
#define LIST_MAX CLIENT_HELLO_CIPHERS /* the longest list */

/* Hex numbers with a comma or `_` behind each. */
#define NUMBER_CHARS 5
#define LISTS_CHARS (NUMBER_CHARS * LIST_MAX)
_Static_assert(LIST_MAX >= CLIENT_HELLO_EXTENSIONS + CLIENT_HELLO_SIGNATURES,
	       "what is hashed fits the buffer");

static const char hex[] = "0123456789abcdef";
static const uint16_t resumption[] = { TLS_EXT_PADDING, TLS_EXT_TICKET, TLS_EXT_PSK,
				       TLS_EXT_EARLY_DATA };

struct list {
	uint16_t values[LIST_MAX];
	size_t n;
};

struct lists_text {
	char buf[LISTS_CHARS];
	size_t len;
};

#define MEMO_LISTS 256
#define MEMO_CHARS 480 /* longer lists are hashed each time */

struct ja4_memo {
	struct memo_list {
		size_t len; /* 0: empty */
		char text[MEMO_CHARS];
		char hash[HASH_CHARS];
	} list[MEMO_LISTS];
};

int ja4_memo_new(struct ja4_memo **ret)
{
	struct ja4_memo *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*ret = m;
	return 0;
}

void ja4_memo_free(struct ja4_memo *m)
{
	free(m);
}

/* Where a list has its place; another one may be there. */
static struct memo_list *memo_place(struct ja4_memo *m, const struct lists_text *t)
{
	uint64_t h = t->len, word;
	size_t i = 0;

	if (!m || !t->len || t->len > MEMO_CHARS)
		return NULL;
	for (; i + sizeof(word) <= t->len; i += sizeof(word)) {
		memcpy(&word, t->buf + i, sizeof(word));
		h = seine_mix64(h ^ word);
	}
	word = 0;
	memcpy(&word, t->buf + i, t->len - i);
	return &m->list[seine_mix64(h ^ word) % MEMO_LISTS];
}

static bool among(uint16_t value, const uint16_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == value)
			return true;
	}
	return false;
}

/* What of `values` is neither GREASE nor in `without`. */
static void list_fill(struct list *l, const uint16_t *values, size_t n, const uint16_t *without,
		      size_t without_n)
{
	l->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!tls_is_grease(values[i]) && !among(values[i], without, without_n))
			l->values[l->n++] = values[i];
	}
}

/* By insertion: lists are short, and qsort() may ask for memory. */
static void list_sort(struct list *l)
{
	for (size_t i = 1; i < l->n; i++) {
		uint16_t value = l->values[i];
		size_t at = i;

		for (; at && l->values[at - 1] > value; at--)
			l->values[at] = l->values[at - 1];
		l->values[at] = value;
	}
}

/* `before` stands in front of the list's first number, a comma in front of the others. */
static void put_list(struct lists_text *t, const struct list *l, char before)
{
	for (size_t i = 0; i < l->n; i++) {
		if (i || before)
			t->buf[t->len++] = i ? ',' : before;
		for (int shift = 12; shift >= 0; shift -= 4)
			t->buf[t->len++] = hex[l->values[i] >> shift & 15];
	}
}

static bool make_hash(const struct lists_text *t, char *ret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (!EVP_Digest(t->buf, t->len, digest, NULL, EVP_sha256(), NULL))
		return false;
	for (size_t i = 0; i < HASH_CHARS; i++)
		ret[i] = hex[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
	return true;
}

/* `ret` takes HASH_CHARS and NUL. Nothing: zeros. Dashes: OpenSSL had no memory. */
static void put_hash(const struct lists_text *t, struct ja4_memo *memo, char *ret)
{
	struct memo_list *known = memo_place(memo, t);

	ret[HASH_CHARS] = '\0';
	if (!t->len) {
		memset(ret, '0', HASH_CHARS);
	} else if (known && known->len == t->len && !memcmp(known->text, t->buf, t->len)) {
		memcpy(ret, known->hash, HASH_CHARS);
	} else if (!make_hash(t, ret)) {
		memset(ret, '-', HASH_CHARS);
	} else if (known) {
		known->len = t->len;
		memcpy(known->text, t->buf, t->len);
		memcpy(known->hash, ret, HASH_CHARS);
	}
}

static const char *version_text(const struct client_hello *h)
{
	switch (h->version ? h->version : h->legacy_version) {
	case 0x0304: return "13";
	case 0x0303: return "12";
	case 0x0302: return "11";
	case 0x0301: return "10";
	case 0x0300: return "s3";
	case 0x0002: return "s2";
	case 0xfeff: return "d1";
	case 0xfefd: return "d2";
	case 0xfefc: return "d3";
	default: return "00";
	}
}

/* Not isalnum(), which asks the locale. */
static bool is_plain(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void put_alpn(const struct client_hello *h, char ret[3])
{
	uint8_t first, last;

	memcpy(ret, "00", 3);
	if (!h->alpn)
		return;
	first = h->alpn[0];
	last = h->alpn[h->alpn_len - 1];
	if (is_plain(first) && is_plain(last)) {
		ret[0] = first;
		ret[1] = last;
		return;
	}
	/* The first and the last character of the whole name in hex. */
	ret[0] = hex[first >> 4];
	ret[1] = hex[last & 15];
}

static unsigned int capped(size_t n)
{
	return n > COUNT_MAX ? COUNT_MAX : n;
}

struct parts {
	char ciphers[HASH_CHARS + 1], extensions[HASH_CHARS + 1];
	size_t cipher_count, extension_count;
};

static void make_ciphers(const struct client_hello *h, struct ja4_memo *memo, struct parts *p)
{
	struct lists_text text = { .len = 0 };
	struct list list;

	list_fill(&list, h->ciphers, h->cipher_count, NULL, 0);
	list_sort(&list);
	p->cipher_count = list.n;
	put_list(&text, &list, '\0');
	put_hash(&text, memo, p->ciphers);
}

static void make_extensions(const struct client_hello *h, const uint16_t *without, size_t without_n,
			    struct ja4_memo *memo, struct parts *p)
{
	static const uint16_t spoken_of[] = { TLS_EXT_SNI, TLS_EXT_ALPN };
	struct lists_text text = { .len = 0 };
	struct list list;

	list_fill(&list, h->extensions, h->extension_count, without, without_n);
	p->extension_count = list.n;
	list_fill(&list, list.values, list.n, spoken_of, ARRAY_LEN(spoken_of));
	list_sort(&list);
	put_list(&text, &list, '\0');
	if (list.n) {
		list_fill(&list, h->signatures, h->signature_count, NULL, 0);
		put_list(&text, &list, '_');
	}
	put_hash(&text, memo, p->extensions);
}

static const char *put_parts(const struct client_hello *h, enum ja4_transport transport,
			     const struct parts *p, char *buf)
{
	char alpn[3];

	put_alpn(h, alpn);
	snprintf(buf, JA4_TEXT, "%c%s%c%02u%02u%s_%s_%s", transport == JA4_QUIC ? 'q' : 't',
		 version_text(h), h->sni ? 'd' : 'i', capped(p->cipher_count),
		 capped(p->extension_count), alpn, p->ciphers, p->extensions);
	return buf;
}

void ja4_format_both(const struct client_hello *h, enum ja4_transport transport,
		     struct ja4_memo *memo, char *buf, char *stable)
{
	size_t extension_count;
	struct parts p;

	make_ciphers(h, memo, &p);
	make_extensions(h, NULL, 0, memo, &p);
	put_parts(h, transport, &p, buf);
	extension_count = p.extension_count;
	for (size_t i = 0; i < h->extension_count; i++)
		extension_count -= among(h->extensions[i], resumption, ARRAY_LEN(resumption));
	if (extension_count != p.extension_count)
		make_extensions(h, resumption, ARRAY_LEN(resumption), memo, &p);
	put_parts(h, transport, &p, stable);
}

const char *ja4_format(const struct client_hello *h, enum ja4_transport transport, char *buf)
{
	struct parts p;

	make_ciphers(h, NULL, &p);
	make_extensions(h, NULL, 0, NULL, &p);
	return put_parts(h, transport, &p, buf);
}

const char *ja4_stable_format(const struct client_hello *h, enum ja4_transport transport, char *buf)
{
	struct parts p;

	make_ciphers(h, NULL, &p);
	make_extensions(h, resumption, ARRAY_LEN(resumption), NULL, &p);
	return put_parts(h, transport, &p, buf);
}
