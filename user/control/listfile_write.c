/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing lists. JSON is put together by hand but for texts: a million objects of jansson would
 * keep the agent from its other work for seconds.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "user/base/cleanup.h"
#include "user/base/line.h"
#include "user/control/answer.h"
#include "user/control/listfile.h"
#include "user/control/request.h"

#define DATE_TEXT 32

struct output {
	FILE *file;
	const struct listfile_writing *w;
	size_t bytes;
};

__attribute__((format(printf, 2, 3))) static void put(struct output *o, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vfprintf(o->file, format, ap);
	va_end(ap);
	if (n > 0)
		o->bytes += n;
}

static const char *date_of(int64_t unix_sec, char *buf)
{
	time_t t = (time_t)unix_sec;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*buf = '\0';
	return buf;
}

/* What stands in a map may be anything. */
static const char *note_of(const struct seine_entry *row, char *buf)
{
	_cleanup_(json_decrefp) json_t *text = answer_text(row->note, SEINE_NOTE);

	snprintf(buf, SEINE_NOTE, "%s", text ? json_string_value(text) : "");
	for (char *c = buf; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return line_trim(buf);
}

static const char *actor_of(const struct output *o, const struct entry *e)
{
	return o->w->actor ? o->w->actor(&e->row, o->w->arg) : NULL;
}

static int64_t expiry_of(const struct output *o, const struct entry *e)
{
	return o->w->epoch + e->row.expires_sec;
}

/* ---- plain and firehol ---- */

static void plain_head(struct output *o, size_t n)
{
	char date[DATE_TEXT];

	put(o, "# drop list of seine, %s, %zu entries\n", date_of(o->w->unix_sec, date), n);
}

static void netset_head(struct output *o, size_t n)
{
	char date[DATE_TEXT];

	put(o, "#\n# seine\n#\n# hash:net ipset\n#\n# This File Date : %s\n# Entries        : %zu\n#\n",
	    date_of(o->w->unix_sec, date), n);
}

static void plain_row(struct output *o, const struct entry *e)
{
	char text[PREFIX_TEXT], room[SEINE_NOTE];
	const char *note = note_of(&e->row, room);

	put(o, *note ? "%s # %s\n" : "%s\n", prefix_format(&e->prefix, text), note);
}

static void netset_row(struct output *o, const struct entry *e)
{
	char text[PREFIX_TEXT];

	put(o, "%s\n", prefix_format(&e->prefix, text));
}

/* ---- csv ---- */

static void csv_head(struct output *o, size_t n)
{
	(void)n;
	put(o, "prefix,action,share,rate_pps,burst,hello,expires,origin,actor,note\n");
}

static void csv_text(struct output *o, const char *text)
{
	if (!strpbrk(text, "\",")) {
		put(o, "%s", text);
		return;
	}
	put(o, "\"");
	for (; *text; text++)
		put(o, *text == '"' ? "\"%c" : "%c", *text);
	put(o, "\"");
}

static void csv_row(struct output *o, const struct entry *e)
{
	char text[PREFIX_TEXT], room[SEINE_NOTE];
	const struct seine_entry *row = &e->row;
	const char *actor = actor_of(o, e);

	put(o, "%s,%s,", prefix_format(&e->prefix, text), action_name(row->action));
	if (row->share)
		put(o, "%u.%02u%%", row->share / 100, row->share % 100);
	put(o, ",");
	if (row->rate_pps)
		put(o, "%u", row->rate_pps);
	put(o, ",");
	if (row->burst)
		put(o, "%u", row->burst);
	put(o, ",");
	if (row->hello_key)
		put(o, "%016" PRIx64, (uint64_t)row->hello_key);
	if (row->expires_sec)
		put(o, ",%" PRId64, expiry_of(o, e));
	else
		put(o, ",never");
	put(o, ",%s,", origin_name(row->origin));
	csv_text(o, actor ? actor : "");
	put(o, ",");
	csv_text(o, note_of(row, room));
	put(o, "\n");
}

/* ---- ndjson and spamhaus ---- */

static void no_head(struct output *o, size_t n)
{
	(void)o;
	(void)n;
}

static void json_text(struct output *o, const char *member, const char *text)
{
	_cleanup_(json_decrefp) json_t *string = json_string(text);
	_cleanup_(freep) char *quoted = json_dumps(string, JSON_ENCODE_ANY);

	if (quoted)
		put(o, ",\"%s\":%s", member, quoted);
}

static void json_number(struct output *o, const char *member, uint32_t v)
{
	if (v)
		put(o, ",\"%s\":%u", member, v);
}

static void json_row(struct output *o, const struct entry *e)
{
	char text[PREFIX_TEXT], room[SEINE_NOTE];
	const struct seine_entry *row = &e->row;
	const char *actor = actor_of(o, e), *note = note_of(row, room);

	put(o, "{\"prefix\":\"%s\",\"action\":\"%s\",\"origin\":\"%s\"",
	    prefix_format(&e->prefix, text), action_name(row->action), origin_name(row->origin));
	if (actor)
		json_text(o, "actor", actor);
	json_number(o, "share", row->share);
	json_number(o, "rate_pps", row->rate_pps);
	json_number(o, "burst", row->burst);
	if (row->hello_key)
		put(o, ",\"hello\":\"%016" PRIx64 "\"", (uint64_t)row->hello_key);
	if (row->expires_sec)
		put(o, ",\"expires\":%" PRId64, expiry_of(o, e));
	else
		put(o, ",\"expires\":null");
	if (*note)
		json_text(o, "note", note);
	put(o, "}\n");
}

static void cidr_row(struct output *o, const struct entry *e)
{
	char text[PREFIX_TEXT], room[SEINE_NOTE];
	const char *note = note_of(&e->row, room);

	put(o, "{\"cidr\":\"%s\"", prefix_format(&e->prefix, text));
	if (*note)
		json_text(o, "sblid", note);
	put(o, "}\n");
}

static void cidr_end(struct output *o, size_t n)
{
	put(o, "{\"type\":\"metadata\",\"timestamp\":%" PRId64 ",\"size\":%zu,\"records\":%zu}\n",
	    o->w->unix_sec, o->bytes, n);
}

/* ---- all of them ---- */

static const struct {
	void (*head)(struct output *o, size_t n);
	void (*row)(struct output *o, const struct entry *e);
	void (*end)(struct output *o, size_t n);
} formats[] = {
	[LIST_PLAIN] = { plain_head, plain_row, no_head },
	[LIST_CSV] = { csv_head, csv_row, no_head },
	[LIST_NDJSON] = { no_head, json_row, no_head },
	[LIST_FIREHOL] = { netset_head, netset_row, no_head },
	[LIST_SPAMHAUS] = { no_head, cidr_row, cidr_end },
};

int listfile_write(FILE *f, enum list_format format, const struct entry *list, size_t n,
		   const struct listfile_writing *w, size_t *ret_bytes)
{
	struct output o = { .file = f, .w = w };

	if (format == LIST_AUTO)
		return -EINVAL;
	formats[format].head(&o, n);
	for (size_t i = 0; i < n; i++) {
		formats[format].row(&o, &list[i]);
		if (o.bytes > w->bytes_max)
			return -EFBIG;
		if (ferror(f))
			return -EIO;
	}
	formats[format].end(&o, n);
	if (fflush(f) != 0)
		return -errno;
	*ret_bytes = o.bytes;
	return 0;
}
