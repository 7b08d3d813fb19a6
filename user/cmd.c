/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the agent, and reading options into requests. See cmd_format.c for the way back.
 */
#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "user/base/cleanup.h"
#include "user/base/number.h"
#include "user/base/prefix.h"
#include "user/cmd.h"
#include "user/control/answer.h"
#include "user/control/client.h"
#include "user/control/request.h"

#define WHY 256

int cmd_fail(int exit_code, const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("seine: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return exit_code;
}

static bool wants_colour(const struct cli_call *call)
{
	const char *when = call->option[OPT_COLOR], *no_color = getenv("NO_COLOR");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

/* As wide as the terminal; what goes into a file or a pipe fits any. */
static unsigned int width_of_output(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return TEXT_WIDTH;
	return size.ws_col;
}

struct text_style cmd_style(const struct cli_call *call)
{
	return (struct text_style){
		.width = width_of_output(),
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.colour = wants_colour(call),
	};
}

int cmd_conf(const struct cli_call *call, struct conf *ret)
{
	const char *path = call->option[OPT_CONFIG];
	char why[WHY];

	if (!path && access(CONF_PATH_DEFAULT, F_OK) < 0) {
		conf_default(ret);
		return EXIT_DONE;
	}
	if (conf_load(path ? path : CONF_PATH_DEFAULT, why, sizeof(why), ret) < 0)
		return cmd_fail(EXIT_CONFIG, "%s", why);
	return EXIT_DONE;
}

/* --- Asking ----------------------------------------------------------------------------------- */

static void still_waiting(unsigned int seconds)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rseine: waiting for the agent, %u s ", seconds);
}

static int exit_of(enum answer_code code)
{
	switch (code) {
	case ANSWER_INVALID: return EXIT_MISUSE;
	case ANSWER_REFUSED: return EXIT_REFUSED;
	default: return EXIT_NO;
	}
}

int cmd_print_json(const json_t *answer)
{
	size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(ANSWER_DIGITS);

	if (json_dumpf(answer, stdout, flags) < 0 || putchar('\n') == EOF || fflush(stdout) == EOF)
		return cmd_fail(EXIT_NO, "cannot write the answer");
	return EXIT_DONE;
}

int cmd_print_json_line(const json_t *line)
{
	size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS);

	if (json_dumpf(line, stdout, flags) < 0 || putchar('\n') == EOF)
		return cmd_fail(EXIT_NO, "cannot write the answer");
	return EXIT_DONE;
}

/* Where the agent listens; `conf` is where the path may stand. */
static int find_socket(const struct cli_call *call, struct conf *conf, const char **ret)
{
	int code = EXIT_DONE;

	*ret = call->option[OPT_SOCKET];
	if (*ret)
		return EXIT_DONE;
	code = cmd_conf(call, conf);
	*ret = conf->socket;
	return code;
}

#define BUSY_TRIES 50 /* a script that asks faster than it may is held up, not failed */
#define BUSY_PAUSE_US 200000

int cmd_try(const struct cli_call *call, json_t *request, int fd, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *owned = request;
	const char *path = NULL;
	struct conf conf;
	char why[CLIENT_WHY];
	int code = find_socket(call, &conf, &path);

	if (code != EXIT_DONE)
		return code;
	for (int try = 0;; try++) {
		_cleanup_(json_decrefp) json_t *answer = NULL;
		enum answer_code error;
		const char *text;

		if (client_ask(path, owned, fd, still_waiting, why, &answer) < 0)
			return cmd_fail(EXIT_UNREACHABLE, "%s", why);
		if (try == BUSY_TRIES || !answer_is_error(answer, &error, &text) ||
		    error != ANSWER_BUSY) {
			*ret = take_ptr(answer);
			return EXIT_DONE;
		}
		usleep(BUSY_PAUSE_US);
	}
}

/* Line 0 is the file as a whole. */
static void print_line(const char *file, const json_t *line)
{
	uint64_t number = get_number(line, "line");

	if (number)
		(void)cmd_fail(EXIT_NO, "%s:%" PRIu64 ": %s", file, number, get_text(line, "text"));
	else
		(void)cmd_fail(EXIT_NO, "%s: %s", file, get_text(line, "text"));
}

