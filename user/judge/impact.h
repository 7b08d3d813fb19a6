/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom entries would hit: how much of the address space, how many of the sources seen in the last
 * day, and how many of them are honest. Asked by the budget of automatic entries and by whoever
 * wants to know before it happens. Pure.
 *
 * An entry with a ClientHello hits sources that showed it last. Honest is who is no member of a
 * living campaign and does not look like one: neither mostly long gaps, nor with the ClientHello of
 * the entry's campaign.
 */
#ifndef JUDGE_IMPACT_H
#define JUDGE_IMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/judge/entry.h"
#include "user/shoal/shoal.h"
#include "user/sight/order.h"

/* All sources by address, and whom campaigns accuse. */
struct impact_view {
	const struct campaigns *campaigns;
	const struct features *f;
	size_t n;
	uint32_t v6_source; /* length of an IPv6 source; longer prefixes hit the whole source */
	struct ordered *order;
	bool *member;	   /* of each of `f` */
	uint64_t honest;   /* sources that are no members ... */
	uint64_t requests; /* ... and what they asked for */
};

/* `c` and `f` (`n` of them, WINDOW_DAY) must outlive the view. `c` may be NULL. -ENOMEM. */
int impact_view_new(const struct campaigns *c, const struct features *f, size_t n,
		    uint32_t v6_source, struct impact_view *ret);
void impact_view_clear(struct impact_view *v);

#define IMPACT_EXAMPLES 5

struct impact {
	uint64_t addresses_v4;
	uint64_t networks_v6; /* /64s */
	uint64_t sources;     /* of those seen */
	uint64_t members;     /* of them in campaigns */
	uint64_t honest;
	uint64_t honest_requests;
	uint8_t examples[IMPACT_EXAMPLES][16]; /* honest ones, the busiest first */
	uint32_t n_examples;
};

/* Of `n` entries together, whatever they do: what several cover counts once. `list` is sorted by
 * prefix, as entries and claims are; a prefix may stand in it more than once. A source is hit by the
 * longest entry that covers it and asks for no other ClientHello, as in the datapath. -ENOMEM. */
int impact_of(const struct impact_view *v, const struct entry *list, size_t n, struct impact *ret);

/* Addresses of an IPv4 prefix, or /64s of an IPv6 one, of which a longer one counts as one. */
uint64_t impact_space(const struct prefix *p);

/* What the space of a prefix would add to that of `covered` (sorted by prefix): what lies in or
 * around it there is not counted again. */
uint64_t impact_space_added(const struct entries *covered, const struct prefix *p);

#endif
