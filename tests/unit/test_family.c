/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each family of evidence on populations made by hand: what it sees, and what it must not see.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/shoal/chance.h"
#include "user/shoal/family.h"
#include "user/sight/asns.h"

#define KEY 7

struct stage {
	struct features *f;
	size_t n, room;
	struct asns *asns; /* NULL: no table of networks */
	struct population *p;
	struct cohorts *cohorts;
	struct crowd *crowd;
};

static void stage_clear(struct stage *s)
{
	crowd_free(s->crowd);
	cohorts_free(s->cohorts);
	population_free(s->p);
	asns_free(s->asns);
	free(s->f);
}

/* A source at 10.x.y.z with four handshakes, all dual or all clean. */
static struct features *add(struct stage *s, uint32_t address, uint64_t key, bool split)
{
	struct features *f;

	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->f = reallocarray(s->f, s->room, sizeof(*s->f));
		assert_non_null(s->f);
	}
	f = &s->f[s->n++];
	*f = (struct features){
		.source = { [10] = 0xff,
			    [11] = 0xff,
			    10,
			    (uint8_t)(address >> 16),
			    (uint8_t)(address >> 8),
			    (uint8_t)address },
		.hello_key = key,
		.requests = 4,
		.handshakes = 4,
		.gap_dual = split ? 4 : 0,
		.gap_none = split ? 0 : 4,
		.trail = { .dual = split ? 4 : 0, .none = split ? 0 : 4 },
		.log_request = 8,
		.log_response = 9,
		.stacks = 1,
	};
	return f;
}

static void judge(struct stage *s)
{
	const struct shoal_question q = {
		.f = s->f,
		.n = s->n,
		.window = WINDOW_DAY,
		.asns = s->asns,
	};

	assert_int_equal(population_new(&q, &shoal_defaults, &s->p), 0);
	assert_int_equal(cohorts_new(s->p, 10, &s->cohorts), 0);
	for (size_t i = 0; i < s->cohorts->n; i++)
		s->cohorts->list[i].evidence[FAMILY_PATH] = path_judge(s->p, &s->cohorts->list[i]);
	assert_int_equal(crowd_new(s->p, s->cohorts, &s->crowd), 0);
}

static struct evidence density(struct stage *s)
{
	struct evidence e;

	assert_int_equal(density_judge(s->crowd, &s->cohorts->list[0], &shoal_defaults, &e), 0);
	return e;
}

static void test_cohort(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		add(&s, i, KEY, i < 20);
		add(&s, 1000 + i, 8, i < 9); /* too few */
		add(&s, 2000 + i, 0, true);  /* no ClientHello */
	}
	judge(&s);
	assert_int_equal(s.cohorts->n, 1);
	assert_int_equal(s.cohorts->list[0].hello_key, KEY);
	assert_int_equal(s.cohorts->list[0].n_same_key, 30);
	assert_int_equal(s.cohorts->list[0].asked, 30);
	assert_int_equal(s.cohorts->list[0].leaning, 20);
	assert_int_equal(s.cohorts->list[0].n, 20);
	assert_int_equal(s.cohorts->list[0].gap, SEINE_GAP_DUAL);
}

/* 20 of 30 against `leaning` of `others`. */
static double path_p(uint32_t leaning, uint32_t others)
{
	_cleanup_(stage_clear) struct stage s = { 0 };
	struct evidence e;

	for (uint32_t i = 0; i < 30; i++)
		add(&s, i, KEY, i < 20);
	for (uint32_t i = 0; i < others; i++)
		add(&s, 1000 + i, 1000 + i, i < leaning);
	judge(&s);
	e = path_judge(s.p, &s.cohorts->list[0]);
	assert_true(e.observed == 20 && e.of == 30);
	return e.p;
}

/* The binomial tail at the baseline's upper bound: nothing is proven by 0 of 5, much by 0 of 1000;
 * and nothing when the others are alike. */
static void test_path(void **state)
{
	double high = chance_share_high(3, 200, 1e-9);

	(void)state;
	assert_true(path_p(0, 0) == 1);
	assert_true(path_p(0, 5) > 0.9);
	assert_true(path_p(0, 1000) < 2e-9);
	assert_true(path_p(700, 1000) > 0.1);
	assert_true(fabs(path_p(3, 200) / (chance_binomial(20, 30, high) + 1e-9) - 1) < 1e-9);
}

