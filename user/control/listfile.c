/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of prefixes as files: lines, errors, and prefixes that come twice. See listfile.h. */
#include "user/control/listfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/refuse.h"
#include "user/base/table.h"
#include "user/control/answer.h"
#include "user/control/listfile_read.h"

#define MARK "\xef\xbb\xbf" /* the byte order mark in UTF-8 */
#define NO_ENTRY UINT32_MAX
_Static_assert(LISTFILE_TEXT >= REQUEST_WHY, "what a reader says fits");

static const char *const format_names[] = {
	[LIST_AUTO] = "auto",	  [LIST_PLAIN] = "plain",     [LIST_CSV] = "csv",
	[LIST_NDJSON] = "ndjson", [LIST_FIREHOL] = "firehol", [LIST_SPAMHAUS] = "spamhaus",
};

const char *list_format_name(enum list_format format)
{
	return format_names[format];
}

int list_format_parse(const char *name, enum list_format *ret)
{
	for (unsigned int i = 0; i < ARRAY_LEN(format_names); i++)
		if (strcmp(format_names[i], name) == 0) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

void listfile_refuse(struct listfile_errors *e, uint32_t line, const char *format, ...)
{
	va_list ap;

	if (e->all < LISTFILE_ERRORS) {
		e->list[e->all].line = line;
		va_start(ap, format);
		vsnprintf(e->list[e->all].text, LISTFILE_TEXT, format, ap);
		va_end(ap);
	}
	e->all++;
}

size_t listfile_kept(const struct listfile_errors *e)
{
	return e->all < LISTFILE_ERRORS ? e->all : LISTFILE_ERRORS;
}

json_t *listfile_lines(const struct listfile_errors *e)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < listfile_kept(e); i++)
		json_array_append_new(
			lines, json_pack("{s:I, s:o}", "line", (json_int_t)e->list[i].line, "text",
					 answer_text(e->list[i].text, LISTFILE_TEXT)));
	return lines;
}

void listfile_clear(struct listfile *l)
{
	free(l->list);
	free(l->lines);
	*l = (struct listfile){ 0 };
}

/* ---- entries ---- */

struct gathering {
	struct listfile file;
	/* The first entry of each address, and behind it by `next` those of other lengths, of which
	 * there are no more than lengths. */
	struct table *first;
	uint32_t *next;
	size_t room;
	struct listfile_errors *errors;
};

static void gathering_clear(struct gathering *g)
{
	listfile_clear(&g->file);
	table_free(g->first);
	free(g->next);
}

/* Room for as many entries as there are lines, which no more than touched takes memory. */
static int gathering_begin(struct gathering *g, const char *bytes, size_t len, uint64_t seed)
{
	const char *end = bytes + len, *c = bytes;
	size_t room = 1;

	while (room < LIST_MAX && (c = memchr(c, '\n', end - c))) {
		c++;
		room++;
	}
	g->room = room;
	g->file.list = malloc(room * sizeof(*g->file.list));
	g->file.lines = malloc(room * sizeof(*g->file.lines));
	g->next = malloc(room * sizeof(*g->next));
	if (!g->file.list || !g->file.lines || !g->next)
		return -ENOMEM;
	return table_new(seed, room, &g->first);
}

/* The entry with this prefix. `*ret_last`: the last one of its address. */
static uint32_t find(const struct gathering *g, const struct prefix *p, uint32_t *ret_last)
{
	uint32_t i, last = NO_ENTRY;

	if (table_get(g->first, p->ip, &i) < 0)
		i = NO_ENTRY;
	for (; i != NO_ENTRY; i = g->next[i]) {
		if (g->file.list[i].prefix.len == p->len)
			break;
		last = i;
	}
	*ret_last = last;
	return i;
}

/* A note is for people; all else has to be the same. */
static bool say_the_same(const struct seine_entry *a, const struct seine_entry *b)
{
	struct seine_entry x = *a;

	memcpy(x.note, b->note, sizeof(x.note));
	return !memcmp(&x, b, sizeof(x));
}

static void twice(struct gathering *g, const struct entry *e, uint32_t held, uint32_t line)
{
	char text[PREFIX_TEXT];

	if (say_the_same(&g->file.list[held].row, &e->row)) {
		g->file.duplicates++;
		return;
	}
	listfile_refuse(g->errors, line, "%s: line %u says something else of it",
			prefix_format(&e->prefix, text), g->file.lines[held]);
}

/* -E2BIG: no line behind this one has to be read. */
static int add(struct gathering *g, const struct entry *e, uint32_t line)
{
	uint32_t last, held = find(g, &e->prefix, &last), at = g->file.n;
	int r;

	if (held != NO_ENTRY) {
		twice(g, e, held, line);
		return 0;
	}
	if (at == g->room) {
		listfile_refuse(g->errors, line, "more than %d entries", LIST_MAX);
		return -E2BIG;
	}
	if (last != NO_ENTRY) {
		g->next[last] = at;
	} else {
		r = table_put(g->first, e->prefix.ip, at);
		if (r < 0)
			return r;
	}
	g->next[at] = NO_ENTRY;
	g->file.list[at] = *e;
	g->file.lines[at] = line;
	g->file.n++;
	return 0;
}

/* ---- lines ---- */

static int check_text(const char *text, size_t len, char *why)
{
	_cleanup_(json_decrefp) json_t *utf8 = NULL;
	unsigned char high = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		high |= c;
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return refuse(why, REQUEST_WHY, "holds a control character (byte %zu)",
				      i + 1);
	}
	if (high < 0x80)
		return 0;
	utf8 = json_stringn(text, len);
	return utf8 ? 0 : refuse(why, REQUEST_WHY, "is not UTF-8");
}

