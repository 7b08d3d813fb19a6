// SPDX-License-Identifier: GPL-2.0-or-later
/* Prefix lengths and bits of a drop list: exactly those of its entries. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/kernel/generation.h"

static const struct seine_meta meta = { .seed0 = 1, .seed1 = 2 };

static struct entries *list_of(const char *const *texts)
{
	struct entries *e = NULL;
	char why[128];

	assert_int_equal(entries_new(8, &e), 0);
	for (; *texts; texts++) {
		struct entry entry = { 0 };

		assert_int_equal(prefix_parse(*texts, why, sizeof(why), &entry.prefix), 0);
		assert_int_equal(entries_put(e, &entry), 0);
	}
	return e;
}

#define LIST(...) list_of((const char *const[]){ __VA_ARGS__, NULL })

static uint64_t count(const uint64_t *words, size_t from, size_t to)
{
	uint64_t n = 0;

	for (size_t i = from; i < to; i++)
		n += (uint64_t)__builtin_popcountll(words[i]);
	return n;
}

static uint64_t *bits_of(const struct entries *e)
{
	uint64_t *words = malloc(SEINE_BITS_WORDS * sizeof(*words));

	assert_non_null(words);
	words[77] = ~0ull; /* what the generation before left there */
	generation_bits(e, &meta, words);
	return words;
}

static bool has(const uint64_t *words, const char *text)
{
	struct prefix p;
	char why[128];
	uint32_t bit;

	assert_int_equal(prefix_parse_address(text, why, sizeof(why), &p), 0);
	bit = seine_bit(seine_addr_word(p.ip), seine_addr_word(p.ip + 8), meta.seed0, meta.seed1);
	return words[bit / 64] >> bit % 64 & 1;
}

static void lengths_are_sorted_longest_first(void **state)
{
	struct entries *e = LIST("10.0.0.0/8", "10.1.2.3", "10.2.0.0/16", "10.3.0.0/16",
				 "2001:db8::/32", "2001:db8::1");
	struct seine_lengths l;

	(void)state;
	assert_int_equal(generation_lengths(e, &l), 0);
	assert_int_equal(l.v4_count, 3);
	assert_int_equal(l.v4[0], 32);
	assert_int_equal(l.v4[1], 16);
	assert_int_equal(l.v4[2], 8);
	assert_int_equal(l.v6_count, 2);
	assert_int_equal(l.v6[0], 128);
	assert_int_equal(l.v6[1], 32);
	assert_false(l.v6_wide);
	entries_free(e);
}

static void too_wide_is_refused(void **state)
{
	struct entries *e = LIST("10.0.0.0/7");
	struct seine_lengths l = { .v4_count = 99 };

	(void)state;
	assert_int_equal(generation_lengths(e, &l), -EINVAL);
	assert_int_equal(l.v4_count, 99);
	entries_free(e);
}

static void ipv4_bits_are_the_24s_touched(void **state)
{
	struct entries *e = LIST("10.0.0.0/8", "192.0.2.7", "203.0.112.0/23", "198.51.100.0/24");
	_cleanup_(freep) uint64_t *words = bits_of(e);

	(void)state;
	assert_int_equal(count(words, 0, SEINE_BITS_V4 / 64), 65536 + 1 + 2 + 1);
	assert_int_equal(count(words, SEINE_BITS_V4 / 64, SEINE_BITS_WORDS), 0);
	assert_true(has(words, "10.0.0.0"));
	assert_true(has(words, "10.255.255.255"));
	assert_false(has(words, "11.0.0.0"));
	assert_true(has(words, "192.0.2.200"));
	assert_true(has(words, "203.0.113.1"));
	assert_false(has(words, "203.0.114.1"));
	entries_free(e);
}

static void ipv6_bits_are_the_48s_touched(void **state)
{
	struct entries *e = LIST("2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:8000::/34");
	_cleanup_(freep) uint64_t *words = bits_of(e);
	uint64_t n = count(words, SEINE_BITS_V4 / 64, SEINE_BITS_WORDS);

	(void)state;
	assert_int_equal(count(words, 0, SEINE_BITS_V4 / 64), 0);
	assert_in_range(n, 16000, 16385); /* some /48s share a bit */
	assert_true(has(words, "2001:db8:1:ffff::"));
	assert_true(has(words, "2001:db8:8000::1"));
	assert_true(has(words, "2001:db8:bfff:ffff::1"));
	assert_false(has(words, "2001:db8:c000::1"));
	entries_free(e);
}

static void very_wide_ipv6_asks_the_tables_instead(void **state)
{
	struct entries *e = LIST("2001:d00::/24", "2001:db8:1::/48");
	_cleanup_(freep) uint64_t *words = bits_of(e);
	struct seine_lengths l;

	(void)state;
	assert_int_equal(generation_lengths(e, &l), 0);
	assert_true(l.v6_wide);
	assert_int_equal(count(words, 0, SEINE_BITS_WORDS), 0);
	entries_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_sorted_longest_first),
		cmocka_unit_test(too_wide_is_refused),
		cmocka_unit_test(ipv4_bits_are_the_24s_touched),
		cmocka_unit_test(ipv6_bits_are_the_48s_touched),
		cmocka_unit_test(very_wide_ipv6_asks_the_tables_instead),
	};

	return cmocka_run_group_tests_name("generation", tests, NULL, NULL);
}
