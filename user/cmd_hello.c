/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine hello`: which TLS clients there are, by their ClientHellos, and what they are called.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/hellonames.h"

#define LABEL "%-12s"

static void render_list(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "HELLO", TEXT_LEFT, false }, { "SRCS", TEXT_RIGHT, false },
		{ "SEEN", TEXT_RIGHT, false }, { "LAST", TEXT_RIGHT, false },
		{ "NAME", TEXT_LEFT, true },   { "JA4", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *w;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach(json_object_get(a, "hellos"), i, w) {
		char n[FORMAT_MAX];

		text_cell(t, "%s", is_null(w, "hello") ? "(QUIC)" : get_text(w, "hello"));
		text_cell(t, "%s", format_count(get_number(w, "sources"), n));
		text_cell(t, "%s", format_count(get_number(w, "count"), n));
		text_cell(t, "%s", format_since(w, "last", n));
		text_cell(t, "%s", get_text(w, "hello_name"));
		text_cell(t, "%s", get_text(w, "ja4"));
	}
	text_table_print(t, s, stdout);
	print_shown(a, "hellos", "ClientHellos");
}

int cmd_hello_list(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "hello list");
	int code = cmd_put_rows(call, request);

	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render_list) : code;
}

static void print_forms(const json_t *a, const char *member, const char *others, const char *label)
{
	uint64_t more = get_number(a, others);
	char n[FORMAT_MAX];
	json_t *form;
	size_t i;

	json_array_foreach(json_object_get(a, member), i, form)
		printf(LABEL "%-38s %s times\n", i ? "" : label, get_text(form, "ja4"),
		       format_count(get_number(form, "count"), n));
	if (more)
		printf(LABEL "others%-32s %s times\n", "", "", format_count(more, n));
}

static void render_show(const json_t *a, const struct text_style *s)
{
	const json_t *w = json_object_get(a, "hello");
	char n[FORMAT_MAX], b[FORMAT_MAX];

	(void)s;
	printf(LABEL "%s\n", "hello", is_null(w, "hello") ? "QUIC" : get_text(w, "hello"));
	printf(LABEL "%s\n", "name", get_text(w, "hello_name"));
	printf(LABEL "%s, first %s, last %s\n", "looked at",
	       format_count(get_number(w, "count"), n), format_ago(w, "first", b),
	       format_ago(w, "last", (char[FORMAT_MAX]){ 0 }));
	printf(LABEL "about %s\n", "sources", format_count(get_number(w, "sources"), n));
	print_forms(a, "ja4", "ja4_others", "JA4");
	print_forms(a, "ja4_stable", "ja4_stable_others", "stable JA4");
}

static int check_id(const char *text)
{
	char ja4[JA4_TEXT];
	uint64_t key;

	if (hello_id_parse(text, &key, ja4) == 0)
		return EXIT_DONE;
	return cmd_fail(EXIT_MISUSE,
			"%s: neither the key of a ClientHello (16 hexadecimal digits) nor a JA4",
			text);
}

int cmd_hello_show(const struct cli_call *call)
{
	int code = check_id(call->args[0]);

	if (code != EXIT_DONE)
		return code;
	return cmd_show(call, json_pack("{s:s, s:s}", "verb", "hello show", "id", call->args[0]),
			render_show);
}

static void render_name(const json_t *a, const struct text_style *s)
{
	const char *id = is_null(a, "hello") ? get_text(a, "ja4") : get_text(a, "hello");

	(void)s;
	if (is_null(a, "hello_name"))
		printf("%s has no name now\n", id);
	else
		printf("%s is called %s now\n", id, get_text(a, "hello_name"));
}

int cmd_hello_name(const struct cli_call *call)
{
	const char *name = call->args[1];
	json_t *request;
	char why[128];
	int code = check_id(call->args[0]);

	if (code != EXIT_DONE)
		return code;
	if (*name && hello_name_check(name, why, sizeof(why)) < 0)
		return cmd_fail(EXIT_MISUSE, "%s", why);
	request = json_pack("{s:s, s:s, s:s}", "verb", "hello name", "id", call->args[0], "name",
			    name);
	if (!request)
		return cmd_fail(EXIT_MISUSE, "name: not valid UTF-8");
	return cmd_show(call, request, render_name);
}
