/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a command line against its table.
 */
#include <errno.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/refuse.h"
#include "user/cli.h"

#define WORD_MAX 24 /* no noun, verb or option is longer */
#define NEAR 2	    /* edits up to which a word was probably meant */

static const struct option_word {
	const char *name, *value, *help; /* value NULL: takes none */
} option_words[OPT_MAX] = {
	[OPT_HELP] = { "help", NULL, "explain the command" },
	[OPT_JSON] = { "json", NULL, "print the answer as one JSON object" },
	[OPT_SOCKET] = { "socket", "PATH", "where the agent listens" },
	[OPT_CONFIG] = { "config", "FILE", "settings, /etc/seine/seine.conf" },
	[OPT_COLOR] = { "color", "auto|always|never", "colours; NO_COLOR is respected" },
	[OPT_SORT] = { "sort", "COLUMN", "what comes first" },
	[OPT_LIMIT] = { "limit", "N", "rows at most, 20" },
	[OPT_TTL] = { "ttl", "TIME", "how long it holds: 90s, 10m, 1h30m, 7d" },
	[OPT_PERMANENT] = { "permanent", NULL, "until it is deleted" },
	[OPT_ACTION] = { "action", "ACTION", "drop (import: watch), watch, canary or limit" },
	[OPT_SHARE] = { "share", "PERCENT", "of the sources, with canary or drop: 5%" },
	[OPT_RATE] = { "rate", "N", "packets per second let through, with limit" },
	[OPT_BURST] = { "burst", "N", "packets at once let through, with limit" },
	[OPT_HELLO] = { "hello", "KEY", "only connections with this ClientHello" },
	[OPT_DRY_RUN] = { "dry-run", NULL, "say what would be done, and do nothing" },
	[OPT_MISSING_OK] = { "missing-ok", NULL, "what is not there is no error" },
	[OPT_ORIGIN] = { "origin", "ORIGIN", "operator, external, auto, feed, fleet or all" },
	[OPT_FEED] = { "feed", "NAME", "the feed that the entries belong to" },
	[OPT_FORMAT] = { "format", "FORMAT", "auto, plain, csv, ndjson, firehol, spamhaus" },
	[OPT_FORCE] = { "force", NULL, "also when the feed has grown or shrunk a lot" },
	[OPT_FOLLOW] = { "follow", NULL, "go on as it happens; Ctrl-C stops" },
	[OPT_CONFIRM_WITHIN] = { "confirm-within", "TIME", "begin a trial: undo unless confirmed" },
	[OPT_CONFIRM] = { "confirm", NULL, "keep what is on trial" },
	[OPT_REVERT] = { "revert", NULL, "undo what is on trial now" },
	[OPT_PORTS] = { "ports", "LIST", "protected: 443,udp:4433,8000-8100,all" },
	[OPT_CONNECTIONS] = { "connections", NULL, "one JSON object a connection" },
	[OPT_NOTE] = { "note", "TEXT", "why; shown in lists, 39 bytes at most" },
};
#define EVERYWHERE \
	(CLI_TAKES(OPT_HELP) | CLI_TAKES(OPT_JSON) | CLI_TAKES(OPT_SOCKET) | \
	 CLI_TAKES(OPT_CONFIG) | CLI_TAKES(OPT_COLOR))

