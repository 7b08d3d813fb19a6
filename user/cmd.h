/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of `seine` share: asking the agent, reading options into a request, and taking
 * answers apart. Each cmd_X.c holds the commands of one noun or of a few that belong together.
 */
#ifndef CMD_H
#define CMD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "user/base/prefix.h"
#include "user/cli.h"
#include "user/conf.h"
#include "user/control/client.h"
#include "user/export/format.h"
#include "user/export/members.h"
#include "user/export/text.h"

int cmd_status(const struct cli_call *call);
int cmd_src(const struct cli_call *call);
int cmd_net(const struct cli_call *call);
int cmd_campaign_list(const struct cli_call *call);
int cmd_campaign_show(const struct cli_call *call);
int cmd_campaign_explain(const struct cli_call *call);
int cmd_campaign_history(const struct cli_call *call);
int cmd_campaign_seed(const struct cli_call *call);
int cmd_campaign_seeds(const struct cli_call *call);
int cmd_campaign_unseed(const struct cli_call *call);
int cmd_campaign_approve(const struct cli_call *call);
int cmd_campaign_pause(const struct cli_call *call);
int cmd_campaign_reject(const struct cli_call *call);
int cmd_check(const struct cli_call *call);
int cmd_drop_list(const struct cli_call *call);
int cmd_drop_add(const struct cli_call *call);
int cmd_drop_del(const struct cli_call *call);
int cmd_drop_flush(const struct cli_call *call);
int cmd_drop_replace(const struct cli_call *call);
int cmd_drop_import(const struct cli_call *call);
int cmd_drop_export(const struct cli_call *call);
int cmd_drop_conflicts(const struct cli_call *call);
int cmd_drop_watch(const struct cli_call *call);
int cmd_allow_list(const struct cli_call *call);
int cmd_allow_add(const struct cli_call *call);
int cmd_allow_del(const struct cli_call *call);
int cmd_hello_list(const struct cli_call *call);
int cmd_hello_show(const struct cli_call *call);
int cmd_hello_name(const struct cli_call *call);
int cmd_connections(const struct cli_call *call);
int cmd_log(const struct cli_call *call);
int cmd_apply(const struct cli_call *call);
int cmd_mode(const struct cli_call *call);
int cmd_off(const struct cli_call *call);
int cmd_on(const struct cli_call *call);
int cmd_replay(const struct cli_call *call);
int cmd_version(const struct cli_call *call);

/* --- Asking ----------------------------------------------------------------------------------- */

/* All of these speak to stderr themselves, and return an exit code. */

/* Settings of --config, or of the default file, or, when that is missing, the defaults. */
int cmd_conf(const struct cli_call *call, struct conf *ret);

/* Sends `request` (which is consumed) to the agent. With --json the answer is printed, too. */
int cmd_ask(const struct cli_call *call, json_t *request, json_t **ret);

/* The same in two steps, with a descriptor that goes along (-1: none). What is asked for may be an
 * error of the agent's, which cmd_settle() prints and turns into an exit code. */
int cmd_try(const struct cli_call *call, json_t *request, int fd, json_t **ret);
int cmd_settle(const struct cli_call *call, const json_t *answer);

/* Lines of the file that the command was given, and what is wrong with each, to stderr; `all` says
 * how many there are. */
void cmd_print_lines(const struct cli_call *call, const json_t *lines, uint64_t all);

/* Sends `request` (which is consumed), and calls `line` with the answer and all that comes behind
 * it, until it says false. */
int cmd_follow(const struct cli_call *call, json_t *request, client_line line, void *arg);

#define REAL_DIGITS 16 /* a time of day to the microsecond */
int cmd_print_json(const json_t *answer);
int cmd_print_json_line(const json_t *line); /* of a stream */

/* Prints an answer for a person. */
typedef void (*cmd_render)(const json_t *answer, const struct text_style *style);

/* Asks, and prints the answer in the form that was asked for. */
int cmd_show(const struct cli_call *call, json_t *request, cmd_render render);

__attribute__((format(printf, 2, 3))) int cmd_fail(int exit_code, const char *format, ...);

struct text_style cmd_style(const struct cli_call *call);

/* --- Building requests ------------------------------------------------------------------------ */

/* Each adds `member` when the option was given. EXIT_MISUSE when its value cannot be read. */
int cmd_put_text(const struct cli_call *call, enum cli_option o, json_t *request,
		 const char *member);
int cmd_put_number(const struct cli_call *call, enum cli_option o, json_t *request,
		   const char *member);
/* Whole seconds, at least one. */
int cmd_put_time(const struct cli_call *call, enum cli_option o, json_t *request,
		 const char *member);
void cmd_put_flag(const struct cli_call *call, enum cli_option o, json_t *request,
		  const char *member);
int cmd_put_ttl(const struct cli_call *call, json_t *request); /* --ttl and --permanent */
/* One origin, or "all", which is sent only where nothing means something else. */
int cmd_put_origin(const struct cli_call *call, bool send_all, json_t *request);
int cmd_put_share(const struct cli_call *call, json_t *request);
int cmd_put_rows(const struct cli_call *call, json_t *request); /* --sort and --limit */
/* What an entry does, for how long and why, and --dry-run. */
int cmd_put_terms(const struct cli_call *call, json_t *request);

/* Checks before anybody is asked, so that a typing error is answered without an agent. */
int cmd_check_prefix(const char *text);
int cmd_read_prefix(const char *text, struct prefix *ret);
int cmd_check_entry_prefix(const char *text); /* refuses what is too wide for an entry */
int cmd_check_address(const char *text);

/* --- Parts that several answers show ---------------------------------------------------------- */

/* "20 of 4711 shown; --limit N shows more", when not all are. */
void print_shown(const json_t *answer, const char *rows, const char *what);

/* All sentences of one side, below a title. */
void print_title(const char *title, const struct text_style *s);
void print_side(const json_t *answer, const char *side, const char *title, char mark,
		const struct text_style *s);

#endif
