/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables: alignment, shrinking to the line, what a terminal must not see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/export/text.h"

static const struct text_column columns[] = {
	{ "NAME", TEXT_LEFT, true },
	{ "N", TEXT_RIGHT, false },
	{ "NOTE", TEXT_LEFT, true },
};
static const struct text_style plain = { .width = TEXT_WIDTH, .utf8 = true };

/* Prints a table of one row, or of none when `name` is NULL. */
static char *print_row(const struct text_style *s, const char *name, const char *n,
		       const char *note)
{
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	char *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	assert_int_equal(text_table_new(columns, ARRAY_LEN(columns), &t), 0);
	if (name) {
		text_cell(t, "%s", name);
		text_cell(t, "%s", n);
		text_cell(t, "%s", note);
	}
	assert_int_equal(text_table_print(t, s, to), 0);
	fclose(to);
	return printed;
}

static void columns_are_aligned(void **state)
{
	_cleanup_(freep) char *printed = print_row(&plain, "alpha", "1234", "x");

	(void)state;
	assert_string_equal(printed, "NAME      N  NOTE\nalpha  1234  x\n");
}

static void lines_do_not_end_in_blanks(void **state)
{
	_cleanup_(freep) char *printed = print_row(&plain, "alpha", "", "");

	(void)state;
	assert_string_equal(printed, "NAME   N  NOTE\nalpha\n");
}

static void no_rows_print_nothing(void **state)
{
	_cleanup_(freep) char *printed = print_row(&plain, NULL, NULL, NULL);

	(void)state;
	assert_string_equal(printed, "");
}

static void wide_tables_fit_the_line(void **state)
{
	char name[200], note[200];
	_cleanup_(freep) char *printed = NULL;
	char *line;

	(void)state;
	memset(name, 'a', sizeof(name));
	memset(note, 'b', sizeof(note));
	name[150] = note[120] = '\0';
	printed = print_row(&plain, name, "12345", note);

	assert_non_null(strstr(printed, "12345"));
	line = strtok(printed, "\n");
	line = strtok(NULL, "\n");
	assert_int_equal(strlen(line), TEXT_WIDTH + 2 * (strlen("…") - 1));
	assert_memory_equal(line + strlen(line) - strlen("b…"), "b…", strlen("b…"));
}

static void the_widest_column_is_cut_first(void **state)
{
	static const struct text_column three[] = {
		{ "", TEXT_LEFT, false },
		{ "PREFIX", TEXT_LEFT, true },
		{ "ACTION", TEXT_LEFT, true },
		{ "NOTE", TEXT_LEFT, true },
	};
	struct text_style narrow = { .width = 47 };
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	_cleanup_(freep) char *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	(void)state;
	assert_int_equal(text_table_new(three, ARRAY_LEN(three), &t), 0);
	text_cell(t, "+");
	text_cell(t, "2001:db8:1234:5678::/64");
	text_cell(t, "canary 5 %%");
	text_cell(t, "a note that is long");
	assert_int_equal(text_table_print(t, &narrow, to), 0);
	fclose(to);
	assert_non_null(strstr(printed, "\n+  2001:db8:1234:5678::/64  canary 5~  a note ~\n"));
}

static void width_is_counted_in_characters(void **state)
{
	_cleanup_(freep) char *printed = print_row(&plain, "büro", "7", "x");

	(void)state;
	assert_string_equal(printed, "NAME  N  NOTE\nbüro  7  x\n");
}

static void ascii_terminals_get_ascii(void **state)
{
	struct text_style ascii = { .width = 30 };
	_cleanup_(freep) char *printed =
		print_row(&ascii, "büro", "7", "much too long for one line");

	(void)state;
	assert_string_equal(printed, "NAME  N  NOTE\nb?ro  7  much too long for on~\n");
}

static void control_characters_are_not_printed(void **state)
{
	_cleanup_(freep) char *printed = print_row(&plain, "\033[2Jx", "7",
						   "a\xc2\x9b"
						   "b\nc\x7f");

	(void)state;
	assert_string_equal(printed, "NAME   N  NOTE\n?[2Jx  7  a?b?c?\n");
}

