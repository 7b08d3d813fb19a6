/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See connection.h. */
#include "user/export/connection.h"

#include <stdbool.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/sight/syn_text.h"

static const char *const tls_names[SEINE_TLS_KINDS] = {
	[SEINE_TLS_UNKNOWN] = "unknown",
	[SEINE_TLS_PLAIN] = "plain",
	[SEINE_TLS_12] = "1.2",
	[SEINE_TLS_12_RESUMED] = "1.2 resumed",
	[SEINE_TLS_13] = "1.3",
	[SEINE_TLS_13_PSK] = "1.3 psk",
	[SEINE_TLS_13_EARLY] = "1.3 0-rtt",
	[SEINE_TLS_13_RETRY] = "1.3 retry",
};

static const struct {
	uint32_t bit;
	const char *name;
} flag_names[] = {
	{ SEINE_F_NO_HANDSHAKE, "no_handshake" },
	{ SEINE_F_SYN_AGAIN, "syn_again" },
	{ SEINE_F_TFO, "tfo" },
	{ SEINE_F_NO_PURE_ACK, "no_pure_ack" },
	{ SEINE_F_HELLO, "hello" },
	{ SEINE_F_HELLO_SPLIT, "hello_split" },
	{ SEINE_F_RETRANS, "retrans" },
	{ SEINE_F_REORDERED, "reordered" },
	{ SEINE_F_TURN, "turn" },
	{ SEINE_F_FINISHED, "finished" },
	{ SEINE_F_CLOSED, "closed" },
	{ SEINE_F_PSK, "psk" },
	{ SEINE_F_EARLY, "early" },
	{ SEINE_F_RETRY, "retry" },
	{ SEINE_F_CCS, "ccs" },
	{ SEINE_F_TIMESTAMPS, "timestamps" },
	{ SEINE_F_LATE_HELLO, "late_hello" },
	{ SEINE_F_BALANCED, "balanced" },
	{ SEINE_F_UNPROVEN, "unproven" },
	{ SEINE_F_LOST, "lost" },
	{ SEINE_F_QUIC, "quic" },
};

const char *tls_name(enum seine_tls tls)
{
	return (unsigned int)tls < SEINE_TLS_KINDS ? tls_names[tls] : tls_names[0];
}

static json_t *flags(uint32_t bits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		if (bits & flag_names[i].bit)
			json_array_append_new(list, json_string(flag_names[i].name));
	return list;
}

static json_t *text(const char *known)
{
	return known ? json_string(known) : json_null();
}

static json_t *syn(const struct seine_syn *syn)
{
	static const struct seine_syn none;
	char buf[SYN_TEXT];

	return memcmp(syn, &none, sizeof(none)) ? json_string(syn_format(syn, buf)) : json_null();
}

static json_t *number(int64_t n, bool known)
{
	return known ? json_integer(n) : json_null();
}

json_t *connection_json(const struct seine_connection *c, const char *ja4, const char *ja4_stable,
			double time)
{
	return json_pack("{s:f, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:I, s:I, s:I}",
			 "time", time, "source", answer_address(c->source.ip), "sport",
			 (int)c->sport, "dport", (int)c->dport, "ja4", text(ja4), "ja4_stable",
			 text(ja4_stable), "hello", answer_key(c->hello_key), "syn_signature",
			 syn(&c->syn), "rtt_tcp_us", number(c->rtt_us, c->rtt_us), "rtt_min_us",
			 number(c->rtt_min_us, c->rtt_min_us), "g1_us", number(c->g1_us, c->g1_us),
			 "delta_us", number(c->delta_us, c->gap != SEINE_GAP_UNKNOWN), "gap",
			 text(c->gap ? gap_name(c->gap) : NULL), "tls",
			 text(c->tls ? tls_name(c->tls) : NULL), "flags", flags(c->flags),
			 "requests", (json_int_t)c->requests, "request_bytes",
			 (json_int_t)c->request_bytes, "response_bytes",
			 (json_int_t)c->response_bytes);
}
