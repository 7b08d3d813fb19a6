/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the state keeps of deeds: a trial and what it puts back, and the audit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/state_place.h"
#include "user/base/cleanup.h"

/* ---- trial ---- */

static struct entry entry(const char *prefix, enum seine_origin origin, uint32_t share)
{
	return (struct entry){
		.prefix = state_place_prefix(prefix),
		.row = { .origin = origin,
			 .actor = 7,
			 .action = SEINE_DROP,
			 .share = share,
			 .added_sec = NOW - 10,
			 .expires_sec = NOW + 1000 },
	};
}

static void put(struct claims *c, const char *prefix, enum seine_origin origin, uint32_t share)
{
	struct entry e = entry(prefix, origin, share);

	assert_int_equal(claims_put(c, &e), 0);
}

static struct claims *at_first(void)
{
	struct claims *c = NULL;

	assert_int_equal(claims_new(8, &c), 0);
	put(c, "203.0.113.0/24", SEINE_OPERATOR, 1);
	put(c, "203.0.113.0/24", SEINE_FEED, 2);
	put(c, "203.0.113.7", SEINE_EXTERNAL, 3);
	put(c, "198.51.100.1", SEINE_AUTO, 4);
	put(c, "198.51.100.2", SEINE_OPERATOR, 5);
	return c;
}

/* Changes of operators, of the judge and of a feed. */
static struct claims *meanwhile(void)
{
	struct entry gone = entry("198.51.100.2", SEINE_OPERATOR, 5);
	struct claims *c = at_first();

	put(c, "203.0.113.0/24", SEINE_OPERATOR, 11);
	put(c, "203.0.113.0/24", SEINE_FEED, 12);
	put(c, "198.51.100.1", SEINE_AUTO, 14);
	put(c, "192.0.2.0/24", SEINE_OPERATOR, 16);
	put(c, "192.0.2.0/24", SEINE_FLEET, 17);
	assert_int_equal(claims_remove(c, &gone), 0);
	return c;
}

/* What people had, and what the others have. */
static struct claims *reverted(void)
{
	struct claims *c = at_first();

	put(c, "203.0.113.0/24", SEINE_FEED, 12);
	put(c, "198.51.100.1", SEINE_AUTO, 14);
	put(c, "192.0.2.0/24", SEINE_FLEET, 17);
	return c;
}

static void begin_trial(struct state *s)
{
	_cleanup_(claims_freep) struct claims *before = at_first(), *after = meanwhile();
	struct allow_entry a = { .prefix = state_place_prefix("192.0.2.9"),
				 .row = { .origin = SEINE_OPERATOR, .added_sec = 5, .note = "a" } };

	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_record_claims(s, NULL, before), 1);
	assert_int_equal(state_put_allow(s, &a), 0);
	assert_int_equal(state_set_mode(s, SEINE_OBSERVE, SEINE_OBSERVE), 0);
	assert_int_equal(state_trial_begin(s, NOW + 300, 1000, "anna"), 0);
	assert_int_equal(state_trial_begin(s, NOW + 900, 0, "root"), -EEXIST);
	assert_int_equal(state_record_claims(s, before, after), 1);
	assert_int_equal(state_remove_allow(s, &a.prefix), 0);
	a.prefix = state_place_prefix("192.0.2.10");
	assert_int_equal(state_put_allow(s, &a), 0);
	assert_int_equal(state_set_mode(s, SEINE_ENFORCE, SEINE_OBSERVE), 0);
	state_place_commit(s);
}

static void a_trial_is_known_after_a_restart(void **state)
{
	_cleanup_(claims_freep) struct claims *people = NULL, *expected = NULL;
	_cleanup_(freep) struct allow_entry *allows = NULL;
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l = state_place_load(s, NOW);
	size_t n = 0;

	assert_false(l.trial.active);
	state_loaded_clear(&l);
	begin_trial(s);
	state_closep(&s);
	s = state_place_open(*state);
	l = state_place_load(s, NOW + 20);
	assert_true(l.trial.active);
	assert_int_equal(l.trial.until_sec, NOW + 300);
	assert_int_equal(l.trial.began_unix, EPOCH + NOW);
	assert_int_equal(l.trial.uid, 1000);
	assert_string_equal(l.trial.actor, "anna");
	state_loaded_clear(&l);

	assert_int_equal(state_trial_copy(s, NOW, &people, &allows, &n), 0);
	assert_int_equal(claims_new(4, &expected), 0);
	put(expected, "203.0.113.0/24", SEINE_OPERATOR, 1);
	put(expected, "203.0.113.7", SEINE_EXTERNAL, 3);
	put(expected, "198.51.100.2", SEINE_OPERATOR, 5);
	state_place_same(people, expected);
	assert_int_equal(n, 1);
	assert_int_equal(allows[0].prefix.ip[15], 9);
}