void cmd_print_lines(const struct cli_call *call, const json_t *lines, uint64_t all)
{
	const char *typed = call->args[0];
	const char *file = typed && strcmp(typed, "-") != 0 ? typed : "stdin";
	size_t shown = json_array_size(lines), i;
	char n[FORMAT_MAX];
	json_t *line;

	json_array_foreach((json_t *)lines, i, line)
		print_line(file, line);
	if (all > shown)
		(void)cmd_fail(EXIT_NO, "%s: and %s line%s more", file,
			       format_exact(all - shown, n), all - shown == 1 ? "" : "s");
}

int cmd_settle(const struct cli_call *call, const json_t *answer)
{
	enum answer_code error;
	const char *text;
	int code = EXIT_DONE;

	if (call->option[OPT_JSON])
		code = cmd_print_json(answer);
	if (code != EXIT_DONE || !answer_is_error(answer, &error, &text))
		return code;
	cmd_print_lines(call, json_object_get(answer, "lines"), get_number(answer, "lines_all"));
	return cmd_fail(exit_of(error), "%s", text);
}

int cmd_ask(const struct cli_call *call, json_t *request, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int code = cmd_try(call, request, -1, &answer);

	if (code == EXIT_DONE)
		code = cmd_settle(call, answer);
	if (code == EXIT_DONE)
		*ret = take_ptr(answer);
	return code;
}

struct follow {
	client_line line;
	void *arg;
	int code; /* of an error instead of an answer */
};

static bool on_line(const json_t *line, void *arg)
{
	struct follow *f = arg;
	enum answer_code error;
	const char *text;

	if (!answer_is_error(line, &error, &text))
		return f->line(line, f->arg);
	f->code = cmd_fail(exit_of(error), "%s", text);
	return false;
}

int cmd_follow(const struct cli_call *call, json_t *request, client_line line, void *arg)
{
	_cleanup_(json_decrefp) json_t *owned = request;
	struct follow f = { .line = line, .arg = arg, .code = EXIT_DONE };
	const char *path = NULL;
	struct conf conf;
	char why[CLIENT_WHY];
	int code = find_socket(call, &conf, &path);

	if (code != EXIT_DONE)
		return code;
	if (client_follow(path, owned, still_waiting, on_line, &f, why) < 0)
		return cmd_fail(EXIT_UNREACHABLE, "%s", why);
	return f.code;
}

int cmd_show(const struct cli_call *call, json_t *request, cmd_render render)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	struct text_style style = cmd_style(call);
	int code;

	code = cmd_ask(call, request, &answer);
	if (code == EXIT_DONE && !call->option[OPT_JSON])
		render(answer, &style);
	return code;
}

/* --- Building requests ------------------------------------------------------------------------ */

int cmd_put_text(const struct cli_call *call, enum cli_option o, json_t *request,
		 const char *member)
{
	const char *text = call->option[o];

	if (text && json_object_set_new(request, member, json_string(text)) < 0)
		return cmd_fail(EXIT_MISUSE, "%s: not valid UTF-8", cli_option_name(o));
	return EXIT_DONE;
}

int cmd_put_number(const struct cli_call *call, enum cli_option o, json_t *request,
		   const char *member)
{
	const char *text = call->option[o];
	uint64_t n;

	if (!text)
		return EXIT_DONE;
	if (number_parse(text, 1, UINT32_MAX, &n) < 0)
		return cmd_fail(EXIT_MISUSE, "%s: %s: not a number from 1 on", cli_option_name(o),
				text);
	json_object_set_new(request, member, json_integer(n));
	return EXIT_DONE;
}

int cmd_put_time(const struct cli_call *call, enum cli_option o, json_t *request,
		 const char *member)
{
	const char *text = call->option[o];
	uint64_t ms;

	if (!text)
		return EXIT_DONE;
	if (duration_parse(text, &ms) < 0 || ms < 1000)
		return cmd_fail(EXIT_MISUSE, "%s: %s: not a time such as 90s, 10m, 1h30m or 7d",
				cli_option_name(o), text);
	json_object_set_new(request, member, json_integer(ms / 1000));
	return EXIT_DONE;
}

