/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine drop`, `seine allow`: the two lists.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"

#define NAME_SHOWN 9 /* bytes of a ClientHello's name in a narrow column */
#define ONLY_MAX (NAME_SHOWN + 3)

/* --- Lists ------------------------------------------------------------------------------------ */

static int list(const struct cli_call *call, const char *verb, cmd_render render)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", verb);
	int code = cmd_put_rows(call, request);

	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render) : code;
}

/* "", " +hello", " +python sdk" */
static const char *format_only(const json_t *e, char *buf)
{
	if (is_null(e, "hello"))
		return "";
	snprintf(buf, ONLY_MAX, " +%.*s", NAME_SHOWN,
		 is_null(e, "hello_name") ? "hello" : get_text(e, "hello_name"));
	return buf;
}

/* "canary 5 %", "drop 95 %", "drop +hello" */
static const char *format_action(const json_t *e, char *buf)
{
	char rate[FORMAT_MAX], only[ONLY_MAX];
	const char *action = get_text(e, "action"), *hello = format_only(e, only);

	if (get_number(e, "share"))
		snprintf(buf, FORMAT_MAX, "%.6s %.4g %%%s", action,
			 (uint16_t)get_number(e, "share") / 100.0, hello);
	else if (strcmp(action, "limit") == 0)
		snprintf(buf, FORMAT_MAX, "limit %.8s/s%s",
			 format_count(get_number(e, "rate_pps"), rate), hello);
	else
		snprintf(buf, FORMAT_MAX, "%s%s", action, hello);
	return buf;
}

static void render_drops(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "PREFIX", TEXT_LEFT, true },	{ "ACTION", TEXT_LEFT, false },
		{ "ORIGIN", TEXT_LEFT, false }, { "LEFT", TEXT_RIGHT, false },
		{ "HITS", TEXT_RIGHT, false },	{ "LAST HIT", TEXT_LEFT, false },
		{ "NOTE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *e;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach(json_object_get(a, "entries"), i, e) {
		const json_t *hits = json_object_get(e, "hits");
		char n[FORMAT_MAX];

		text_cell(t, "%s", get_text(e, "prefix"));
		text_cell(t, "%s", format_action(e, n));
		text_cell(t, "%s", get_text(e, "origin"));
		text_cell(t, "%s", format_left_short(e, n));
		text_cell(t, "%s", format_count(get_number(hits, "packets"), n));
		text_cell(t, "%s", format_ago(hits, "last", n));
		text_cell(t, "%s", get_text(e, "note"));
	}
	text_table_print(t, s, stdout);
	print_shown(a, "entries", "entries");
	if (strcmp(get_text(a, "mode"), "observe") == 0 &&
	    json_array_size(json_object_get(a, "entries")))
		puts("mode observe: hits are counted, nothing is dropped");
}

int cmd_drop_list(const struct cli_call *call)
{
	return list(call, "drop list", render_drops);
}

static void render_allows(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "PREFIX", TEXT_LEFT, true },
		{ "ORIGIN", TEXT_LEFT, false },
		{ "LEFT", TEXT_RIGHT, false },
		{ "NOTE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *e;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach(json_object_get(a, "entries"), i, e) {
		char left[FORMAT_MAX];

		text_cell(t, "%s", get_text(e, "prefix"));
		text_cell(t, "%s", get_text(e, "origin"));
		text_cell(t, "%s", format_left_short(e, left));
		text_cell(t, "%s", get_text(e, "note"));
	}
	text_table_print(t, s, stdout);
	print_shown(a, "entries", "entries");
}

int cmd_allow_list(const struct cli_call *call)
{
	return list(call, "allow list", render_allows);
}

/* --- Changes ---------------------------------------------------------------------------------- */

/* Built from the options, and checked as far as that goes without the agent. */
static int build_add(const struct cli_call *call, const char *verb, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *request =
		json_pack("{s:s, s:s}", "verb", verb, "prefix", call->args[0]);
	int code = cmd_check_entry_prefix(call->args[0]);

	if (code == EXIT_DONE)
		code = cmd_put_ttl(call, request);
	if (code == EXIT_DONE)
		code = cmd_put_text(call, OPT_ACTION, request, "action");
	if (code == EXIT_DONE)
		code = cmd_put_share(call, request);
	if (code == EXIT_DONE)
		code = cmd_put_number(call, OPT_RATE, request, "rate_pps");
	if (code == EXIT_DONE)
		code = cmd_put_number(call, OPT_BURST, request, "burst");
	if (code == EXIT_DONE)
		code = cmd_put_text(call, OPT_HELLO, request, "hello");
	if (code == EXIT_DONE)
		code = cmd_put_text(call, OPT_NOTE, request, "note");
	if (code == EXIT_DONE)
		*ret = take_ptr(request);
	return code;
}

static int add(const struct cli_call *call, const char *verb, cmd_render render)
{
	json_t *request;
	int code = build_add(call, verb, &request);

	return code == EXIT_DONE ? cmd_show(call, request, render) : code;
}

static int del(const struct cli_call *call, const char *verb, cmd_render render)
{
	int code = cmd_check_prefix(call->args[0]);

	if (code != EXIT_DONE)
		return code;
	return cmd_show(call, json_pack("{s:s, s:s}", "verb", verb, "prefix", call->args[0]),
			render);
}

static void render_added(const json_t *a, const char *what)
{
	const json_t *e = json_object_get(a, "entry");
	char left[FORMAT_MAX];

	printf("%s: %s%s, left: %s%s\n", get_text(e, "prefix"),
	       get_flag(a, "existed") ? "was listed already, now " : "", what, format_left(e, left),
	       get_flag(a, "kept_expiry") ? " (as before: adding never shortens)" : "");
}

static void render_drop_added(const json_t *a, const struct text_style *s)
{
	char action[FORMAT_MAX];

	(void)s;
	render_added(a, format_action(json_object_get(a, "entry"), action));
	if (strcmp(get_text(a, "mode"), "observe") == 0)
		puts("mode observe: hits are counted, nothing is dropped");
}

int cmd_drop_add(const struct cli_call *call)
{
	return add(call, "drop add", render_drop_added);
}

static void render_drop_removed(const json_t *a, const struct text_style *s)
{
	(void)s;
	printf("%s: removed\n", get_text(json_object_get(a, "removed"), "prefix"));
	if (!is_null(a, "still_covered_by"))
		printf("still covered by %s\n", get_text(a, "still_covered_by"));
}

int cmd_drop_del(const struct cli_call *call)
{
	return del(call, "drop del", render_drop_removed);
}

static void render_allow_added(const json_t *a, const struct text_style *s)
{
	(void)s;
	render_added(a, "always passes");
}

int cmd_allow_add(const struct cli_call *call)
{
	return add(call, "allow add", render_allow_added);
}

static void render_allow_removed(const json_t *a, const struct text_style *s)
{
	(void)s;
	printf("%s: removed from the allow list\n",
	       get_text(json_object_get(a, "removed"), "prefix"));
}

int cmd_allow_del(const struct cli_call *call)
{
	return del(call, "allow del", render_allow_removed);
}
