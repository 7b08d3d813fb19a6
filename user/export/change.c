/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of the lists in words.
 */
#include <inttypes.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/export/change.h"
#include "user/export/entries.h"

#define NAMES_MAX 256 /* bytes; five addresses at most */

/* "entry", "entries" */
static const char *plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

/* --- Whom it covers and hits ------------------------------------------------------------------ */

static void print_covered(const json_t *impact, const struct text_style *s, FILE *to)
{
	uint64_t v4 = get_number(impact, "addresses_v4"), v6 = get_number(impact, "networks_v6");
	char a[FORMAT_MAX], n[FORMAT_MAX];

	format_exact(v4, a);
	format_exact(v6, n);
	if (v4 && v6)
		text_fact(s, to, "covers", TEXT_PLAIN,
			  "%s IPv4 address%s and %s IPv6 network%s (/64)", a, plural(v4, "", "es"),
			  n, plural(v6, "", "s"));
	else if (v6)
		text_fact(s, to, "covers", TEXT_PLAIN, "%s IPv6 network%s (/64)", n,
			  plural(v6, "", "s"));
	else
		text_fact(s, to, "covers", TEXT_PLAIN, "%s address%s", a, plural(v4, "", "es"));
}

static void print_seen(const json_t *impact, const struct text_style *s, FILE *to)
{
	uint64_t sources = get_number(impact, "sources"), members = get_number(impact, "members");
	char n[FORMAT_MAX], m[FORMAT_MAX];

	if (!sources)
		text_fact(s, to, "seen", TEXT_PLAIN, "no source from there in the last day");
	else
		text_fact(s, to, "seen", TEXT_PLAIN,
			  "%s source%s in the last day, %s of them in campaigns",
			  format_exact(sources, n), plural(sources, "", "s"),
			  members ? format_exact(members, m) : "none");
}

/* "203.0.113.9, 203.0.113.14" */
static const char *join(const json_t *words, char *buf)
{
	size_t used = 0, i;
	json_t *word;

	buf[0] = '\0';
	json_array_foreach((json_t *)words, i, word) {
		if (used < NAMES_MAX)
			used += snprintf(buf + used, NAMES_MAX - used, "%s%s", i ? ", " : "",
					 json_string_value(word));
	}
	return buf;
}

static void print_honest(const json_t *impact, const struct text_style *s, FILE *to)
{
	uint64_t sources = get_number(impact, "honest_sources");
	uint64_t requests = get_number(impact, "honest_requests");
	const json_t *list = json_object_get(impact, "honest");
	char n[FORMAT_MAX], r[FORMAT_MAX], names[NAMES_MAX];

	if (!sources) {
		text_fact(s, to, "honest", TEXT_GREEN, "none of them");
		return;
	}
	text_fact(s, to, "honest", TEXT_RED, "%s source%s with %s request%s a day: %s%s",
		  format_exact(sources, n), plural(sources, "", "s"), format_exact(requests, r),
		  plural(requests, "", "s"), join(list, names),
		  sources > json_array_size(list) ? " and more" : "");
}

void print_impact(const json_t *impact, const struct text_style *s, FILE *to)
{
	if (!json_is_object(impact))
		return;
	print_covered(impact, s, to);
	print_seen(impact, s, to);
	if (get_number(impact, "sources") || get_number(impact, "honest_sources"))
		print_honest(impact, s, to);
}

/* --- The trial -------------------------------------------------------------------------------- */

const char *format_trial(const json_t *trial, char *buf)
{
	char left[FORMAT_MAX];

	snprintf(buf, FORMAT_TRIAL, "%s left, begun by %.40s",
		 format_time(get_number(trial, "left_sec"), left), get_text(trial, "actor"));
	return buf;
}

