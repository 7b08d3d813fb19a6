/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of one round of judging, shared by judge.c (what is wanted) and budget.c (what it may
 * cost).
 */
#ifndef JUDGE_ROUND_H
#define JUDGE_ROUND_H

#include "user/judge/impact.h"
#include "user/judge/judge.h"

enum space_family {
	SPACE_V4,
	SPACE_V6,
	SPACE_FAMILIES,
};

/* One among whom the budget is shared: a campaign; the last one is all that nobody knows any more,
 * whose entries run out. */
struct party {
	const struct campaign *campaign; /* NULL: the last one */
	bool known;			 /* to the ladder */
	bool rejected;
	enum seine_action action; /* of its entries, and their share */
	uint32_t share;
	uint64_t held, wants; /* entries in force, and new ones */
	uint64_t keeps, gets; /* of them, as the budget allows */
	uint64_t part;	      /* its share of entries_max */
	uint64_t space_wants[SPACE_FAMILIES], space_part[SPACE_FAMILIES];
	uint64_t space_used[SPACE_FAMILIES];
	struct prefix first_waiting;
	size_t waiting;
	struct prefix first_decided; /* by people */
	size_t decided;
};

/* An entry that may come, or one for more than one source that may stay. */
struct candidate {
	struct entry entry;
	struct party *party;
	bool held;
	bool settled; /* it is in, or out for good */
};

struct candidates {
	struct candidate *list;
	size_t n;
	size_t room;
};

struct party_name {
	uint32_t campaign;
	uint32_t at;
};

struct round {
	const struct judge_question *q;
	struct party *parties;
	size_t n_parties;
	struct party_name *names; /* sorted; of all but the last party */
	struct entries *people;	  /* what they decided, in force now */
	struct entries *kept;	  /* held entries for one source, sorted */
	struct candidates wide;	  /* for more than one: held ones, sorted, then new ones */
	size_t wide_held;
	struct entries *covering; /* those of them that the budget lets in */
	struct candidates lone;	  /* new ones for one source */
	struct impact_view view;  /* once somebody asked */
	bool viewed;
	uint64_t benign_max, requests_max;
	struct judgement *j;
};

struct party *round_party(const struct round *r, uint32_t campaign);

/* Is it for more than one source? */
bool round_is_wide(const struct round *r, const struct prefix *p);

/* The entry for more than one source that is held at a prefix; NULL: none. */
struct candidate *round_held_wide(const struct round *r, const struct prefix *p);

/* Does an entry that covers a campaign's candidate hit it there as much, and for long enough? */
bool round_hits(const struct round *r, const struct entry *wanted, const struct entry *e);

/* Records why a prefix is not dropped. */
int round_refuse(struct round *r, const struct prefix *p, uint32_t campaign, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

int candidates_add(struct candidates *c, const struct candidate *more);

/* Which of r->wide may be: fills r->covering. */
int budget_covering(struct round *r);

/* How many entries each party may have: takes what is too much out of r->kept and r->covering, and
 * leaves in r->lone what may come. */
int budget_entries(struct round *r);

#endif
