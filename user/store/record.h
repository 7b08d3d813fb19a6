/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A campaign as it lies on the disk: its single values, evidence and prefixes as JSON, its members
 * as rows of MEMBER_BYTES. Pure; what is read back is input.
 *
 * Families and windows are known by their names, so that a newer version with more of them reads
 * what an older one wrote. Values that are missing are 0.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <jansson.h>
#include "user/shoal/shoal.h"

#define RECORD_FORM 1 /* another one is not read */

json_t *record_write(const struct campaign *c, int64_t epoch_sec); /* NULL: no memory */
/* Without members. -EBADMSG, -ENOMEM. */
int record_read(const json_t *record, int64_t epoch_sec, struct campaign *ret);

int members_write(const struct campaign *c, int64_t epoch_sec, uint8_t **ret, size_t *ret_size);
/* Into a campaign that has none. -EBADMSG, -ENOMEM. */
int members_read(const uint8_t *at, size_t size, int64_t epoch_sec, struct campaign *c);

#endif