/* 1: the next line is in `r->text`; 0: there is none; -EINVAL and a sentence: it is bad. */
static int next_line(struct reader *r, char *why)
{
	const char *end;
	size_t len;
	int bad;

	if (r->bytes == r->end)
		return 0;
	end = memchr(r->bytes, '\n', r->end - r->bytes);
	len = (end ? end : r->end) - r->bytes;
	r->line++;
	if (len <= LINE_BYTES)
		memcpy(r->text, r->bytes, len);
	r->bytes = end ? end + 1 : r->end;
	if (len > LINE_BYTES)
		return refuse(why, REQUEST_WHY, "longer than %d bytes", LINE_BYTES);
	if (len && r->text[len - 1] == '\r')
		len--;
	bad = check_text(r->text, len, why);
	r->text[len] = '\0';
	return bad < 0 ? bad : 1;
}

static int read_line(struct reader *r, enum list_format format, char *room, char *why,
		     json_t **ret_json, struct wish *ret)
{
	char *text = line_trim(r->text);

	if (!*text && format != LIST_CSV)
		return 0;
	switch (format) {
	case LIST_CSV: return listfile_csv(r, r->text, why, ret);
	case LIST_NDJSON: return listfile_json(r, text, why, ret_json, ret);
	case LIST_SPAMHAUS: return listfile_drop(r, text, room, why, ret_json, ret);
	default: return listfile_plain(r, text, room, why, ret);
	}
}

/* Takes in the line that has been read. */
static int take_line(struct reader *r, enum list_format format, const struct wish_terms *terms,
		     struct gathering *g)
{
	_cleanup_(json_decrefp) json_t *json = NULL;
	char why[REQUEST_WHY] = "", room[LISTFILE_ROOM];
	struct wish w = WISH_NOTHING;
	struct entry e;
	int result;

	w.zeros = true;
	result = read_line(r, format, room, why, &json, &w);
	if (result == 0)
		return 0;
	if (result > 0)
		result = wish_entry(&w, terms, why, &e);
	if (result == -EINVAL)
		listfile_refuse(g->errors, r->line, "%s", why);
	if (result == -ETIME)
		g->file.expired++;
	if (result == -ERANGE)
		listfile_refuse(&g->file.skipped, r->line, "%s", why);
	return result == 0 ? add(g, &e, r->line) : 0;
}

/* ---- a file ---- */

/* A text may hold anything, also what looks like a member. */
static enum list_format json_format_of(const char *text)
{
	_cleanup_(json_decrefp) json_t *json = json_loads(text, 0, NULL);

	if (json_object_get(json, "prefix"))
		return LIST_NDJSON;
	return json_object_get(json, "cidr") || json_object_get(json, "type") ? LIST_SPAMHAUS
									      : LIST_NDJSON;
}

/* Of the first line that is no comment. */
static enum list_format format_of(const char *text)
{
	if (*text == '{')
		return json_format_of(text);
	return listfile_is_csv(text) ? LIST_CSV : LIST_PLAIN;
}

static enum list_format guess(const struct reader *begin)
{
	struct reader r = *begin;
	char why[REQUEST_WHY];
	int got;

	while ((got = next_line(&r, why)) != 0) {
		char *text = line_trim(r.text);

		if (got > 0 && *text && *text != '#' && *text != ';')
			return format_of(text);
	}
	return LIST_PLAIN;
}

/* What only the end of a file shows. */
static void check_end(const struct reader *r, enum list_format format,
		      struct listfile_errors *errors)
{
	if (format == LIST_CSV && !r->n_columns)
		listfile_refuse(errors, 0, "no line with the names of columns");
	if (format == LIST_SPAMHAUS && r->records && !r->complete)
		listfile_refuse(errors, 0,
				"cut short: the last line, of type metadata, is missing");
}

static int read_all(struct reader *r, enum list_format format, const struct wish_terms *terms,
		    struct gathering *g)
{
	char why[REQUEST_WHY];
	int got, result = 0;

	while (result == 0 && (got = next_line(r, why)) != 0) {
		if (g->errors->all == LIST_MAX) {
			listfile_refuse(g->errors, r->line, "too many bad lines");
			return -E2BIG;
		}
		if (got < 0)
			listfile_refuse(g->errors, r->line, "%s", why);
		else
			result = take_line(r, format, terms, g);
	}
	if (result == 0)
		check_end(r, format, g->errors);
	return result;
}

int listfile_read(const char *bytes, size_t len, enum list_format format,
		  const struct wish_terms *terms, uint64_t seed, struct listfile_errors *errors,
		  struct listfile *ret)
{
	_cleanup_(gathering_clear) struct gathering g = { .errors = errors };
	struct reader r = { .bytes = bytes, .end = bytes + len };
	int result;

	if (len > LISTFILE_BYTES) {
		listfile_refuse(errors, 0, "larger than %d MiB", LISTFILE_BYTES >> 20);
		return -EINVAL;
	}
	if (len >= strlen(MARK) && !memcmp(bytes, MARK, strlen(MARK)))
		r.bytes += strlen(MARK);
	result = gathering_begin(&g, bytes, len, seed);
	if (result == 0)
		result = read_all(&r, format == LIST_AUTO ? guess(&r) : format, terms, &g);
	if (result == -ENOMEM)
		return result;
	if (errors->all)
		return -EINVAL;

	*ret = g.file;
	g.file = (struct listfile){ 0 };
	return 0;
}
