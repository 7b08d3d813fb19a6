/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds at a start: a claim recorded, or not, an entry held, or not, and how it was left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/judge/reconcile.h"

#define NOW 1000
#define LEFT_AT 5 /* sequence number of the list in force */
#define MAPS 77

enum left {
	FRESH,	  /* nothing was ever recorded */
	NEVER,	  /* recorded, and never in force */
	BOOTED,	  /* other maps */
	IN_FORCE, /* as recorded */
	PENDING,  /* more was recorded since */
};

static const enum reconciled hows[] = {
	[FRESH] = RECONCILED_FRESH,	  [NEVER] = RECONCILED_PENDING,
	[BOOTED] = RECONCILED_OTHER_MAPS, [IN_FORCE] = RECONCILED_IN_FORCE,
	[PENDING] = RECONCILED_PENDING,
};

/* A claim or an entry as a test writes it: no share, none there. */
struct word {
	enum seine_origin origin;
	uint32_t share;
};

#define OPERATOR(share) \
	{ \
		SEINE_OPERATOR, share \
	}
#define EXTERNAL(share) \
	{ \
		SEINE_EXTERNAL, share \
	}
#define AUTO(share) \
	{ \
		SEINE_AUTO, share \
	}
#define FEED(share) \
	{ \
		SEINE_FEED, share \
	}
#define NONE \
	{ \
		0, 0 \
	}

static const struct row {
	const char *name;
	enum left left;
	struct word recorded[2], held, holds[2];
	struct entries_diff diff;
} rows[] = {
	/* nothing recorded */
	{ "an operator's is taken over", FRESH, { NONE }, OPERATOR(1), { OPERATOR(1) }, { 1, 0, 0 } },
	{ "the judge's is taken over", FRESH, { NONE }, AUTO(1), { AUTO(1) }, { 1, 0, 0 } },
	{ "a feed's is taken over", FRESH, { NONE }, FEED(1), { FEED(1) }, { 1, 0, 0 } },
	{ "somebody's is taken over", FRESH, { NONE }, EXTERNAL(1), { EXTERNAL(1) }, { 1, 0, 0 } },
	{ "nothing is nothing", FRESH, { NONE }, NONE, { NONE }, { 0, 0, 0 } },

	/* other maps */
	{ "what is recorded holds",
	  BOOTED,
	  { OPERATOR(1), FEED(2) },
	  NONE,
	  { OPERATOR(1), FEED(2) },
	  { 0, 0, 0 } },
	{ "what is held does not", BOOTED, { NONE }, EXTERNAL(1), { NONE }, { 0, 0, 0 } },
	{ "nor does it change anything", BOOTED, { AUTO(1) }, AUTO(2), { AUTO(1) }, { 0, 0, 0 } },

	/* in force */
	{ "as it was left",
	  IN_FORCE,
	  { AUTO(1), FEED(2) },
	  AUTO(1),
	  { AUTO(1), FEED(2) },
	  { 0, 0, 0 } },
	{ "somebody wrote one", IN_FORCE, { NONE }, OPERATOR(1), { EXTERNAL(1) }, { 1, 0, 0 } },
	{ "somebody changed one",
	  IN_FORCE,
	  { AUTO(1) },
	  AUTO(2),
	  { EXTERNAL(2), AUTO(1) },
	  { 0, 0, 1 } },
	{ "somebody changed an operator's",
	  IN_FORCE,
	  { OPERATOR(1) },
	  OPERATOR(2),
	  { EXTERNAL(2) },
	  { 0, 0, 1 } },
	{ "somebody removed one",
	  IN_FORCE,
	  { OPERATOR(1), FEED(2) },
	  NONE,
	  { FEED(2) },
	  { 0, 1, 0 } },

	/* died between */
	{ "what is recorded comes", PENDING, { OPERATOR(1) }, NONE, { OPERATOR(1) }, { 0, 0, 0 } },
	{ "what was changed changes",
	  PENDING,
	  { OPERATOR(2) },
	  OPERATOR(1),
	  { OPERATOR(2) },
	  { 0, 0, 0 } },
	{ "what was removed goes", PENDING, { NONE }, OPERATOR(1), { NONE }, { 0, 0, 0 } },
	{ "the judge's too", PENDING, { NONE }, AUTO(1), { NONE }, { 0, 0, 0 } },
	{ "a feed's too", PENDING, { NONE }, FEED(1), { NONE }, { 0, 0, 0 } },
	{ "somebody's stays", PENDING, { NONE }, EXTERNAL(1), { EXTERNAL(1) }, { 1, 0, 0 } },
	{ "somebody's joins the weaker ones",
	  PENDING,
	  { AUTO(2), FEED(3) },
	  EXTERNAL(1),
	  { EXTERNAL(1), AUTO(2) },
	  { 1, 0, 0 } },
	{ "the newer word on somebody's counts",
	  PENDING,
	  { EXTERNAL(2) },
	  EXTERNAL(1),
	  { EXTERNAL(2) },
	  { 0, 0, 0 } },
	{ "an operator's newer word as well",
	  PENDING,
	  { OPERATOR(2) },
	  EXTERNAL(1),
	  { OPERATOR(2) },
	  { 0, 0, 0 } },

	/* recorded at a first start, and died */
	{ "the first record holds",
	  NEVER,
	  { OPERATOR(1) },
	  OPERATOR(2),
	  { OPERATOR(1) },
	  { 0, 0, 0 } },
	{ "somebody's joins it", NEVER, { NONE }, EXTERNAL(2), { EXTERNAL(2) }, { 1, 0, 0 } },
};

