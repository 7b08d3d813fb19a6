/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of csv. A field that goes on in the next line is refused: no value holds a line's end. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/number.h"
#include "user/base/refuse.h"
#include "user/control/listfile_read.h"

static const char *const column_names[COLUMNS] = {
	[COLUMN_PREFIX] = "prefix", [COLUMN_ACTION] = "action",	  [COLUMN_SHARE] = "share",
	[COLUMN_RATE] = "rate_pps", [COLUMN_BURST] = "burst",	  [COLUMN_HELLO] = "hello",
	[COLUMN_TTL] = "ttl",	    [COLUMN_EXPIRES] = "expires", [COLUMN_NOTE] = "note",
	[COLUMN_ORIGIN] = "origin", [COLUMN_ACTOR] = "actor",
};

/* Takes the quotes off a field, in place; `*at` begins behind the first one and ends behind the
 * last. */
static int unquote(char **at, char *why)
{
	char *from = *at, *to = *at;

	for (;; from++) {
		if (!*from)
			return refuse(why, REQUEST_WHY, "a quote is not closed on this line");
		if (*from == '"' && *++from != '"')
			break;
		*to++ = *from;
	}
	if (*from && *from != ',')
		return refuse(why, REQUEST_WHY, "something stands behind a closing quote");
	*to = '\0'; /* where the closing quote stood, or before it */
	*at = from;
	return 0;
}

static int plain_field(char **at, char *why)
{
	*at += strcspn(*at, ",\"");
	return **at == '"' ? refuse(why, REQUEST_WHY, "a quote inside a field without quotes") : 0;
}

/* Cuts a line into fields. */
static int split(char *text, char *fields[COLUMNS], size_t *ret_n, char *why)
{
	char *at = text;
	size_t n = 0;

	for (;;) {
		bool quoted = *at == '"', last;
		int r;

		if (n == COLUMNS)
			return refuse(why, REQUEST_WHY, "more than %d fields", COLUMNS);
		fields[n++] = quoted ? ++at : at;
		r = quoted ? unquote(&at, why) : plain_field(&at, why);
		if (r < 0)
			return r;
		last = !*at;
		*at++ = '\0';
		if (last)
			break;
	}
	for (size_t i = 0; i < n; i++)
		fields[i] = line_trim(fields[i]);
	*ret_n = n;
	return 0;
}

static int column_find(const char *name)
{
	for (int i = 0; i < COLUMNS; i++)
		if (strcmp(column_names[i], name) == 0)
			return i;
	return -ENOENT;
}

static int read_names(struct reader *r, char *fields[COLUMNS], size_t n, char *why)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < n; i++) {
		int column = column_find(fields[i]);

		if (column < 0)
			return refuse(why, REQUEST_WHY,
				      "%.40s: no column is called so; there are prefix, action, "
				      "share, rate_pps, burst, hello, ttl, expires, note, origin "
				      "and actor",
				      fields[i]);
		if (seen & 1U << column)
			return refuse(why, REQUEST_WHY, "column %s comes twice", fields[i]);
		seen |= 1U << column;
		r->columns[i] = column;
	}
	if (!(seen & 1U << COLUMN_PREFIX))
		return refuse(why, REQUEST_WHY, "the first line names no column prefix");
	r->n_columns = n;
	return 0;
}

static int read_number(enum column column, const char *text, char *why, json_int_t *ret)
{
	uint64_t v;

	if (number_parse(text, 0, INT64_MAX, &v) < 0)
		return refuse(why, REQUEST_WHY, "%s: %.40s: not a number", column_names[column],
			      text);
	*ret = (json_int_t)v;
	return 0;
}

static int read_share(const char *text, char *why, json_int_t *ret)
{
	double share;

	if (share_parse(text, &share) < 0)
		return refuse(why, REQUEST_WHY, "share: %.40s: not a share, such as 5%% or 0.05",
			      text);
	*ret = llround(share * SEINE_SHARE);
	if (share > 0 && !*ret)
		return refuse(why, REQUEST_WHY, "share: %.40s: less than 0.01%%", text);
	return 0;
}

static int read_ttl(const char *text, char *why, json_int_t *ret)
{
	uint64_t ms;

	if (strspn(text, "0123456789") == strlen(text))
		return read_number(COLUMN_TTL, text, why, ret);
	if (duration_parse(text, &ms) < 0 || ms % 1000)
		return refuse(why, REQUEST_WHY, "ttl: %.40s: not a time, such as 3600 or 90m",
			      text);
	*ret = (json_int_t)(ms / 1000);
	return 0;
}

static int read_expires(const char *text, char *why, struct wish *ret)
{
	if (strcmp(text, "never"))
		return read_number(COLUMN_EXPIRES, text, why, &ret->expires);
	ret->permanent = 1;
	return 0;
}

static int read_field(enum column column, const char *text, char *why, struct wish *ret)
{
	switch (column) {
	case COLUMN_PREFIX: ret->prefix = text; return 0;
	case COLUMN_ACTION: ret->action = text; return 0;
	case COLUMN_HELLO: ret->hello = text; return 0;
	case COLUMN_NOTE: ret->note = text; return 0;
	case COLUMN_SHARE: return read_share(text, why, &ret->share);
	case COLUMN_RATE: return read_number(column, text, why, &ret->rate_pps);
	case COLUMN_BURST: return read_number(column, text, why, &ret->burst);
	case COLUMN_TTL: return read_ttl(text, why, &ret->ttl_sec);
	case COLUMN_EXPIRES: return read_expires(text, why, ret);
	default: return 0;
	}
}

int listfile_csv(struct reader *r, char *text, char *why, struct wish *ret)
{
	char *fields[COLUMNS];
	size_t n;
	int result;

	if (!text[strspn(text, " \t")] || (!r->n_columns && *text == '#'))
		return 0;
	result = split(text, fields, &n, why);
	if (result < 0)
		return result;
	if (!r->n_columns)
		return read_names(r, fields, n, why);
	if (n != r->n_columns)
		return refuse(why, REQUEST_WHY, "%zu fields, where the first line names %zu", n,
			      r->n_columns);

	ret->prefix = "";
	for (size_t i = 0; i < n && result == 0; i++)
		if (*fields[i])
			result = read_field(r->columns[i], fields[i], why, ret);
	return result < 0 ? result : 1;
}

bool listfile_is_csv(const char *text)
{
	char copy[LINE_BYTES + 1], why[REQUEST_WHY], *fields[COLUMNS];
	size_t n;

	snprintf(copy, sizeof(copy), "%s", text);
	if (strpbrk(text, "#;")) /* a note may hold anything, names of columns have neither */
		return false;
	if (split(copy, fields, &n, why) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i], column_names[COLUMN_PREFIX]) == 0)
			return true;
	return false;
}
