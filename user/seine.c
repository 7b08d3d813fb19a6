/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seine: the command line. The table below is all there is to type; cli.c reads arguments against
 * it, and each command asks the agent over its socket and prints the answer.
 */
#include <locale.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"

#define ROWS (CLI_TAKES(OPT_SORT) | CLI_TAKES(OPT_LIMIT))
#define KEEP (CLI_TAKES(OPT_TTL) | CLI_TAKES(OPT_PERMANENT) | CLI_TAKES(OPT_NOTE))
#define DRY CLI_TAKES(OPT_DRY_RUN)
#define DROP \
	(KEEP | DRY | CLI_TAKES(OPT_ACTION) | CLI_TAKES(OPT_SHARE) | CLI_TAKES(OPT_RATE) | \
	 CLI_TAKES(OPT_BURST) | CLI_TAKES(OPT_HELLO))

#define IMPORT \
	(DRY | CLI_TAKES(OPT_FEED) | CLI_TAKES(OPT_FORMAT) | CLI_TAKES(OPT_TTL) | \
	 CLI_TAKES(OPT_ACTION) | CLI_TAKES(OPT_SHARE) | CLI_TAKES(OPT_RATE) | \
	 CLI_TAKES(OPT_BURST) | CLI_TAKES(OPT_FORCE))
#define TRIAL \
	((DROP & ~DRY) | CLI_TAKES(OPT_FORMAT) | CLI_TAKES(OPT_CONFIRM_WITHIN) | \
	 CLI_TAKES(OPT_CONFIRM) | CLI_TAKES(OPT_REVERT))

static int help(const struct cli_call *call)
{
	cli_help(call->table, NULL, false, stdout);
	return EXIT_DONE;
}

