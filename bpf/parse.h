/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the first byte of a frame to TCP or UDP: Ethernet, up to two VLAN tags, IPv4 with options,
 * IPv6 with a bounded chain of extension headers, first fragments, and one level of IPIP or IP6IP6
 * when asked. Pure: no helpers, no maps; user space compiles the same file.
 *
 * A position is an offset from the start of the frame, bounded before it is used, and the pointer
 * is computed from the base each time: the verifier cannot follow a pointer that is moved by an
 * amount found in the packet. Lengths come from the IP header, never from the end of the buffer,
 * because frames are padded and buffers hold only the first part of large packets.
 */
#ifndef SEINE_PARSE_H
#define SEINE_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>

#define PARSE_INLINE static inline __attribute__((always_inline))
#ifdef __bpf__
/* A function that the verifier checks once, for any arguments, instead of anew on every path that
 * leads to it. */
#define PARSE_ONCE __attribute__((noinline))
/* A function of its own because it is called from several places, or rarely. */
#define PARSE_CALL static __attribute__((noinline))
#define PARSE_LOOP _Pragma("clang loop unroll(disable)")
#else
#define PARSE_ONCE static inline
#define PARSE_CALL static inline
#define PARSE_LOOP
#endif

#define PARSE_VLAN_TAGS 2
#define PARSE_IP6_HEADERS 6   /* hop-by-hop, routing, fragment, destination twice, and one more */
#define PARSE_OFFSET_MAX 4095 /* of anything looked at: the first buffer of a frame is a page */
#define PARSE_FRAGMENT 0x1fff /* offset bits of iphdr.frag_off */

enum parse {
	PARSE_OK = 0,
	PARSE_NOT_IP,
	PARSE_NOT_L4,
	PARSE_FRAGMENT_LATER,
	PARSE_TRUNCATED,
	PARSE_BAD_HEADER,
	PARSE_TOO_DEEP,
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20
#define TCP_ECE 0x40
#define TCP_CWR 0x80

/* The first buffer of a frame: in the kernel the program's context itself, which alone may be
 * handed to functions that are verified on their own. */
#ifdef __bpf__
#define frame xdp_md
#else
struct frame {
	const void *data;
	const void *data_end;
};
#endif

/* One packet, in host byte order. Addresses are two words each, IPv4 mapped. */
struct packet {
	__u64 src_hi, src_lo;
	__u64 dst_hi, dst_lo;
	__u32 ip_bytes;	   /* length of the (inner) IP packet */
	__u32 ip_end;	   /* where it ends, as an offset */
	__u32 l4;	   /* where TCP or UDP begins */
	__u32 payload;	   /* where its payload begins */
	__u32 payload_len; /* as the IP header says, may be more than the buffer holds */
	__u32 seq, ack;
	__u32 ip6_flow; /* flow label */
	__u16 sport, dport;
	__u16 window;
	__u16 urgent;
	__u16 ip_id;
	__u8 proto;
	__u8 flags; /* TCP_* */
	__u8 ttl;
	__u8 tos;
	__u8 ip_options; /* bytes of IPv4 options */
	__u8 v6;
	__u8 df;
	__u8 tcp_options; /* bytes of TCP options */
	__u8 behind;	  /* set by client.h: sent by a balancer */
};

/* `need` bytes at `off`, or NULL when the buffer ends before. */
PARSE_INLINE const void *parse_at(struct frame *f, __u32 off, __u32 need)
{
	const void *at;

	if (off > PARSE_OFFSET_MAX)
		return NULL;
	at = (const void *)(long)f->data + off;
#ifdef __bpf__
	/* Use the very pointer that is checked; the compiler would compute it anew. */
	asm volatile("" : "+r"(at));
#endif
	return at + need > (const void *)(long)f->data_end ? NULL : at;
}

/* Ethernet and VLAN tags. */
PARSE_INLINE enum parse parse_link(struct frame *f, __u32 *off, __u16 *proto)
{
	const struct ethhdr *eth = parse_at(f, 0, sizeof(*eth));

	if (!eth)
		return PARSE_TRUNCATED;

	*off = sizeof(*eth);
	*proto = bpf_ntohs(eth->h_proto);
	PARSE_LOOP
	for (int i = 0; i < PARSE_VLAN_TAGS; i++) {
		const __be16 *tag;

		if (*proto != ETH_P_8021Q && *proto != ETH_P_8021AD)
			break;
		tag = parse_at(f, *off, 4);
		if (!tag)
			return PARSE_TRUNCATED;
		*off += 4;
		*proto = bpf_ntohs(tag[1]);
	}
	if (*proto == ETH_P_8021Q || *proto == ETH_P_8021AD)
		return PARSE_TOO_DEEP;
	return PARSE_OK;
}

/* IPv4 at `off`; moves `off` to what follows and says what that is. */
PARSE_INLINE enum parse parse_ip4(struct frame *f, struct packet *p, __u32 *off, __u8 *proto)
{
	const struct iphdr *ip = parse_at(f, *off, sizeof(*ip));
	__u32 header, total, frag;

	if (!ip)
		return PARSE_TRUNCATED;

	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || header < sizeof(*ip) || total < header)
		return PARSE_BAD_HEADER;

