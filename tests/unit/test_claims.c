/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims: who wins, what resurfaces, and what somebody else did to the list in force.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/judge/claims.h"

#define NOW 1000

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

static struct prefix prefix(const char *text)
{
	char why[128];
	struct prefix p;

	assert_int_equal(prefix_parse(text, why, sizeof(why), &p), 0);
	return p;
}

static struct entry claim(const char *text, enum seine_origin origin, enum seine_action action)
{
	return (struct entry){
		.prefix = prefix(text),
		.row = { .origin = origin,
			 .action = action,
			 .added_sec = NOW,
			 .expires_sec = NOW + 100,
			 .actor = SEINE_NO_ACTOR },
	};
}

struct outcome {
	struct claims *claims;
	struct entries *entries;
	struct conflicts conflicts;
};

static int setup(void **state)
{
	struct outcome *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	assert_int_equal(claims_new(0, &o->claims), 0);
	*state = o;
	return 0;
}

static void forget(struct outcome *o)
{
	entries_free(o->entries);
	conflicts_clear(&o->conflicts);
	o->entries = NULL;
}

static int teardown(void **state)
{
	struct outcome *o = *state;

	forget(o);
	claims_free(o->claims);
	free(o);
	return 0;
}

static void put(struct outcome *o, const char *text, enum seine_origin origin,
		enum seine_action action)
{
	struct entry e = claim(text, origin, action);

	assert_int_equal(claims_put(o->claims, &e), 0);
}

static void merge(struct outcome *o)
{
	forget(o);
	assert_int_equal(claims_merge(o->claims, &o->entries, &o->conflicts), 0);
}

static const struct entry *in_force(const struct outcome *o, const char *text)
{
	struct prefix p = prefix(text);

	return entries_find(o->entries, &p);
}

/* Every pair of origins on one prefix: who is in force. */
static void test_precedence(void **state)
{
	static const enum seine_origin winner[5][5] = {
		/* the row came first, then the column */
		[SEINE_EXTERNAL] = { SEINE_EXTERNAL, SEINE_OPERATOR, SEINE_EXTERNAL, SEINE_EXTERNAL,
				     SEINE_EXTERNAL },
		[SEINE_OPERATOR] = { SEINE_EXTERNAL, SEINE_OPERATOR, SEINE_OPERATOR, SEINE_OPERATOR,
				     SEINE_OPERATOR },
		[SEINE_AUTO] = { SEINE_EXTERNAL, SEINE_OPERATOR, SEINE_AUTO, SEINE_AUTO,
				 SEINE_AUTO },
		[SEINE_FEED] = { SEINE_EXTERNAL, SEINE_OPERATOR, SEINE_AUTO, SEINE_FEED,
				 SEINE_FEED },
		[SEINE_FLEET] = { SEINE_EXTERNAL, SEINE_OPERATOR, SEINE_AUTO, SEINE_FEED,
				  SEINE_FLEET },
	};
	struct outcome *o = *state;

	for (unsigned int first = 0; first < 5; first++) {
		for (unsigned int second = 0; second < 5; second++) {
			o->claims->n = 0;
			put(o, "203.0.113.7", first, SEINE_DROP);
			put(o, "203.0.113.7", second, SEINE_WATCH);
			merge(o);
			assert_int_equal(o->entries->n, 1);
			assert_int_equal(in_force(o, "203.0.113.7")->row.origin,
					 winner[first][second]);
			assert_int_equal(o->conflicts.all, o->claims->n - 1);
		}
	}
}

static void test_a_wider_word_of_people_counts(void **state)
{
	struct outcome *o = *state;

	put(o, "203.0.113.0/24", SEINE_OPERATOR, SEINE_WATCH);
	put(o, "203.0.113.7", SEINE_AUTO, SEINE_DROP);
	put(o, "203.0.113.8", SEINE_FEED, SEINE_DROP);
	put(o, "203.0.113.9", SEINE_EXTERNAL, SEINE_DROP);
	put(o, "203.0.114.7", SEINE_AUTO, SEINE_DROP);
	merge(o);
	assert_null(in_force(o, "203.0.113.7"));
	assert_null(in_force(o, "203.0.113.8"));
	assert_non_null(in_force(o, "203.0.113.9"));
	assert_non_null(in_force(o, "203.0.114.7"));
	assert_int_equal(o->conflicts.all, 2);
	assert_int_equal(o->conflicts.list[0].loser.row.origin, SEINE_AUTO);
	assert_int_equal(o->conflicts.list[0].winner.row.origin, SEINE_OPERATOR);

	/* What lost comes back with the end of what won. */
	assert_int_equal(
		claims_remove(o->claims, &(struct entry){ .prefix = prefix("203.0.113.0/24") }), 0);
	merge(o);
	assert_non_null(in_force(o, "203.0.113.7"));
	assert_int_equal(o->conflicts.all, 0);
}

