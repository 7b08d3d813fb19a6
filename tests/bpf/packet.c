// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a description to a frame, layer by layer. Length fields that a test overrides are written
 * last; checksums are right for the bytes as they are.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include "tests/bpf/packet.h"

#define NEXT_HOP 0
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_AH 51

struct option_bytes {
	uint8_t len;
	uint8_t bytes[40];
};

static const struct option_bytes option_sets[] = {
	[OPTIONS_LINUX] = { 20, { 2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 } },
	[OPTIONS_WINDOWS] = { 12, { 2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2 } },
	[OPTIONS_MACOS] = { 24, { 2,  4, 5, 180, 1, 3, 3, 6, 1, 1, 8,
				  10, 1, 2, 3,	 4, 0, 0, 0, 0, 4, 2 } },
	[OPTIONS_TIMESTAMP] = { 12, { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 } },
	[OPTIONS_OVERRUN] = { 8, { 2, 4, 5, 180, 8, 10, 1, 2 } },
	[OPTIONS_ZERO] = { 8, { 2, 4, 5, 180, 3, 0, 1, 1 } },
	[OPTIONS_FULL] = { 40, { [0 ... 39] = 1 } },
};

static bool is_v6(const char *address)
{
	return strchr(address, ':') != NULL;
}

void wire_address(const char *text, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (is_v6(text)) {
		inet_pton(AF_INET6, text, ret);
		return;
	}
	ret[10] = ret[11] = 0xff;
	inet_pton(AF_INET, text, ret + 12);
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = v >> 8;
	at[1] = v;
}

