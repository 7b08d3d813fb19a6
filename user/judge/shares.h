/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fair shares of something that does not suffice for all: nobody gets less so that somebody with
 * more gets more, and what one does not want is left to the others. Pure.
 */
#ifndef JUDGE_SHARES_H
#define JUDGE_SHARES_H

#include <stddef.h>
#include <stdint.h>

/* Max-min fairness by filling up with water (Bertsekas and Gallager, Data Networks, 6.5.2):
 * `ret[i]` is at most `wants[i]`, and all together at most `room`. -ENOMEM. */
int shares_fill(const uint64_t *wants, size_t n, uint64_t room, uint64_t *ret);

#endif
