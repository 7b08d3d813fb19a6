// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Link types, by the headers that https://www.tcpdump.org/linktypes.html describes.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <pcap/dlt.h>
#include <string.h>
#include "user/replay/link.h"

#define RAW_SOME 14 /* DLT_RAW where captures came from OpenBSD */

/* Lengths of the headers, and where Linux puts the EtherType into its own. */
#define FAMILY_HEADER 4
#define SLL_HEADER 16
#define SLL_PROTOCOL 14
#define SLL2_HEADER 20
#define SLL2_PROTOCOL 0

#define IP_HEADER_MAX 40 /* without options: IPv6 */
#define VLAN_TAGS 3	 /* one more than are read */

bool link_known(int type)
{
	switch (type) {
	case DLT_EN10MB:
	case DLT_RAW:
	case RAW_SOME:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_NULL:
	case DLT_LOOP: return true;
	default: return false;
	}
}

/* IP says itself which version it is; what is neither is for the datapath to refuse. */
static uint16_t raw_ethertype(const uint8_t *ip)
{
	return *ip >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
}

/* The family of a socket on the system that captured, in its byte order, which is not known. IPv6
 * has a number of its own on each: 10 on Linux, 24, 28 and 30 on the BSDs. */
static uint16_t family_ethertype(const uint8_t *header)
{
	uint32_t little = header[0] | header[1] << 8, big = header[3] | header[2] << 8;
	uint32_t family = little ? little : big;

	switch (family) {
	case 2: return ETH_P_IP;
	case 10:
	case 24:
	case 28:
	case 30: return ETH_P_IPV6;
	default: return 0;
	}
}

/* How long the header is, and what it says comes behind it. */
static bool header_read(int type, const uint8_t *packet, size_t len, size_t *ret_header,
			uint16_t *ret_ethertype)
{
	size_t header = 0, at = 0;

	switch (type) {
	case DLT_LINUX_SLL: header = SLL_HEADER, at = SLL_PROTOCOL; break;
	case DLT_LINUX_SLL2: header = SLL2_HEADER, at = SLL2_PROTOCOL; break;
	case DLT_NULL:
	case DLT_LOOP: header = FAMILY_HEADER; break;
	default: break;
	}
	if (len <= header)
		return false;
	*ret_header = header;
	if (header == FAMILY_HEADER)
		*ret_ethertype = family_ethertype(packet);
	else if (header)
		*ret_ethertype = (uint16_t)(packet[at] << 8 | packet[at + 1]);
	else
		*ret_ethertype = raw_ethertype(packet);
	return true;
}

bool link_frame(int type, const uint8_t *packet, size_t len, struct link_room *room,
		struct link_frame *ret)
{
	uint16_t ethertype = 0;
	size_t header = 0;

	if (type == DLT_EN10MB) {
		if (len < LINK_FRAME_MIN)
			return false;
		ret->at = packet;
		ret->len = len < LINK_FRAME_MAX ? (uint32_t)len : LINK_FRAME_MAX;
		ret->lost = (uint32_t)len - ret->len;
		return true;
	}
	if (!header_read(type, packet, len, &header, &ethertype))
		return false;
	packet += header;
	len -= header;
	ret->lost = 0;
	if (len > LINK_FRAME_MAX - ETH_HLEN) {
		ret->lost = (uint32_t)(len - (LINK_FRAME_MAX - ETH_HLEN));
		len = LINK_FRAME_MAX - ETH_HLEN;
	}
	memset(room->bytes, 0, ETH_HLEN - 2);
	room->bytes[ETH_HLEN - 2] = (uint8_t)(ethertype >> 8);
	room->bytes[ETH_HLEN - 1] = (uint8_t)ethertype;
	memcpy(room->bytes + ETH_HLEN, packet, len);
	ret->at = room->bytes;
	ret->len = (uint32_t)(ETH_HLEN + len);
	return true;
}

/* Where the IP header begins, behind VLAN tags; 0: there is none. */
static size_t ip_offset(const struct link_frame *f, uint16_t *ret_ethertype)
{
	size_t at = ETH_HLEN;

	for (unsigned int tags = 0; at + IP_HEADER_MAX <= f->len && tags < VLAN_TAGS; tags++) {
		*ret_ethertype = (uint16_t)(f->at[at - 2] << 8 | f->at[at - 1]);
		if (*ret_ethertype != ETH_P_8021Q && *ret_ethertype != ETH_P_8021AD)
			return at;
		at += 4;
	}
	return 0;
}

/* Of TCP alone: nothing else is cut by NICs and matters here. Where the length stands in the
 * header, and from where it counts; 0: it is there already. */
static size_t length_offset(const uint8_t *ip, uint16_t ethertype, size_t *ret_from)
{
	if (ethertype == ETH_P_IP && *ip >> 4 == 4 && !ip[2] && !ip[3] && ip[9] == IPPROTO_TCP) {
		*ret_from = 0;
		return 2;
	}
	if (ethertype == ETH_P_IPV6 && *ip >> 4 == 6 && !ip[4] && !ip[5] && ip[6] == IPPROTO_TCP) {
		*ret_from = 40;
		return 4;
	}
	return 0;
}

bool link_fill_length(size_t missing, struct link_room *room, struct link_frame *ret)
{
	size_t ip, length, from = 0, bytes;
	uint16_t ethertype = 0;

	ip = ip_offset(ret, &ethertype);
	if (!ip)
		return false;
	length = length_offset(ret->at + ip, ethertype, &from);
	if (!length)
		return false;
	if (ret->at != room->bytes)
		memcpy(room->bytes, ret->at, ret->len);
	ret->at = room->bytes;
	bytes = ret->len + missing - ip - from;
	if (bytes > UINT16_MAX)
		bytes = UINT16_MAX;
	room->bytes[ip + length] = (uint8_t)(bytes >> 8);
	room->bytes[ip + length + 1] = (uint8_t)bytes;
	return true;
}
