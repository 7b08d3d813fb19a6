/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From campaigns to automatic entries: guards, ladder, budget, time to live. Pure.
 *
 *	campaign's prefixes and lone members -> people decide otherwise -> guards refuse
 *		-> budget limits, in fair shares -> automatic entries, that do what the rung says
 *
 * Automatic entries are renewed while their campaign lives, and run out otherwise. Where an entry
 * of an operator speaks of the same packets, it decides; feeds and other hosts do not matter, they
 * are weaker (user/judge/claims.h). A prefix that is refused is tried member by member. Where
 * nobody else was seen an entry drops everything, elsewhere only connections with the campaign's
 * ClientHello. A campaign that keeps to few networks may be a company behind proxies of its own,
 * which none of the evidence tells from a swarm: that one is not acted on. Each refusal is recorded
 * with the rule, what it would cost and what is left.
 */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include "user/judge/claims.h"
#include "user/judge/guards.h"
#include "user/judge/ladder.h"
#include "user/judge/reentry.h"
#include "user/shoal/shoal.h"

struct judge_settings {
	uint32_t ttl_sec;	    /* of a new automatic entry, 3600 */
	uint32_t ttl_max_sec;	    /* doubling ends here, 86400 */
	uint32_t observe_sec;	    /* on the observe rung, 3600 */
	uint32_t canary_sec;	    /* on the canary rung, 3600 */
	double canary_share;	    /* of sources that the canary rung drops, 0.05 */
	double hold_out;	    /* of sources that are never dropped, 0.05 */
	uint32_t approve;	    /* 1: only an operator lets a campaign off the observe rung */
	uint32_t entries_per_round; /* new automatic entries a round, 5000 */
	uint32_t entries_max;	    /* automatic entries in all, 100000 */
	uint32_t space_v4;	    /* addresses in automatic entries for more than one, 262144 */
	uint32_t space_v6;	    /* and /64s, 65536 */
	uint32_t networks_min;	    /* a campaign in fewer is only shown, unless seeded; 4 */
	double benign_share_max;    /* of sources outside any campaign, that may be hit, 0.001 */
	double benign_requests_max; /* and of their requests in a day, 0.001 */
	uint32_t v6_source;	    /* length of an IPv6 source, 64 */
};
extern const struct judge_settings judge_defaults;

/* The same without waiting on any rung and without holding out: where nothing is dropped, as in a
 * replay, and the question is what would be. */
struct judge_settings judge_at_once(const struct judge_settings *s);

/* Does a campaign keep to so few networks that it is only shown? */
bool judge_spares(const struct campaign *c, const struct judge_settings *s);

struct refusal {
	struct prefix prefix;
	uint32_t campaign;
	char reason[128];
};

struct judgement {
	struct entries *automatic; /* all there should be */
	struct refusal *refusals;
	size_t n_refusals;
	/* Sources outside any campaign, and unlike any, that automatic entries would hit, and their
	 * requests of the last day. An entry for one source hits just what was judged; only wider
	 * ones can hit others. */
	uint32_t benign_hit;
	uint64_t benign_requests;
	uint64_t space_v4, space_v6; /* that these cover */
	bool budget_spent;	     /* something had to wait or was refused for the budget */
};
void judgement_free(struct judgement *j);

struct judge_question {
	const struct campaigns *campaigns;
	const struct claims *claims; /* of all; what has run out since the last round included */
	const struct ladder *ladder; /* after its step: a campaign that it does not know watches */
	const struct reentries *reentries; /* NULL: none */
	const struct guards *guards;
	const struct features *f; /* all sources seen, WINDOW_DAY, to count who would be hit */
	size_t n;
	const struct judge_settings *settings;
	uint32_t now_sec;
};

/* -ENOMEM. */
int judge_round(const struct judge_question *q, struct judgement **ret);

#endif
