/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Are those whom a campaign's entries drop still like the campaign? Those who are spared tell. Pure.
 *
 * A source that is dropped shows nothing any more. So each entry spares a share of the sources it
 * covers, picked by a keyed hash that nobody outside can predict: what they turn out to be, those
 * who are dropped are too. A drop holds out 5 %; what a canary spares, 95 %, is as good a sample,
 * and tells the same before a campaign is enforced.
 *
 * Only what is fresh counts. A source's e-value and its membership come from up to weeks, and stay
 * when the address goes over to somebody else; they would confirm what was believed when the entry
 * was made. So a source is judged by its handshakes in the window that is handed in, which should be
 * WINDOW_HOUR's:
 *	two or more with a trustworthy gap: alike when they speak for a second leg more than against
 *	it. Of sources behind one 4 in 100 would look direct after two (1 % two clean, 3 % one clean
 *	and one single gap), fewer after more; of direct ones 1 in 500 would look split.
 *	another ClientHello than the campaign's: unlike, where the entry drops whatever it sends.
 *	one handshake: enough to judge one that is neither a member nor proven.
 * Of the others nothing fresh is known: they are counted, but not measured.
 *
 * It sees: addresses that changed hands, bad lines taken for proxies, bystanders in a prefix.
 * It does not see: an innocent who does have a second leg (a company's proxy, a satellite, a privacy
 * relay) and works as the campaign does. He looks alike before and after; what keeps him is what
 * keeps such crowds from becoming a campaign. Nor sources that keep one connection open for long:
 * they are active without a fresh handshake. Addresses of a pool that gave them up without anybody
 * taking them over are not active, and so count as nothing, rightly: they cost nobody anything.
 */
#ifndef JUDGE_HOLDOUT_H
#define JUDGE_HOLDOUT_H

#include "user/judge/entry.h"
#include "user/shoal/shoal.h"

struct holdout_settings {
	double precision_min;  /* share of those dropped that must be alike, 0.9 */
	uint32_t measured_min; /* fewer say nothing, 8 */
};
extern const struct holdout_settings holdout_defaults;

/*
 * The bound's one-sided level. It is asked every round, of much the same sources, so it must hardly
 * ever be wrong of a campaign of which 96 % look alike: 4 of 8 and 13 of 20 are bad, which has
 * chances of 2 and of 0.1 in 10,000. Where only half are alike, 8 tell so in 64 % of cases, 20 in
 * 94 %.
 */
#define HOLDOUT_ALPHA 0.01

struct holdout_question {
	const struct campaign *campaign;
	const struct entries *entries; /* in force */
	const struct features *f;      /* of WINDOW_HOUR */
	size_t n;
	const struct noise *noise; /* of direct connections, as the last round learned it */
	const struct seine_meta *meta;
	uint32_t since_sec; /* when its entries began to drop */
	uint32_t now_sec;
};

enum holdout_verdict {
	HOLDOUT_UNKNOWN, /* too few were measured */
	HOLDOUT_GOOD,	 /* nothing speaks against it */
	HOLDOUT_BAD,	 /* fewer are alike than must be, and not by chance */
};

struct holdout {
	uint32_t spared;   /* sources that its entries would drop, but spare, heard since then */
	uint32_t known;	   /* of them members still, or proven by all that is known of them */
	uint32_t measured; /* of them with something fresh to judge by ... */
	uint32_t alike;	   /* ... and of these those behind a second leg still */
	double alike_high; /* upper bound on their share (Clopper and Pearson); 1: not known */
	enum holdout_verdict verdict;
	char text[SENTENCE_SIZE]; /* a sentence with these numbers */
};

/* Looks at each source once, and searches entries only for those whose place is spared at all. */
void holdout_measure(const struct holdout_question *q, const struct holdout_settings *s,
		     struct holdout *ret);

#endif
