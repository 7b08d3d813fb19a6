/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row of the audit while it is put together: who did what, and what it was before and after.
 */
#ifndef AUDITING_H
#define AUDITING_H

#include <jansson.h>
#include "user/requests.h"
#include "user/store/state.h"

struct auditing {
	struct audit audit; /* points into what follows */
	char actor[WHO_NAME];
	char object[64];
	char text[384];
	char *before, *after, *evidence;
};

/* Who asks, or the agent itself; the result is "done" until somebody says otherwise. */
void auditing_begin(struct auditing *x, struct agent *a, const struct moment *m, const char *verb);
void auditing_clear(struct auditing *x);

void auditing_prefix(struct auditing *x, const struct prefix *p);
void auditing_object(struct auditing *x, const char *object);
__attribute__((format(printf, 2, 3))) void auditing_text(struct auditing *x, const char *format,
							 ...);
/* Each takes over its value; NULL is fine. */
void auditing_before(struct auditing *x, json_t *value);
void auditing_after(struct auditing *x, json_t *value);
void auditing_evidence(struct auditing *x, json_t *value);

#endif
