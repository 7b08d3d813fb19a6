/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dictionary of ClientHellos: forms, names, what goes when it is full, and how many sources.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "user/sight/dictionary.h"

#define CHROME "t13d1516h2_8daaf6152771_e5627efa2ab1"
#define RESUMED "t13d1517h2_8daaf6152771_b0da82dd1658"
#define QUIC "q13d0312h3_55b375c5d22e_06cda9e17597"

static struct dictionary *d;

static int setup(void **state)
{
	(void)state;
	return dictionary_new(4711, &d);
}

static int teardown(void **state)
{
	(void)state;
	dictionary_free(d);
	return 0;
}

static void see(uint64_t key, const char *ja4, uint32_t source, uint32_t now_sec)
{
	struct hello_sight sight = { .hello_key = key };

	memcpy(sight.source.ip, &source, sizeof(source));
	snprintf(sight.ja4, sizeof(sight.ja4), "%s", ja4);
	snprintf(sight.ja4_stable, sizeof(sight.ja4_stable), "%s", key ? CHROME : ja4);
	assert_int_equal(dictionary_add(d, &sight, now_sec), 0);
}

static const struct hello_word *word(uint64_t key)
{
	const struct hello_word *w = dictionary_find(d, key);

	assert_non_null(w);
	assert_true(w->key == key);
	return w;
}

static void a_key_has_several_forms(void **state)
{
	const struct hello_word *w;

	(void)state;
	see(7, CHROME, 1, 100);
	see(7, RESUMED, 1, 110);
	see(7, RESUMED, 2, 120);
	w = word(7);
	assert_int_equal(w->count, 3);
	assert_int_equal(w->first_sec, 100);
	assert_int_equal(w->last_sec, 120);
	assert_int_equal(w->ja4.n, 2);
	assert_string_equal(w->ja4.list[1].ja4, RESUMED);
	assert_int_equal(w->ja4.list[1].count, 2);
	assert_null(hello_only_form(&w->ja4));
	assert_string_equal(hello_only_form(&w->ja4_stable), CHROME);
}

static void too_many_forms_are_counted(void **state)
{
	char ja4[JA4_TEXT];

	(void)state;
	for (int i = 0; i < DICTIONARY_FORMS + 5; i++) {
		snprintf(ja4, sizeof(ja4), "t13d15%02dh2_8daaf6152771_e5627efa2ab1", i);
		see(7, ja4, 1, 100);
	}
	assert_int_equal(word(7)->ja4.n, DICTIONARY_FORMS);
	assert_int_equal(word(7)->ja4.others, 5);
	assert_int_equal(word(7)->count, DICTIONARY_FORMS + 5);
}

static void quic_is_known_by_its_ja4(void **state)
{
	const struct hello_word *w = NULL;

	(void)state;
	see(0, QUIC, 1, 100);
	see(0, QUIC, 2, 100);
	see(0, "q13d0310h3_55b375c5d22e_cd85d2d88918", 2, 100);
	assert_int_equal(dictionary_count(d), 2);
	assert_int_equal(dictionary_find_ja4(d, QUIC, &w), 1);
	assert_int_equal(w->count, 2);
	assert_int_equal(w->ja4.n, 1);
	assert_null(dictionary_find(d, 0));
}

static void one_ja4_may_mean_several_words(void **state)
{
	const struct hello_word *w = NULL;

	(void)state;
	see(7, RESUMED, 1, 100);
	see(8, RESUMED, 1, 100);
	see(9, CHROME, 1, 100);
	assert_int_equal(dictionary_find_ja4(d, RESUMED, &w), 2);
	assert_int_equal(dictionary_find_ja4(d, CHROME, &w), 3); /* as the stable spelling */
	assert_int_equal(dictionary_find_ja4(d, QUIC, &w), 0);
}

