/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ClientHellos whose connection has not been reported yet: a hello is complete long before its
 * connection ends. Pure; of more than PENDING_MAX the oldest go.
 */
#ifndef REPLAY_PENDING_H
#define REPLAY_PENDING_H

#include <stdbool.h>
#include "user/sight/hellos.h"

#define PENDING_MAX (1u << 18) /* as many as there are rows for connections, 34 MB */

struct pending;

int pending_new(struct pending **ret);
void pending_free(struct pending *p);
static inline void pending_freep(struct pending **p)
{
	pending_free(*p);
	*p = NULL;
}

/* Keeps a hello, unless one of that connection is there already (the second one of a retry). True:
 * it displaced *ret_gone, whose connection was never reported. */
bool pending_put(struct pending *p, const struct hello_sight *sight, struct hello_sight *ret_gone);

/* Is there another hello of that connection? */
bool pending_differs(const struct pending *p, const struct hello_sight *sight);

/* Takes out the hello of a connection; false: there is none. */
bool pending_take(struct pending *p, uint64_t tag, struct hello_sight *ret);

/* Takes out any; false: none is left. */
bool pending_any(struct pending *p, struct hello_sight *ret);

#endif
