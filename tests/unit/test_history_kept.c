/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What history keeps beside rows: seeds, campaigns, and what was known when something was decided.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/history_place.h"
#include "user/base/cleanup.h"

/* ---- seeds ---- */

static struct seed seed_of(uint32_t n, int64_t added, int64_t expires, const char *note)
{
	struct seed s = { .added_sec = added, .expires_sec = expires };

	place_address(n, s.source);
	snprintf(s.note, sizeof(s.note), "%s", note);
	return s;
}

static void seeds_are_kept_until_their_end(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct seed list[] = { seed_of(1, 100, 1000, "one"), seed_of(2, 100, 900, "two") };
	struct seed later[] = { seed_of(1, 200, 900, "earlier end"), seed_of(2, 200, 2000, "x") };
	struct seeds got = { 0 };
	char why[HISTORY_WHY];

	assert_int_equal(history_add_seeds(h, &(struct seeds){ list, 2 }, why), 0);
	assert_int_equal(history_add_seeds(h, &(struct seeds){ later, 2 }, why), 0);
	history_closep(&h);
	h = place_open(*state);
	assert_int_equal(history_seeds(h, 300, &got), 0);
	assert_int_equal(got.n, 2);
	assert_true(seeds_hold(&got, list[0].source));
	for (size_t i = 0; i < 2; i++) {
		bool one = !memcmp(got.list[i].source, list[0].source, 16);

		assert_int_equal(got.list[i].expires_sec, one ? 1000 : 2000);
		assert_string_equal(got.list[i].note, one ? "one" : "x");
	}
	free(got.list);
	assert_int_equal(history_seeds(h, 1500, &got), 0);
	assert_int_equal(got.n, 1);
	free(got.list);
	assert_int_equal(history_clear_seeds(h, why), 0);
	assert_int_equal(history_seeds(h, 0, &got), 0);
	assert_int_equal(got.n, 0);
	free(got.list);
}

static void too_many_seeds_change_nothing(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	_cleanup_(freep) struct seed *list = calloc(SEEDS_MAX, sizeof(*list));
	struct seeds got = { 0 };
	char why[HISTORY_WHY];

	assert_non_null(list);
	for (uint32_t i = 0; i < SEEDS_MAX; i++)
		list[i] = seed_of(i, 100, 1000, "");
	assert_int_equal(history_add_seeds(h, &(struct seeds){ list, SEEDS_MAX - 1 }, why), 0);
	for (uint32_t i = 0; i < 5; i++)
		list[i] = seed_of(SEEDS_MAX + i, 100, 1000, "");
	assert_int_equal(history_add_seeds(h, &(struct seeds){ list, 5 }, why), -E2BIG);
	assert_non_null(strstr(why, "at most 100000"));
	assert_int_equal(history_seeds(h, 300, &got), 0);
	assert_int_equal(got.n, SEEDS_MAX - 1);
	assert_false(seeds_hold(&got, list[0].source));
	free(got.list);
}

/* ---- campaigns ---- */

static struct campaign campaign_of(uint32_t id, struct member *members, size_t n,
				   struct net_finding *net)
{
	struct campaign c = {
		.id = id,
		.hello_key = 0xfedcba9876543210,
		.gap = SEINE_GAP_DUAL,
		.window = WINDOW_WEEK,
		.seen_sec = { 0, 500, 600, 0 },
		.first_sec = 400,
		.last_sec = 600,
		.replaces = 7,
		.grown_from = 3,
		.members_max = 9,
		.rate = 25.5,
		.sources = 12,
		.requests = 1ull << 40,
		.p_combined = 1e-30,
		.q_value = 1e-20 / id,
		.log_request = 7.5f,
		.members = members,
		.n_members = n,
		.prefixes = net,
		.n_prefixes = 1,
	};

