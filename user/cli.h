/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as a table: what can be typed leads to one row, and the row holds all that is
 * needed to read the arguments, run the command, and explain it. Nouns and verbs are exact; a
 * near miss is named, never guessed. Options may stand anywhere, as `--name value` or
 * `--name=value`; `--` ends them.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_WHY 256
#define CLI_ARGS 4 /* positional arguments behind noun and verb */

enum cli_exit {
	EXIT_DONE = 0,
	EXIT_NO = 1, /* failed, or the answer is "no" */
	EXIT_MISUSE = 2,
	EXIT_UNREACHABLE = 3, /* no agent */
	EXIT_REFUSED = 4,     /* by a guard */
	EXIT_CONFIG = 78,     /* sysexits.h */
};

enum cli_option {
	/* everywhere */
	OPT_HELP,
	OPT_JSON,
	OPT_SOCKET,
	OPT_CONFIG,
	OPT_COLOR,
	/* where a command says so */
	OPT_SORT,
	OPT_LIMIT,
	OPT_TTL,
	OPT_PERMANENT,
	OPT_ACTION,
	OPT_SHARE,
	OPT_RATE,
	OPT_BURST,
	OPT_HELLO,
	OPT_NOTE,
	OPT_DRY_RUN,
	OPT_MISSING_OK,
	OPT_ORIGIN,
	OPT_FEED,
	OPT_FORMAT,
	OPT_FORCE,
	OPT_FOLLOW,
	OPT_CONFIRM_WITHIN,
	OPT_CONFIRM,
	OPT_REVERT,
	OPT_PORTS,
	OPT_CONNECTIONS,
	OPT_MAX,
};
#define CLI_TAKES(option) (1u << (option))
_Static_assert(OPT_MAX <= 32, "a set of options is 32 bits");

struct cli_call;
typedef int (*cli_run)(const struct cli_call *call); /* returns an exit code */

struct cli_command {
	const char *noun;
	const char *verb; /* NULL: the noun is the command */
	const char *args; /* as the help shows them */
	unsigned int min, max;
	uint32_t options; /* CLI_TAKES() of those besides the ones allowed everywhere */
	cli_run run;
	const char *help; /* one line */
};

struct cli_table {
	const struct cli_command
		*commands; /* the first row of a noun is what the noun alone means */
	size_t n;
};

struct cli_call {
	const struct cli_table *table;
	const struct cli_command *command; /* NULL with OPT_HELP: of everything */
	bool noun_alone;		   /* no verb was typed though there are some */
	const char *args[CLI_ARGS + 1];	   /* the last one is NULL */
	const char *option[OPT_MAX];	   /* NULL: not given; "": given, takes no value */
};

/*
 * Reads argv. Without any argument the first row of the table is meant. -EINVAL with a sentence
 * in `why` (CLI_WHY bytes). With --help arguments are not counted.
 */
int cli_parse(const struct cli_table *table, int argc, char **argv, char *why,
	      struct cli_call *ret);

/* Help on everything (NULL), on all commands of a noun, or on one command and its options. At most
 * 80 columns wide. */
void cli_help(const struct cli_table *table, const struct cli_command *command, bool whole_noun,
	      FILE *to);

/* "dry-run" */
const char *cli_option_name(enum cli_option option);

/* Number of edits from one word to the other; swapping neighbours is one (Damerau). For short
 * words. */
unsigned int cli_distance(const char *a, const char *b);

#endif
