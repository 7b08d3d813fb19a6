// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client's side of TCP and TLS, as packets through the program under test.
 */
#include <netinet/tcp.h>
#include <string.h>
#include "tests/bpf/talk.h"

#define TALK_MSS 1448

struct talk talk_new(struct bed *bed, const char *src, uint16_t sport)
{
	return (struct talk){
		.bed = bed,
		.shape = { .src = src,
			   .dst = strchr(src, ':') ? "2001:db8:ffff::1" : "198.51.100.1",
			   .sport = sport },
		.seq = 1000000,
		.ack = 5000000,
	};
}

void talk_wait(struct talk *t, uint64_t us)
{
	bed_clock(t->bed, bed_now(t->bed) + us * 1000);
}

/* What the server's clock shows. */
static uint32_t served_ms(const struct talk *t)
{
	return 0xfffff000 + bed_now(t->bed) / 1000000;
}

void talk_served(struct talk *t, uint32_t bytes)
{
	t->ack += bytes;
	t->tsecr = served_ms(t);
}

static void talk_packet(struct talk *t, uint8_t flags, uint32_t seq, const void *payload,
			uint32_t len)
{
	struct wire w;

	t->shape.flags = flags;
	t->shape.seq = seq;
	t->shape.ack = flags & TH_ACK ? t->ack : 0;
	t->shape.options = flags & TH_SYN  ? OPTIONS_LINUX
			   : t->timestamps ? OPTIONS_TIMESTAMP
					   : OPTIONS_NONE;
	t->shape.tsecr = t->tsecr;
	t->shape.payload = payload;
	t->shape.payload_len = len;
	wire_build(&t->shape, &w);
	t->verdict = bed_run(t->bed, &w);
}

void talk_syn(struct talk *t)
{
	t->tsecr = served_ms(t);
	talk_packet(t, TH_SYN, t->seq - 1, NULL, 0);
}

void talk_ack(struct talk *t)
{
	talk_flags(t, TH_ACK);
}

void talk_flags(struct talk *t, uint8_t flags)
{
	talk_packet(t, flags, t->seq, NULL, 0);
}

void talk_send(struct talk *t, const void *payload, uint32_t len, uint32_t mss)
{
	const uint8_t *at = payload;

	while (len) {
		uint32_t part = len < mss ? len : mss;

		talk_packet(t, TH_ACK | TH_PUSH, t->seq, at, part);
		at = at ? at + part : NULL;
		t->seq += part;
		len -= part;
	}
}

void talk_again(struct talk *t, const void *payload, uint32_t len, uint32_t back)
{
	talk_packet(t, TH_ACK | TH_PUSH, t->seq - back, payload, len);
}

void talk_hello(struct talk *t, uint32_t bytes)
{
	static uint8_t hello[TLS_MAX];

	t->hello.bytes = bytes;
	talk_send(t, hello, tls_hello(&t->hello, hello), TALK_MSS);
}

void talk_record(struct talk *t, uint8_t type, uint8_t first, uint32_t len)
{
	static uint8_t record[WIRE_MAX];

	talk_send(t, record, tls_append(record, 0, type, first, len), TALK_MSS);
}

void talk_data(struct talk *t, uint32_t len)
{
	talk_record(t, TLS_23, 0xa5, len - 5);
}

void talk_open(struct talk *t, uint64_t rtt_us, uint64_t g1_us, uint32_t hello)
{
	talk_syn(t);
	talk_wait(t, rtt_us);
	talk_ack(t);
	talk_wait(t, g1_us);
	talk_hello(t, hello);
}

void talk_finish(struct talk *t, uint64_t us)
{
	static uint8_t flight[WIRE_MAX];
	uint32_t end = tls_append(flight, 0, TLS_CCS, 1, 1);

	talk_served(t, 3000);
	talk_wait(t, us);
	talk_send(t, flight, tls_append(flight, end, TLS_23, 0xa5, 53), TALK_MSS);
}
