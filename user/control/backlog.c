/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See backlog.h. */
#include "user/control/backlog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/control/answer.h"

#define LOST_BYTES 96 /* of the line about lost ones */

int backlog_new(struct backlog *ret)
{
	char *bytes = malloc(BACKLOG_BYTES);

	if (!bytes)
		return -ENOMEM;
	*ret = (struct backlog){ .bytes = bytes };
	return 0;
}

void backlog_clear(struct backlog *b)
{
	free(b->bytes);
	*b = (struct backlog){ 0 };
}

static bool has_room(struct backlog *b, size_t len)
{
	if (BACKLOG_BYTES - b->len >= len)
		return true;
	memmove(b->bytes, b->bytes + b->taken, b->len - b->taken);
	b->len -= b->taken;
	b->taken = 0;
	return BACKLOG_BYTES - b->len >= len;
}

static void append(struct backlog *b, const char *line, size_t len)
{
	memcpy(b->bytes + b->len, line, len);
	b->bytes[b->len + len] = '\n';
	b->len += len + 1;
}

/* There is room for LOST_BYTES. */
static void tell_lost(struct backlog *b)
{
	char line[LOST_BYTES];

	snprintf(line, sizeof(line),
		 "{\"seine\":{\"schema\":%d,\"kind\":\"lost\"},\"lines\":%" PRIu64 "}",
		 ANSWER_SCHEMA, b->lost);
	append(b, line, strlen(line));
	b->lost = 0;
}

void backlog_put(struct backlog *b, const char *line, size_t len)
{
	size_t room = len + 1 + (b->lost ? LOST_BYTES : 0);

	if (!has_room(b, room)) {
		b->lost++;
		return;
	}
	if (b->lost)
		tell_lost(b);
	append(b, line, len);
}

void backlog_peek(const struct backlog *b, const char **ret, size_t *ret_len)
{
	*ret = b->bytes + b->taken;
	*ret_len = b->len - b->taken;
}

void backlog_take(struct backlog *b, size_t len)
{
	b->taken += len;
	if (b->taken < b->len)
		return;
	b->taken = b->len = 0;
	if (b->lost)
		tell_lost(b);
}
