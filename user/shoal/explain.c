/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A campaign in sentences: what speaks for it, what against, and what dropping it would hit. Every
 * number comes with what one would expect without a campaign.
 */
#include <stdarg.h>
#include <stdio.h>
#include "user/shoal/chance.h"
#include "user/shoal/shoal.h"

static const char *const family_names[FAMILY_MAX] = {
	[FAMILY_PATH] = "path",	      [FAMILY_SCHEDULE] = "schedule",
	[FAMILY_DENSITY] = "density", [FAMILY_SYNCHRONY] = "synchrony",
	[FAMILY_PLACE] = "place",     [FAMILY_SEED] = "seed",
};

const char *family_name(enum family f)
{
	return f < FAMILY_MAX ? family_names[f] : "?";
}

#define CHANCE_TEXT 24

static const char *chance_text(double p, char *buf)
{
	if (p <= CHANCE_MIN * 1e6)
		snprintf(buf, CHANCE_TEXT, "below 1e-290");
	else
		snprintf(buf, CHANCE_TEXT, "%.2g", p);
	return buf;
}

static const char *percent(double share, char *buf)
{
	snprintf(buf, CHANCE_TEXT, share < 0.1 ? "%.1f %%" : "%.0f %%", share * 100);
	return buf;
}

/* A prefix or "AS64500"; `buf` holds PREFIX_TEXT. */
static const char *place_text(const struct evidence *e, char *buf)
{
	if (!e->asn)
		return prefix_format(&e->where, buf);
	snprintf(buf, PREFIX_TEXT, "AS%u", e->asn);
	return buf;
}

const char *evidence_sentence(const struct campaign *c, enum family f, char *buf, size_t size)
{
	const struct evidence *e = &c->evidence[f];
	char share[CHANCE_TEXT], where[PREFIX_TEXT];

	switch (f) {
	case FAMILY_PATH:
		snprintf(buf, size,
			 "%.0f of %.0f sources with this ClientHello are behind a second leg; "
			 "of others %s.",
			 e->observed, e->of, percent(e->baseline, share));
		break;
	case FAMILY_DENSITY:
		snprintf(buf, size,
			 "%.0f of %.0f do nearly equal work; of such a crowd %.1f would.",
			 e->observed, e->of, e->expected);
		break;
	case FAMILY_PLACE:
		if (e->of > 0)
			snprintf(buf, size,
				 "%.0f of %.0f sources in %s belong to it; %.1f expected.",
				 e->observed, e->of, place_text(e, where), e->expected);
		else
			snprintf(buf, size, "No subnet holds more of its sources than expected.");
		break;
	default: snprintf(buf, size, "No such evidence.");
	}
	return buf;
}

struct speech {
	struct sentence *list;
	size_t n;
};

__attribute__((format(printf, 3, 4))) static void say(struct speech *s, enum side side,
						      const char *format, ...)
{
	va_list args;

	if (s->n == SENTENCES_MAX)
		return;
	s->list[s->n].side = side;
	va_start(args, format);
	vsnprintf(s->list[s->n].text, SENTENCE_SIZE, format, args);
	va_end(args);
	s->n++;
}

static void say_evidence(struct speech *s, const struct campaign *c, bool holds)
{
	char text[SENTENCE_SIZE];

	for (unsigned int f = 0; f < FAMILY_MAX; f++)
		if (c->evidence[f].holds == holds)
			say(s, holds ? SIDE_FOR : SIDE_AGAINST, "%s%s",
			    holds ? "" : "Weak: ", evidence_sentence(c, f, text, sizeof(text)));
}

static void say_without(struct speech *s, const struct campaign *c)
{
	char p[CHANCE_TEXT];

	for (unsigned int f = 0; f < FAMILY_MAX; f++)
		say(s, c->stands_without[f] ? SIDE_FOR : SIDE_AGAINST,
		    c->stands_without[f]
			    ? "It would be found without the evidence of %s, too (p %s)."
			    : "Without the evidence of %s it would not be found (p %s).",
		    family_name(f), chance_text(c->p_without[f], p));
}

static void say_doubts(struct speech *s, const struct campaign *c)
{
	char least[CHANCE_TEXT];
	double innocents = 0;

	for (size_t i = 0; i < c->n_members; i++)
		innocents += c->members[i].lfdr;
	say(s, SIDE_AGAINST,
	    "Of %zu members %.1f are expected to be innocent; the least sure by %s.", c->n_members,
	    innocents, percent(c->lfdr_max, least));
	if (c->shared)
		say(s, SIDE_AGAINST,
		    c->shared == 1 ? "%u source fits, but is spared: many people share it."
				   : "%u sources fit, but are spared: many people share them.",
		    c->shared);
	if (c->sources > c->n_members + c->shared)
		say(s, SIDE_AGAINST, "Behind a second leg, but working differently: %zu, spared.",
		    c->sources - c->n_members - c->shared);
}

static void say_refused(struct speech *s, const struct campaign *c)
{
	const uint32_t *n = c->refused;

	if (n[NET_SPARSE] || n[NET_SHARED] || n[NET_KNOWN] || n[NET_IMPURE])
		say(s, SIDE_EFFECT,
		    "Prefixes spared: %u too thin, %u not surely pure, %u with long-known "
		    "others, %u with shared ones.",
		    n[NET_SPARSE], n[NET_IMPURE], n[NET_KNOWN], n[NET_SHARED]);
}

static void say_effect(struct speech *s, const struct campaign *c)
{
	size_t covered = 0, outsiders = 0;

	for (size_t i = 0; i < c->n_prefixes; i++) {
		covered += c->prefixes[i].members;
		outsiders += c->prefixes[i].outsiders;
	}
	if (c->n_prefixes)
		say(s, SIDE_EFFECT, "%zu prefix%s would cover %zu members and %zu other source%s.",
		    c->n_prefixes, c->n_prefixes == 1 ? "" : "es", covered, outsiders,
		    outsiders == 1 ? "" : "s");
	say_refused(s, c);
	say(s, SIDE_EFFECT, "Members with an entry of their own: %zu.", c->n_members - covered);
	say(s, SIDE_EFFECT, "They made %llu requests in the window.",
	    (unsigned long long)c->requests);
}

size_t campaign_explain(const struct campaign *c, struct sentence ret[SENTENCES_MAX])
{
	struct speech s = { .list = ret };
	char p[CHANCE_TEXT], q[CHANCE_TEXT];

	say_evidence(&s, c, true);
	say(&s, SIDE_FOR, "For nine in ten members the second leg is %.0f to %.0f ms long.",
	    c->gap_low_ms, c->gap_high_ms);
	say(&s, SIDE_FOR, "At least two kinds of evidence hold: p %s, false discovery rate %s.",
	    chance_text(c->p_combined, p), chance_text(c->q_value, q));
	say_evidence(&s, c, false);
	say_without(&s, c);
	say_doubts(&s, c);
	say_effect(&s, c);
	return s.n;
}
