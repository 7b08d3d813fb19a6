/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the audit.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/export/event.h"
#include "user/export/members.h"

#define PART_MAX 512 /* bytes */
#define LINE_BYTES_MAX 1200

static enum text_colour colour_of(const json_t *event)
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
		if (strcmp(colours[i].result, get_text(event, "result")) == 0)
			return colours[i].colour;
	return TEXT_PLAIN;
}

/* "a b", or "a" alone */
static const char *both(const json_t *event, const char *first, const char *between,
			const char *second, char *buf)
{
	const char *text = is_null(event, second) ? "" : get_text(event, second);

	snprintf(buf, PART_MAX, "%s%s%s", get_text(event, first), *text ? between : "", text);
	return buf;
}

void print_events(const json_t *events, const struct text_style *s, FILE *to)
{
	static const struct text_column columns[] = {
		{ "TIME", TEXT_LEFT, false },
		{ "WHO", TEXT_LEFT, true },
		{ "WHAT", TEXT_LEFT, true },
		{ "RESULT", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *event;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)events, i, event) {
		char when[FORMAT_MAX], part[PART_MAX];

		text_paint(t, colour_of(event));
		text_cell(t, "%s", format_moment(event, "at", when));
		text_cell(t, "%s", get_text(event, "actor"));
		text_cell(t, "%s", both(event, "verb", " ", "object", part));
		text_cell(t, "%s", both(event, "result", ": ", "text", part));
	}
	text_table_print(t, s, to);
}

void print_event(const json_t *event, const struct text_style *s, FILE *to)
{
	char what[PART_MAX], result[PART_MAX], line[LINE_BYTES_MAX], when[FORMAT_MAX];
	enum text_colour colour = colour_of(event);

	snprintf(line, sizeof(line), "%-19s  %-8s  %-24s  %s", format_moment(event, "at", when),
		 get_text(event, "actor"), both(event, "verb", " ", "object", what),
		 both(event, "result", ": ", "text", result));
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
