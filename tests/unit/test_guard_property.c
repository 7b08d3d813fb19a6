/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of a million random candidates none that overlaps a guard gets through, and none is refused that
 * does not. What is right is told bit by bit, by code that shares nothing with what is tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/judge/judge.h"

#define CANDIDATES 1000000
#define SETS 2000 /* of guards */
#define GUARDS_MOST 2000

struct world {
	uint64_t random;
	struct guarded *list; /* GUARDS_MOST of them */
	struct guards guards;
	/* Candidates so far, to see that each kind was met. */
	size_t refused, passed, wide, v4, covers, covered;
};

static uint64_t random_next(struct world *w)
{
	return seine_mix64(w->random += 0x9e3779b97f4a7c15ull);
}

static unsigned int random_below(struct world *w, unsigned int n)
{
	return (unsigned int)(random_next(w) % n);
}

/* ---- the truth, bit by bit ---- */

static int bit(const uint8_t ip[16], unsigned int at)
{
	return ip[at / 8] >> (7 - at % 8) & 1;
}

/* From the last bit on: neighbours differ there. */
static bool agree(const uint8_t a[16], const uint8_t b[16], unsigned int len)
{
	while (len > 0) {
		len--;
		if (bit(a, len) != bit(b, len))
			return false;
	}
	return true;
}

static bool overlap(const struct prefix *a, const struct prefix *b)
{
	return agree(a->ip, b->ip, a->len < b->len ? a->len : b->len);
}

static bool is_v4(const struct prefix *p)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };

	return p->len >= 96 && agree(p->ip, mapped, 96);
}

/* IPv4 below /8, IPv6 below /16, and whatever holds all of IPv4. */
static bool too_wide(const struct prefix *p)
{
	static const struct prefix all_v4 = { .ip = { [10] = 0xff, [11] = 0xff }, .len = 96 };

	if (is_v4(p))
		return p->len < 96 + 8;
	return p->len < 16 || (p->len <= 96 && overlap(p, &all_v4));
}

static const struct guarded *truth(const struct world *w, const struct prefix *p)
{
	for (size_t i = 0; i < w->guards.n; i++)
		if (overlap(&w->guards.list[i].prefix, p))
			return &w->guards.list[i];
	return NULL;
}

/* ---- prefixes ---- */

static struct prefix masked(const uint8_t ip[16], unsigned int len)
{
	struct prefix p = { .len = (uint8_t)len };

	for (unsigned int i = 0; i < len; i++)
		p.ip[i / 8] |= (uint8_t)(bit(ip, i) << (7 - i % 8));
	return p;
}

static void random_address(struct world *w, bool v4, uint8_t ip[16])
{
	uint64_t words[2] = { random_next(w), random_next(w) };

	memcpy(ip, words, 16);
	if (v4) {
		memset(ip, 0, 10);
		memset(ip + 10, 0xff, 2);
	}
}

/* Sometimes any length, mostly one that a host or an operator would have. */
static unsigned int guard_len(struct world *w, bool v4)
{
	static const uint8_t v4_lens[] = { 32, 32, 32, 31, 29, 24, 24, 22, 16, 8 };
	static const uint8_t v6_lens[] = { 128, 128, 127, 64, 64, 56, 48, 48, 32, 10 };
	unsigned int pick = random_below(w, 12);

	if (pick < 10)
		return v4 ? 96u + v4_lens[pick] : v6_lens[pick];
	return v4 ? 96 + random_below(w, 33) : random_below(w, 129);
}

/* Wide guards are rare, else they alone would refuse all. */
static struct prefix random_guard(struct world *w)
{
	bool v4 = random_below(w, 2);
	unsigned int len = guard_len(w, v4);
	uint8_t ip[16];

	random_address(w, v4, ip);
	if (len < (v4 ? 96 + 16 : 24u) && random_below(w, 50))
		len = 128;
	return masked(ip, len);
}

static unsigned int candidate_len(struct world *w, bool v4, unsigned int near)
{
	unsigned int least = v4 ? 96 : 0, len;

	if (random_below(w, 4) == 0)
		return least + random_below(w, 129 - least);
	len = near + random_below(w, 17);
	len = len > least + 8 ? len - 8 : least;
	return len > 128 ? 128 : len;
}

