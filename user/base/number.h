/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers as people write them, read strictly: no sign, no space, no leading zero, nothing behind.
 * All return 0 or -EINVAL and leave `ret` alone on failure.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

/* "1234", between min and max. */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* "20ms", "90s", "10m", "24h", "7d", "1h30m" in milliseconds: each unit once, the largest first. A
 * unit is needed, except for 0. */
int duration_parse(const char *text, uint64_t *ret_ms);

#define DURATION_TEXT 24
/* The way back, in the largest unit that is exact. `buf` holds DURATION_TEXT bytes. Returns buf. */
const char *duration_format(uint64_t ms, char *buf);

/* "4G", "512M", "64K" in bytes, by powers of 1024. A unit is needed. */
int size_parse(const char *text, uint64_t *ret);

#define SIZE_TEXT 24
/* The way back, of whole kibibytes, in the largest unit that is exact. `buf` holds SIZE_TEXT bytes.
 * Returns buf. */
const char *size_format(uint64_t bytes, char *buf);

/* "5%", "5 %" or "0.05", between 0 and 1. */
int share_parse(const char *text, double *ret);

/* "0.01"; at most 15 digits, which a double keeps. */
int real_parse(const char *text, double *ret);

#define REAL_TEXT 40
/* The shortest text that real_parse() reads as `v`, which must come from there. `buf` holds
 * REAL_TEXT bytes. Returns buf. */
const char *real_format(double v, char *buf);

#endif
