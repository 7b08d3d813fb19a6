/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine log`: the audit. Who asked for what, and how it went.
 */
#include <inttypes.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/prefix.h"
#include "user/cmd.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/export/event.h"

struct logging {
	const struct cli_call *call;
	struct text_style style;
	struct prefix within;	   /* ::/0: all */
	char campaign[FORMAT_MAX]; /* "": any */
	uint64_t last;		   /* the newest event that was printed */
	bool begun;		   /* the first line has come, which is the answer */
	int code;
};

/* A prefix, an address, or the id of a campaign. */
static int read_object(struct logging *l)
{
	const char *typed = l->call->args[0];
	uint32_t id;

	if (!typed)
		return EXIT_DONE;
	if (strncmp(typed, "c-", 2) == 0 && campaign_parse(typed, &id) == 0) {
		snprintf(l->campaign, sizeof(l->campaign), "c-%04" PRIx32, id);
		return EXIT_DONE;
	}
	return cmd_read_prefix(typed, &l->within);
}

static json_t *build(const struct logging *l)
{
	json_t *request = json_pack("{s:s}", "verb", "log");

	if (l->campaign[0])
		json_object_set_new(request, "id", json_string(l->campaign));
	else if (l->call->args[0])
		json_object_set_new(request, "within", json_string(l->call->args[0]));
	return request;
}

static bool is_wanted(const struct logging *l, const json_t *event)
{
	if (l->campaign[0])
		return event_about(event, l->campaign);
	return !l->call->args[0] || event_within(event, &l->within);
}

/* --- What has been ---------------------------------------------------------------------------- */

static int ask_past(const struct logging *l, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *request = build(l);
	int code = cmd_put_number(l->call, OPT_LIMIT, request, "limit");

	return code == EXIT_DONE ? cmd_try(l->call, take_ptr(request), -1, ret) : code;
}

static void render_log(const json_t *a, const struct text_style *s)
{
	print_events(json_object_get(a, "events"), s, stdout);
	print_shown(a, "events", "events");
}

static int show_past(const struct logging *l)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int code = ask_past(l, &answer);

	if (code == EXIT_DONE)
		code = cmd_settle(l->call, answer);
	if (code == EXIT_DONE && !l->call->option[OPT_JSON])
		render_log(answer, &l->style);
	return code;
}

/* --- And what comes --------------------------------------------------------------------------- */

static void put_event(struct logging *l, const json_t *event)
{
	if (l->call->option[OPT_JSON])
		l->code = cmd_print_json_line(event);
	else
		print_event(event, &l->style, stdout);
	if (fflush(stdout) == EOF)
		l->code = cmd_fail(EXIT_NO, "cannot write the answer");
	if (get_number(event, "id") > l->last)
		l->last = get_number(event, "id");
}

/* A line of its own, with the envelope that a followed one has. */
static void put_past_event(struct logging *l, const json_t *event)
{
	_cleanup_(json_decrefp) json_t *line = answer_new("event");

	json_object_update(line, (json_t *)event);
	put_event(l, line);
}

/* The past is asked for when the agent has begun to tell, so that nothing is missed in between;
 * what comes twice is known by its number. */
static void begin(struct logging *l)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	enum answer_code error;
	const char *text;
	json_t *event;
	size_t i;

	l->begun = true;
	l->code = ask_past(l, &answer);
	if (l->code == EXIT_DONE && answer_is_error(answer, &error, &text))
		l->code = cmd_settle(l->call, answer);
	if (l->code != EXIT_DONE)
		return;
	json_array_foreach(json_object_get(answer, "events"), i, event)
		put_past_event(l, event);
	fflush(stdout);
}

static bool on_line(const json_t *line, void *arg)
{
	struct logging *l = arg;
	const char *kind = answer_kind(line);

	if (!l->begun)
		begin(l);
	else if (strcmp(kind, "lost") == 0)
		cmd_fail(EXIT_NO, "%" PRIu64 " events not shown: too many for this reader",
			 get_number(line, "lines"));
	else if (strcmp(kind, "event") == 0 && get_number(line, "id") > l->last &&
		 is_wanted(l, line))
		put_event(l, line);
	return l->code == EXIT_DONE;
}

int cmd_log(const struct cli_call *call)
{
	struct logging l = { .call = call, .style = cmd_style(call), .code = EXIT_DONE };
	int code = read_object(&l);

	if (code != EXIT_DONE)
		return code;
	if (!call->option[OPT_FOLLOW])
		return show_past(&l);
	code = cmd_follow(call, json_pack("{s:s}", "verb", "log follow"), on_line, &l);
	return code == EXIT_DONE ? l.code : code;
}
