/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests from the control socket: whatever comes in, each reader refuses it with a sentence or
 * returns values within its bounds, and what it read can be answered as JSON.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"

#define NOW 1000000
#define UNIX 1700000000

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void refused(const char *why)
{
	must(why[0] && memchr(why, '\0', REQUEST_WHY));
}

static void read_drop(const json_t *request)
{
	_cleanup_(json_decrefp) json_t *prefix = NULL, *note = NULL;
	char why[REQUEST_WHY] = "";
	bool dry_run;
	struct entry e;

	if (request_drop(request, NOW, why, &e, &dry_run) < 0) {
		refused(why);
		return;
	}
	must(!prefix_too_wide(&e.prefix));
	must(e.row.origin == SEINE_OPERATOR && e.row.action <= SEINE_LIMIT);
	must(e.row.expires_sec == 0 || e.row.expires_sec > NOW);
	must(e.row.share <= SEINE_SHARE);
	must((e.row.action == SEINE_LIMIT) == (e.row.rate_pps > 0));
	must(memchr(e.row.note, '\0', SEINE_NOTE));
	prefix = answer_prefix(&e.prefix);
	note = answer_text(e.row.note, SEINE_NOTE);
	must(prefix && note);
}

static void read_allow(const json_t *request)
{
	char why[REQUEST_WHY] = "";
	struct allow_entry a;
	bool dry_run;

	if (request_allow(request, NOW, why, &a, &dry_run) < 0) {
		refused(why);
		return;
	}
	must(!prefix_too_wide(&a.prefix));
	must(a.row.expires_sec == 0 || a.row.expires_sec > NOW);
	must(memchr(a.row.note, '\0', SEINE_NOTE));
}

static void read_seeds(const json_t *request)
{
	char why[REQUEST_WHY] = "";
	struct seeds seeds = { 0 };
	uint32_t ttl_sec = 0;

	if (request_seeds(request, why, &ttl_sec, &seeds) < 0) {
		must(!seeds.list);
		return;
	}
	must(ttl_sec && ttl_sec <= REQUEST_TTL_MAX_SEC && seeds.n <= SEEDS_MAX);
	for (size_t i = 0; i < seeds.n; i++)
		must(memchr(seeds.list[i].note, '\0', SEED_NOTE));
	free(seeds.list);
}

static void read_lists(const json_t *request)
{
	struct request_list l = { 0 };
	struct request_flush flush;
	char why[REQUEST_WHY] = "";
	enum list_format format;
	unsigned int origins;

	if (request_replace(request, NOW, UNIX, why, &l) < 0)
		refused(why);
	else
		must(!l.feed && *l.name && l.terms.row.origin == SEINE_OPERATOR);
	if (request_import(request, NOW, UNIX, why, &l) == 0)
		must(*l.feed && l.terms.must_end && l.terms.row.origin == SEINE_FEED);
	if (request_flush(request, why, &flush) == 0)
		must(flush.origins && flush.origins <= REQUEST_ALL_ORIGINS);
	if (request_export(request, why, &format, &origins) == 0)
		must(format > LIST_AUTO && format <= LIST_SPAMHAUS && origins);
}

static void read_others(const json_t *request)
{
	static const char *const sorts[] = { "requests", "last", NULL };
	char why[REQUEST_WHY] = "";
	struct request_rows rows;
	enum seine_mode mode;
	struct prefix p;
	char note[SEINE_NOTE];
	uint32_t id, limit;

	if (request_rows(request, sorts, why, &rows) < 0)
		refused(why);
	else
		must(rows.limit && rows.limit <= REQUEST_LIMIT_MAX && rows.sort < 2);
	if (request_campaign(request, why, &id, &limit) == 0)
		must(id && limit && limit <= REQUEST_LIMIT_MAX);
	if (request_mode(request, why, &mode) == 0)
		must(mode == SEINE_OBSERVE || mode == SEINE_ENFORCE);
	if (request_address(request, why, &p) == 0)
		must(p.len == 128);
	if (request_prefix(request, why, &p) == 0)
		must(p.len <= 128);
	if (request_order(request, why, &id, note) == 0)
		must(id && memchr(note, '\0', SEINE_NOTE));
	if (request_trial(request, why, &limit) == 0)
		must(limit >= REQUEST_TRIAL_MIN_SEC && limit <= REQUEST_TRIAL_MAX_SEC);
	if (request_within(request, why, &p) == 0)
		must(p.len <= 128);
	request_nothing(request, why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(json_decrefp) json_t *request = NULL;
	char why[REQUEST_WHY] = "";

	if (request_parse((const char *)data, size, why, &request) < 0) {
		refused(why);
		return 0;
	}
	must(request_verb(request) != NULL);
	read_drop(request);
	read_allow(request);
	read_seeds(request);
	read_lists(request);
	read_others(request);
	return 0;
}
