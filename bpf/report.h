/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that is known of a connection, from its two rows, as the event that tells of it. Pure.
 */
#ifndef SEINE_REPORT_H
#define SEINE_REPORT_H

#include "parse.h"
#include "seine.h"

/* Every member of `ret` is written. */
PARSE_INLINE void report_connection(const struct seine_flow *flow, const struct seine_shake *shake,
				    struct seine_connection *ret)
{
	ret->event = SEINE_EVENT_CONNECTION;
	ret->flags = flow->flags;
	ret->tag = flow->tag;
	ret->hello_key = shake->hello_key;
	ret->source = shake->source;
	ret->syn = shake->syn;
	ret->sport = shake->sport;
	ret->dport = shake->dport;
	ret->first_sec = shake->first_sec;
	ret->rtt_us = flow->rtt_us;
	ret->rtt_min_us = flow->rtt_min_us;
	ret->g1_us = shake->g1_us;
	ret->delta_us = shake->delta_us;
	ret->requests = shake->requests;
	ret->request_bytes = shake->request_bytes;
	ret->response_bytes = shake->response_bytes;
	ret->gap = flow->gap;
	ret->tls = flow->tls;
	ret->reserved = 0;
}

#endif
