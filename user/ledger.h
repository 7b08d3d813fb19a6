/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger: what everybody wants of prefixes, and the list in force that follows from it.
 *
 *	claims > merge > guards > does it fit? > record > apply > in force
 *
 * A change is recorded before it comes into force, so that after a crash at any instant what was
 * acknowledged is in force again when the agent is. What cannot be recorded is done nonetheless,
 * told, and an alarm: ending a drop must not need a disk.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "user/agent.h"
#include "user/store/state.h"

/* Opens the state and reads what was recorded: the mode and feeds count from now on. A state that
 * cannot be had is an alarm and no error. */
int ledger_open(struct agent *a, char *why);
/* With settings in the datapath: what was recorded comes into force, with what others did to the
 * kernel's lists meanwhile. Before anything is attached. */
int ledger_start(struct agent *a, char *why);
void ledger_close(struct agent *a);

/*
 * What is to be changed. `next` is a copy of a->claims to work on, with what somebody else did to
 * the kernel's list meanwhile (a->by_hand). On success it takes their place, on failure nothing has
 * changed. `audit` (may be NULL) is recorded with it. -E2BIG, -ENOSPC and the like with the reason
 * in `why`.
 */
int ledger_begin(struct agent *a, struct claims **ret);
int ledger_commit(struct agent *a, struct claims **next, const struct audit *audit, char *why);

/* What tells the present maps from others. */
uint64_t ledger_maps(const struct agent *a);

/* The list that would be in force with these claims; conflicts may be NULL. */
int ledger_compose(const struct agent *a, const struct claims *claims, struct entries **ret,
		   struct conflicts *ret_conflicts);

/*
 * Whatever else is recorded, with its audit, in one transaction: `write` (may be NULL) does it.
 * Failing is an alarm. -ENODEV: there is no state.
 */
typedef int (*ledger_write)(struct state *s, const void *arg);
int ledger_record(struct agent *a, ledger_write write, const void *arg, const struct audit *audit);

#endif
