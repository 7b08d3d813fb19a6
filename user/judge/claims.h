/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims: what everybody wants of prefixes. The list in force is made of them, and of nothing else.
 *
 *	people	operators, and whoever writes the map (external): the newest word counts
 *	judge	automatic entries
 *	lists	feeds and other hosts, each of which has a claim of its own on a prefix
 *
 * The stronger one of two wins, on the same prefix and, where the wider one is the stronger, on
 * what it covers; what loses is kept, comes into force when the winner ends, and is shown
 * meanwhile. Pure.
 */
#ifndef JUDGE_CLAIMS_H
#define JUDGE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include "user/judge/entry.h"

/* Sorted by prefix, the strongest claim on it first. */
struct claims {
	struct entry *list;
	size_t n;
	size_t room;
};

int claims_new(size_t room, struct claims **ret);
void claims_free(struct claims *c);
static inline void claims_freep(struct claims **c)
{
	claims_free(*c);
	*c = NULL;
}
int claims_copy(const struct claims *c, struct claims **ret);
/* Each entry as the claim that it says it is. -ENOMEM. */
int claims_from(const struct entries *e, struct claims **ret);

enum claim_class { CLAIM_LISTS, CLAIM_JUDGE, CLAIM_PEOPLE }; /* weakest first */
enum claim_class claim_class(enum seine_origin origin);

/* Order of two claims in a list; 0: they are the same claim, of which there is one. */
int claim_compare(const struct entry *a, const struct entry *b);

/* Adds or replaces, keeping the order; each costs a move of those behind it. */
int claims_put(struct claims *c, const struct entry *e);
/* For many: append in any order, then sort once. Of the same claim the one appended last stays. */
int claims_append(struct claims *c, const struct entry *e);
int claims_sort(struct claims *c); /* -ENOMEM */

/* The claim that `e` would replace; NULL: none. */
const struct entry *claims_find(const struct claims *c, const struct entry *e);
/* The first, and strongest, of all claims on a prefix; NULL: none. */
const struct entry *claims_at(const struct claims *c, const struct prefix *p);
int claims_remove(struct claims *c, const struct entry *e); /* -ENOENT */

/* Takes out all that `over` is true for, and returns how many. */
size_t claims_remove_if(struct claims *c, bool (*over)(const struct entry *e, const void *arg),
			const void *arg);
size_t claims_expire(struct claims *c, uint32_t now_sec);
/* The judge's claims are these from now on (sorted by prefix), and no others. -ENOMEM. */
int claims_set_automatic(struct claims *c, const struct entries *automatic);

/* A claim that is not in force, and the one that keeps it from that. */
struct conflict {
	struct entry loser, winner;
};
#define CONFLICTS_LISTED 1000
struct conflicts {
	struct conflict *list; /* the first ones */
	size_t n;
	size_t all;
	/* Filled in by who asks guards: entries that a guard keeps out of force, and people's that
	 * are in force though one speaks against them. */
	size_t withheld, guarded;
};
void conflicts_clear(struct conflicts *c);

/* The list in force. Where claims agree in all that a packet would notice there is no conflict. */
int claims_merge(const struct claims *c, struct entries **ret, struct conflicts *ret_conflicts);

/* What in the list in force keeps a claim out of it: another one on its prefix, or the narrowest
 * stronger one that covers it and speaks of the same packets. NULL: nothing does. */
const struct entry *claims_overruled(const struct entries *in_force, const struct entry *claim);

/*
 * Takes over what somebody else did to the list in force: `applied` is how it was left, `held` how
 * it is. What was added or changed is a claim of origin external; what is gone ends the claim that
 * was in force there. Returns the difference.
 */
int claims_adopt(struct claims *c, const struct entries *applied, const struct entries *held,
		 uint32_t now_sec, struct entries_diff *ret);

#endif
