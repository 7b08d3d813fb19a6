/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts in blocks, what is usual, what it does by itself, and whether a fall is more than that.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/judge/rollback.h"
#include "user/shoal/chance.h"

const struct rollback_settings rollback_defaults = {
	.fall_max = 0.2,
	.fall_for_sec = 600,
};

#define LEVEL (0.002 / ROLLBACK_SERIES) /* of one look at one series; a climb gets twenty looks */
#define DRIFT 0.05 /* that an evening takes away in ten minutes, and so no sign of anything */
#define EXPECTED_ERROR 0.1 /* of a campaign's share: it was measured at another time of day */
#define SHARE_MAX 0.95	   /* of traffic that can be expected to go: some is always left */
#define FLOOR_MIN 0.05	   /* where so little more may fall, nothing can be told */

/* In blocks: */
#define GAP 4	  /* a longer time between two readings is not known, a shorter one is shared out */
#define FIRST 2	  /* needed after a climb */
#define LASTING 2 /* the last ones, each of which must be low */
#define SETTLE (ROLLBACK_WATCH / 2) /* that clients take to find their way back */
#define OWN_FALLS 8		    /* needed to say what a host does by itself */

/* ---- blocks ---- */

static struct rollback_block *block_at(struct rollback *r, uint32_t block)
{
	return &r->blocks[block % ROLLBACK_BLOCKS];
}

static const struct rollback_block *block_of(const struct rollback *r, uint32_t block)
{
	return &r->blocks[block % ROLLBACK_BLOCKS];
}

/* Those kept are ROLLBACK_BLOCKS up to the present one. */
static bool kept(const struct rollback *r, uint32_t block)
{
	return block <= r->block && r->block - block < ROLLBACK_BLOCKS;
}

static bool known(const struct rollback *r, uint32_t block)
{
	return kept(r, block) && block_of(r, block)->seen_sec * 2 >= r->block_sec;
}

static double value(const struct rollback *r, uint32_t block, enum rollback_series s)
{
	const struct rollback_block *b = block_of(r, block);

	return b->count[s] * r->block_sec / b->seen_sec;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The mean of the middle third. Negative: too little is known. */
static double middle(const struct rollback *r, uint32_t end, uint32_t span, enum rollback_series s)
{
	double list[6 * ROLLBACK_WATCH], sum = 0;
	size_t n = 0, cut;

	for (uint32_t i = 1; i <= span && i <= end; i++)
		if (known(r, end - i))
			list[n++] = value(r, end - i, s);
	if (n * 2 < span)
		return -1;
	qsort(list, n, sizeof(*list), ascending);
	cut = n / 3;
	for (size_t i = cut; i < n - cut; i++)
		sum += list[i];
	return sum / (double)(n - 2 * cut);
}

/*
 * What a block has as a rule, judged by those before it: the least of three middles, so that
 * neither a burst nor the decline of an evening is taken for what is usual.
 */
static double usual(const struct rollback *r, uint32_t block, enum rollback_series s)
{
	static const uint32_t spans[] = { ROLLBACK_WATCH, 3 * ROLLBACK_WATCH, 6 * ROLLBACK_WATCH };
	double least = -1, m;

	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		m = middle(r, block, spans[i], s);
		if (m >= 0 && (least < 0 || m < least))
			least = m;
	}
	return least;
}

static void begin_block(struct rollback *r, uint32_t block)
{
	struct rollback_block *b = block_at(r, block);

	r->block = block;
	memset(b, 0, sizeof(*b));
	for (int s = 0; s < ROLLBACK_SERIES; s++)
		b->usual[s] = usual(r, block, s);
}

/* Nothing is known of what was before a block. */
static void forget_all(struct rollback *r, uint32_t block)
{
	memset(r->blocks, 0, sizeof(r->blocks));
	r->block = block - (block > 0);
}

static void advance(struct rollback *r, uint32_t block)
{
	if (block > r->block && block - r->block >= ROLLBACK_BLOCKS)
		forget_all(r, block);
	while (r->block < block)
		begin_block(r, r->block + 1);
}

