/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent keeps beyond its life. What sources do is told to the history by the mind; this
 * adds what prefixes do, campaigns and seeds, and writes it all, a bounded number of rows a cycle.
 *
 * All do nothing without history. What goes wrong is an alarm, never the end of a cycle.
 */
#ifndef REMEMBER_H
#define REMEMBER_H

#include <stdint.h>
#include "user/agent.h"

/* Opens a->history as configured; `nets`: prefixes followed at most. A history that cannot be had
 * is an alarm and no error. -ENOMEM. */
int remember_open(struct agent *a, int64_t epoch_sec, size_t nets);
/* Campaigns and seeds, for a mind that has none yet. What fails is tried again by remember_cycle(),
 * and no campaign is saved before. */
void remember_recall(struct agent *a);

/* Before the first row of a harvest: tells of prefixes' spans that have ended. */
int remember_begin(struct agent *a, uint32_t now_sec);
void remember_net(struct agent *a, const struct seine_addr *net, const struct seine_net *row);
/* At the end of a cycle: writes. */
void remember_cycle(struct agent *a, uint32_t now_sec);

/* What was done since the last border, and what waits, is written: the agent ends. */
void remember_stop(struct agent *a);
void remember_close(struct agent *a);

#endif