/* clang-format off */
static const struct cli_command commands[] = {
	{ "status", NULL, "", 0, 0, 0, cmd_status,
	  "is all well? Also seine alone" },
	{ "src", NULL, "[ADDR|PREFIX]", 0, 1, ROWS, cmd_src,
	  "sources; one address in full" },
	{ "net", NULL, "[PREFIX]", 0, 1, ROWS, cmd_net,
	  "prefixes: /24 and /48" },
	{ "campaign", "list", "", 0, 0, 0, cmd_campaign_list,
	  "what was found, living and ended" },
	{ "campaign", "show", "ID", 1, 1, CLI_TAKES(OPT_LIMIT), cmd_campaign_show,
	  "its members and prefixes" },
	{ "campaign", "explain", "ID", 1, 1, 0, cmd_campaign_explain,
	  "why, in sentences" },
	{ "campaign", "history", "ID", 1, 1, CLI_TAKES(OPT_LIMIT), cmd_campaign_history,
	  "what was known when it was decided" },
	{ "campaign", "seed", "FILE|-", 1, 1, CLI_TAKES(OPT_TTL), cmd_campaign_seed,
	  "addresses known to be bad, for 45 d" },
	{ "campaign", "seeds", "", 0, 0, CLI_TAKES(OPT_LIMIT), cmd_campaign_seeds,
	  "these, and whose members they are" },
	{ "campaign", "unseed", "", 0, 0, 0, cmd_campaign_unseed,
	  "forget them all" },
	{ "campaign", "approve", "ID", 1, 1, CLI_TAKES(OPT_NOTE), cmd_campaign_approve,
	  "let it climb a rung without waiting" },
	{ "campaign", "pause", "ID", 1, 1, CLI_TAKES(OPT_NOTE), cmd_campaign_pause,
	  "let its entries only watch, until approve" },
	{ "campaign", "reject", "ID", 1, 1, CLI_TAKES(OPT_NOTE), cmd_campaign_reject,
	  "give it no entries, as long as it is known" },
	{ "check", NULL, "ADDR", 1, 1, 0, cmd_check,
	  "would it be dropped now? 0 yes, 1 no" },
	{ "drop", "list", "", 0, 0, ROWS | CLI_TAKES(OPT_ORIGIN), cmd_drop_list,
	  "entries in force, and what they hit" },
	{ "drop", "add", "PREFIX", 1, 1, DROP, cmd_drop_add,
	  "add an entry, for 1 h or --ttl; never shortens" },
	{ "drop", "del", "PREFIX", 1, 1, CLI_TAKES(OPT_MISSING_OK), cmd_drop_del,
	  "take away exactly this entry" },
	{ "drop", "flush", "", 0, 0, DRY | CLI_TAKES(OPT_ORIGIN) | CLI_TAKES(OPT_FEED),
	  cmd_drop_flush, "take away all of operators, or of --origin" },
	{ "drop", "replace", "FILE|-", 1, 1, DROP | CLI_TAKES(OPT_FORMAT), cmd_drop_replace,
	  "make the file all that operators list" },
	{ "drop", "import", "FILE|-", 1, 1, IMPORT, cmd_drop_import,
	  "make it all that one feed lists" },
	{ "drop", "export", "", 0, 0, CLI_TAKES(OPT_FORMAT) | CLI_TAKES(OPT_ORIGIN),
	  cmd_drop_export, "the list as a file, to stdout" },
	{ "drop", "conflicts", "", 0, 0, CLI_TAKES(OPT_LIMIT), cmd_drop_conflicts,
	  "entries that a stronger one overrules" },
	{ "drop", "watch", "[PREFIX]", 0, 1, 0, cmd_drop_watch,
	  "changes as they happen; Ctrl-C stops" },
	{ "allow", "list", "", 0, 0, ROWS, cmd_allow_list,
	  "what always passes" },
	{ "allow", "add", "PREFIX", 1, 1, KEEP | DRY, cmd_allow_add,
	  "let it pass, for ever or for --ttl" },
	{ "allow", "del", "PREFIX", 1, 1, 0, cmd_allow_del,
	  "take away exactly this entry" },
	{ "hello", "list", "", 0, 0, ROWS, cmd_hello_list,
	  "TLS clients, by ClientHello" },
	{ "hello", "show", "KEY|JA4", 1, 1, 0, cmd_hello_show,
	  "one of them in full" },
	{ "hello", "name", "KEY|JA4 NAME", 2, 2, 0, cmd_hello_name,
	  "call it so everywhere; '' ends that" },
	{ "connections", NULL, "", 0, 0, CLI_TAKES(OPT_LIMIT), cmd_connections,
	  "as they end; Ctrl-C or --limit stops" },
	{ "log", NULL, "[PREFIX|ID]", 0, 1, CLI_TAKES(OPT_LIMIT) | CLI_TAKES(OPT_FOLLOW), cmd_log,
	  "who asked for what, and how it went" },
	{ "apply", NULL, "[FILE|-]", 0, 1, TRIAL, cmd_apply,
	  "changes on trial; shows what is on trial" },
	{ "mode", NULL, "[observe|enforce]", 0, 1, 0, cmd_mode,
	  "show or set whether entries drop" },
	{ "off", NULL, "", 0, 0, 0, cmd_off,
	  "emergency stop, also with the agent dead" },
	{ "on", NULL, "", 0, 0, 0, cmd_on,
	  "end of off" },
	{ "replay", NULL, "FILE", 1, 1, CLI_TAKES(OPT_PORTS) | CLI_TAKES(OPT_CONNECTIONS),
	  cmd_replay, "a capture through the same program (root)" },
	{ "version", NULL, "", 0, 0, 0, cmd_version,
	  "of this program and its maps" },
	{ "help", NULL, "", 0, 0, 0, help,
	  "this; COMMAND --help shows its options" },
};
/* clang-format on */

static const struct cli_table table = { commands, ARRAY_LEN(commands) };

int main(int argc, char **argv)
{
	struct cli_call call;
	char why[CLI_WHY];

	setlocale(LC_CTYPE, "");
	if (cli_parse(&table, argc, argv, why, &call) < 0)
		return cmd_fail(EXIT_MISUSE, "%s", why);
	if (call.option[OPT_HELP]) {
		cli_help(&table, call.command, call.noun_alone, stdout);
		return EXIT_DONE;
	}
	return call.command->run(&call);
}
