/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From campaigns to desired entries: guards, budget, time to live. Pure.
 *
 *	campaign's prefixes and lone members -> guards refuse -> budget limits -> desired entries
 *
 * Entries of operators, feeds and other hosts are kept as they are; automatic ones are renewed
 * while their campaign lives, and run out otherwise. A prefix that is refused is tried member by
 * member. Where nobody else was seen an entry drops everything, elsewhere only connections with
 * the campaign's ClientHello. A campaign that keeps to few networks may be a company behind proxies
 * of its own, which none of the evidence tells from a swarm: that one is not acted on.
 * Each refusal is recorded with the rule and what it overlapped.
 */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include "user/judge/entry.h"
#include "user/judge/guards.h"
#include "user/shoal/shoal.h"

struct judge_settings {
	uint32_t ttl_sec;	    /* of a new automatic entry, 3600 */
	uint32_t ttl_max_sec;	    /* doubling ends here, 86400 */
	uint32_t entries_per_round; /* new automatic entries a round, 5000 */
	uint32_t entries_max;	    /* automatic entries in all, 100000 */
	uint32_t networks_min;	    /* a campaign in fewer is only shown, unless seeded; 4 */
	double benign_share_max;    /* of sources outside any campaign, that may be hit, 0.001 */
	uint32_t v6_source;	    /* length of an IPv6 source, 64 */
};
extern const struct judge_settings judge_defaults;

struct refusal {
	struct prefix prefix;
	uint32_t campaign;
	char reason[96];
};

struct judgement {
	struct entries *desired;
	struct refusal *refusals;
	size_t n_refusals;
	/* Sources outside any campaign, and unlike any, that automatic entries would hit. An entry
	 * for one source hits just what was judged; only wider ones can hit others. */
	uint32_t benign_hit;
	bool budget_spent; /* something had to wait or was refused for the budget */
};
void judgement_free(struct judgement *j);

/* `held`: what is in force now (all origins). `f`: all sources seen, to count who would be hit. */
int judge_round(const struct campaigns *c, const struct entries *held, const struct guards *g,
		const struct features *f, size_t n, const struct judge_settings *s,
		uint32_t now_sec, struct judgement **ret);

#endif