/* Shares out what was counted between two readings, over the blocks in between. */
static void share_out(struct rollback *r, uint32_t from_sec, uint32_t to_sec, const double *counted)
{
	uint32_t at_sec = from_sec, end_sec;
	struct rollback_block *b;

	do {
		advance(r, at_sec / r->block_sec);
		end_sec = (at_sec / r->block_sec + 1) * r->block_sec;
		if (end_sec > to_sec)
			end_sec = to_sec;
		b = block_at(r, r->block);
		for (int s = 0; s < ROLLBACK_SERIES; s++)
			b->count[s] += to_sec > from_sec ? counted[s] * (end_sec - at_sec) /
								   (to_sec - from_sec)
							 : counted[s];
		if (r->block >= r->settled)
			b->seen_sec += end_sec - at_sec;
		at_sec = end_sec;
	} while (at_sec < to_sec);
}

void rollback_begin(struct rollback *r, const struct rollback_settings *s)
{
	memset(r, 0, sizeof(*r));
	r->block_sec = s->fall_for_sec / ROLLBACK_WATCH;
	if (!r->block_sec)
		r->block_sec = 1;
}

void rollback_add(struct rollback *r, uint32_t now_sec, uint64_t requests, uint64_t connections)
{
	const uint64_t now[ROLLBACK_SERIES] = { requests, connections };
	bool follows =
		r->begun && now_sec >= r->last_sec && now_sec - r->last_sec <= GAP * r->block_sec;
	double counted[ROLLBACK_SERIES];

	for (int s = 0; s < ROLLBACK_SERIES; s++) {
		follows = follows && now[s] >= r->last[s];
		counted[s] = (double)(now[s] - r->last[s]);
		r->last[s] = now[s];
	}
	if (!r->begun || now_sec < r->last_sec) {
		r->n_climbs = 0;
		r->settled = 0;
		forget_all(r, now_sec / r->block_sec);
	}
	if (follows)
		share_out(r, r->last_sec, now_sec, counted);
	advance(r, now_sec / r->block_sec);
	r->begun = true;
	r->last_sec = now_sec;
}

/* ---- climbs ---- */

/* A climb is watched while fewer blocks than that have ended since. */
static bool watched(const struct rollback *r, const struct rollback_climb *c)
{
	return r->block - c->block <= ROLLBACK_WATCH + 1;
}

static void forget_old(struct rollback *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_climbs; i++)
		if (watched(r, &r->climbs[i]))
			r->climbs[n++] = r->climbs[i];
	r->n_climbs = n;
}

/* What climbs watched are expected to take away from `since` (a block) on, of what was before. */
static double expected_gone(const struct rollback *r, uint32_t since, enum rollback_series s)
{
	double gone = 0;

	for (size_t i = 0; i < r->n_climbs; i++)
		if (watched(r, &r->climbs[i]) && r->climbs[i].block >= since)
			gone += r->climbs[i].share[s];
	return fmin(gone, SHARE_MAX);
}

/* Everything known is told in the terms of the present, in which less is expected. */
static void scale_past(struct rollback *r, enum rollback_series s, double factor)
{
	for (size_t i = 0; i < ROLLBACK_BLOCKS; i++) {
		r->blocks[i].count[s] *= factor;
		r->blocks[i].usual[s] *= factor;
	}
}

static void rescale(struct rollback *r, const double left_before[ROLLBACK_SERIES])
{
	for (int s = 0; s < ROLLBACK_SERIES; s++)
		scale_past(r, s, (1 - expected_gone(r, 0, s)) / left_before[s]);
}

static void expected_left(const struct rollback *r, double ret[ROLLBACK_SERIES])
{
	for (int s = 0; s < ROLLBACK_SERIES; s++)
		ret[s] = 1 - expected_gone(r, 0, s);
}

void rollback_climbed(struct rollback *r, uint32_t campaign, double requests_share,
		      double connections_share, uint32_t now_sec)
{
	double before[ROLLBACK_SERIES];

	if (!r->begun)
		return;
	advance(r, now_sec / r->block_sec);
	forget_old(r);
	if (r->n_climbs == ROLLBACK_CAMPAIGNS)
		return;
	expected_left(r, before);
	r->climbs[r->n_climbs++] = (struct rollback_climb){
		.campaign = campaign,
		.at_sec = now_sec,
		.block = r->block,
		.share = { fmax(requests_share, 0), fmax(connections_share, 0) },
	};
	rescale(r, before);
}

