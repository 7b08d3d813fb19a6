/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of answers, in the form they are printed in.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include "user/export/format.h"
#include "user/export/members.h"

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

const json_t *get_object(const json_t *answer, const char *member)
{
	const json_t *object = json_object_get(answer, member);

	return json_is_object(object) ? object : answer;
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

static const char *format_local(const json_t *object, const char *member, const char *form,
				char *buf)
{
	time_t then = (time_t)get_number(object, member);
	struct tm tm;

	if (!then || !localtime_r(&then, &tm) || !strftime(buf, FORMAT_MAX, form, &tm))
		snprintf(buf, FORMAT_MAX, "-");
	return buf;
}

/* "2026-11-27 14:03" */
const char *format_date(const json_t *object, const char *member, char *buf)
{
	return format_local(object, member, "%Y-%m-%d %H:%M", buf);
}

/* "2026-11-27 14:03:07" */
const char *format_moment(const json_t *object, const char *member, char *buf)
{
	return format_local(object, member, "%Y-%m-%d %H:%M:%S", buf);
}
