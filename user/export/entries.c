/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries in words and in tables.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/export/entries.h"

#define NAME_SHOWN 9 /* bytes of a ClientHello's name in a narrow column */
#define ONLY_MAX (NAME_SHOWN + 3)

/* "", " +hello", " +python sdk" */
static const char *format_only(const json_t *e, char *buf)
{
	if (is_null(e, "hello"))
		return "";
	snprintf(buf, ONLY_MAX, " +%.*s", NAME_SHOWN,
		 is_null(e, "hello_name") ? "hello" : get_text(e, "hello_name"));
	return buf;
}

const char *format_action(const json_t *entry, char *buf)
{
	char rate[FORMAT_MAX], only[ONLY_MAX];
	const char *action = get_text(entry, "action"), *hello = format_only(entry, only);

	if (get_number(entry, "share"))
		snprintf(buf, FORMAT_MAX, "%.6s %.4g %%%s", action,
			 (uint16_t)get_number(entry, "share") / 100.0, hello);
	else if (strcmp(action, "limit") == 0)
		snprintf(buf, FORMAT_MAX, "limit %.8s/s%s",
			 format_count(get_number(entry, "rate_pps"), rate), hello);
	else
		snprintf(buf, FORMAT_MAX, "%.16s%s", action, hello);
	return buf;
}

const char *entry_who(const json_t *entry)
{
	return get_text(entry, is_null(entry, "campaign") ? "actor" : "campaign");
}

const char *format_owner(const json_t *entry, char *buf)
{
	const char *who = entry_who(entry);

	if (strcmp(who, "-") == 0)
		snprintf(buf, FORMAT_OWNER, "%.16s", get_text(entry, "origin"));
	else
		snprintf(buf, FORMAT_OWNER, "%.16s %.40s", get_text(entry, "origin"), who);
	return buf;
}

const char *format_entry(const json_t *entry, char *buf)
{
	char action[FORMAT_MAX], owner[FORMAT_OWNER], left[FORMAT_MAX];

	snprintf(buf, FORMAT_ENTRY, "%.48s (%s, %s, left: %s)", get_text(entry, "prefix"),
		 format_action(entry, action), format_owner(entry, owner),
		 format_left(entry, left));
	return buf;
}

/* What is cut first when 80 columns are not enough: the note, who, the action, the prefix. */
void print_drops(const json_t *entries, const struct text_style *s, FILE *to)
{
	static const struct text_column columns[] = {
		{ "PREFIX", TEXT_LEFT, true },	{ "ACTION", TEXT_LEFT, true },
		{ "ORIGIN", TEXT_LEFT, false }, { "WHO", TEXT_LEFT, true },
		{ "LEFT", TEXT_RIGHT, false },	{ "HITS", TEXT_RIGHT, false },
		{ "LAST", TEXT_RIGHT, false },	{ "NOTE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *e;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)entries, i, e) {
		const json_t *hits = json_object_get(e, "hits");
		char n[FORMAT_MAX];

		text_cell(t, "%s", get_text(e, "prefix"));
		text_cell(t, "%s", format_action(e, n));
		text_cell(t, "%s", get_text(e, "origin"));
		text_cell(t, "%s", entry_who(e));
		text_cell(t, "%s", format_left_short(e, n));
		text_cell(t, "%s", format_count(get_number(hits, "packets"), n));
		text_cell(t, "%s", format_since(hits, "last", n));
		text_cell(t, "%s", get_text(e, "note"));
	}
	text_table_print(t, s, to);
}

void print_allows(const json_t *entries, const struct text_style *s, FILE *to)
{
	static const struct text_column columns[] = {
		{ "PREFIX", TEXT_LEFT, true }, { "ORIGIN", TEXT_LEFT, false },
		{ "WHO", TEXT_LEFT, true },    { "LEFT", TEXT_RIGHT, false },
		{ "NOTE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *e;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)entries, i, e) {
		char left[FORMAT_MAX];

		text_cell(t, "%s", get_text(e, "prefix"));
		text_cell(t, "%s", get_text(e, "origin"));
		text_cell(t, "%s", entry_who(e));
		text_cell(t, "%s", format_left_short(e, left));
		text_cell(t, "%s", get_text(e, "note"));
	}
	text_table_print(t, s, to);
}

void print_conflicts(const json_t *conflicts, size_t limit, const struct text_style *s, FILE *to)
{
	static const struct text_column columns[] = {
		{ "NOT IN FORCE", TEXT_LEFT, true },
		{ "SAYS", TEXT_LEFT, true },
		{ "BECAUSE OF", TEXT_LEFT, true },
		{ "SAYS", TEXT_LEFT, true },
	};
	static const char *const sides[] = { "loser", "winner" };
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *pair;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)conflicts, i, pair) {
		for (size_t side = 0; i < limit && side < ARRAY_LEN(sides); side++) {
			const json_t *e = json_object_get(pair, sides[side]);
			char action[FORMAT_MAX], owner[FORMAT_OWNER];

			text_cell(t, "%s", get_text(e, "prefix"));
			text_cell(t, "%s, %s", format_action(e, action), format_owner(e, owner));
		}
	}
	text_table_print(t, s, to);
}

/* Why it is, or is not, what the datapath acts on. */
static void cell_standing(struct text_table *t, const json_t *c, const json_t *decides,
			  bool allowed)
{
	const json_t *e = json_object_get(c, "entry"), *winner = json_object_get(c, "overruled_by");
	char owner[FORMAT_OWNER];

	if (json_is_object(winner))
		text_cell(t, "no: %s (%s) is stronger", get_text(winner, "prefix"),
			  format_owner(winner, owner));
	else if (!get_flag(c, "in_force"))
		text_cell(t, "no: a stronger one says the same");
	else if (allowed)
		text_cell(t, "yes, but the allow list wins");
	else if (strcmp(get_text(e, "prefix"), get_text(decides, "prefix")) == 0)
		text_cell(t, "yes, and decides");
	else
		text_cell(t, "yes, but a longer one decides");
}

void print_covering(const json_t *covering, const json_t *decides, bool allowed,
		    const struct text_style *s, FILE *to)
{
	static const struct text_column columns[] = {
		{ "COVERED BY", TEXT_LEFT, true }, { "ACTION", TEXT_LEFT, true },
		{ "BY", TEXT_LEFT, true },	   { "LEFT", TEXT_RIGHT, false },
		{ "IN FORCE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *c;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)covering, i, c) {
		const json_t *e = json_object_get(c, "entry");
		char n[FORMAT_MAX], owner[FORMAT_OWNER];

		text_cell(t, "%s", get_text(e, "prefix"));
		text_cell(t, "%s", format_action(e, n));
		text_cell(t, "%s", format_owner(e, owner));
		text_cell(t, "%s", format_left_short(e, n));
		cell_standing(t, c, decides, allowed);
	}
	text_table_print(t, s, to);
}
