/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `seine campaign seed`, `seeds`, `unseed`: addresses known to be bad.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/prefix.h"
#include "user/cmd.h"
#include "user/control/seedfile.h"

#define BAD_SHOWN 20 /* a screenful; who has more mistakes than that has the wrong file */

static void seeds_clear(struct seeds *s)
{
	free(s->list);
}

struct complaints {
	size_t n;
};

static void complain(const char *sentence, void *arg)
{
	struct complaints *c = arg;

	if (++c->n <= BAD_SHOWN)
		(void)cmd_fail(EXIT_MISUSE, "%s", sentence);
}

static int read_list(const char *path, struct seeds *ret)
{
	bool standard = strcmp(path, "-") == 0;
	_cleanup_(fclosep) FILE *opened = standard ? NULL : fopen(path, "re");
	struct complaints bad = { 0 };

	if (!standard && !opened)
		return cmd_fail(EXIT_NO, "%s: %s", path, strerror(errno));
	if (seedfile_read(standard ? stdin : opened, standard ? "stdin" : path, complain, &bad,
			  ret) == 0)
		return EXIT_DONE;
	if (bad.n > BAD_SHOWN)
		return cmd_fail(EXIT_MISUSE, "%zu more bad lines; nothing has changed",
				bad.n - BAD_SHOWN);
	return cmd_fail(EXIT_MISUSE, "%zu bad line%s; nothing has changed", bad.n,
			bad.n == 1 ? "" : "s");
}

static json_t *lines_of(const struct seeds *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		struct prefix p = prefix_of(s->list[i].source, 128);
		char text[PREFIX_TEXT];

		json_array_append_new(list,
				      json_sprintf("%s%s%s", prefix_format(&p, text),
						   s->list[i].note[0] ? " " : "", s->list[i].note));
	}
	return list;
}

static void render_added(const json_t *a, const struct text_style *s)
{
	char n[FORMAT_MAX], new[FORMAT_MAX], seen[FORMAT_MAX], members[FORMAT_MAX];
	char left[FORMAT_MAX];

	(void)s;
	printf("%s seed%s: %s new, %s seen here, %s in campaigns already\n",
	       format_count(get_number(a, "given"), n), get_number(a, "given") == 1 ? "" : "s",
	       format_count(get_number(a, "new"), new), format_count(get_number(a, "seen"), seen),
	       format_count(get_number(a, "members"), members));
	printf("%s in all; these hold %s, from the next round on\n",
	       format_count(get_number(a, "total"), n),
	       format_time(get_number(a, "ttl_sec"), left));
	if (!get_flag(a, "kept"))
		puts("No history is kept here: a restart of the agent forgets them.");
}

int cmd_campaign_seed(const struct cli_call *call)
{
	_cleanup_(seeds_clear) struct seeds seeds = { 0 };
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "campaign seed");
	int code = cmd_put_ttl(call, request);

	if (code == EXIT_DONE)
		code = read_list(call->args[0], &seeds);
	if (code != EXIT_DONE)
		return code;
	if (!seeds.n)
		return cmd_fail(EXIT_MISUSE, "%s: no address in it", call->args[0]);
	json_object_set_new(request, "seeds", lines_of(&seeds));
	return cmd_show(call, take_ptr(request), render_added);
}

static void render_seeds(const json_t *a, const struct text_style *s)
{
	static const struct text_column columns[] = {
		{ "SEED", TEXT_LEFT, false },	  { "SEEN", TEXT_LEFT, false },
		{ "CAMPAIGN", TEXT_LEFT, false }, { "LEFT", TEXT_RIGHT, false },
		{ "NOTE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *seed;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach(json_object_get(a, "seeds"), i, seed) {
		char n[FORMAT_MAX];

		text_cell(t, "%s", get_text(seed, "source"));
		text_cell(t, "%s", get_flag(seed, "seen") ? format_ago(seed, "last", n) : "no");
		text_cell(t, "%s", get_text(seed, "campaign"));
		text_cell(t, "%s", format_left_short(seed, n));
		text_cell(t, "%s", get_text(seed, "note"));
	}
	text_table_print(t, s, stdout);
	print_shown(a, "seeds", "seeds");
}

int cmd_campaign_seeds(const struct cli_call *call)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "campaign seeds");
	int code = cmd_put_number(call, OPT_LIMIT, request, "limit");

	return code == EXIT_DONE ? cmd_show(call, take_ptr(request), render_seeds) : code;
}

static void render_cleared(const json_t *a, const struct text_style *s)
{
	(void)s;
	printf("%" PRIu64 " seed%s forgotten\n", get_number(a, "cleared"),
	       get_number(a, "cleared") == 1 ? "" : "s");
}

int cmd_campaign_unseed(const struct cli_call *call)
{
	return cmd_show(call, json_pack("{s:s}", "verb", "campaign unseed"), render_cleared);
}