	for (int f = 0; f < FAMILY_MAX; f++)
		c.evidence[f] = (struct evidence){ .family = f, .p = 1 };
	c.evidence[FAMILY_PLACE] = (struct evidence){
		.family = FAMILY_PLACE,
		.p = 1e-9,
		.holds = true,
		.observed = 5,
		.of = 12,
		.test = 2,
		.where = net->prefix,
		.asn = 64500,
	};
	c.p_without[FAMILY_PLACE] = 0.25;
	c.stands_without[FAMILY_PLACE] = true;
	for (size_t i = 0; i < n; i++) {
		members[i] = (struct member){ .lfdr = 0.01,
					      .log10_e = -3.5,
					      .requests = 5,
					      .gap_ms = 70.5f,
					      .alone = true,
					      .window = WINDOW_SEASON,
					      .last_sec = 600,
					      .joined_sec = 500,
					      .seed = i == 3 };
		members[i].source[0] = 0x20;
		members[i].source[4] = (uint8_t)i;
	}
	return c;
}

static void campaigns_freep(struct campaigns **c)
{
	campaigns_free(*c);
}

static void same_campaign(const struct campaign *a, const struct campaign *b)
{
	struct campaign x = *a, y = *b;

	assert_int_equal(x.n_members, y.n_members);
	for (size_t i = 0; i < x.n_members; i++) {
		assert_memory_equal(x.members[i].source, y.members[i].source, 16);
		assert_int_equal(x.members[i].window, y.members[i].window);
		assert_int_equal(x.members[i].last_sec, y.members[i].last_sec);
		assert_true(x.members[i].lfdr == y.members[i].lfdr && x.members[i].alone);
		assert_int_equal(x.members[i].joined_sec, y.members[i].joined_sec);
		assert_int_equal(x.members[i].seed, y.members[i].seed);
		assert_true(x.members[i].log10_e == y.members[i].log10_e);
		assert_true(x.members[i].gap_ms == y.members[i].gap_ms);
	}
	assert_int_equal(x.n_prefixes, y.n_prefixes);
	assert_memory_equal(&x.prefixes[0].prefix, &y.prefixes[0].prefix, sizeof(struct prefix));
	assert_int_equal(x.prefixes[0].outsiders, y.prefixes[0].outsiders);
	x.members = y.members = NULL;
	x.prefixes = y.prefixes = NULL;
	for (int f = 0; f < FAMILY_MAX; f++) {
		assert_true(x.evidence[f].p == y.evidence[f].p);
		assert_int_equal(x.evidence[f].asn, y.evidence[f].asn);
		assert_int_equal(x.evidence[f].test, y.evidence[f].test);
		assert_int_equal(x.evidence[f].holds, y.evidence[f].holds);
		assert_int_equal(x.evidence[f].where.len, y.evidence[f].where.len);
	}
	/* All scalar fields lie before and behind the evidence. */
	assert_memory_equal(&x, &y, offsetof(struct campaign, evidence));
	assert_memory_equal(x.p_without, y.p_without, sizeof(x.p_without));
	assert_memory_equal(x.stands_without, y.stands_without, sizeof(x.stands_without));
	assert_true(x.p_combined == y.p_combined && x.q_value == y.q_value);
}

static void campaigns_keep_their_names(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *got = NULL;
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct net_finding net = { .members = 3, .sources = 4, .outsiders = 1, .purity = 0.9 };
	struct member members[2][20];
	struct campaign list[2];
	struct campaigns all = { .list = list, .n = 2 };
	char why[HISTORY_WHY];
	size_t left_out;

	assert_int_equal(prefix_parse("198.51.100.0/24", why, sizeof(why), &net.prefix), 0);
	list[0] = campaign_of(9, members[0], 20, &net);
	list[1] = campaign_of(4, members[1], 3, &net);
	assert_int_equal(history_save_campaigns(h, &all), 0);
	assert_int_equal(history_save_campaigns(h, &all), 0);
	history_closep(&h);
	h = place_open(*state);
	assert_int_equal(history_campaigns(h, 700, &got, &left_out), 0);
	assert_int_equal(got->n, 2);
	assert_int_equal(left_out, 0);
	same_campaign(&got->list[0], &list[0]);
	same_campaign(&got->list[1], &list[1]);
}

