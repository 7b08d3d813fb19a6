/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A campaign in sentences: each number with its baseline, and nothing said that does not hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/shoal/family.h"
#include "user/shoal/words.h"

#define NOW 1000000
#define HOUR 3600
#define DAY 86400

static struct member members[] = { { .lfdr = 0.02 }, { .lfdr = 0.01 }, { .seed = true } };
static struct net_finding prefixes[] = { { .members = 2, .outsiders = 1 } };

/* Two kinds of evidence that both are needed; tests change one thing about it. */
static struct campaign plain(void)
{
	struct campaign c = {
		.id = 0x1f3a,
		.window = WINDOW_DAY,
		.seen_sec = { [WINDOW_DAY] = NOW - 10, [WINDOW_WEEK] = NOW - 1300 },
		.first_sec = NOW - 2 * DAY,
		.found = 3,
		.grown_from = 3,
		.members_max = 3,
		.rate = 75,
		.rate_max = 75,
		.sources = 3,
		.members = members,
		.n_members = ARRAY_LEN(members),
		.prefixes = prefixes,
		.n_prefixes = ARRAY_LEN(prefixes),
		.gap_low_ms = 41,
		.gap_high_ms = 78,
		.lfdr_max = 0.02,
		.p_combined = 2e-9,
		.q_value = 8.1e-9,
	};

	for (unsigned int f = 0; f < FAMILY_MAX; f++) {
		c.evidence[f].p = 1;
		c.stands_without[f] = true;
	}
	c.evidence[FAMILY_PATH] = (struct evidence){
		.p = 1e-9,
		.holds = true,
		.observed = 3912,
		.of = 4120,
		.baseline = 0.021,
	};
	c.evidence[FAMILY_DENSITY] = (struct evidence){
		.p = 1e-30,
		.holds = true,
		.observed = 3800,
		.of = 3912,
		.expected = 0.43,
	};
	c.p_without[FAMILY_PATH] = 0.3;
	c.stands_without[FAMILY_PATH] = false;
	c.p_without[FAMILY_DENSITY] = 2e-11;
	return c;
}

struct heard {
	struct sentence list[SENTENCES_MAX];
	size_t n;
};

static struct heard explain(const struct campaign *c, const struct campaigns *all)
{
	const struct backdrop b = {
		.now_sec = NOW,
		.day_sec = DAY,
		.sources = 1000,
		.all = all,
	};
	struct heard h;

	h.n = campaign_explain(c, &b, h.list);
	assert_true(h.n <= SENTENCES_MAX);
	return h;
}

static bool says(const struct heard *h, enum side side, const char *text)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->list[i].side == side && !strcmp(h->list[i].text, text))
			return true;
	for (size_t i = 0; i < h->n; i++)
		print_message("# %d %s\n", h->list[i].side, h->list[i].text);
	print_message("# not said: %d %s\n", side, text);
	return false;
}

/* Is any sentence about this? */
static bool speaks_of(const struct heard *h, const char *part)
{
	for (size_t i = 0; i < h->n; i++)
		if (strstr(h->list[i].text, part))
			return true;
	return false;
}

static void evidence_comes_with_its_baseline(void **state)
{
	struct campaign c = plain();
	struct heard h = explain(&c, NULL);

	(void)state;
	assert_true(says(&h, SIDE_FOR,
			 "Path, p 1e-09: 3,912 of 4,120 sources with this ClientHello show a "
			 "second round trip (nine in ten members one of 41 to 78 ms); 2.1 % of "
			 "others do."));
	assert_true(says(&h, SIDE_FOR,
			 "Density, p 1e-30: 3,800 of 3,912 sources ask nearly equally often, for "
			 "nearly equal sizes; of as many other clients 0.4 would."));
	assert_true(says(&h, SIDE_FOR,
			 "Were fewer than two kinds of evidence real, so much would show with p "
			 "2e-09; false "
			 "discovery rate 8.1e-09."));
}

static const char *sentence_of(enum family f, struct evidence e)
{
	static char text[SENTENCE_SIZE];
	struct campaign c = plain();

	c.evidence[f] = e;
	return evidence_sentence(&c, f, text, sizeof(text));
}

