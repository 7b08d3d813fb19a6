/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of history: any bytes are refused, or give values that are written and read back the same.
 * The first byte says what the others are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/pack.h"
#include "user/store/record.h"

#define EPOCH 1700000000

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void key(const uint8_t *data, size_t size)
{
	uint8_t address[16], packed[KEY_BYTES];

	if (key_unpack(data, size, address) < 0)
		return;
	must(key_pack(address, packed) == size && !memcmp(packed, data, size));
}

static void deed(const uint8_t *data, size_t size)
{
	struct deed d = { 0 }, again = { 0 };
	uint8_t packed[DEED_BYTES];
	size_t n;

	if (deed_unpack(data, size, &d) < 0)
		return;
	n = deed_pack(&d, packed);
	must(n <= sizeof(packed) && deed_unpack(packed, n, &again) == 0);
	must(!memcmp(&d, &again, sizeof(d)));
	deed_merge(&d, &again);
	must(d.sums.requests == 2 * again.sums.requests && d.active == again.active);
}

static void net(const uint8_t *data, size_t size)
{
	struct net_deed d = { 0 }, again = { 0 };
	uint8_t packed[NET_BYTES];
	size_t n;

	if (net_unpack(data, size, &d) < 0)
		return;
	n = net_pack(&d, packed);
	must(n <= sizeof(packed) && net_unpack(packed, n, &again) == 0);
	must(!memcmp(&d, &again, sizeof(d)));
}

static void members(const uint8_t *data, size_t size)
{
	struct campaign c = { 0 }, again = { 0 };
	uint8_t *packed = NULL;
	size_t n;

	if (members_read(data, size, EPOCH, &c) < 0)
		return;
	must(members_write(&c, EPOCH, &packed, &n) == 0 && n <= size);
	must(members_read(packed, n, EPOCH, &again) == 0 && again.n_members == c.n_members);
	for (size_t i = 0; i < c.n_members; i++) {
		must(!memcmp(c.members[i].source, again.members[i].source, 16));
		must(i == 0 || memcmp(c.members[i - 1].source, c.members[i].source, 16) < 0);
		must(c.members[i].window < WINDOWS);
		must(c.members[i].last_sec == again.members[i].last_sec);
	}
	free(packed);
	free(c.members);
	free(again.members);
}

static void record(const uint8_t *data, size_t size)
{
	json_t *o = json_loadb((const char *)data, size, 0, NULL), *written = NULL;
	struct campaign c = { 0 }, again = { 0 };

	if (record_read(o, EPOCH, &c) == 0) {
		written = record_write(&c, EPOCH);
		must(record_read(written, EPOCH, &again) == 0);
		must(c.id == again.id && c.last_sec == again.last_sec && c.rate == again.rate);
		must(c.n_prefixes == again.n_prefixes && c.requests == again.requests);
		free(c.prefixes);
		free(again.prefixes);
	}
	json_decref(written);
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parts[])(const uint8_t *, size_t) = { key, deed, net, members, record };

	if (size)
		parts[data[0] % ARRAY_LEN(parts)](data + 1, size - 1);
	return 0;
}