void cmd_put_flag(const struct cli_call *call, enum cli_option o, json_t *request,
		  const char *member)
{
	if (call->option[o])
		json_object_set_new(request, member, json_true());
}

int cmd_put_ttl(const struct cli_call *call, json_t *request)
{
	if (call->option[OPT_PERMANENT] && call->option[OPT_TTL])
		return cmd_fail(EXIT_MISUSE, "--ttl and --permanent: give one of the two");
	cmd_put_flag(call, OPT_PERMANENT, request, "permanent");
	return cmd_put_time(call, OPT_TTL, request, "ttl_sec");
}

int cmd_put_origin(const struct cli_call *call, bool send_all, json_t *request)
{
	static const char *const origins[] = { "operator", "external", "auto",
					       "feed",	   "fleet",    "all" };
	const char *typed = call->option[OPT_ORIGIN];

	if (!typed || (!send_all && strcmp(typed, "all") == 0))
		return EXIT_DONE;
	for (size_t i = 0; i < ARRAY_LEN(origins); i++)
		if (strcmp(origins[i], typed) == 0)
			return cmd_put_text(call, OPT_ORIGIN, request, "origin");
	return cmd_fail(EXIT_MISUSE, "origin: %s: operator, external, auto, feed, fleet or all",
			typed);
}

int cmd_put_share(const struct cli_call *call, json_t *request)
{
	const char *text = call->option[OPT_SHARE];
	double share;

	if (!text)
		return EXIT_DONE;
	if (share_parse(text, &share) < 0)
		return cmd_fail(EXIT_MISUSE, "share: %s: not a share such as 5%%", text);
	json_object_set_new(request, "share", json_integer(lround(share * SEINE_SHARE)));
	return EXIT_DONE;
}

/* An option that the command does not take was not given. */
int cmd_put_terms(const struct cli_call *call, json_t *request)
{
	static const struct {
		enum cli_option option;
		const char *member;
		int (*put)(const struct cli_call *call, enum cli_option o, json_t *request,
			   const char *member);
	} terms[] = {
		{ OPT_ACTION, "action", cmd_put_text }, { OPT_RATE, "rate_pps", cmd_put_number },
		{ OPT_BURST, "burst", cmd_put_number }, { OPT_HELLO, "hello", cmd_put_text },
		{ OPT_NOTE, "note", cmd_put_text },
	};
	int code = cmd_put_ttl(call, request);

	if (code == EXIT_DONE)
		code = cmd_put_share(call, request);
	for (size_t i = 0; code == EXIT_DONE && i < ARRAY_LEN(terms); i++)
		code = terms[i].put(call, terms[i].option, request, terms[i].member);
	cmd_put_flag(call, OPT_DRY_RUN, request, "dry_run");
	return code;
}

int cmd_put_rows(const struct cli_call *call, json_t *request)
{
	int code = cmd_put_text(call, OPT_SORT, request, "sort");

	return code == EXIT_DONE ? cmd_put_number(call, OPT_LIMIT, request, "limit") : code;
}

int cmd_read_prefix(const char *text, struct prefix *ret)
{
	char why[WHY];

	if (prefix_parse(text, why, sizeof(why), ret) < 0)
		return cmd_fail(EXIT_MISUSE, "%s", why);
	return EXIT_DONE;
}

int cmd_check_prefix(const char *text)
{
	struct prefix p;

	return cmd_read_prefix(text, &p);
}

int cmd_check_entry_prefix(const char *text)
{
	struct prefix p;
	char why[REQUEST_WHY];

	if (entry_prefix_parse(text, why, &p) < 0)
		return cmd_fail(EXIT_MISUSE, "%s", why);
	return EXIT_DONE;
}

int cmd_check_address(const char *text)
{
	struct prefix p;
	char why[WHY];

	if (prefix_parse_address(text, why, sizeof(why), &p) < 0)
		return cmd_fail(EXIT_MISUSE, "%s", why);
	return EXIT_DONE;
}
