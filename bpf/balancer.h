/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PROXY protocol header that a load balancer puts in front of a connection, versions 1 (text)
 * and 2 (binary), as far as it names the client. Pure. After HAProxy's proxy-protocol.txt.
 *
 * The header has to stand whole in one segment, as the specification demands of senders; one that
 * is cut counts as bad. IPv6 text with an IPv4 address inside is refused: the specification's form
 * of addresses has none. Text goes byte by byte through balancer_step(), of which the verifier
 * knows nothing between two bytes: that keeps it from following every combination of digits.
 */
#ifndef SEINE_BALANCER_H
#define SEINE_BALANCER_H

#include "parse.h"

#define BALANCER_TEXT_MAX 107 /* the longest line of version 1, with CR LF */
#define BALANCER_FIXED 16     /* of version 2: signature, command, family, length */
#define BALANCER_MAX 536      /* whole header of version 2: what fits the smallest segment */

/* As balancer_word() reads them: a compiler for BPF has no memcmp(). */
#define BALANCER_PROX 0x50524f58
#define BALANCER_UNKN 0x554e4b4e
#define BALANCER_NOWN 0x4e4f574e
#define BALANCER_TCP4_TEXT 0x54435034
#define BALANCER_TCP6_TEXT 0x54435036
#define BALANCER_SIGN0 0x0d0a0d0a
#define BALANCER_SIGN1 0x000d0a51
#define BALANCER_SIGN2 0x5549540a

#define BALANCER_LOCAL 0x20 /* version 2, the balancer speaks for itself */
#define BALANCER_PROXY 0x21
#define BALANCER_TCP4 0x11
#define BALANCER_TCP6 0x21
#define BALANCER_TCP4_BYTES 12 /* two addresses, two ports */
#define BALANCER_TCP6_BYTES 36

struct balancer {
	__u64 src_hi, src_lo; /* as in struct packet; zero unless named */
	__u16 sport;
	__u8 named; /* 0: LOCAL, UNKNOWN or not TCP; the connection keeps its own address */
	__u8 reserved;
	__u32 bytes; /* of the header */
};

/* What a line of version 1 still has to show, in this order. */
enum balancer_field {
	BALANCER_SRC = 0,
	BALANCER_DST,
	BALANCER_SPORT,
	BALANCER_DPORT,
	BALANCER_LF,
	BALANCER_END,
	BALANCER_UNKNOWN, /* behind the word: end of line, or a space and anything */
	BALANCER_REST,
};

/* A line of version 1 up to some byte. */
struct balancer_line {
	__u64 hi, lo;		/* groups of the present address, or those behind "::" */
	__u64 head_hi, head_lo; /* groups before "::" */
	__u64 src_hi, src_lo;
	__u32 field; /* enum balancer_field */
	__u32 value; /* of the present number */
	__u32 sport;
	__u8 v6;
	__u8 digits; /* of the present number */
	__u8 groups; /* of the present address that are complete */
	__u8 head;   /* of them before "::" */
	__u8 gap;    /* "::" was there */
	__u8 colons; /* just before this byte */
	__u16 reserved;
};

PARSE_INLINE void balancer_push(struct balancer_line *l, __u32 bits)
{
	l->hi = l->hi << bits | l->lo >> (64 - bits);
	l->lo = l->lo << bits | l->value;
	l->value = 0;
	l->digits = 0;
	l->groups++;
}

