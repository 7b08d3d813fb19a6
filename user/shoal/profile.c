/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is said of one source. The rules are those of population.c and campaign.c, asked one by one.
 */
#include <math.h>
#include <stdio.h>
#include "user/base/cleanup.h"
#include "user/shoal/profile.h"
#include "user/shoal/words.h"

#define PEOPLE_ROUND 0.5 /* the estimate of k stacks lies up to that above k */

static const char *const standing_names[] = {
	[STANDING_UNSEEN] = "unseen",		[STANDING_MEMBER] = "member",
	[STANDING_NO_CAMPAIGN] = "no_campaign", [STANDING_UNPROVEN] = "unproven",
	[STANDING_SHARED] = "shared",		[STANDING_IDLE] = "idle",
	[STANDING_DIFFERENT] = "different",
};

const char *standing_name(enum profile_standing s)
{
	return (unsigned int)s < ARRAY_LEN(standing_names) ? standing_names[s] : "unknown";
}

enum profile_standing profile_standing(const struct profile *p)
{
	if (p->member)
		return STANDING_MEMBER;
	if (!p->f)
		return STANDING_UNSEEN;
	if (!p->c)
		return STANDING_NO_CAMPAIGN;
	if (source_log10_e(&p->noise, p->f) < SOURCE_PROVEN)
		return STANDING_UNPROVEN;
	if (p->f->stacks > p->stacks_max + PEOPLE_ROUND || p->f->requests > p->requests_high)
		return STANDING_SHARED;
	return p->f->idle_sec > p->day_sec ? STANDING_IDLE : STANDING_DIFFERENT;
}

/* What one handshake of a class adds to log10 of the e-value. */
static double step_of(const struct noise *noise, struct trail one)
{
	const struct features f = { .trail = one };

	return source_log10_e(noise, &f);
}

uint32_t profile_dual_needed(const struct profile *p)
{
	double missing = SOURCE_PROVEN - (p->f ? source_log10_e(&p->noise, p->f) : 0);

	if (missing <= 0)
		return 0;
	return (uint32_t)ceil(missing / step_of(&p->noise, (struct trail){ .dual = 1 }));
}

static uint32_t clean_needed(const struct profile *p)
{
	double above = source_log10_e(&p->noise, p->f) - SOURCE_PROVEN;

	return (uint32_t)floor(above / -step_of(&p->noise, (struct trail){ .none = 1 })) + 1;
}

/* ---- what was measured ---- */

static void say_seen(struct speech *s, const struct profile *p)
{
	char age[WORDS_MAX], idle[WORDS_MAX];

	say(s, SIDE_LIFE, "First seen %s ago, last %s ago.", words_time(p->f->age_sec, age),
	    words_time(p->f->idle_sec, idle));
	if (p->history)
		say(s, SIDE_LIFE, "Of the last %d whole days it was active on %u.", PROFILE_DAYS,
		    p->days);
}

static void say_gaps(struct speech *s, const struct profile *p)
{
	const struct features *f = p->f;
	uint32_t n = f->gap_none + f->gap_single + f->gap_dual;
	char all[WORDS_MAX], dual[WORDS_MAX], single[WORDS_MAX], noise[WORDS_MAX];

	say(s, SIDE_LIFE,
	    "%s handshake%s measured: %s with both signs of a second leg, %s with one. Of direct "
	    "lines' %s have both.",
	    words_count(n, all), n == 1 ? "" : "s", words_count(f->gap_dual, dual),
	    words_count(f->gap_single, single), words_percent(p->noise.dual, noise));
}

static void say_proof(struct speech *s, const struct profile *p)
{
	double e = source_log10_e(&p->noise, p->f);
	uint32_t more = profile_dual_needed(p);
	char n[WORDS_MAX];

	if (!more)
		say(s, SIDE_LIFE,
		    "A second leg is proven: its evidence is %.1f, and %.1f prove one (powers of "
		    "ten). %s clean handshake%s would undo that.",
		    e, SOURCE_PROVEN, words_count(clean_needed(p), n),
		    clean_needed(p) == 1 ? "" : "s");
	else
		say(s, SIDE_LIFE,
		    "A second leg is not proven: its evidence is %.1f, and %.1f would prove one "
		    "(powers of ten). %s handshake%s with both signs would.",
		    e, SOURCE_PROVEN, words_count(more, n), more == 1 ? "" : "s");
}

static void say_work(struct speech *s, const struct profile *p)
{
	const struct features *f = p->f;
	const struct work *w = &p->work;
	char n[WORDS_MAX], request[WORDS_MAX], response[WORDS_MAX], low[WORDS_MAX];
	char time[WORDS_MAX], high[WORDS_MAX], a[WORDS_MAX], b[WORDS_MAX], c[WORDS_MAX],
		d[WORDS_MAX];

	words_time(p->window_sec, time);
	words_count(f->requests, n);
	if (f->log_request <= 0) {
		say(s, SIDE_LIFE, "In the last %s it made %s request%s, none answered yet.", time,
		    n, f->requests == 1 ? "" : "s");
		return;
	}
	say(s, SIDE_LIFE, "In the last %s it made %s request%s of about %s; answers were about %s.",
	    time, n, f->requests == 1 ? "" : "s", words_bytes(exp(f->log_request), request),
	    words_bytes(exp(f->log_response), response));
	if (p->c && w->n)
		say(s, SIDE_LIFE,
		    "Nine in ten members of c-%04x: %s to %s requests of %s to %s, answers %s to "
		    "%s.",
		    p->c->id, words_count(w->requests.low, low),
		    words_count(w->requests.high, high), words_bytes(w->request_bytes.low, a),
		    words_bytes(w->request_bytes.high, b), words_bytes(w->response_bytes.low, c),
		    words_bytes(w->response_bytes.high, d));
}

