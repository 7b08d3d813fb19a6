/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of one round of judging, shared by judge.c (what is wanted) and budget.c (what it may
 * cost).
 */
#ifndef JUDGE_ROUND_H
#define JUDGE_ROUND_H

#include "user/judge/judge.h"
#include "user/sight/order.h"

struct round {
	const struct campaigns *campaigns;
	const struct entries *held;
	const struct guards *guards;
	const struct judge_settings *settings;
	uint32_t now_sec;
	const struct features *f; /* all sources, and by address once somebody asked */
	struct ordered *order;
	size_t n;
	struct entries *kept;  /* held entries that stay, sorted */
	struct entries *wide;  /* new prefixes, sorted: they make later candidates superfluous */
	struct entries *fresh; /* all new entries, in no order */
	size_t automatic;      /* of kept and fresh */
	size_t benign, benign_max; /* sources outside any campaign; those that may be hit */
	struct judgement *j;
};

/* An automatic entry's sources that are outside any campaign and unlike its own. */
int budget_count_benign(struct round *r, const struct entry *e, size_t *ret);

/* Records why a prefix is not dropped. */
int round_refuse(struct round *r, const struct prefix *p, uint32_t campaign, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

#endif
