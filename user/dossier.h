/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A campaign as JSON, the same in answers and in history; and dossiers: what was known of it when
 * something was decided.
 *
 *	found	when it was found, or came back
 *	acted	when the first entries for it were wanted
 *	grown	when it had half as many members again as in the dossier before
 *	ended	when no window found it any more
 */
#ifndef DOSSIER_H
#define DOSSIER_H

#include <jansson.h>
#include "user/requests.h"

/* In a line: its numbers, and which evidence holds. */
json_t *json_campaign(struct agent *a, const struct campaign *c, const struct moment *m);

/* All that speaks for and against it, as numbers and as sentences: an answer of its own. */
json_t *json_explanation(struct agent *a, const struct campaign *c, const struct moment *m);

/* [{"side":"for","text":"..."}] */
json_t *json_sentences(const struct sentence *list, size_t n);

/* After a turn of the line: puts the dossiers that are due into a->history, if there is one. */
void dossiers_keep(struct agent *a, const struct moment *m);

#endif
