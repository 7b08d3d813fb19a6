/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A campaign in sentences: what speaks for it, what against, what dropping it would hit, and how it
 * lives. Every number comes with what one would expect without a campaign.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include "user/shoal/words.h"

/* Fewer members heard than that of what their rate lets expect: they have fallen silent. The same
 * limit as for a takeover, see succession.c. */
#define SILENT 0.5

/* ---- what speaks for it, and what against ---- */

/* "Path" */
static const char *title(enum family f, char *buf)
{
	snprintf(buf, WORDS_MAX, "%s", family_name(f));
	buf[0] = (char)toupper((unsigned char)buf[0]);
	return buf;
}

static void say_strong(struct speech *s, const struct campaign *c)
{
	char text[SENTENCE_SIZE], name[WORDS_MAX], p[WORDS_MAX], q[WORDS_MAX];

	for (unsigned int f = 0; f < FAMILY_MAX; f++)
		if (c->evidence[f].holds)
			say(s, SIDE_FOR, "%s, p %s: %.200s", title(f, name),
			    words_chance(c->evidence[f].p, p),
			    evidence_sentence(c, f, text, sizeof(text)));
	say(s, SIDE_FOR,
	    "Were fewer than two kinds of evidence real, so much would show with p %s; false "
	    "discovery rate %s.",
	    words_chance(c->p_combined, p), words_chance(c->q_value, q));
}

static void say_weak(struct speech *s, const struct campaign *c)
{
	char text[SENTENCE_SIZE], name[WORDS_MAX], p[WORDS_MAX];

	for (unsigned int f = 0; f < FAMILY_MAX; f++) {
		if (c->evidence[f].holds)
			continue;
		if (evidence_asked(c, f))
			say(s, SIDE_AGAINST, "%s does not hold, p %s: %.200s", title(f, name),
			    words_chance(c->evidence[f].p, p),
			    evidence_sentence(c, f, text, sizeof(text)));
		else if (f == FAMILY_SEED)
			say(s, SIDE_AGAINST, "Seed could not be asked: no source is a seed.");
		else
			say(s, SIDE_AGAINST, "%s could not be asked. %.200s", title(f, name),
			    evidence_sentence(c, f, text, sizeof(text)));
	}
}

static void say_innocents(struct speech *s, const struct campaign *c)
{
	char n[WORDS_MAX], false_ones[WORDS_MAX], least[WORDS_MAX];
	double innocents = 0;

	for (size_t i = 0; i < c->n_members; i++)
		innocents += c->members[i].lfdr;
	say(s, SIDE_AGAINST,
	    "%s of %s members may be innocent; the least sure one is with a chance of %s.",
	    words_count(innocents, false_ones), words_count((double)c->n_members, n),
	    words_percent(c->lfdr_max, least));
}

static void say_spared(struct speech *s, const struct campaign *c)
{
	uint32_t fit = c->found + c->shared + c->idle + c->fleeting;
	char n[WORDS_MAX];

	if (c->shared)
		say(s, SIDE_AGAINST,
		    c->shared == 1 ? "%s source fits, but is spared: many people share it."
				   : "%s sources fit, but are spared: many people share them.",
		    words_count(c->shared, n));
	if (c->idle)
		say(s, SIDE_AGAINST,
		    c->idle == 1 ? "%s source fits, but is spared: it has been silent for a day."
				 : "%s sources fit, but are spared: they have been silent for a "
				   "day.",
		    words_count(c->idle, n));
	if (c->fleeting)
		say(s, SIDE_AGAINST,
		    c->fleeting == 1
			    ? "%s source fits, but is spared: seen too briefly to prove a "
			      "second leg of its own."
			    : "%s sources fit, but are spared: seen too briefly to prove a "
			      "second leg of their own.",
		    words_count(c->fleeting, n));
	if (c->sources > fit)
		say(s, SIDE_AGAINST,
		    c->sources - fit == 1
			    ? "%s source has its ClientHello and a second round trip, but works "
			      "differently, and is spared."
			    : "%s sources have its ClientHello and a second round trip, but work "
			      "differently, and are spared.",
		    words_count(c->sources - fit, n));
}

/* ---- with one kind of evidence less ---- */

