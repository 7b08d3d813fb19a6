/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that change the drop list and the allow list. */
#include <errno.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/refuse.h"
#include "user/control/request.h"
#include "user/control/request_read.h"

bool request_keep_expiry(uint32_t held_expires, uint32_t *expires_sec)
{
	if (!*expires_sec || (held_expires && held_expires <= *expires_sec))
		return false;
	*expires_sec = held_expires;
	return true;
}

/* Of an operator, and for the time that holds when none is given. */
static struct wish_terms operators_terms(uint32_t now_sec)
{
	return (struct wish_terms){
		.row = { .origin = SEINE_OPERATOR,
			 .actor = SEINE_NO_ACTOR,
			 .action = SEINE_DROP,
			 .added_sec = now_sec,
			 .expires_sec = now_sec + REQUEST_TTL_SEC },
		.now_sec = now_sec,
	};
}

int request_drop(const json_t *request, uint32_t now_sec, char *why, struct entry *ret,
		 bool *ret_dry_run)
{
	const struct wish_terms terms = operators_terms(now_sec);
	struct wish w = WISH_NOTHING;
	int dry_run = 0, r;
	const char *verb;

	r = request_unpack(request, why, "{s:s, s:s, s?I, s?b, s?s, s?I, s?I, s?I, s?s, s?s, s?b}",
			   "verb", &verb, "prefix", &w.prefix, "ttl_sec", &w.ttl_sec, "permanent",
			   &w.permanent, "action", &w.action, "share", &w.share, "rate_pps",
			   &w.rate_pps, "burst", &w.burst, "hello", &w.hello, "note", &w.note,
			   "dry_run", &dry_run);
	if (r < 0)
		return r;
	if (w.hello && !*w.hello)
		return refuse(why, REQUEST_WHY, "hello: empty");
	r = wish_entry(&w, &terms, why, ret);
	if (r < 0)
		return r;
	*ret_dry_run = dry_run;
	return 0;
}

int request_allow(const json_t *request, uint32_t now_sec, char *why, struct allow_entry *ret,
		  bool *ret_dry_run)
{
	struct allow_entry a = {
		.row = { .origin = SEINE_OPERATOR, .actor = SEINE_NO_ACTOR, .added_sec = now_sec }
	};
	const char *verb, *prefix, *note = "";
	int permanent = 0, dry_run = 0, r;
	json_int_t ttl = WISH_UNSAID;

	r = request_unpack(request, why, "{s:s, s:s, s?I, s?b, s?s, s?b}", "verb", &verb, "prefix",
			   &prefix, "ttl_sec", &ttl, "permanent", &permanent, "note", &note,
			   "dry_run", &dry_run);
	if (r < 0)
		return r;
	r = entry_prefix_parse(prefix, why, &a.prefix);
	if (r < 0)
		return r;
	r = wish_end(permanent || ttl == WISH_UNSAID, ttl, now_sec, why, &a.row.expires_sec);
	if (r < 0)
		return r;
	r = wish_note(note, why, a.row.note);
	if (r < 0)
		return r;

	*ret = a;
	*ret_dry_run = dry_run;
	return 0;
}

/* --- Whole lists ------------------------------------------------------------------------------ */

static int read_origins(const char *name, char *why, unsigned int *ret)
{
	enum seine_origin origin;

	if (strcmp(name, "all") == 0) {
		*ret = REQUEST_ALL_ORIGINS;
		return 0;
	}
	if (origin_parse(name, &origin) < 0)
		return refuse(why, REQUEST_WHY,
			      "origin: operator, external, auto, feed, fleet or all");
	*ret = 1U << origin;
	return 0;
}

int request_drop_rows(const json_t *request, const char *const *sorts, char *why,
		      struct request_rows *ret, unsigned int *ret_origins)
{
	_cleanup_(json_decrefp) json_t *rest = json_copy((json_t *)request);
	const json_t *origin = json_object_get(request, "origin");
	unsigned int origins = REQUEST_ALL_ORIGINS;
	int r = 0;

	if (!rest)
		return -ENOMEM;
	if (origin)
		r = read_origins(json_is_string(origin) ? json_string_value(origin) : "", why,
				 &origins);
	json_object_del(rest, "origin");
	if (r == 0)
		r = request_rows(rest, sorts, why, ret);
	if (r == 0)
		*ret_origins = origins;
	return r;
}

int feed_check(const char *name, char *why)
{
	size_t len = strlen(name);

	if (!len || len >= REQUEST_FEED || name[0] == '.' || name[0] == '-' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != len)
		return refuse(why, REQUEST_WHY,
			      "feed: a name of a to z, 0 to 9, -, _ and ., at most %d bytes",
			      REQUEST_FEED - 1);
	return 0;
}

