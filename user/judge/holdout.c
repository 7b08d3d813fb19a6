/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What those whom a campaign's entries spare turn out to be.
 */
#include <inttypes.h>
#include <stdio.h>
#include "user/judge/holdout.h"
#include "user/judge/share.h"
#include "user/shoal/chance.h"

const struct holdout_settings holdout_defaults = {
	.precision_min = 0.9,
	.measured_min = 8,
};

#define FRESH_MIN 2 /* handshakes that say more than what was believed before */

enum likeness { UNMEASURED, ALIKE, UNLIKE };

static bool of_campaign(const struct holdout_question *q, const struct entry *e)
{
	return e->row.origin == SEINE_AUTO && e->row.campaign == q->campaign->id;
}

/* Places below that are spared by none of the campaign's entries. */
static uint32_t lowest_spared(const struct holdout_question *q)
{
	uint32_t lowest = SEINE_SHARE;

	for (size_t i = 0; i < q->entries->n; i++) {
		const struct seine_entry *row = &q->entries->list[i].row;

		if (of_campaign(q, &q->entries->list[i]) && row->share < lowest &&
		    (row->action == SEINE_CANARY || (row->action == SEINE_DROP && row->share)))
			lowest = row->share;
	}
	return lowest;
}

/* The entry that spares a source which it would drop otherwise; NULL: none. */
static const struct entry *sparing(const struct holdout_question *q, const struct features *f)
{
	struct prefix address = prefix_of(f->source, 128);
	const struct entry *e = entries_match(q->entries, &address);

	if (!e || !of_campaign(q, e) || !share_spares(q->meta, &e->row, f->source))
		return NULL;
	if (e->row.hello_key && e->row.hello_key != f->hello_key)
		return NULL;
	return e;
}

static bool heard_since(const struct holdout_question *q, const struct features *f)
{
	return sec_since(q->since_sec, q->now_sec) > f->idle_sec;
}

/* What its handshakes in the window alone say of a second leg, as log10 of an e-value. */
static double fresh_log10_e(const struct noise *noise, const struct features *f)
{
	return f->gap_dual * noise->weigh_dual + f->gap_single * noise->weigh_single +
	       f->gap_none * noise->weigh_none;
}

static enum likeness likeness(const struct holdout_question *q, const struct features *f,
			      bool known)
{
	uint32_t fresh = f->gap_none + f->gap_single + f->gap_dual;

	if (f->hello_key && f->hello_key != q->campaign->hello_key)
		return UNLIKE;
	if (!fresh || (known && fresh < FRESH_MIN))
		return UNMEASURED;
	return fresh_log10_e(q->noise, f) > 0 ? ALIKE : UNLIKE;
}

static void count(const struct holdout_question *q, const struct features *f, struct holdout *h)
{
	bool known = campaign_member(q->campaign, f->source) ||
		     source_log10_e(q->noise, f) >= SOURCE_PROVEN;
	enum likeness l = likeness(q, f, known);

	h->spared++;
	h->known += known;
	h->measured += l != UNMEASURED;
	h->alike += l == ALIKE;
}

static void conclude(const struct holdout_settings *s, struct holdout *h)
{
	h->alike_high = chance_share_high(h->alike, h->measured, HOLDOUT_ALPHA);
	if (h->measured < s->measured_min || !h->measured)
		h->verdict = HOLDOUT_UNKNOWN;
	else
		h->verdict = h->alike_high < s->precision_min ? HOLDOUT_BAD : HOLDOUT_GOOD;
}

static void write_text(const struct holdout_settings *s, struct holdout *h)
{
	if (h->verdict == HOLDOUT_UNKNOWN) {
		snprintf(h->text, sizeof(h->text),
			 "%" PRIu32 " of %" PRIu32
			 " spared sources showed something fresh to judge by, "
			 "at least %" PRIu32 " are needed",
			 h->measured, h->spared, s->measured_min);
		return;
	}
	snprintf(h->text, sizeof(h->text),
		 "%" PRIu32 " of %" PRIu32
		 " spared sources that showed something fresh still show a "
		 "second round trip: of those dropped %s %.0f %% do, %.0f %% must",
		 h->alike, h->measured, h->verdict == HOLDOUT_BAD ? "at most" : "up to",
		 100 * h->alike_high, 100 * s->precision_min);
}

void holdout_measure(const struct holdout_question *q, const struct holdout_settings *s,
		     struct holdout *ret)
{
	uint32_t lowest = lowest_spared(q);
	struct holdout h = { 0 };

	for (size_t i = 0; i < q->n && lowest < SEINE_SHARE; i++)
		if (share_of(q->meta, q->f[i].source) >= lowest && heard_since(q, &q->f[i]) &&
		    sparing(q, &q->f[i]))
			count(q, &q->f[i], &h);
	conclude(s, &h);
	write_text(s, &h);
	*ret = h;
}
