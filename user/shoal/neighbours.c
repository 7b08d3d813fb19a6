/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours: how many sources ask in the same slots as several others? A campaign that is cut into
 * shifts shows here, where its shifts together look like any crowd.
 *
 * Two sources are alike when the Jaccard similarity of their active slots is at least a half. Hours
 * in which a source asked in most slots are left out of its set: they fit anybody's. A person may
 * have a few addresses, IPv4 and IPv6 and a phone, so a source has neighbours when NEIGHBOURS
 * others are like it. Similar sets are found by min-hashes in bands (Broder 1997; Indyk and Motwani
 * 1998) instead of comparing all pairs; what is missed is missed alike under the null.
 *
 * The cohort is cut in two; asked is how many sources of the first part have their neighbours in
 * the second one. Given that part, sources of the first part that are independent find them
 * independently of each other. The share that chance allows is the larger one under two nulls, of
 * which the first keeps each source's hours, the second its intervals:
 * - within each hour a source's slots fall as the whole cohort's do. So outages and preferences of
 *   all (slots.c) do not count. Its share is estimated by drawing the first part's slots anew, and
 *   an upper bound on it taken, as in path.c;
 * - a source's slots are moved in time, all by one and the same number of up to half an hour, each
 *   of an hour's six moves being as likely. So it does not count that a source that asks at fixed
 *   intervals, from a moment of its own on, will go on to meet whom it met once. Its share is
 *   exact, but for the three slots that leave the window.
 * Then the binomial tail. That sources differ in their chance only makes the true tail smaller
 * (Hoeffding 1956).
 *
 * Blind to what the whole cohort does together and to shifts of whole hours. A pool in turn shows
 * as far as its turns speed up and slow down together, not by its period. Innocents who share their
 * minutes are neighbours.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/shoal/chance.h"
#include "user/shoal/turns.h"
#include "user/sight/order.h"

#define SLOTS SPAN_HOUR_SLOTS
#define NEIGHBOURS 3	  /* in one half of the cohort, so about six in all */
#define ACTIVE_MIN 4	  /* slots: of fewer, a half is soon alike by chance */
#define HOUR_ACTIVE_MAX 3 /* of an hour's slots: half of them */

/* Four hashes a band: a pair with similarity 0.5 meets in one of 16 bands with chance 0.64, a pair
 * with 0.1 with chance 0.002. */
#define BANDS 16
#define ROWS 4
#define HASHES (BANDS * ROWS)

#define PART_MAX 2048	   /* sources in each part: enough to see a share of a percent */
#define CANDIDATES_MAX 64  /* looked at for one source */
#define DRAWN_SOURCES 2000 /* at least: none found among them bounds the share at a percent */
#define SHARE_WRONG 1e-9   /* chance that the null's share lies above its bound; see path.c */

struct set {
	uint64_t active[RHYTHM_WORDS];
};

struct search {
	struct set *first, *second;
	size_t n_first, n_second;
	uint32_t asked[RHYTHM_SLOTS];	     /* by the whole cohort: how slots fall */
	uint8_t order[RHYTHM_SLOTS][HASHES]; /* a permutation of the slots for each hash */
	struct ordered *bands[BANDS];	     /* the second part, by the hashes of each band */
	uint64_t random;
};

static void search_clear(struct search *s)
{
	free(s->first);
	free(s->second);
	for (unsigned int i = 0; i < BANDS; i++)
		free(s->bands[i]);
}

static uint64_t draw(struct search *s)
{
	/* The step of SplitMix64: the golden ratio in 64 bits. */
	return seine_mix64(s->random += 0x9e3779b97f4a7c15ull);
}

/* Below `limit`; the bias is less than 2^-32. */
static uint32_t draw_below(struct search *s, uint32_t limit)
{
	return (uint32_t)((draw(s) >> 32) * limit >> 32);
}

static void set_hour(struct set *set, unsigned int hour, unsigned int bits)
{
	unsigned int slot;

	for (unsigned int i = 0; i < SLOTS; i++) {
		slot = SLOTS * hour + i;
		set->active[slot / 64] &= ~(1ull << slot % 64);
		set->active[slot / 64] |= (uint64_t)(bits >> i & 1) << slot % 64;
	}
}

static unsigned int size(const struct set *a)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < RHYTHM_WORDS; i++)
		n += (unsigned int)__builtin_popcountll(a->active[i]);
	return n;
}

