/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of entries against a naive model.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/judge/entry.h"

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

static uint64_t random_state = 1;

static uint64_t draw(void)
{
	return seine_mix64(random_state++);
}

/* Few addresses, so that prefixes nest and repeat. */
static struct prefix some_prefix(bool address)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, [12] = 10 };
	unsigned int len = 104 + (unsigned int)(draw() % 25);

	ip[13] = (uint8_t)(draw() & 3);
	ip[15] = (uint8_t)(draw() & 15);
	if (draw() % 4 == 0) {
		ip[0] = 0x20;
		len = 16 + (unsigned int)(draw() % 49);
	}
	return prefix_of(ip, address ? 128 : len);
}

static const struct entry *match_naive(const struct entries *e, const struct prefix *address)
{
	const struct entry *best = NULL;

	for (size_t i = 0; i < e->n; i++)
		if (prefix_covers(&e->list[i].prefix, address) &&
		    (!best || e->list[i].prefix.len > best->prefix.len))
			best = &e->list[i];
	return best;
}

static void test_model(void **state)
{
	_cleanup_(entries_freep) struct entries *e = NULL;
	struct prefix p;
	struct entry x = { 0 };
	size_t before;
	bool known;

	(void)state;
	assert_int_equal(entries_new(0, &e), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		p = some_prefix(false);
		known = entries_find(e, &p);
		before = e->n;
		if (draw() % 3) {
			x.prefix = p;
			x.row.campaign = i;
			assert_int_equal(entries_put(e, &x), 0);
			assert_int_equal(e->n, before + !known);
			assert_int_equal(entries_find(e, &p)->row.campaign, i);
		} else {
			assert_int_equal(entries_remove(e, &p), known ? 0 : -ENOENT);
			assert_int_equal(e->n, before - known);
			assert_null(entries_find(e, &p));
		}
		for (size_t j = 1; i % 1000 == 0 && j < e->n; j++)
			assert_true(prefix_compare(&e->list[j - 1].prefix, &e->list[j].prefix) < 0);
		p = some_prefix(draw() & 1);
		assert_ptr_equal(entries_match(e, &p), match_naive(e, &p));
	}
}

static void test_append_and_sort(void **state)
{
	_cleanup_(entries_freep) struct entries *put = NULL;
	_cleanup_(entries_freep) struct entries *appended = NULL;
	struct entry x = { 0 };
	struct entries_diff diff;

	(void)state;
	assert_int_equal(entries_new(1, &put), 0);
	assert_int_equal(entries_new(1, &appended), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		x.prefix = some_prefix(false);
		if (entries_find(put, &x.prefix))
			continue;
		assert_int_equal(entries_put(put, &x), 0);
		assert_int_equal(entries_append(appended, &x), 0);
	}
	entries_sort(appended);
	assert_int_equal(put->n, appended->n);
	diff = entries_compare(put, appended);
	assert_int_equal(diff.added + diff.removed + diff.changed, 0);
}

static void test_compare(void **state)
{
	_cleanup_(entries_freep) struct entries *held = NULL;
	_cleanup_(entries_freep) struct entries *wanted = NULL;
	const uint8_t ip[16] = { 0x20, 1 };
	struct entries_diff diff;
	struct entry x = { 0 };

	(void)state;
	assert_int_equal(entries_new(0, &held), 0);
	assert_int_equal(entries_new(0, &wanted), 0);
	for (unsigned int len = 20; len < 30; len++) {
		x.prefix = prefix_of(ip, len);
		x.row.slot = len;
		x.row.expires_sec = len == 22 ? 1 : 5;
		if (len < 27)
			assert_int_equal(entries_put(held, &x), 0);
		x.row.slot = 0;
		x.row.expires_sec = 5;
		if (len > 20)
			assert_int_equal(entries_put(wanted, &x), 0);
	}
	diff = entries_compare(held, wanted);
	assert_int_equal(diff.added, 3);
	assert_int_equal(diff.removed, 1);
	assert_int_equal(diff.changed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_append_and_sort),
		cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
