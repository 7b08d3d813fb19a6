// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See generation.h. IPv4 has one bit for each /24, in order, so that an entry is a run of bits.
 * IPv6 /48s are hashed; an entry wider than that sets a bit for each /48 in it. Where that would be
 * too many, the datapath is told to ask the tables about every IPv6 packet instead.
 */
#include "user/kernel/generation.h"

#include <errno.h>
#include <string.h>
#include "bpf/hash.h"

#define V4_BIT_LEN 24
#define V6_BIT_LEN 48
#define V6_WIDE_LEN 32			/* below it an entry has more /48s than are worth setting */
#define V6_BITS_MAX (SEINE_BITS_V6 / 2) /* beyond it the bitmap is too full to tell much */

/* How many /48s an IPv6 entry has. */
static uint64_t v6_spread(unsigned int len)
{
	return len >= V6_BIT_LEN ? 1 : 1ull << (V6_BIT_LEN - len);
}

static bool v6_wide(const struct entries *e)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < e->n; i++) {
		unsigned int len = prefix_family_len(&e->list[i].prefix);

		if (prefix_is_v4(&e->list[i].prefix))
			continue;
		if (len < V6_WIDE_LEN)
			return true;
		bits += v6_spread(len);
	}
	return bits > V6_BITS_MAX;
}

int generation_lengths(const struct entries *e, struct seine_lengths *ret)
{
	bool v4[33] = { false }, v6[129] = { false };
	struct seine_lengths l = { 0 };

	for (size_t i = 0; i < e->n; i++) {
		const struct prefix *p = &e->list[i].prefix;

		if (prefix_too_wide(p))
			return -EINVAL;
		(prefix_is_v4(p) ? v4 : v6)[prefix_family_len(p)] = true;
	}
	for (int len = 32; len >= 0; len--) {
		if (v4[len])
			l.v4[l.v4_count++] = (uint8_t)len;
	}
	for (int len = 128; len >= 0; len--) {
		if (!v6[len])
			continue;
		if (l.v6_count == SEINE_V6_LENGTHS)
			return -E2BIG;
		l.v6[l.v6_count++] = (uint8_t)len;
	}
	l.v6_wide = v6_wide(e);
	*ret = l;
	return 0;
}

static void bits_set(uint64_t *words, uint64_t first, uint64_t n)
{
	for (uint64_t bit = first; bit < first + n;) {
		if (bit % 64 == 0 && first + n - bit >= 64) {
			words[bit / 64] = ~0ull;
			bit += 64;
		} else {
			words[bit / 64] |= 1ull << (bit % 64);
			bit++;
		}
	}
}

static void bits_v6(const struct prefix *p, const struct seine_meta *meta, uint64_t *words)
{
	uint64_t hi = seine_addr_word(p->ip) & ~0ull << (64 - V6_BIT_LEN);
	uint64_t n = v6_spread(prefix_family_len(p));

	for (uint64_t i = 0; i < n; i++)
		bits_set(words,
			 seine_bit(hi + (i << (64 - V6_BIT_LEN)), 0, meta->seed0, meta->seed1), 1);
}

void generation_bits(const struct entries *e, const struct seine_meta *meta, uint64_t *words)
{
	bool wide = v6_wide(e);

	memset(words, 0, SEINE_BITS_WORDS * sizeof(*words));
	for (size_t i = 0; i < e->n; i++) {
		const struct prefix *p = &e->list[i].prefix;
		unsigned int len = prefix_family_len(p);

		if (prefix_is_v4(p))
			bits_set(words, (uint32_t)seine_addr_word(p->ip + 8) >> 8,
				 len < V4_BIT_LEN ? 1ull << (V4_BIT_LEN - len) : 1);
		else if (!wide)
			bits_v6(p, meta, words);
	}
}
