/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a change of the lists did, or in a dry run would do: what it covers, whom it hits, and the
 * difference between before and after.
 */
#ifndef EXPORT_CHANGE_H
#define EXPORT_CHANGE_H

#include <jansson.h>
#include <stdio.h>
#include "user/export/text.h"

/* "covers", "seen", "honest": addresses, sources that came lately, and those nothing speaks
 * against. */
void print_impact(const json_t *impact, const struct text_style *s, FILE *to);

/* The answer to one entry added, and to one removed. */
void print_added(const json_t *answer, const struct text_style *s, FILE *to);
void print_removed(const json_t *answer, const struct text_style *s, FILE *to);

/* The answer to one address or prefix put on the allow list. */
void print_allowed(const json_t *answer, const struct text_style *s, FILE *to);

/* The answer to many at once: rows with + - ~, how many more, and the sum. */
void print_change(const json_t *answer, const struct text_style *s, FILE *to);

/* What has to be known behind any change: dry run, mode, trial. */
void print_footing(const json_t *answer, const struct text_style *s, FILE *to);

/* One line as it happens: "14:03:07 added 203.0.113.0/24 drop operator root"; `at` is the time of
 * day. Cut to the style's width. */
void print_watched(const json_t *line, const char *at, const struct text_style *s, FILE *to);

/* "4 m 12 s left, begun by root", of a trial that is active; `buf` holds FORMAT_TRIAL. */
#define FORMAT_TRIAL 128
const char *format_trial(const json_t *trial, char *buf);
/* The trial in full: since when, until when, and what has changed in it. */
void print_trial(const json_t *trial, const struct text_style *s, FILE *to);

#endif
