/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far each campaign has come: its entries only watch, then drop a few sources, then all but
 * those held out. Pure.
 *
 *	observe -> canary -> enforce	each after a time on the rung below, or when approved
 *
 * A campaign climbs off the observe rung only while the mode is enforce and it may be acted on at
 * all; its time on the canary rung passes only while the mode is enforce. What had to stop (the
 * mode, the end of the campaign) goes on no higher than the canary rung. An operator's pause and a
 * roll back lead to the observe rung; each roll back makes the way up twice as long. A campaign
 * that took over the load of one that was being dropped does not begin at the bottom.
 */
#ifndef JUDGE_LADDER_H
#define JUDGE_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bpf/seine.h"
#include "user/shoal/shoal.h"

struct judge_settings; /* user/judge/judge.h */

enum rung {
	RUNG_OBSERVE,
	RUNG_CANARY,
	RUNG_ENFORCE,
};

enum order {
	ORDER_NONE,	/* it climbs by itself */
	ORDER_APPROVED, /* one rung without waiting, then by itself */
	ORDER_PAUSED,	/* its entries watch until it is approved */
	ORDER_REJECTED, /* it gets no entries, as long as it is known */
};

#define LADDER_REASON 96
#define LADDER_MAX 2048	   /* standings: four times the campaigns that are followed */
#define LADDER_LOST_DAYS 2 /* a standing is kept without its campaign, as after a restart */
#define LADDER_DWELL_MAX (7 * 86400u) /* doubling ends here */

struct standing {
	uint32_t campaign;
	uint32_t first_sec; /* of the campaign, to tell it from another one that gets its id */
	uint64_t hello_key; /* of the campaign, to know it again under another id after a restart */
	uint32_t seen_sec;  /* when it was last among the campaigns */
	enum rung rung;
	uint32_t since_sec; /* on this rung, as far as its time passes */
	bool stopped;	    /* its time does not pass */
	enum order order;
	bool urged; /* an approval that has not been followed yet */
	uint32_t order_sec, actor;
	char note[SEINE_NOTE];
	uint32_t rollbacks;
	char reason[LADDER_REASON]; /* how it came to this rung, where not by climbing */
	/* Of its sources that entries hold out: how many there are, and how many go on as before;
	 * see ladder_measure(). 0 until then. */
	uint32_t held_out, held_out_alike;
	bool dropped; /* it once stood above observe: whoever takes over its load begins there */
};

struct ladder {
	struct standing *list; /* sorted by campaign */
	size_t n;
	size_t room;
};

void ladder_clear(struct ladder *l);

/* Adds a standing that was kept, or replaces it. -E2BIG, -ENOMEM. */
int ladder_put(struct ladder *l, const struct standing *s);
const struct standing *ladder_find(const struct ladder *l, uint32_t campaign);

/*
 * One turn: new campaigns come in, those that may climb do, those that nobody knows any more are
 * forgotten. To be called again at once where an order should be followed at once. 1: some standing
 * changed in what is worth keeping; 0: none did; -ENOMEM.
 */
int ladder_step(struct ladder *l, const struct campaigns *c, const struct judge_settings *s,
		bool enforcing, uint32_t now_sec);

/* An operator's word. ORDER_NONE: as if nothing had been said. `note` may be NULL. -ENOENT: no such
 * campaign; -EALREADY: approved where it cannot climb any further. */
int ladder_order(struct ladder *l, uint32_t campaign, enum order order, uint32_t actor,
		 const char *note, uint32_t now_sec);

/* Back to the observe rung, `reason` for the operator. -ENOENT; -EALREADY: it stands there. */
int ladder_roll_back(struct ladder *l, uint32_t campaign, const char *reason, uint32_t now_sec);

/* The mode has become enforce, after any time in observe: nothing begins by dropping all. The
 * ladder sees by itself that the mode has changed when a step fell into the time. */
void ladder_enforce_begins(struct ladder *l, uint32_t now_sec);

/* When it climbs by itself if the mode is enforce by then; false: it does not. */
bool ladder_rises(const struct standing *st, const struct judge_settings *s, uint32_t *ret_at_sec);

/* Why it does not climb, in words for the operator; NULL: it does, in time, or stands highest. `c`
 * is NULL where the campaign is not known (yet). */
const char *ladder_hindrance(const struct standing *st, const struct campaign *c,
			     const struct judge_settings *s, bool enforcing);

/* What was measured of the sources that entries hold out. -ENOENT. */
int ladder_measure(struct ladder *l, uint32_t campaign, uint32_t held_out, uint32_t alike);

/* How many living campaigns stand where; those that an operator stopped count only as that. */
struct ladder_counts {
	size_t observe, canary, enforce, paused, rejected;
};
struct ladder_counts ladder_count(const struct ladder *l, const struct campaigns *c);

/* What its entries do. `ret_share` as in struct seine_entry. A rejected campaign has none. */
enum seine_action ladder_action(const struct standing *st, const struct judge_settings *s,
				uint32_t *ret_share);

/* "observe", "canary", "enforce"; "none", "approved", "paused", "rejected" */
const char *rung_name(enum rung r);
const char *order_name(enum order o);

#endif
