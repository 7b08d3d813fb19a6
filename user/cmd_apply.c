/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine apply`: changes on trial. Unless they are confirmed in time, mode, operators' entries and
 * allow list come back as they were, also when nobody can reach the host any more.
 */
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/cmd_bulk.h"
#include "user/export/change.h"

static void render_trial(const json_t *a, const struct text_style *s)
{
	print_trial(get_object(a, "trial"), s, stdout);
}

static void render_confirmed(const json_t *a, const struct text_style *s)
{
	(void)a;
	(void)s;
	puts("confirmed: the changes stay");
}

static void render_reverted(const json_t *a, const struct text_style *s)
{
	(void)a;
	(void)s;
	puts("reverted: mode, entries and allow list are as they were before the trial");
}

static int begin_request(const struct cli_call *call, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "apply begin");
	int code = cmd_put_time(call, OPT_CONFIRM_WITHIN, request, "within_sec");

	if (code == EXIT_DONE)
		*ret = take_ptr(request);
	return code;
}

/*
 * A file that is bad is found before anything is on trial. What fails later, ends the trial that
 * was begun for it.
 */
static int try_file(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *begin = NULL, *replace = NULL, *dry = NULL;
	_cleanup_(closep) int fd = -1;
	int code = begin_request(call, &begin);

	if (code == EXIT_DONE)
		code = cmd_bulk_replace_request(call, &replace);
	if (code == EXIT_DONE)
		code = cmd_bulk_open(call, &fd);
	if (code != EXIT_DONE)
		return code;

	dry = json_deep_copy(replace);
	json_object_set_new(dry, "dry_run", json_true());
	code = cmd_bulk_step(call, take_ptr(dry), fd);
	if (code == EXIT_DONE)
		code = cmd_bulk_step(call, take_ptr(begin), -1);
	if (code != EXIT_DONE)
		return code;
	code = cmd_bulk_show(call, take_ptr(replace), fd);
	if (code != EXIT_DONE)
		(void)cmd_bulk_step(call, json_pack("{s:s}", "verb", "apply revert"), -1);
	return code;
}

static int begin(const struct cli_call *call)
{
	json_t *request = NULL;
	int code;

	if (call->args[0])
		return try_file(call);
	code = begin_request(call, &request);
	return code == EXIT_DONE ? cmd_show(call, request, render_trial) : code;
}

int cmd_apply(const struct cli_call *call)
{
	bool within = call->option[OPT_CONFIRM_WITHIN], confirm = call->option[OPT_CONFIRM];
	bool revert = call->option[OPT_REVERT];

	if (within + confirm + revert > 1)
		return cmd_fail(EXIT_MISUSE,
				"--confirm-within, --confirm, --revert: give one of the three");
	if (call->args[0] && !within)
		return cmd_fail(EXIT_MISUSE, "apply %s: needs --confirm-within TIME",
				call->args[0]);
	if (within)
		return begin(call);
	if (confirm)
		return cmd_show(call, json_pack("{s:s}", "verb", "apply confirm"),
				render_confirmed);
	if (revert)
		return cmd_show(call, json_pack("{s:s}", "verb", "apply revert"), render_reverted);
	return cmd_show(call, json_pack("{s:s}", "verb", "apply"), render_trial);
}