	frag = bpf_ntohs(ip->frag_off);
	if (frag & PARSE_FRAGMENT)
		return PARSE_FRAGMENT_LATER;

	p->src_hi = 0;
	p->src_lo = 0xffff00000000ull | bpf_ntohl(ip->saddr);
	p->dst_hi = 0;
	p->dst_lo = 0xffff00000000ull | bpf_ntohl(ip->daddr);
	p->ip_bytes = total;
	p->ip_end = *off + total;
	p->ip_id = bpf_ntohs(ip->id);
	p->ip_options = header - sizeof(*ip);
	p->df = !!(frag & 0x4000);
	p->ttl = ip->ttl;
	p->tos = ip->tos;
	p->v6 = 0;
	*proto = ip->protocol;
	*off += header;
	return PARSE_OK;
}

/* One IPv6 extension header: 1 when there was one, 0 when `proto` is something else. */
PARSE_INLINE int parse_ip6_extension(struct frame *f, __u32 *off, __u8 *proto)
{
	const __u8 *ext;
	__u32 len;

	switch (*proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH: break;
	default: return 0;
	}

	ext = parse_at(f, *off, 8);
	if (!ext)
		return -PARSE_TRUNCATED;

	if (*proto == IPPROTO_FRAGMENT) {
		if ((ext[2] << 8 | ext[3]) & 0xfff8)
			return -PARSE_FRAGMENT_LATER;
		len = 8;
	} else if (*proto == IPPROTO_AH) {
		len = (ext[1] + 2) * 4;
	} else {
		len = (ext[1] + 1) * 8;
	}
	*proto = ext[0];
	*off += len;
	return 1;
}

PARSE_INLINE enum parse parse_ip6(struct frame *f, struct packet *p, __u32 *off, __u8 *proto)
{
	const struct ipv6hdr *ip = parse_at(f, *off, sizeof(*ip));
	__u32 payload, first;
	int r = 1;

	if (!ip)
		return PARSE_TRUNCATED;
	if (ip->version != 6)
		return PARSE_BAD_HEADER;

	first = bpf_ntohl(*(const __be32 *)ip);
	payload = bpf_ntohs(ip->payload_len);
	p->src_hi = (__u64)bpf_ntohl(ip->saddr.in6_u.u6_addr32[0]) << 32 |
		    bpf_ntohl(ip->saddr.in6_u.u6_addr32[1]);
	p->src_lo = (__u64)bpf_ntohl(ip->saddr.in6_u.u6_addr32[2]) << 32 |
		    bpf_ntohl(ip->saddr.in6_u.u6_addr32[3]);
	p->dst_hi = (__u64)bpf_ntohl(ip->daddr.in6_u.u6_addr32[0]) << 32 |
		    bpf_ntohl(ip->daddr.in6_u.u6_addr32[1]);
	p->dst_lo = (__u64)bpf_ntohl(ip->daddr.in6_u.u6_addr32[2]) << 32 |
		    bpf_ntohl(ip->daddr.in6_u.u6_addr32[3]);
	p->ip_bytes = sizeof(*ip) + payload;
	p->ip_end = *off + p->ip_bytes;
	p->ip6_flow = first & 0xfffff;
	p->ip_id = 0;
	p->ip_options = 0;
	p->df = 0;
	p->ttl = ip->hop_limit;
	p->tos = first >> 20 & 0xff;
	p->v6 = 1;
	*proto = ip->nexthdr;
	*off += sizeof(*ip);

	PARSE_LOOP
	for (int i = 0; i <= PARSE_IP6_HEADERS; i++) {
		r = parse_ip6_extension(f, off, proto);
		if (r <= 0)
			break;
	}
	if (r < 0)
		return -r;
	return r ? PARSE_TOO_DEEP : PARSE_OK;
}

