/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the spared tell of the dropped: a campaign of sources in 198.18.0.0/15, of which each has an
 * entry with 5 % held out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/judge/holdout.h"
#include "user/judge/share.h"

#define NOW 100000
#define SINCE (NOW - 1800)
#define ID 0x1f3a
#define KEY 0xc0ffeeull
#define MEMBERS 400
#define HELD_OUT 500 /* of SEINE_SHARE */

static const struct seine_meta meta = { .seed0 = 1, .seed1 = 2, .source_bits = 64 };

struct world {
	struct campaign campaign;
	struct member members[MEMBERS];
	struct entries *entries;
	struct features f[MEMBERS];
	struct noise noise;
	struct holdout_question q;
	struct holdout h;
	size_t spared; /* of the members */
};

static void address(uint32_t i, uint8_t ip[16])
{
	const uint8_t base[16] = { [10] = 0xff, [11] = 0xff, [12] = 198, [13] = 18 };

	memcpy(ip, base, 16);
	ip[14] = (uint8_t)(i >> 8);
	ip[15] = (uint8_t)i;
}

static bool is_spared(const struct features *f)
{
	return share_of(&meta, f->source) >= SEINE_SHARE - HELD_OUT;
}

/* Proven long ago, and heard a minute ago. */
static struct features proven(uint32_t i)
{
	struct features f = {
		.hello_key = KEY,
		.requests = 9,
		.idle_sec = 60,
		.gap_dual = 2,
		.trail = { .dual = 6 },
	};

	address(i, f.source);
	return f;
}

static struct entry entry_of(const uint8_t ip[16], unsigned int len)
{
	return (struct entry){
		.prefix = prefix_of(ip, len),
		.row = {
			.action = SEINE_DROP,
			.origin = SEINE_AUTO,
			.share = SEINE_SHARE - HELD_OUT,
			.campaign = ID,
		},
	};
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->noise = noise_of(0.03, 3e-4, 0);
	w->campaign = (struct campaign){
		.id = ID,
		.hello_key = KEY,
		.members = w->members,
		.n_members = MEMBERS,
	};
	assert_int_equal(entries_new(MEMBERS, &w->entries), 0);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		struct entry e;

		w->f[i] = proven(i);
		memcpy(w->members[i].source, w->f[i].source, 16);
		e = entry_of(w->f[i].source, 128);
		assert_int_equal(entries_append(w->entries, &e), 0);
		w->spared += is_spared(&w->f[i]);
	}
	w->q = (struct holdout_question){
		.campaign = &w->campaign,
		.entries = w->entries,
		.f = w->f,
		.n = MEMBERS,
		.noise = &w->noise,
		.meta = &meta,
		.since_sec = SINCE,
		.now_sec = NOW,
	};
	assert_in_range(w->spared, 12, 30); /* 20 expected */
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	entries_free(w->entries);
	free(w);
	return 0;
}

static const struct holdout *measure(struct world *w)
{
	holdout_measure(&w->q, &holdout_defaults, &w->h);
	return &w->h;
}

/* The first `n` spared sources, to be changed. */
static void change(struct world *w, size_t n, void (*how)(struct features *f))
{
	for (size_t i = 0; i < MEMBERS && n; i++) {
		if (!is_spared(&w->f[i]))
			continue;
		how(&w->f[i]);
		n--;
	}
	assert_int_equal(n, 0);
}

static void turn_direct(struct features *f)
{
	f->gap_none = 3;
	f->gap_dual = 0;
}

static void fall_silent(struct features *f)
{
	f->idle_sec = NOW - SINCE;
}

static void keep_its_connection(struct features *f)
{
	f->gap_none = f->gap_single = f->gap_dual = 0;
}

static void change_hello(struct features *f)
{
	f->hello_key = KEY + 1;
}

static void a_pool_stays_a_pool(void **state)
{
	struct world *w = *state;
	const struct holdout *h = measure(w);

	assert_int_equal(h->spared, w->spared);
	assert_int_equal(h->known, w->spared);
	assert_int_equal(h->measured, w->spared);
	assert_int_equal(h->alike, w->spared);
	assert_int_equal(h->verdict, HOLDOUT_GOOD);
}

/* Members they all are still, and proven by what is remembered; but they are direct. */
static void fresh_handshakes_overrule_what_was_believed(void **state)
{
	struct world *w = *state;
	const struct holdout *h;

	change(w, w->spared / 2, turn_direct);
	h = measure(w);
	assert_int_equal(h->known, w->spared);
	assert_int_equal(h->measured, w->spared);
	assert_int_equal(h->alike, w->spared - w->spared / 2);
	assert_int_equal(h->verdict, HOLDOUT_BAD);
	assert_true(h->alike_high < 0.9);
	assert_non_null(strstr(h->text, "90 % must"));
}

/* One bad handshake among many sources is no news. */
static void a_few_exceptions_are_borne(void **state)
{
	struct world *w = *state;
	const struct holdout *h;

	change(w, 1, turn_direct);
	h = measure(w);
	assert_int_equal(h->alike, w->spared - 1);
	assert_int_equal(h->verdict, HOLDOUT_GOOD);
}

static void who_is_silent_says_nothing(void **state)
{
	struct world *w = *state;
	const struct holdout *h;

	change(w, w->spared - 3, fall_silent);
	change(w, 3, turn_direct);
	h = measure(w);
	assert_int_equal(h->spared, 3);
	assert_int_equal(h->verdict, HOLDOUT_UNKNOWN);
	change(w, w->spared, fall_silent);
	h = measure(w);
	assert_int_equal(h->spared, 0);
	assert_int_equal(h->verdict, HOLDOUT_UNKNOWN);
	assert_true(h->alike_high == 1);
}

