/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One source in sentences: what was measured, and which rule makes it a member or spares it.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "user/shoal/profile.h"

#define NOW 1000000
#define DAY 86400

/* A source of a swarm: six handshakes, of which five show both signs. */
struct scene {
	struct features f;
	struct member member;
	struct campaign c;
	struct seed seed;
	struct profile p;
};

static void set_up(struct scene *s)
{
	*s = (struct scene){
		.f = {
			.requests = 26,
			.gap_dual = 5,
			.gap_none = 1,
			.trail = { .dual = 5, .none = 1 },
			.log_request = logf(812),
			.log_response = logf(5222),
			.stacks = 1.1f,
			.age_sec = 3 * DAY,
			.idle_sec = 20,
		},
		.member = { .lfdr = 0.008, .joined_sec = NOW - 7200 },
		.c = { .id = 0x1f3a },
		.seed = { .note = "ticket 4711" },
		.p = {
			.noise = noise_of(0.03, 3e-4, 0),
			.work = {
				.requests = { 21, 31 },
				.request_bytes = { 700, 900 },
				.response_bytes = { 4096, 6144 },
				.n = 100,
			},
			.lfdr_max = 0.05,
			.stacks_max = 3,
			.requests_high = 500,
			.now_sec = NOW,
			.day_sec = DAY,
			.window_sec = DAY,
		},
	};
	s->p.f = &s->f;
	s->p.c = &s->c;
}

static bool says(const struct scene *s, enum side side, const char *text)
{
	struct sentence list[SENTENCES_MAX];
	size_t n = profile_explain(&s->p, list);

	for (size_t i = 0; i < n; i++)
		if (list[i].side == side && !strcmp(list[i].text, text))
			return true;
	for (size_t i = 0; i < n; i++)
		print_message("# %d %s\n", list[i].side, list[i].text);
	print_message("# not said: %d %s\n", side, text);
	return false;
}

static void what_was_measured(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s);
	assert_true(says(&s, SIDE_LIFE, "First seen 3 days ago, last 20 s ago."));
	assert_true(says(
		&s, SIDE_LIFE,
		"6 handshakes measured: 5 with both signs of a second leg, 0 with one. Of direct "
		"lines' 0.03 % have both."));
	assert_true(says(&s, SIDE_LIFE,
			 "In the last 24 h it made 26 requests of about 812 bytes; answers were "
			 "about 5.1 KiB."));
	assert_true(says(&s, SIDE_LIFE,
			 "Nine in ten members of c-1f3a: 21 to 31 requests of 700 bytes to 900 "
			 "bytes, answers 4.0 KiB to 6.0 KiB."));
	assert_true(says(
		&s, SIDE_LIFE,
		"About 1 different TCP and TLS stack was seen behind it, so about as many people; "
		"from 4 on it counts as shared."));
	s.p.history = true;
	s.p.days = 4;
	assert_true(says(&s, SIDE_LIFE, "Of the last 45 whole days it was active on 4."));
	s.f.log_request = 0;
	assert_true(
		says(&s, SIDE_LIFE, "In the last 24 h it made 26 requests, none answered yet."));
}

/* 0.75 / 3e-4 is 3.398 powers of ten a dual gap, 0.1 / 0.97 is -0.986 a clean handshake. */
static void how_far_from_proof(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s);
	assert_int_equal(profile_dual_needed(&s.p), 0);
	/* 5 * 3.398 - 0.986 = 16.0: 12.0 above, which 13 clean ones undo. */
	assert_true(says(&s, SIDE_LIFE,
			 "A second leg is proven: its evidence is 16.0, and 4.0 prove one (powers "
			 "of ten). 13 clean handshakes would undo that."));
	s.f.trail = (struct trail){ .dual = 1, .none = 2 };
	assert_int_equal(profile_dual_needed(&s.p), 1);
	assert_true(says(&s, SIDE_LIFE,
			 "A second leg is not proven: its evidence is 1.4, and 4.0 would prove one "
			 "(powers of ten). 1 handshake with both signs would."));
	s.f.trail = (struct trail){ .none = 4 };
	assert_int_equal(profile_dual_needed(&s.p), 3);
	s.p.f = NULL;
	assert_int_equal(profile_dual_needed(&s.p), 2);
}

static void a_member(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s);
	s.p.member = &s.member;
	s.p.seed = &s.seed;
	assert_int_equal(profile_standing(&s.p), STANDING_MEMBER);
	assert_true(says(&s, SIDE_FOR, "It is a member of c-1f3a, since 2 h."));
	assert_true(says(&s, SIDE_FOR,
			 "The chance that it is innocent is put at 0.8 %; at most 5.0 % is "
			 "accepted."));
	assert_true(
		says(&s, SIDE_FOR, "It is a seed: an operator knows it to be bad, ticket 4711."));
}

static void each_rule_spares(void **state)
{
	struct scene s;

	(void)state;
	set_up(&s);
	assert_int_equal(profile_standing(&s.p), STANDING_DIFFERENT);
	assert_true(says(&s, SIDE_AGAINST,
			 "Not a member of c-1f3a: it works differently, so that the chance that it "
			 "is innocent is above 5.0 %."));
	s.f.idle_sec = DAY + 1;
	assert_int_equal(profile_standing(&s.p), STANDING_IDLE);
	s.f.requests = 501;
	assert_int_equal(profile_standing(&s.p), STANDING_SHARED);
	assert_true(
		says(&s, SIDE_LIFE,
		     "Its 501 requests are more than 99.5 % of sources make (500): it counts as "
		     "shared."));
	s.f.requests = 26;
	s.f.stacks = 3.6f;
	assert_int_equal(profile_standing(&s.p), STANDING_SHARED);
	s.f.trail = (struct trail){ .dual = 1, .none = 2 };
	assert_int_equal(profile_standing(&s.p), STANDING_UNPROVEN);
	assert_true(says(&s, SIDE_WITHOUT,
			 "1 more handshake with both signs, and work like its members', would make "
			 "it one."));
	assert_true(says(&s, SIDE_AGAINST,
			 "Not a member of c-1f3a, which has its ClientHello: no second leg is "
			 "proven."));
	s.f.trail = (struct trail){ .dual = 1 };
	assert_true(says(&s, SIDE_AGAINST,
			 "Not a member of c-1f3a, which has its ClientHello: no second leg is "
			 "proven, though one is likely; it is counted, but not blamed."));
	s.p.c = NULL;
	assert_int_equal(profile_standing(&s.p), STANDING_NO_CAMPAIGN);
	s.p.f = NULL;
	assert_int_equal(profile_standing(&s.p), STANDING_UNSEEN);
	assert_true(says(&s, SIDE_LIFE, "No proven connection from there is known."));
}

static void standings_have_names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i <= STANDING_DIFFERENT; i++)
		assert_string_not_equal(standing_name(i), "unknown");
	assert_string_equal(standing_name(99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_measured),
		cmocka_unit_test(how_far_from_proof),
		cmocka_unit_test(a_member),
		cmocka_unit_test(each_rule_spares),
		cmocka_unit_test(standings_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