/* What was seen between climb and withdrawal was our doing, and tells nothing of the host; nor does
 * the time in which clients find their way back. */
static void unlearn(struct rollback *r, uint32_t since)
{
	for (uint32_t b = since; b <= r->block; b++)
		if (kept(r, b))
			block_at(r, b)->seen_sec = 0;
	r->settled = r->block + SETTLE;
}

static void withdraw(struct rollback *r, size_t at)
{
	double before[ROLLBACK_SERIES];
	uint32_t since = r->climbs[at].block;

	expected_left(r, before);
	r->n_climbs--;
	memmove(&r->climbs[at], &r->climbs[at + 1], (r->n_climbs - at) * sizeof(*r->climbs));
	rescale(r, before);
	unlearn(r, since);
}

void rollback_withdrawn(struct rollback *r, uint32_t campaign, uint32_t now_sec)
{
	if (!r->begun)
		return;
	advance(r, now_sec / r->block_sec);
	forget_old(r);
	for (size_t i = r->n_climbs; i-- > 0;)
		if (r->climbs[i].campaign == campaign)
			withdraw(r, i);
}

/* ---- falls ---- */

/* Of the blocks [from, from + n): their mean as a share of what was usual. Negative: not known. */
static double share_of_usual(const struct rollback *r, uint32_t from, uint32_t n, double usual,
			     enum rollback_series s)
{
	uint32_t seen = 0;
	double sum = 0;

	for (uint32_t b = from; b < from + n; b++) {
		if (!known(r, b))
			continue;
		sum += value(r, b, s);
		seen++;
	}
	if (seen * 2 < n || seen < FIRST || !(usual > 0))
		return -1;
	return sum / seen / usual;
}

/* How far so many blocks fell of their own accord, before any climb that is watched. */
struct own_falls {
	size_t n;
	double variance;
	double least; /* share of what was usual */
};

static void own_falls(const struct rollback *r, uint32_t before, uint32_t n, enum rollback_series s,
		      struct own_falls *ret)
{
	double sum = 0, share, was, now = block_of(r, before)->usual[s];
	uint32_t step = n / 2;
	size_t falls = 0;

	*ret = (struct own_falls){ .least = 1 };
	for (uint32_t b = before - n; b < before && kept(r, b); b -= step) {
		was = block_of(r, b)->usual[s];
		share = share_of_usual(r, b, n, was, s);
		if (share < 0)
			continue;
		ret->n++;
		if (share >= 1)
			continue;
		sum += (1 - share) * (1 - share) * fmax(was / now, 1);
		ret->least = fmin(ret->least, share);
		falls++;
	}
	/* Rises count as nothing: a burst ends, but it does not take away what is usual. */
	if (ret->n)
		ret->variance = sum / fmax((double)falls, (double)ret->n / 4);
}

/* Where too little is known of so long a time, what shorter ones did by themselves must do: they
 * fall deeper. */
static bool learn_own(const struct rollback *r, uint32_t before, uint32_t n, enum rollback_series s,
		      struct own_falls *ret)
{
	for (; n >= FIRST; n /= 2) {
		own_falls(r, before, n, s, ret);
		if (ret->n >= OWN_FALLS)
			return true;
	}
	return false;
}

/* A hiccup that is over, or a moment of quiet, is no fall. */
static bool lasts(const struct rollback *r, double was, double floor, enum rollback_series s)
{
	for (uint32_t i = 1; i <= LASTING; i++)
		if (!known(r, r->block - i) || value(r, r->block - i, s) >= floor * was)
			return false;
	return true;
}

static uint32_t first_watched(const struct rollback *r)
{
	uint32_t first = r->block;

	for (size_t i = 0; i < r->n_climbs; i++)
		if (watched(r, &r->climbs[i]) && r->climbs[i].block < first)
			first = r->climbs[i].block;
	return first;
}

/* The variance of share_of_usual() where nothing more is gone than expected. What is left of the
 * traffic is less, and so louder. */