static bool alike(const struct set *a, const struct set *b)
{
	unsigned int both = 0, any = 0;

	for (unsigned int i = 0; i < RHYTHM_WORDS; i++) {
		both += (unsigned int)__builtin_popcountll(a->active[i] & b->active[i]);
		any += (unsigned int)__builtin_popcountll(a->active[i] | b->active[i]);
	}
	return 2 * both >= any;
}

/* The hours of a source that say something. false: too few slots are left. */
static bool set_collect(const struct tempo *tempo, uint32_t at, struct set *ret)
{
	unsigned int bits;

	if (!tempo_active(tempo, at, ret->active))
		return false;
	for (unsigned int hour = 0; hour < TEMPO_HOURS; hour++) {
		bits = tempo_hour(ret->active, hour);
		if (__builtin_popcount(bits) > HOUR_ACTIVE_MAX)
			set_hour(ret, hour, 0);
	}
	return size(ret) >= ACTIVE_MIN;
}

/* Every so many-th source, in turn to either part. */
static int collect_parts(const struct tempo *tempo, const struct group *g, struct search *s)
{
	size_t step = (g->n + 2 * PART_MAX - 1) / (2 * PART_MAX);
	struct set set;

	s->first = calloc(PART_MAX + 1, sizeof(*s->first));
	s->second = calloc(PART_MAX + 1, sizeof(*s->second));
	if (!s->first || !s->second)
		return -ENOMEM;
	for (size_t i = 0; i < g->n; i += step) {
		if (!set_collect(tempo, g->at[i], &set))
			continue;
		tempo_count(set.active, s->asked);
		if (s->n_first > s->n_second)
			s->second[s->n_second++] = set;
		else
			s->first[s->n_first++] = set;
	}
	return 0;
}

static void draw_permutations(struct search *s)
{
	uint32_t other;
	uint8_t swap;

	for (unsigned int hash = 0; hash < HASHES; hash++) {
		for (unsigned int i = 0; i < RHYTHM_SLOTS; i++) {
			other = draw_below(s, i + 1);
			swap = i == other ? (uint8_t)i : s->order[other][hash];
			s->order[other][hash] = (uint8_t)i;
			s->order[i][hash] = swap;
		}
	}
}

static void min_hashes(const struct search *s, const struct set *set, uint8_t ret[HASHES])
{
	const uint8_t *order;

	memset(ret, UINT8_MAX, HASHES);
	for (unsigned int i = 0; i < RHYTHM_WORDS; i++) {
		for (uint64_t left = set->active[i]; left; left &= left - 1) {
			order = s->order[64 * i + (unsigned int)__builtin_ctzll(left)];
			for (unsigned int j = 0; j < HASHES; j++)
				ret[j] = order[j] < ret[j] ? order[j] : ret[j];
		}
	}
}

static uint32_t band_of(const uint8_t hashes[HASHES], unsigned int band)
{
	uint32_t ret;

	memcpy(&ret, &hashes[ROWS * band], sizeof(ret));
	return ret;
}

static int build_bands(struct search *s)
{
	uint8_t hashes[HASHES];
	int r;

	for (unsigned int band = 0; band < BANDS; band++) {
		s->bands[band] = calloc(s->n_second + 1, sizeof(*s->bands[band]));
		if (!s->bands[band])
			return -ENOMEM;
	}
	for (size_t i = 0; i < s->n_second; i++) {
		min_hashes(s, &s->second[i], hashes);
		for (unsigned int band = 0; band < BANDS; band++)
			s->bands[band][i] =
				(struct ordered){ 0, band_of(hashes, band), (uint32_t)i };
	}
	for (unsigned int band = 0; band < BANDS; band++) {
		r = order_sort(s->bands[band], s->n_second);
		if (r < 0)
			return r;
	}
	return 0;
}

static size_t band_first(const struct search *s, unsigned int band, uint32_t key)
{
	size_t low = 0, high = s->n_second, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->bands[band][mid].lo < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct found {
	uint32_t at[NEIGHBOURS];
	unsigned int n, looked_at;
};

static bool found_before(const struct found *f, uint32_t at)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (f->at[i] == at)
			return true;
	return false;
}

/* Goes on with the sources that share this band. true: that is enough. */
static bool search_band(const struct search *s, const struct set *set, unsigned int band,
			uint32_t key, struct found *f)
{
	const struct ordered *list = s->bands[band];
	uint32_t at;

	for (size_t i = band_first(s, band, key); i < s->n_second && list[i].lo == key; i++) {
		if (++f->looked_at > CANDIDATES_MAX)
			return true;
		at = list[i].at;
		if (!alike(set, &s->second[at]) || found_before(f, at))
			continue;
		f->at[f->n++] = at;
		if (f->n == NEIGHBOURS)
			return true;
	}
	return false;
}

