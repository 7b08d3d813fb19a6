/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State: what is put in comes back as it was, whole or not at all, also where the clock is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "tests/unit/state_place.h"
#include "user/base/cleanup.h"

#define MANY 5000

/* ---- round trips ---- */

static void claims_come_back_as_they_were(void **state)
{
	_cleanup_(claims_freep) struct claims *c = state_place_claims(MANY, 1);
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l = state_place_load(s, NOW);

	assert_int_equal(l.recorded, 0);
	assert_int_equal(l.claims->n, 0);
	state_loaded_clear(&l);
	/* As bytes of anybody's hand, which must be found again as they were. */
	memset(c->list[7].row.note, 0xfe, SEINE_NOTE);
	memcpy(c->list[8].row.note, "a\0b", 4);
	c->list[9].row.action = 77;
	c->list[10].row.hello_key = UINT64_MAX;
	c->list[11].row.added_sec = 0;
	c->list[12].row.expires_sec = UINT32_MAX;
	c->list[12].row.added_sec = 0;
	state_place_record(s, NULL, c);
	state_closep(&s);
	s = state_place_open(*state);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, c);
	assert_int_equal(l.recorded, 1);
	assert_int_equal(l.applied, 0);
	state_loaded_clear(&l);
}

static void the_slot_is_the_kernels(void **state)
{
	_cleanup_(claims_freep) struct claims *c = state_place_claims(1, 1);
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l;

	c->list[0].row.slot = 17;
	state_place_record(s, NULL, c);
	l = state_place_load(s, NOW);
	assert_int_equal(l.claims->list[0].row.slot, 0);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_record_claims(s, l.claims, c), 0); /* no difference */
	state_place_commit(s);
	state_loaded_clear(&l);
}

static void claims_of_all_on_one_prefix(void **state)
{
	_cleanup_(claims_freep) struct claims *c = NULL;
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct entry e = { .prefix = state_place_prefix("203.0.113.0/24") };
	struct state_loaded l;

	assert_int_equal(claims_new(8, &c), 0);
	for (int origin = SEINE_OPERATOR; origin <= SEINE_FLEET; origin++)
		for (uint32_t actor = 1; actor < (origin < SEINE_FEED ? 2 : 400); actor += 255) {
			e.row.origin = origin;
			e.row.actor = actor;
			assert_int_equal(claims_put(c, &e), 0);
		}
	e.prefix = state_place_prefix("203.0.113.0/25");
	assert_int_equal(claims_put(c, &e), 0);
	assert_int_equal(c->n, 7);
	state_place_record(s, NULL, c);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, c);
	state_loaded_clear(&l);
}

static void only_the_difference_is_written(void **state)
{
	_cleanup_(claims_freep) struct claims *before = state_place_claims(MANY, 1), *after = NULL;
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct entry e = state_place_entry(3, 9);
	struct state_loaded l;

	state_place_record(s, NULL, before);
	assert_int_equal(claims_copy(before, &after), 0);
	assert_int_equal(claims_put(after, &e), 0);
	e = state_place_entry(4, 1);
	assert_int_equal(claims_remove(after, &e), 0);
	e = state_place_entry(MANY + 5, 1);
	assert_int_equal(claims_put(after, &e), 0);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_record_claims(s, before, after), 1);
	assert_int_equal(state_record_claims(s, after, after), 0);
	state_place_commit(s);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, after);
	assert_int_equal(l.recorded, 2);
	state_loaded_clear(&l);

	/* What was not there is not known to be gone: with NULL all is written anew. */
	state_place_record(s, NULL, before);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, before);
	assert_int_equal(l.recorded, 3);
	state_loaded_clear(&l);
}

static void what_is_in_force_is_known(void **state)
{
	_cleanup_(claims_freep) struct claims *c = state_place_claims(10, 1);
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l;

	state_place_record(s, NULL, c);
	assert_int_equal(state_applied(s, UINT64_MAX - 1), 0);
	state_closep(&s);
	s = state_place_open(*state);
	l = state_place_load(s, NOW);
	assert_int_equal(l.recorded, 1);
	assert_int_equal(l.applied, 1);
	assert_true(l.maps == UINT64_MAX - 1);
	state_loaded_clear(&l);
	state_place_record(s, NULL, c);
	l = state_place_load(s, NOW);
	assert_int_equal(l.recorded, 2);
	assert_int_equal(l.applied, 1);
	state_loaded_clear(&l);
}

