/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PROXY protocol headers, against a second reader that goes another way: it cuts a line into words
 * and lets the C library read the addresses. Both must say the same. The first byte says how much
 * shorter than its segment the buffer is.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "bpf/balancer.h"
#include "user/base/cleanup.h"

#define LINE_MAX_BYTES 107

/* <arpa/inet.h> and the headers of the kernel both define struct in6_addr. */
int inet_pton(int family, const char *text, void *ret);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static uint64_t word(const uint8_t *at)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | at[i];
	return v;
}

static bool address(const char *text, bool v6, struct balancer *ret)
{
	uint8_t ip[16] = { 0 };

	if (v6 && strchr(text, '.'))
		return false;
	memset(ip + 10, 0xff, v6 ? 0 : 2);
	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, v6 ? ip : ip + 12) != 1)
		return false;
	ret->src_hi = word(ip);
	ret->src_lo = word(ip + 8);
	return true;
}

static bool read_port(const char *text, uint16_t *ret)
{
	char again[8];
	unsigned long v = strtoul(text, NULL, 10);

	snprintf(again, sizeof(again), "%lu", v);
	*ret = v;
	return v <= 65535 && !strcmp(again, text);
}

/* The words of a line, which is one for each space more. */
static bool words(char *line, struct balancer *b)
{
	char *part[7] = { NULL };
	struct balancer dst;
	uint16_t dport;
	bool v6;
	int n = 0;

	while (n < 7 && line)
		part[n++] = strsep(&line, " ");
	if (n < 2 || strcmp(part[0], "PROXY") != 0)
		return false;
	if (!strcmp(part[1], "UNKNOWN"))
		return true;
	v6 = !strcmp(part[1], "TCP6");
	if (n != 6 || (!v6 && strcmp(part[1], "TCP4") != 0))
		return false;
	b->named = 1;
	return address(part[2], v6, b) && address(part[3], v6, &dst) &&
	       read_port(part[4], &b->sport) && read_port(part[5], &dport);
}

static int text(const uint8_t *data, size_t size, struct balancer *ret)
{
	char line[LINE_MAX_BYTES + 1] = { 0 };
	const uint8_t *cr = memchr(data, '\r', size < LINE_MAX_BYTES ? size : LINE_MAX_BYTES);
	struct balancer b = { 0 };
	size_t len;

	if (!cr || cr + 1 == data + size || cr[1] != '\n' || cr - data + 2 > LINE_MAX_BYTES)
		return 0;
	len = cr - data;
	memcpy(line, data, len);
	/* Zero bytes end a string for the C library, and may only stand where all is ignored. */
	if (strlen(line) != len && strncmp(line, "PROXY UNKNOWN ", 14) != 0)
		return 0;
	if (!words(line, &b))
		return 0;
	b.bytes = len + 2;
	*ret = b;
	return b.bytes;
}

/* `held` bytes are in the buffer. */
static int binary(const uint8_t *data, size_t held, size_t size, struct balancer *ret)
{
	static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
	struct balancer b = { 0 };
	size_t addresses = 0;

	if (held < 16 || memcmp(data, signature, 12) != 0)
		return 0;
	b.bytes = 16 + data[14] * 256 + data[15];
	if (b.bytes > size || b.bytes > 536 || (data[12] != 0x20 && data[12] != 0x21))
		return 0;
	if (data[12] == 0x21) {
		if ((data[13] & 0xf0) > 0x30 || (data[13] & 0x0f) > 2)
			return 0;
		addresses = data[13] == 0x11 ? 12 : data[13] == 0x21 ? 36 : 0;
	}
	if (b.bytes < 16 + addresses || held < 16 + addresses)
		return 0;
	if (addresses) {
		uint8_t ip[16] = { [10] = 0xff, 0xff };

		memcpy(addresses == 12 ? ip + 12 : ip, data + 16, addresses == 12 ? 4 : 16);
		b.named = 1;
		b.src_hi = word(ip);
		b.src_lo = word(ip + 8);
		b.sport = data[addresses + 12] * 256 + data[addresses + 13];
	}
	*ret = b;
	return b.bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) uint8_t *copy = NULL;
	struct balancer one, two;
	struct frame f;
	size_t held;
	int r;

	if (!size)
		return 0;
	size--;
	held = data[0] < size ? size - data[0] : 0;
	copy = malloc(held ? held : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, held);
	f = (struct frame){ copy, copy + held };
	memset(&one, 0xee, sizeof(one));
	two = one;
	r = balancer_read(&f, 0, size, &one);
	if (held && copy[0] == 'P')
		must(r == text(copy, held, &two));
	else
		must(r == binary(copy, held, size, &two));
	must(!memcmp(&one, &two, sizeof(one)));
	return 0;
}
