/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine campaign`: what was found, who belongs to it, and why.
 */
#include <string.h>
#include <time.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/control/request.h"
#include "user/export/standing.h"

#define LABEL "%-12s"

/* "path, density" */
static const char *join(const json_t *words, const char *between, char *buf, size_t size)
{
	size_t used = 0, i;
	json_t *word;

	buf[0] = '\0';
	json_array_foreach((json_t *)words, i, word) {
		if (used < size)
			used += snprintf(buf + used, size - used, "%s%s", i ? between : "",
					 json_string_value(word));
	}
	return buf;
}

/* Fewer heard than half of what their rate lets expect are silent; a tenth more members than a day
 * ago are news. */
static const char *state_of(const json_t *c)
{
	if (!is_null(c, "ended"))
		return "ended";
	if (get_real(c, "awake") < 0.5 * get_real(c, "awake_expected"))
		return "silent";
	return get_real(c, "members") > 1.1 * get_real(c, "grown_from") ? "growing" : "steady";
}

static void render_list(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "ID", TEXT_LEFT, false },	  { "STATE", TEXT_LEFT, false },
		{ "MEMBERS", TEXT_RIGHT, false }, { "REQ/DAY", TEXT_RIGHT, false },
		{ "RUNG", TEXT_LEFT, false },	  { "ENTRIES", TEXT_RIGHT, false },
		{ "FIRST", TEXT_RIGHT, false },	  { "LAST", TEXT_RIGHT, false },
		{ "EVIDENCE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	const json_t *list = json_object_get(a, "campaigns");
	char families[64], n[FORMAT_MAX];
	json_t *c;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)list, i, c) {
		text_cell(t, "%s", get_text(c, "id"));
		text_cell(t, "%s", state_of(c));
		text_cell(t, "%s", format_count(get_number(c, "members"), n));
		text_cell(t, "%s", format_count((uint64_t)get_real(c, "rate"), n));
		text_cell(t, "%s", standing_word(json_object_get(c, "standing")));
		text_cell(t, "%s", format_count(get_number(c, "entries"), n));
		text_cell(t, "%s", format_since(c, "first", n));
		text_cell(t, "%s", format_since(c, is_null(c, "ended") ? "last" : "ended", n));
		text_cell(t, "%s",
			  join(json_object_get(c, "evidence"), " ", families, sizeof(families)));
	}
	text_table_print(t, s, stdout);
	if (!json_array_size(list))
		printf("No campaign among %s sources in %llu cohorts.\n",
		       format_count(get_number(a, "sources"), n),
		       (unsigned long long)get_number(a, "cohorts"));
}

int cmd_campaign_list(const struct cli_call *call)
{
	return cmd_show(call, json_pack("{s:s}", "verb", "campaign list"), render_list);
}

static int check_id(const char *typed)
{
	uint32_t id;

	if (campaign_parse(typed, &id) < 0)
		return cmd_fail(EXIT_MISUSE, "%s: not the id of a campaign, such as c-1f3a", typed);
	return EXIT_DONE;
}

/* All questions about one campaign. */
static int ask_about(const struct cli_call *call, const char *verb, cmd_render render)
{
	_cleanup_(json_decrefp) json_t *request =
		json_pack("{s:s, s:s}", "verb", verb, "id", call->args[0]);
	int code = check_id(call->args[0]);

	if (code == EXIT_DONE)
		code = cmd_put_number(call, OPT_LIMIT, request, "limit");
	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render) : code;
}

static void print_summary(const json_t *answer, const struct text_style *s)
{
	const json_t *c = json_object_get(answer, "campaign");
	const json_t *standing = json_object_get(c, "standing");
	char a[FORMAT_MAX], b[FORMAT_MAX], families[64];

	printf(LABEL "%s, %s, first found %s, last %s\n", "campaign", get_text(c, "id"),
	       state_of(c), format_ago(c, "first", a), format_ago(c, "last", b));
	printf(LABEL "%s; %s sources with the same ClientHello and a second leg\n", "members",
	       format_count(get_number(c, "members"), a),
	       format_count(get_number(c, "sources"), b));
	printf(LABEL "%s\n", "requests", format_count(get_number(c, "requests"), a));
	if (!is_null(c, "hello_name"))
		printf(LABEL "%s\n", "client", get_text(c, "hello_name"));
	printf(LABEL "ClientHello %s, gap %s, second leg %.0f to %.0f ms\n", "sameness",
	       get_text(c, "hello"), get_text(c, "gap"), get_real(c, "gap_low_ms"),
	       get_real(c, "gap_high_ms"));
	printf(LABEL "%s; q = %.1e\n", "evidence",
	       join(json_object_get(c, "evidence"), ", ", families, sizeof(families)),
	       get_real(c, "q"));
	printf(LABEL "%llu in force\n", "entries", (unsigned long long)get_number(c, "entries"));
	print_standing(standing ? standing : json_object_get(answer, "standing"),
		       (uint64_t)time(NULL), s, stdout);
}

static void print_prefixes(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "PREFIX", TEXT_LEFT, false },
		{ "MEMBERS", TEXT_RIGHT, false },
		{ "SOURCES SEEN", TEXT_RIGHT, false },
		{ "PURITY AT LEAST", TEXT_RIGHT, false },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *p;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach(json_object_get(a, "prefixes"), i, p) {
		text_cell(t, "%s", get_text(p, "prefix"));
		text_cell(t, "%llu", (unsigned long long)get_number(p, "members"));
		text_cell(t, "%llu", (unsigned long long)get_number(p, "sources"));
		text_cell(t, "%.1f %%", 100 * get_real(p, "purity"));
	}
	if (!json_array_size(json_object_get(a, "prefixes")))
		return;
	putchar('\n');
	text_table_print(t, s, stdout);
}

static void print_members(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "MEMBER", TEXT_LEFT, false },	  { "REQ", TEXT_RIGHT, false },
		{ "GAP MS", TEXT_RIGHT, false },  { "LOCAL FDR", TEXT_RIGHT, false },
		{ "LOG10 E", TEXT_RIGHT, false }, { "SINCE", TEXT_LEFT, false },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	const json_t *members = json_object_get(a, "members");
	uint64_t total = get_number(json_object_get(a, "campaign"), "members");
	char n[FORMAT_MAX];
	json_t *m;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)members, i, m) {
		text_cell(t, "%s", get_text(m, "source"));
		text_cell(t, "%llu", (unsigned long long)get_number(m, "requests"));
		text_cell(t, "%.0f", get_real(m, "gap_ms"));
		text_cell(t, "%.3f", get_real(m, "lfdr"));
		text_cell(t, "%.1f", get_real(m, "log10_e"));
		text_cell(t, "%s%s", format_ago(m, "joined", n),
			  get_flag(m, "seed") ? ", seed" : "");
	}
	putchar('\n');
	text_table_print(t, s, stdout);
	if (json_array_size(members) < total)
		printf("%zu of %llu members shown; --limit N shows more\n",
		       json_array_size(members), (unsigned long long)total);
}

static void render_show(const json_t *a, const struct text_style *s)
{
	print_summary(a, s);
	print_prefixes(a, s);
	print_members(a, s);
}

int cmd_campaign_show(const struct cli_call *call)
{
	return ask_about(call, "campaign show", render_show);
}

/* Of a campaign that is only in history. */
static void print_dossier(const json_t *d, const struct text_style *s)
{
	char when[FORMAT_MAX];

	if (json_is_object(d))
		printf("%sAs it was known on %s (%s). It is no longer followed.%s\n",
		       text_colour(s, TEXT_YELLOW), format_date(d, "time", when),
		       get_text(d, "event"), text_colour(s, TEXT_PLAIN));
}

static void render_explain(const json_t *a, const struct text_style *s)
{
	json_t *one;
	size_t i;

	print_dossier(json_object_get(a, "dossier"), s);
	print_summary(a, s);
	print_side(a, "for", "What speaks for it", '+', s);
	print_side(a, "against", "What speaks against it", '-', s);
	print_side(a, "without", "If one kind of evidence were wrong", '*', s);
	print_side(a, "effect", "What dropping it would hit", '*', s);
	print_side(a, "life", "How it lives", '*', s);

	json_array_foreach(json_object_get(a, "refusals"), i, one) {
		if (i == 0)
			print_title("What was refused", s);
		printf("  - %s: %s\n", get_text(one, "prefix"), get_text(one, "reason"));
	}
}

int cmd_campaign_explain(const struct cli_call *call)
{
	return ask_about(call, "campaign explain", render_explain);
}

static void render_history(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "TIME", TEXT_LEFT, false },	  { "EVENT", TEXT_LEFT, false },
		{ "MEMBERS", TEXT_RIGHT, false }, { "REQ/DAY", TEXT_RIGHT, false },
		{ "Q", TEXT_RIGHT, false },	  { "EVIDENCE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	const json_t *list = json_object_get(a, "dossiers");
	char families[64], n[FORMAT_MAX];
	json_t *d;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)list, i, d) {
		text_cell(t, "%s", format_date(d, "time", n));
		text_cell(t, "%s", get_text(d, "event"));
		text_cell(t, "%s", format_count(get_number(d, "members"), n));
		text_cell(t, "%s", format_count((uint64_t)get_real(d, "rate"), n));
		text_cell(t, "%.1e", get_real(d, "q"));
		text_cell(t, "%s",
			  join(json_object_get(d, "evidence"), " ", families, sizeof(families)));
	}
	text_table_print(t, s, stdout);
	if (!json_array_size(list))
		puts(get_flag(a, "kept") ? "Nothing was decided about it yet."
					 : "No history is kept here.");
}

int cmd_campaign_history(const struct cli_call *call)
{
	return ask_about(call, "campaign history", render_history);
}

/* --- Orders ----------------------------------------------------------------------------------- */

static void render_standing(const json_t *a, const struct text_style *s)
{
	const json_t *standing = get_object(a, "standing");

	printf(LABEL "%s, %llu entries\n", "campaign", get_text(standing, "campaign"),
	       (unsigned long long)get_number(standing, "entries"));
	print_standing(standing, (uint64_t)time(NULL), s, stdout);
}

static int order(const struct cli_call *call, const char *verb)
{
	_cleanup_(json_decrefp) json_t *request =
		json_pack("{s:s, s:s}", "verb", verb, "id", call->args[0]);
	int code = check_id(call->args[0]);

	if (code == EXIT_DONE)
		code = cmd_put_text(call, OPT_NOTE, request, "note");
	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render_standing) : code;
}

int cmd_campaign_approve(const struct cli_call *call)
{
	return order(call, "campaign approve");
}

int cmd_campaign_pause(const struct cli_call *call)
{
	return order(call, "campaign pause");
}

int cmd_campaign_reject(const struct cli_call *call)
{
	return order(call, "campaign reject");
}
