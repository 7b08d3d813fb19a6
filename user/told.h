/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What those who follow are told: changes of the drop list, and events of the audit, a line each.
 */
#ifndef TOLD_H
#define TOLD_H

#include "user/agent.h"

/* More changes at once than this are told as one line with their number. */
#define TOLD_MAX 1000

/* From the list that was in force to a->entries. */
void told_changes(struct agent *a, const struct entries *before);
/* What was recorded since the last time. */
void told_events(struct agent *a);

#endif