static void test_a_narrower_one_counts_anyway(void **state)
{
	struct outcome *o = *state;

	put(o, "203.0.113.0/24", SEINE_AUTO, SEINE_DROP);
	put(o, "203.0.113.7", SEINE_FEED, SEINE_WATCH);
	put(o, "203.0.113.9", SEINE_OPERATOR, SEINE_WATCH);
	merge(o);
	assert_null(in_force(o, "203.0.113.7"));
	assert_non_null(in_force(o, "203.0.113.9"));
	assert_int_equal(o->entries->n, 2);
}

/* A decision about one ClientHello says nothing about another. */
static void test_hellos_apart(void **state)
{
	struct outcome *o = *state;
	struct entry wide = claim("203.0.113.0/24", SEINE_OPERATOR, SEINE_WATCH);
	struct entry narrow = claim("203.0.113.7", SEINE_AUTO, SEINE_DROP);

	wide.row.hello_key = 1;
	narrow.row.hello_key = 2;
	assert_int_equal(claims_put(o->claims, &wide), 0);
	assert_int_equal(claims_put(o->claims, &narrow), 0);
	merge(o);
	assert_non_null(in_force(o, "203.0.113.7"));

	narrow.row.hello_key = 1;
	assert_int_equal(claims_put(o->claims, &narrow), 0);
	merge(o);
	assert_null(in_force(o, "203.0.113.7"));

	narrow.row.hello_key = 0;
	assert_int_equal(claims_put(o->claims, &narrow), 0);
	merge(o);
	assert_null(in_force(o, "203.0.113.7"));
}

static void test_feeds_apart(void **state)
{
	struct outcome *o = *state;
	struct entry e = claim("203.0.113.7", SEINE_FEED, SEINE_WATCH);

	e.row.actor = 1;
	assert_int_equal(claims_put(o->claims, &e), 0);
	e.row.actor = 2;
	e.row.action = SEINE_DROP;
	assert_int_equal(claims_put(o->claims, &e), 0);
	assert_int_equal(o->claims->n, 2);
	e.row.actor = 1;
	assert_int_equal(claims_remove(o->claims, &e), 0);
	merge(o);
	assert_int_equal(in_force(o, "203.0.113.7")->row.actor, 2);
}

static void test_what_others_did(void **state)
{
	_cleanup_(entries_freep) struct entries *held = NULL;
	struct outcome *o = *state;
	struct entries_diff diff;
	struct entry e;

	put(o, "203.0.113.1", SEINE_OPERATOR, SEINE_DROP);
	put(o, "203.0.113.2", SEINE_OPERATOR, SEINE_DROP);
	put(o, "203.0.113.3", SEINE_AUTO, SEINE_DROP);
	put(o, "203.0.113.4", SEINE_AUTO, SEINE_DROP);
	merge(o);

	assert_int_equal(entries_new(4, &held), 0);
	e = *in_force(o, "203.0.113.2");
	e.row.slot = 77; /* the kernel's own business */
	assert_int_equal(entries_append(held, &e), 0);
	e = *in_force(o, "203.0.113.3");
	e.row.action = SEINE_WATCH;
	assert_int_equal(entries_append(held, &e), 0);
	e = *in_force(o, "203.0.113.4");
	assert_int_equal(entries_append(held, &e), 0);
	e = (struct entry){ .prefix = prefix("203.0.113.9"), .row = { .action = SEINE_DROP } };
	assert_int_equal(entries_append(held, &e), 0);

	assert_int_equal(claims_adopt(o->claims, o->entries, held, NOW + 5, &diff), 0);
	assert_int_equal(diff.removed, 1);
	assert_int_equal(diff.changed, 1);
	assert_int_equal(diff.added, 1);
	merge(o);
	assert_int_equal(o->entries->n, 4);
	assert_int_equal(in_force(o, "203.0.113.2")->row.origin, SEINE_OPERATOR);
	assert_int_equal(in_force(o, "203.0.113.3")->row.origin, SEINE_EXTERNAL);
	assert_int_equal(in_force(o, "203.0.113.3")->row.action, SEINE_WATCH);
	assert_int_equal(in_force(o, "203.0.113.9")->row.origin, SEINE_EXTERNAL);
	assert_int_equal(in_force(o, "203.0.113.9")->row.added_sec, NOW + 5);
	/* The judge's own claim waits beneath. */
	assert_int_equal(o->claims->n, 5);
}

