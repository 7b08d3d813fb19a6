/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers as a person reads them at a glance. Pure.
 */
#ifndef EXPORT_FORMAT_H
#define EXPORT_FORMAT_H

#include <stdint.h>

#define FORMAT_MAX 32

/* `buf` holds FORMAT_MAX bytes. All return buf. */
const char *format_count(uint64_t n, char *buf);  /* "999", "12.3 k", "4.1 M" */
const char *format_exact(uint64_t n, char *buf);  /* "3,112" */
const char *format_bytes(uint64_t n, char *buf);  /* "999 B", "12.3 KiB" */
const char *format_time(uint64_t sec, char *buf); /* "12 s", "3 m 20 s", "4 h 12 m", "3 d 4 h" */
const char *format_age(uint64_t sec, char *buf); /* one unit only: "119 s", "59 m", "47 h", "3 d" */

#endif
