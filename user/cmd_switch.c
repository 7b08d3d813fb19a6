/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine mode`, `seine off`, `seine on`.
 *
 * Off and on write the pinned map themselves: an emergency stop must not need an agent that is
 * alive and has time. Only who may not open the map (members of seine-admin) asks the agent to do
 * it.
 */
#include <errno.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/control/answer.h"
#include "user/kernel/datapath.h"

static void render_mode(const json_t *a, const struct text_style *s)
{
	(void)s;
	printf("%s%s\n", get_text(a, "mode"), get_flag(a, "off") ? ", but switched off" : "");
}

/* What whoever lets entries drop should know, to stderr. */
static void warn_of_enforcing(const json_t *status)
{
	const json_t *trial = json_object_get(status, "trial"), *guards;
	char left[FORMAT_MAX];
	uint64_t total = 0;
	const char *rule;
	json_t *n;

	guards = json_object_get(status, "guards");
	json_object_foreach((json_t *)guards, rule, n)
		total += get_number(guards, rule);
	if (guards && !total)
		cmd_fail(EXIT_NO,
			 "warning: the guards could not be read: this host's own addresses, "
			 "gateways and resolvers are not protected");
	if (get_flag(trial, "active"))
		cmd_fail(EXIT_NO,
			 "warning: on trial, %s left: unless seine apply --confirm is typed, the "
			 "mode comes back as it was",
			 format_time(get_number(trial, "left_sec"), left));
}

/* How long it holds, and what is wrong; both are in the status. */
static void explain_mode(const struct cli_call *call, const char *mode)
{
	_cleanup_(json_decrefp) json_t *status = NULL;

	if (cmd_try(call, json_pack("{s:s}", "verb", "status"), -1, &status) != EXIT_DONE)
		return;
	if (!call->option[OPT_JSON])
		puts(is_null(status, "state")
			     ? "until seined restarts; mode = in [agent] of seine.conf decides "
			       "from then on"
			     : "recorded: it holds until it is set again, or mode = in seine.conf "
			       "changes");
	if (strcmp(mode, "enforce") == 0)
		warn_of_enforcing(status);
}

static int set_mode(const struct cli_call *call, const char *mode)
{
	int code;

	if (strcmp(mode, "observe") != 0 && strcmp(mode, "enforce") != 0)
		return cmd_fail(EXIT_MISUSE, "mode: %s: observe or enforce", mode);
	code = cmd_show(call, json_pack("{s:s, s:s}", "verb", "mode set", "mode", mode),
			render_mode);
	if (code == EXIT_DONE)
		explain_mode(call, mode);
	return code;
}

int cmd_mode(const struct cli_call *call)
{
	const char *mode = call->args[0];

	return mode ? set_mode(call, mode)
		    : cmd_show(call, json_pack("{s:s}", "verb", "mode"), render_mode);
}

static void datapath_closep(struct datapath **d)
{
	if (*d)
		datapath_close(*d);
}

static int write_switch(const char *pin_dir, bool off, char *why)
{
	_cleanup_(datapath_closep) struct datapath *d = NULL;
	int r;

	r = datapath_open_pinned(pin_dir, why, &d);
	if (r < 0)
		return r;
	r = datapath_switch_off(d, off);
	if (r < 0)
		snprintf(why, DATAPATH_WHY, "%.160s: cannot write the kill switch: %s", pin_dir,
			 strerror(-r));
	return r;
}

static void render_switch(const json_t *a, const struct text_style *s)
{
	(void)s;
	puts(get_flag(a, "off") ? "off: everything passes; seine on ends this"
				: "on: entries and mode count again");
}

static int report_switch(const struct cli_call *call, bool off)
{
	_cleanup_(json_decrefp) json_t *answer = answer_new("switch");
	struct text_style style = cmd_style(call);

	json_object_set_new(answer, "off", json_boolean(off));
	if (call->option[OPT_JSON])
		return cmd_print_json(answer);
	render_switch(answer, &style);
	return EXIT_DONE;
}

/* A broken configuration must not stand in the way of the emergency stop. */
static int switch_to(const struct cli_call *call, bool off)
{
	char why[DATAPATH_WHY] = "";
	struct conf conf;
	int r;

	if (cmd_conf(call, &conf) != EXIT_DONE)
		conf_default(&conf);
	r = write_switch(conf.pin_dir, off, why);
	if (r == 0)
		return report_switch(call, off);
	if (r == -EACCES || r == -EPERM)
		return cmd_show(call, json_pack("{s:s}", "verb", off ? "off" : "on"),
				render_switch);
	if (r == -ENOENT)
		return cmd_fail(EXIT_NO, "%s: nothing of seine is loaded here", conf.pin_dir);
	return cmd_fail(EXIT_NO, "%s", why);
}

int cmd_off(const struct cli_call *call)
{
	return switch_to(call, true);
}

int cmd_on(const struct cli_call *call)
{
	return switch_to(call, false);
}