/* `together` in each of so many /24s, in a /16 each, beside `neighbours`; others spread thinly. */
static struct evidence place(uint32_t places, uint32_t together, uint32_t spread,
			     uint32_t neighbours)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	for (uint32_t place = 0; place < places; place++) {
		for (uint32_t i = 0; i < together; i++)
			add(&s, (0xff - place) << 16 | i, KEY, true);
		for (uint32_t i = 0; i < neighbours; i++)
			add(&s, (0xff - place) << 16 | (128 + i), 3, false);
	}
	for (uint32_t i = 0; i < spread; i++)
		add(&s, (5 * i) << 12, KEY, true);
	for (uint32_t i = 0; i < 500; i++)
		add(&s, (i << 12) + 1, 3, false);
	judge(&s);
	return place_judge(s.p, &s.cohorts->list[0]);
}

static void test_place(void **state)
{
	struct evidence e = place(3, 40, 60, 0);
	char text[PREFIX_TEXT];

	(void)state;
	assert_true(e.p < 1e-20);
	assert_true(e.observed == 40 && e.of == 40);
	assert_int_equal(e.where.ip[12], 10);
	assert_true(e.where.ip[13] >= 0xfd);
	assert_true(place(3, 40, 60, 30).p < 1e-2); /* neighbours thin it out */
	assert_true(place(3, 40, 60, 30).p > e.p);
	assert_true(place(0, 0, 100, 100).p > 0.5); /* scattered among others */

	/* Whoever sits in a network or two of its own may be a company: shown, but no proof. */
	e = place(2, 40, 60, 0);
	assert_true(e.p == 1);
	assert_true(e.observed == 40 && e.of == 40);
	assert_string_equal(prefix_format(&e.where, text), "10.254.0.0/24");
}

/* Networks 64500 on: 10.0.0.0/10 and the three behind it, and two that lie inside of others. */
static struct asns *networks(void)
{
	static const char *const prefixes[] = {
		"10.0.0.0/10",	 "10.64.0.0/10",  "10.128.0.0/10",
		"10.192.0.0/10", "10.128.7.0/24", "10.80.0.0/16",
	};
	struct asns *a = NULL;
	struct prefix p;
	char why[160];

	assert_int_equal(asns_new(&a), 0);
	for (uint32_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		assert_int_equal(prefix_parse(prefixes[i], why, sizeof(why), &p), 0);
		assert_int_equal(asns_add(a, &p, 64500 + i), 0);
	}
	assert_int_equal(asns_settle(a), 0);
	return a;
}

/* 60 of a cohort, each in a /16 of its own with others in it: `inside` of them over three networks,
 * where every fifth of 320 others is, and 5 with its ClientHello that are direct. The rest, and
 * another campaign, are in AS64500. */
static struct evidence spread_over(uint32_t inside, bool table)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	for (uint32_t i = 0; i < 320; i++)
		add(&s, (i % 5 ? i % 64 : 64 + 37 * i % 192) << 16 | i, 3, false);
	for (uint32_t i = 0; i < 5; i++)
		add(&s, (100 + i) << 16 | 0x2000, KEY, false);
	for (uint32_t i = 0; i < 60; i++) {
		add(&s, (i < inside ? 64 + 3 * i : i) << 16 | 0x8000 | i, KEY, true);
		add(&s, i << 16 | 0x4000 | i, 4, true);
	}
	s.asns = table ? networks() : NULL;
	judge(&s);
	return place_judge(s.p, &s.cohorts->list[1]);
}

/* A campaign in three networks, thin in every subnet, is seen by the networks and by nothing else. */
static void test_networks(void **state)
{
	struct campaign c = { 0 };
	char text[SENTENCE_SIZE];
	struct evidence e;

	(void)state;
	assert_true(spread_over(60, false).p > 0.5);
	e = spread_over(60, true);
	assert_true(e.p < 0.01);
	assert_in_range(e.asn, 64501, 64503);
	assert_true(fabs(e.expected - e.of * 60 / 445.0) < 1e-9);
	assert_true(spread_over(15, true).p > 0.5); /* as many as of others */

	c.evidence[FAMILY_PLACE] =
		(struct evidence){ .observed = 59, .of = 127, .expected = 17.12, .asn = 64501 };
	assert_string_equal(evidence_sentence(&c, FAMILY_PLACE, text, sizeof(text)),
			    "59 of the 127 sources in network AS64501 belong to it; 17 would "
			    "by chance.");
}

/* Where one subnet is all that a network holds, the subnet is named. Sources that the table does
 * not know are in no network together. */
