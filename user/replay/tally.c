// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of sources. Rows of sources that were never proven are small, since a flood makes many.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/base/table.h"
#include "user/replay/tally.h"

#define LIST_END UINT32_MAX /* of touched rows; 0 is a row that is in no list */

struct names { /* of 16 bytes, or of texts that 16 bytes stand for */
	struct table *places;
	size_t n;
};

struct tally {
	uint64_t mask_hi;     /* of IPv6 sources, which are /64 at most */
	struct table *places; /* of addresses in list */
	struct tally_source *list;
	size_t n, room;
	size_t last;	  /* the row asked for last: packets come in trains */
	uint32_t touched; /* the first one of a list of rows, each with its place and 1 */
	struct tally_source others;
	struct tally_proven all;
	struct names ja4_names, syn_names;
	char (*ja4)[JA4_TEXT];
	struct seine_syn *syn;
	uint64_t random;
};

/* ---- names and samples ---- */

static int grow(void **list, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room * 2 : 4;
	void *grown;

	if (n < *room)
		return 0;
	grown = reallocarray(*list, more, size);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*room = more;
	return 0;
}

/* The number of a name, given on first sight. -ENOSPC beyond the limit. */
static int name_of(struct names *names, const uint8_t key[16], uint32_t *ret, bool *ret_new)
{
	int r;

	*ret_new = false;
	if (table_get(names->places, key, ret) == 0)
		return 0;
	if (names->n == TALLY_NAMES)
		return -ENOSPC;
	r = table_put(names->places, key, (uint32_t)names->n);
	if (r < 0)
		return r;
	*ret = (uint32_t)names->n++;
	*ret_new = true;
	return 0;
}

static int count_name(struct counts *c, uint32_t name)
{
	int r;

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->list[i].name == name) {
			c->list[i].n++;
			return 0;
		}
	}
	if (c->n == TALLY_KINDS) {
		c->others++;
		return 0;
	}
	r = grow((void **)&c->list, c->n, &c->room, sizeof(*c->list));
	if (r < 0)
		return r;
	c->list[c->n++] = (struct count){ .name = name, .n = 1 };
	return 0;
}

/* The same where every name is counted: their numbers are dense. */
static int count_all(struct counts *c, uint32_t name)
{
	int r;

	while (c->n <= name) {
		r = grow((void **)&c->list, c->n, &c->room, sizeof(*c->list));
		if (r < 0)
			return r;
		c->list[c->n] = (struct count){ .name = c->n };
		c->n++;
	}
	c->list[name].n++;
	return 0;
}

/* Keeps all, and from the limit on an even choice of all (Vitter 1985, algorithm R). */
static int sample(struct samples *s, int32_t us, uint64_t *random)
{
	uint64_t at;
	int r;

	if (!s->seen || us < s->min)
		s->min = us;
	s->seen++;
	if (s->n == TALLY_SAMPLES) {
		at = seine_mix64((*random)++) % s->seen;
		if (at < TALLY_SAMPLES)
			s->list[at] = us;
		return 0;
	}
	r = grow((void **)&s->list, s->n, &s->room, sizeof(*s->list));
	if (r < 0)
		return r;
	s->list[s->n++] = us;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

double samples_median(struct samples *s)
{
	uint32_t below, above;

	if (!s->n)
		return 0;
	qsort(s->list, s->n, sizeof(*s->list), by_value);
	below = (s->n - 1) / 2;
	above = s->n / 2;
	return ((double)s->list[below] + s->list[above]) / 2;
}

/* ---- the table ---- */

static void proven_clear(struct tally_proven *p)
{
	free(p->rtt.list);
	free(p->g1.list);
	free(p->delta.list);
	free(p->ja4.list);
	free(p->syn.list);
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		if (t->list[i].proven)
			proven_clear(t->list[i].proven);
		free(t->list[i].proven);
	}
	proven_clear(&t->all);
	free(t->list);
	free(t->ja4);
	free(t->syn);
	table_free(t->places);
	table_free(t->ja4_names.places);
	table_free(t->syn_names.places);
	free(t);
}

