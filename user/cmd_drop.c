/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine drop`: the list of entries, one entry at a time. See cmd_bulk.c for files.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "user/base/cleanup.h"
#include "user/base/number.h"
#include "user/cmd.h"
#include "user/control/answer.h"
#include "user/export/change.h"
#include "user/export/entries.h"

#define CONFLICTS_SHOWN 20

/* --- Lists ------------------------------------------------------------------------------------ */

static void render_drops(const json_t *a, const struct text_style *s)
{
	const json_t *entries = json_object_get(a, "entries");

	print_drops(entries, s, stdout);
	print_shown(a, "entries", "entries");
	if (json_array_size(entries))
		print_footing(a, s, stdout);
}

int cmd_drop_list(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "drop list");
	int code = cmd_put_rows(call, request);

	if (code == EXIT_DONE)
		code = cmd_put_origin(call, false, request);
	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render_drops) : code;
}

/* How many pairs are shown; the agent sends what it holds. */
static int wanted(const struct cli_call *call, uint64_t *ret)
{
	const char *text = call->option[OPT_LIMIT];

	*ret = CONFLICTS_SHOWN;
	if (text && number_parse(text, 1, UINT32_MAX, ret) < 0)
		return cmd_fail(EXIT_MISUSE, "limit: %s: not a number from 1 on", text);
	return EXIT_DONE;
}

static void render_conflicts(const json_t *a, uint64_t limit, const struct text_style *s)
{
	const json_t *list = json_object_get(a, "conflicts");
	uint64_t total = get_number(a, "total"), sent = json_array_size(list);
	uint64_t shown = sent < limit ? sent : limit;

	print_conflicts(list, limit, s, stdout);
	if (!total)
		puts("No conflicts: all that anybody wants is in force.");
	else if (shown < total)
		printf("%" PRIu64 " of %" PRIu64 " conflicts shown%s\n", shown, total,
		       shown < sent ? "; --limit N shows more" : "");
}

int cmd_drop_conflicts(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct text_style style = cmd_style(call);
	uint64_t limit = 0;
	int code = wanted(call, &limit);

	if (code == EXIT_DONE)
		code = cmd_ask(call, json_pack("{s:s}", "verb", "drop conflicts"), &answer);
	if (code == EXIT_DONE && !call->option[OPT_JSON])
		render_conflicts(answer, limit, &style);
	return code;
}

/* --- One entry -------------------------------------------------------------------------------- */

static void render_added(const json_t *a, const struct text_style *s)
{
	print_added(a, s, stdout);
}

int cmd_drop_add(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request =
		json_pack("{s:s, s:s}", "verb", "drop add", "prefix", call->args[0]);
	int code = cmd_check_entry_prefix(call->args[0]);

	if (code == EXIT_DONE)
		code = cmd_put_terms(call, request);
	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render_added) : code;
}

static bool is_missing(const json_t *answer)
{
	enum answer_code error;
	const char *text;

	return answer_is_error(answer, &error, &text) && error == ANSWER_MISSING;
}

int cmd_drop_del(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct text_style style = cmd_style(call);
	int code = cmd_check_prefix(call->args[0]);

	if (code == EXIT_DONE)
		code = cmd_try(call,
			       json_pack("{s:s, s:s}", "verb", "drop del", "prefix", call->args[0]),
			       -1, &answer);
	if (code != EXIT_DONE)
		return code;
	if (call->option[OPT_MISSING_OK] && is_missing(answer))
		return call->option[OPT_JSON] ? cmd_print_json(answer) : EXIT_DONE;
	code = cmd_settle(call, answer);
	if (code == EXIT_DONE && !call->option[OPT_JSON])
		print_removed(answer, &style, stdout);
	return code;
}

/* --- All of an origin ------------------------------------------------------------------------- */

static void render_change(const json_t *a, const struct text_style *s)
{
	print_change(a, s, stdout);
}

/* Who names a feed means the origin, too. */
static int put_feed(const struct cli_call *call, json_t *request)
{
	const char *origin = call->option[OPT_ORIGIN];

	if (!call->option[OPT_FEED])
		return EXIT_DONE;
	if (origin && strcmp(origin, "feed") != 0)
		return cmd_fail(EXIT_MISUSE, "--feed: not with --origin %s", origin);
	json_object_set_new(request, "origin", json_string("feed"));
	return cmd_put_text(call, OPT_FEED, request, "feed");
}

int cmd_drop_flush(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "drop flush");
	int code = cmd_put_origin(call, true, request);

	if (code == EXIT_DONE)
		code = put_feed(call, request);
	cmd_put_flag(call, OPT_DRY_RUN, request, "dry_run");
	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render_change) : code;
}

/* --- As it happens ---------------------------------------------------------------------------- */

struct watching {
	const struct cli_call *call;
	struct text_style style;
	int code;
};

static void print_now(const json_t *line, const struct text_style *s)
{
	time_t now = time(NULL);
	char at[FORMAT_MAX] = "-";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(at, sizeof(at), "%H:%M:%S", &tm);
	print_watched(line, at, s, stdout);
}

static bool on_line(const json_t *line, void *arg)
{
	struct watching *w = arg;
	const char *kind = answer_kind(line);

	if (strcmp(kind, "lost") == 0)
		cmd_fail(EXIT_NO, "%" PRIu64 " changes not shown: too many for this reader",
			 get_number(line, "lines"));
	if (strcmp(kind, "drop_change") != 0)
		return true;
	if (w->call->option[OPT_JSON])
		w->code = cmd_print_json_line(line);
	else
		print_now(line, &w->style);
	if (fflush(stdout) == EOF)
		w->code = cmd_fail(EXIT_NO, "cannot write the answer");
	return w->code == EXIT_DONE;
}

int cmd_drop_watch(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "drop watch");
	struct watching w = { .call = call, .style = cmd_style(call), .code = EXIT_DONE };
	int code = EXIT_DONE;

	if (call->args[0]) {
		code = cmd_check_prefix(call->args[0]);
		json_object_set_new(request, "within", json_string(call->args[0]));
	}
	if (code == EXIT_DONE)
		code = cmd_follow(call, take_ptr(request), on_line, &w);
	return code == EXIT_DONE ? w.code : code;
}
