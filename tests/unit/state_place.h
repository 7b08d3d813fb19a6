/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state of a test's own: its directory, its clock, claims to put into it. What fails fails the
 * test.
 */
#ifndef TESTS_UNIT_STATE_PLACE_H
#define TESTS_UNIT_STATE_PLACE_H

#include <stdint.h>
#include "user/store/state.h"

#define EPOCH 1700000000ll
#define NOW 5000u /* seconds since boot */

struct state_place {
	char dir[64], file[80];
	struct state_settings settings; /* NOW after EPOCH, in boot "first" */
};

int state_place_make(void **state); /* set-up and tear-down of a cmocka test */
int state_place_drop(void **state);
#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, state_place_make, state_place_drop)

/* Counts files whose names hold `part`, and removes them if asked to. */
int state_place_files(const struct state_place *p, const char *part, bool remove);
/* What somebody else does to the file, in SQL. */
void state_place_change(const struct state_place *p, const char *sql);

struct state *state_place_open(const struct state_place *p); /* nothing is set aside */
/* After a reboot: `away_sec` later by the clock, which may be wrong, and 10 s after the boot. */
struct state *state_place_reboot(struct state_place *p, int64_t away_sec);
struct state_loaded state_place_load(struct state *s, uint32_t now_sec);
void state_place_commit(struct state *s);

/* The n-th of many: its prefix, origin and every field follow from n and `version`. */
struct entry state_place_entry(uint32_t n, uint32_t version);
struct claims *state_place_claims(uint32_t n, uint32_t version);
void state_place_record(struct state *s, const struct claims *before, const struct claims *after);
void state_place_same(const struct claims *a, const struct claims *b);
uint32_t state_place_random(uint32_t n); /* below n */
struct prefix state_place_prefix(const char *text);

#endif