void print_trial(const json_t *trial, const struct text_style *s, FILE *to)
{
	char text[FORMAT_TRIAL], when[FORMAT_MAX];
	json_t *change;
	size_t i;

	if (!get_flag(trial, "active")) {
		fputs("Nothing is on trial.\n", to);
		return;
	}
	text_fact(s, to, "on trial", TEXT_LOUD, "%s", format_trial(trial, text));
	text_fact(s, to, "began", TEXT_PLAIN, "%s", format_moment(trial, "began", when));
	text_fact(s, to, "ends", TEXT_PLAIN, "%s; then what has changed comes back as it was",
		  format_moment(trial, "until", when));
	json_array_foreach(json_object_get(trial, "changes"), i, change)
		text_fact(s, to, i ? "" : "changes", TEXT_PLAIN, "%s", json_string_value(change));
	if (!json_array_size(json_object_get(trial, "changes")))
		text_fact(s, to, "changes", TEXT_PLAIN, "none yet");
	fputs("seine apply --confirm keeps the changes, seine apply --revert undoes them now\n",
	      to);
}

void print_footing(const json_t *answer, const struct text_style *s, FILE *to)
{
	const json_t *trial = json_object_get(answer, "trial");
	char text[FORMAT_TRIAL];

	if (get_flag(answer, "dry_run"))
		fputs("dry run: nothing has changed\n", to);
	if (strcmp(get_text(answer, "mode"), "observe") == 0)
		fputs("mode observe: hits are counted, nothing is dropped\n", to);
	if (get_flag(trial, "active"))
		text_fact(s, to, "on trial", TEXT_LOUD, "%s; seine apply --confirm keeps it",
			  format_trial(trial, text));
}

/* --- One entry -------------------------------------------------------------------------------- */

static const char *begin_of(const json_t *a)
{
	bool dry = get_flag(a, "dry_run");

	if (get_flag(a, "existed"))
		return dry ? "listed already, would be " : "listed already, now ";
	return dry ? "would be listed: " : "";
}

static void print_head(const json_t *a, const char *what, const struct text_style *s, FILE *to)
{
	const json_t *e = json_object_get(a, "entry");
	char left[FORMAT_MAX], text[512];

	snprintf(text, sizeof(text), "%s: %s%s, left: %s%s", get_text(e, "prefix"), begin_of(a),
		 what, format_left(e, left),
		 get_flag(a, "kept_expiry") ? " (adding never shortens)" : "");
	text_wrap(text, 0, s, to);
}

void print_added(const json_t *answer, const struct text_style *s, FILE *to)
{
	const json_t *was = json_object_get(answer, "was");
	const json_t *winner = json_object_get(answer, "overruled_by");
	char text[FORMAT_ENTRY], action[FORMAT_MAX];

	print_head(answer, format_action(json_object_get(answer, "entry"), action), s, to);
	if (json_is_object(was))
		text_fact(s, to, "was", TEXT_PLAIN, "%s", format_entry(was, text));
	if (json_is_object(winner))
		text_fact(s, to, "overruled", TEXT_YELLOW,
			  "by %s, which is stronger: not in force until that ends",
			  format_entry(winner, text));
	print_impact(json_object_get(answer, "impact"), s, to);
	if (get_flag(answer, "dry_run"))
		text_fact(s, to, "guards", TEXT_PLAIN, "none is in the way");
	print_footing(answer, s, to);
}

/* Who listed it goes on wanting it. */
static void print_return(const json_t *e, const struct text_style *s, FILE *to)
{
	bool automatic = strcmp(get_text(e, "origin"), "auto") == 0;

	if (automatic)
		text_fact(s, to, "comes back", TEXT_YELLOW,
			  "with the next round, if its campaign still has it");
	else if (strcmp(get_text(e, "origin"), "feed") == 0)
		text_fact(s, to, "comes back", TEXT_YELLOW,
			  "with the next import of %s that has it", get_text(e, "actor"));
	else
		return;
	text_fact(s, to, "", TEXT_PLAIN, "seine allow add %s lets it pass", get_text(e, "prefix"));
	if (automatic && !is_null(e, "campaign"))
		text_fact(s, to, "", TEXT_PLAIN,
			  "seine campaign reject %s ends all of its campaign",
			  get_text(e, "campaign"));
}

