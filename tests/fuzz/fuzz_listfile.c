/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of prefixes as files. The first byte chooses the format, from '0' (auto) on; the rest is
 * the file. It is refused with a line and a reason, or holds entries within their bounds, no prefix
 * twice, which read back the same from whatever format they are written in.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/listfile.h"
#include "user/control/request.h"

#define NOW 1000
#define EPOCH 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct wish_terms terms = {
	.row = { .origin = SEINE_FEED,
		 .actor = 3,
		 .action = SEINE_DROP,
		 .added_sec = NOW,
		 .expires_sec = NOW + 60 },
	.now_sec = NOW,
	.epoch = EPOCH,
};

static void check_errors(const struct listfile_errors *errors)
{
	must(errors->all > 0);
	for (size_t i = 0; i < listfile_kept(errors); i++)
		must(errors->list[i].text[0] && memchr(errors->list[i].text, '\0', LISTFILE_TEXT));
	for (size_t i = 1; i < listfile_kept(errors); i++)
		must(!errors->list[i].line || errors->list[i - 1].line < errors->list[i].line);
}

static void check_entry(const struct entry *e)
{
	must(!prefix_too_wide(&e->prefix));
	must(e->row.origin == SEINE_FEED && e->row.actor == 3 && e->row.action <= SEINE_LIMIT);
	must(e->row.expires_sec == 0 || e->row.expires_sec > NOW);
	must(e->row.share <= SEINE_SHARE);
	must((e->row.action == SEINE_LIMIT) == (e->row.rate_pps > 0));
	must((e->row.action == SEINE_LIMIT) == (e->row.burst > 0));
	must(memchr(e->row.note, '\0', SEINE_NOTE));
}

static void check_back(const struct listfile *l, const struct listfile *back, enum list_format f)
{
	must(back->n == l->n && !back->duplicates && !back->expired);
	for (size_t i = 0; i < l->n; i++) {
		const struct entry *a = &l->list[i], *b = &back->list[i];

		must(!prefix_compare(&a->prefix, &b->prefix));
		if (f != LIST_FIREHOL)
			must(!memcmp(a->row.note, b->row.note, SEINE_NOTE));
		if (f == LIST_CSV || f == LIST_NDJSON)
			must(!memcmp(&a->row, &b->row, sizeof(a->row)));
	}
}

static void write_and_read(const struct listfile *l, enum list_format format)
{
	const struct listfile_writing w = { .epoch = EPOCH, .bytes_max = LISTFILE_WRITTEN };
	_cleanup_(listfile_clear) struct listfile back = { 0 };
	struct listfile_errors errors = { 0 };
	_cleanup_(freep) char *text = NULL;
	size_t len = 0, bytes = 0;
	FILE *f = open_memstream(&text, &len);

	must(f != NULL);
	must(listfile_write(f, format, l->list, l->n, &w, &bytes) == 0);
	fclose(f);
	must(bytes == len);
	must(listfile_read(text, len, format, &terms, 2, &errors, &back) == 0);
	check_back(l, &back, format);
	listfile_clear(&back);
	if (l->n)
		must(listfile_read(text, len, LIST_AUTO, &terms, 2, &errors, &back) == 0);
	if (l->n)
		check_back(l, &back, format);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(listfile_clear) struct listfile l = { 0 };
	struct listfile_errors errors = { 0 };

	if (!size)
		return 0;
	if (listfile_read((const char *)data + 1, size - 1, data[0] % (LIST_SPAMHAUS + 1), &terms,
			  1, &errors, &l) < 0) {
		check_errors(&errors);
		must(!l.list);
		return 0;
	}
	must(!errors.all);
	for (size_t i = 0; i < l.n; i++) {
		check_entry(&l.list[i]);
		must(l.lines[i] > (i ? l.lines[i - 1] : 0));
	}
	for (enum list_format f = LIST_PLAIN; f <= LIST_SPAMHAUS; f++)
		write_and_read(&l, f);
	return 0;
}