static void say_people(struct speech *s, const struct profile *p)
{
	char n[WORDS_MAX], high[WORDS_MAX];

	say(s, SIDE_LIFE,
	    "About %.0f different TCP and TLS stack%s seen behind it, so about as many people; "
	    "from %.0f on it counts as shared.",
	    fmax(p->f->stacks, 1), p->f->stacks < 1.5 ? " was" : "s were", p->stacks_max + 1);
	if (p->f->requests > p->requests_high)
		say(s, SIDE_LIFE,
		    "Its %s requests are more than 99.5 %% of sources make (%s): it counts as "
		    "shared.",
		    words_count(p->f->requests, n), words_count(p->requests_high, high));
}

static void say_measured(struct speech *s, const struct profile *p)
{
	if (!p->f) {
		say(s, SIDE_LIFE, "No proven connection from there is known.");
		return;
	}
	say_seen(s, p);
	say_gaps(s, p);
	say_proof(s, p);
	say_work(s, p);
	say_people(s, p);
}

/* ---- member or not ---- */

static void say_membership(struct speech *s, const struct profile *p)
{
	char chance[WORDS_MAX], limit[WORDS_MAX], since[WORDS_MAX];
	uint32_t joined = p->member->joined_sec;

	say(s, SIDE_FOR, "It is a member of c-%04x, since %s.", p->c->id,
	    words_time(p->now_sec > joined ? p->now_sec - joined : 0, since));
	say(s, SIDE_FOR, "The chance that it is innocent is put at %s; at most %s is accepted.",
	    words_percent(p->member->lfdr, chance), words_percent(p->lfdr_max, limit));
}

static void say_why_not(struct speech *s, const struct profile *p, enum profile_standing standing)
{
	char limit[WORDS_MAX];

	switch (standing) {
	case STANDING_UNSEEN: say(s, SIDE_AGAINST, "Not a member: nothing is known of it."); break;
	case STANDING_NO_CAMPAIGN:
		say(s, SIDE_AGAINST, "Not a member: no campaign has its ClientHello.");
		break;
	case STANDING_UNPROVEN:
		say(s, SIDE_AGAINST,
		    "Not a member of c-%04x, which has its ClientHello: no second leg is proven%s.",
		    p->c->id,
		    source_log10_e(&p->noise, p->f) >= SOURCE_SPLIT
			    ? ", though one is likely; it is counted, but not blamed"
			    : "");
		break;
	case STANDING_SHARED:
		say(s, SIDE_AGAINST, "Not a member of c-%04x, but like it: spared as shared.",
		    p->c->id);
		break;
	case STANDING_IDLE:
		say(s, SIDE_AGAINST, "Not a member of c-%04x: silent for a day.", p->c->id);
		break;
	default:
		say(s, SIDE_AGAINST,
		    "Not a member of c-%04x: it works differently, so that the chance that it is "
		    "innocent is above %s.",
		    p->c->id, words_percent(p->lfdr_max, limit));
	}
}

static void say_seed(struct speech *s, const struct profile *p)
{
	if (p->seed)
		say(s, SIDE_FOR, "It is a seed: an operator knows it to be bad%s%.70s.",
		    p->seed->note[0] ? ", " : "", p->seed->note);
}

/* ---- what would change that ---- */

static void say_change(struct speech *s, const struct profile *p, enum profile_standing standing)
{
	uint32_t more = profile_dual_needed(p);

	switch (standing) {
	case STANDING_MEMBER:
		say(s, SIDE_WITHOUT,
		    "Other work, a day of silence or clean handshakes would end that; the allow "
		    "list spares it at once.");
		break;
	case STANDING_UNPROVEN:
		say(s, SIDE_WITHOUT,
		    "%u more handshake%s with both signs, and work like its members', would make "
		    "it "
		    "one.",
		    more, more == 1 ? "" : "s");
		break;
	case STANDING_DIFFERENT:
		say(s, SIDE_WITHOUT, "Work like its members' would make it one.");
		break;
	case STANDING_IDLE: say(s, SIDE_WITHOUT, "Its next request would make it one."); break;
	case STANDING_SHARED:
		say(s, SIDE_WITHOUT, "Nothing: who is shared is never dropped whole.");
		break;
	default: break;
	}
}

size_t profile_explain(const struct profile *p, struct sentence ret[SENTENCES_MAX])
{
	enum profile_standing standing = profile_standing(p);
	struct speech s = { .list = ret };

	say_measured(&s, p);
	if (p->member)
		say_membership(&s, p);
	else
		say_why_not(&s, p, standing);
	say_seed(&s, p);
	say_change(&s, p, standing);
	return s.n;
}
