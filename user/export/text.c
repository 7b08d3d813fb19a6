/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables and paragraphs. Width is counted in code points: good for Latin letters, and enough for
 * what operators write into notes.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/export/text.h"

#define GAP 2	     /* blanks between columns */
#define NARROWEST 8  /* a column shrinks no further */
#define CELL_MAX 256 /* bytes of one cell */

struct cell {
	char *text;
	enum text_colour paint; /* of its row, if it begins one */
};

struct text_table {
	const struct text_column *columns;
	size_t n_columns;
	struct cell *cells; /* row by row */
	size_t n_cells, room;
	enum text_colour paint; /* of the next cell */
	bool out_of_memory;
};

const char *text_colour(const struct text_style *s, enum text_colour colour)
{
	static const char *const codes[] = {
		[TEXT_PLAIN] = "\033[0m",  [TEXT_BOLD] = "\033[1m",   [TEXT_DIM] = "\033[2m",
		[TEXT_RED] = "\033[31m",   [TEXT_GREEN] = "\033[32m", [TEXT_YELLOW] = "\033[33m",
		[TEXT_LOUD] = "\033[1;7m",
	};

	return s->colour ? codes[colour] : "";
}

int text_table_new(const struct text_column *columns, size_t n, struct text_table **ret)
{
	struct text_table *t;

	if (n < 1 || n > TEXT_COLUMNS)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->columns = columns;
	t->n_columns = n;

	*ret = t;
	return 0;
}

void text_table_free(struct text_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

void text_table_freep(struct text_table **t)
{
	text_table_free(*t);
}

void text_cell(struct text_table *t, const char *format, ...)
{
	char text[CELL_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);

	if (t->n_cells == t->room) {
		size_t room = t->room ? t->room * 2 : 256;
		struct cell *cells = realloc(t->cells, room * sizeof(*cells));

		if (!cells) {
			t->out_of_memory = true;
			return;
		}
		t->cells = cells;
		t->room = room;
	}
	t->cells[t->n_cells] = (struct cell){ strdup(text), t->paint };
	t->paint = TEXT_PLAIN;
	if (t->cells[t->n_cells].text)
		t->n_cells++;
	else
		t->out_of_memory = true;
}

void text_paint(struct text_table *t, enum text_colour colour)
{
	t->paint = colour;
}

static bool starts_character(char byte)
{
	return (byte & 0xc0) != 0x80;
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += starts_character(*text);
	return width;
}

/* C0 and C1: what a terminal would act on instead of showing it. */
static bool is_control(const char *c)
{
	unsigned char first = c[0], second = c[1];

	return first < ' ' || first == 0x7f || (first == 0xc2 && second < 0xa0);
}

/* One character as the terminal can show it. Returns where the next one begins. */
static const char *put_character(const char *c, const struct text_style *s, FILE *to)
{
	bool shown = !is_control(c) && (s->utf8 || !(*c & 0x80));

	fputc(shown ? *c : '?', to);
	for (c++; !starts_character(*c); c++)
		if (shown)
			fputc(*c, to);
	return c;
}

static void put_text(const char *text, size_t width, const struct text_style *s, FILE *to)
{
	size_t length = width_of(text), shown = length > width ? width - 1 : length;

	while (shown--)
		text = put_character(text, s, to);
	if (length > width)
		fputs(s->utf8 ? "…" : "~", to);
}

static void measure(const struct text_table *t, size_t *widths)
{
	for (size_t c = 0; c < t->n_columns; c++)
		widths[c] = width_of(t->columns[c].title);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t width = width_of(t->cells[i].text), c = i % t->n_columns;

		if (width > widths[c])
			widths[c] = width;
	}
}

/* How much narrower a column can become. */
static size_t spare(const struct text_column *column, size_t width)
{
	size_t title = width_of(column->title);
	size_t least = title > NARROWEST ? title : NARROWEST;

	return column->shrinks && width > least ? width - least : 0;
}

static size_t first_of(const struct text_table *t)
{
	size_t c = 0;

	while (c < t->n_columns && !t->columns[c].shrinks)
		c++;
	return c;
}

/* What a row is about stands on the left, so that the first column that may shrink is cut when all
 * others are. Else the widest is; of two as wide, the one on the right. */
static size_t to_cut(const struct text_table *t, const size_t *widths)
{
	size_t cut = t->n_columns;

	for (size_t c = 0; c < t->n_columns; c++) {
		if (!spare(&t->columns[c], widths[c]))
			continue;
		if (cut == t->n_columns || cut == first_of(t) || widths[c] >= widths[cut])
			cut = c;
	}
	return cut;
}