/* A guard's address with one of its last bits, or one close behind, turned over. */
static void turn_near(struct world *w, unsigned int len, uint8_t ip[16])
{
	unsigned int at = len + random_below(w, 8);

	at = at > 6 ? at - 6 : 0;
	if (at < 128)
		ip[at / 8] ^= (uint8_t)(1 << (7 - at % 8));
}

static struct prefix random_candidate(struct world *w)
{
	const struct prefix *near = &w->guards.list[random_below(w, w->guards.n)].prefix;
	uint8_t ip[16];
	bool v4;

	if (random_below(w, 4) == 0) {
		v4 = random_below(w, 2);
		random_address(w, v4, ip);
		return masked(ip, candidate_len(w, v4, v4 ? 120 : 48));
	}
	v4 = is_v4(near);
	memcpy(ip, near->ip, 16);
	for (unsigned int i = near->len; i < 128; i++)
		ip[i / 8] |= (uint8_t)(random_below(w, 2) << (7 - i % 8));
	if (random_below(w, 2))
		turn_near(w, near->len, ip);
	return masked(ip, candidate_len(w, v4, near->len));
}

/* Mostly small sets, which are cheap to ask one by one; some as large as a host's may be. */
static void random_guards(struct world *w)
{
	unsigned int most = random_below(w, 40) ? 60 : GUARDS_MOST;

	w->guards.n = 1 + random_below(w, most);
	w->guards.list = w->list;
	for (size_t i = 0; i < w->guards.n; i++) {
		w->list[i] = (struct guarded){ .prefix = random_guard(w) };
		memcpy(w->list[i].rule, "guard", sizeof("guard"));
	}
}

/* ---- the property ---- */

static void wrong(const struct prefix *p, const struct guarded *expected)
{
	char text[PREFIX_TEXT], guard[PREFIX_TEXT] = "nothing";

	if (expected)
		prefix_format(&expected->prefix, guard);
	fail_msg("%s (%u bits): overlaps %s, but was %s", prefix_format(p, text), p->len, guard,
		 expected ? "let through" : "refused");
}

static void count(struct world *w, const struct prefix *p, const struct guarded *g)
{
	w->v4 += is_v4(p);
	w->refused += !!g;
	w->passed += !g;
	w->covers += g && p->len < g->prefix.len;
	w->covered += g && p->len > g->prefix.len;
}

static void try_one(struct world *w, const struct prefix *p)
{
	const struct guarded *got = guards_refuse(&w->guards, p), *expected;

	if (too_wide(p)) {
		w->wide++;
		assert_non_null(got);
		assert_string_equal(got->rule, "too wide");
		return;
	}
	expected = truth(w, p);
	if (!got != !expected)
		wrong(p, expected);
	if (got) /* what it names does overlap, and is one of the guards */
		assert_true(overlap(&got->prefix, p) && !strcmp(got->rule, "guard"));
	count(w, p, expected);
}

static void no_overlap_gets_through(void **state)
{
	_cleanup_(freep) struct guarded *list = calloc(GUARDS_MOST, sizeof(*list));
	struct world w = { .random = 5, .list = list };

	(void)state;
	assert_non_null(list);
	for (size_t i = 0; i < CANDIDATES; i++) {
		struct prefix p;

		if (i % (CANDIDATES / SETS) == 0)
			random_guards(&w);
		p = random_candidate(&w);
		try_one(&w, &p);
	}
	/* A test that meets nothing proves nothing. */
	assert_true(w.refused > CANDIDATES / 5 && w.passed > CANDIDATES / 5);
	assert_true(w.v4 > CANDIDATES / 5 && w.v4 < CANDIDATES * 4 / 5);
	assert_true(w.covers > CANDIDATES / 20 && w.covered > CANDIDATES / 20);
	assert_true(w.wide > CANDIDATES / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_overlap_gets_through),
	};

	return cmocka_run_group_tests_name("guard property", tests, NULL, NULL);
}
