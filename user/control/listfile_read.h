/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of the formats share: one line at a time, and what comes of it. */
#ifndef CONTROL_LISTFILE_READ_H
#define CONTROL_LISTFILE_READ_H

#include <stdbool.h>
#include "user/base/line.h"
#include "user/control/listfile.h"
#include "user/control/request.h"

/* Columns of csv; the order is that of their names in listfile_csv.c. */
enum column {
	COLUMN_PREFIX,
	COLUMN_ACTION,
	COLUMN_SHARE,
	COLUMN_RATE,
	COLUMN_BURST,
	COLUMN_HELLO,
	COLUMN_TTL,
	COLUMN_EXPIRES,
	COLUMN_NOTE,
	COLUMN_ORIGIN,
	COLUMN_ACTOR,
	COLUMNS,
};

struct reader {
	const char *bytes, *end; /* what is still to be read */
	char text[LINE_BYTES + 1];
	uint32_t line;
	/* csv: what the columns are */
	enum column columns[COLUMNS];
	size_t n_columns;
	/* spamhaus */
	uint64_t records;
	bool complete; /* the last line has been there */
};

/*
 * What a line says. 1: `ret`, whose texts are in `text`, `room` or `*ret_json`; 0: nothing;
 * -EINVAL with a sentence in `why` (REQUEST_WHY bytes). `room` holds LISTFILE_ROOM bytes, and
 * `*ret_json` is the caller's to release.
 */
#define LISTFILE_ROOM SEINE_NOTE
int listfile_plain(struct reader *r, char *text, char *room, char *why, struct wish *ret);
int listfile_csv(struct reader *r, char *text, char *why, struct wish *ret);
int listfile_json(struct reader *r, char *text, char *why, json_t **ret_json, struct wish *ret);
int listfile_drop(struct reader *r, char *text, char *room, char *why, json_t **ret_json,
		  struct wish *ret);

bool listfile_is_csv(const char *text); /* the line with the names of columns */

#endif