static void fit(const struct text_table *t, unsigned int limit, size_t *widths)
{
	size_t total = GAP * (t->n_columns - 1), cut;

	for (size_t c = 0; c < t->n_columns; c++)
		total += widths[c];
	for (; total > limit && (cut = to_cut(t, widths)) < t->n_columns; total--)
		widths[cut]--;
}

static void put_blanks(size_t n, FILE *to)
{
	fprintf(to, "%*s", (int)n, "");
}

/* Blanks are owed until something follows them. */
static void put_row(const struct text_table *t, const struct cell *cells, const size_t *widths,
		    const struct text_style *s, FILE *to)
{
	size_t owed = 0;

	for (size_t c = 0; c < t->n_columns; c++) {
		const char *text = cells ? cells[c].text : t->columns[c].title;
		size_t width = width_of(text), shown = width < widths[c] ? width : widths[c];
		size_t pad = widths[c] - shown;

		if (t->columns[c].align == TEXT_RIGHT) {
			owed += pad;
			pad = 0;
		}
		if (shown) {
			put_blanks(owed, to);
			put_text(text, widths[c], s, to);
			owed = 0;
		}
		owed += pad + GAP;
	}
}

int text_table_print(const struct text_table *t, const struct text_style *s, FILE *to)
{
	size_t widths[TEXT_COLUMNS];

	if (t->out_of_memory)
		return -ENOMEM;
	if (!t->n_columns || t->n_cells < t->n_columns)
		return 0;

	measure(t, widths);
	fit(t, s->width, widths);
	fputs(text_colour(s, TEXT_BOLD), to);
	put_row(t, NULL, widths, s, to);
	fputs(text_colour(s, TEXT_PLAIN), to);
	fputc('\n', to);
	for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns) {
		enum text_colour paint = t->cells[i].paint;

		fputs(paint ? text_colour(s, paint) : "", to);
		put_row(t, t->cells + i, widths, s, to);
		fputs(paint ? text_colour(s, TEXT_PLAIN) : "", to);
		fputc('\n', to);
	}
	return 0;
}

void text_line(const char *text, const struct text_style *s, FILE *to)
{
	put_text(text, s->width, s, to);
	fputc('\n', to);
}

static size_t word_bytes(const char *text)
{
	return strcspn(text, " \n");
}

/* From column `column` of a line on. */
static void wrap(const char *text, size_t column, unsigned int indent, const struct text_style *s,
		 FILE *to)
{
	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		char word[CELL_MAX];
		size_t bytes = word_bytes(text), width;

		snprintf(word, sizeof(word), "%.*s", (int)bytes, text);
		text += bytes;
		width = width_of(word);
		if (column && column + 1 + width > s->width) {
			fputc('\n', to);
			column = 0;
		}
		put_blanks(column ? 1 : indent, to);
		column += (column ? 1 : indent) + width;
		put_text(word, width, s, to);
	}
	fputc('\n', to);
}

void text_wrap(const char *text, unsigned int indent, const struct text_style *s, FILE *to)
{
	wrap(text, 0, indent, s, to);
}

void text_item(char mark, const char *text, unsigned int indent, const struct text_style *s,
	       FILE *to)
{
	put_blanks(indent, to);
	fputc(mark, to);
	wrap(text, indent + 1, indent + 2, s, to);
}

#define FACT_MAX 1024 /* bytes; a sentence, or a handful of names */

void text_fact(const struct text_style *s, FILE *to, const char *label, enum text_colour colour,
	       const char *format, ...)
{
	char text[FACT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);

	fprintf(to, "%-*s%s", TEXT_LABEL - 1, label, colour ? text_colour(s, colour) : "");
	wrap(text, TEXT_LABEL - 1, TEXT_LABEL, s, to);
	fputs(colour ? text_colour(s, TEXT_PLAIN) : "", to);
}

#define BAR_STEPS 8

void text_bars(const double *values, size_t n, const struct text_style *s, FILE *to)
{
	static const char *const blocks[] = { "·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const plain[] = { "_", ".", ".", ":", ":", "|", "|", "#", "#" };
	const char *const *marks = s->utf8 ? blocks : plain;
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = values[i] > most ? values[i] : most;
	for (size_t i = 0; i < n; i++) {
		unsigned int step = most > 0 ? (unsigned int)(values[i] / most * BAR_STEPS) : 0;

		fputs(marks[values[i] > 0 && !step ? 1 : step], to);
	}
	fputc('\n', to);
}
