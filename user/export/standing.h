/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a campaign stands on the ladder, in words.
 */
#ifndef EXPORT_STANDING_H
#define EXPORT_STANDING_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include "user/export/text.h"

/* For a narrow column: an order that holds it ("paused", "rejected"), or else its rung; "-" when
 * there is none. Borrowed from `standing`. */
const char *standing_word(const json_t *standing);

/* Its rung and since when, who ordered what, when it climbs or why not, what the held-out sources
 * do. Prints nothing when there is no standing. */
void print_standing(const json_t *standing, uint64_t now_unix, const struct text_style *s,
		    FILE *to);

#endif
