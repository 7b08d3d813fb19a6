/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet table: name, packet, state, verdict, and the exit that the packet takes. Only
 * test_packets.c includes it.
 */
#ifndef TESTS_PACKETS_TABLE_H
#define TESTS_PACKETS_TABLE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include "bpf/seine.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/bed.h"

#define NOW BED_START_SEC
#define STATE_ENTRIES 3

struct state {
	struct {
		const char *prefix;
		uint32_t generation;
		struct seine_entry row;
	} entry[STATE_ENTRIES];
	const char *allow;
	uint32_t allow_expires;
	uint32_t silent; /* seconds since the agent's last heartbeat */
	uint32_t active; /* generation */
	uint8_t observe, off, decap;
	uint8_t before; /* how often the packet comes before it is judged */
};

struct row {
	const char *name;
	struct shape shape;
	struct state state;
	int verdict;
	size_t counter;
};

/* One row a line reads better than a hundred columns. */
/* clang-format off */
#define COUNTER(name) offsetof(struct seine_stats, name)
#define PASSES(name) XDP_PASS, COUNTER(name)
#define DROPS XDP_DROP, COUNTER(dropped)

/* Packets of IP4 and TCP4 come from 192.0.2.7, of IP6 from 2001:db8:1:2::7. */
#define IP4(...) { .flags = TH_SYN, __VA_ARGS__ }
#define IP6(...) { .src = "2001:db8:1:2::7", .flags = TH_SYN, __VA_ARGS__ }
#define TCP4(flags_, ...) { .flags = flags_, __VA_ARGS__ }
#define FROM(address, ...) { .src = address, .flags = TH_SYN, __VA_ARGS__ }
#define UDP(...) { .proto = IPPROTO_UDP, .payload_len = 20, __VA_ARGS__ }

