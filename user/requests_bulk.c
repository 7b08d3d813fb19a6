/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole lists: `drop flush`, `drop replace`, `drop import`, `drop export`.
 *
 * What comes in is read whole and checked line by line before anything changes. A replacement is
 * all or nothing. A feed is somebody else's word: what a guard forbids is left out of it, its first
 * copy only watches, and a copy that is empty or of quite another size is not taken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/bulk.h"
#include "user/control/listfile.h"
#include "user/control/request.h"
#include "user/feeds.h"
#include "user/ledger.h"
#include "user/requests.h"
#include "user/trial.h"

#define DIFF_SHOWN 20
#define SURFACED_SHOWN 5

/* --- What changes ----------------------------------------------------------------------------- */

struct change {
	struct agent *agent;
	const struct moment *moment;
	struct entries_diff diff;
	size_t kept;
	json_t *shown;
};

static void change_clear(struct change *c)
{
	json_decref(c->shown);
}

/* A later end alone is no change to look at. */
static bool means_the_same(const struct entry *was, const struct entry *is)
{
	struct entry later = *was;

	later.row.added_sec = is->row.added_sec;
	later.row.expires_sec = is->row.expires_sec;
	later.row.actor = is->row.actor;
	return entry_same(&later, is);
}

static void show_change(const struct entry *was, const struct entry *is, void *arg)
{
	struct change *c = arg;
	const char *name = !was ? "added" : !is ? "removed" : "changed";

	if (was && is && means_the_same(was, is)) {
		c->kept++;
		return;
	}
	c->diff.added += !was;
	c->diff.removed += !is;
	c->diff.changed += was && is;
	if (json_array_size(c->shown) == DIFF_SHOWN)
		return;
	json_array_append_new(c->shown,
			      json_pack("{s:s, s:o, s:o}", "change", name, "entry",
					json_entry(c->agent, is ? is : was, c->moment), "was",
					was && is ? json_entry(c->agent, was, c->moment)
						  : json_null()));
}

/* Of claims that belong to one owner: each prefix stands there once. */
static void compare(struct change *c, const struct claims *before, const struct claims *after)
{
	const struct entries was = { .list = before->list, .n = before->n };
	const struct entries is = { .list = after->list, .n = after->n };
	size_t same = before->n;

	(void)entries_each_change(&was, &is, show_change, c);
	same -= c->diff.removed + c->diff.changed + c->kept;
	c->kept += same;
}

/* --- Taking and putting all claims of one owner ------------------------------------------------ */

struct owner {
	unsigned int origins; /* 1 << enum seine_origin */
	bool one_actor;
	uint32_t actor;
};

static bool is_owned(const struct entry *e, const void *arg)
{
	const struct owner *o = arg;

	return o->origins >> e->row.origin & 1 && (!o->one_actor || e->row.actor == o->actor);
}

static bool is_not_owned(const struct entry *e, const void *arg)
{
	return !is_owned(e, arg);
}

static int owned(const struct agent *a, const struct owner *o, struct claims **ret)
{
	int r = claims_copy(a->claims, ret);

	if (r == 0)
		claims_remove_if(*ret, is_not_owned, o);
	return r;
}

/* The claims of an owner, put in the place of those held. */
static int put_all(struct agent *a, const struct owner *o, const struct claims *after,
		   struct claims **ret)
{
	_cleanup_(claims_freep) struct claims *next = NULL;
	int r;

	r = ledger_begin(a, &next);
	if (r < 0)
		return r;
	claims_remove_if(next, is_owned, o);
	for (size_t i = 0; i < after->n && r == 0; i++)
		r = claims_append(next, &after->list[i]);
	if (r == 0)
		r = claims_sort(next);
	if (r == 0)
		*ret = take_ptr(next);
	return r;
}

struct bulk_change {
	const char *verb, *object;
	struct owner owner;
	const struct claims *after;
	bool dry_run;
	const char *text; /* for the audit, beside the numbers; may be NULL */
};

static int commit(struct agent *a, const struct bulk_change *b, const struct change *c,
		  const struct moment *m, char *why)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	_cleanup_(claims_freep) struct claims *next = NULL;
	int r;

	auditing_begin(&x, a, m, b->verb);
	auditing_object(&x, b->object);
	auditing_text(&x, "%zu added, %zu removed, %zu changed, %zu kept%s%s", c->diff.added,
		      c->diff.removed, c->diff.changed, c->kept, b->text ? "; " : "",
		      b->text ? b->text : "");
	auditing_after(&x, json_pack("{s:O}", "diff", c->shown));
	r = put_all(a, &b->owner, b->after, &next);
	return r < 0 ? r : ledger_commit(a, &next, &x.audit, why);
}

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