static void a_trial_is_reverted(void **state)
{
	_cleanup_(claims_freep) struct claims *expected = reverted();
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l;

	begin_trial(s);
	state_closep(&s);
	s = state_place_open(*state);
	assert_int_equal(state_begin(s, NOW + 300), 0);
	assert_int_equal(state_trial_revert(s), 0);
	l = state_place_load(s, NOW + 300); /* before it is committed */
	state_place_same(l.claims, expected);
	state_loaded_clear(&l);
	state_place_commit(s);
	state_closep(&s);
	s = state_place_open(*state);
	l = state_place_load(s, NOW + 300);
	state_place_same(l.claims, expected);
	assert_int_equal(l.recorded, 3);
	assert_int_equal(l.n_allows, 1);
	assert_int_equal(l.allows[0].prefix.ip[15], 9);
	assert_true(l.mode_set);
	assert_int_equal(l.mode, SEINE_OBSERVE);
	assert_false(l.trial.active);
	state_loaded_clear(&l);
	assert_int_equal(state_begin(s, NOW + 300), 0);
	assert_int_equal(state_trial_revert(s), -ENOENT);
	assert_int_equal(state_trial_confirm(s), -ENOENT);
	state_place_commit(s);
}

static void a_trial_is_confirmed(void **state)
{
	_cleanup_(claims_freep) struct claims *expected = meanwhile(), *people = NULL;
	_cleanup_(freep) struct allow_entry *allows = NULL;
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l;
	size_t n = 7;

	begin_trial(s);
	assert_int_equal(state_begin(s, NOW + 30), 0);
	assert_int_equal(state_trial_confirm(s), 0);
	state_place_commit(s);
	state_closep(&s);
	s = state_place_open(*state);
	l = state_place_load(s, NOW + 30);
	state_place_same(l.claims, expected);
	assert_int_equal(l.n_allows, 1);
	assert_int_equal(l.allows[0].prefix.ip[15], 10);
	assert_int_equal(l.mode, SEINE_ENFORCE);
	assert_false(l.trial.active);
	state_loaded_clear(&l);
	assert_int_equal(state_trial_copy(s, NOW, &people, &allows, &n), 0);
	assert_int_equal(people->n, 0);
	assert_int_equal(n, 0);
	assert_int_equal(state_begin(s, NOW + 30), 0);
	assert_int_equal(state_trial_begin(s, NOW + 600, 0, "root"), 0);
	state_place_commit(s);
}

static void a_revert_that_is_not_committed_is_none(void **state)
{
	_cleanup_(claims_freep) struct claims *expected = meanwhile();
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l;

	begin_trial(s);
	assert_int_equal(state_begin(s, NOW + 30), 0);
	assert_int_equal(state_trial_revert(s), 0);
	state_closep(&s);
	s = state_place_open(*state);
	l = state_place_load(s, NOW + 30);
	state_place_same(l.claims, expected);
	assert_true(l.trial.active);
	state_loaded_clear(&l);
}

