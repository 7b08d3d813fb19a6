/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts that several answers show.
 */
#include <inttypes.h>
#include <string.h>
#include "user/cmd.h"

void print_title(const char *title, const struct text_style *s)
{
	printf("\n%s%s%s\n", text_colour(s, TEXT_BOLD), title, text_colour(s, TEXT_PLAIN));
}

void print_side(const json_t *answer, const char *side, const char *title, char mark,
		const struct text_style *s)
{
	bool first = true;
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(answer, "sentences"), i, one) {
		if (strcmp(get_text(one, "side"), side) != 0)
			continue;
		if (first)
			print_title(title, s);
		text_item(mark, get_text(one, "text"), 2, s, stdout);
		first = false;
	}
}

void print_shown(const json_t *answer, const char *rows, const char *what)
{
	size_t shown = json_array_size(json_object_get(answer, rows));
	uint64_t total = get_number(answer, "total");

	if (!total)
		printf("No %s.\n", what);
	else if (shown < total)
		printf("%zu of %" PRIu64 " %s shown; --limit N shows more\n", shown, total, what);
}
