/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of both lists in words and in tables, from the JSON that answers carry.
 */
#ifndef EXPORT_ENTRIES_H
#define EXPORT_ENTRIES_H

#include <jansson.h>
#include <stdio.h>
#include "user/export/members.h"
#include "user/export/text.h"

/* "canary 5 %", "limit 100/s", "drop +hello"; `buf` holds FORMAT_MAX. Returns buf. */
const char *format_action(const json_t *entry, char *buf);

/* Who wanted it: a campaign, where the judge acted on one, or else the actor; "-": nobody known. */
const char *entry_who(const json_t *entry);

/* "operator root", or the origin alone; `buf` holds FORMAT_OWNER. Returns buf. */
#define FORMAT_OWNER 80
const char *format_owner(const json_t *entry, char *buf);

/* "203.0.113.0/24 (drop, operator root, left: 1 h)"; `buf` holds FORMAT_ENTRY. Returns buf. */
#define FORMAT_ENTRY 256
const char *format_entry(const json_t *entry, char *buf);

/* Tables; each prints nothing when there is no row. */
void print_drops(const json_t *entries, const struct text_style *s, FILE *to);
void print_allows(const json_t *entries, const struct text_style *s, FILE *to);
/* At most `limit` pairs of an entry that is not in force and the one that keeps it from that. */
void print_conflicts(const json_t *conflicts, size_t limit, const struct text_style *s, FILE *to);
/* All entries around an address; `decides` is the one that the datapath acts on, or null, unless
 * the allow list lets the address pass. */
void print_covering(const json_t *covering, const json_t *decides, bool allowed,
		    const struct text_style *s, FILE *to);

#endif