static void facts_stand_below_each_other(void **state)
{
	struct text_style narrow = { .width = 30, .utf8 = true, .colour = true };
	_cleanup_(freep) char *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	(void)state;
	text_fact(&narrow, to, "mode", TEXT_PLAIN, "%s", "observe");
	text_fact(&narrow, to, "trouble", TEXT_RED, "%d tables are full, all of them", 3);
	fclose(to);
	assert_string_equal(printed, "mode        observe\n"
				     "trouble    \033[31m 3 tables are full,\n"
				     "            all of them\n\033[0m");
}

static void rows_are_painted_one_by_one(void **state)
{
	struct text_style colour = { .width = TEXT_WIDTH, .colour = true };
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	_cleanup_(freep) char *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	(void)state;
	assert_int_equal(text_table_new(columns, ARRAY_LEN(columns), &t), 0);
	text_paint(t, TEXT_GREEN);
	for (size_t i = 0; i < 2 * ARRAY_LEN(columns); i++)
		text_cell(t, "x");
	assert_int_equal(text_table_print(t, &colour, to), 0);
	fclose(to);
	assert_string_equal(printed, "\033[1mNAME  N  NOTE\033[0m\n"
				     "\033[32mx     x  x\033[0m\nx     x  x\n");
}

static void colours_only_when_asked(void **state)
{
	struct text_style colour = { .width = TEXT_WIDTH, .colour = true };
	_cleanup_(freep) char *printed = print_row(&colour, "a", "1", "b");

	(void)state;
	assert_string_equal(printed, "\033[1mNAME  N  NOTE\033[0m\na     1  b\n");
	assert_string_equal(text_colour(&plain, TEXT_RED), "");
}

static void paragraphs_break_at_blanks(void **state)
{
	struct text_style narrow = { .width = 16 };
	char *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	(void)state;
	text_wrap("one two three four averyveryverylongword x", 2, &narrow, to);
	fclose(to);
	assert_string_equal(printed, "  one two three\n  four\n  averyveryverylongword\n  x\n");
	free(printed);
}

static void items_hang_behind_their_mark(void **state)
{
	struct text_style narrow = { .width = 16 };
	char *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	(void)state;
	text_item('+', "one two three four", 2, &narrow, to);
	fclose(to);
	assert_string_equal(printed, "  + one two\n    three four\n");
	free(printed);
}

static char *bars(const double *values, size_t n, bool utf8)
{
	const struct text_style s = { .width = TEXT_WIDTH, .utf8 = utf8 };
	char *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	text_bars(values, n, &s, to);
	fclose(to);
	return printed;
}

static void bars_are_as_high_as_their_values(void **state)
{
	static const double values[] = { 0, 1, 50, 100, 400 }, none[] = { 0, 0 };
	_cleanup_(freep) char *fine = bars(values, 5, true), *ascii = bars(values, 5, false),
			      *empty = bars(none, 2, true);

	(void)state;
	assert_string_equal(fine, "·▁▁▂█\n");
	assert_string_equal(ascii, "_...#\n");
	assert_string_equal(empty, "··\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(lines_do_not_end_in_blanks),
		cmocka_unit_test(no_rows_print_nothing),
		cmocka_unit_test(wide_tables_fit_the_line),
		cmocka_unit_test(the_widest_column_is_cut_first),
		cmocka_unit_test(width_is_counted_in_characters),
		cmocka_unit_test(ascii_terminals_get_ascii),
		cmocka_unit_test(control_characters_are_not_printed),
		cmocka_unit_test(facts_stand_below_each_other),
		cmocka_unit_test(rows_are_painted_one_by_one),
		cmocka_unit_test(colours_only_when_asked),
		cmocka_unit_test(paragraphs_break_at_blanks),
		cmocka_unit_test(items_hang_behind_their_mark),
		cmocka_unit_test(bars_are_as_high_as_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
