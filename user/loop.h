/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: descriptors, timers and signals, one at a time, on one thread.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

#define LOOP_EVENTS 16 /* sources of events; the agent has half a dozen */

struct loop;
typedef void (*loop_fn)(void *arg);
typedef void (*loop_signal_fn)(int signal, void *arg);

int loop_new(struct loop **ret);
void loop_free(struct loop *l); /* NULL is fine; descriptors that were added stay open */

/* Calls `fn` whenever `fd` is readable. */
int loop_add(struct loop *l, int fd, loop_fn fn, void *arg);

/* Calls `fn` every interval_ms, the first time after that long. A call that comes late is one call.
 */
int loop_every(struct loop *l, uint32_t interval_ms, loop_fn fn, void *arg, int *ret_timer);
int loop_retime(struct loop *l, int timer, uint32_t interval_ms);

/* Takes these signals (0-terminated) out of the process's hands and calls `fn` with each. */
int loop_signals(struct loop *l, const int *signals, loop_signal_fn fn, void *arg);

int loop_run(struct loop *l); /* until loop_quit(); 0 or a negative errno */
void loop_quit(struct loop *l);

#endif