static void every_test_has_its_sentence(void **state)
{
	struct evidence e = { .observed = 0.98, .of = 4021, .expected = 0.774 };

	(void)state;
	assert_string_equal(sentence_of(FAMILY_SCHEDULE, e),
			    "Requests come from the source that has waited longest: mean rank 0.98 "
			    "of 1 in 4,021 turns, where unrelated clients have 0.77 or less.");
	e.observed = 0.51;
	assert_string_equal(sentence_of(FAMILY_SCHEDULE, e),
			    "Requests do not come in turn: mean rank 0.51 of 1 in 4,021 turns, "
			    "where unrelated clients have 0.77 or less.");
	e = (struct evidence){
		.observed = 110, .of = 120, .baseline = 0.05, .test = SCHEDULE_REGULARITY
	};
	assert_string_equal(sentence_of(FAMILY_SCHEDULE, e),
			    "110 of 120 sources ask at regular intervals; 5.0 % of others do.");
	e = (struct evidence){
		.observed = 4200, .of = 12000, .expected = 3100, .test = SYNCHRONY_SLOTS
	};
	assert_string_equal(sentence_of(FAMILY_SYNCHRONY, e),
			    "Of 12,000 times its sources were active, 4,200 fall into the same "
			    "busy slots; 3,100 would by chance.");
	e = (struct evidence){
		.observed = 310, .of = 400, .expected = 2.5, .test = SYNCHRONY_NEIGHBOURS
	};
	assert_string_equal(sentence_of(FAMILY_SYNCHRONY, e),
			    "310 of 400 sources are active at the same times as several others of "
			    "them; 2.5 would be by chance.");
	e = (struct evidence){ .observed = 31, .of = 4120, .expected = 0.2, .baseline = 5e-5 };
	assert_string_equal(sentence_of(FAMILY_SEED, e),
			    "31 of its 4,120 sources are seeds; 0.2 would be by chance.");
	e = (struct evidence){ .observed = 12, .of = 14, .expected = 0.9, .asn = 64500 };
	assert_string_equal(sentence_of(FAMILY_PLACE, e),
			    "12 of the 14 sources in network AS64500 belong to it; 0.9 would by "
			    "chance.");
	e.asn = 0;
	e.where = prefix_of((const uint8_t[16]){ [10] = 0xff, 0xff, 203, 0, 113 }, 120);
	assert_string_equal(sentence_of(FAMILY_PLACE, e),
			    "12 of the 14 sources in 203.0.113.0/24 belong to it; 0.9 would by "
			    "chance.");
}

static void what_does_not_hold_speaks_against(void **state)
{
	struct campaign c = plain();
	struct heard h = explain(&c, NULL);

	(void)state;
	assert_true(says(&h, SIDE_AGAINST,
			 "Place does not hold, p 1: No subnet holds more of its sources than "
			 "expected."));
	assert_true(says(&h, SIDE_AGAINST,
			 "Schedule could not be asked. Too few turns of too few sources are "
			 "known."));
	assert_true(says(&h, SIDE_AGAINST, "Seed could not be asked: no source is a seed."));
	assert_true(says(&h, SIDE_AGAINST,
			 "0.0 of 3 members may be innocent; the least sure one is with a chance of "
			 "2.0 %."));
	assert_false(speaks_of(&h, "spared"));

	c.shared = 1;
	c.idle = 2;
	c.fleeting = 3;
	c.sources = 13;
	h = explain(&c, NULL);
	assert_true(says(&h, SIDE_AGAINST, "1 source fits, but is spared: many people share it."));
	assert_true(says(&h, SIDE_AGAINST,
			 "2 sources fit, but are spared: they have been silent for a day."));
	assert_true(says(&h, SIDE_AGAINST,
			 "3 sources fit, but are spared: seen too briefly to prove a second leg of "
			 "their own."));
	assert_true(
		says(&h, SIDE_EFFECT,
		     "Its members and those seen too briefly make about 75 requests in 24 h, 13 "
		     "each."));
	assert_true(says(&h, SIDE_AGAINST,
			 "4 sources have its ClientHello and a second round trip, but work "
			 "differently, and are spared."));
}

static void one_kind_less(void **state)
{
	struct campaign c = plain();
	struct heard h = explain(&c, NULL);

	(void)state;
	assert_true(says(&h, SIDE_WITHOUT,
			 "Without the evidence of path it would not be found (p 0.3)."));
	assert_true(says(&h, SIDE_WITHOUT,
			 "Without the evidence of density it would still be found (p 2e-11), but "
			 "have no members."));
	assert_true(says(&h, SIDE_WITHOUT,
			 "It hangs on path: were one of these wrong, so would be this."));
	assert_false(campaign_stands(&c));
	assert_false(speaks_of(&h, "evidence of place"));

	c.stands_without[FAMILY_PATH] = true;
	h = explain(&c, NULL);
	assert_true(campaign_stands(&c));
	assert_true(says(&h, SIDE_WITHOUT, "Any one kind may be wrong: it would still be found."));
}

static void what_would_be_hit(void **state)
{
	struct campaign c = plain();
	struct heard h = explain(&c, NULL);

	(void)state;
	assert_true(says(&h, SIDE_EFFECT, "1 prefix would cover 2 members and 1 other source."));
	assert_true(says(&h, SIDE_EFFECT, "1 member would get an entry of its own."));
	assert_false(speaks_of(&h, "Prefixes spared"));
	assert_false(speaks_of(&h, "networks"));
	c.networks = 2.04;
	c.refused[NET_IMPURE] = 11;
	c.refused[NET_SHARED] = 5;
	h = explain(&c, NULL);
	assert_true(
		says(&h, SIDE_EFFECT,
		     "Prefixes spared: 0 too thin, 11 not surely pure, 0 with long-known others, "
		     "5 with shared ones."));
	assert_true(says(&h, SIDE_EFFECT, "Its members make about 75 requests in 24 h, 25 each."));
	assert_true(says(&h, SIDE_EFFECT,
			 "They are 0.3 % of the 1,000 sources seen in the last 24 h."));
}