void print_removed(const json_t *answer, const struct text_style *s, FILE *to)
{
	const json_t *removed = json_object_get(answer, "removed");
	const json_t *now = json_object_get(answer, "now");
	char text[FORMAT_ENTRY];

	fprintf(to, "%s: removed\n", get_text(removed, "prefix"));
	text_fact(s, to, "was", TEXT_PLAIN, "%s", format_entry(removed, text));
	if (json_is_object(now))
		text_fact(s, to, "now", TEXT_YELLOW, "%s comes into force",
			  format_entry(now, text));
	if (!is_null(answer, "still_covered_by"))
		fprintf(to, "still covered by %s\n", get_text(answer, "still_covered_by"));
	print_return(removed, s, to);
}

void print_allowed(const json_t *answer, const struct text_style *s, FILE *to)
{
	uint64_t n = get_number(answer, "overrules");
	const json_t *list = json_object_get(answer, "overruled");
	char text[FORMAT_ENTRY], count[FORMAT_MAX];
	json_t *e;
	size_t i;

	print_head(answer, "always passes", s, to);
	if (n)
		text_fact(s, to, "overrules", TEXT_YELLOW, "%s entr%s of the drop list",
			  format_exact(n, count), plural(n, "y", "ies"));
	json_array_foreach((json_t *)list, i, e)
		text_fact(s, to, "", TEXT_PLAIN, "%s", format_entry(e, text));
	if (n > json_array_size(list))
		text_fact(s, to, "", TEXT_PLAIN, "and %s more",
			  format_exact(n - json_array_size(list), count));
	if (get_flag(answer, "dry_run"))
		fputs("dry run: nothing has changed\n", to);
}

/* --- Many ------------------------------------------------------------------------------------- */

static const struct kind {
	const char *change;
	char mark;
	enum text_colour colour;
} kinds[] = {
	{ "added", '+', TEXT_GREEN }, { "removed", '-', TEXT_RED }, { "changed", '~', TEXT_YELLOW },
	{ "expired", '-', TEXT_DIM }, { "bulk", '~', TEXT_YELLOW },
};

static const struct kind *kind_of(const json_t *row)
{
	static const struct kind other = { "-", '?', TEXT_PLAIN };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].change, get_text(row, "change")) == 0)
			return &kinds[i];
	return &other;
}

static void cell_was(struct text_table *t, const json_t *was)
{
	char action[FORMAT_MAX], left[FORMAT_MAX];

	if (json_is_object(was))
		text_cell(t, "%s, left %s", format_action(was, action),
			  format_left_short(was, left));
	else
		text_cell(t, "%s", "");
}

static void print_diff(const json_t *diff, const struct text_style *s, FILE *to)
{
	static const struct text_column columns[] = {
		{ "", TEXT_LEFT, false },      { "PREFIX", TEXT_LEFT, true },
		{ "ACTION", TEXT_LEFT, true }, { "BY", TEXT_LEFT, true },
		{ "LEFT", TEXT_RIGHT, false }, { "WAS", TEXT_LEFT, true },
		{ "NOTE", TEXT_LEFT, true },
	};
	_cleanup_(text_table_freep) struct text_table *t = NULL;
	json_t *row;
	size_t i;

	if (text_table_new(columns, ARRAY_LEN(columns), &t) < 0)
		return;
	json_array_foreach((json_t *)diff, i, row) {
		const json_t *e = json_object_get(row, "entry");
		const struct kind *kind = kind_of(row);
		char n[FORMAT_MAX], owner[FORMAT_OWNER];

		text_paint(t, kind->colour);
		text_cell(t, "%c", kind->mark);
		text_cell(t, "%s", get_text(e, "prefix"));
		text_cell(t, "%s", format_action(e, n));
		text_cell(t, "%s", format_owner(e, owner));
		text_cell(t, "%s", format_left_short(e, n));
		cell_was(t, json_object_get(row, "was"));
		text_cell(t, "%s", get_text(e, "note"));
	}
	text_table_print(t, s, to);
}

