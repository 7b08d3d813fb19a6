/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of seeds: addresses, notes, and refusals that name every bad line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/base/prefix.h"
#include "user/control/seedfile.h"

struct told {
	char text[4096];
	size_t n;
};

static void tell(const char *sentence, void *arg)
{
	struct told *t = arg;

	assert_true(strlen(t->text) + strlen(sentence) + 2 < sizeof(t->text));
	strcat(strcat(t->text, sentence), "\n");
	t->n++;
}

static void seeds_clear(struct seeds *s)
{
	free(s->list);
}

static int read_text(const char *text, struct told *told, struct seeds *ret)
{
	_cleanup_(fclosep) FILE *f = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(f);
	*told = (struct told){ 0 };
	return seedfile_read(f, "banned.list", tell, told, ret);
}

static const char *address(const struct seed *s)
{
	static char text[PREFIX_TEXT];
	struct prefix p = prefix_of(s->source, 128);

	return prefix_format(&p, text);
}

static void addresses_and_notes(void **state)
{
	_cleanup_(seeds_clear) struct seeds s = { 0 };
	struct told told;

	(void)state;
	assert_int_equal(read_text("# banned on Monday\n\n  203.0.113.7\n"
				   "2001:db8::9\tticket 4711 \t# ours\r\n203.0.113.8 acct#17\n",
				   &told, &s),
			 0);
	assert_int_equal(told.n, 0);
	assert_int_equal(s.n, 3);
	assert_string_equal(address(&s.list[0]), "203.0.113.7");
	assert_string_equal(s.list[0].note, "");
	assert_string_equal(address(&s.list[1]), "2001:db8::9");
	assert_string_equal(s.list[1].note, "ticket 4711");
	assert_string_equal(s.list[2].note, "acct#17");
}

static void every_bad_line_is_named(void **state)
{
	char text[8192], longest[5001], note[SEED_NOTE + 1];
	struct seeds s = { .n = 7 };
	struct told told;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	memset(note, 'n', sizeof(note) - 1);
	longest[sizeof(longest) - 1] = note[SEED_NOTE] = '\0';
	snprintf(text, sizeof(text),
		 "203.0.113.7\n203.0.113.0/24\n203.0.113.07\n203.0.113.8 bell \a\n%s\n"
		 "203.0.113.9 %s\nname.example\n203.0.113.10 \xff\n203.0.113.11\n",
		 longest, note);
	assert_int_equal(read_text(text, &told, &s), -EINVAL);
	assert_int_equal(told.n, 7);
	assert_non_null(
		strstr(told.text, "banned.list:2: 203.0.113.0/24: a prefix; a seed is one"));
	assert_non_null(strstr(told.text, "banned.list:3: "));
	assert_non_null(strstr(told.text, "banned.list:4: holds a control character"));
	assert_non_null(strstr(told.text, "banned.list:5: longer than 4096 bytes"));
	assert_non_null(strstr(told.text, "banned.list:6: note: longer than 63 bytes"));
	assert_non_null(strstr(told.text, "banned.list:7: "));
	assert_non_null(strstr(told.text, "banned.list:8: note: not valid UTF-8"));
	assert_null(s.list);
	assert_int_equal(s.n, 7);
}

static void no_more_than_so_many(void **state)
{
	_cleanup_(freep) char *text = malloc((SEEDS_MAX + 2) * 24);
	struct seeds s = { 0 };
	struct told told;
	char *end = text;

	(void)state;
	assert_non_null(text);
	for (unsigned int i = 0; i <= SEEDS_MAX; i++)
		end += sprintf(end, "10.%u.%u.%u\n", i >> 16, i >> 8 & 255, i & 255);
	assert_true(read_text(text, &told, &s) < 0);
	assert_int_equal(told.n, 1);
	assert_string_equal(told.text, "banned.list:100001: more than 100000 seeds\n");

	end[-1] = '\0'; /* the last line goes */
	*strrchr(text, '\n') = '\0';
	assert_int_equal(read_text(text, &told, &s), 0);
	assert_int_equal(s.n, SEEDS_MAX);
	free(s.list);
}

static void nothing_is_no_error(void **state)
{
	struct seeds s = { 0 };
	struct told told;

	(void)state;
	assert_int_equal(read_text("# none\n", &told, &s), 0);
	assert_int_equal(s.n, 0);
	free(s.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_notes),
		cmocka_unit_test(every_bad_line_is_named),
		cmocka_unit_test(no_more_than_so_many),
		cmocka_unit_test(nothing_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