/* --- Near misses ------------------------------------------------------------------------------ */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int cli_distance(const char *a, const char *b)
{
	unsigned int d[WORD_MAX + 1][WORD_MAX + 1];
	size_t len_a = strnlen(a, WORD_MAX), len_b = strnlen(b, WORD_MAX);

	for (size_t i = 0; i <= len_a; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= len_b; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		for (size_t j = 1; j <= len_b; j++) {
			unsigned int change = a[i - 1] != b[j - 1];

			d[i][j] = least(d[i - 1][j - 1] + change,
					least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[len_a][len_b];
}

struct near {
	const char *typed, *word; /* word NULL: none near enough */
	unsigned int distance;
};

static void near_consider(struct near *n, const char *word)
{
	unsigned int distance = word ? cli_distance(n->typed, word) : NEAR + 1;

	if (distance <= NEAR && distance < strlen(word) && (!n->word || distance < n->distance)) {
		n->word = word;
		n->distance = distance;
	}
}

static int unknown(char *why, const char *what, const struct near *n, const char *see)
{
	if (n->word)
		return refuse(why, CLI_WHY, "%s %.40s: unknown; did you mean %s?", what, n->typed,
			      n->word);
	return refuse(why, CLI_WHY, "%s %.40s: unknown; see %s", what, n->typed, see);
}

/* --- Options ---------------------------------------------------------------------------------- */

const char *cli_option_name(enum cli_option option)
{
	return option_words[option].name;
}

static int find_option(const char *typed, char *why, enum cli_option *ret)
{
	size_t len = strcspn(typed, "=");
	char name[WORD_MAX + 1];
	struct near n = { .typed = name };

	snprintf(name, sizeof(name), "%.*s", (int)len, typed);
	for (size_t i = 0; i < OPT_MAX; i++) {
		if (len == strlen(option_words[i].name) &&
		    strcmp(name, option_words[i].name) == 0) {
			*ret = i;
			return 0;
		}
		near_consider(&n, option_words[i].name);
	}
	return unknown(why, "option", &n, "seine --help");
}

/* Reads the option at *arg, and the argument behind it when that is its value. */
static int read_option(char ***arg, char *why, struct cli_call *call)
{
	const char *typed = **arg + 2, *equals = strchr(typed, '=');
	enum cli_option option = OPT_HELP;
	const char *name, *value;
	int r;

	r = find_option(typed, why, &option);
	if (r < 0)
		return r;
	name = option_words[option].name;
	if (call->option[option])
		return refuse(why, CLI_WHY, "--%s: given twice", name);
	if (!option_words[option].value) {
		if (equals)
			return refuse(why, CLI_WHY, "--%s: takes no value", name);
		call->option[option] = "";
		return 0;
	}
	value = equals ? equals + 1 : *++*arg;
	if (!value)
		return refuse(why, CLI_WHY, "--%s: needs a value: %s", name,
			      option_words[option].value);
	call->option[option] = value;
	return 0;
}

/* Options go into the call; what is left, and a NULL, into `words`. */
static int split(char **arg, char *why, struct cli_call *call, const char **words, size_t room)
{
	bool options_end = false;
	size_t n = 0;
	int r;

	for (; *arg; arg++) {
		if (!options_end && strcmp(*arg, "--") == 0) {
			options_end = true;
		} else if (!options_end && strcmp(*arg, "-h") == 0) {
			call->option[OPT_HELP] = "";
		} else if (!options_end && strncmp(*arg, "--", 2) == 0) {
			r = read_option(&arg, why, call);
			if (r < 0)
				return r;
		} else if (!options_end && **arg == '-' && (*arg)[1]) {
			return refuse(why, CLI_WHY, "option %.40s: unknown; see seine --help",
				      *arg);
		} else {
			if (n == room)
				return refuse(why, CLI_WHY, "%.40s: too many arguments", *arg);
			words[n++] = *arg;
		}
	}
	words[n] = NULL;
	return 0;
}

/* --- Commands --------------------------------------------------------------------------------- */

static int find_noun(const struct cli_table *table, const char *noun, char *why,
		     const struct cli_command **ret)
{
	struct near n = { .typed = noun };

	for (size_t i = 0; i < table->n; i++) {
		if (strcmp(table->commands[i].noun, noun) == 0) {
			*ret = &table->commands[i];
			return 0;
		}
		near_consider(&n, table->commands[i].noun);
	}
	return unknown(why, "command", &n, "seine --help");
}

static int find_verb(const struct cli_table *table, const struct cli_command *first,
		     const char *verb, char *why, const struct cli_command **ret)
{
	const struct cli_command *end = table->commands + table->n;
	struct near n = { .typed = verb };
	char see[2 * WORD_MAX];

	for (const struct cli_command *c = first; c < end && strcmp(c->noun, first->noun) == 0;
	     c++) {
		if (strcmp(c->verb, verb) == 0) {
			*ret = c;
			return 0;
		}
		near_consider(&n, c->verb);
	}
	snprintf(see, sizeof(see), "seine %s --help", first->noun);
	return unknown(why, first->noun, &n, see);
}

/* Finds the row, and where its arguments begin. */
static int find_command(const struct cli_table *table, const char **words, char *why,
			struct cli_call *call, const char ***ret_args)
{
	const struct cli_command *first = table->commands;
	int r;

	call->command = first;
	if (!words[0]) {
		*ret_args = words;
		return 0;
	}
	r = find_noun(table, words[0], why, &first);
	if (r < 0)
		return r;
	if (!first->verb || !words[1]) {
		call->command = first;
		call->noun_alone = first->verb;
		*ret_args = words + 1;
		return 0;
	}
	*ret_args = words + 2;
	return find_verb(table, first, words[1], why, &call->command);
}

static int check_call(const struct cli_call *call, size_t n_args, char *why)
{
	const struct cli_command *c = call->command;
	const char *gap = c->verb ? " " : "", *verb = c->verb ? c->verb : "";

	for (size_t i = 0; i < OPT_MAX; i++)
		if (call->option[i] && !((EVERYWHERE | c->options) & CLI_TAKES(i)))
			return refuse(why, CLI_WHY, "%s%s%s: does not take --%s", c->noun, gap,
				      verb, option_words[i].name);
	if (n_args < c->min)
		return refuse(why, CLI_WHY, "%s%s%s: needs %s", c->noun, gap, verb, c->args);
	if (n_args > c->max)
		return refuse(why, CLI_WHY, "%s%s%s: %.40s: too many arguments", c->noun, gap, verb,
			      call->args[c->max]);
	return 0;
}

int cli_parse(const struct cli_table *table, int argc, char **argv, char *why, struct cli_call *ret)
{
	struct cli_call call = { .table = table };
	const char *words[CLI_ARGS + 3], **args = NULL;
	size_t n_args = 0;
	int r;

	r = split(argv + (argc > 0), why, &call, words, CLI_ARGS + 2);
	if (r < 0)
		return r;
	if (call.option[OPT_HELP] && !words[0]) {
		*ret = call;
		return 0;
	}
	r = find_command(table, words, why, &call, &args);
	if (r < 0)
		return r;
	for (; args[n_args] && n_args < CLI_ARGS; n_args++)
		call.args[n_args] = args[n_args];
	if (!call.option[OPT_HELP]) {
		r = check_call(&call, n_args, why);
		if (r < 0)
			return r;
	}

	*ret = call;
	return 0;
}

/* --- Help ------------------------------------------------------------------------------------- */

static void help_options(uint32_t options, FILE *to)
{
	for (size_t i = 0; i < OPT_MAX; i++) {
		const struct option_word *o = &option_words[i];
		char left[2 * WORD_MAX];

		if (!(options & CLI_TAKES(i)))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		fprintf(to, "  %-28s%s\n", left, o->help);
	}
}

static void help_row(const struct cli_command *c, FILE *to)
{
	char left[80];

	snprintf(left, sizeof(left), "%s%s%s%s%s", c->noun, c->verb ? " " : "",
		 c->verb ? c->verb : "", *c->args ? " " : "", c->args);
	fprintf(to, "  %-28s%s\n", left, c->help);
}

static void help_some(const struct cli_table *table, const struct cli_command *command,
		      bool whole_noun, FILE *to)
{
	uint32_t options = 0;

	for (size_t i = 0; i < table->n; i++) {
		if (whole_noun ? strcmp(table->commands[i].noun, command->noun) != 0
			       : &table->commands[i] != command)
			continue;
		help_row(&table->commands[i], to);
		options |= table->commands[i].options;
	}
	if (options)
		fputs("\nOptions\n", to);
	help_options(options, to);
}

void cli_help(const struct cli_table *table, const struct cli_command *command, bool whole_noun,
	      FILE *to)
{
	fputs("seine: finds swarms of proxy addresses and drops them in XDP\n\n", to);
	if (command) {
		help_some(table, command, whole_noun, to);
		return;
	}
	for (size_t i = 0; i < table->n; i++)
		help_row(&table->commands[i], to);
	fputs("\nOptions everywhere\n", to);
	help_options(EVERYWHERE, to);
	fputs("\nExit: 0 done, 1 failed or no, 2 misuse, 3 agent not reachable,\n"
	      "4 refused by a guard, 78 configuration.\n"
	      "More, and a first day, in man seine.\n",
	      to);
}
