/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where campaigns stand on the ladder, as the agent keeps it: recorded, followed by orders of
 * operators, rolled back when accepted traffic falls, measured by whom entries hold out.
 */
#ifndef STANDINGS_H
#define STANDINGS_H

#include "user/agent.h"
#include "user/requests.h"
#include "user/store/state.h"

/* What was recorded, for a mind that knows of none. */
int standings_open(struct agent *a, char *why);

void standings_close(struct agent *a);

/* Where what is watched for is another time from now on. */
void standings_forget_traffic(struct agent *a, const struct rollback_settings *s);

/* An operator's word, followed at once. -ENOENT, -EALREADY. */
int standings_order(struct agent *a, uint32_t campaign, enum order order, const char *note,
		    const struct moment *m, char *why);

/* Records all standings, with an event of the audit (may be NULL). */
void standings_record(struct agent *a, const struct audit *audit);

/* Before the judge looks: who has to come down. */
void standings_watch(struct agent *a, uint32_t now_sec);
/* After it: what has changed is recorded. */
void standings_cycle(struct agent *a, uint32_t now_sec);

#endif
