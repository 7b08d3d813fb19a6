/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit, one line an event: when, who, what, and how it went.
 */
#ifndef EXPORT_EVENT_H
#define EXPORT_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include "user/base/prefix.h"
#include "user/export/text.h"

/* A table of them; and one alone as it comes, cut to the width. */
void print_events(const json_t *events, const struct text_style *s, FILE *to);
void print_event(const json_t *event, const struct text_style *s, FILE *to);

/* Is it about something inside the prefix, or around it? */
bool event_within(const json_t *event, const struct prefix *within);
/* Is it about this very object, "c-1f3a"? */
bool event_about(const json_t *event, const char *object);

#endif