PARSE_INLINE enum parse parse_tcp(struct frame *f, struct packet *p)
{
	const struct tcphdr *tcp = parse_at(f, p->l4, sizeof(*tcp));
	__u32 header;

	if (!tcp)
		return PARSE_TRUNCATED;

	header = tcp->doff * 4;
	if (header < sizeof(*tcp) || p->l4 + header > p->ip_end)
		return PARSE_BAD_HEADER;

	p->sport = bpf_ntohs(tcp->source);
	p->dport = bpf_ntohs(tcp->dest);
	p->seq = bpf_ntohl(tcp->seq);
	p->ack = bpf_ntohl(tcp->ack_seq);
	p->window = bpf_ntohs(tcp->window);
	p->urgent = bpf_ntohs(tcp->urg_ptr);
	p->flags = ((const __u8 *)tcp)[13];
	p->tcp_options = header - sizeof(*tcp);
	p->payload = p->l4 + header;
	p->payload_len = p->ip_end - p->payload;
	return PARSE_OK;
}

PARSE_INLINE enum parse parse_udp(struct frame *f, struct packet *p)
{
	const struct udphdr *udp = parse_at(f, p->l4, sizeof(*udp));

	if (!udp)
		return PARSE_TRUNCATED;
	if (p->l4 + sizeof(*udp) > p->ip_end)
		return PARSE_BAD_HEADER;

	p->sport = bpf_ntohs(udp->source);
	p->dport = bpf_ntohs(udp->dest);
	p->payload = p->l4 + sizeof(*udp);
	p->payload_len = p->ip_end - p->payload;
	return PARSE_OK;
}

/*
 * The whole frame. On PARSE_OK everything in `p` is set that the protocol has; otherwise the result
 * says why the packet was not understood. `decap`: look into IPIP and IP6IP6.
 */
PARSE_ONCE int parse_packet(struct frame *f, int decap, struct packet *p)
{
	__u8 proto = 0;
	__u16 ether;
	__u32 off;
	enum parse r;

	if (!p)
		return PARSE_BAD_HEADER;
	r = parse_link(f, &off, &ether);
	if (r)
		return r;

	if (ether == ETH_P_IP)
		r = parse_ip4(f, p, &off, &proto);
	else if (ether == ETH_P_IPV6)
		r = parse_ip6(f, p, &off, &proto);
	else
		return PARSE_NOT_IP;
	if (r)
		return r;

	if (decap && proto == IPPROTO_IPIP)
		r = parse_ip4(f, p, &off, &proto);
	else if (decap && proto == IPPROTO_IPV6)
		r = parse_ip6(f, p, &off, &proto);
	if (r)
		return r;

	p->proto = proto;
	p->l4 = off;
	if (off > PARSE_OFFSET_MAX)
		return PARSE_TOO_DEEP;
	if (proto == IPPROTO_TCP)
		return parse_tcp(f, p);
	if (proto == IPPROTO_UDP)
		return parse_udp(f, p);
	return PARSE_NOT_L4;
}

#endif