/* After a boot the clock of seconds began anew; what was before it is at its beginning. */
static void campaigns_outlive_a_boot(void **state)
{
	_cleanup_(campaigns_freep) struct campaigns *got = NULL;
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct net_finding net = { .prefix = { .len = 128 } };
	struct history_settings s = { .path = ((struct place *)*state)->file,
				      .window_sec = WINDOW,
				      .size_max = LARGE,
				      .epoch_sec = EPOCH + 450 };
	struct member members[3];
	struct campaign list[1] = { campaign_of(9, members, 3, &net) };
	char why[HISTORY_WHY];
	size_t left_out;

	assert_int_equal(history_save_campaigns(h, &(struct campaigns){ list, 1, 0, 0 }), 0);
	history_closep(&h);
	assert_int_equal(history_open(&s, why, &h), 0);
	assert_int_equal(history_campaigns(h, 200, &got, &left_out), 0);
	assert_int_equal(got->list[0].first_sec, 1);
	assert_int_equal(got->list[0].last_sec, 150);
	assert_int_equal(got->list[0].seen_sec[WINDOW_HOUR], 0);
	assert_int_equal(got->list[0].seen_sec[WINDOW_DAY], 50);
}

static void campaigns_that_cannot_be_read_are_left_out(void **state)
{
	static const char *const changes[] = {
		"UPDATE campaign SET form = 2 WHERE id = 4",
		"UPDATE campaign SET record = '{' WHERE id = 4",
		"UPDATE campaign SET record = '[]' WHERE id = 4",
		"UPDATE campaign SET record = replace(record, 'week', 'year') WHERE id = 4",
		"UPDATE campaign SET members = x'00' WHERE id = 4",
		"UPDATE campaign SET members = randomblob(46) WHERE id = 4",
		"UPDATE campaign SET id = 5 WHERE id = 4",
		"UPDATE campaign SET record = replace(record, '100.0/24', '100.0/99') WHERE id = 4",
	};
	struct net_finding net = { 0 };
	struct member members[2][3];
	struct campaign list[2];
	char why[HISTORY_WHY];

	assert_int_equal(prefix_parse("198.51.100.0/24", why, sizeof(why), &net.prefix), 0);
	list[0] = campaign_of(9, members[0], 3, &net);
	list[1] = campaign_of(4, members[1], 3, &net);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		_cleanup_(campaigns_freep) struct campaigns *got = NULL;
		_cleanup_(history_closep) struct history *h = place_open(*state);
		size_t left_out;

		assert_int_equal(history_save_campaigns(h, &(struct campaigns){ list, 2, 0, 0 }),
				 0);
		history_closep(&h);
		place_change(*state, changes[i]);
		h = place_open(*state);
		assert_int_equal(history_campaigns(h, 700, &got, &left_out), 0);
		if (got->n != 1 || got->list[0].id != 9 || left_out != 1)
			fail_msg("%s: %zu campaigns", changes[i], got->n);
	}
}

struct told {
	int n;
	int64_t when[8];
};

static int take_dossier(const struct dossier *d, void *arg)
{
	struct told *t = arg;

	assert_string_equal(d->event, "acted");
	assert_non_null(strstr(d->json, "{"));
	t->when[t->n++] = d->unix_sec;
	return 0;
}

static void dossiers_newest_first(void **state)
{
	_cleanup_(history_closep) struct history *h = place_open(*state);
	struct dossier d = { .event = "acted", .json = (char[]){ "{\"q\":1}" } };
	struct told told = { 0 };

	for (d.unix_sec = 1; d.unix_sec <= 400; d.unix_sec++)
		assert_int_equal(history_put_dossier(h, 9, &d, false), 0);
	assert_int_equal(history_dossiers(h, 9, 3, take_dossier, &told), 0);
	assert_int_equal(told.n, 3);
	assert_int_equal(told.when[0], 400);
	assert_int_equal(told.when[2], 398);
	assert_int_equal(history_dossiers(h, 10, 3, take_dossier, &told), 0);
	assert_int_equal(told.n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(seeds_are_kept_until_their_end),
		PLACE_TEST(too_many_seeds_change_nothing),
		PLACE_TEST(campaigns_keep_their_names),
		PLACE_TEST(campaigns_outlive_a_boot),
		PLACE_TEST(campaigns_that_cannot_be_read_are_left_out),
		PLACE_TEST(dossiers_newest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