/* The list that would be in force. */
static int preview(struct agent *a, const struct bulk_change *b, char *why, struct entries **ret)
{
	_cleanup_(entries_freep) struct entries *entries = NULL;
	_cleanup_(claims_freep) struct claims *next = NULL;
	size_t uncounted;
	int r;

	r = put_all(a, &b->owner, b->after, &next);
	if (r == 0)
		r = ledger_compose(a, next, &entries, NULL);
	if (r == 0)
		r = datapath_fits(a->datapath, entries, why, &uncounted);
	if (r == 0)
		*ret = take_ptr(entries);
	return r;
}

/* Entries of others that come into force because what was above them goes. */
struct surfacing {
	struct agent *agent;
	const struct moment *moment;
	const struct owner *owner;
	json_t *shown;
	json_int_t n;
};

static void surface(const struct entry *was, const struct entry *is, void *arg)
{
	struct surfacing *s = arg;

	if (!is || is_owned(is, s->owner) || (was && !is_owned(was, s->owner)))
		return;
	if (s->n++ < SURFACED_SHOWN)
		json_array_append_new(s->shown, json_entry(s->agent, is, s->moment));
}

static int put_surfaced(struct agent *a, const struct bulk_change *b, const struct entries *next,
			const struct moment *m, json_t *answer)
{
	struct surfacing s = { .agent = a, .moment = m, .owner = &b->owner };

	s.shown = json_array();
	(void)entries_each_change(a->entries, next, surface, &s);
	json_object_set_new(answer, "surfaces", s.shown);
	json_object_set_new(answer, "surfaces_all", json_integer(s.n));
	return 0;
}

static int change(struct agent *a, const struct bulk_change *b, const struct moment *m, char *why,
		  struct answer *ret)
{
	_cleanup_(claims_freep) struct claims *before = NULL;
	_cleanup_(
		change_clear) struct change c = { .agent = a, .moment = m, .shown = json_array() };
	_cleanup_(json_decrefp) json_t *answer = answer_new("change");
	_cleanup_(entries_freep) struct entries *next = NULL;
	json_t *impact = json_null();
	size_t all;
	int r;

	r = owned(a, &b->owner, &before);
	if (r < 0)
		return r;
	compare(&c, before, b->after);
	all = c.diff.added + c.diff.removed + c.diff.changed;
	r = preview(a, b, why, &next);
	if (r == 0)
		r = put_surfaced(a, b, next, m, answer);
	if (r == 0 && !b->dry_run)
		r = commit(a, b, &c, m, why);
	if (r == 0)
		r = json_impact(a, b->after->list, b->after->n, m, &impact);
	if (r < 0)
		return r;
	ret->head = json_incref(answer);
	json_object_update_new(
		ret->head,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:O, s:I, s:o, s:b, s:s, s:o}", "added",
			  (json_int_t)c.diff.added, "removed", (json_int_t)c.diff.removed,
			  "changed", (json_int_t)c.diff.changed, "kept", (json_int_t)c.kept,
			  "entries", (json_int_t)next->n, "diff", c.shown, "diff_all",
			  (json_int_t)all, "impact", impact, "dry_run", b->dry_run, "mode",
			  mode_name(a->conf.cfg.mode), "trial", json_trial(a, m)));
	return 0;
}

/* --- flush ------------------------------------------------------------------------------------ */

int request_drop_flush(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret)
{
	_cleanup_(claims_freep) struct claims *none = NULL;
	struct bulk_change b = { .verb = "drop flush" };
	struct request_flush flush;
	int r;

	r = request_flush(request, why, &flush);
	if (r < 0)
		return r;
	b.owner.origins = flush.origins;
	b.dry_run = flush.dry_run;
	b.object = flush.feed ? flush.feed
		   : flush.origins == REQUEST_ALL_ORIGINS
			   ? "all"
			   : origin_name(__builtin_ctz(flush.origins));
	if (flush.feed) {
		const struct state_feed *feed = feeds_find(&a->feeds, flush.feed);

		if (!feed)
			return request_fail(-ENOENT, why, "%s: no such feed", flush.feed);
		b.owner.one_actor = true;
		b.owner.actor = feed->number;
	}
	r = claims_new(0, &none);
	if (r < 0)
		return r;
	b.after = none;
	return change(a, &b, m, why, ret);
}

/* --- Files ------------------------------------------------------------------------------------ */

struct file {
	struct listfile list;
	struct listfile_errors errors;
};

static void file_clear(struct file *f)
{
	listfile_clear(&f->list);
}