static void test_sort_keeps_the_last(void **state)
{
	struct outcome *o = *state;
	struct entry e = claim("203.0.113.7", SEINE_OPERATOR, SEINE_WATCH);
	struct entry other = claim("198.51.100.7", SEINE_OPERATOR, SEINE_WATCH);

	for (uint32_t i = 0; i < 100; i++) {
		e.row.burst = i;
		assert_int_equal(claims_append(o->claims, &e), 0);
		if (i == 50)
			assert_int_equal(claims_append(o->claims, &other), 0);
	}
	assert_int_equal(claims_sort(o->claims), 0);
	assert_int_equal(o->claims->n, 2);
	assert_int_equal(claims_find(o->claims, &e)->row.burst, 99);
}

static void test_expiry(void **state)
{
	struct outcome *o = *state;
	struct entry e = claim("203.0.113.9", SEINE_OPERATOR, SEINE_DROP);

	put(o, "203.0.113.7", SEINE_OPERATOR, SEINE_DROP);
	e.row.expires_sec = 0;
	assert_int_equal(claims_put(o->claims, &e), 0);
	assert_int_equal(claims_expire(o->claims, NOW + 99), 0);
	assert_int_equal(claims_expire(o->claims, NOW + 100), 1);
	assert_int_equal(o->claims->n, 1);
}

/* ---- against a naive reading of the rules ---- */

static uint64_t random_state = 1;

static uint64_t draw(void)
{
	return seine_mix64(random_state++);
}

static struct entry some_claim(void)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, [12] = 10 };
	struct entry e = { .row = { .origin = draw() % 5,
				    .action = draw() % 4,
				    .hello_key = draw() % 3,
				    .actor = (uint32_t)(draw() % 2) } };

	ip[14] = (uint8_t)(draw() & 1);
	ip[15] = (uint8_t)(draw() & 15);
	e.prefix = prefix_of(ip, 118 + (unsigned int)(draw() % 11));
	return e;
}

static bool same_packets(const struct entry *a, const struct entry *b)
{
	return !a->row.hello_key || !b->row.hello_key || a->row.hello_key == b->row.hello_key;
}

/* From the widest to the narrowest, what stands must not be overruled by what stands already. */
static bool stands(const struct claims *c, const struct entry *e)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct entry *other = &c->list[i];

		if (other == e || claim_class(other->row.origin) < claim_class(e->row.origin))
			continue;
		if (!prefix_compare(&other->prefix, &e->prefix)) {
			if (claim_compare(other, e) < 0)
				return false;
			continue;
		}
		if (claim_class(other->row.origin) > claim_class(e->row.origin) &&
		    prefix_covers(&other->prefix, &e->prefix) && same_packets(other, e) &&
		    stands(c, other))
			return false;
	}
	return true;
}

static void test_model(void **state)
{
	struct outcome *o = *state;

	for (int round = 0; round < 2000; round++) {
		size_t n = 0;

		o->claims->n = 0;
		for (int i = 0; i < 24; i++) {
			struct entry e = some_claim();

			assert_int_equal(claims_put(o->claims, &e), 0);
		}
		merge(o);
		for (size_t i = 0; i < o->claims->n; i++) {
			const struct entry *e = &o->claims->list[i];
			const struct entry *f = entries_find(o->entries, &e->prefix);
			bool found = f && !claim_compare(f, e);

			assert_int_equal(found, stands(o->claims, e));
			n += found;
		}
		assert_int_equal(n, o->entries->n);
	}
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_precedence),
		WITH(test_a_wider_word_of_people_counts),
		WITH(test_a_narrower_one_counts_anyway),
		WITH(test_hellos_apart),
		WITH(test_feeds_apart),
		WITH(test_what_others_did),
		WITH(test_sort_keeps_the_last),
		WITH(test_expiry),
		WITH(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
