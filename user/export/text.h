/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables and sentences for a terminal.
 *
 * A table is as wide as its contents, and at most as wide as the style says: then columns that
 * may shrink are cut, the widest first and the leftmost last, and end in an ellipsis. Cells come
 * from outside (notes, names), so that control characters are printed as '?'. Lines never end in
 * blanks.
 */
#ifndef EXPORT_TEXT_H
#define EXPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_WIDTH 80
#define TEXT_COLUMNS 12

struct text_style {
	unsigned int width; /* characters of a line */
	bool utf8;	    /* else everything beyond ASCII is printed as '?' */
	bool colour;
};

enum text_colour {
	TEXT_PLAIN,
	TEXT_BOLD,
	TEXT_DIM,
	TEXT_RED,
	TEXT_GREEN,
	TEXT_YELLOW,
	TEXT_LOUD, /* what must not be overlooked */
};

/* The escape sequence that begins a colour (TEXT_PLAIN: that ends one), or "". */
const char *text_colour(const struct text_style *s, enum text_colour colour);

enum text_align { TEXT_LEFT, TEXT_RIGHT };

struct text_column {
	const char *title;
	enum text_align align;
	bool shrinks;
};

struct text_table;

/* `columns` (1 to TEXT_COLUMNS) must outlive the table. */
int text_table_new(const struct text_column *columns, size_t n, struct text_table **ret);
void text_table_free(struct text_table *t);
void text_table_freep(struct text_table **t);

/* Sets the next cell, row by row. Out of memory is reported by text_table_print(). */
__attribute__((format(printf, 2, 3))) void text_cell(struct text_table *t, const char *format, ...);

/* The colour of the row that the next cell begins. */
void text_paint(struct text_table *t, enum text_colour colour);

/* Prints title and rows; a table without rows prints nothing, an incomplete last row is left out. */
int text_table_print(const struct text_table *t, const struct text_style *s, FILE *to);

/* Prints one line, cut to the style's width. */
void text_line(const char *text, const struct text_style *s, FILE *to);

/* Prints a paragraph, broken at blanks, each line behind `indent` blanks. */
void text_wrap(const char *text, unsigned int indent, const struct text_style *s, FILE *to);

/* The same behind a mark and a blank: "- text", later lines below the text. */
void text_item(char mark, const char *text, unsigned int indent, const struct text_style *s,
	       FILE *to);

/* Prints a line of what is known: the label, and behind it the text, later lines below that. */
#define TEXT_LABEL 12 /* where the text begins */
__attribute__((format(printf, 5, 6))) void text_fact(const struct text_style *s, FILE *to,
						     const char *label, enum text_colour colour,
						     const char *format, ...);

/* One character a value, as high as its part of the largest; what is not 0 can be seen. Ends the
 * line. */
void text_bars(const double *values, size_t n, const struct text_style *s, FILE *to);

#endif