#define ENTRY(prefix_, action_, ...) \
	{ .prefix = prefix_, .row = { .action = SEINE_##action_, .slot = 1, __VA_ARGS__ } }
#define BARE(prefix_, ...) { .prefix = prefix_, .row = { __VA_ARGS__ } }
#define NEXT(prefix_, action_) \
	{ .prefix = prefix_, .generation = 1, .row = { .action = SEINE_##action_ } }
#define LISTED(prefix, action, ...) .entry = { ENTRY(prefix, action, __VA_ARGS__) }
#define BOTH(a, b) .entry = { a, b }
#define DROP4 LISTED("192.0.2.7/32", DROP)

static const struct row rows[] = {
/* Link layer */
{ "IPv4", IP4(), {}, PASSES(passed) },
{ "IPv6", IP6(), {}, PASSES(passed) },
{ "ARP", IP4(.ether = ETH_P_ARP), {}, PASSES(not_ip) },
{ "length instead of a type", IP4(.ether = 46), {}, PASSES(not_ip) },
{ "MPLS", IP4(.ether = ETH_P_MPLS_UC), {}, PASSES(not_ip) },
{ "PPPoE", IP4(.ether = ETH_P_PPP_SES), {}, PASSES(not_ip) },
{ "one VLAN tag", IP4(.vlans = 1), {}, PASSES(passed) },
{ "two VLAN tags", IP4(.vlans = 2), {}, PASSES(passed) },
{ "three VLAN tags", IP4(.vlans = 3), {}, PASSES(ext_chain) },
{ "one VLAN tag, IPv6", IP6(.vlans = 1), {}, PASSES(passed) },
{ "two VLAN tags, IPv6", IP6(.vlans = 2), {}, PASSES(passed) },
{ "three VLAN tags, IPv6", IP6(.vlans = 3), {}, PASSES(ext_chain) },
{ "VLAN tag, ARP", IP4(.vlans = 1, .ether = ETH_P_ARP), {}, PASSES(not_ip) },
{ "VLAN tag at the end", IP4(.vlans = 1, .cut = 17), {}, PASSES(truncated) },
{ "IPv4 under the type of IPv6", IP4(.ether = ETH_P_IPV6), {}, PASSES(bad_header) },
{ "IPv6 under the type of IPv4", IP6(.ether = ETH_P_IP), {}, PASSES(bad_header) },
/* IPv4 */
{ "IPv4 version 5", IP4(.version = 5), {}, PASSES(bad_header) },
{ "IPv4 version 15", IP4(.version = 15), {}, PASSES(bad_header) },
{ "IPv4 header of 4 bytes", IP4(.ihl = 1), {}, PASSES(bad_header) },
{ "IPv4 header of 16 bytes", IP4(.ihl = 4), {}, PASSES(bad_header) },
{ "IPv4 header of 16 bytes before what looks like TCP", IP4(.ihl = 4, .dst = "198.51.1.187", .ack = 0x50000000), {}, PASSES(bad_header) },
{ "IPv4 header longer than the packet", IP4(.ihl = 15, .total = 40), {}, PASSES(bad_header) },
{ "IPv4 header behind the buffer", IP4(.ihl = 15, .total = 1500), {}, PASSES(truncated) },
{ "IPv4 length below its header", IP4(.total = 19), {}, PASSES(bad_header) },
{ "IPv4 length of its header only", IP4(.total = 20), {}, PASSES(bad_header) },
{ "IPv4 length cuts TCP", IP4(.total = 39), {}, PASSES(bad_header) },
{ "IPv4 length cuts TCP options", IP4(.total = 59, .options = OPTIONS_LINUX), {}, PASSES(bad_header) },
{ "IPv4 longer than the buffer", IP4(.total = 1500), {}, PASSES(passed) },
{ "IPv4 padded to a whole frame", IP4(.pad = 1), {}, PASSES(passed) },
{ "IPv4 options, 4 bytes", IP4(.ip_options = 4), {}, PASSES(passed) },
{ "IPv4 options, 20 bytes", IP4(.ip_options = 20), {}, PASSES(passed) },
{ "IPv4 options, 40 bytes", IP4(.ip_options = 40), {}, PASSES(passed) },
{ "IPv4 options and two VLAN tags", IP4(.ip_options = 40, .vlans = 2), {}, PASSES(passed) },
{ "IPv4 DF", IP4(.df = 1), {}, PASSES(passed) },
{ "IPv4 first fragment", IP4(.more = 1, .payload_len = 100), {}, PASSES(passed) },
{ "IPv4 middle fragment", IP4(.more = 1, .fragment = 10), {}, PASSES(fragment) },
{ "IPv4 last fragment", IP4(.fragment = 185), {}, PASSES(fragment) },
{ "IPv4 furthest fragment", IP4(.fragment = 0x1fff), {}, PASSES(fragment) },
{ "IPv4 first fragment too short for TCP", IP4(.more = 1, .total = 28, .pad = 1), {}, PASSES(bad_header) },
{ "ICMP", IP4(.proto = 1, .payload_len = 64), {}, PASSES(not_l4) },
{ "GRE", IP4(.proto = 47, .payload_len = 64), {}, PASSES(not_l4) },
{ "ESP", IP4(.proto = 50, .payload_len = 64), {}, PASSES(not_l4) },
{ "AH over IPv4", IP4(.proto = 51, .payload_len = 64), {}, PASSES(not_l4) },
{ "SCTP", IP4(.proto = 132, .payload_len = 64), {}, PASSES(not_l4) },
{ "protocol 255", IP4(.proto = 255, .payload_len = 64), {}, PASSES(not_l4) },
/* IPv6 */
{ "IPv6 version 7", IP6(.version = 7), {}, PASSES(bad_header) },
{ "IPv6 length at its highest", IP6(.total = 0xffff), {}, PASSES(passed) },
{ "IPv6 length cuts TCP", IP6(.total = 19), {}, PASSES(bad_header) },
{ "IPv6 longer than the buffer", IP6(.total = 1400), {}, PASSES(passed) },
{ "IPv6 flow label", IP6(.flow_label = 0xfffff), {}, PASSES(passed) },
{ "IPv6 hop-by-hop", IP6(.ext = { EXT_HOP }), {}, PASSES(passed) },
{ "IPv6 routing", IP6(.ext = { 43 }), {}, PASSES(passed) },
{ "IPv6 destination options", IP6(.ext = { 60 }), {}, PASSES(passed) },
{ "IPv6 authentication", IP6(.ext = { 51 }), {}, PASSES(passed) },
{ "IPv6 atomic fragment", IP6(.ext = { 44 }), {}, PASSES(passed) },
{ "IPv6 first fragment", IP6(.ext = { 44 }, .more = 1), {}, PASSES(passed) },
{ "IPv6 middle fragment", IP6(.ext = { 44 }, .more = 1, .fragment = 1), {}, PASSES(fragment) },
{ "IPv6 last fragment", IP6(.ext = { 44 }, .fragment = 0x1fff), {}, PASSES(fragment) },
{ "IPv6 fragment behind other headers", IP6(.ext = { EXT_HOP, 60, 44 }, .fragment = 1), {}, PASSES(fragment) },
{ "IPv6 two extensions", IP6(.ext = { EXT_HOP, 60 }), {}, PASSES(passed) },
{ "IPv6 five extensions", IP6(.ext = { EXT_HOP, 60, 43, 44, 60 }), {}, PASSES(passed) },
{ "IPv6 six extensions", IP6(.ext = { EXT_HOP, 60, 43, 44, 51, 60 }), {}, PASSES(passed) },
{ "IPv6 seven extensions", IP6(.ext = { EXT_HOP, 60, 43, 44, 51, 60, 60 }), {}, PASSES(ext_chain) },
{ "IPv6 eight extensions", IP6(.ext = { 60, 60, 60, 60, 60, 60, 60, 60 }), {}, PASSES(ext_chain) },
{ "IPv6 extension behind the buffer", IP6(.ext = { 60 }, .cut = 61), {}, PASSES(truncated) },
{ "IPv6 extension longer than the packet", IP6(.ext = { 60 }, .total = 10), {}, PASSES(bad_header) },
{ "IPv6 ESP", IP6(.proto = 50, .payload_len = 64), {}, PASSES(not_l4) },
{ "IPv6 no next header", IP6(.proto = 59, .payload_len = 64), {}, PASSES(not_l4) },
{ "IPv6 mobility", IP6(.proto = 135, .payload_len = 64), {}, PASSES(not_l4) },
{ "ICMPv6", IP6(.proto = 58, .payload_len = 64), {}, PASSES(not_l4) },
{ "ICMPv6 behind an extension", IP6(.proto = 58, .ext = { EXT_HOP }, .payload_len = 64), {}, PASSES(not_l4) },
/* IP in IP */
{ "IPIP, not looked into", IP4(.outer = 4), {}, PASSES(not_l4) },
{ "IP6IP, not looked into", IP6(.outer = 4), {}, PASSES(not_l4) },
{ "IPIP6, not looked into", IP4(.outer = 6), {}, PASSES(not_l4) },
{ "IPIP", IP4(.outer = 4), { .decap = 1 }, PASSES(passed) },
{ "IP6 in IP4", IP6(.outer = 4), { .decap = 1 }, PASSES(passed) },
{ "IP4 in IP6", IP4(.outer = 6), { .decap = 1 }, PASSES(passed) },
{ "IP6 in IP6", IP6(.outer = 6), { .decap = 1 }, PASSES(passed) },
{ "IP6 with extensions in IP6", IP6(.outer = 6, .ext = { EXT_HOP, 60 }), { .decap = 1 }, PASSES(passed) },
{ "IPIP, VLAN tags, options", IP4(.outer = 4, .vlans = 2, .ip_options = 40), { .decap = 1 }, PASSES(passed) },
{ "IPIP, inner version 5", IP4(.outer = 4, .version = 5), { .decap = 1 }, PASSES(bad_header) },
{ "IPIP, inner later fragment", IP4(.outer = 4, .fragment = 5), { .decap = 1 }, PASSES(fragment) },
{ "IPIP, ends in the inner header", IP4(.outer = 4, .cut = 50), { .decap = 1 }, PASSES(truncated) },
{ "IPIP twice", IP4(.outer = 4, .proto = 4, .payload_len = 60), { .decap = 1 }, PASSES(not_l4) },
{ "IPIP, inner ICMP", IP4(.outer = 4, .proto = 1, .payload_len = 60), { .decap = 1 }, PASSES(not_l4) },
{ "no IPIP although looked for", IP4(), { .decap = 1 }, PASSES(passed) },
/* TCP */
{ "TCP header of 4 bytes", IP4(.doff = 1), {}, PASSES(bad_header) },
{ "TCP header of 16 bytes", IP4(.doff = 4), {}, PASSES(bad_header) },
{ "TCP header longer than the packet", IP4(.doff = 6), {}, PASSES(bad_header) },
{ "TCP header longer than the packet, padded", IP4(.doff = 6, .pad = 1), {}, PASSES(bad_header) },
{ "TCP options of Linux", IP4(.options = OPTIONS_LINUX), {}, PASSES(passed) },
{ "TCP options of Windows", IP4(.options = OPTIONS_WINDOWS), {}, PASSES(passed) },
{ "TCP options of macOS", IP4(.options = OPTIONS_MACOS), {}, PASSES(passed) },
{ "TCP options, 40 bytes", IP4(.options = OPTIONS_FULL), {}, PASSES(passed) },
{ "TCP option too long", IP4(.options = OPTIONS_OVERRUN), {}, PASSES(passed) },
{ "TCP option of length zero", IP4(.options = OPTIONS_ZERO), {}, PASSES(passed) },
{ "TCP options behind the buffer", IP4(.options = OPTIONS_LINUX, .cut = 60), {}, PASSES(passed) },
{ "TCP without flags", TCP4(0), {}, PASSES(passed) },
{ "TCP with all flags", TCP4(0xff, .payload_len = 30), {}, PASSES(passed) },
{ "SYN and FIN", TCP4(TH_SYN | TH_FIN), {}, PASSES(passed) },
{ "SYN and RST", TCP4(TH_SYN | TH_RST), {}, PASSES(passed) },
{ "SYN and ACK", TCP4(TH_SYN | TH_ACK), {}, PASSES(passed) },
{ "SYN with data", IP4(.payload_len = 500), {}, PASSES(passed) },
{ "lone ACK", TCP4(TH_ACK, .ack = 1), {}, PASSES(passed) },
{ "lone data", TCP4(TH_ACK, .payload_len = 500), {}, PASSES(passed) },
{ "lone FIN", TCP4(TH_FIN | TH_ACK), {}, PASSES(passed) },
{ "lone RST", TCP4(TH_RST), {}, PASSES(passed) },
{ "urgent data", TCP4(TH_ACK | TH_URG, .urgent = 5, .payload_len = 9), {}, PASSES(passed) },
{ "large segment", TCP4(TH_ACK, .payload_len = 3300), {}, PASSES(passed) },
/* Ports */
{ "port 80", IP4(.dport = 80), {}, PASSES(not_protected) },
{ "port 22", IP4(.dport = 22), {}, PASSES(not_protected) },
{ "port 444", IP4(.dport = 444), {}, PASSES(not_protected) },
{ "port 65535", IP4(.dport = 65535), {}, PASSES(not_protected) },
{ "another protected port", IP4(.dport = 8443), {}, PASSES(passed) },
{ "the last protected port", IP4(.dport = 10004), {}, PASSES(passed) },
{ "port protected for UDP only", IP4(.dport = 9443), {}, PASSES(not_protected) },
{ "UDP port protected for TCP only", UDP(.dport = 8443), {}, PASSES(not_protected) },
{ "UDP port protected", UDP(.dport = 9443), {}, PASSES(passed) },
{ "port 1", IP4(.dport = 1), {}, PASSES(not_protected) },
{ "answer to the host's own client", TCP4(TH_SYN | TH_ACK, .sport = 443, .dport = 50000), {}, PASSES(not_protected) },
{ "UDP", UDP(), {}, PASSES(passed) },
{ "UDP over IPv6", UDP(.src = "2001:db8::7"), {}, PASSES(passed) },
{ "UDP without payload", { .proto = IPPROTO_UDP }, {}, PASSES(passed) },
{ "UDP port 53", UDP(.dport = 53), {}, PASSES(not_protected) },
{ "UDP cut by the IP length", UDP(.total = 27), {}, PASSES(bad_header) },
/* Listed */
{ "listed source drops when enforcing", IP4(), { DROP4 }, DROPS },
{ "listed source passes when observing", IP4(), { DROP4, .observe = 1 }, PASSES(would_drop) },
{ "listed source, data", TCP4(TH_ACK, .payload_len = 900), { DROP4 }, DROPS },
{ "listed source, RST", TCP4(TH_RST), { DROP4 }, DROPS },
{ "listed source, UDP", UDP(), { DROP4 }, DROPS },
{ "listed source, one VLAN tag", IP4(.vlans = 1), { DROP4 }, DROPS },
{ "listed source, two VLAN tags", IP4(.vlans = 2), { DROP4 }, DROPS },
{ "listed source, IPv4 options", IP4(.ip_options = 12), { DROP4 }, DROPS },
{ "listed source, first fragment", IP4(.more = 1, .payload_len = 60), { DROP4 }, DROPS },
{ "listed source, later fragment", IP4(.fragment = 100), { DROP4 }, PASSES(fragment) },
{ "listed source, not understood", IP4(.doff = 4), { DROP4 }, PASSES(bad_header) },
{ "listed source, port 22", IP4(.dport = 22), { DROP4 }, PASSES(not_protected) },
{ "listed source, DNS answer", UDP(.sport = 53, .dport = 51000), { DROP4 }, PASSES(not_protected) },
{ "listed source, ping", IP4(.proto = 1, .payload_len = 64), { DROP4 }, PASSES(not_l4) },
{ "listed source inside IPIP", IP4(.outer = 4), { DROP4, .decap = 1 }, DROPS },
{ "listed source inside IPIP, not looked into", IP4(.outer = 4), { DROP4 }, PASSES(not_l4) },
{ "listed balancer around IPIP", IP4(.outer = 4), { LISTED("10.9.9.9/32", DROP), .decap = 1 }, PASSES(passed) },
{ "listed destination", IP4(), { LISTED("198.51.100.1/32", DROP) }, PASSES(passed) },
{ "neighbour below", FROM("192.0.2.6"), { DROP4 }, PASSES(passed) },
{ "neighbour above", FROM("192.0.2.8"), { DROP4 }, PASSES(passed) },
{ "/31, its other half", FROM("192.0.2.6"), { LISTED("192.0.2.6/31", DROP) }, DROPS },
{ "/27, first address", FROM("192.0.2.32"), { LISTED("192.0.2.32/27", DROP) }, DROPS },
{ "/27, last address", FROM("192.0.2.63"), { LISTED("192.0.2.32/27", DROP) }, DROPS },
{ "/27, one above", FROM("192.0.2.64"), { LISTED("192.0.2.32/27", DROP) }, PASSES(passed) },
{ "/24, first address", FROM("192.0.2.0"), { LISTED("192.0.2.0/24", DROP) }, DROPS },
{ "/24, last address", FROM("192.0.2.255"), { LISTED("192.0.2.0/24", DROP) }, DROPS },
{ "/24, one below", FROM("192.0.1.255"), { LISTED("192.0.2.0/24", DROP) }, PASSES(passed) },
{ "/24, one above", FROM("192.0.3.0"), { LISTED("192.0.2.0/24", DROP) }, PASSES(passed) },
{ "/20, last address", FROM("192.0.15.255"), { LISTED("192.0.0.0/20", DROP) }, DROPS },
{ "/20, one above", FROM("192.0.16.0"), { LISTED("192.0.0.0/20", DROP) }, PASSES(passed) },
{ "/8, last address", FROM("10.255.255.255"), { LISTED("10.0.0.0/8", DROP) }, DROPS },
{ "/8, one above", FROM("11.0.0.0"), { LISTED("10.0.0.0/8", DROP) }, PASSES(passed) },
{ "highest address", FROM("255.255.255.255"), { LISTED("255.255.255.255/32", DROP) }, DROPS },
{ "IPv6 /128", IP6(), { LISTED("2001:db8:1:2::7/128", DROP) }, DROPS },
{ "IPv6 /128, neighbour", FROM("2001:db8:1:2::8"), { LISTED("2001:db8:1:2::7/128", DROP) }, PASSES(passed) },
{ "IPv6 /96", IP6(), { LISTED("2001:db8:1:2::/96", DROP) }, DROPS },
{ "IPv6 /64", IP6(), { LISTED("2001:db8:1:2::/64", DROP) }, DROPS },
{ "IPv6 /64, last address", FROM("2001:db8:1:2:ffff:ffff:ffff:ffff"), { LISTED("2001:db8:1:2::/64", DROP) }, DROPS },
{ "IPv6 /64, one above", FROM("2001:db8:1:3::"), { LISTED("2001:db8:1:2::/64", DROP) }, PASSES(passed) },
{ "IPv6 /48", IP6(), { LISTED("2001:db8:1::/48", DROP) }, DROPS },
{ "IPv6 /48, one above", FROM("2001:db8:2::"), { LISTED("2001:db8:1::/48", DROP) }, PASSES(passed) },
{ "IPv6 /40", IP6(), { LISTED("2001:db8::/40", DROP) }, DROPS },
{ "IPv6 /32", IP6(), { LISTED("2001:db8::/32", DROP) }, DROPS },
{ "IPv6 /29, wide", IP6(), { LISTED("2001:db8::/29", DROP) }, DROPS },
{ "IPv6 /29, outside", FROM("2001:dc0::1"), { LISTED("2001:db8::/29", DROP) }, PASSES(passed) },
{ "IPv6 /16, wide", IP6(), { LISTED("2001::/16", DROP) }, DROPS },
{ "IPv6 /3, wide", IP6(), { LISTED("2000::/3", DROP) }, DROPS },
{ "IPv6 /3, IPv4 not touched", IP4(), { LISTED("2000::/3", DROP) }, PASSES(passed) },
{ "IPv6 listed, extensions", IP6(.ext = { EXT_HOP, 60, 44 }), { LISTED("2001:db8:1:2::/64", DROP) }, DROPS },
{ "IPv6 listed, UDP", UDP(.src = "2001:db8:1:2::7"), { LISTED("2001:db8:1:2::/64", DROP) }, DROPS },
{ "IPv6 listed, observing", IP6(), { LISTED("2001:db8:1:2::/64", DROP), .observe = 1 }, PASSES(would_drop) },
{ "IPv6 source dressed as a listed IPv4 one", FROM("::ffff:192.0.2.7"), { DROP4 }, PASSES(passed) },
/* Actions */
{ "watch", IP4(), { LISTED("192.0.2.7/32", WATCH) }, PASSES(watched) },
{ "watch when observing", IP4(), { LISTED("192.0.2.7/32", WATCH), .observe = 1 }, PASSES(watched) },
{ "unknown action only watches", IP4(), { .entry = { BARE("192.0.2.7/32", .action = 9) } }, PASSES(watched) },
{ "canary, no share", IP4(), { LISTED("192.0.2.7/32", CANARY) }, PASSES(canary_spared) },
{ "canary, whole share", IP4(), { LISTED("192.0.2.7/32", CANARY, .share = SEINE_SHARE) }, DROPS },
{ "canary, whole share, observing", IP4(), { LISTED("192.0.2.7/32", CANARY, .share = SEINE_SHARE), .observe = 1 }, PASSES(would_drop) },
{ "limit, first packet", IP4(), { LISTED("192.0.2.7/32", LIMIT, .rate_pps = 1) }, PASSES(within_limit) },
{ "limit, second packet", IP4(), { LISTED("192.0.2.7/32", LIMIT, .rate_pps = 1), .before = 1 }, DROPS },
{ "limit, burst of three", IP4(), { LISTED("192.0.2.7/32", LIMIT, .rate_pps = 1, .burst = 3), .before = 2 }, PASSES(within_limit) },
{ "limit, beyond a burst of three", IP4(), { LISTED("192.0.2.7/32", LIMIT, .rate_pps = 1, .burst = 3), .before = 3 }, DROPS },
{ "limit of zero", IP4(), { LISTED("192.0.2.7/32", LIMIT) }, DROPS },
{ "limit, observing", IP4(), { LISTED("192.0.2.7/32", LIMIT), .observe = 1 }, PASSES(would_drop) },
{ "limit, UDP", UDP(), { LISTED("192.0.2.7/32", LIMIT, .rate_pps = 1), .before = 1 }, DROPS },
{ "limit, slot out of range", IP4(), { .entry = { BARE("192.0.2.7/32", .action = SEINE_LIMIT, .rate_pps = 1, .slot = 1 << 20) }, .before = 9 }, PASSES(within_limit) },
{ "drop, slot out of range", IP4(), { .entry = { BARE("192.0.2.7/32", .action = SEINE_DROP, .slot = 1 << 20) } }, DROPS },
/* Expiry: from the second it names on, an entry is gone. */
{ "expires in a second", IP4(), { LISTED("192.0.2.7/32", DROP, .expires_sec = NOW + 1) }, DROPS },
{ "expires now", IP4(), { LISTED("192.0.2.7/32", DROP, .expires_sec = NOW) }, PASSES(expired) },
{ "expired a second ago", IP4(), { LISTED("192.0.2.7/32", DROP, .expires_sec = NOW - 1) }, PASSES(expired) },
{ "expired long ago", IP4(), { LISTED("192.0.2.7/32", DROP, .expires_sec = 1) }, PASSES(expired) },
{ "never expires", IP4(), { LISTED("192.0.2.7/32", DROP, .expires_sec = 0) }, DROPS },
{ "watch expired", IP4(), { LISTED("192.0.2.7/32", WATCH, .expires_sec = NOW) }, PASSES(expired) },
/* The agent's heartbeat */
{ "automatic, agent alive", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_AUTO) }, DROPS },
{ "automatic, agent silent for the limit", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_AUTO), .silent = 60 }, DROPS },
{ "automatic, agent silent too long", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_AUTO), .silent = 61 }, PASSES(agent_silent) },
{ "automatic, agent silent, observing", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_AUTO), .silent = 61, .observe = 1 }, PASSES(agent_silent) },
{ "automatic canary, agent silent", IP4(), { LISTED("192.0.2.7/32", CANARY, .share = SEINE_SHARE, .origin = SEINE_AUTO), .silent = 61 }, PASSES(agent_silent) },
{ "automatic watch, agent silent", IP4(), { LISTED("192.0.2.7/32", WATCH, .origin = SEINE_AUTO), .silent = 61 }, PASSES(watched) },
{ "automatic, agent never there", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_AUTO), .silent = NOW }, PASSES(agent_silent) },
{ "operator, agent silent", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_OPERATOR), .silent = 61 }, DROPS },
{ "external, agent silent", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_EXTERNAL), .silent = 61 }, DROPS },
{ "feed, agent silent", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_FEED), .silent = 61 }, DROPS },
{ "fleet, agent silent", IP4(), { LISTED("192.0.2.7/32", DROP, .origin = SEINE_FLEET), .silent = 61 }, DROPS },
/* The allow list always wins. */
{ "allowed and listed", IP4(), { DROP4, .allow = "192.0.2.7/32" }, PASSES(allowed) },
{ "allowed and not listed", IP4(), { .allow = "192.0.2.7/32" }, PASSES(passed) },
{ "allowed widely, listed exactly", IP4(), { DROP4, .allow = "192.0.0.0/16" }, PASSES(allowed) },
{ "allowed exactly, listed widely", IP4(), { LISTED("192.0.0.0/16", DROP), .allow = "192.0.2.7/32" }, PASSES(allowed) },
{ "neighbour allowed", IP4(), { LISTED("192.0.2.0/24", DROP), .allow = "192.0.2.8/32" }, DROPS },
{ "everything allowed", IP4(), { DROP4, .allow = "0.0.0.0/0" }, PASSES(allowed) },
{ "allowed, watched", IP4(), { LISTED("192.0.2.7/32", WATCH), .allow = "192.0.2.7/32" }, PASSES(allowed) },
{ "allowed, beyond the limit", IP4(), { LISTED("192.0.2.7/32", LIMIT), .allow = "192.0.2.7/32" }, PASSES(allowed) },
{ "allowed, observing", IP4(), { DROP4, .allow = "192.0.2.7/32", .observe = 1 }, PASSES(allowed) },
{ "allowed for another second", IP4(), { DROP4, .allow = "192.0.2.7/32", .allow_expires = NOW + 1 }, PASSES(allowed) },
{ "allowed until now", IP4(), { DROP4, .allow = "192.0.2.7/32", .allow_expires = NOW }, DROPS },
{ "IPv6 allowed and listed", IP6(), { LISTED("2001:db8::/32", DROP), .allow = "2001:db8:1:2::/64" }, PASSES(allowed) },
{ "IPv6 allowed by address", IP6(), { LISTED("2001:db8:1:2::/64", DROP), .allow = "2001:db8:1:2::7/128" }, PASSES(allowed) },
{ "IPv6 neighbour allowed", IP6(), { LISTED("2001:db8:1:2::/64", DROP), .allow = "2001:db8:1:2::8/128" }, DROPS },
{ "all of IPv4 allowed, IPv6 listed", IP6(), { LISTED("2001:db8:1:2::/64", DROP), .allow = "0.0.0.0/0" }, DROPS },
/* The kill switch */
{ "switched off, listed", IP4(), { DROP4, .off = 1 }, PASSES(switched_off) },
{ "switched off, not listed", IP4(), { .off = 1 }, PASSES(switched_off) },
{ "switched off, other port", IP4(.dport = 22), { .off = 1 }, PASSES(not_protected) },
{ "switched off, UDP listed", UDP(), { DROP4, .off = 1 }, PASSES(switched_off) },
{ "switched off, allowed", IP4(), { DROP4, .allow = "192.0.2.7/32", .off = 1 }, PASSES(switched_off) },
/* Generations */
{ "listed in the generation not in force", IP4(), { .entry = { NEXT("192.0.2.7/32", DROP) } }, PASSES(passed) },
{ "listed in the second generation", IP4(), { .entry = { NEXT("192.0.2.7/32", DROP) }, .active = 1 }, DROPS },
{ "listed in the first, second in force", IP4(), { DROP4, .active = 1 }, PASSES(passed) },
{ "generations disagree, first", IP4(), { BOTH(ENTRY("192.0.2.7/32", WATCH), NEXT("192.0.2.7/32", DROP)) }, PASSES(watched) },
{ "generations disagree, second", IP4(), { BOTH(ENTRY("192.0.2.7/32", WATCH), NEXT("192.0.2.7/32", DROP)), .active = 1 }, DROPS },
{ "IPv6 wide in the generation not in force", IP6(), { .entry = { NEXT("2001::/16", DROP) } }, PASSES(passed) },
{ "IPv6 wide in the second generation", IP6(), { .entry = { NEXT("2001::/16", DROP) }, .active = 1 }, DROPS },
{ "only the lowest bit of the generation counts", IP4(), { DROP4, .active = 2 }, DROPS },
/* Of several entries the longest in force counts. */
{ "long watch over short drop", IP4(), { BOTH(ENTRY("192.0.2.7/32", WATCH), ENTRY("192.0.2.0/24", DROP)) }, PASSES(watched) },
{ "long drop over short watch", IP4(), { BOTH(ENTRY("192.0.2.7/32", DROP), ENTRY("192.0.2.0/24", WATCH)) }, DROPS },
{ "/16 behind a /24 of others", IP4(), { BOTH(ENTRY("192.0.3.0/24", WATCH), ENTRY("192.0.0.0/16", DROP)) }, DROPS },
{ "expired long, short drop", IP4(), { BOTH(ENTRY("192.0.2.7/32", WATCH, .expires_sec = NOW), ENTRY("192.0.2.0/24", DROP)) }, DROPS },
{ "expired long, short watch", IP4(), { BOTH(ENTRY("192.0.2.7/32", DROP, .expires_sec = NOW), ENTRY("192.0.2.0/24", WATCH)) }, PASSES(watched) },
{ "both expired", IP4(), { BOTH(ENTRY("192.0.2.7/32", DROP, .expires_sec = NOW), ENTRY("192.0.2.0/24", DROP, .expires_sec = NOW)) }, PASSES(expired) },
{ "IPv6 long watch over short drop", IP6(), { BOTH(ENTRY("2001:db8:1:2::/64", WATCH), ENTRY("2001:db8:1::/48", DROP)) }, PASSES(watched) },
{ "IPv6 long drop over wide watch", IP6(), { BOTH(ENTRY("2001:db8:1:2::/64", DROP), ENTRY("2001::/16", WATCH)) }, DROPS },
/* Entries for one ClientHello: these packets show none. */
{ "for a hello, SYN", IP4(), { LISTED("192.0.2.7/32", DROP, .hello_key = 7) }, PASSES(hello_differs) },
{ "for a hello, ACK", TCP4(TH_ACK), { LISTED("192.0.2.7/32", DROP, .hello_key = 7) }, PASSES(hello_differs) },
{ "for a hello, lone data", TCP4(TH_ACK, .payload_len = 99), { LISTED("192.0.2.7/32", DROP, .hello_key = 7) }, PASSES(hello_differs) },
{ "for a hello, UDP", UDP(), { LISTED("192.0.2.7/32", DROP, .hello_key = 7) }, PASSES(hello_differs) },
{ "for a hello, expired", IP4(), { LISTED("192.0.2.7/32", DROP, .hello_key = 7, .expires_sec = NOW) }, PASSES(expired) },
{ "for a hello, switched off", IP4(), { LISTED("192.0.2.7/32", DROP, .hello_key = 7), .off = 1 }, PASSES(switched_off) },
{ "for a hello, short drop for all", IP4(), { BOTH(ENTRY("192.0.2.7/32", DROP, .hello_key = 7), ENTRY("192.0.2.0/24", DROP)) }, DROPS },
{ "for a hello, short watch for all", IP4(), { BOTH(ENTRY("192.0.2.7/32", DROP, .hello_key = 7), ENTRY("192.0.2.0/24", WATCH)) }, PASSES(watched) },
{ "for a hello, short one expired", IP4(), { BOTH(ENTRY("192.0.2.7/32", DROP, .hello_key = 7), ENTRY("192.0.2.0/24", DROP, .expires_sec = NOW)) }, PASSES(hello_differs) },
{ "two for different hellos", IP4(), { BOTH(ENTRY("192.0.2.7/32", DROP, .hello_key = 7), ENTRY("192.0.2.0/24", DROP, .hello_key = 8)) }, PASSES(hello_differs) },
};
/* clang-format on */

#endif
