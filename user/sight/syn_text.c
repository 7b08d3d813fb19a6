/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYN signatures as text and as a class.
 */
#include <stdarg.h>
#include <stdio.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/sight/syn_text.h"

#define LAYOUT_OPTIONS 16 /* four bits each in 64 */
#define MSS_CREDIBLE 100  /* everything is a multiple of a tiny MSS */

struct text {
	char *buf;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(t->buf + t->len, SYN_TEXT - t->len, format, args);
	va_end(args);
	if (len > 0)
		t->len += (size_t)len < SYN_TEXT - t->len ? (size_t)len : SYN_TEXT - t->len - 1;
}

static void put_window(struct text *t, const struct seine_syn *s)
{
	unsigned int mtu = s->mss + (s->quirks & SEINE_Q_V6 ? 60u : 40u);

	if (s->mss >= MSS_CREDIBLE && s->window && !(s->window % s->mss))
		put(t, "mss*%u", s->window / s->mss);
	else if (s->mss >= MSS_CREDIBLE && s->window && !(s->window % mtu))
		put(t, "mtu*%u", s->window / mtu);
	else
		put(t, "%u", s->window);
}

static void put_layout(struct text *t, uint64_t layout)
{
	static const char *const names[] = {
		[SEINE_OPT_NOP] = "nop",   [SEINE_OPT_MSS] = "mss",
		[SEINE_OPT_WSCALE] = "ws", [SEINE_OPT_SACK_OK] = "sok",
		[SEINE_OPT_SACK] = "sack", [SEINE_OPT_TIMESTAMP] = "ts",
		[SEINE_OPT_EOL] = "eol+0", [SEINE_OPT_OTHER] = "?",
	};
	unsigned int kind;

	for (unsigned int i = 0; i < LAYOUT_OPTIONS; i++) {
		kind = layout >> (4 * i) & 0xf;
		if (kind == SEINE_OPT_END)
			break;
		put(t, "%s%s", i ? "," : "", kind < ARRAY_LEN(names) ? names[kind] : "?");
	}
}

static void put_quirks(struct text *t, unsigned int quirks)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {
		{ SEINE_Q_DF, "df" },	      { SEINE_Q_ID_PLUS, "id+" },
		{ SEINE_Q_ID_MINUS, "id-" },  { SEINE_Q_ECN, "ecn" },
		{ SEINE_Q_FLOW, "flow" },     { SEINE_Q_SEQ_ZERO, "seq-" },
		{ SEINE_Q_ACK_PLUS, "ack+" }, { SEINE_Q_URG, "urgf+" },
		{ SEINE_Q_PUSH, "pushf+" },   { SEINE_Q_TS_ZERO, "ts1-" },
		{ SEINE_Q_TS_PEER, "ts2+" },  { SEINE_Q_EXCESS, "exws" },
		{ SEINE_Q_BAD, "bad" },
	};
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(quirks & names[i].bit))
			continue;
		put(t, "%s%s", comma, names[i].name);
		comma = ",";
	}
}

const char *syn_format(const struct seine_syn *s, char *buf)
{
	struct text t = { .buf = buf };

	put(&t, "%c:%u:%c:%u:", s->quirks & SEINE_Q_V6 ? '6' : '4', s->ttl,
	    s->quirks & SEINE_Q_IP_OPTIONS ? '*' : '0', s->mss);
	put_window(&t, s);
	put(&t, ",%u:", s->wscale == 255 ? 0u : s->wscale);
	put_layout(&t, s->layout);
	put(&t, ":");
	put_quirks(&t, s->quirks);
	put(&t, ":%c", s->quirks & SEINE_Q_DATA ? '+' : '0');
	return buf;
}

uint64_t syn_class(const struct seine_syn *s)
{
	const unsigned int stable = SEINE_Q_SEQ_ZERO | SEINE_Q_ACK_PLUS | SEINE_Q_URG |
				    SEINE_Q_PUSH | SEINE_Q_TS_ZERO | SEINE_Q_TS_PEER |
				    SEINE_Q_EXCESS | SEINE_Q_BAD;

	return seine_mix64(seine_mix64(s->layout) +
			   ((s->quirks & stable) << 16 | s->ttl << 8 | s->wscale));
}
