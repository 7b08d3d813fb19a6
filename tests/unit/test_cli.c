/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be typed, against a small table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/cli.h"

static const struct cli_command commands[] = {
	{ "status", NULL, "", 0, 0, 0, NULL, "is all well?" },
	{ "src", NULL, "[ADDR]", 0, 1, CLI_TAKES(OPT_LIMIT), NULL, "sources" },
	{ "drop", "list", "", 0, 0, 0, NULL, "entries" },
	{ "drop", "add", "PREFIX", 1, 1, CLI_TAKES(OPT_TTL), NULL, "adds" },
};
static const struct cli_table table = { commands, ARRAY_LEN(commands) };

enum { STATUS, SRC, DROP_LIST, DROP_ADD, MISUSE = -1 };

static const struct {
	const char *name, *line;
	int row;	 /* of the table, or MISUSE */
	const char *why; /* with MISUSE: part of the sentence; else the first argument */
} rows[] = {
	{ "nothing reads only", "", STATUS, NULL },
	{ "a noun", "status", STATUS, NULL },
	{ "a noun's default verb reads", "drop", DROP_LIST, NULL },
	{ "noun and argument", "src 192.0.2.1", SRC, "192.0.2.1" },
	{ "noun, verb, argument", "drop add 192.0.2.0/24", DROP_ADD, "192.0.2.0/24" },
	{ "option behind", "drop add 192.0.2.1 --ttl 1h", DROP_ADD, "192.0.2.1" },
	{ "option in front", "--ttl 1h drop add 192.0.2.1", DROP_ADD, "192.0.2.1" },
	{ "option with equals sign", "drop add --ttl=1h 192.0.2.1", DROP_ADD, "192.0.2.1" },
	{ "global option", "status --json", STATUS, NULL },
	{ "end of options", "src -- --limit", SRC, "--limit" },
	{ "help needs no arguments", "drop add --help", DROP_ADD, NULL },
	{ "typo in a noun", "stauts", MISUSE, "did you mean status?" },
	{ "typo in a verb", "drop ad 192.0.2.1", MISUSE, "did you mean add?" },
	{ "typo in an option", "status --jsno", MISUSE, "did you mean json?" },
	{ "abbreviations are not guessed", "stat", MISUSE, "status" },
	{ "nothing near", "frobnicate", MISUSE, "see seine --help" },
	{ "missing argument", "drop add", MISUSE, "drop add: needs PREFIX" },
	{ "too many arguments", "status now", MISUSE, "too many arguments" },
	{ "far too many arguments", "src a b c d e f g h", MISUSE, "too many arguments" },
	{ "option of another command", "status --ttl 1h", MISUSE, "does not take --ttl" },
	{ "option twice", "src --limit 1 --limit 2", MISUSE, "given twice" },
	{ "option without its value", "src --limit", MISUSE, "needs a value" },
	{ "flag with a value", "status --json=yes", MISUSE, "takes no value" },
	{ "single dash", "status -j", MISUSE, "unknown" },
};

static int parse(const char *line, char *why, struct cli_call *ret)
{
	static char copy[256];
	char *argv[16] = { "seine" }, *rest = copy;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	while (*rest && (argv[argc] = strsep(&rest, " ")) && rest)
		argc++;
	if (argv[argc])
		argc++;
	return cli_parse(&table, argc, argv, why, ret);
}

static void lines_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cli_call call;
		char why[CLI_WHY] = "";
		int r = parse(rows[i].line, why, &call);

		print_message("%s\n", rows[i].name);
		if (rows[i].row == MISUSE) {
			assert_true(r < 0);
			assert_non_null(strstr(why, rows[i].why));
			continue;
		}
		assert_int_equal(r, 0);
		assert_ptr_equal(call.command, &commands[rows[i].row]);
		if (rows[i].why)
			assert_string_equal(call.args[0], rows[i].why);
		else
			assert_null(call.args[0]);
	}
}

static void options_are_kept(void **state)
{
	struct cli_call call;
	char why[CLI_WHY];

	(void)state;
	assert_int_equal(parse("src --limit=5 --json --socket /run/x", why, &call), 0);
	assert_string_equal(call.option[OPT_LIMIT], "5");
	assert_string_equal(call.option[OPT_SOCKET], "/run/x");
	assert_non_null(call.option[OPT_JSON]);
	assert_null(call.option[OPT_TTL]);
}

static void distance(void **state)
{
	(void)state;
	assert_int_equal(cli_distance("status", "status"), 0);
	assert_int_equal(cli_distance("stauts", "status"), 1);
	assert_int_equal(cli_distance("", "abc"), 3);
	assert_int_equal(cli_distance("kitten", "sitting"), 3);
	assert_int_equal(cli_distance("a word that is far too long for any table", "x"), 24);
}

static void help_fits_the_line(void **state)
{
	char *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	(void)state;
	cli_help(&table, NULL, false, to);
	cli_help(&table, &commands[DROP_ADD], false, to);
	fclose(to);
	assert_non_null(strstr(printed, "drop add PREFIX"));
	assert_non_null(strstr(printed, "--ttl TIME"));
	for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 80);
	free(printed);
}

static char *help_on(const char *line)
{
	struct cli_call call;
	char why[CLI_WHY], *printed = NULL;
	size_t size;
	FILE *to = open_memstream(&printed, &size);

	assert_int_equal(parse(line, why, &call), 0);
	cli_help(&table, call.command, call.noun_alone, to);
	fclose(to);
	return printed;
}

static void help_is_about_what_was_typed(void **state)
{
	_cleanup_(freep) char *noun = help_on("drop --help"), *verb = help_on("drop list --help");
	_cleanup_(freep) char *alone = help_on("src --help");

	(void)state;
	assert_non_null(strstr(noun, "drop list"));
	assert_non_null(strstr(noun, "drop add PREFIX"));
	assert_non_null(strstr(noun, "--ttl"));
	assert_non_null(strstr(verb, "drop list"));
	assert_null(strstr(verb, "drop add"));
	assert_null(strstr(verb, "--ttl"));
	assert_non_null(strstr(alone, "--limit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(options_are_kept),
		cmocka_unit_test(distance),
		cmocka_unit_test(help_fits_the_line),
		cmocka_unit_test(help_is_about_what_was_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
