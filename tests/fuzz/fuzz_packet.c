/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames: whatever comes in, the parsers stay inside the buffer, and what they say of it holds
 * together. The first byte says whether to look into IPIP; the rest is the frame.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "bpf/gap.h"
#include "bpf/hello.h"
#include "bpf/quic.h"
#include "bpf/syn.h"
#include "bpf/timestamp.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_packet(const struct frame *f, const struct packet *p)
{
	uint32_t size = (const uint8_t *)f->data_end - (const uint8_t *)f->data;
	uint32_t header = p->proto == IPPROTO_TCP ? 20 + p->tcp_options : 8;

	must(p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP);
	must(p->l4 >= 34 && p->l4 <= PARSE_OFFSET_MAX);
	must(p->l4 + (p->proto == IPPROTO_TCP ? 20 : 8) <= size);
	must(p->tcp_options <= 40 && p->tcp_options % 4 == 0);
	must(p->ip_options <= 40 && p->ip_options % 4 == 0);
	must(p->payload == p->l4 + header);
	must(p->payload <= p->ip_end);
	must(p->payload_len == p->ip_end - p->payload);
	must(p->ip_bytes <= 40 + 0xffff && p->ip_end >= p->ip_bytes + 14);
	must(p->v6 <= 1 && p->df <= 1 && !(p->v6 && (p->df || p->ip_options)));
	must(p->v6 || (!p->src_hi && p->src_lo >> 32 == 0xffff && !p->dst_hi));
}

/* What was understood does not depend on what lies behind the headers. */
static void check_prefix(const struct frame *f, int decap, const struct packet *p)
{
	struct frame cut = *f;
	struct packet again = { 0 };

	cut.data_end = (const uint8_t *)f->data + p->l4 + (p->proto == IPPROTO_TCP ? 20 : 8);
	must(parse_packet(&cut, decap, &again) == PARSE_OK);
	must(!memcmp(&again, p, sizeof(again)));
}

static void check_syn(struct frame *f, const struct packet *p)
{
	struct seine_syn syn;
	bool ended = false;

	syn_read(f, p, &syn);
	must(syn.ttl == 32 || syn.ttl == 64 || syn.ttl == 128 || syn.ttl == 255);
	must(syn.window == p->window);
	for (int i = 0; i < SYN_OPTIONS; i++) {
		uint8_t kind = syn.layout >> (4 * i) & 15;

		must(kind <= SEINE_OPT_OTHER && !(ended && kind));
		ended |= kind == SEINE_OPT_END || kind == SEINE_OPT_EOL;
	}
	must(!!(syn.quirks & SEINE_Q_DATA) == !!p->payload_len);
	must(p->tcp_options || !syn.layout);
}

static void check_hello(struct frame *f, const struct packet *p)
{
	struct hello hello = { 0 };
	uint32_t skip;

	if (hello_read(f, p->payload, p->payload_len, &hello) < 0)
		return;
	must(hello.bytes > 5 && hello.bytes <= 5 + TLS_RECORD_MAX);
	must(hello.skip == HELLO_LOST || (hello.skip > HELLO_FIXED && hello.key));
	skip = hello.skip;
	hello_offers_psk(f, p->payload, p->payload_len, &skip);
	must(hello.skip != HELLO_LOST || skip == HELLO_LOST);
}

static void check_timestamp(struct frame *f, const struct packet *p)
{
	uint32_t echo = timestamp_echo(f, p);
	int32_t sent = timestamp_sent_us(p->seq, echo, p->ack);

	must(!echo || p->tcp_options >= 10);
	must(sent >= -1 && (sent == -1 || sent <= (int64_t)p->ack + 2 * TIMESTAMP_TICK_US));
}

static void check_gap(const struct packet *p)
{
	enum seine_gap gap = gap_classify(p->flags, p->seq, p->ack, p->window, p->sport);

	must(gap <= SEINE_GAP_DUAL);
	must(!(p->flags & GAP_UNTRUSTED) || gap == SEINE_GAP_UNKNOWN);
}

/* Headers of IP are aligned when frames are not; a kernel puts frames there, too. */
#define FRAME_ALIGN 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) uint8_t *copy = malloc(size + FRAME_ALIGN - !!size);
	struct packet p = { 0 };
	struct frame f;
	int decap, r;

	if (!size || !copy)
		return 0;
	memcpy(copy + FRAME_ALIGN, data + 1, size - 1);
	f = (struct frame){ copy + FRAME_ALIGN, copy + FRAME_ALIGN + size - 1 };
	decap = data[0] & 1;
	r = parse_packet(&f, decap, &p);
	must(r >= PARSE_OK && r <= PARSE_TOO_DEEP);
	if (r)
		return 0;
	check_packet(&f, &p);
	check_prefix(&f, decap, &p);
	if (p.proto == IPPROTO_UDP && quic_is_initial(&f, p.payload, p.payload_len))
		must(p.payload_len >= QUIC_START);
	if (p.proto != IPPROTO_TCP)
		return 0;
	check_syn(&f, &p);
	check_hello(&f, &p);
	check_gap(&p);
	check_timestamp(&f, &p);
	return 0;
}
