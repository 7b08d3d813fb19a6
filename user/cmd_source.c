/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine src`, `seine net`: who talks to the protected ports.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/prefix.h"
#include "user/cmd.h"

/* The class that most of its handshakes fell into, of those whose timing can be trusted. */
static const char *main_gap(const json_t *source)
{
	const json_t *gap = json_object_get(source, "gap");
	uint64_t none = get_number(gap, "none"), single = get_number(gap, "single");
	uint64_t dual = get_number(gap, "dual");

	if (dual && dual >= single && dual >= none)
		return "dual";
	if (single && single >= none)
		return "single";
	return none ? "none" : "-";
}

static void render_sources(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "SOURCE", TEXT_LEFT, true },	  { "REQ", TEXT_RIGHT, false },
		{ "CONN", TEXT_RIGHT, false },	  { "GAP", TEXT_LEFT, false },
		{ "GAP MS", TEXT_RIGHT, false },  { "RTT MS", TEXT_RIGHT, false },
		{ "STACKS", TEXT_RIGHT, false },  { "LAST", TEXT_RIGHT, false },
		{ "CAMPAIGN", TEXT_LEFT, false }, { "ENTRY", TEXT_LEFT, false },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *source;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach(json_object_get(a, "sources"), i, source) {
		char n[FORMAT_MAX];

		text_cell(t, "%s", get_text(source, "source"));
		text_cell(t, "%s", format_count(get_number(source, "requests"), n));
		text_cell(t, "%s", format_count(get_number(source, "connections"), n));
		text_cell(t, "%s", main_gap(source));
		text_cell(t, "%.0f", get_real(source, "gap_ms"));
		text_cell(t, "%.1f", get_real(source, "rtt_ms"));
		text_cell(t, "%.1f", get_real(source, "stacks"));
		text_cell(t, "%s", format_age(get_number(source, "idle_sec"), n));
		text_cell(t, "%s", get_text(source, "campaign"));
		text_cell(t, "%s", get_text(source, "entry"));
	}
	text_table_print(t, s, stdout);
	print_shown(a, "sources", "sources with a proven connection");
}

#define LABEL "%-16s"

static void print_totals(const json_t *t)
{
	char a[FORMAT_MAX], b[FORMAT_MAX], c[FORMAT_MAX];

	printf(LABEL "%s, last %s\n", "first seen", format_ago(t, "first", a),
	       format_ago(t, "last", b));
	printf(LABEL "%s in %s packets\n", "received", format_bytes(get_number(t, "bytes"), a),
	       format_count(get_number(t, "packets"), b));
	printf(LABEL "%s, %s with their handshake seen; at most %s at once\n", "connections",
	       format_count(get_number(t, "connections"), a),
	       format_count(get_number(t, "handshakes"), b),
	       format_count(get_number(t, "open_max"), c));
	printf(LABEL "%s, %s up, %s down\n", "requests", format_count(get_number(t, "requests"), a),
	       format_bytes(get_number(t, "request_bytes"), b),
	       format_bytes(get_number(t, "response_bytes"), c));
	printf(LABEL "ClientHello %s times, SYN %s times\n", "changed",
	       format_count(get_number(t, "hello_changes"), a),
	       format_count(get_number(t, "syn_changes"), b));
}

static void print_window(const json_t *f, uint64_t window_sec)
{
	const json_t *gap = json_object_get(f, "gap");
	char a[FORMAT_MAX], hello[FORMAT_HELLO];

	printf("\nin the window of %s\n", format_time(window_sec, a));
	printf(LABEL "%s\n", "requests", format_count(get_number(f, "requests"), a));
	printf(LABEL "none %llu, single %llu, dual %llu, unknown %llu; mean %.1f ms\n", "gaps",
	       (unsigned long long)get_number(gap, "none"),
	       (unsigned long long)get_number(gap, "single"),
	       (unsigned long long)get_number(gap, "dual"),
	       (unsigned long long)get_number(gap, "unknown"), get_real(f, "gap_ms"));
	printf(LABEL "%.1f ms\n", "round trip", get_real(f, "rtt_ms"));
	printf(LABEL "about %.1f\n", "TCP/TLS stacks", get_real(f, "stacks"));
	printf(LABEL "%s\n", "ClientHello", format_hello(f, hello));
	printf(LABEL "%s\n", "campaign", get_text(f, "campaign"));
	printf(LABEL "%s\n", "entry", get_text(f, "entry"));
}

static void render_source(const json_t *a, const struct text_style *s)
{
	const json_t *features = json_object_get(a, "source");

	(void)s;
	printf(LABEL "%s\n", "source", get_text(a, "address"));
	print_totals(json_object_get(a, "totals"));
	printf(LABEL "%s\n", "SYN", get_text(a, "syn"));
	if (json_is_object(features))
		print_window(features, get_number(a, "window_sec"));
}

static bool is_address(const char *text)
{
	struct prefix p;
	char why[CLI_WHY];

	return prefix_parse_address(text, why, sizeof(why), &p) == 0;
}

/* Lists, with --sort, --limit and perhaps a prefix that rows must touch. */
static int list(const struct cli_call *call, const char *verb, cmd_render render)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", verb);
	const char *within = call->args[0];
	int code = EXIT_DONE;

	if (within) {
		code = cmd_check_prefix(within);
		json_object_set_new(request, "within", json_string(within));
	}
	if (code == EXIT_DONE)
		code = cmd_put_rows(call, request);
	if (code != EXIT_DONE)
		return code;
	return cmd_show(call, take_ptr(request), render);
}

int cmd_src(const struct cli_call *call)
{
	const char *what = call->args[0];

	if (what && is_address(what))
		return cmd_show(call, json_pack("{s:s, s:s}", "verb", "source", "address", what),
				render_source);
	return list(call, "src", render_sources);
}

static void render_nets(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "PREFIX", TEXT_LEFT, true },	   { "SOURCES", TEXT_RIGHT, false },
		{ "REQ", TEXT_RIGHT, false },	   { "CONN", TEXT_RIGHT, false },
		{ "SYNS", TEXT_RIGHT, false },	   { "RESETS", TEXT_RIGHT, false },
		{ "RECEIVED", TEXT_RIGHT, false }, { "LAST", TEXT_RIGHT, false },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *net;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach(json_object_get(a, "prefixes"), i, net) {
		char n[FORMAT_MAX];

		text_cell(t, "%s", is_null(net, "prefix") ? "(others)" : get_text(net, "prefix"));
		text_cell(t, "%s", format_count(get_number(net, "sources"), n));
		text_cell(t, "%s", format_count(get_number(net, "requests"), n));
		text_cell(t, "%s", format_count(get_number(net, "connections"), n));
		text_cell(t, "%s", format_count(get_number(net, "syns"), n));
		text_cell(t, "%s", format_count(get_number(net, "resets"), n));
		text_cell(t, "%s", format_bytes(get_number(net, "bytes"), n));
		text_cell(t, "%s", format_age(get_number(net, "idle_sec"), n));
	}
	text_table_print(t, s, stdout);
	print_shown(a, "prefixes", "prefixes with a proven source");
}

int cmd_net(const struct cli_call *call)
{
	return list(call, "net", render_nets);
}
