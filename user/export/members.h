/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking answers apart: members of a JSON object, as numbers or as words for a person.
 */
#ifndef EXPORT_MEMBERS_H
#define EXPORT_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "user/export/format.h"

/* Members of an object, with a value that prints when they are missing or null: "-", 0, false. */
const char *get_text(const json_t *object, const char *member);
uint64_t get_number(const json_t *object, const char *member);
double get_real(const json_t *object, const char *member);
bool get_flag(const json_t *object, const char *member);
bool is_null(const json_t *object, const char *member); /* also when it is missing */
/* An object that is a member of an answer, or the answer itself. */
const json_t *get_object(const json_t *answer, const char *member);

/* "3 m 20 s", "for ever", "3 m ago"; `buf` holds FORMAT_MAX. All return buf. */
const char *format_left(const json_t *entry, char *buf);		     /* of its left_sec */
const char *format_left_short(const json_t *entry, char *buf);		     /* "3 m" */
const char *format_ago(const json_t *object, const char *member, char *buf); /* of a time of day */
const char *format_since(const json_t *object, const char *member, char *buf);	/* "3 m" */
const char *format_date(const json_t *object, const char *member, char *buf);	/* local time */
const char *format_moment(const json_t *object, const char *member, char *buf); /* with seconds */
/* "python sdk (8f3a5d0c11e0b7a2)", or the key alone; `buf` holds FORMAT_HELLO. */
#define FORMAT_HELLO 64
const char *format_hello(const json_t *object, char *buf);

#endif