/* A digit's value in the present field, or 16. */
PARSE_INLINE __u32 balancer_digit(const struct balancer_line *l, __u32 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (l->v6 && l->field <= BALANCER_DST && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 16;
}

PARSE_INLINE int balancer_number(struct balancer_line *l, __u32 digit)
{
	bool port = l->field > BALANCER_DST;

	if (l->v6 && !port) {
		/* A single colon begins no address. */
		if (l->digits == 4 || (l->colons == 1 && !l->groups && !l->gap))
			return -1;
		l->value = l->value << 4 | digit;
	} else {
		if (l->digits && !l->value)
			return -1;
		l->value = l->value * 10 + digit;
		if (l->value > (port ? 0xffff : 0xff))
			return -1;
	}
	l->digits++;
	l->colons = 0;
	return 0;
}

PARSE_INLINE int balancer_colon(struct balancer_line *l)
{
	if (l->digits) {
		if (l->groups == 8)
			return -1;
		balancer_push(l, 16);
	} else if (l->colons) {
		if (l->gap)
			return -1;
		l->gap = 1;
		l->head = l->groups;
		l->head_hi = l->hi;
		l->head_lo = l->lo;
		l->hi = l->lo = 0;
	}
	l->colons++;
	return 0;
}

/* The groups before "::" move to where they belong. */
PARSE_INLINE void balancer_join(struct balancer_line *l)
{
	PARSE_LOOP
	for (__u32 i = 0; i < 8; i++) {
		if (i < l->head)
			continue;
		l->head_hi = l->head_hi << 16 | l->head_lo >> 48;
		l->head_lo <<= 16;
	}
	l->hi |= l->head_hi;
	l->lo |= l->head_lo;
}

PARSE_INLINE int balancer_address6(struct balancer_line *l)
{
	if (l->digits) {
		if (l->groups == 8)
			return -1;
		balancer_push(l, 16);
	} else if (l->colons != 2) {
		return -1;
	}
	if (l->gap ? l->groups == 8 : l->groups != 8)
		return -1;
	if (l->gap)
		balancer_join(l);
	return 0;
}

PARSE_INLINE int balancer_address4(struct balancer_line *l)
{
	if (!l->digits || l->groups != 3)
		return -1;
	balancer_push(l, 8);
	l->lo |= 0xffff00000000ull;
	return 0;
}

/* The present field ends here; on to the next one. */
PARSE_INLINE int balancer_field_end(struct balancer_line *l)
{
	if (l->field <= BALANCER_DST) {
		if (l->v6 ? balancer_address6(l) : balancer_address4(l))
			return -1;
		if (l->field == BALANCER_SRC) {
			l->src_hi = l->hi;
			l->src_lo = l->lo;
		}
	} else {
		if (!l->digits)
			return -1;
		if (l->field == BALANCER_SPORT)
			l->sport = l->value;
	}
	l->hi = l->lo = 0;
	l->value = 0;
	l->digits = l->groups = l->gap = l->colons = 0;
	l->field++;
	return 0;
}

/* Takes in one byte: 0, or -1 when it may not stand there. */
PARSE_ONCE int balancer_step(struct balancer_line *l, __u32 c)
{
	__u32 digit;

	if (!l)
		return -1;
	if (l->field >= BALANCER_UNKNOWN) {
		if (c == '\r')
			l->field = BALANCER_LF;
		else if (l->field == BALANCER_REST || c == ' ')
			l->field = BALANCER_REST;
		else
			return -1;
		return 0;
	}
	if (l->field == BALANCER_LF) {
		l->field = BALANCER_END;
		return c == '\n' ? 0 : -1;
	}
	if (c == (l->field == BALANCER_DPORT ? '\r' : ' '))
		return balancer_field_end(l);
	digit = balancer_digit(l, c);
	if (digit < 16)
		return balancer_number(l, digit);
	if (l->field > BALANCER_DST)
		return -1;
	if (l->v6)
		return c == ':' ? balancer_colon(l) : -1;
	if (c != '.' || !l->digits || l->groups == 3)
		return -1;
	balancer_push(l, 8);
	return 0;
}

/* Four bytes in the order they are sent, which is also how the words below are written. */
PARSE_INLINE __u32 balancer_word(const __u8 *at)
{
	return (__u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* "PROXY TCP4 ", "PROXY TCP6 " or "PROXY UNKNOWN": how long that is, 0 when it is something else. */
PARSE_INLINE __u32 balancer_words(struct frame *f, __u32 off, struct balancer_line *l)
{
	const __u8 *at = parse_at(f, off, 13);

	if (!at || balancer_word(at) != BALANCER_PROX || at[4] != 'Y' || at[5] != ' ')
		return 0;
	if (balancer_word(at + 6) == BALANCER_UNKN && balancer_word(at + 9) == BALANCER_NOWN) {
		l->field = BALANCER_UNKNOWN;
		return 13;
	}
	l->v6 = balancer_word(at + 6) == BALANCER_TCP6_TEXT;
	if (!l->v6 && balancer_word(at + 6) != BALANCER_TCP4_TEXT)
		return 0;
	return at[10] == ' ' ? 11 : 0;
}

PARSE_ONCE int balancer_text(struct frame *f, __u32 off, __u32 len, struct balancer *ret)
{
	struct balancer_line line = { 0 };
	__u32 from = balancer_words(f, off, &line);
	__u8 named = line.field == BALANCER_SRC;

	if (!ret || !from)
		return 0;
	PARSE_LOOP
	for (__u32 i = 0; i < BALANCER_TEXT_MAX; i++) {
		const __u8 *at;

		if (i < from)
			continue;
		at = i < len ? parse_at(f, off + i, 1) : NULL;
		if (!at || balancer_step(&line, *at))
			return 0;
		if (line.field != BALANCER_END)
			continue;
		ret->src_hi = line.src_hi;
		ret->src_lo = line.src_lo;
		ret->sport = line.sport;
		ret->named = named;
		ret->reserved = 0;
		ret->bytes = i + 1;
		return i + 1;
	}
	return 0;
}

/* The addresses at `off`, for the families that name a TCP client; -1 when they are cut. */
PARSE_INLINE int balancer_source(struct frame *f, __u32 off, __u8 family, __u32 len,
				 struct balancer *b)
{
	const __u8 *at;

	if (family == BALANCER_TCP4) {
		at = len < BALANCER_TCP4_BYTES ? NULL : parse_at(f, off, BALANCER_TCP4_BYTES);
		if (!at)
			return -1;
		b->src_lo = 0xffff00000000ull | balancer_word(at);
		b->sport = at[8] << 8 | at[9];
		b->named = 1;
	} else if (family == BALANCER_TCP6) {
		at = len < BALANCER_TCP6_BYTES ? NULL : parse_at(f, off, BALANCER_TCP6_BYTES);
		if (!at)
			return -1;
		b->src_hi = (__u64)balancer_word(at) << 32 | balancer_word(at + 4);
		b->src_lo = (__u64)balancer_word(at + 8) << 32 | balancer_word(at + 12);
		b->sport = at[32] << 8 | at[33];
		b->named = 1;
	}
	return 0;
}

PARSE_ONCE int balancer_binary(struct frame *f, __u32 off, __u32 len, struct balancer *ret)
{
	const __u8 *at = parse_at(f, off, BALANCER_FIXED);
	struct balancer b = { 0 };
	__u8 family;

	if (!ret || !at || balancer_word(at) != BALANCER_SIGN0 ||
	    balancer_word(at + 4) != BALANCER_SIGN1 || balancer_word(at + 8) != BALANCER_SIGN2)
		return 0;
	b.bytes = BALANCER_FIXED + (at[14] << 8 | at[15]);
	if (b.bytes > len || b.bytes > BALANCER_MAX)
		return 0;
	if (at[12] == BALANCER_PROXY) {
		/* Families and transports without a meaning have to be refused. */
		family = at[13];
		if (family >> 4 > 3 || (family & 15) > 2)
			return 0;
		if (balancer_source(f, off + BALANCER_FIXED, family, b.bytes - BALANCER_FIXED, &b))
			return 0;
	} else if (at[12] != BALANCER_LOCAL) {
		return 0;
	}
	*ret = b;
	return b.bytes;
}

/* Reads the header that begins the `len` bytes at `off`: its length, or 0 when there is none that
 * is whole and right; `ret` is left alone then. */
PARSE_INLINE int balancer_read(struct frame *f, __u32 off, __u32 len, struct balancer *ret)
{
	const __u8 *at = parse_at(f, off, 1);

	if (!ret || !at || !len)
		return 0;
	return *at == 'P' ? balancer_text(f, off, len, ret) : balancer_binary(f, off, len, ret);
}

#endif