static struct allow_entry allow(const char *prefix, const char *note, uint32_t expires_sec)
{
	struct allow_entry e = {
		.prefix = state_place_prefix(prefix),
		.row = { .origin = SEINE_OPERATOR,
			 .actor = 1000,
			 .added_sec = 77,
			 .expires_sec = expires_sec },
	};

	snprintf(e.row.note, sizeof(e.row.note), "%s", note);
	return e;
}

static void the_allow_list_comes_back(void **state)
{
	const struct allow_entry a = allow("198.51.100.0/24", "office", 0),
				 b = allow("2001:db8::/32", "", NOW + 60),
				 c = allow("198.51.100.0/24", "customer", NOW + 60);
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l;

	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_put_allow(s, &a), 0);
	assert_int_equal(state_put_allow(s, &b), 0);
	assert_int_equal(state_put_allow(s, &c), 0);
	state_place_commit(s);
	state_closep(&s);
	s = state_place_open(*state);
	l = state_place_load(s, NOW);
	assert_int_equal(l.n_allows, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct allow_entry *e = prefix_is_v4(&l.allows[i].prefix) ? &c : &b;

		assert_int_equal(prefix_compare(&l.allows[i].prefix, &e->prefix), 0);
		assert_memory_equal(&l.allows[i].row, &e->row, sizeof(e->row));
	}
	state_loaded_clear(&l);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_remove_allow(s, &a.prefix), 0);
	assert_int_equal(state_remove_allow(s, &a.prefix), -ENOENT);
	state_place_commit(s);
	l = state_place_load(s, NOW);
	assert_int_equal(l.n_allows, 1);
	state_loaded_clear(&l);
}

static void the_mode_and_what_it_was_against(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l = state_place_load(s, NOW);

	assert_false(l.mode_set);
	state_loaded_clear(&l);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_set_mode(s, SEINE_ENFORCE, SEINE_OBSERVE), 0);
	state_place_commit(s);
	l = state_place_load(s, NOW);
	assert_true(l.mode_set);
	assert_int_equal(l.mode, SEINE_ENFORCE);
	assert_int_equal(l.conf_mode, SEINE_OBSERVE);
	state_loaded_clear(&l);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_forget_mode(s), 0);
	state_place_commit(s);
	l = state_place_load(s, NOW);
	assert_false(l.mode_set);
	state_loaded_clear(&l);
}

static void feeds_keep_their_numbers(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_feed a = { .name = "abuse",
				.imported_unix = 5,
				.lines = 1ull << 40,
				.watched = true },
			  b = { .name = "tor" }, c = { .name = "abuse" }, d = { .name = "new" };
	struct state_loaded l;

	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_put_feed(s, &a), 0);
	assert_int_equal(state_put_feed(s, &b), 0);
	state_place_commit(s);
	assert_int_not_equal(a.number, b.number);
	l = state_place_load(s, NOW);
	assert_int_equal(l.n_feeds, 2);
	assert_memory_equal(&l.feeds[0], &a, sizeof(a));
	assert_memory_equal(&l.feeds[1], &b, sizeof(b));
	state_loaded_clear(&l);

	assert_int_equal(state_begin(s, NOW), 0);
	a.watched = false;
	assert_int_equal(state_put_feed(s, &a), 0);
	assert_int_equal(state_remove_feed(s, b.number), 0);
	assert_int_equal(state_remove_feed(s, b.number), -ENOENT);
	assert_int_equal(state_put_feed(s, &d), 0);
	assert_true(d.number > b.number); /* claims of the one that is gone may still be about */
	state_place_commit(s);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_true(state_put_feed(s, &c) < 0); /* a name is one feed's */
	assert_true(state_commit(s) < 0);
	l = state_place_load(s, NOW);
	assert_int_equal(l.n_feeds, 2);
	assert_false(l.feeds[0].watched);
	state_loaded_clear(&l);
}

static void feeds_come_with_a_number(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_feed a = { .number = 7, .name = "abuse" }, b = { .name = "tor" };
	struct state_loaded l;

	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_put_feed(s, &a), 0);
	assert_int_equal(state_put_feed(s, &b), 0);
	assert_int_equal(b.number, 8);
	state_place_commit(s);
	l = state_place_load(s, NOW);
	assert_int_equal(l.n_feeds, 2);
	assert_memory_equal(&l.feeds[0], &a, sizeof(a));
	state_loaded_clear(&l);
}