/* An error with its lines, of which there may be many. */
static int refuse_lines(enum answer_code code, const struct listfile_errors *e, const char *text,
			struct answer *ret)
{
	ret->head = answer_error(code, text);
	json_object_set_new(ret->head, "lines", listfile_lines(e));
	json_object_set_new(ret->head, "lines_all", json_integer((json_int_t)e->all));
	return 0;
}

/* 1: refused, and answered. */
static int read_file(const struct moment *m, const struct request_list *wanted, char *why,
		     struct file *f, struct answer *ret)
{
	struct bulk bytes;
	char reason[BULK_WHY];
	uint64_t seed = 0;
	int r;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	r = bulk_map(m->who->fd, LISTFILE_BYTES, reason, &bytes);
	if (r < 0)
		return request_fail(r, why, "%.*s", REQUEST_WHY - 1, reason);
	r = listfile_read(bytes.bytes, bytes.len, wanted->format, &wanted->terms, seed, &f->errors,
			  &f->list);
	bulk_unmap(&bytes);
	if (r != -EINVAL)
		return r;
	r = refuse_lines(ANSWER_INVALID, &f->errors, "nothing was changed: bad lines", ret);
	return r < 0 ? r : 1;
}

/* What a guard forbids goes out of the list, and is told with its line. */
static void take_out_guarded(struct agent *a, struct file *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->list.n; i++) {
		const struct entry *e = &f->list.list[i];
		char why[REQUEST_WHY];

		if (e->row.action != SEINE_WATCH && agent_guarded(a, &e->prefix, why)) {
			listfile_refuse(&f->list.skipped, f->list.lines[i], "%s", why);
			continue;
		}
		f->list.list[n] = *e;
		f->list.lines[n++] = f->list.lines[i];
	}
	f->list.n = n;
}

/* As claims of one owner, each with the time since when it has been held. */
static int claims_of(const struct agent *a, const struct file *f, uint32_t actor,
		     struct claims **ret)
{
	_cleanup_(claims_freep) struct claims *c = NULL;
	int r = claims_new(f->list.n, &c);

	for (size_t i = 0; i < f->list.n && r == 0; i++) {
		struct entry e = f->list.list[i];
		const struct entry *held;

		e.row.actor = actor;
		held = claims_find(a->claims, &e);
		if (held && held->row.origin == e.row.origin)
			e.row.added_sec = held->row.added_sec;
		r = claims_append(c, &e);
	}
	if (r == 0)
		r = claims_sort(c);
	if (r == 0)
		*ret = take_ptr(c);
	return r;
}

static void put_skipped(const struct file *f, struct answer *ret)
{
	json_object_set_new(ret->head, "skipped", listfile_lines(&f->list.skipped));
	json_object_set_new(ret->head, "skipped_all",
			    json_integer((json_int_t)f->list.skipped.all));
	json_object_set_new(ret->head, "duplicates", json_integer((json_int_t)f->list.duplicates));
	json_object_set_new(ret->head, "expired", json_integer((json_int_t)f->list.expired));
}

int request_drop_replace(struct agent *a, const json_t *request, const struct moment *m, char *why,
			 struct answer *ret)
{
	_cleanup_(claims_freep) struct claims *after = NULL;
	_cleanup_(file_clear) struct file f = { 0 };
	struct bulk_change b = { .verb = "drop replace",
				 .owner = { .origins = 1u << SEINE_OPERATOR } };
	struct request_list wanted;
	int r;

	r = request_replace(request, m->now_sec, m->unix_sec, why, &wanted);
	if (r == 0)
		r = agent_guard(a, m->now_sec);
	if (r == 0)
		r = read_file(m, &wanted, why, &f, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!f.list.n)
		return request_fail(-EPERM, why,
				    "%s: refused: nothing is in it; seine drop flush removes all",
				    wanted.name);
	take_out_guarded(a, &f);
	if (f.list.skipped.all)
		return refuse_lines(ANSWER_REFUSED, &f.list.skipped,
				    "nothing was changed: a guard forbids some lines", ret);
	r = claims_of(a, &f, m->who->uid, &after);
	if (r < 0)
		return r;
	b.object = wanted.name;
	b.after = after;
	b.dry_run = wanted.dry_run;
	r = change(a, &b, m, why, ret);
	if (r == 0)
		put_skipped(&f, ret);
	return r;
}

/* --- Feeds ------------------------------------------------------------------------------------ */

#define FEED_SMALL 100 /* lines; below it a size says nothing */