bool campaign_stands(const struct campaign *c)
{
	for (unsigned int f = 0; f < FAMILY_MAX; f++)
		if (c->evidence[f].holds && !c->stands_without[f])
			return false;
	return true;
}

/* "path, density" */
static void needed(const struct campaign *c, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int f = 0; f < FAMILY_MAX; f++)
		if (c->evidence[f].holds && !c->stands_without[f] && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 family_name(f));
}

static void say_without(struct speech *s, const struct campaign *c)
{
	char p[WORDS_MAX], names[80];

	for (unsigned int f = 0; f < FAMILY_MAX; f++)
		if (c->evidence[f].holds)
			say(s, SIDE_WITHOUT,
			    c->stands_without[f]
				    ? "Without the evidence of %s it would still be found (p %s)%s."
				    : "Without the evidence of %s it would not be found (p %s)%s.",
			    family_name(f), words_chance(c->p_without[f], p),
			    f != FAMILY_DENSITY || !c->stands_without[f] ? ""
			    : c->seeds ? ", with its seeds as only members"
				       : ", but have no members");
	needed(c, names, sizeof(names));
	if (campaign_stands(c))
		say(s, SIDE_WITHOUT, "Any one kind may be wrong: it would still be found.");
	else
		say(s, SIDE_WITHOUT, "It hangs on %s: were one of these wrong, so would be this.",
		    names);
}

/* ---- what dropping would hit ---- */

static void say_entries(struct speech *s, const struct campaign *c)
{
	char n[WORDS_MAX], members[WORDS_MAX], others[WORDS_MAX];
	size_t covered = 0, outsiders = 0;

	for (size_t i = 0; i < c->n_prefixes; i++) {
		covered += c->prefixes[i].members;
		outsiders += c->prefixes[i].outsiders;
	}
	if (c->n_prefixes)
		say(s, SIDE_EFFECT, "%s prefix%s would cover %s members and %s other source%s.",
		    words_count((double)c->n_prefixes, n), c->n_prefixes == 1 ? "" : "es",
		    words_count((double)covered, members), words_count((double)outsiders, others),
		    outsiders == 1 ? "" : "s");
	if (c->n_members > covered)
		say(s, SIDE_EFFECT, "%s member%s would get an entry of %s own.",
		    words_count((double)(c->n_members - covered), n),
		    c->n_members - covered == 1 ? "" : "s",
		    c->n_members - covered == 1 ? "its" : "their");
}

/* Prefixes that were looked at, and why they do not stand for their members. */
static void say_refused(struct speech *s, const struct campaign *c)
{
	const uint32_t *n = c->refused;

	if (n[NET_SPARSE] || n[NET_SHARED] || n[NET_KNOWN] || n[NET_IMPURE])
		say(s, SIDE_EFFECT,
		    "Prefixes spared: %u too thin, %u not surely pure, %u with long-known others, "
		    "%u with shared ones.",
		    n[NET_SPARSE], n[NET_IMPURE], n[NET_KNOWN], n[NET_SHARED]);
}

static void say_load(struct speech *s, const struct campaign *c, const struct backdrop *b)
{
	char n[WORDS_MAX], each[WORDS_MAX], share[WORDS_MAX], day[WORDS_MAX];
	double sources = (double)c->found + c->fleeting;

	words_time(b->day_sec, day);
	if (sources > 0)
		say(s, SIDE_EFFECT, "%s about %s requests in %s, %s each.",
		    c->fleeting ? "Its members and those seen too briefly make"
				: "Its members make",
		    words_count(round(c->rate), n), day,
		    words_count(round(c->rate / sources), each));
	if (c->networks > 0)
		say(s, SIDE_EFFECT,
		    "They are spread like over %.1f equal networks (/20, IPv6 /40); a company's "
		    "own "
		    "proxies keep to few.",
		    c->networks);
	if (b->sources)
		say(s, SIDE_EFFECT, "They are %s of the %s sources seen in the last %s.",
		    words_percent((double)c->n_members / (double)b->sources, share),
		    words_count((double)b->sources, n), day);
}

/* ---- how it lives ---- */

static uint32_t ago(const struct backdrop *b, uint32_t sec)
{
	return b->now_sec > sec ? b->now_sec - sec : 0;
}

