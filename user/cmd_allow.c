/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine allow`: what always passes.
 */
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/export/change.h"
#include "user/export/entries.h"

static void render_allows(const json_t *a, const struct text_style *s)
{
	print_allows(json_object_get(a, "entries"), s, stdout);
	print_shown(a, "entries", "entries");
}

int cmd_allow_list(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "allow list");
	int code = cmd_put_rows(call, request);

	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render_allows) : code;
}

static void render_allowed(const json_t *a, const struct text_style *s)
{
	print_allowed(a, s, stdout);
}

int cmd_allow_add(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request =
		json_pack("{s:s, s:s}", "verb", "allow add", "prefix", call->args[0]);
	int code = cmd_check_entry_prefix(call->args[0]);

	if (code == EXIT_DONE)
		code = cmd_put_terms(call, request);
	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render_allowed) : code;
}

static void render_removed(const json_t *a, const struct text_style *s)
{
	(void)s;
	printf("%s: removed from the allow list\n",
	       get_text(json_object_get(a, "removed"), "prefix"));
}

int cmd_allow_del(const struct cli_call *call)
{
	int code = cmd_check_prefix(call->args[0]);

	if (code != EXIT_DONE)
		return code;
	return cmd_show(call, json_pack("{s:s, s:s}", "verb", "allow del", "prefix", call->args[0]),
			render_removed);
}