static void life_of_a_campaign(void **state)
{
	struct campaign c = plain();
	struct heard h = explain(&c, NULL);

	(void)state;
	assert_true(says(&h, SIDE_LIFE, "First found 2 days ago."));
	assert_true(says(&h, SIDE_LIFE,
			 "Found by looking at the last 24 h (10 s ago), 7 days (21 min ago)."));
	assert_false(speaks_of(&h, "grown"));
	assert_false(speaks_of(&h, "height"));
	assert_false(speaks_of(&h, "ended"));

	c.grown_from = 2;
	c.grown_sec = NOW - 22 * HOUR;
	c.members_max = 9;
	c.rate_max = 300;
	c.awake = 1;
	c.awake_expected = 40;
	c.seeds = 1;
	h = explain(&c, NULL);
	assert_true(says(&h, SIDE_LIFE, "It has grown from 2 to 3 members in the last 22 h."));
	assert_true(says(&h, SIDE_LIFE, "At its height it had 9 members."));
	assert_true(says(&h, SIDE_LIFE, "At its height they made about 300 requests in 24 h."));
	assert_true(
		says(&h, SIDE_LIFE,
		     "Its members fall silent: 1 heard in the last 60 min, 40 expected at their "
		     "rate."));
	assert_true(says(&h, SIDE_LIFE, "1 of its members is known to be bad: seeds."));
}

static void succession_is_told_on_both_sides(void **state)
{
	struct campaign list[2] = { plain(), plain() };
	const struct campaigns all = { .list = list, .n = 2 };
	struct heard h;

	(void)state;
	list[0].ended_sec = NOW - 3 * HOUR;
	list[1].id = 0x2222;
	list[1].replaces = list[0].id;
	h = explain(&list[0], &all);
	assert_true(says(&h, SIDE_LIFE, "Its load was taken over by c-2222."));
	assert_true(says(&h, SIDE_LIFE,
			 "It ended 3 h ago: it is no longer found, and has no new entries."));
	h = explain(&list[1], &all);
	assert_true(says(&h, SIDE_LIFE,
			 "It has taken over the load of c-1f3a: same work, other addresses."));
}

/* Whatever the numbers, a sentence ends within its buffer, and nothing is cut for want of room. */
static void sentences_fit(void **state)
{
	struct campaign c = plain();
	struct heard h;
	char buf[20];

	(void)state;
	for (unsigned int f = 0; f <= FAMILY_MAX; f++) {
		if (f < FAMILY_MAX)
			c.evidence[f] = (struct evidence){ .p = 1e-300,
							   .observed = 1e300,
							   .of = 1e300,
							   .expected = 1e300,
							   .baseline = 1,
							   .holds = true };
		memset(buf, 'x', sizeof(buf));
		assert_ptr_equal(evidence_sentence(&c, f, buf, sizeof(buf)), buf);
		assert_non_null(memchr(buf, '\0', sizeof(buf)));
	}
	c.shared = c.idle = 4000000000;
	c.replaces = 0xffff;
	h = explain(&c, NULL);
	for (size_t i = 0; i < h.n; i++) {
		char last = h.list[i].text[strlen(h.list[i].text) - 1];

		assert_int_equal(last, '.');
	}
}

static void numbers_in_words(void **state)
{
	char buf[WORDS_MAX];

	(void)state;
	assert_string_equal(words_count(0, buf), "0");
	assert_string_equal(words_count(0.04, buf), "0.0");
	assert_string_equal(words_count(7, buf), "7");
	assert_string_equal(words_count(999, buf), "999");
	assert_string_equal(words_count(1000, buf), "1,000");
	assert_string_equal(words_count(12345678, buf), "12,345,678");
	assert_string_equal(words_count(1e300, buf), "1,000,000,000,000,000");
	assert_string_equal(words_count(-1, buf), "0");
	assert_string_equal(words_percent(0.0003, buf), "0.03 %");
	assert_string_equal(words_percent(0.021, buf), "2.1 %");
	assert_string_equal(words_percent(0.996, buf), "99.6 %");
	assert_string_equal(words_percent(0.5, buf), "50 %");
	assert_string_equal(words_chance(0, buf), "below 1e-290");
	assert_string_equal(words_chance(0.034, buf), "0.034");
	assert_string_equal(words_time(119, buf), "119 s");
	assert_string_equal(words_time(DAY, buf), "24 h");
	assert_string_equal(words_time(45 * DAY, buf), "45 days");
	assert_string_equal(words_bytes(812, buf), "812 bytes");
	assert_string_equal(words_bytes(5222, buf), "5.1 KiB");
	assert_string_equal(words_bytes(300000, buf), "293 KiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence_comes_with_its_baseline),
		cmocka_unit_test(every_test_has_its_sentence),
		cmocka_unit_test(what_does_not_hold_speaks_against),
		cmocka_unit_test(one_kind_less),
		cmocka_unit_test(what_would_be_hit),
		cmocka_unit_test(life_of_a_campaign),
		cmocka_unit_test(succession_is_told_on_both_sides),
		cmocka_unit_test(sentences_fit),
		cmocka_unit_test(numbers_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
