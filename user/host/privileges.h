/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving up what the agent needs only to start.
 *
 * After attaching it keeps CAP_BPF (maps of lists are created at each apply; before Linux 5.19 any
 * access to a map needs it) and CAP_NET_ADMIN (to take its program off an interface). CAP_SYS_ADMIN
 * stays only where a libxdp dispatcher runs our program, because libxdp finds programs by id to
 * take one out. Programs can no longer be loaded.
 */
#ifndef HOST_PRIVILEGES_H
#define HOST_PRIVILEGES_H

#include <stdbool.h>

/* 0, or a negative errno; then some of it may have been given up already. */
int privileges_drop(bool keep_sys_admin);

#endif