static struct entry entry(struct word w)
{
	static const uint8_t ip[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 7 };

	return (struct entry){
		.prefix = prefix_of(ip, 128),
		.row = { .origin = w.origin,
			 .share = w.share,
			 .action = SEINE_CANARY,
			 .actor = SEINE_NO_ACTOR,
			 .added_sec = 3,
			 .slot = w.share }, /* the kernel's own, which is no difference */
	};
}

static void check(const struct row *row)
{
	_cleanup_(claims_freep) struct claims *recorded = NULL, *holds = NULL;
	struct entries *held = NULL, *composed = NULL;
	struct conflicts conflicts;
	struct entries_diff diff;
	enum reconciled how;
	struct entry e;
	size_t n = 0;

	assert_int_equal(claims_new(2, &recorded), 0);
	assert_int_equal(entries_new(1, &held), 0);
	for (int i = 0; i < 2; i++) {
		e = entry(row->recorded[i]);
		if (row->recorded[i].share)
			assert_int_equal(claims_put(recorded, &e), 0);
	}
	e = entry(row->held);
	e.row.slot = 9;
	if (row->held.share)
		assert_int_equal(entries_put(held, &e), 0);
	assert_int_equal(claims_merge(recorded, &composed, &conflicts), 0);
	conflicts_clear(&conflicts);
	assert_int_equal(reconcile(
				 &(struct reconcile){
					 .recorded = recorded,
					 .composed = composed,
					 .held = held,
					 .recorded_number = row->left == FRESH	   ? 0
							    : row->left == PENDING ? LEFT_AT + 1
										   : LEFT_AT,
					 .applied_number = row->left == FRESH || row->left == NEVER
								   ? 0
								   : LEFT_AT,
					 .applied_maps = row->left == NEVER    ? 0
							 : row->left == BOOTED ? MAPS - 1
									       : MAPS,
					 .maps = MAPS,
					 .now_sec = NOW,
				 },
				 &holds, &how, &diff),
			 0);
	assert_int_equal(how, hows[row->left]);
	for (; n < 2 && row->holds[n].share; n++) {
		if (n >= holds->n || holds->list[n].row.origin != row->holds[n].origin ||
		    holds->list[n].row.share != row->holds[n].share)
			fail_msg("%s: claim %zu is another", row->name, n);
	}
	if (n < 2 && holds->n != n)
		fail_msg("%s: %zu claims hold", row->name, holds->n);
	if (memcmp(&diff, &row->diff, sizeof(diff)) != 0)
		fail_msg("%s: %zu added, %zu removed, %zu changed", row->name, diff.added,
			 diff.removed, diff.changed);
	entries_free(held);
	entries_free(composed);
}

static void by_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i]);
}

/* A start that `composed` otherwise than the list in force was: one claim that is recorded and held
 * as it is. What differs is not somebody's hand. */
static void check_recomposed(struct word word, const struct entry *composed)
{
	_cleanup_(claims_freep) struct claims *recorded = NULL, *holds = NULL;
	struct entries *held = NULL, *list = NULL;
	struct entry e = entry(word);
	struct entries_diff diff;
	enum reconciled how;

	assert_int_equal(claims_new(1, &recorded), 0);
	assert_int_equal(claims_put(recorded, &e), 0);
	assert_int_equal(entries_new(1, &held), 0);
	e.row.slot = 9;
	assert_int_equal(entries_put(held, &e), 0);
	assert_int_equal(entries_new(1, &list), 0);
	if (composed)
		assert_int_equal(entries_put(list, composed), 0);
	assert_int_equal(reconcile(&(struct reconcile){ .recorded = recorded,
							.composed = list,
							.held = held,
							.recorded_number = LEFT_AT,
							.applied_number = LEFT_AT,
							.applied_maps = MAPS,
							.maps = MAPS,
							.now_sec = NOW },
				   &holds, &how, &diff),
			 0);
	assert_int_equal(how, RECONCILED_IN_FORCE);
	assert_int_equal(holds->n, 1);
	assert_int_equal(holds->list[0].row.origin, word.origin);
	assert_int_equal(diff.added + diff.removed + diff.changed, 0);
	entries_free(held);
	entries_free(list);
}

/* A guard speaks for an address since nobody was there. */
static void withheld_since(void **state)
{
	(void)state;
	check_recomposed((struct word)AUTO(1), NULL);
	check_recomposed((struct word)FEED(1), NULL);
}

/* The agent died after it made what was on trial last, and before it recorded that. */
static void confirmed_half(void **state)
{
	struct entry capped = entry((struct word)OPERATOR(1));

	(void)state;
	capped.row.expires_sec = NOW + 60;
	check_recomposed((struct word)OPERATOR(1), &capped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_table),
		cmocka_unit_test(withheld_since),
		cmocka_unit_test(confirmed_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