static void test_subnet_or_network(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };
	struct shoal_question q = { .window = WINDOW_DAY };
	struct population *without = NULL;
	struct evidence e;
	char text[PREFIX_TEXT];

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		add(&s, 128 << 16 | 7 << 8 | i, KEY, true);
	for (uint32_t i = 0; i < 400; i++)
		add(&s, i << 14 | 1, 3, false);
	s.asns = networks();
	judge(&s);
	q.f = s.f;
	q.n = s.n;
	e = place_judge(s.p, &s.cohorts->list[0]);
	assert_int_equal(e.asn, 0);
	assert_string_equal(prefix_format(&e.where, text), "10.128.7.0/24");
	assert_int_equal(s.p->list[0].asn, 64500);
	assert_int_equal(s.p->list[0].around_asn, 256);

	/* Every network that anybody is in is one more place that might have stood out. */
	assert_int_equal(population_new(&q, &shoal_defaults, &without), 0);
	assert_int_equal(s.p->places, without->places + 4);
	population_free(without);
}

static void test_unknown_network(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 60; i++)
		add(&s, i << 16 | 0x8000, KEY, true);
	for (uint32_t i = 0; i < 60; i++)
		for (uint32_t j = 0; j < 4; j++)
			add(&s, (128 + i) << 16 | j, 3, false);
	/* A table of nothing but the others' half: the cohort is what is left over. */
	assert_int_equal(asns_new(&s.asns), 0);
	assert_int_equal(
		asns_add(s.asns, &(struct prefix){ { [10] = 0xff, 0xff, 10, 128 }, 105 }, 9), 0);
	assert_int_equal(asns_settle(s.asns), 0);
	judge(&s);
	assert_int_equal(s.p->list[0].asn, 0);
	assert_int_equal(s.p->list[0].around_asn, 0);
	assert_true(place_judge(s.p, &s.cohorts->list[0]).p == 1);
}

/* Between -2 and 2. */
static double draw(void)
{
	static uint64_t random = 1;

	return (double)(seine_mix64(random++) % 1000) / 250 - 2;
}

/* A crowd spread over decades, and a cohort with `spread` times its breadth in sizes. `requests`:
 * of each of the cohort; 0: as varied as the crowd's. */
static void scatter(struct stage *s, uint32_t crowd, uint32_t cohort, double spread,
		    uint32_t requests)
{
	struct features *f;
	double scale;
	bool own;

	for (uint32_t i = 0; i < crowd + cohort; i++) {
		own = i < cohort;
		scale = own ? spread : 1;
		f = add(s, i, own ? KEY : 100 + i % 40, own);
		f->requests = own && requests ? requests : 2u << (int)(2 * draw() + 4);
		f->log_request = (float)(8 + scale * draw());
		f->log_response = (float)(9 + scale * draw());
	}
}

static void test_density(void **state)
{
	_cleanup_(stage_clear) struct stage close = { 0 };
	_cleanup_(stage_clear) struct stage spread = { 0 };
	_cleanup_(stage_clear) struct stage unknown = { 0 };
	struct evidence e;

	(void)state;
	scatter(&close, 3000, 100, 0.05, 6);
	judge(&close);
	e = density(&close);
	assert_true(e.p < 1e-12);
	assert_true(e.of == 100 && e.observed >= 98 && e.expected < 2);
	for (size_t i = 0; i < 100; i++)
		if (close.cohorts->list[0].lfdr[i] < 1)
			assert_true(close.cohorts->list[0].lfdr[i] < 0.02);

	scatter(&spread, 3000, 100, 1, 0);
	judge(&spread);
	e = density(&spread);
	assert_true(e.p > 0.1);
	for (size_t i = 0; i < 100; i++)
		assert_true(spread.cohorts->list[0].lfdr[i] == 1);

	scatter(&unknown, 0, 100, 0.05, 6); /* nobody to compare with */
	judge(&unknown);
	assert_true(density(&unknown).p == 1);
}

/* Three times as dense as the crowd, beyond any doubt, is still what an honest group may be. */
static void test_somewhat_denser(void **state)
{
	_cleanup_(stage_clear) struct stage s = { 0 };

	(void)state;
	scatter(&s, 5000, 1000, 0.6, 0);
	judge(&s);
	assert_true(density(&s).p > 0.5);
}

/* A cohort right on the border of bins is found like any other. */
static void test_no_border(void **state)
{
	(void)state;
	for (unsigned int shift = 0; shift < 8; shift++) {
		_cleanup_(stage_clear) struct stage s = { 0 };
		struct evidence e;

		scatter(&s, 3000, 100, 0.05, 7);
		for (size_t i = 0; i < 100; i++) {
			s.f[i].log_request += 0.02f * (float)shift;
			s.f[i].requests = 7 + i % 2;
		}
		judge(&s);
		e = density(&s);
		assert_true(e.p < 1e-12);
		assert_true(e.observed >= 95);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cohort),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_density),
		cmocka_unit_test(test_somewhat_denser),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_subnet_or_network),
		cmocka_unit_test(test_unknown_network),
		cmocka_unit_test(test_no_border),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
