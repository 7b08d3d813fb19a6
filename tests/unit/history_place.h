/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A history of a test's own: its directory, its clock, rows to put into it and to read back. What
 * fails fails the test.
 */
#ifndef TESTS_UNIT_HISTORY_PLACE_H
#define TESTS_UNIT_HISTORY_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include "user/store/history.h"

#define WINDOW 1440 /* slots of 10 s */
#define SLOT 10
#define DAYS_BEFORE 100
#define EPOCH (1000000ll * WINDOW)
#define FIRST (1000000u * SPAN_DAY_SLOTS) /* the slot of EPOCH */
#define LARGE (1ull << 30)

struct place {
	char dir[64], file[80];
};

int place_make(void **state); /* set-up and tear-down of a cmocka test */
int place_drop(void **state);
#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, place_make, place_drop)

/* Counts files whose names hold `part`, and removes them if asked to. */
int place_files(const struct place *p, const char *part, bool remove);

int place_open_sized(const struct place *p, uint64_t size_max, char *why, struct history **ret);
struct history *place_open(const struct place *p); /* LARGE */

/* What somebody else does to the file, in SQL. */
void place_change(const struct place *p, const char *sql);

/* Writes all that waits. */
void place_flush(struct history *h, uint32_t now_sec);

uint32_t place_random(uint32_t n); /* below n */
uint32_t place_sec(uint32_t day);  /* within it */

/* Sources by number: a third IPv4, a third /64s. */
void place_address(uint32_t n, uint8_t ret[16]);
struct deed place_deed(uint32_t source, uint32_t requests);
void place_put(struct history *h, enum span span, uint32_t start, uint32_t source,
	       uint32_t requests);

struct days {
	int n;
	int64_t start_unix[64];
	struct deed deeds[64];
};

int place_take_day(int64_t start_unix, const struct deed *deed,
		   void *days); /* for history_days() */
struct days place_days(struct history *h, uint32_t source);

#endif
