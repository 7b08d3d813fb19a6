/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ladder in words.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/export/members.h"
#include "user/export/standing.h"

static const struct rung {
	const char *name, *meaning, *next;
} rungs[] = {
	{ "observe", "its entries only watch", "canary" },
	{ "canary", "its entries drop a small share of the sources", "enforce" },
	{ "enforce", "its entries drop all but the sources that are held out", NULL },
};

static const struct rung *rung_of(const json_t *standing)
{
	static const struct rung other = { "-", "-", NULL };

	for (size_t i = 0; i < ARRAY_LEN(rungs); i++)
		if (strcmp(rungs[i].name, get_text(standing, "rung")) == 0)
			return &rungs[i];
	return &other;
}

static bool ordered(const json_t *standing, const char *order)
{
	return strcmp(get_text(standing, "order"), order) == 0;
}

static bool is_held(const json_t *standing)
{
	return ordered(standing, "paused") || ordered(standing, "rejected");
}

const char *standing_word(const json_t *standing)
{
	return get_text(standing, is_held(standing) ? "order" : "rung");
}

static void print_rung(const json_t *st, const struct text_style *s, FILE *to)
{
	const struct rung *rung = rung_of(st);
	const char *meaning = rung->meaning;
	char age[FORMAT_MAX];

	if (ordered(st, "rejected"))
		meaning = "it gets no entries, as long as it is known";
	else if (ordered(st, "paused"))
		meaning = "its entries only watch, until it is approved";
	else if (strcmp(get_text(st, "mode"), "observe") == 0)
		meaning = "nothing is dropped, as the mode is observe";
	text_fact(s, to, "standing", is_held(st) ? TEXT_YELLOW : TEXT_PLAIN, "%s for %s: %s",
		  standing_word(st), format_since(st, "since", age), meaning);
}

static void print_order(const json_t *st, const struct text_style *s, FILE *to)
{
	const char *note = is_null(st, "note") ? "" : get_text(st, "note");

	if (is_null(st, "order") || ordered(st, "none"))
		return;
	text_fact(s, to, "order", TEXT_PLAIN, "%s by %s%s%s", get_text(st, "order"),
		  get_text(st, "actor"), *note ? ": " : "", note);
}

/* An approval is kept: whoever sets the mode later must not be taken by surprise. */
static bool waits_for_mode(const json_t *st)
{
	return get_flag(st, "urged") && rung_of(st)->next &&
	       strcmp(get_text(st, "mode"), "observe") == 0;
}

/* When it climbs, or why it does not. */
static void print_next(const json_t *st, uint64_t now_unix, const struct text_style *s, FILE *to)
{
	const struct rung *rung = rung_of(st);
	uint64_t rises = get_number(st, "rises");
	char left[FORMAT_MAX], when[FORMAT_MAX];

	if (rises > now_unix && rung->next)
		text_fact(s, to, "climbs", TEXT_PLAIN, "to %s in %s, on %s", rung->next,
			  format_time(rises - now_unix, left), format_date(st, "rises", when));
	else if (rises && rung->next)
		text_fact(s, to, "climbs", TEXT_PLAIN, "to %s with the next round", rung->next);
	if (!rises && waits_for_mode(st)) {
		text_fact(s, to, "climbs", TEXT_YELLOW,
			  "to %s as soon as the mode is enforce, because it is approved",
			  rung->next);
		return;
	}
	if (!is_null(st, "reason"))
		text_fact(s, to, rises ? "because" : "stays", TEXT_YELLOW, "%s",
			  get_text(st, "reason"));
	else if (!rises && !rung->next && !is_held(st))
		text_fact(s, to, "climbs", TEXT_PLAIN, "no further: this is the highest rung");
}

static void print_held_out(const json_t *st, const struct text_style *s, FILE *to)
{
	uint64_t held = get_number(st, "held_out"), alike = get_number(st, "held_out_alike");
	char n[FORMAT_MAX], m[FORMAT_MAX];

	if (held)
		text_fact(s, to, "held out", TEXT_PLAIN,
			  "%s source%s pass, to measure by; %s still behave as the campaign does",
			  format_exact(held, n), held == 1 ? "" : "s",
			  alike ? format_exact(alike, m) : "none of them");
}

void print_standing(const json_t *standing, uint64_t now_unix, const struct text_style *s, FILE *to)
{
	uint64_t back = get_number(standing, "rollbacks");

	if (!json_is_object(standing))
		return;
	print_rung(standing, s, to);
	print_order(standing, s, to);
	print_next(standing, now_unix, s, to);
	if (back)
		text_fact(s, to, "rollbacks", TEXT_YELLOW,
			  "%llu time%s back to observe, because accepted traffic fell",
			  (unsigned long long)back, back == 1 ? "" : "s");
	print_held_out(standing, s, to);
}