static void lists_of_json(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	json_t *rows = json_pack("[{s:i,s:s},{s:i},i]", "campaign", 7, "note", "a \"b\"",
				 "campaign", 8, 5);
	json_t *fewer = json_pack("[{s:i}]", "campaign", 9), *back = NULL;
	size_t left_out;

	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_save_rows(s, "standing", rows), 0);
	assert_int_equal(state_save_rows(s, "reentry", fewer), 0);
	state_place_commit(s);
	state_closep(&s);
	s = state_place_open(*state);
	assert_int_equal(state_load_rows(s, "standing", &back, &left_out), 0);
	assert_true(json_equal(back, rows));
	json_decref(back);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_save_rows(s, "standing", fewer), 0);
	state_place_commit(s);
	assert_int_equal(state_load_rows(s, "standing", &back, &left_out), 0);
	assert_true(json_equal(back, fewer));
	json_decref(back);
	assert_int_equal(state_load_rows(s, "nothing", &back, &left_out), 0);
	assert_int_equal(json_array_size(back), 0);
	json_decref(back);
	state_closep(&s);
	state_place_change(*state, "UPDATE list SET json = 'x' WHERE kind = 'reentry'");
	s = state_place_open(*state);
	assert_int_equal(state_load_rows(s, "reentry", &back, &left_out), 0);
	assert_int_equal(left_out, 1);
	json_decref(back);
	json_decref(rows);
	json_decref(fewer);
}

static void too_much_json_is_refused(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	_cleanup_(freep) char *text = calloc(1, STATE_ROW_BYTES + 1);
	json_t *rows = json_array();
	struct state_loaded l;

	memset(text, 'a', STATE_ROW_BYTES);
	json_array_append_new(rows, json_string(text));
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_set_mode(s, SEINE_ENFORCE, SEINE_OBSERVE), 0);
	assert_int_equal(state_save_rows(s, "standing", rows), -E2BIG);
	assert_int_equal(state_forget_mode(s), -E2BIG);
	assert_int_equal(state_commit(s), -E2BIG);
	assert_non_null(strstr(state_why(s), "too much"));
	/* Nothing of it is left, and nothing stays open. */
	l = state_place_load(s, NOW);
	assert_false(l.mode_set);
	state_loaded_clear(&l);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_set_mode(s, SEINE_OBSERVE, SEINE_OBSERVE), 0);
	state_place_commit(s);
	json_decref(rows);
}

/* ---- transactions ---- */

static void what_is_not_committed_is_absent(void **state)
{
	_cleanup_(claims_freep) struct claims *c = state_place_claims(10, 1);
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	struct state_loaded l;

	assert_int_equal(state_record_claims(s, NULL, c), -EINVAL);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_begin(s, NOW), -EINVAL);
	assert_int_equal(state_record_claims(s, NULL, c), 1);
	assert_int_equal(state_applied(s, 1), -EINVAL);
	state_roll_back(s);
	assert_int_equal(state_commit(s), -EINVAL);
	assert_int_equal(state_begin(s, NOW), 0);
	assert_int_equal(state_record_claims(s, NULL, c), 1);
	state_closep(&s);
	s = state_place_open(*state);
	l = state_place_load(s, NOW);
	assert_int_equal(l.recorded, 0);
	assert_int_equal(l.claims->n, 0);
	state_loaded_clear(&l);
}

static void the_file_is_not_everybodys(void **state)
{
	const struct state_place *p = *state;
	_cleanup_(state_closep) struct state *s = state_place_open(p), *other = NULL;
	char why[STATE_WHY] = "";
	struct stat st;

	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(state_open(&p->settings, why, &other), -EBUSY);
	assert_non_null(strstr(why, "another process uses it"));
	assert_true(state_bytes(s) > 4096);
}

/* ---- the clock ---- */

static struct claims *one_hour(void)
{
	struct entry e = {
		.prefix = state_place_prefix("203.0.113.7"),
		.row = { .origin = SEINE_AUTO, .added_sec = NOW - 600, .expires_sec = NOW + 3000 }
	};
	struct claims *c = NULL;

