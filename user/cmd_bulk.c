/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine drop replace`, `import`, `export`: whole lists, as files. The file goes to the agent as a
 * descriptor beside the request; the agent reads it, and names each line that is bad.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/cmd.h"
#include "user/cmd_bulk.h"
#include "user/control/answer.h"
#include "user/control/bulk.h"
#include "user/control/listfile.h"
#include "user/control/request.h"
#include "user/export/change.h"

#define FORMAT_READ "auto"   /* what the first line looks like */
#define FORMAT_WRITTEN "csv" /* holds all that can be said of an entry */

/* What the agent calls the file: a path that is too long for that is its last component. */
static const char *file_of(const struct cli_call *call)
{
	const char *path = call->args[0], *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return "stdin";
	return strlen(path) < REQUEST_NAME || !slash ? path : slash + 1;
}

static void still_reading(size_t bytes)
{
	char n[FORMAT_MAX];

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rseine: reading, %s ", format_bytes(bytes, n));
}

int cmd_bulk_open(const struct cli_call *call, int *ret_fd)
{
	char why[BULK_WHY];

	if (bulk_load(call->args[0], LISTFILE_BYTES, still_reading, why, ret_fd) < 0)
		return cmd_fail(EXIT_NO, "%s", why);
	return EXIT_DONE;
}

int cmd_bulk_step(const struct cli_call *call, json_t *request, int fd)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	enum answer_code error;
	const char *text;
	int code = cmd_try(call, request, fd, &answer);

	if (code == EXIT_DONE && answer_is_error(answer, &error, &text))
		code = cmd_settle(call, answer);
	return code;
}

int cmd_bulk_show(const struct cli_call *call, json_t *request, int fd)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct text_style style = cmd_style(call);
	int code = cmd_try(call, request, fd, &answer);

	if (code == EXIT_DONE)
		code = cmd_settle(call, answer);
	if (code != EXIT_DONE)
		return code;
	cmd_print_lines(call, json_object_get(answer, "skipped"),
			get_number(answer, "skipped_all"));
	if (!call->option[OPT_JSON])
		print_change(answer, &style, stdout);
	return EXIT_DONE;
}

static int build(const struct cli_call *call, const char *verb, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *request =
		json_pack("{s:s, s:s, s:s}", "verb", verb, "format",
			  call->option[OPT_FORMAT] ? call->option[OPT_FORMAT] : FORMAT_READ, "name",
			  file_of(call));
	int code = request ? cmd_put_terms(call, request)
			   : cmd_fail(EXIT_MISUSE, "file and format: not valid UTF-8");

	if (code == EXIT_DONE)
		*ret = take_ptr(request);
	return code;
}

static int send_file(const struct cli_call *call, json_t *request)
{
	_cleanup_(json_decrefp) json_t *owned = request;
	_cleanup_(closep) int fd = -1;
	int code = cmd_bulk_open(call, &fd);

	return code == EXIT_DONE ? cmd_bulk_show(call, take_ptr(owned), fd) : code;
}

int cmd_bulk_replace_request(const struct cli_call *call, json_t **ret)
{
	return build(call, "drop replace", ret);
}

int cmd_drop_replace(const struct cli_call *call)
{
	json_t *request = NULL;
	int code = cmd_bulk_replace_request(call, &request);

	return code == EXIT_DONE ? send_file(call, request) : code;
}

int cmd_drop_import(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request = NULL;
	int code;

	if (!call->option[OPT_FEED])
		return cmd_fail(EXIT_MISUSE, "drop import: needs --feed NAME");
	code = build(call, "drop import", &request);
	if (code == EXIT_DONE)
		code = cmd_put_text(call, OPT_FEED, request, "feed");
	if (code != EXIT_DONE)
		return code;
	cmd_put_flag(call, OPT_FORCE, request, "force");
	return send_file(call, take_ptr(request));
}

/* --- The way back ----------------------------------------------------------------------------- */

static int copy_out(int fd)
{
	char why[BULK_WHY];

	if (bulk_copy(fd, STDOUT_FILENO, why) < 0)
		return cmd_fail(EXIT_NO, "%s", why);
	return EXIT_DONE;
}

/* With --json the list is a member of the answer, which is one object as all of them are. */
static int put_text(int fd, uint64_t bytes, json_t *answer)
{
	_cleanup_(freep) char *text = bytes <= LISTFILE_WRITTEN ? malloc(bytes + 1) : NULL;
	ssize_t n;

	if (!text)
		return cmd_fail(EXIT_NO, "drop export: %" PRIu64 " bytes are too many for JSON",
				bytes);
	n = pread(fd, text, bytes, 0);
	if (n < 0 || json_object_set_new(answer, "text", json_stringn(text, (size_t)n)) < 0)
		return cmd_fail(EXIT_NO, "drop export: the list is not text");
	return EXIT_DONE;
}

static int put_list(const struct cli_call *call, int fd, json_t *answer)
{
	int code;

	if (!call->option[OPT_JSON])
		return copy_out(fd);
	code = put_text(fd, get_number(answer, "bytes"), answer);
	return code == EXIT_DONE ? cmd_print_json(answer) : code;
}

static int ask_list(const struct cli_call *call, int fd, json_t **ret)
{
	const char *format = call->option[OPT_FORMAT];
	_cleanup_(json_decrefp) json_t *request = json_pack(
		"{s:s, s:s}", "verb", "drop export", "format", format ? format : FORMAT_WRITTEN);
	int code = cmd_put_origin(call, false, request);

	return code == EXIT_DONE ? cmd_try(call, take_ptr(request), fd, ret) : code;
}

int cmd_drop_export(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	_cleanup_(closep) int fd = -1;
	enum answer_code error;
	const char *text;
	char why[BULK_WHY];
	int code;

	if (bulk_new(why, &fd) < 0)
		return cmd_fail(EXIT_NO, "%s", why);
	code = ask_list(call, fd, &answer);
	if (code != EXIT_DONE)
		return code;
	if (answer_is_error(answer, &error, &text))
		return cmd_settle(call, answer);
	return put_list(call, fd, answer);
}