int request_flush(const json_t *request, char *why, struct request_flush *ret)
{
	const char *verb, *origin = NULL, *feed = NULL;
	struct request_flush flush = { .origins = 1U << SEINE_OPERATOR };
	int dry_run = 0, r;

	r = request_unpack(request, why, "{s:s, s?s, s?s, s?b}", "verb", &verb, "origin", &origin,
			   "feed", &feed, "dry_run", &dry_run);
	if (r == 0 && origin)
		r = read_origins(origin, why, &flush.origins);
	if (r == 0 && feed)
		r = feed_check(feed, why);
	if (r < 0)
		return r;
	/* A feed alone says what is meant; with another origin two things would be. */
	if (feed && !origin)
		flush.origins = 1U << SEINE_FEED;
	if (feed && flush.origins != 1U << SEINE_FEED)
		return refuse(why, REQUEST_WHY, "feed: with origin feed");
	flush.feed = feed;
	flush.dry_run = dry_run;
	*ret = flush;
	return 0;
}

static int read_format(const char *name, bool automatic, char *why, enum list_format *ret)
{
	enum list_format format;

	if (list_format_parse(name, &format) < 0 || (!automatic && format == LIST_AUTO))
		return refuse(why, REQUEST_WHY, "format: %splain, csv, ndjson, firehol or spamhaus",
			      automatic ? "auto, " : "");
	*ret = format;
	return 0;
}

/* What a file is called in messages. */
static int check_name(const char *name, char *why)
{
	if (!*name || strlen(name) >= REQUEST_NAME)
		return refuse(why, REQUEST_WHY, "name: 1 to %d bytes", REQUEST_NAME - 1);
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return refuse(why, REQUEST_WHY,
				      "name: control characters are not accepted");
	return 0;
}

/* The terms of a list are those of an entry whose prefix does not matter. */
static int read_terms(struct wish *w, const struct wish_terms *base, char *why,
		      struct wish_terms *ret)
{
	struct entry e;
	int r;

	w->prefix = "192.0.2.0";
	if (w->hello && !*w->hello)
		return refuse(why, REQUEST_WHY, "hello: empty");
	r = wish_entry(w, base, why, &e);
	if (r < 0)
		return r;
	*ret = *base;
	ret->row = e.row;
	return 0;
}

int request_replace(const json_t *request, uint32_t now_sec, int64_t unix_sec, char *why,
		    struct request_list *ret)
{
	const char *verb, *format, *name;
	struct wish_terms base = operators_terms(now_sec);
	struct request_list list = { 0 };
	struct wish w = WISH_NOTHING;
	int dry_run = 0, r;

	base.epoch = unix_sec - now_sec;
	r = request_unpack(request, why,
			   "{s:s, s:s, s:s, s?I, s?b, s?s, s?I, s?I, s?I, s?s, s?s, s?b}", "verb",
			   &verb, "format", &format, "name", &name, "ttl_sec", &w.ttl_sec,
			   "permanent", &w.permanent, "action", &w.action, "share", &w.share,
			   "rate_pps", &w.rate_pps, "burst", &w.burst, "hello", &w.hello, "note",
			   &w.note, "dry_run", &dry_run);
	if (r == 0)
		r = read_format(format, true, why, &list.format);
	if (r == 0)
		r = check_name(name, why);
	if (r == 0)
		r = read_terms(&w, &base, why, &list.terms);
	if (r < 0)
		return r;
	list.name = name;
	list.dry_run = dry_run;
	*ret = list;
	return 0;
}

int request_import(const json_t *request, uint32_t now_sec, int64_t unix_sec, char *why,
		   struct request_list *ret)
{
	const char *verb, *format, *name, *feed;
	struct wish_terms base = operators_terms(now_sec);
	struct request_list list = { 0 };
	struct wish w = WISH_NOTHING;
	int force = 0, dry_run = 0, r;

	base.row.origin = SEINE_FEED;
	base.row.action = SEINE_WATCH;
	base.row.expires_sec = 0; /* each line says so, or the request does */
	base.epoch = unix_sec - now_sec;
	r = request_unpack(request, why, "{s:s, s:s, s:s, s:s, s?I, s?s, s?I, s?I, s?I, s?b, s?b}",
			   "verb", &verb, "feed", &feed, "format", &format, "name", &name,
			   "ttl_sec", &w.ttl_sec, "action", &w.action, "share", &w.share,
			   "rate_pps", &w.rate_pps, "burst", &w.burst, "force", &force, "dry_run",
			   &dry_run);
	if (r == 0)
		r = feed_check(feed, why);
	if (r == 0)
		r = read_format(format, true, why, &list.format);
	if (r == 0)
		r = check_name(name, why);
	if (r == 0)
		r = read_terms(&w, &base, why, &list.terms);
	if (r < 0)
		return r;
	list.terms.must_end = true;
	list.terms.skip_wide = true; /* 224.0.0.0/3 is on lists that are otherwise of use */
	list.feed = feed;
	list.name = name;
	list.force = force;
	list.dry_run = dry_run;
	*ret = list;
	return 0;
}

int request_export(const json_t *request, char *why, enum list_format *ret_format,
		   unsigned int *ret_origins)
{
	const char *verb, *name, *origin = "all";
	enum list_format format = LIST_PLAIN;
	unsigned int origins = 0;
	int r;

	r = request_unpack(request, why, "{s:s, s:s, s?s}", "verb", &verb, "format", &name,
			   "origin", &origin);
	if (r == 0)
		r = read_format(name, false, why, &format);
	if (r == 0)
		r = read_origins(origin, why, &origins);
	if (r < 0)
		return r;
	*ret_format = format;
	*ret_origins = origins;
	return 0;
}