	assert_int_equal(claims_new(2, &c), 0);
	assert_int_equal(claims_put(c, &e), 0);
	e = (struct entry){ .prefix = state_place_prefix("203.0.113.9"),
			    .row = { .origin = SEINE_OPERATOR, .added_sec = NOW } };
	assert_int_equal(claims_put(c, &e), 0);
	return c;
}

/* Seconds that a drop of an hour, with 3000 s to go, still lives after a reboot. */
static void a_reboot_by_any_clock(void **state)
{
	static const struct {
		int64_t away_sec;
		uint32_t left_sec;
	} rows[] = {
		{ 100, 2900 },
		{ 2999, 1 },
		{ 4000, 0 },
		{ 400ll * 86400, 0 },
		{ -100, 3000 },
		{ -400ll * 86400, 3000 },
		{ -EPOCH - NOW, 3000 },	     /* 1970 */
		{ -EPOCH - NOW - 99, 3000 }, /* and before */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct state_place *p = NULL;
		_cleanup_(claims_freep) struct claims *c = one_hour();
		_cleanup_(state_closep) struct state *s = NULL;

		assert_int_equal(state_place_make((void **)&p), 0);
		s = state_place_open(p);
		state_place_record(s, NULL, c);
		state_closep(&s);
		s = state_place_reboot(p, rows[i].away_sec);
		/* A commit moves what is in the file, and nothing of that may show. */
		for (int again = 0; again < 3; again++) {
			struct state_loaded l = state_place_load(s, 10);
			uint32_t end = l.claims->list[0].row.expires_sec;

			if (end < 1 || (end > 10 ? end - 10 : 0) != rows[i].left_sec)
				fail_msg("away for %lld: ends at %u", (long long)rows[i].away_sec,
					 end);
			assert_int_equal(l.claims->list[1].row.expires_sec, 0);
			assert_true(l.claims->list[0].row.added_sec > 0);
			state_loaded_clear(&l);
			assert_int_equal(state_begin(s, 10), 0);
			assert_int_equal(state_set_mode(s, SEINE_OBSERVE, SEINE_OBSERVE), 0);
			state_place_commit(s);
			state_closep(&s);
			s = state_place_open(p);
		}
		state_closep(&s);
		assert_int_equal(state_place_drop((void **)&p), 0);
	}
}

/* Seconds since boot are the same, whatever the clock does meanwhile. */
static void a_restart_in_the_same_boot(void **state)
{
	static const int64_t jumps[] = { 1, -1, 4, 100, -100, 86400 * 3000ll, -EPOCH };
	_cleanup_(claims_freep) struct claims *c = one_hour();
	struct state_place *p = *state;
	struct state *s = state_place_open(p);

	state_place_record(s, NULL, c);
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		struct state_loaded l;

		state_close(s);
		p->settings.epoch_sec = EPOCH + jumps[i];
		s = state_place_open(p);
		l = state_place_load(s, NOW);
		state_place_same(l.claims, c);
		state_loaded_clear(&l);
		if (i % 2) {
			assert_int_equal(state_begin(s, NOW), 0);
			assert_int_equal(state_forget_mode(s), 0);
			state_place_commit(s);
		} else {
			assert_int_equal(state_applied(s, i), 0);
		}
		l = state_place_load(s, NOW);
		state_place_same(l.claims, c);
		state_loaded_clear(&l);
	}
	state_close(s);
}

static void the_kernel_names_the_boot(void **state)
{
	_cleanup_(claims_freep) struct claims *c = one_hour();
	struct state_place *p = *state;
	struct state_loaded l;
	struct state *s;

	p->settings.boot = NULL;
	s = state_place_open(p);
	state_place_record(s, NULL, c);
	state_close(s);
	p->settings.epoch_sec += 1000;
	s = state_place_open(p);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, c);
	state_loaded_clear(&l);
	state_close(s);
}