/* Its end comes with the reboot, or as soon after it as it was to come. */
static void a_trial_over_a_reboot(void **state)
{
	static const struct {
		int64_t away_sec;
		uint32_t left_sec;
	} rows[] = { { 100, 200 }, { 301, 0 }, { -86400, 300 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct state_place *p = NULL;
		_cleanup_(state_closep) struct state *s = NULL;
		struct state_loaded l;
		uint32_t until;

		assert_int_equal(state_place_make((void **)&p), 0);
		s = state_place_open(p);
		begin_trial(s);
		state_closep(&s);
		s = state_place_reboot(p, rows[i].away_sec);
		for (int again = 0; again < 2; again++) {
			l = state_place_load(s, 10);
			until = l.trial.until_sec;
			assert_int_equal(until > 10 ? until - 10 : 0, rows[i].left_sec);
			state_loaded_clear(&l);
			assert_int_equal(state_begin(s, 10), 0);
			assert_int_equal(state_forget_mode(s), 0);
			state_place_commit(s);
		}
		state_closep(&s);
		assert_int_equal(state_place_drop((void **)&p), 0);
	}
}

/* ---- audit ---- */

static void append(struct state *s, const char *object, const char *evidence)
{
	const struct audit a = {
		.uid = 1000,
		.pid = 4321,
		.actor = "anna",
		.verb = "drop add",
		.object = object,
		.result = "done",
		.text = "added",
		.after = "{\"action\":\"drop\"}",
		.evidence = evidence,
	};

	if (state_begin(s, NOW) != 0 || state_audit(s, &a) < 0)
		fail_msg("%s", state_why(s));
	state_place_commit(s);
}

struct seen {
	int n;
	int64_t ids[64];
	char objects[64][48];
	char evidence[64];
	char text[AUDIT_TEXT + 8];
};

static int take(const struct audit *a, void *arg)
{
	struct seen *seen = arg;

	if (seen->n == 64)
		return -ECANCELED;
	assert_int_equal(a->uid, 1000);
	assert_int_equal(a->pid, 4321);
	assert_int_equal(a->at_unix, EPOCH + NOW);
	assert_string_equal(a->actor, "anna");
	assert_string_equal(a->verb, "drop add");
	assert_string_equal(a->result, "done");
	assert_null(a->before);
	snprintf(seen->text, sizeof(seen->text), "%s", a->text);
	snprintf(seen->evidence, sizeof(seen->evidence), "%s", a->evidence ? a->evidence : "none");
	snprintf(seen->objects[seen->n], sizeof(seen->objects[0]), "%s", a->object);
	seen->ids[seen->n++] = a->id;
	return 0;
}

static uint64_t ask(struct state *s, int64_t after, size_t limit, const char *within,
		    struct seen *ret)
{
	struct audit_query q = { .after = after, .limit = limit };
	struct prefix p;
	uint64_t total = 0;

	if (within) {
		p = state_place_prefix(within);
		q.within = &p;
	}
	*ret = (struct seen){ 0 };
	if (state_log(s, &q, take, ret, &total) != 0)
		fail_msg("%s", state_why(s));
	return total;
}

static void the_audit_is_read_from_both_ends(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct seen seen;
	char object[16];
	int64_t newest = -1;

	assert_int_equal(state_log_newest(s, &newest), 0);
	assert_int_equal(newest, 0);
	assert_int_equal(ask(s, -1, 5, NULL, &seen), 0);
	assert_int_equal(seen.n, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(object, sizeof(object), "c-%d", i);
		append(s, object, "{\"members\":5}");
	}
	state_closep(&s);
	s = state_place_open(*state);
	assert_int_equal(ask(s, -1, 3, NULL, &seen), 20);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.ids[0], 20);
	assert_string_equal(seen.objects[0], "c-19");
	assert_string_equal(seen.objects[2], "c-17");
	assert_string_equal(seen.evidence, "{\"members\":5}");
	assert_int_equal(ask(s, 17, 100, NULL, &seen), 3);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.objects[0], "c-17");
	assert_string_equal(seen.objects[2], "c-19");
	assert_int_equal(ask(s, 20, 100, NULL, &seen), 0);
	assert_int_equal(seen.n, 0);
	assert_int_equal(state_log_newest(s, &newest), 0);
	assert_int_equal(newest, 20);
}

static void the_audit_of_a_prefix(void **state)
{
	static const char *const objects[] = {
		"203.0.113.7",	  "203.0.113.0/24", "203.0.112.0/20",  "203.0.113.128/25", "c-1",
		"203.0.114.0/24", "2001:db8::/32",  "2001:db8:1::/48", "0.0.0.0/0"
	};
	static const struct {
		const char *within;
		int n;
		const char *first;
	} rows[] = {
		{ "203.0.113.7", 4, "0.0.0.0/0" },
		{ "203.0.113.0/24", 5, "0.0.0.0/0" },
		{ "203.0.113.128/25", 4, "0.0.0.0/0" },
		{ "2001:db8:1:2::/64", 2, "2001:db8:1::/48" },
		{ "2001:db8::/32", 2, "2001:db8:1::/48" },
		{ "2001:db9::/32", 0, NULL },
		{ "::/0", 8, "0.0.0.0/0" },
	};
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct seen seen;

	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		append(s, objects[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t total = ask(s, -1, 64, rows[i].within, &seen);

		if (total != (uint64_t)rows[i].n || seen.n != rows[i].n)
			fail_msg("%s: %d of %d", rows[i].within, seen.n, (int)total);
		if (rows[i].n)
			assert_string_equal(seen.objects[0], rows[i].first);
	}
	assert_int_equal(ask(s, 2, 1, "203.0.113.7", &seen), 2);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.objects[0], "203.0.112.0/20");
}

