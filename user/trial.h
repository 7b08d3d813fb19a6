/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes on trial: `seine apply --confirm-within 5m`. From its beginning to its deadline mode,
 * people's entries and allow list may be changed as ever; unless somebody confirms, all three come
 * back as they were. An operator who locks customers out, and with them perhaps himself, need
 * only wait.
 *
 * What is listed on trial ends at the deadline in the kernel itself, so that it does with the agent
 * dead, too. The rest comes back with the agent.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "user/agent.h"
#include "user/requests.h"
#include "user/store/state.h"

/* -EBUSY: one runs. */
int trial_begin(struct agent *a, uint32_t within_sec, const struct moment *m, char *why);
/* -ENOENT: none runs. */
int trial_confirm(struct agent *a, const struct moment *m, char *why);
int trial_revert(struct agent *a, const struct moment *m, char *why);
/* Reverts what was not confirmed in time. */
void trial_check(struct agent *a);

/* After a restart: one that was kept and is not over. */
int trial_resume(struct agent *a, const struct state_trial *kept);

void trial_clear(struct trial *t);

/* Entries of people that are new since its beginning end with it. */
void trial_cap(const struct agent *a, struct entries *e);

json_t *json_trial(struct agent *a, const struct moment *m); /* null: none runs */

#endif
