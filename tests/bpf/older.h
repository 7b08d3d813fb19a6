/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An older seine on the maps of a newer one: what an upgrade finds on an interface.
 */
#ifndef TESTS_OLDER_H
#define TESTS_OLDER_H

#include "tests/bpf/older.skel.h"
#include "user/kernel/datapath.h"

/* Loaded on the maps of `d`; NULL when that failed. Release it with older__destroy(). */
struct older *older_load(struct datapath *d);

/* Puts it in place of the native program on the interface, in one step. 0 or a negative errno. */
int older_attach(const struct older *older, int ifindex);

#endif