int tally_new(uint32_t source_bits, struct tally **ret)
{
	_cleanup_(tally_freep) struct tally *t = calloc(1, sizeof(*t));
	uint64_t seed = (uintptr_t)t; /* a secret good enough, as in user/sight/observation.c */
	int r;

	if (!t)
		return -ENOMEM;
	t->touched = LIST_END;
	t->mask_hi = source_bits < 64 ? ~(UINT64_MAX >> source_bits) : UINT64_MAX;
	t->ja4 = calloc(TALLY_NAMES, sizeof(*t->ja4));
	t->syn = calloc(TALLY_NAMES, sizeof(*t->syn));
	if (!t->ja4 || !t->syn)
		return -ENOMEM;
	r = table_new(seed, 0, &t->places);
	if (r == 0)
		r = table_new(seed, 0, &t->ja4_names.places);
	if (r == 0)
		r = table_new(seed, 0, &t->syn_names.places);
	if (r < 0)
		return r;
	*ret = take_ptr(t);
	return 0;
}

static void store(uint8_t *ip, uint64_t word)
{
	word = __builtin_bswap64(word);
	memcpy(ip, &word, sizeof(word));
}

static int append(struct tally *t, const uint8_t key[16])
{
	size_t room = t->room ? t->room * 2 : 1024;
	int r;

	if (t->n == t->room) {
		void *grown = reallocarray(t->list, room, sizeof(*t->list));

		if (!grown)
			return -ENOMEM;
		t->list = grown;
		t->room = room;
	}
	r = table_put(t->places, key, (uint32_t)t->n);
	if (r < 0)
		return r;
	t->list[t->n] = (struct tally_source){ 0 };
	memcpy(t->list[t->n].ip, key, 16);
	t->last = t->n++;
	return 0;
}

/* The row of an address, made when there is none; that of all others when there is no room. */
static int row_of(struct tally *t, uint64_t hi, uint64_t lo, struct tally_source **ret)
{
	uint8_t key[16];
	uint32_t at;
	int r = 0;

	if (!seine_addr_is_v4(hi, lo)) {
		hi &= t->mask_hi;
		lo = 0;
	}
	store(key, hi);
	store(key + 8, lo);
	*ret = &t->others;
	if (t->last >= t->n || memcmp(t->list[t->last].ip, key, 16) != 0) {
		if (table_get(t->places, key, &at) == 0)
			t->last = at;
		else if (t->n == TALLY_SOURCES)
			return 0;
		else
			r = append(t, key);
	}
	if (r == 0)
		*ret = &t->list[t->last];
	return r;
}

int tally_packet(struct tally *t, uint64_t hi, uint64_t lo, uint32_t bytes, bool syn)
{
	struct tally_source *row = NULL;
	int r = row_of(t, hi, lo, &row);

	if (r < 0)
		return r;
	row->packets++;
	row->bytes += bytes;
	row->syn += syn;
	if (!row->touched && row != &t->others) {
		row->touched = t->touched;
		t->touched = (uint32_t)(row - t->list) + 1;
	}
	return 0;
}

bool tally_touched(struct tally *t, uint8_t ret_source[16])
{
	struct tally_source *row;

	if (t->touched == LIST_END)
		return false;
	row = &t->list[t->touched - 1];
	t->touched = row->touched;
	row->touched = 0;
	memcpy(ret_source, row->ip, sizeof(row->ip));
	return true;
}

/* ---- proven connections ---- */

/* What is proven behind an address; with the sources that found no row, only the sum knows it. */
static int proven_of(struct tally *t, const struct seine_addr *source, struct tally_proven **ret)
{
	struct tally_source *row = NULL;
	int r;

	r = row_of(t, seine_addr_word(source->ip), seine_addr_word(source->ip + 8), &row);
	if (r < 0)
		return r;
	if (!row->proven && row != &t->others) {
		row->proven = calloc(1, sizeof(*row->proven));
		if (!row->proven)
			return -ENOMEM;
	}
	*ret = row->proven;
	return 0;
}

