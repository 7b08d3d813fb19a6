/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what was said to an entry. See wish.h. */
#include "user/control/wish.h"

#include <errno.h>
#include <string.h>
#include "user/base/refuse.h"
#include "user/control/request.h"

/* -ERANGE, with a sentence too: it is too wide. */
static int read_prefix(const char *text, char *why, struct prefix *ret)
{
	struct prefix p;
	int r;

	if (!*text)
		return refuse(why, REQUEST_WHY, "prefix: empty");
	r = prefix_parse(text, why, REQUEST_WHY, &p);
	if (r < 0)
		return r;
	if (prefix_too_wide(&p)) {
		(void)refuse(why, REQUEST_WHY,
			     "%.50s: too wide: nothing wider than /8 (IPv6: /16) is accepted",
			     text);
		return -ERANGE;
	}
	*ret = p;
	return 0;
}

int entry_prefix_parse(const char *text, char *why, struct prefix *ret)
{
	return read_prefix(text, why, ret) < 0 ? -EINVAL : 0;
}

int wish_note(const char *text, char *why, char *ret)
{
	if (strlen(text) >= SEINE_NOTE)
		return refuse(why, REQUEST_WHY, "note: longer than %d bytes", SEINE_NOTE - 1);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return refuse(why, REQUEST_WHY,
				      "note: control characters are not accepted");
	memset(ret, 0, SEINE_NOTE);
	memcpy(ret, text, strlen(text));
	return 0;
}

int wish_end(int permanent, json_int_t ttl_sec, uint32_t now_sec, char *why, uint32_t *ret)
{
	if (permanent && ttl_sec != WISH_UNSAID)
		return refuse(why, REQUEST_WHY,
			      "a permanent entry has no time to live: give one of the two");
	if (permanent) {
		*ret = 0;
		return 0;
	}
	if (ttl_sec < 1 || ttl_sec > REQUEST_TTL_MAX_SEC)
		return refuse(why, REQUEST_WHY, "time to live: 1 s to 366 d, or permanent");
	*ret = now_sec + ttl_sec;
	return 0;
}

static int read_moment(json_int_t expires, const struct wish_terms *t, char *why, uint32_t *ret)
{
	int64_t now = t->epoch + t->now_sec;

	if (expires < 0 || expires > now + REQUEST_TTL_MAX_SEC)
		return refuse(why, REQUEST_WHY,
			      "expires: seconds since 1970, at most 366 d from now");
	if (expires <= now) {
		(void)refuse(why, REQUEST_WHY, "expires: has passed");
		return -ETIME;
	}
	*ret = (uint32_t)(expires - t->epoch);
	return 0;
}

static int read_end(const struct wish *w, const struct wish_terms *t, char *why, uint32_t *ret)
{
	bool moment = w->expires != WISH_UNSAID;
	int r = 0;

	if (moment && (w->permanent || w->ttl_sec != WISH_UNSAID))
		return refuse(why, REQUEST_WHY,
			      "one of expires, time to live and permanent is enough");
	if (moment)
		r = read_moment(w->expires, t, why, ret);
	else if (w->permanent || w->ttl_sec != WISH_UNSAID)
		r = wish_end(w->permanent, w->ttl_sec, t->now_sec, why, ret);
	if (r == 0 && t->must_end && !*ret)
		return refuse(why, REQUEST_WHY,
			      "no time to live: give --ttl; what a list brings must end");
	return r;
}

/* What an action needs, and nothing that it would ignore. */
static int check_action(enum seine_action action, json_int_t share, json_int_t rate,
			json_int_t burst, char *why)
{
	if (share == WISH_UNSAID ? action == SEINE_CANARY : share < 1 || share > SEINE_SHARE)
		return refuse(why, REQUEST_WHY, "share: more than 0 %% and at most 100 %%");
	if (share != WISH_UNSAID && action != SEINE_CANARY && action != SEINE_DROP)
		return refuse(why, REQUEST_WHY, "share: with action canary or drop");
	if (action == SEINE_LIMIT ? rate < 1 || rate > UINT32_MAX : rate != WISH_UNSAID)
		return refuse(why, REQUEST_WHY,
			      "rate: 1 or more packets per second, with action limit");
	if (burst != WISH_UNSAID &&
	    (action != SEINE_LIMIT || burst < 1 || burst > REQUEST_BURST_MAX))
		return refuse(why, REQUEST_WHY, "burst: 1 to %d packets, with action limit",
			      REQUEST_BURST_MAX);
	return 0;
}

/* A number of an action: what was said, else what the terms have for the same action. */
static json_int_t number_of(const struct wish *w, json_int_t said, bool same, uint32_t held)
{
	if (said == WISH_UNSAID)
		return same && held ? held : WISH_UNSAID;
	return said == 0 && w->zeros ? WISH_UNSAID : said;
}

static int read_action(const struct wish *w, const struct wish_terms *t, char *why,
		       struct seine_entry *row)
{
	enum seine_action action = t->row.action;
	json_int_t share, rate, burst;
	bool same;
	int r;

	if (w->action && action_parse(w->action, &action) < 0)
		return refuse(why, REQUEST_WHY, "action: watch, canary, drop or limit");
	same = action == t->row.action;
	share = number_of(w, w->share, same, t->row.share);
	rate = number_of(w, w->rate_pps, same, t->row.rate_pps);
	burst = number_of(w, w->burst, same, t->row.burst);
	r = check_action(action, share, rate, burst, why);
	if (r < 0)
		return r;

	row->action = action;
	row->share = share != WISH_UNSAID ? share : 0;
	row->rate_pps = action == SEINE_LIMIT ? rate : 0;
	row->burst = action != SEINE_LIMIT ? 0 : burst != WISH_UNSAID ? burst : 1;
	return 0;
}

static int read_hello(const char *hello, char *why, struct seine_entry *row)
{
	uint64_t key = 0;

	if (*hello && hello_parse(hello, &key) < 0)
		return refuse(why, REQUEST_WHY,
			      "hello: a key of 16 hexadecimal digits, as `seine src` shows it");
	row->hello_key = key;
	return 0;
}

int wish_entry(const struct wish *w, const struct wish_terms *t, char *why, struct entry *ret)
{
	struct entry e = { .row = t->row };
	int r, end;

	r = read_prefix(w->prefix, why, &e.prefix);
	if (r < 0)
		return t->skip_wide ? r : -EINVAL;
	end = read_end(w, t, why, &e.row.expires_sec);
	if (end < 0 && end != -ETIME)
		return end;
	r = read_action(w, t, why, &e.row);
	if (r == 0 && w->note)
		r = wish_note(w->note, why, e.row.note);
	if (r == 0 && w->hello)
		r = read_hello(w->hello, why, &e.row);
	if (r < 0)
		return r;
	if (end < 0)
		return end;

	*ret = e;
	return 0;
}
