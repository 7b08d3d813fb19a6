/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head is written without its closing brace, then the rows as its last member.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/reply.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(ANSWER_DIGITS))

static int append(const char *bytes, size_t len, void *arg)
{
	struct reply *r = arg;

	if (r->len + len > r->room) {
		size_t room = 2 * (r->len + len);
		char *text = realloc(r->text, room);

		if (!text)
			return -1;
		r->text = text;
		r->room = room;
	}
	memcpy(r->text + r->len, bytes, len);
	r->len += len;
	return 0;
}

static int append_text(struct reply *r, const char *text)
{
	return append(text, strlen(text), r) < 0 ? -ENOMEM : 0;
}

/* Consumes `value`. */
static int append_json(struct reply *r, json_t *value)
{
	_cleanup_(json_decrefp) json_t *owned = value;

	if (!owned || json_dump_callback(owned, append, r, DUMP_FLAGS) < 0)
		return -ENOMEM;
	return 0;
}

static int append_head(struct reply *r)
{
	int e = append_json(r, take_ptr(r->answer.head));

	if (e < 0 || !r->answer.member)
		return e;
	r->len--; /* the closing brace comes behind the rows */
	if (append_text(r, ",\"") < 0 || append_text(r, r->answer.member) < 0)
		return -ENOMEM;
	return append_text(r, "\":[");
}

static int append_row(struct reply *r)
{
	if (r->row && append_text(r, ",") < 0)
		return -ENOMEM;
	return append_json(r, r->answer.row(r->answer.rows, r->row++));
}

static int append_end(struct reply *r)
{
	r->ended = true;
	return append_text(r, r->answer.member ? "]}\n" : "\n");
}

int reply_begin(struct reply *r, struct answer *answer)
{
	*r = (struct reply){ .answer = *answer };
	*answer = (struct answer){ 0 };
	return append_head(r);
}

void reply_clear(struct reply *r)
{
	answer_clear(&r->answer);
	free(r->text);
	*r = (struct reply){ 0 };
}

int reply_peek(struct reply *r, const char **ret, size_t *ret_len)
{
	int e = 0;

	if (r->taken == r->len && !r->ended)
		r->taken = r->len = 0;
	while (e == 0 && r->row < r->answer.n && r->len < REPLY_PIECE)
		e = append_row(r);
	if (e == 0 && r->row == r->answer.n && !r->ended)
		e = append_end(r);
	if (e < 0)
		return e;

	*ret = r->text + r->taken;
	*ret_len = r->len - r->taken;
	return 0;
}

void reply_take(struct reply *r, size_t len)
{
	r->taken += len;
}
