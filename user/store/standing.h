/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standings of campaigns and re-entries as lists of JSON, for the state. Times are unix time there;
 * `epoch_sec` is unix time at boot. Pure.
 */
#ifndef STORE_STANDING_H
#define STORE_STANDING_H

#include <jansson.h>
#include <stdint.h>
#include "user/judge/ladder.h"
#include "user/judge/reentry.h"

/* NULL: out of memory. */
json_t *standings_write(const struct ladder *l, int64_t epoch_sec);
/* What means nothing is counted in `left_out` and passed over. -ENOMEM. */
int standings_read(const json_t *list, int64_t epoch_sec, struct ladder *l, size_t *left_out);

/* In parts by the hash of their prefixes, so that few rows change when few do. */
json_t *reentries_write(const struct reentries *r, int64_t epoch_sec);
int reentries_read(const json_t *list, int64_t epoch_sec, struct reentries *r, size_t *left_out);

#endif
