/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link headers of captures: what becomes of each, and of what is too short or too long for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pcap/dlt.h>
#include "user/base/cleanup.h"
#include "user/replay/link.h"

#define IP4 0x45
#define IP6 0x60
#define HEADER 20

static struct link_room room;

/* A packet of one kind of link header and an IP header that says 40 bytes. */
static size_t packet_make(const uint8_t *header, size_t header_len, uint8_t version, uint8_t *ret)
{
	memset(ret, 0, header_len + HEADER);
	memcpy(ret, header, header_len);
	ret[header_len] = version;
	ret[header_len + 3] = 40;
	return header_len + HEADER;
}

struct row {
	const char *name;
	int type;
	uint8_t header[20];
	size_t header_len;
	uint8_t version;
	uint16_t ethertype;
};

/* clang-format off */
static const struct row rows[] = {
	{ "raw IPv4", DLT_RAW, { 0 }, 0, IP4, 0x0800 },
	{ "raw IPv6", DLT_RAW, { 0 }, 0, IP6, 0x86dd },
	{ "IPv4", DLT_IPV4, { 0 }, 0, IP4, 0x0800 },
	{ "IPv6", DLT_IPV6, { 0 }, 0, IP6, 0x86dd },
	{ "cooked", DLT_LINUX_SLL, { [14] = 0x08, [15] = 0x00 }, 16, IP4, 0x0800 },
	{ "cooked with a VLAN tag", DLT_LINUX_SLL, { [14] = 0x81, [15] = 0x00 }, 16, IP4, 0x8100 },
	{ "cooked, version 2", DLT_LINUX_SLL2, { 0x86, 0xdd }, 20, IP6, 0x86dd },
	{ "loopback, little endian", DLT_NULL, { 2, 0, 0, 0 }, 4, IP4, 0x0800 },
	{ "loopback, big endian", DLT_NULL, { 0, 0, 0, 2 }, 4, IP4, 0x0800 },
	{ "loopback of FreeBSD, IPv6", DLT_NULL, { 28, 0, 0, 0 }, 4, IP6, 0x86dd },
	{ "loopback of macOS, IPv6", DLT_NULL, { 30, 0, 0, 0 }, 4, IP6, 0x86dd },
	{ "loopback of OpenBSD, IPv6", DLT_LOOP, { 0, 0, 0, 24 }, 4, IP6, 0x86dd },
	{ "loopback of another family", DLT_LOOP, { 0, 0, 0, 7 }, 4, IP4, 0 },
};
/* clang-format on */

static void headers_become_ethernet(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		uint8_t packet[64];
		size_t len = packet_make(r->header, r->header_len, r->version, packet);
		struct link_frame f;

		print_message("# %s\n", r->name);
		assert_true(link_known(r->type));
		assert_true(link_frame(r->type, packet, len, &room, &f));
		assert_int_equal(f.len, 14 + HEADER);
		assert_int_equal(f.at[12] << 8 | f.at[13], r->ethertype);
		assert_memory_equal(f.at + 14, packet + r->header_len, HEADER);
		assert_false(link_frame(r->type, packet, r->header_len, &room, &f));
	}
}

static void ethernet_stays_where_it_is(void **state)
{
	uint8_t packet[60] = { 0 };
	struct link_frame f;

	(void)state;
	assert_true(link_frame(DLT_EN10MB, packet, sizeof(packet), &room, &f));
	assert_ptr_equal(f.at, packet);
	assert_int_equal(f.len, sizeof(packet));
	assert_int_equal(f.lost, 0);
	assert_false(link_frame(DLT_EN10MB, packet, LINK_FRAME_MIN - 1, &room, &f));
}

static void long_packets_are_cut(void **state)
{
	static const uint8_t packet[LINK_FRAME_MAX + 100] = { IP4 };
	struct link_frame f;

	(void)state;
	assert_true(link_frame(DLT_EN10MB, packet, sizeof(packet), &room, &f));
	assert_int_equal(f.len, LINK_FRAME_MAX);
	assert_int_equal(f.lost, 100);
	assert_true(link_frame(DLT_RAW, packet, sizeof(packet), &room, &f));
	assert_int_equal(f.len, LINK_FRAME_MAX);
	assert_int_equal(f.lost, 114);
}

static void other_links_are_not_known(void **state)
{
	(void)state;
	assert_false(link_known(DLT_IEEE802_11));
	assert_false(link_known(-1));
}

/* An Ethernet frame of TCP over IPv4 or IPv6, `len` bytes, IP length 0. */
static struct link_frame offloaded(bool v6, uint8_t *packet, size_t len)
{
	struct link_frame f;

	memset(packet, 0, len);
	packet[12] = v6 ? 0x86 : 0x08;
	packet[13] = v6 ? 0xdd : 0x00;
	packet[14] = v6 ? IP6 : IP4;
	packet[v6 ? 20 : 23] = 6;
	assert_true(link_frame(DLT_EN10MB, packet, len, &room, &f));
	return f;
}

static void an_ip_length_of_zero_is_filled_in(void **state)
{
	uint8_t packet[514];
	struct link_frame f = offloaded(false, packet, sizeof(packet));

	(void)state;
	assert_true(link_fill_length(0, &room, &f));
	assert_int_equal(f.at[16] << 8 | f.at[17], 500);
	assert_int_equal(packet[16] << 8 | packet[17], 0);

	f = offloaded(true, packet, sizeof(packet));
	assert_true(link_fill_length(1000, &room, &f));
	assert_int_equal(f.at[18] << 8 | f.at[19], 1460);

	f = offloaded(false, packet, sizeof(packet));
	assert_true(link_fill_length(100000, &room, &f));
	assert_int_equal(f.at[16] << 8 | f.at[17], UINT16_MAX);
}

static void other_ip_lengths_stay(void **state)
{
	uint8_t packet[64];
	struct link_frame f = offloaded(false, packet, sizeof(packet));

	(void)state;
	packet[17] = 50;
	assert_false(link_fill_length(0, &room, &f));
	packet[17] = 0;
	packet[23] = 17; /* UDP */
	assert_false(link_fill_length(0, &room, &f));
	assert_ptr_equal(f.at, packet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_become_ethernet),
		cmocka_unit_test(ethernet_stays_where_it_is),
		cmocka_unit_test(long_packets_are_cut),
		cmocka_unit_test(other_links_are_not_known),
		cmocka_unit_test(an_ip_length_of_zero_is_filled_in),
		cmocka_unit_test(other_ip_lengths_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
