/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The share of handshakes whose timing is no evidence, slot by slot, from the datapath's counters.
 */
#include "user/sight/hygiene.h"

#include <stddef.h>
#include "user/base/cleanup.h"

/* Handshakes behind a balancer are left out: their timing is the balancer's, and never counts. */
static const struct {
	size_t counter;
	const char *text;
} reasons[] = {
	{ offsetof(struct seine_stats, untrusted_syn), "the SYN came more than once" },
	{ offsetof(struct seine_stats, untrusted_tfo), "the SYN carried data" },
	{ offsetof(struct seine_stats, untrusted_ack), "the first ACK was lost" },
	{ offsetof(struct seine_stats, untrusted_again), "handshake data came twice" },
	{ offsetof(struct seine_stats, untrusted_order), "handshake data came out of order" },
	{ offsetof(struct seine_stats, untrusted_early), "the end of 0-RTT was not seen" },
	{ offsetof(struct seine_stats, untrusted_trip),
	  "round trips that cannot be, or are below 0.1 ms" },
	{ offsetof(struct seine_stats, untrusted_late), "the hello was not the first data" },
};

/* What a counter has grown by; nothing when it was made anew. */
static uint64_t grown(const struct seine_stats *before, const struct seine_stats *now,
		      size_t counter)
{
	uint64_t from = *(const uint64_t *)((const char *)before + counter);
	uint64_t to = *(const uint64_t *)((const char *)now + counter);

	return to > from ? to - from : 0;
}

static void judge(struct hygiene *h, const struct seine_stats *now)
{
	uint64_t hellos = grown(&h->began, now, offsetof(struct seine_stats, hello));
	uint64_t balanced = grown(&h->began, now, offsetof(struct seine_stats, untrusted_balanced));

	h->untrusted = h->most = 0;
	h->reason = NULL;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		uint64_t n = grown(&h->began, now, reasons[i].counter);

		h->untrusted += n;
		if (n <= h->most)
			continue;
		h->most = n;
		h->reason = reasons[i].text;
	}
	/* Some of them sent their hello in the slot before. */
	h->handshakes = hellos > balanced ? hellos - balanced : 0;
	if (h->handshakes < h->untrusted)
		h->handshakes = h->untrusted;
	h->bad = h->handshakes >= HYGIENE_HANDSHAKES &&
		 (double)h->untrusted > HYGIENE_SHARE * (double)h->handshakes;
}

void hygiene_add(struct hygiene *h, const struct seine_stats *now, uint32_t now_sec,
		 uint32_t slot_sec)
{
	if (h->began_sec && now_sec - h->began_sec < slot_sec)
		return;
	if (h->began_sec)
		judge(h, now);
	h->began = *now;
	h->began_sec = now_sec;
}
