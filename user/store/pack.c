/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows as they lie on the disk. See pack.h. */
#include "user/store/pack.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };
static const uint8_t nothing[8];

/* ---- numbers ---- */

static size_t put_varint(uint8_t *to, uint64_t v)
{
	size_t n = 0;

	while (v >= 0x80) {
		to[n++] = (uint8_t)v | 0x80;
		v >>= 7;
	}
	to[n++] = (uint8_t)v;
	return n;
}

static size_t put_u64(uint8_t *to, uint64_t v)
{
	v = htole64(v);
	memcpy(to, &v, sizeof(v));
	return sizeof(v);
}

static size_t put_u32(uint8_t *to, uint32_t v)
{
	v = htole32(v);
	memcpy(to, &v, sizeof(v));
	return sizeof(v);
}

static size_t put_double(uint8_t *to, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return put_u64(to, bits);
}

struct reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static uint8_t get_u8(struct reader *r)
{
	if (!r->left) {
		r->bad = true;
		return 0;
	}
	r->left--;
	return *r->at++;
}

/* Leaves `ret` alone where there are too few. */
static void get_bytes(struct reader *r, void *ret, size_t n)
{
	if (r->left < n) {
		r->bad = true;
		return;
	}
	memcpy(ret, r->at, n);
	r->at += n;
	r->left -= n;
}

static uint64_t get_u64(struct reader *r)
{
	uint64_t v = 0;

	get_bytes(r, &v, sizeof(v));
	return le64toh(v);
}

static uint32_t get_u32(struct reader *r)
{
	uint32_t v = 0;

	get_bytes(r, &v, sizeof(v));
	return le32toh(v);
}

static double get_double(struct reader *r)
{
	uint64_t bits = get_u64(r);
	double v;

	memcpy(&v, &bits, sizeof(v));
	if (!isfinite(v))
		r->bad = true;
	return v;
}

static uint64_t get_long_varint(struct reader *r, uint64_t max)
{
	unsigned int shift = 0;
	uint64_t v = 0;
	uint8_t byte;

	do {
		byte = get_u8(r);
		if (shift == 63 && byte > 1)
			r->bad = true;
		v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && shift < 70 && !r->bad);
	if (v > max)
		r->bad = true;
	return v;
}

/* 0 at the end: zeros there were left out. */
static inline uint64_t get_varint(struct reader *r, uint64_t max)
{
	if (!r->left)
		return 0;
	if (*r->at & 0x80)
		return get_long_varint(r, max);
	r->left--;
	return *r->at++;
}

static int verdict(const struct reader *r)
{
	return r->bad || r->left ? -EBADMSG : 0;
}

static size_t without_zeros(const uint8_t *from, size_t least, size_t n)
{
	while (n > least && !from[n - 1])
		n--;
	return n;
}

/* ---- keys ---- */

size_t key_pack(const uint8_t address[16], uint8_t ret[KEY_BYTES])
{
	if (!memcmp(address, v4_mapped, sizeof(v4_mapped))) {
		memcpy(ret, address + 12, 4);
		return 4;
	}
	memcpy(ret, address, KEY_BYTES);
	return memcmp(address + 8, nothing, 8) ? 16 : 8;
}

int key_unpack(const uint8_t *at, size_t n, uint8_t ret[16])
{
	uint8_t address[16] = { 0 }, packed[KEY_BYTES];

	if (n == 4) {
		memcpy(address, v4_mapped, sizeof(v4_mapped));
		memcpy(address + 12, at, 4);
	} else if (n == 8 || n == 16) {
		memcpy(address, at, n);
	} else {
		return -EBADMSG;
	}
	/* One address has one key: two rows of one source would both be shown. */
	if (key_pack(address, packed) != n)
		return -EBADMSG;
	memcpy(ret, address, sizeof(address));
	return 0;
}

/* ---- deeds ---- */

size_t deed_pack(const struct deed *d, uint8_t ret[DEED_BYTES])
{
	size_t n = 0;

	n += put_u64(ret + n, d->hello_key);
	n += put_u64(ret + n, d->syn_class);
#define X(field) n += put_varint(ret + n, d->sums.field);
	SUMS_FIELDS(X)
#undef X
	n += put_varint(ret + n, d->active);
	return without_zeros(ret, 2 * 8, n);
}

