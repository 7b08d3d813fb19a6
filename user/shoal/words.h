/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers in the middle of sentences, and sentences in a list.
 */
#ifndef SHOAL_WORDS_H
#define SHOAL_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include "user/shoal/shoal.h"

#define WORDS_MAX 32

/* `buf` holds WORDS_MAX bytes. All return buf. */
const char *words_count(double n, char *buf);	    /* "3,912"; of less than ten "0.4" */
const char *words_percent(double share, char *buf); /* "2.1 %" */
const char *words_chance(double p, char *buf);	    /* "2e-11", "below 1e-290" */
const char *words_time(uint64_t sec, char *buf);    /* "40 s", "20 min", "24 h", "7 days" */
const char *words_bytes(double n, char *buf);	    /* "812 bytes", "5.1 KiB" */

struct speech {
	struct sentence *list; /* SENTENCES_MAX */
	size_t n;
};

/* Beyond SENTENCES_MAX nothing is said. */
__attribute__((format(printf, 3, 4))) void say(struct speech *s, enum side side, const char *format,
					       ...);

#endif
