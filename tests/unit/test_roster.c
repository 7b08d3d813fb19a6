// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The roster of a list against a search from end to end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/kernel/roster.h"

#define ENTRIES 3000
#define QUERIES 20000

static const struct seine_meta meta = { .seed0 = 7, .seed1 = 11 };
static uint64_t random_state = 1;

static uint64_t draw(void)
{
	return seine_mix64(random_state++);
}

/* Few addresses with many lengths each, so that the same address is looked for again and again. */
static struct prefix some_prefix(void)
{
	uint8_t ip[16] = { 0x20, [6] = draw() & 31, [15] = draw() & 3 };

	return prefix_of(ip, 16 + (unsigned int)(draw() % 113));
}

static bool search(const struct entries *e, const struct prefix *p, size_t *ret)
{
	for (size_t i = 0; i < e->n; i++) {
		if (!prefix_compare(&e->list[i].prefix, p)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static void finds_what_is_there(void **state)
{
	struct entries *e = NULL;
	struct roster r = { 0 };
	size_t found = 0;

	(void)state;
	assert_int_equal(entries_new(ENTRIES, &e), 0);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		struct entry entry = { .prefix = some_prefix(), .row.campaign = i };

		assert_int_equal(entries_append(e, &entry), 0); /* in no order, and some twice */
	}
	assert_int_equal(roster_new(e, &meta, &r), 0);
	for (int i = 0; i < QUERIES; i++) {
		struct prefix p = some_prefix();
		size_t expected = 0, got = 0;
		bool there = search(e, &p, &expected);

		assert_int_equal(roster_find(&r, &p, &got), there);
		assert_int_equal(got, expected);
		found += there;
	}
	assert_in_range(found, QUERIES / 10, QUERIES * 9 / 10);
	roster_clear(&r);
	entries_free(e);
}

static void row_has_the_slot(void **state)
{
	struct entry entry = { .row = { .slot = 99, .share = 5 } };
	struct entries e = { .list = &entry, .n = 1 };
	struct roster r = { 0 };

	(void)state;
	assert_int_equal(roster_new(&e, &meta, &r), 0);
	assert_int_equal(roster_row(&r, 0).slot, 0);
	r.slot[0] = 7;
	assert_int_equal(roster_row(&r, 0).slot, 7);
	assert_int_equal(roster_row(&r, 0).share, 5);
	assert_int_equal(entry.row.slot, 99);
	roster_clear(&r);
}

static void empty_list(void **state)
{
	struct prefix p = some_prefix();
	struct entries e = { 0 };
	struct roster r = { 0 };
	size_t at;

	(void)state;
	assert_int_equal(roster_new(&e, &meta, &r), 0);
	assert_false(roster_find(&r, &p, &at));
	roster_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(row_has_the_slot),
		cmocka_unit_test(empty_list),
	};

	return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