static double variance_of(const struct own_falls *own, double gone, double usual, uint32_t n)
{
	double counted = 1 / (usual * n) + 1 / (usual * ROLLBACK_WATCH);

	return fmax(own->variance / (1 - gone), counted);
}

static bool series_fell(const struct rollback *r, const struct rollback_settings *settings,
			const struct rollback_climb *c, enum rollback_series s,
			struct rollback_fall *ret)
{
	double was = block_of(r, c->block)->usual[s], gone = expected_gone(r, c->block, s);
	double error = EXPECTED_ERROR * gone / (1 - gone), floor = 1 - settings->fall_max - error;
	uint32_t n = r->block - c->block - 1;
	struct own_falls own;
	double share, chance;

	if (r->block - c->block <= FIRST || floor < FLOOR_MIN)
		return false;
	share = share_of_usual(r, c->block + 1, n, was, s);
	if (share < 0 || share >= floor || !lasts(r, was, floor, s))
		return false;
	if (!learn_own(r, first_watched(r), n, s, &own) || share >= own.least)
		return false;
	chance = chance_student((1 - DRIFT - error - share) / sqrt(variance_of(&own, gone, was, n)),
				(double)own.n / 2);
	if (chance >= LEVEL)
		return false;
	*ret = (struct rollback_fall){
		.series = s,
		.left = share * (1 - gone),
		.expected = 1 - gone,
		.chance = chance,
		.since_sec = c->at_sec,
	};
	return true;
}

static void name_campaigns(const struct rollback *r, struct rollback_fall *ret)
{
	size_t j;

	for (size_t i = 0; i < r->n_climbs; i++) {
		if (!watched(r, &r->climbs[i]))
			continue;
		for (j = 0; j < ret->n && ret->campaigns[j] != r->climbs[i].campaign; j++)
			;
		if (j == ret->n)
			ret->campaigns[ret->n++] = r->climbs[i].campaign;
	}
}

#define CHANCE_TOLD 1e-6 /* what is rarer is told as this: no model of traffic is so exact */

static void write_text(uint32_t now_sec, struct rollback_fall *ret)
{
	static const char *const names[] = {
		[ROLLBACK_REQUESTS] = "requests",
		[ROLLBACK_CONNECTIONS] = "connections",
	};
	char campaigns[48];

	snprintf(campaigns, sizeof(campaigns), "c-%04" PRIx32, ret->campaigns[0]);
	if (ret->n > 1)
		snprintf(campaigns, sizeof(campaigns), "%zu campaigns", ret->n);
	snprintf(ret->text, sizeof(ret->text),
		 "accepted %s fell to %.0f %% of what they were in %" PRIu32 " s since %s climbed, "
		 "%.0f %% was expected; by chance that happens %s%.0f times in a million",
		 names[ret->series], 100 * ret->left, now_sec - ret->since_sec, campaigns,
		 100 * ret->expected, ret->chance < CHANCE_TOLD ? "less than " : "",
		 fmax(ret->chance, CHANCE_TOLD) * 1e6);
}

bool rollback_check(const struct rollback *r, const struct rollback_settings *s, uint32_t now_sec,
		    struct rollback_fall *ret)
{
	struct rollback_fall fall, worst = { .chance = 1 };

	if (!(s->fall_max > 0))
		return false;
	for (size_t i = 0; i < r->n_climbs; i++)
		for (int series = 0; series < ROLLBACK_SERIES; series++)
			if (watched(r, &r->climbs[i]) &&
			    series_fell(r, s, &r->climbs[i], series, &fall) &&
			    fall.chance < worst.chance)
				worst = fall;
	if (worst.chance >= 1)
		return false;
	name_campaigns(r, &worst);
	write_text(now_sec, &worst);
	*ret = worst;
	return true;
}

bool rollback_ready(const struct rollback *r)
{
	struct own_falls own;

	if (!r->begun || !known(r, r->block - 1))
		return false;
	for (int s = 0; s < ROLLBACK_SERIES; s++)
		if (block_of(r, r->block)->usual[s] > 0 && learn_own(r, r->block, FIRST, s, &own))
			return true;
	return false;
}