static void the_oldest_go(void **state)
{
	struct state_place *p = *state;
	_cleanup_(state_closep) struct state *s = NULL;
	char evidence[1024];
	struct seen seen;

	p->settings.audit_rows = 50;
	s = state_place_open(p);
	for (int i = 0; i < 120; i++)
		append(s, "203.0.113.7", NULL);
	assert_int_equal(ask(s, -1, 1, NULL, &seen), 50);
	assert_int_equal(seen.ids[0], 120);
	assert_int_equal(ask(s, 0, 1, NULL, &seen), 50);
	assert_int_equal(seen.ids[0], 71);
	state_closep(&s);

	/* A lower limit is reached by and by. */
	p->settings.audit_rows = 10;
	s = state_place_open(p);
	append(s, "203.0.113.7", NULL);
	assert_int_equal(ask(s, -1, 1, NULL, &seen), 10);
	state_closep(&s);

	/* So is one of bytes: of these rows 50 and their evidence each. */
	p->settings.audit_rows = 0;
	p->settings.audit_bytes = 20000;
	s = state_place_open(p);
	memset(evidence, 'x', sizeof(evidence) - 1);
	evidence[sizeof(evidence) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		append(s, "203.0.113.7", evidence);
	assert_in_range(ask(s, -1, 1, NULL, &seen), 17, 19);
	assert_int_equal(seen.ids[0], 221);
}

static void what_is_too_long_is_cut(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	_cleanup_(freep) char *long_text = calloc(1, 200001);
	struct audit a = { .uid = 1000,
			   .pid = 4321,
			   .actor = "anna",
			   .verb = "drop add",
			   .object = "x",
			   .result = "done",
			   .text = long_text,
			   .evidence = long_text };
	struct seen seen;

	memset(long_text, 'a', 200000);
	memcpy(long_text + AUDIT_TEXT - 1, "\xc3\xa4", 2); /* a letter of two bytes */
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_audit(s, &a), 0);
	state_place_commit(s);
	ask(s, -1, 1, NULL, &seen);
	assert_int_equal(strlen(seen.text), AUDIT_TEXT - 1);
	assert_string_equal(seen.evidence, "{\"left_out\":200000}");
}

static void an_error_of_the_visitor_ends_it(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	const struct audit_query q = { .after = -1, .limit = 10 };
	struct seen seen = { .n = 64 };

	append(s, "203.0.113.7", NULL);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_log(s, &q, take, &seen, NULL), -ECANCELED);
	state_place_commit(s); /* which that has nothing to do with */
}

/* The deed and its record are one. */
static void the_audit_goes_with_the_deed(void **state)
{
	_cleanup_(claims_freep) struct claims *c = at_first();
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	const struct audit a = { .uid = 1000,
				 .pid = 4321,
				 .actor = "anna",
				 .verb = "drop add",
				 .object = "x",
				 .result = "done",
				 .text = "" };
	struct seen seen;

	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_record_claims(s, NULL, c), 1);
	assert_int_equal(state_audit(s, &a), 0);
	state_roll_back(s);
	assert_int_equal(ask(s, -1, 1, NULL, &seen), 0);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_audit(s, &a), 0);
	state_place_commit(s);
	assert_int_equal(ask(s, -1, 1, NULL, &seen), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_trial_is_known_after_a_restart),
		STATE_TEST(a_trial_is_reverted),
		STATE_TEST(a_trial_is_confirmed),
		STATE_TEST(a_revert_that_is_not_committed_is_none),
		STATE_TEST(a_trial_over_a_reboot),
		STATE_TEST(the_audit_is_read_from_both_ends),
		STATE_TEST(the_audit_of_a_prefix),
		STATE_TEST(the_oldest_go),
		STATE_TEST(what_is_too_long_is_cut),
		STATE_TEST(an_error_of_the_visitor_ends_it),
		STATE_TEST(the_audit_goes_with_the_deed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
