/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine check ADDR`: would it be dropped now, and why. Exit 0 when it would, 1 when it would not.
 */
#include <string.h>
#include <time.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/export/entries.h"

#define LABEL "%-12s"

/* The one that decides. */
static void print_entry(const json_t *a, const struct text_style *s)
{
	const json_t *e = json_object_get(a, "entry"), *hits = json_object_get(e, "hits");
	char text[FORMAT_ENTRY], count[FORMAT_MAX], hello[FORMAT_HELLO];

	if (!json_is_object(e)) {
		text_fact(s, stdout, "entry", TEXT_PLAIN, "none covers it");
		return;
	}
	text_fact(s, stdout, "entry", TEXT_PLAIN, "%s", format_entry(e, text));
	if (!is_null(e, "hello"))
		text_fact(s, stdout, "", TEXT_PLAIN, "only with %s", format_hello(e, hello));
	if (*get_text(e, "note"))
		text_fact(s, stdout, "note", TEXT_PLAIN, "%s", get_text(e, "note"));
	text_fact(s, stdout, "hits", TEXT_PLAIN, "%s packets",
		  format_count(get_number(hits, "packets"), count));
}

static void print_allow(const json_t *a, const struct text_style *s)
{
	const json_t *allow = json_object_get(a, "allow");

	if (json_is_object(allow))
		text_fact(s, stdout, "allowed by", TEXT_PLAIN, "%s %s", get_text(allow, "prefix"),
			  get_text(allow, "note"));
	else
		text_fact(s, stdout, "allow", TEXT_PLAIN, "not on the list");
}

/* What keeps anybody from dropping it. */
static void print_guards(const json_t *a, const struct text_style *s)
{
	json_t *guard;
	size_t i;

	json_array_foreach(json_object_get(a, "guards"), i, guard)
		text_fact(s, stdout, i ? "" : "guarded by", TEXT_GREEN, "%s %s%s%s",
			  get_text(guard, "rule"), get_text(guard, "prefix"),
			  is_null(guard, "note") || !*get_text(guard, "note") ? "" : ": ",
			  is_null(guard, "note") ? "" : get_text(guard, "note"));
}

static void print_others(const json_t *a, const struct text_style *s)
{
	const json_t *covering = json_object_get(a, "covering");

	if (!json_array_size(covering))
		return;
	putchar('\n');
	print_covering(covering, json_object_get(a, "entry"),
		       json_is_object(json_object_get(a, "allow")), s, stdout);
}

static void print_source(const json_t *a)
{
	const json_t *f = json_object_get(a, "source");
	char hello[FORMAT_HELLO];

	printf(LABEL "%s\n", "campaign",
	       is_null(a, "campaign") ? "member of none" : get_text(a, "campaign"));
	if (json_is_object(f))
		printf(LABEL "%s\n", "ClientHello", format_hello(f, hello));
}

#define DAYS 45 /* that history is asked for: the longest window of the correlator */

/* What it did on each of the last days; days are as long as the agent's. */
static void print_days(const json_t *profile, const struct text_style *s)
{
	const json_t *list = json_object_get(profile, "days");
	uint64_t day_sec = get_number(profile, "day_sec"), now = (uint64_t)time(NULL), ago;
	double values[DAYS] = { 0 };
	json_t *day;
	size_t i;

	if (!json_array_size(list) || !day_sec)
		return;
	json_array_foreach((json_t *)list, i, day) {
		ago = (now - get_number(day, "start")) / day_sec;
		if (get_number(day, "start") <= now && ago < DAYS)
			values[DAYS - 1 - ago] = get_real(day, "requests");
	}
	printf("\nRequests on each of the last %d days, today on the right\n  ", DAYS);
	text_bars(values, DAYS, s, stdout);
}

static void print_profile(const json_t *profile, const struct text_style *s)
{
	print_side(profile, "life", "What was measured", '*', s);
	print_days(profile, s);
	print_side(profile, "for", "What speaks for dropping it", '+', s);
	print_side(profile, "against", "What speaks against dropping it", '-', s);
	print_side(profile, "without", "What would change that", '*', s);
}

static void render_check(const json_t *a, const struct text_style *s)
{
	bool drops = get_flag(a, "drops");

	printf("%s%s %s%s\n", text_colour(s, drops ? TEXT_RED : TEXT_GREEN), get_text(a, "address"),
	       get_text(a, "sentence"), text_colour(s, TEXT_PLAIN));
	print_entry(a, s);
	print_allow(a, s);
	print_guards(a, s);
	print_source(a);
	print_others(a, s);
	print_profile(json_object_get(a, "profile"), s);
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