static int add_samples(struct tally *t, struct tally_proven *p, const struct seine_connection *c)
{
	int r = 0;

	if (c->rtt_us)
		r = sample(&p->rtt, (int32_t)c->rtt_us, &t->random);
	if (r == 0 && c->g1_us)
		r = sample(&p->g1, (int32_t)c->g1_us, &t->random);
	if (r == 0 && c->gap != SEINE_GAP_UNKNOWN)
		r = sample(&p->delta, c->delta_us, &t->random);
	return r;
}

static int add_connection(struct tally *t, struct tally_proven *p, const struct seine_connection *c)
{
	p->connections++;
	p->handshakes += !(c->flags & SEINE_F_NO_HANDSHAKE);
	p->requests += c->requests;
	p->request_bytes += c->request_bytes;
	p->response_bytes += c->response_bytes;
	p->gap[c->gap <= SEINE_GAP_DUAL ? c->gap : SEINE_GAP_UNKNOWN]++;
	p->tls[c->tls < SEINE_TLS_KINDS ? c->tls : SEINE_TLS_UNKNOWN]++;
	return add_samples(t, p, c);
}

static int add_syn(struct tally *t, struct tally_proven *p, const struct seine_syn *syn)
{
	uint32_t name = 0;
	bool first;
	int r;

	if (!syn->ttl)
		return 0;
	r = name_of(&t->syn_names, (const uint8_t *)syn, &name, &first);
	if (r == -ENOSPC) {
		t->all.syn.others++;
		return 0;
	}
	if (r < 0)
		return r;
	if (first)
		t->syn[name] = *syn;
	r = count_all(&t->all.syn, name);
	return r == 0 && p ? count_name(&p->syn, name) : r;
}

int tally_connection(struct tally *t, const struct seine_connection *c)
{
	struct tally_proven *p = NULL;
	int r;

	r = proven_of(t, &c->source, &p);
	if (r == 0)
		r = add_connection(t, &t->all, c);
	if (r == 0 && p)
		r = add_connection(t, p, c);
	return r == 0 ? add_syn(t, p, &c->syn) : r;
}

/* 16 bytes that stand for a text. */
static void text_key(const char text[JA4_TEXT], uint64_t key[2])
{
	uint64_t words[JA4_TEXT / 8] = { 0 };

	memcpy(words, text, strnlen(text, JA4_TEXT));
	key[0] = key[1] = 0;
	for (size_t i = 0; i < JA4_TEXT / 8; i++) {
		key[0] = seine_mix64(key[0] + words[i]);
		key[1] = seine_mix64((key[1] ^ words[i]) + i + 1);
	}
}

int tally_hello(struct tally *t, const struct hello_sight *sight)
{
	struct tally_proven *p = NULL;
	uint32_t name = 0;
	uint64_t key[2];
	bool first;
	int r;

	r = proven_of(t, &sight->source, &p);
	if (r < 0)
		return r;
	t->all.hellos++;
	if (p)
		p->hellos++;
	text_key(sight->ja4, key);
	r = name_of(&t->ja4_names, (const uint8_t *)key, &name, &first);
	if (r == -ENOSPC) {
		t->all.ja4.others++;
		return 0;
	}
	if (r < 0)
		return r;
	if (first)
		memcpy(t->ja4[name], sight->ja4, JA4_TEXT);
	r = count_all(&t->all.ja4, name);
	return r == 0 && p ? count_name(&p->ja4, name) : r;
}

/* ---- reading ---- */

size_t tally_count(const struct tally *t)
{
	return t->n;
}

const struct tally_source *tally_source(const struct tally *t, size_t i)
{
	return &t->list[i];
}

const struct tally_source *tally_others(const struct tally *t)
{
	return &t->others;
}

struct tally_proven *tally_all(struct tally *t)
{
	return &t->all;
}

void tally_sum(const struct tally *t, struct tally_source *ret)
{
	*ret = t->others;
	for (size_t i = 0; i < t->n; i++) {
		ret->packets += t->list[i].packets;
		ret->bytes += t->list[i].bytes;
		ret->syn += t->list[i].syn;
	}
}

const char *tally_ja4(const struct tally *t, uint32_t name)
{
	return t->ja4[name];
}

const char *tally_syn(const struct tally *t, uint32_t name, char buf[SYN_TEXT])
{
	return syn_format(&t->syn[name], buf);
}
