/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells that devices, addresses or routes of this host's network changed, so that guards follow at
 * once. */
#ifndef HOST_NETWATCH_H
#define HOST_NETWATCH_H

#include <stdbool.h>

/* `*ret`: a descriptor that becomes readable when something changed; it never blocks. */
int netwatch_open(int *ret);

/* Takes whatever has come; true: something changed. Notices that were lost count as a change. */
bool netwatch_drain(int fd);

#endif
