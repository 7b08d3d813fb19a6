/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From answers to words.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "user/cmd.h"

const char *get_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "-";
}

uint64_t get_number(const json_t *object, const char *member)
{
	json_int_t n = json_integer_value(json_object_get(object, member));

	return n > 0 ? n : 0;
}

double get_real(const json_t *object, const char *member)
{
	return json_number_value(json_object_get(object, member));
}

bool get_flag(const json_t *object, const char *member)
{
	return json_is_true(json_object_get(object, member));
}

bool is_null(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);

	return !value || json_is_null(value);
}

const char *format_left(const json_t *entry, char *buf)
{
	if (is_null(entry, "left_sec"))
		snprintf(buf, FORMAT_MAX, "for ever");
	else
		format_time(get_number(entry, "left_sec"), buf);
	return buf;
}

const char *format_left_short(const json_t *entry, char *buf)
{
	return is_null(entry, "left_sec") ? format_left(entry, buf)
					  : format_age(get_number(entry, "left_sec"), buf);
}

const char *format_since(const json_t *object, const char *member, char *buf)
{
	uint64_t then = get_number(object, member), now = time(NULL);

	if (!then)
		snprintf(buf, FORMAT_MAX, "-");
	else
		format_age(now > then ? now - then : 0, buf);
	return buf;
}

const char *format_hello(const json_t *object, char *buf)
{
	const char *key = get_text(object, "hello");

	if (is_null(object, "hello_name"))
		snprintf(buf, FORMAT_HELLO, "%s", key);
	else
		snprintf(buf, FORMAT_HELLO, "%.40s (%.16s)", get_text(object, "hello_name"), key);
	return buf;
}

const char *format_ago(const json_t *object, const char *member, char *buf)
{
	char age[FORMAT_MAX];

	if (!get_number(object, member))
		snprintf(buf, FORMAT_MAX, "-");
	else
		snprintf(buf, FORMAT_MAX, "%.24s ago", format_since(object, member, age));
	return buf;
}

/* "2026-11-27 14:03" */
const char *format_date(const json_t *object, const char *member, char *buf)
{
	time_t then = (time_t)get_number(object, member);
	struct tm tm;

	if (!then || !localtime_r(&then, &tm) || !strftime(buf, FORMAT_MAX, "%Y-%m-%d %H:%M", &tm))
		snprintf(buf, FORMAT_MAX, "-");
	return buf;
}

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