/* Others have dropped half the internet because a feed said so, and nothing because it was empty. */
static int check_size(const struct state_feed *feed, const struct file *f, bool force, char *why)
{
	size_t n = f->list.n + f->list.skipped.all, held = feed->lines;

	if (!f->list.n)
		return request_fail(-EPERM, why,
				    "%s: refused: nothing is left of it; the last copy stays; "
				    "seine drop flush --feed %s takes it away",
				    feed->name, feed->name);
	if (force || !feed->imported_unix || (n < FEED_SMALL && held < FEED_SMALL))
		return 0;
	if (n > held + held / 2 || n < held / 2)
		return request_fail(-EPERM, why,
				    "%s: refused: %zu lines where there were %zu; the last copy "
				    "stays; --force takes it",
				    feed->name, n, held);
	return 0;
}

/* True: its lines would have done more. */
static bool make_watch(struct file *f)
{
	bool did_more = false;

	for (size_t i = 0; i < f->list.n; i++) {
		struct seine_entry *row = &f->list.list[i].row;

		did_more |= row->action != SEINE_WATCH;
		row->action = SEINE_WATCH;
		row->share = row->rate_pps = row->burst = 0;
	}
	return did_more;
}

int request_drop_import(struct agent *a, const json_t *request, const struct moment *m, char *why,
			struct answer *ret)
{
	_cleanup_(claims_freep) struct claims *after = NULL;
	_cleanup_(file_clear) struct file f = { 0 };
	struct bulk_change b = { .verb = "drop import",
				 .owner = { .origins = 1u << SEINE_FEED, .one_actor = true } };
	struct request_list wanted;
	struct state_feed feed;
	bool held_back = false;
	int r;

	r = request_import(request, m->now_sec, m->unix_sec, why, &wanted);
	if (r == 0)
		r = agent_guard(a, m->now_sec);
	if (r == 0)
		r = read_file(m, &wanted, why, &f, ret);
	if (r != 0)
		return r < 0 ? r : 0;
	feed = feeds_get(a, wanted.feed);
	take_out_guarded(a, &f);
	r = check_size(&feed, &f, wanted.force, why);
	if (r < 0)
		return r;
	if (!feed.imported_unix)
		held_back = make_watch(&f);
	/* Its claims must not be of a feed that nobody knows. */
	if (!wanted.dry_run && !feed.imported_unix)
		r = feeds_put(a, &feed, why);
	if (r == 0)
		r = claims_of(a, &f, feed.number, &after);
	if (r < 0)
		return r;
	b.owner.actor = feed.number;
	b.object = wanted.feed;
	b.after = after;
	b.dry_run = wanted.dry_run;
	b.text = held_back ? "the first copy of a feed only watches" : NULL;
	r = change(a, &b, m, why, ret);
	if (r < 0)
		return r;
	feed.watched = !feed.imported_unix;
	feed.imported_unix = m->unix_sec;
	feed.lines = f.list.n + f.list.skipped.all;
	if (!wanted.dry_run)
		r = feeds_put(a, &feed, why);
	if (r < 0)
		return r;
	put_skipped(&f, ret);
	json_object_set_new(ret->head, "feed", json_string(wanted.feed));
	json_object_set_new(ret->head, "watches_first", json_boolean(held_back));
	return 0;
}

/* --- export ----------------------------------------------------------------------------------- */

static const char *actor_name(const struct seine_entry *row, void *arg)
{
	return agent_actor(arg, row);
}

int request_drop_export(struct agent *a, const json_t *request, const struct moment *m, char *why,
			struct answer *ret)
{
	const struct listfile_writing w = {
		.epoch = m->unix_sec - m->now_sec,
		.unix_sec = m->unix_sec,
		.bytes_max = LISTFILE_WRITTEN,
		.actor = actor_name,
		.arg = a,
	};
	_cleanup_(freep) struct entry *list = NULL;
	_cleanup_(fclosep) FILE *f = NULL;
	enum list_format format;
	char reason[BULK_WHY];
	unsigned int origins;
	size_t n = 0, bytes = 0;
	int r;

	r = request_export(request, why, &format, &origins);
	if (r < 0)
		return r;
	if (m->who->fd < 0)
		return request_fail(-EACCES, why,
				    "export: needs memory to write to, which only "
				    "members of " CONTROL_GROUP_CHANGE " may pass");
	r = bulk_open(m->who->fd, reason, &f);
	if (r < 0)
		return request_fail(r, why, "%.*s", REQUEST_WHY - 1, reason);
	list = calloc(a->entries->n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < a->entries->n; i++)
		if (origins >> a->entries->list[i].row.origin & 1)
			list[n++] = a->entries->list[i];
	r = listfile_write(f, format, list, n, &w, &bytes);
	if (r < 0)
		return request_fail(r, why, "export: %s", strerror(-r));
	ret->head = answer_new("export");
	json_object_set_new(ret->head, "entries", json_integer((json_int_t)n));
	json_object_set_new(ret->head, "bytes", json_integer((json_int_t)bytes));
	return 0;
}