static uint32_t sum_words(const uint8_t *at, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? at[i] : at[i] << 8;
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void put_link(const struct shape *s, bool v6, struct wire *w)
{
	uint8_t *at = w->bytes + 2 * ETH_ALEN;

	memcpy(w->bytes, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 2 * ETH_ALEN);
	for (int i = 0; i < s->vlans; i++, at += 4) {
		put16(at, s->vlans > 1 && i == 0 ? ETH_P_8021AD : ETH_P_8021Q);
		put16(at + 2, 100 + i);
	}
	put16(at, s->ether ?: v6 ? ETH_P_IPV6 : ETH_P_IP);
	w->len = at + 2 - w->bytes;
}

static void put_ip4(const struct shape *s, uint8_t proto, uint32_t body, struct wire *w)
{
	uint8_t *at = w->bytes + w->len;
	uint32_t header = 20 + s->ip_options;

	at[0] = (s->version ?: 4) << 4 | (s->ihl ?: header / 4);
	at[1] = s->tos;
	put16(at + 2, s->total ?: header + body);
	put16(at + 4, s->id);
	put16(at + 6, (s->df ? 0x4000 : 0) | (s->more ? 0x2000 : 0) | s->fragment);
	at[8] = s->ttl ?: 64;
	at[9] = proto;
	inet_pton(AF_INET, s->src ?: "192.0.2.7", at + 12);
	inet_pton(AF_INET, s->dst ?: "198.51.100.1", at + 16);
	memset(at + 20, 1, s->ip_options);
	put16(at + 10, sum_fold(sum_words(at, header)));
	w->len += header;
}

static uint32_t extension_len(uint8_t kind)
{
	return kind == NEXT_AH ? 16 : 8;
}

static uint32_t extensions_len(const struct shape *s)
{
	uint32_t len = 0;

	for (int i = 0; i < SHAPE_EXTENSIONS && s->ext[i]; i++)
		len += extension_len(s->ext[i]);
	return len;
}

static uint8_t next_header(const struct shape *s, int i, uint8_t proto)
{
	if (i >= SHAPE_EXTENSIONS || !s->ext[i])
		return proto;
	return s->ext[i] == EXT_HOP ? NEXT_HOP : s->ext[i];
}

static void put_extensions(const struct shape *s, uint8_t proto, struct wire *w)
{
	for (int i = 0; i < SHAPE_EXTENSIONS && s->ext[i]; i++) {
		uint8_t *at = w->bytes + w->len;

		at[0] = next_header(s, i + 1, proto);
		if (s->ext[i] == NEXT_FRAGMENT) {
			put16(at + 2, s->fragment << 3 | s->more);
			put16(at + 6, s->id);
		} else if (s->ext[i] == NEXT_AH) {
			at[1] = 2;
		} else if (s->ext[i] != NEXT_ROUTING) {
			at[2] = 1; /* PadN */
			at[3] = 4;
		}
		w->len += extension_len(s->ext[i]);
	}
}

static void put_ip6(const struct shape *s, uint8_t proto, uint32_t body, struct wire *w)
{
	uint8_t *at = w->bytes + w->len;
	uint32_t first = (uint32_t)(s->version ?: 6) << 28 | s->tos << 20 | s->flow_label;

	first = htonl(first);
	memcpy(at, &first, 4);
	put16(at + 4, s->total ?: extensions_len(s) + body);
	at[6] = next_header(s, 0, proto);
	at[7] = s->ttl ?: 64;
	inet_pton(AF_INET6, s->src ?: "2001:db8::7", at + 8);
	inet_pton(AF_INET6, s->dst ?: "2001:db8:ffff::1", at + 24);
	w->len += 40;
	put_extensions(s, proto, w);
}

static void put_outer(const struct shape *s, bool inner_v6, uint32_t inner, struct wire *w)
{
	uint8_t proto = inner_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;

	if (s->outer == 4)
		put_ip4(&(struct shape){ .src = "10.9.9.9", .dst = "10.9.9.1" }, proto, inner, w);
	else if (s->outer == 6)
		put_ip6(&(struct shape){ .src = "fd00::9", .dst = "fd00::1" }, proto, inner, w);
}

/* Addresses are the 8 or 32 bytes in front of options and extensions. */
static uint32_t sum_pseudo(const struct wire *w, bool v6, uint8_t proto, uint32_t len)
{
	const uint8_t *ip = w->bytes + w->l3;

	return sum_words(v6 ? ip + 8 : ip + 12, v6 ? 32 : 8) + proto + len;
}

static uint32_t put_tcp(const struct shape *s, struct wire *w)
{
	const struct option_bytes *o = &option_sets[s->options];
	struct tcphdr tcp = {
		.source = htons(s->sport ?: SHAPE_SPORT),
		.dest = htons(s->dport ?: SHAPE_PORT),
		.seq = htonl(s->seq),
		.ack_seq = htonl(s->ack),
		.doff = s->doff ?: 5 + o->len / 4,
		.window = htons(s->window ?: 64240),
		.urg_ptr = htons(s->urgent),
	};

	memcpy(w->bytes + w->l4, &tcp, sizeof(tcp));
	w->bytes[w->l4 + 13] = s->flags;
	memcpy(w->bytes + w->l4 + sizeof(tcp), o->bytes, o->len);
	if (s->options == OPTIONS_TIMESTAMP && s->tsecr) {
		uint32_t echo = htonl(s->tsecr);

		memcpy(w->bytes + w->l4 + sizeof(tcp) + 8, &echo, sizeof(echo));
	}
	return sizeof(tcp) + o->len;
}

static uint32_t put_udp(const struct shape *s, struct wire *w)
{
	struct udphdr udp = {
		.source = htons(s->sport ?: SHAPE_SPORT),
		.dest = htons(s->dport ?: SHAPE_PORT),
		.len = htons(sizeof(udp) + s->payload_len),
	};

	memcpy(w->bytes + w->l4, &udp, sizeof(udp));
	return sizeof(udp);
}

static uint32_t l4_header(const struct shape *s, uint8_t proto)
{
	if (proto == IPPROTO_TCP)
		return sizeof(struct tcphdr) + option_sets[s->options].len;
	return proto == IPPROTO_UDP ? sizeof(struct udphdr) : 0;
}

static void put_l4(const struct shape *s, bool v6, uint8_t proto, struct wire *w)
{
	uint32_t sum_at = proto == IPPROTO_TCP ? 16 : 6, len;

	w->l4 = w->len;
	if (proto == IPPROTO_TCP)
		w->len += put_tcp(s, w);
	else if (proto == IPPROTO_UDP)
		w->len += put_udp(s, w);
	w->payload = w->len;
	if (s->payload)
		memcpy(w->bytes + w->len, s->payload, s->payload_len);
	w->len += s->payload_len;
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return;

	len = w->len - w->l4;
	put16(w->bytes + w->l4 + sum_at,
	      sum_fold(sum_pseudo(w, v6, proto, len) + sum_words(w->bytes + w->l4, len)));
}

void wire_build(const struct shape *s, struct wire *ret)
{
	bool v6 = s->src && is_v6(s->src);
	uint8_t proto = s->proto ?: IPPROTO_TCP;
	uint32_t body = l4_header(s, proto) + s->payload_len;
	uint32_t inner = v6 ? 40 + extensions_len(s) + body : 20u + s->ip_options + body;

	memset(ret, 0, sizeof(*ret));
	put_link(s, s->outer ? s->outer == 6 : v6, ret);
	put_outer(s, v6, inner, ret);
	ret->l3 = ret->len;
	if (v6)
		put_ip6(s, proto, body, ret);
	else
		put_ip4(s, proto, body, ret);
	put_l4(s, v6, proto, ret);
	if (s->pad && ret->len < ETH_ZLEN)
		ret->len = ETH_ZLEN;
	if (s->cut && s->cut < ret->len)
		ret->len = s->cut;
}

/* ---- TLS ---- */

static const uint16_t suites_openssl[] = { 0x1302, 0x1303, 0x1301, 0xc02c, 0xc030, 0x009f, 0xcca9,
					   0xcca8, 0xccaa, 0xc02b, 0xc02f, 0x009e, 0xc024, 0xc028,
					   0x006b, 0xc023, 0xc027, 0x0067, 0xc00a, 0xc014, 0x0039,
					   0xc009, 0xc013, 0x0033, 0x009d, 0x009c, 0x003d, 0x003c,
					   0x0035, 0x002f, 0x00ff };
static const uint16_t suites_browser[] = { 0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
					   0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
					   0x009c, 0x009d, 0x002f, 0x0035 };
static const uint16_t suites_go[] = { 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009,
				      0xc013, 0xc00a, 0xc014, 0x1301, 0x1302, 0x1303 };

static const struct {
	const uint16_t *list;
	uint32_t n;
} suites[STACKS] = {
	[STACK_OPENSSL] = { suites_openssl, sizeof(suites_openssl) / 2 },
	[STACK_BROWSER] = { suites_browser, sizeof(suites_browser) / 2 },
	[STACK_GO] = { suites_go, sizeof(suites_go) / 2 },
};

uint32_t tls_append(uint8_t *at, uint32_t end, uint8_t type, uint8_t first, uint32_t len)
{
	at[end] = type;
	put16(at + end + 1, 0x0303);
	put16(at + end + 3, len);
	memset(at + end + 5, 0xa5, len);
	at[end + 5] = first;
	return end + 5 + len;
}

static uint32_t put_suites(const struct hello_shape *h, uint8_t *at)
{
	uint32_t n = suites[h->stack].n;

	put16(at, 2 * n);
	for (uint32_t i = 0; i < n; i++) {
		uint16_t suite = suites[h->stack].list[h->reversed ? n - 1 - i : i];

		if (suite == 0x0a0a && h->grease)
			suite = h->grease;
		put16(at + 2 + 2 * i, suite);
	}
	return 2 + 2 * n;
}

uint32_t tls_hello(const struct hello_shape *h, uint8_t *at)
{
	uint32_t end = 11, tail = h->psk ? 4 + h->psk : 0, padding;

	memset(at, 0, 64 + h->session_id);
	memset(at + end, 0x5c, 32); /* random */
	end += 32;
	at[end++] = h->session_id;
	memset(at + end, 0xd5, h->session_id);
	end += h->session_id;
	end += put_suites(h, at + end);
	at[end++] = 1; /* one compression method: none */
	at[end++] = 0;

	padding = h->bytes > end + 6 + tail ? h->bytes - end - 6 - tail : 0;
	put16(at + end, padding + 4 + tail);
	put16(at + end + 2, 21);
	put16(at + end + 4, padding);
	for (uint32_t i = 0; i < padding; i++) /* not zeros: a byte in the wrong place shows */
		at[end + 6 + i] = i ^ i >> 8;
	end += 6 + padding;
	if (h->psk) {
		put16(at + end, 41);
		put16(at + end + 2, h->psk);
		memset(at + end + 4, 0x95, h->psk);
		end += tail;
	}

	memcpy(at, "\x16\x03\x01", 3);
	put16(at + 3, end - 5);
	at[5] = 1;
	put16(at + 7, end - 9);
	put16(at + 9, 0x0303);
	return end;
}
