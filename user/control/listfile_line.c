/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the formats that are not csv: plain ones, and those of one JSON object each. */
#include <stddef.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/refuse.h"
#include "user/control/listfile_read.h"

#define BLANKS " \t"

/* As much of a comment as a note holds, cut between characters. */
static void cut_note(const char *text, char *ret)
{
	size_t len = strnlen(text, SEINE_NOTE);

	if (len == SEINE_NOTE) {
		len--;
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(ret, text, len);
	ret[len] = '\0';
	for (char *c = ret; *c; c++)
		if (*c == '\t')
			*c = ' ';
	(void)line_trim(ret);
}

int listfile_plain(struct reader *r, char *text, char *room, char *why, struct wish *ret)
{
	char *note = text + strcspn(text, "#;");

	(void)r;
	if (*note) {
		*note++ = '\0';
		cut_note(line_trim(note), room);
		if (*room)
			ret->note = room;
	}
	text = line_trim(text);
	if (!*text)
		return 0;
	if (strpbrk(text, BLANKS))
		return refuse(why, REQUEST_WHY,
			      "%.64s: one address or prefix a line; a note stands behind #", text);
	ret->prefix = text;
	return 1;
}

static int parse(const char *text, char *why, json_t **ret)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		return refuse(why, REQUEST_WHY, "column %d: %.150s", error.column, error.text);
	*ret = json;
	if (!json_is_object(json))
		return refuse(why, REQUEST_WHY, "not a JSON object");
	return 0;
}

/* A note is the same one in every format. */
static void trim_note(struct wish *w, char *text)
{
	size_t len;

	if (!w->note)
		return;
	len = strlen(w->note);
	memcpy(text, w->note, len + 1);
	w->note = line_trim(text);
}

/* ---- members of ndjson ---- */

/* What a member says goes to its place in a wish. Null says something too: that an entry never
 * ends, or asks for no hello. */
enum kind { TEXT, NUMBER, TRUTH, HELLO, END, NOTHING };

#define AT(member) offsetof(struct wish, member)
static const struct member {
	const char *name;
	enum kind kind;
	size_t at;
} members[] = {
	{ "prefix", TEXT, AT(prefix) },
	{ "action", TEXT, AT(action) },
	{ "note", TEXT, AT(note) },
	{ "expires", END, AT(expires) },
	{ "hello", HELLO, AT(hello) },
	{ "share", NUMBER, AT(share) },
	{ "rate_pps", NUMBER, AT(rate_pps) },
	{ "burst", NUMBER, AT(burst) },
	{ "ttl_sec", NUMBER, AT(ttl_sec) },
	{ "permanent", TRUTH, AT(permanent) },
	/* These describe an entry in an answer, and have nothing to say to a reader. */
	{ "origin", NOTHING, 0 },
	{ "actor", NOTHING, 0 },
	{ "hello_name", NOTHING, 0 },
	{ "campaign", NOTHING, 0 },
	{ "added", NOTHING, 0 },
	{ "left_sec", NOTHING, 0 },
	{ "hits", NOTHING, 0 },
};

static const struct member *member_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	return NULL;
}

static int read_text(const struct member *m, const json_t *value, char *why, const char **ret)
{
	if (!json_is_string(value))
		return refuse(why, REQUEST_WHY, "%s: not a text", m->name);
	*ret = json_string_value(value);
	return 0;
}

static int read_number(const struct member *m, const json_t *value, char *why, json_int_t *ret)
{
	if (!json_is_integer(value))
		return refuse(why, REQUEST_WHY, "%s: not a whole number", m->name);
	*ret = json_integer_value(value);
	return 0;
}

static int read_truth(const struct member *m, const json_t *value, char *why, int *ret)
{
	if (!json_is_boolean(value))
		return refuse(why, REQUEST_WHY, "%s: neither true nor false", m->name);
	*ret = json_is_true(value);
	return 0;
}

static int read_end(const struct member *m, const json_t *value, char *why, struct wish *ret)
{
	if (!json_is_null(value))
		return read_number(m, value, why, &ret->expires);
	ret->permanent = 1;
	return 0;
}

static int read_hello(const struct member *m, const json_t *value, char *why, struct wish *ret)
{
	if (!json_is_null(value))
		return read_text(m, value, why, &ret->hello);
	ret->hello = "";
	return 0;
}

static int read_member(const char *name, const json_t *value, char *why, struct wish *ret)
{
	const struct member *m = member_find(name);
	void *place;

	if (!m)
		return refuse(why, REQUEST_WHY, "%.64s: no member is called so", name);
	place = (char *)ret + m->at;
	switch (m->kind) {
	case TEXT: return read_text(m, value, why, place);
	case NUMBER: return read_number(m, value, why, place);
	case TRUTH: return read_truth(m, value, why, place);
	case END: return read_end(m, value, why, ret);
	case HELLO: return read_hello(m, value, why, ret);
	default: return 0;
	}
}

int listfile_json(struct reader *r, char *text, char *why, json_t **ret_json, struct wish *ret)
{
	const char *name;
	json_t *value;
	int result;

	(void)r;
	result = parse(text, why, ret_json);
	if (result < 0)
		return result;
	json_object_foreach(*ret_json, name, value) {
		result = read_member(name, value, why, ret);
		if (result < 0)
			return result;
	}
	if (!ret->prefix)
		return refuse(why, REQUEST_WHY, "prefix: missing");
	trim_note(ret, text);
	return 1;
}

/* ---- spamhaus ---- */

static int read_metadata(struct reader *r, const json_t *json, char *why)
{
	const json_t *records = json_object_get(json, "records");

	r->complete = true;
	if (!json_is_integer(records) || json_integer_value(records) < 0)
		return refuse(why, REQUEST_WHY, "records: not a number");
	if ((uint64_t)json_integer_value(records) != r->records)
		return refuse(why, REQUEST_WHY,
			      "cut short or put together: %lld records are promised, %llu are here",
			      (long long)json_integer_value(records),
			      (unsigned long long)r->records);
	return 0;
}

/* Whoever publishes such a list may add members and kinds of lines. */
int listfile_drop(struct reader *r, char *text, char *room, char *why, json_t **ret_json,
		  struct wish *ret)
{
	const json_t *cidr, *note;
	const char *type;
	int result;

	if (r->complete)
		return refuse(why, REQUEST_WHY, "stands behind the line of type metadata");
	if (*text != '{' && !r->records)
		return listfile_plain(r, text, room, why, ret);
	result = parse(text, why, ret_json);
	if (result < 0)
		return result;
	cidr = json_object_get(*ret_json, "cidr");
	type = json_string_value(json_object_get(*ret_json, "type"));
	if (!cidr && type)
		return strcmp(type, "metadata") ? 0 : read_metadata(r, *ret_json, why);
	r->records++;
	ret->prefix = json_string_value(cidr);
	if (!ret->prefix)
		return refuse(why, REQUEST_WHY, "cidr: missing, or not a text");
	note = json_object_get(*ret_json, "sblid");
	if (note && !json_is_null(note) && !json_is_string(note))
		return refuse(why, REQUEST_WHY, "sblid: not a text");
	ret->note = json_string_value(note);
	trim_note(ret, text);
	return 1;
}
