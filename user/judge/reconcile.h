/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which claims hold from a start on, when a file recorded some and the kernel holds a list. Pure.
 *
 *	nothing recorded   what the kernel holds is taken over as it is
 *	other maps	   the host was booted, or they were made anew: what is recorded holds
 *	in force	   the kernel was left as recorded: what differs is somebody's hand,
 *			   unless it is word for word what a claim says
 *	not in force	   we died between recording and bringing into force: what is recorded
 *			   holds, and entries of somebody else's in the kernel join it
 */
#ifndef JUDGE_RECONCILE_H
#define JUDGE_RECONCILE_H

#include "user/judge/claims.h"

enum reconciled {
	RECONCILED_FRESH,
	RECONCILED_OTHER_MAPS,
	RECONCILED_IN_FORCE,
	RECONCILED_PENDING,
};

struct reconcile {
	const struct claims *recorded;
	uint64_t recorded_number; /* sequence number of `recorded`; 0: none was ever recorded */
	uint64_t applied_number;  /* of those last brought into force ... */
	uint64_t applied_maps;	  /* ... in these maps */
	uint64_t maps;		  /* those there are */
	/* The list that follows from `recorded`, with all that has a say in it. */
	const struct entries *composed;
	const struct entries *held; /* by the kernel */
	uint32_t now_sec;
};

/* The claims that hold, those that are over among them; `ret_diff`: what others did that was taken
 * over. -ENOMEM. */
int reconcile(const struct reconcile *in, struct claims **ret, enum reconciled *ret_how,
	      struct entries_diff *ret_diff);

#endif
