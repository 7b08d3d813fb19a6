/* SPDX-License-Identifier: GPL-2.0-or-later */
/* List files of prefixes. See allowfile.h. */
#include "user/base/allowfile.h"

#include <errno.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/line.h"

#define SENTENCE 160

struct list {
	struct listed *rows;
	size_t n, room;
};

static void list_clear(struct list *list)
{
	free(list->rows);
}

static int list_add(struct list *list, const struct listed *row)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct listed *rows = reallocarray(list->rows, room, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		list->rows = rows;
		list->room = room;
	}
	list->rows[list->n++] = *row;
	return 0;
}

/* Cuts where a character of UTF-8 begins. */
static void copy_note(const char *text, char note[SEINE_NOTE])
{
	size_t n = strnlen(text, SEINE_NOTE - 1);

	while (n && (text[n] & 0xc0) == 0x80)
		n--;
	memcpy(note, text, n);
	note[n] = '\0';
}

static int take_line(struct list *list, const struct line_reader *l, char *text, char *why,
		     size_t size)
{
	char *comment = strchr(text, '#');
	struct listed row = {};
	char sentence[SENTENCE];
	int r;

	if (comment) {
		*comment++ = '\0';
		copy_note(line_trim(comment), row.note);
	}
	text = line_trim(text);
	if (!*text)
		return 0;
	if (prefix_parse(text, sentence, sizeof(sentence), &row.prefix) < 0)
		return line_refuse(l, why, size, "%s", sentence);
	if (prefix_too_wide(&row.prefix))
		return line_refuse(l, why, size,
				   "%.64s: too wide: nothing wider than /8 (IPv6: /16) is accepted",
				   text);
	if (list->n == ALLOWFILE_MAX)
		return line_refuse(l, why, size, "more than %d prefixes", ALLOWFILE_MAX);
	r = list_add(list, &row);
	if (r < 0)
		(void)line_refuse(l, why, size, "out of memory");
	return r;
}

int allowfile_read(FILE *f, const char *name, char *why, size_t size, struct listed **ret,
		   size_t *ret_n)
{
	struct line_reader l = { .file = f, .name = name };
	_cleanup_(list_clear) struct list list = {};
	char *text;
	int r;

	while ((r = line_next(&l, why, size, &text)) > 0) {
		r = take_line(&list, &l, text, why, size);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	*ret = take_ptr(list.rows);
	*ret_n = list.n;
	return 0;
}