int deed_unpack(const uint8_t *at, size_t n, struct deed *ret)
{
	struct reader r = { at, n, false };
	struct deed d = { .hello_key = get_u64(&r), .syn_class = get_u64(&r) };

#define X(field) d.sums.field = (uint32_t)get_varint(&r, UINT32_MAX);
	SUMS_FIELDS(X)
#undef X
	d.active = get_varint(&r, UINT64_MAX);
	if (verdict(&r) < 0)
		return -EBADMSG;
	memcpy(d.source, ret->source, sizeof(d.source));
	*ret = d;
	return 0;
}

void deed_merge(struct deed *to, const struct deed *later)
{
	if (later->hello_key)
		to->hello_key = later->hello_key;
	if (later->syn_class)
		to->syn_class = later->syn_class;
	to->active |= later->active;
	sums_add(&to->sums, &later->sums);
}

/* ---- prefixes ---- */

size_t net_pack(const struct net_deed *d, uint8_t ret[NET_BYTES])
{
	size_t n = 0;

	n += put_varint(ret + n, d->sources);
	n += put_varint(ret + n, d->connections);
	n += put_varint(ret + n, d->requests);
	n += put_varint(ret + n, d->syns);
	return without_zeros(ret, 0, n);
}

int net_unpack(const uint8_t *at, size_t n, struct net_deed *ret)
{
	struct reader r = { at, n, false };
	struct net_deed d = {
		.sources = (uint32_t)get_varint(&r, UINT32_MAX),
		.connections = (uint32_t)get_varint(&r, UINT32_MAX),
		.requests = (uint32_t)get_varint(&r, UINT32_MAX),
		.syns = (uint32_t)get_varint(&r, UINT32_MAX),
	};

	if (verdict(&r) < 0)
		return -EBADMSG;
	memcpy(d.net, ret->net, sizeof(d.net));
	*ret = d;
	return 0;
}

void net_merge(struct net_deed *to, const struct net_deed *later)
{
	to->sources += later->sources;
	to->connections += later->connections;
	to->requests += later->requests;
	to->syns += later->syns;
}

/* ---- campaigns ---- */

int64_t sec_to_unix(uint32_t sec, int64_t epoch_sec)
{
	return sec ? epoch_sec + sec : 0;
}

uint32_t sec_from_unix(int64_t unix_sec, int64_t epoch_sec)
{
	if (unix_sec <= 0)
		return 0;
	if (unix_sec <= epoch_sec)
		return 1;
	return unix_sec - epoch_sec > UINT32_MAX ? UINT32_MAX : (uint32_t)(unix_sec - epoch_sec);
}

static uint32_t whole_us(float ms)
{
	double us = (double)ms * 1000;

	return us >= UINT32_MAX ? UINT32_MAX : us > 0 ? (uint32_t)us : 0;
}

size_t member_pack(const struct member *m, int64_t epoch_sec, uint8_t ret[MEMBER_BYTES])
{
	size_t n = sizeof(m->source);

	memcpy(ret, m->source, sizeof(m->source));
	n += put_double(ret + n, m->lfdr);
	n += put_double(ret + n, m->log10_e);
	n += put_u32(ret + n, m->requests);
	n += put_u32(ret + n, whole_us(m->gap_ms));
	ret[n++] = (uint8_t)(m->alone | m->seed << 1);
	ret[n++] = m->window;
	/* Until 2106; seconds since 1970 without a sign. */
	n += put_u32(ret + n, (uint32_t)sec_to_unix(m->last_sec, epoch_sec));
	n += put_u32(ret + n, (uint32_t)sec_to_unix(m->joined_sec, epoch_sec));
	return n;
}

int member_unpack(const uint8_t at[MEMBER_BYTES], int64_t epoch_sec, struct member *ret)
{
	struct reader r = { at + sizeof(ret->source), MEMBER_BYTES - sizeof(ret->source), false };
	struct member m = { .lfdr = get_double(&r) };
	uint8_t flags;

	memcpy(m.source, at, sizeof(m.source));
	m.log10_e = get_double(&r);
	m.requests = get_u32(&r);
	m.gap_ms = (float)get_u32(&r) / 1000;
	flags = get_u8(&r);
	m.alone = flags & 1;
	m.seed = flags >> 1 & 1;
	m.window = get_u8(&r);
	m.last_sec = sec_from_unix(get_u32(&r), epoch_sec);
	m.joined_sec = sec_from_unix(get_u32(&r), epoch_sec);
	if (verdict(&r) < 0 || m.window >= WINDOWS || m.lfdr < 0 || m.lfdr > 1)
		return -EBADMSG;
	*ret = m;
	return 0;
}
