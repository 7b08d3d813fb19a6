/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A datapath of a test's own: small maps, a clock the test sets, pins under a name the test owns.
 */
#ifndef TESTS_BPF_RIG_H
#define TESTS_BPF_RIG_H

#include "user/kernel/datapath.h"

#define RIG_SECOND 1000000000ull
#define RIG_NOW_SEC 1000 /* what the clock shows at first */
#define RIG_SLOTS 4096

/* Removes what an earlier run may have left. Fails the test when it cannot open. */
struct datapath *rig_open(const char *pin_dir);
/* Opens once more, as a restarted agent does: adopts what is pinned. */
int rig_reopen(const char *pin_dir, char *why, struct datapath **ret);
void rig_close(struct datapath *d, const char *pin_dir); /* and unpins */

/* Enforcing, port 443, heartbeat now. */
void rig_enforce(struct datapath *d);

/* A TCP SYN to port 443 from `ip`, run `times` times. Returns the last verdict. */
uint32_t rig_syn(struct datapath *d, const uint8_t ip[16], uint32_t times);

/* Writes a row of an array behind the loader's back: 0 or a negative errno. */
int rig_put(struct datapath *d, const char *map, uint32_t key, const void *row);

/* Deterministic random numbers; `*state` is the seed. */
uint64_t rig_random(uint64_t *state);

#endif
