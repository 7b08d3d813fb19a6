/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no drop may touch: a set of prefixes, each with the rule it follows from. Pure.
 *
 * Who makes a set adds the rule that says most first: of several that a candidate touches the one
 * added first speaks. Prefixes never cross, they lie in each other or apart; so in their order each
 * one knows the narrowest one around it, and a candidate is answered by the last one not behind it,
 * those around that one, and the ones inside the candidate.
 */
#ifndef JUDGE_GUARDS_H
#define JUDGE_GUARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/seine.h"
#include "user/base/prefix.h"

struct guarded {
	struct prefix prefix;
	char rule[24];	       /* "allow list", "own address", "gateway" ... */
	char note[SEINE_NOTE]; /* what an operator knows it by: a device, a port, an RFC; or empty */
	/* Of guards_seal(): */
	uint32_t order;	 /* of being added */
	uint32_t around; /* place of the narrowest one around it, plus 1; 0: none */
	uint32_t first;	 /* place of the one added first, of it and all around it */
};

/* Zeroed: an empty set. */
struct guards {
	struct guarded *list; /* in the order of adding, sealed by prefix */
	size_t n;
	size_t room;
	bool sealed;
};

/* Copies what of `rule` and `note` finds room. -ENOMEM; -EBUSY once the set is sealed. */
int guards_add(struct guards *g, const struct prefix *p, const char *rule, const char *note);

/* Sorts, so that asking is fast; the same prefix under the same rule stays once. */
void guards_seal(struct guards *g);

void guards_free(struct guards *g); /* its list; `g` itself is the caller's, and empty then */

/*
 * NULL when nothing speaks against dropping `p`, else what it touches. Too wide a prefix is refused
 * with a rule of its own, "too wide". A set that is not sealed is read from front to end.
 */
const struct guarded *guards_refuse(const struct guards *g, const struct prefix *p);

/* All that `p` touches, for people: the first `max` in the order of adding. Returns how many there
 * are. */
size_t guards_touched(const struct guards *g, const struct prefix *p, const struct guarded **ret,
		      size_t max);

#define GUARD_RULES 32 /* rules there may be */
struct guard_count {
	const char *rule; /* of the set */
	size_t n;
};
/* How many prefixes stand under each rule, in the order of adding. Returns how many rules. */
size_t guards_count(const struct guards *g, struct guard_count ret[GUARD_RULES]);

#endif
