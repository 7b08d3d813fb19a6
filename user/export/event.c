/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the audit.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/export/event.h"
#include "user/export/members.h"

#define LINE_MAX_BYTES 1024
#define FORM "%-19s  %-8s  %-30s  %s"

void print_event_titles(const struct text_style *s, FILE *to)
{
	fputs(text_colour(s, TEXT_BOLD), to);
	fprintf(to, FORM "%s\n", "TIME", "WHO", "WHAT", "RESULT", text_colour(s, TEXT_PLAIN));
}

static enum text_colour colour_of(const char *result)
{
	static const struct {
		const char *result;
		enum text_colour colour;
	} colours[] = {
		{ "refused", TEXT_YELLOW },
		{ "failed", TEXT_RED },
		{ "dry run", TEXT_DIM },
	};

	for (size_t i = 0; i < ARRAY_LEN(colours); i++)
		if (strcmp(colours[i].result, result) == 0)
			return colours[i].colour;
	return TEXT_PLAIN;
}

void print_event(const json_t *event, const struct text_style *s, FILE *to)
{
	const char *object = is_null(event, "object") ? "" : get_text(event, "object");
	const char *text = is_null(event, "text") ? "" : get_text(event, "text");
	enum text_colour colour = colour_of(get_text(event, "result"));
	char what[128], how[512], line[LINE_MAX_BYTES], when[FORMAT_MAX];

	snprintf(what, sizeof(what), "%s%s%s", get_text(event, "verb"), *object ? " " : "", object);
	snprintf(how, sizeof(how), "%s%s%s", get_text(event, "result"), *text ? ": " : "", text);
	snprintf(line, sizeof(line), FORM, format_moment(event, "at", when),
		 get_text(event, "actor"), what, how);
	fputs(colour ? text_colour(s, colour) : "", to);
	text_line(line, s, to);
	fputs(colour ? text_colour(s, TEXT_PLAIN) : "", to);
}

bool event_within(const json_t *event, const struct prefix *within)
{
	struct prefix p;
	char why[128];

	return prefix_parse(get_text(event, "object"), why, sizeof(why), &p) == 0 &&
	       prefix_overlaps(&p, within);
}

bool event_about(const json_t *event, const char *object)
{
	return strcmp(get_text(event, "object"), object) == 0;
}