static bool has_neighbours(const struct search *s, const struct set *set)
{
	struct found f = { .n = 0 };
	uint8_t hashes[HASHES];

	min_hashes(s, set, hashes);
	for (unsigned int band = 0; band < BANDS; band++)
		if (search_band(s, set, band, band_of(hashes, band), &f))
			break;
	return f.n == NEIGHBOURS;
}

/* One of the hour's slots that are not yet taken, as often as the cohort asks in it. */
static unsigned int draw_slot(struct search *s, const uint32_t asked[SLOTS], unsigned int taken)
{
	uint32_t total = 0, left;
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		total += taken >> i & 1 ? 0 : asked[i];
	left = draw_below(s, total);
	for (i = 0; i < SLOTS - 1; i++) {
		if (taken >> i & 1)
			continue;
		if (left < asked[i])
			break;
		left -= asked[i];
	}
	return i;
}

/* The same hours, other slots in them. */
static struct set draw_set(struct search *s, const struct set *set)
{
	unsigned int bits, taken;
	struct set ret = *set;

	for (unsigned int hour = 0; hour < TEMPO_HOURS; hour++) {
		bits = tempo_hour(set->active, hour);
		taken = 0;
		for (; bits; bits &= bits - 1)
			taken |= 1u << draw_slot(s, &s->asked[SLOTS * hour], taken);
		set_hour(&ret, hour, taken);
	}
	return ret;
}

static uint32_t count_found(const struct search *s)
{
	uint32_t found = 0;

	for (size_t i = 0; i < s->n_first; i++)
		found += has_neighbours(s, &s->first[i]);
	return found;
}

/* Upper bound on the share when slots fall as the cohort's do. */
static double share_drawn(struct search *s)
{
	uint32_t draws = (uint32_t)((DRAWN_SOURCES + s->n_first - 1) / s->n_first), found = 0;
	struct set set;

	for (uint32_t i = 0; i < draws; i++) {
		for (size_t j = 0; j < s->n_first; j++) {
			set = draw_set(s, &s->first[j]);
			found += has_neighbours(s, &set);
		}
	}
	return chance_share_high(found, (double)draws * (double)s->n_first, SHARE_WRONG);
}

static struct set move(const struct set *set, int slots)
{
	unsigned int by = (unsigned int)abs(slots);
	struct set ret = { 0 };

	for (int i = 0; i < RHYTHM_WORDS; i++) {
		if (slots > 0) {
			ret.active[i] = set->active[i] << by;
			ret.active[i] |= i ? set->active[i - 1] >> (64 - by) : 0;
		} else {
			ret.active[i] = set->active[i] >> by;
			ret.active[i] |= i + 1 < RHYTHM_WORDS ? set->active[i + 1] << (64 - by) : 0;
		}
	}
	return ret;
}

/* The mean share over all moves; `found`: without one. */
static double share_moved(const struct search *s, uint32_t found)
{
	struct set set;

	for (int slots = -SLOTS / 2; slots < SLOTS / 2; slots++) {
		if (!slots)
			continue;
		for (size_t i = 0; i < s->n_first; i++) {
			set = move(&s->first[i], slots);
			found += has_neighbours(s, &set);
		}
	}
	return (double)found / ((double)s->n_first * SLOTS);
}

static struct evidence compare(struct search *s)
{
	uint32_t n = (uint32_t)s->n_first, found = count_found(s);
	double share;

	if (!found)
		return (struct evidence){ .p = 1, .of = n };
	share = fmax(share_drawn(s), share_moved(s, found));
	return (struct evidence){
		.p = fmin(chance_binomial(found, n, share) + SHARE_WRONG, 1),
		.observed = found,
		.of = n,
		.baseline = share,
		.expected = share * n,
	};
}

int neighbours_test(const struct tempo *tempo, const struct group *g, struct evidence *ret)
{
	_cleanup_(search_clear) struct search s = { .random = g->n };
	int r;

	r = collect_parts(tempo, g, &s);
	if (r < 0)
		return r;
	if (s.n_first + s.n_second < TURNS_SOURCES_MIN) {
		*ret = (struct evidence){ .p = 1 };
		return 0;
	}
	draw_permutations(&s);
	r = build_bands(&s);
	if (r < 0)
		return r;
	*ret = compare(&s);
	return 0;
}