/* It was wrong at the start, and is set while the agent runs; then the host is booted. */
static void a_clock_that_is_set_later(void **state)
{
	_cleanup_(claims_freep) struct claims *c = one_hour();
	struct state_place *p = *state;
	struct state *s;
	struct state_loaded l;

	p->settings.epoch_sec = 0;
	s = state_place_open(p);
	state_place_record(s, NULL, c);
	state_clock(s, EPOCH);
	assert_int_equal(state_begin(s, NOW + 500), 0);
	assert_int_equal(state_forget_mode(s), 0);
	state_place_commit(s);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, c);
	state_loaded_clear(&l);
	state_close(s);
	p->settings.epoch_sec = EPOCH;
	p->settings.now_sec = NOW + 500;
	s = state_place_reboot(p, 1000);
	l = state_place_load(s, 10);
	assert_int_equal(l.claims->list[0].row.expires_sec, 10 + 1500);
	state_loaded_clear(&l);
	state_close(s);
}

/* With a clock that stands still at each boot, what is left is known from the last sign of life. */
static void idle_commits_tell_that_we_live(void **state)
{
	static const struct {
		uint32_t last_sec, left_sec;
	} rows[] = { { 0, 3000 }, { 599, 3000 }, { 600, 2400 }, { 2000, 1000 }, { 5000, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(claims_freep) struct claims *c = one_hour();
		struct state_place *p = NULL;
		struct state_loaded l;
		struct state *s;
		uint32_t end;
		uint64_t bytes;

		assert_int_equal(state_place_make((void **)&p), 0);
		s = state_place_open(p);
		state_place_record(s, NULL, c);
		bytes = state_bytes(s);
		assert_int_equal(state_begin(s, NOW + rows[i].last_sec), 0);
		assert_int_equal(state_record_claims(s, c, c), 0);
		state_place_commit(s);
		assert_int_equal(state_bytes(s) > bytes, rows[i].last_sec >= 600);
		state_close(s);
		s = state_place_reboot(p, -1000);
		l = state_place_load(s, 10);
		end = l.claims->list[0].row.expires_sec;
		assert_int_equal(end > 10 ? end - 10 : 0, rows[i].left_sec);
		state_loaded_clear(&l);
		state_close(s);
		assert_int_equal(state_place_drop((void **)&p), 0);
	}
}

/* Lost with the transaction that it came with. */
static void a_clock_in_a_transaction_that_is_rolled_back(void **state)
{
	_cleanup_(claims_freep) struct claims *c = one_hour();
	struct state *s = state_place_open(*state);
	struct state_loaded l;

	state_place_record(s, NULL, c);
	state_clock(s, EPOCH - 100000);
	assert_int_equal(state_begin(s, NOW), 0);
	state_roll_back(s);
	l = state_place_load(s, NOW);
	state_place_same(l.claims, c);
	state_loaded_clear(&l);
	state_close(s);
}

/* No entry lives longer from now on than the whole life that was meant. */
static void a_life_has_its_length(void **state)
{
	_cleanup_(state_closep) struct state *s = state_place_open(*state);
	_cleanup_(claims_freep) struct claims *c = one_hour();
	struct state_loaded l = { 0 };

	state_place_record(s, NULL, c);
	state_closep(&s);
	state_place_change(*state, "UPDATE claim SET added = added + 1000000, "
				   "expires = expires + 1000000 WHERE expires > 0");
	s = state_place_open(*state);
	assert_int_equal(state_load(s, NOW, &l), 0);
	assert_int_equal(l.claims->list[0].row.expires_sec, NOW + 3600);
	state_loaded_clear(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(claims_come_back_as_they_were),
		STATE_TEST(the_slot_is_the_kernels),
		STATE_TEST(claims_of_all_on_one_prefix),
		STATE_TEST(only_the_difference_is_written),
		STATE_TEST(what_is_in_force_is_known),
		STATE_TEST(the_allow_list_comes_back),
		STATE_TEST(the_mode_and_what_it_was_against),
		STATE_TEST(feeds_keep_their_numbers),
		STATE_TEST(feeds_come_with_a_number),
		STATE_TEST(lists_of_json),
		STATE_TEST(too_much_json_is_refused),
		STATE_TEST(what_is_not_committed_is_absent),
		STATE_TEST(the_file_is_not_everybodys),
		STATE_TEST(a_reboot_by_any_clock),
		STATE_TEST(a_restart_in_the_same_boot),
		STATE_TEST(the_kernel_names_the_boot),
		STATE_TEST(a_clock_that_is_set_later),
		STATE_TEST(idle_commits_tell_that_we_live),
		STATE_TEST(a_clock_in_a_transaction_that_is_rolled_back),
		STATE_TEST(a_life_has_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