static void what_is_remembered_is_not_measured(void **state)
{
	struct world *w = *state;
	const struct holdout *h;

	change(w, w->spared, keep_its_connection);
	h = measure(w);
	assert_int_equal(h->spared, w->spared);
	assert_int_equal(h->known, w->spared);
	assert_int_equal(h->measured, 0);
	assert_int_equal(h->verdict, HOLDOUT_UNKNOWN);
}

/* Where an entry drops whatever comes from there, other software is somebody else; where it asks
 * for the ClientHello, others pass anyway. */
static void other_software_is_somebody_else(void **state)
{
	struct world *w = *state;
	const struct holdout *h;

	change(w, w->spared, change_hello);
	h = measure(w);
	assert_int_equal(h->measured, w->spared);
	assert_int_equal(h->alike, 0);
	assert_int_equal(h->verdict, HOLDOUT_BAD);
	for (size_t i = 0; i < w->entries->n; i++)
		w->entries->list[i].row.hello_key = KEY;
	assert_int_equal(measure(w)->spared, 0);
}

/* A /24 stands for 20 members and 200 others that were never accused. */
static void bystanders_in_a_prefix_are_seen(void **state)
{
	struct world *w = *state;
	const struct holdout *h;
	struct entry wide;

	w->campaign.n_members = 20;
	w->entries->n = 0;
	wide = entry_of(w->f[0].source, 120);
	assert_int_equal(entries_append(w->entries, &wide), 0);
	for (size_t i = 20; i < MEMBERS; i++) {
		w->f[i].gap_dual = 0;
		w->f[i].gap_none = 1;
		w->f[i].trail = (struct trail){ .none = 1 };
	}
	h = measure(w);
	assert_in_range(h->spared, 8, 25); /* of the 256 addresses in it */
	assert_true(h->alike <= 5);
	assert_int_equal(h->measured, h->spared);
	assert_int_equal(h->verdict, HOLDOUT_BAD);
}

/* What a canary spares is as good a sample, and larger. */
static void a_canary_tells_before(void **state)
{
	struct world *w = *state;
	const struct holdout *h;

	for (size_t i = 0; i < w->entries->n; i++) {
		w->entries->list[i].row.action = SEINE_CANARY;
		w->entries->list[i].row.share = HELD_OUT;
	}
	h = measure(w);
	assert_in_range(h->spared, MEMBERS * 9 / 10, MEMBERS - 5);
	assert_int_equal(h->verdict, HOLDOUT_GOOD);
}

static void only_its_own_entries_count(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < w->entries->n; i++)
		w->entries->list[i].row.campaign = ID + 1;
	assert_int_equal(measure(w)->spared, 0);
	for (size_t i = 0; i < w->entries->n; i++) {
		w->entries->list[i].row.campaign = ID;
		w->entries->list[i].row.share = 0; /* drops all */
	}
	assert_int_equal(measure(w)->spared, 0);
	for (size_t i = 0; i < w->entries->n; i++)
		w->entries->list[i].row.action = SEINE_WATCH;
	assert_int_equal(measure(w)->spared, 0);
}

/* Two campaigns, one at the canary rung: each is measured by what its own entries spare. */
static void campaigns_are_told_apart(void **state)
{
	struct world *w = *state;
	size_t others = 0;

	for (size_t i = 0; i < w->entries->n; i++) {
		if (!is_spared(&w->f[i]) || others == w->spared / 2)
			continue;
		w->entries->list[i].row.campaign = ID + 1;
		others++;
	}
	assert_int_equal(measure(w)->spared, w->spared - others);
}

/* An entry that drops more than another one of the same campaign spares fewer. */
static void each_entry_has_its_share(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < w->entries->n; i++)
		if (!is_spared(&w->f[i])) {
			w->entries->list[i].row.share = share_of(&meta, w->f[i].source);
			break;
		}
	assert_int_equal(measure(w)->spared, w->spared + 1);
}

/* As many as the bound needs, at the numbers that holdout.h states. */
static void the_bound_is_where_it_is_said(void **state)
{
	struct world *w = *state;

	change(w, w->spared - 8, fall_silent);
	for (size_t i = 0, left = 0; i < MEMBERS; i++)
		if (is_spared(&w->f[i]) && w->f[i].idle_sec == 60 && left++ < 3)
			turn_direct(&w->f[i]);
	assert_int_equal(measure(w)->measured, 8);
	assert_int_equal(w->h.alike, 5);
	assert_int_equal(w->h.verdict, HOLDOUT_GOOD);
	for (size_t i = 0, left = 0; i < MEMBERS; i++)
		if (is_spared(&w->f[i]) && w->f[i].idle_sec == 60 && left++ < 4)
			turn_direct(&w->f[i]);
	assert_int_equal(measure(w)->alike, 4);
	assert_int_equal(w->h.verdict, HOLDOUT_BAD);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(a_pool_stays_a_pool),
		WITH_WORLD(fresh_handshakes_overrule_what_was_believed),
		WITH_WORLD(a_few_exceptions_are_borne),
		WITH_WORLD(who_is_silent_says_nothing),
		WITH_WORLD(what_is_remembered_is_not_measured),
		WITH_WORLD(other_software_is_somebody_else),
		WITH_WORLD(bystanders_in_a_prefix_are_seen),
		WITH_WORLD(a_canary_tells_before),
		WITH_WORLD(only_its_own_entries_count),
		WITH_WORLD(campaigns_are_told_apart),
		WITH_WORLD(each_entry_has_its_share),
		WITH_WORLD(the_bound_is_where_it_is_said),
	};

	return cmocka_run_group_tests_name("holdout", tests, NULL, NULL);
}