static void print_sum(const json_t *a, const struct text_style *s, FILE *to)
{
	char added[FORMAT_MAX], removed[FORMAT_MAX], changed[FORMAT_MAX], kept[FORMAT_MAX];
	uint64_t skipped = get_number(a, "skipped_all"), entries = get_number(a, "entries");
	char n[FORMAT_MAX];

	text_fact(s, to, "change", TEXT_BOLD, "%s added, %s removed, %s changed, %s kept",
		  format_exact(get_number(a, "added"), added),
		  format_exact(get_number(a, "removed"), removed),
		  format_exact(get_number(a, "changed"), changed),
		  format_exact(get_number(a, "kept"), kept));
	if (skipped)
		text_fact(s, to, "skipped", TEXT_YELLOW, "%s line%s", format_exact(skipped, n),
			  plural(skipped, "", "s"));
	text_fact(s, to, "in force", TEXT_PLAIN, "%s entr%s", format_exact(entries, n),
		  plural(entries, "y", "ies"));
}

/* What was beneath the entries that go. */
static void print_surfaced(const json_t *answer, const struct text_style *s, FILE *to)
{
	const json_t *list = json_object_get(answer, "surfaces");
	uint64_t all = get_number(answer, "surfaces_all");
	char text[FORMAT_ENTRY], n[FORMAT_MAX];
	json_t *e;
	size_t i;

	json_array_foreach((json_t *)list, i, e)
		text_fact(s, to, i ? "" : "now", TEXT_YELLOW, "%s comes into force",
			  format_entry(e, text));
	if (all > json_array_size(list))
		text_fact(s, to, "", TEXT_YELLOW, "and %s more",
			  format_exact(all - json_array_size(list), n));
}

void print_change(const json_t *answer, const struct text_style *s, FILE *to)
{
	const json_t *diff = json_object_get(answer, "diff");
	const json_t *impact = json_object_get(answer, "impact");
	uint64_t all = get_number(answer, "diff_all"), shown = json_array_size(diff);
	char n[FORMAT_MAX];

	print_diff(diff, s, to);
	if (all > shown)
		fprintf(to, "and %s more\n", format_exact(all - shown, n));
	if (shown)
		fputc('\n', to);
	print_sum(answer, s, to);
	print_surfaced(answer, s, to);
	if (get_flag(answer, "watches_first"))
		text_fact(s, to, "watches", TEXT_YELLOW,
			  "it is the first copy of this feed; import it again for what it says to "
			  "be done");
	if (get_number(impact, "addresses_v4") || get_number(impact, "networks_v6"))
		print_impact(impact, s, to);
	print_footing(answer, s, to);
}

/* --- As it happens ---------------------------------------------------------------------------- */

/* "watch -> drop" where the action has changed. */
static const char *format_step(const json_t *line, char *buf, size_t size)
{
	const json_t *was = json_object_get(line, "was");
	char before[FORMAT_MAX] = "", after[FORMAT_MAX];

	format_action(json_object_get(line, "entry"), after);
	if (json_is_object(was))
		format_action(was, before);
	if (*before && strcmp(before, after) != 0)
		snprintf(buf, size, "%s -> %s", before, after);
	else
		snprintf(buf, size, "%s", after);
	return buf;
}

void print_watched(const json_t *line, const char *at, const struct text_style *s, FILE *to)
{
	const json_t *e = json_object_get(line, "entry");
	const struct kind *kind = kind_of(line);
	char step[2 * FORMAT_MAX + 4], owner[FORMAT_OWNER], left[FORMAT_MAX], n[FORMAT_MAX];
	char text[512];

	if (!json_is_object(e))
		snprintf(text, sizeof(text), "%s  %-7s  %s entries at once", at, kind->change,
			 format_exact(get_number(line, "count"), n));
	else
		snprintf(text, sizeof(text), "%s  %-7s  %-18s  %-10s  %-13s  %-5s  %s", at,
			 kind->change, get_text(e, "prefix"), format_step(line, step, sizeof(step)),
			 format_owner(e, owner),
			 kind->mark == '-' ? "" : format_left_short(e, left),
			 is_null(e, "note") ? "" : get_text(e, "note"));
	for (size_t len = strlen(text); len && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
	fputs(text_colour(s, kind->colour), to);
	text_line(text, s, to);
	fputs(text_colour(s, TEXT_PLAIN), to);
}
