/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine check ADDR`: would it be dropped now, and why. Exit 0 when it would, 1 when it would not.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"

#define LABEL "%-12s"

static void print_entry(const json_t *a)
{
	const json_t *e = json_object_get(a, "entry"), *hits = json_object_get(e, "hits");
	char left[FORMAT_MAX], count[FORMAT_MAX], hello[FORMAT_HELLO];

	if (!json_is_object(e)) {
		printf(LABEL "none covers it\n", "entry");
		return;
	}
	printf(LABEL "%s, action %s, by %s, left: %s\n", "entry", get_text(e, "prefix"),
	       get_text(e, "action"), get_text(e, "origin"), format_left(e, left));
	if (!is_null(e, "hello"))
		printf(LABEL "only with %s\n", "", format_hello(e, hello));
	if (*get_text(e, "note"))
		printf(LABEL "%s\n", "note", get_text(e, "note"));
	printf(LABEL "%s packets\n", "hits", format_count(get_number(hits, "packets"), count));
}

static void print_allow(const json_t *a)
{
	const json_t *allow = json_object_get(a, "allow");

	if (json_is_object(allow))
		printf(LABEL "%s %s\n", "allowed by", get_text(allow, "prefix"),
		       get_text(allow, "note"));
	else
		printf(LABEL "not on the list\n", "allow");
}

static void print_source(const json_t *a)
{
	const json_t *f = json_object_get(a, "source"), *gap = json_object_get(f, "gap");
	char ago[FORMAT_MAX], hello[FORMAT_HELLO];

	printf(LABEL "%s\n", "campaign",
	       is_null(a, "campaign") ? "member of none" : get_text(a, "campaign"));
	if (!json_is_object(f)) {
		printf(LABEL "no proven connection in the window\n", "seen");
		return;
	}
	printf(LABEL "%llu requests, last %s; gaps: none %llu, single %llu, dual %llu\n", "seen",
	       (unsigned long long)get_number(f, "requests"), format_ago(f, "last", ago),
	       (unsigned long long)get_number(gap, "none"),
	       (unsigned long long)get_number(gap, "single"),
	       (unsigned long long)get_number(gap, "dual"));
	printf(LABEL "%s\n", "ClientHello", format_hello(f, hello));
	printf(LABEL "about %.1f\n", "stacks", get_real(f, "stacks"));
}

static void render_check(const json_t *a, const struct text_style *s)
{
	bool drops = get_flag(a, "drops");

	printf("%s%s %s%s\n", text_colour(s, drops ? TEXT_RED : TEXT_GREEN), get_text(a, "address"),
	       get_text(a, "sentence"), text_colour(s, TEXT_PLAIN));
	print_entry(a);
	print_allow(a);
	print_source(a);
}

int cmd_check(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct text_style style = cmd_style(call);
	int code;

	code = cmd_check_address(call->args[0]);
	if (code == EXIT_DONE)
		code = cmd_ask(call,
			       json_pack("{s:s, s:s}", "verb", "check", "address", call->args[0]),
			       &answer);
	if (code != EXIT_DONE)
		return code;
	if (!call->option[OPT_JSON])
		render_check(answer, &style);
	return get_flag(answer, "drops") ? EXIT_DONE : EXIT_NO;
}