static void the_oldest_goes_and_names_stay(void **state)
{
	(void)state;
	see(1, CHROME, 1, 1);
	see(2, CHROME, 1, 1);
	see(3, CHROME, 1, 1);
	assert_int_equal(dictionary_name(d, 2, NULL, "python sdk"), 0);
	see(1, CHROME, 1, 2); /* seen again: now 3 is the oldest */
	for (uint64_t key = 4; key <= DICTIONARY_WORDS; key++)
		see(key, CHROME, 1, 3);
	assert_int_equal(dictionary_count(d), DICTIONARY_WORDS);
	assert_int_equal(dictionary_forgotten(d), 0);

	see(DICTIONARY_WORDS + 1, CHROME, 1, 4);
	assert_int_equal(dictionary_count(d), DICTIONARY_WORDS);
	assert_int_equal(dictionary_forgotten(d), 1);
	assert_null(dictionary_find(d, 3));
	assert_int_equal(word(1)->count, 2);

	for (uint64_t key = 10000; key < 10000 + 3 * DICTIONARY_WORDS; key++)
		see(key, CHROME, 1, 5);
	assert_string_equal(word(2)->name, "python sdk");
	assert_int_equal(dictionary_count(d), DICTIONARY_WORDS);
	for (uint64_t key = 10000 + 2 * DICTIONARY_WORDS + 1; key < 10000 + 3 * DICTIONARY_WORDS;
	     key++)
		assert_int_equal(word(key)->count, 1);
}

static void names_come_and_go(void **state)
{
	(void)state;
	see(7, CHROME, 1, 100);
	assert_int_equal(dictionary_name(d, 7, NULL, "chrome"), 0);
	assert_int_equal(dictionary_name(d, 7, NULL, "chrome 131"), 0);
	assert_int_equal(dictionary_name(d, 8, NULL, "never seen"), 0);
	assert_int_equal(dictionary_name(d, 0, QUIC, "quic"), 0);
	assert_int_equal(dictionary_named(d), 3);
	assert_string_equal(word(7)->name, "chrome 131");
	assert_int_equal(word(8)->count, 0);
	see(0, QUIC, 1, 100);
	assert_int_equal(dictionary_count(d), 3);

	assert_int_equal(dictionary_name(d, 8, NULL, ""), 0); /* nothing else is known of it */
	assert_null(dictionary_find(d, 8));
	assert_int_equal(dictionary_name(d, 9, NULL, ""), 0);
	assert_int_equal(dictionary_named(d), 2);
	dictionary_unname(d);
	assert_int_equal(dictionary_named(d), 0);
	assert_int_equal(dictionary_count(d), 2);
	assert_string_equal(word(7)->name, "");
	assert_null(dictionary_find(NULL, 7));
}

static void names_are_bounded(void **state)
{
	(void)state;
	for (uint64_t key = 1; key <= DICTIONARY_NAMED; key++)
		assert_int_equal(dictionary_name(d, key, NULL, "x"), 0);
	assert_int_equal(dictionary_name(d, DICTIONARY_NAMED + 1, NULL, "x"), -ENOSPC);
	assert_int_equal(dictionary_name(d, 1, NULL, "y"), 0);
	dictionary_unname(d);
	assert_int_equal(dictionary_count(d), 0);
}

static void names_are_checked(void **state)
{
	char why[128], longest[DICTIONARY_NAME + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[DICTIONARY_NAME] = '\0';
	assert_int_equal(hello_name_check(longest, why, sizeof(why)), -EINVAL);
	longest[DICTIONARY_NAME - 1] = '\0';
	assert_int_equal(hello_name_check(longest, why, sizeof(why)), 0);
	assert_int_equal(hello_name_check("", why, sizeof(why)), -EINVAL);
	assert_int_equal(hello_name_check(" x", why, sizeof(why)), -EINVAL);
	assert_int_equal(hello_name_check("x ", why, sizeof(why)), -EINVAL);
	assert_int_equal(hello_name_check("x\ny", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "control"));
}

static void sources_are_estimated(void **state)
{
	(void)state;
	see(7, CHROME, 1, 100);
	see(7, CHROME, 1, 100);
	assert_int_equal(hello_sources(word(7)) + 0.5, 1);
	for (uint32_t i = 0; i < 10; i++)
		see(7, CHROME, i, 100);
	assert_in_range(hello_sources(word(7)), 7, 13);
	for (uint32_t i = 0; i < 100000; i++)
		see(8, CHROME, i, 100);
	assert_in_range(hello_sources(word(8)), 60000, 140000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_has_several_forms),
		TEST(too_many_forms_are_counted),
		TEST(quic_is_known_by_its_ja4),
		TEST(one_ja4_may_mean_several_words),
		TEST(the_oldest_goes_and_names_stay),
		TEST(names_come_and_go),
		TEST(names_are_bounded),
		TEST(names_are_checked),
		TEST(sources_are_estimated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