/* "24 h (10 s ago), 7 days (20 min ago)" */
static void windows(const struct campaign *c, const struct backdrop *b, char *buf, size_t size)
{
	char length[WORDS_MAX], past[WORDS_MAX];
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int w = 0; w < WINDOWS; w++) {
		if (!c->seen_sec[w] || used >= size)
			continue;
		words_time((uint64_t)b->day_sec * window_slots(w) / SPAN_DAY_SLOTS, length);
		used += (size_t)snprintf(buf + used, size - used, "%s%s (%s ago)", used ? ", " : "",
					 length, words_time(ago(b, c->seen_sec[w]), past));
	}
}

static void say_age(struct speech *s, const struct campaign *c, const struct backdrop *b)
{
	char first[WORDS_MAX], ended[WORDS_MAX], found[SENTENCE_SIZE / 2];

	say(s, SIDE_LIFE, "First found %s ago.", words_time(ago(b, c->first_sec), first));
	windows(c, b, found, sizeof(found));
	if (found[0])
		say(s, SIDE_LIFE, "Found by looking at the last %s.", found);
	if (c->ended_sec)
		say(s, SIDE_LIFE, "It ended %s ago: it is no longer found, and has no new entries.",
		    words_time(ago(b, c->ended_sec), ended));
}

static void say_growth(struct speech *s, const struct campaign *c, const struct backdrop *b)
{
	char from[WORDS_MAX], now[WORDS_MAX], since[WORDS_MAX], most[WORDS_MAX];

	words_count((double)c->n_members, now);
	if (c->n_members != c->grown_from)
		say(s, SIDE_LIFE, "It has %s from %s to %s members in the last %s.",
		    c->n_members > c->grown_from ? "grown" : "shrunk",
		    words_count(c->grown_from, from), now, words_time(ago(b, c->grown_sec), since));
	if (c->members_max > c->n_members)
		say(s, SIDE_LIFE, "At its height it had %s members.",
		    words_count(c->members_max, most));
	if (c->rate_max > c->rate * 1.05) /* less is no news */
		say(s, SIDE_LIFE, "At its height they made about %s requests in %s.",
		    words_count(round(c->rate_max), most), words_time(b->day_sec, since));
}

static void say_awake(struct speech *s, const struct campaign *c, const struct backdrop *b)
{
	char heard[WORDS_MAX], expected[WORDS_MAX], hour[WORDS_MAX];

	if (c->ended_sec || c->awake_expected < 1)
		return;
	words_count(c->awake, heard);
	words_count(round(c->awake_expected), expected);
	words_time(b->day_sec / 24, hour);
	say(s, SIDE_LIFE, "%s %s heard in the last %s, %s expected at their rate.",
	    c->awake < SILENT * c->awake_expected ? "Its members fall silent:" : "Of its members",
	    heard, hour, expected);
}

static void say_succession(struct speech *s, const struct campaign *c, const struct backdrop *b)
{
	if (c->replaces)
		say(s, SIDE_LIFE,
		    "It has taken over the load of c-%04x: same work, other addresses.",
		    c->replaces);
	for (size_t i = 0; b->all && i < b->all->n; i++)
		if (b->all->list[i].replaces == c->id)
			say(s, SIDE_LIFE, "Its load was taken over by c-%04x.", b->all->list[i].id);
}

static void say_seeds(struct speech *s, const struct campaign *c)
{
	char n[WORDS_MAX];

	if (c->seeds)
		say(s, SIDE_LIFE, "%s of its members %s known to be bad: seeds.",
		    words_count(c->seeds, n), c->seeds == 1 ? "is" : "are");
}

size_t campaign_explain(const struct campaign *c, const struct backdrop *b,
			struct sentence ret[SENTENCES_MAX])
{
	struct speech s = { .list = ret };

	say_strong(&s, c);
	say_weak(&s, c);
	say_innocents(&s, c);
	say_spared(&s, c);
	say_without(&s, c);
	say_entries(&s, c);
	say_refused(&s, c);
	say_load(&s, c, b);
	say_age(&s, c, b);
	say_growth(&s, c, b);
	say_awake(&s, c, b);
	say_succession(&s, c, b);
	say_seeds(&s, c);
	return s.n;
}
