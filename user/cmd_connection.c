/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine connections`: connections as they end, and what was measured of each.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/number.h"
#include "user/cmd.h"
#include "user/control/answer.h"

#define HEADER_EVERY 20 /* lines; a screen shows it at least once */

struct printing {
	const struct cli_call *call;
	struct text_style style;
	uint64_t left; /* connections still wanted */
	unsigned int lines;
	int code;
};

/* "12.3", in ms */
static const char *format_ms(const json_t *c, const char *member, char *buf)
{
	if (is_null(c, member))
		snprintf(buf, FORMAT_MAX, "-");
	else
		snprintf(buf, FORMAT_MAX, "%.1f", get_real(c, member) / 1000);
	return buf;
}

static const char *client_of(const json_t *c)
{
	static const char *const members[] = { "hello_name", "ja4", "hello" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (!is_null(c, members[i]))
			return get_text(c, members[i]);
	return "-";
}

static void print_line(struct printing *p, const json_t *c)
{
	char rtt[FORMAT_MAX], g1[FORMAT_MAX], delta[FORMAT_MAX], requests[FORMAT_MAX];
	char line[512];

	if (p->lines++ % HEADER_EVERY == 0)
		printf("%s%-15s %7s %7s %7s %-7s %5s  %s%s\n", text_colour(&p->style, TEXT_BOLD),
		       "SOURCE", "RTT MS", "G1 MS", "DELTA", "GAP", "REQ", "CLIENT",
		       text_colour(&p->style, TEXT_PLAIN));
	snprintf(line, sizeof(line), "%-15s %7.7s %7.7s %7.7s %-7s %5.6s  %s",
		 get_text(c, "source"), format_ms(c, "rtt_tcp_us", rtt), format_ms(c, "g1_us", g1),
		 format_ms(c, "delta_us", delta), get_text(c, "gap"),
		 format_count(get_number(c, "requests"), requests), client_of(c));
	text_line(line, &p->style, stdout);
}

static bool print_connection(struct printing *p, const json_t *c)
{
	if (p->call->option[OPT_JSON])
		p->code = cmd_print_json_line(c);
	else
		print_line(p, c);
	if (fflush(stdout) == EOF) {
		p->code = cmd_fail(EXIT_NO, "cannot write the answer");
		return false;
	}
	return p->code == EXIT_DONE && --p->left;
}

static bool on_line(const json_t *line, void *arg)
{
	struct printing *p = arg;
	const char *kind = answer_kind(line);

	if (strcmp(kind, "lost") == 0)
		cmd_fail(EXIT_NO, "%" PRIu64 " connections not shown: too many for this reader",
			 get_number(line, "lines"));
	return *kind ? true : print_connection(p, line);
}

static int wanted(const struct cli_call *call, uint64_t *ret)
{
	const char *text = call->option[OPT_LIMIT];

	*ret = UINT64_MAX;
	if (text && number_parse(text, 1, UINT32_MAX, ret) < 0)
		return cmd_fail(EXIT_MISUSE, "limit: %s: not a number from 1 on", text);
	return EXIT_DONE;
}

int cmd_connections(const struct cli_call *call)
{
	struct printing p = { .call = call, .style = cmd_style(call) };
	int code = wanted(call, &p.left);

	if (code == EXIT_DONE)
		code = cmd_follow(call, json_pack("{s:s}", "verb", "connections"), on_line, &p);
	return code == EXIT_DONE ? p.code : code;
}
