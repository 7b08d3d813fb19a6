/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each family of evidence found, as one sentence with the number that others show.
 */
#include <math.h>
#include <stdio.h>
#include "user/shoal/family.h"
#include "user/shoal/words.h"

static const char *const family_names[FAMILY_MAX] = {
	[FAMILY_PATH] = "path",	      [FAMILY_SCHEDULE] = "schedule",
	[FAMILY_DENSITY] = "density", [FAMILY_SYNCHRONY] = "synchrony",
	[FAMILY_PLACE] = "place",     [FAMILY_SEED] = "seed",
};

const char *family_name(enum family f)
{
	return f < FAMILY_MAX ? family_names[f] : "?";
}

/* The numbers of struct evidence as words. */
struct figures {
	char observed[WORDS_MAX], of[WORDS_MAX], expected[WORDS_MAX], baseline[WORDS_MAX];
};

static struct figures figures_of(const struct evidence *e)
{
	struct figures n;

	words_count(e->observed, n.observed);
	words_count(e->of, n.of);
	words_count(e->expected, n.expected);
	words_percent(e->baseline, n.baseline);
	return n;
}

static void say_path(const struct campaign *c, const struct figures *n, char *buf, size_t size)
{
	char range[64] = "";

	if (c->gap_high_ms > 0)
		snprintf(range, sizeof(range), " (nine in ten members one of %.0f to %.0f ms)",
			 c->gap_low_ms, c->gap_high_ms);
	snprintf(buf, size,
		 "%s of %s sources with this ClientHello show a second round trip%s; %s of others "
		 "do.",
		 n->observed, n->of, range, n->baseline);
}

static void say_place(const struct evidence *e, const struct figures *n, char *buf, size_t size)
{
	char where[PREFIX_TEXT];

	if (e->of <= 0)
		snprintf(buf, size, "No subnet holds more of its sources than expected.");
	else if (e->asn)
		snprintf(buf, size,
			 "%s of the %s sources in network AS%u belong to it; %s would by chance.",
			 n->observed, n->of, e->asn, n->expected);
	else
		snprintf(buf, size, "%s of the %s sources in %s belong to it; %s would by chance.",
			 n->observed, n->of, prefix_format(&e->where, where), n->expected);
}

/* Ranks, from 0 for the source that has just asked to 1 for the one that has waited longest. */
static void say_handoff(const struct evidence *e, const struct figures *n, char *buf, size_t size)
{
	snprintf(buf, size,
		 e->observed > e->expected
			 ? "Requests come from the source that has waited longest: mean rank %.2f "
			   "of 1 in %s turns, where unrelated clients have %.2f or less."
			 : "Requests do not come in turn: mean rank %.2f of 1 in %s turns, where "
			   "unrelated clients have %.2f or less.",
		 fmin(e->observed, 1), n->of, fmin(e->expected, 1));
}

static void say_schedule(const struct evidence *e, const struct figures *n, char *buf, size_t size)
{
	if (e->of <= 0)
		snprintf(buf, size, "Too few turns of too few sources are known.");
	else if (e->test == SCHEDULE_HANDOFF)
		say_handoff(e, n, buf, size);
	else
		snprintf(buf, size, "%s of %s sources ask at regular intervals; %s of others do.",
			 n->observed, n->of, n->baseline);
}

static void say_synchrony(const struct evidence *e, const struct figures *n, char *buf, size_t size)
{
	if (e->of <= 0)
		snprintf(buf, size, "Too few times of too few sources are known.");
	else if (e->test == SYNCHRONY_SLOTS)
		snprintf(
			buf, size,
			"Of %s times its sources were active, %s fall into the same busy slots; %s "
			"would by chance.",
			n->of, n->observed, n->expected);
	else
		snprintf(buf, size,
			 "%s of %s sources are active at the same times as several others of them; "
			 "%s would be by chance.",
			 n->observed, n->of, n->expected);
}

const char *evidence_sentence(const struct campaign *c, enum family f, char *buf, size_t size)
{
	const struct evidence *e = f < FAMILY_MAX ? &c->evidence[f] : NULL;
	struct figures n = e ? figures_of(e) : (struct figures){ 0 };

	switch (f) {
	case FAMILY_PATH: say_path(c, &n, buf, size); break;
	case FAMILY_DENSITY:
		snprintf(buf, size,
			 "%s of %s sources ask nearly equally often, for nearly equal sizes; of as "
			 "many other clients %s would.",
			 n.observed, n.of, n.expected);
		break;
	case FAMILY_SCHEDULE: say_schedule(e, &n, buf, size); break;
	case FAMILY_SYNCHRONY: say_synchrony(e, &n, buf, size); break;
	case FAMILY_PLACE: say_place(e, &n, buf, size); break;
	case FAMILY_SEED:
		snprintf(buf, size, "%s of its %s sources are seeds; %s would be by chance.",
			 n.observed, n.of, n.expected);
		break;
	default: snprintf(buf, size, "No such evidence.");
	}
	return buf;
}

bool evidence_asked(const struct campaign *c, enum family f)
{
	switch (f) {
	case FAMILY_SEED: return c->evidence[f].baseline > 0;
	case FAMILY_SCHEDULE:
	case FAMILY_SYNCHRONY: return c->evidence[f].of > 0;
	default: return true;
	}
}
