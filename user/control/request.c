/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strict reading of requests. jansson's JSON_STRICT makes each function name every member it knows
 * and refuse the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/refuse.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/control/seedfile.h"

static const char *const action_names[] = {
	[SEINE_WATCH] = "watch",
	[SEINE_CANARY] = "canary",
	[SEINE_DROP] = "drop",
	[SEINE_LIMIT] = "limit",
};
static const char *const mode_names[] = {
	[SEINE_OBSERVE] = "observe",
	[SEINE_ENFORCE] = "enforce",
};
static const char *const origin_names[] = {
	[SEINE_EXTERNAL] = "external", [SEINE_OPERATOR] = "operator", [SEINE_AUTO] = "auto",
	[SEINE_FEED] = "feed",	       [SEINE_FLEET] = "fleet",
};
static const char *const gap_names[] = {
	[SEINE_GAP_UNKNOWN] = "unknown",
	[SEINE_GAP_NONE] = "none",
	[SEINE_GAP_SINGLE] = "single",
	[SEINE_GAP_DUAL] = "dual",
};

#define ABSENT INT64_MIN /* an optional number that was not given */

/* Numbers from a map may be anything. */
#define NAME(names, i) ((unsigned int)(i) < ARRAY_LEN(names) ? (names)[i] : "unknown")

const char *action_name(enum seine_action action)
{
	return NAME(action_names, action);
}

const char *mode_name(enum seine_mode mode)
{
	return NAME(mode_names, mode);
}

const char *origin_name(enum seine_origin origin)
{
	return NAME(origin_names, origin);
}

const char *gap_name(enum seine_gap gap)
{
	return NAME(gap_names, gap);
}

static int name_find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -ENOENT;
}

int action_parse(const char *name, enum seine_action *ret)
{
	int i = name_find(action_names, ARRAY_LEN(action_names), name);

	if (i < 0)
		return i;
	*ret = i;
	return 0;
}

static int hex_parse(const char *text, size_t digits_min, size_t digits_max, uint64_t *ret)
{
	size_t len = strlen(text);

	if (len < digits_min || len > digits_max || strspn(text, "0123456789abcdefABCDEF") != len)
		return -ENOENT;
	*ret = strtoull(text, NULL, 16);
	return *ret ? 0 : -ENOENT;
}

int campaign_parse(const char *text, uint32_t *ret)
{
	uint64_t id;
	int r;

	r = hex_parse(strncmp(text, "c-", 2) == 0 ? text + 2 : text, 1, 8, &id);
	if (r < 0)
		return r;
	*ret = id;
	return 0;
}

int hello_parse(const char *text, uint64_t *ret)
{
	uint64_t key;
	int r;

	r = hex_parse(text, 16, 16, &key);
	if (r < 0)
		return r;
	*ret = key;
	return 0;
}

int request_parse(const char *line, size_t len, char *why, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *request = NULL;
	json_error_t error;

	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!request)
		return refuse(why, REQUEST_WHY, "request: column %d: %.150s", error.column,
			      error.text);
	if (!json_is_string(json_object_get(request, "verb")))
		return refuse(why, REQUEST_WHY, "request: not an object with a verb");

	*ret = take_ptr(request);
	return 0;
}

const char *request_verb(const json_t *request)
{
	return json_string_value(json_object_get(request, "verb"));
}

/* json_unpack() over all members of the request besides its verb. */
static int unpack(const json_t *request, char *why, const char *format, ...)
{
	const char *verb = request_verb(request);
	json_error_t error;
	va_list ap;
	int r;

	va_start(ap, format);
	r = json_vunpack_ex((json_t *)request, &error, JSON_STRICT, format, ap);
	va_end(ap);
	return r < 0 ? refuse(why, REQUEST_WHY, "%.40s: %.150s", verb, error.text) : 0;
}

int entry_prefix_parse(const char *text, char *why, struct prefix *ret)
{
	struct prefix p;
	int r;

	r = prefix_parse(text, why, REQUEST_WHY, &p);
	if (r < 0)
		return r;
	if (prefix_too_wide(&p))
		return refuse(why, REQUEST_WHY,
			      "%.50s: too wide: nothing wider than /8 (IPv6: /16) is accepted",
			      text);
	*ret = p;
	return 0;
}

static int read_note(const char *text, char *why, char *ret)
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

/* From a relative time to seconds since boot, where 0 is never. */
static int read_expiry(int permanent, json_int_t ttl_sec, uint32_t now_sec, char *why,
		       uint32_t *ret)
{
	if (permanent && ttl_sec != ABSENT)
		return refuse(why, REQUEST_WHY,
			      "a permanent entry has no time to live: give one of the two");
	if (permanent) {
		*ret = 0;
		return 0;
	}
	if (ttl_sec == ABSENT)
		ttl_sec = REQUEST_TTL_SEC;
	if (ttl_sec < 1 || ttl_sec > REQUEST_TTL_MAX_SEC)
		return refuse(why, REQUEST_WHY, "time to live: 1 s to 366 d, or permanent");
	*ret = now_sec + ttl_sec;
	return 0;
}

bool request_keep_expiry(uint32_t held_expires, uint32_t *expires_sec)
{
	if (!*expires_sec || (held_expires && held_expires <= *expires_sec))
		return false;
	*expires_sec = held_expires;
	return true;
}

int request_nothing(const json_t *request, char *why)
{
	return unpack(request, why, "{s:s}", "verb", &(const char *){ NULL });
}

int request_address(const json_t *request, char *why, struct prefix *ret)
{
	const char *verb, *text;
	int r;

	r = unpack(request, why, "{s:s, s:s}", "verb", &verb, "address", &text);
	if (r < 0)
		return r;
	return prefix_parse_address(text, why, REQUEST_WHY, ret);
}

int request_prefix(const json_t *request, char *why, struct prefix *ret)
{
	const char *verb, *text;
	int r;

	r = unpack(request, why, "{s:s, s:s}", "verb", &verb, "prefix", &text);
	if (r < 0)
		return r;
	return prefix_parse(text, why, REQUEST_WHY, ret);
}

static int read_limit(json_int_t limit, char *why, uint32_t *ret)
{
	if (limit < 1 || limit > REQUEST_LIMIT_MAX)
		return refuse(why, REQUEST_WHY, "limit: 1 to %d rows", REQUEST_LIMIT_MAX);
	*ret = limit;
	return 0;
}

static int read_sort(const char *name, const char *const *sorts, char *why, unsigned int *ret)
{
	size_t used = snprintf(why, REQUEST_WHY, "sort: one of");

	for (unsigned int i = 0; sorts[i]; i++) {
		if (strcmp(sorts[i], name) == 0) {
			*ret = i;
			return 0;
		}
		used += snprintf(why + used, REQUEST_WHY - used, " %s", sorts[i]);
	}
	return -EINVAL;
}

int request_rows(const json_t *request, const char *const *sorts, char *why,
		 struct request_rows *ret)
{
	const char *verb, *sort = NULL, *within = NULL;
	json_int_t limit = REQUEST_LIMIT;
	struct request_rows rows = { 0 };
	int r;

	r = unpack(request, why, "{s:s, s?I, s?s, s?s}", "verb", &verb, "limit", &limit, "sort",
		   &sort, "within", &within);
	if (r < 0)
		return r;
	r = read_limit(limit, why, &rows.limit);
	if (r < 0)
		return r;
	if (sort) {
		r = read_sort(sort, sorts, why, &rows.sort);
		if (r < 0)
			return r;
	}
	if (within) {
		r = prefix_parse(within, why, REQUEST_WHY, &rows.within);
		if (r < 0)
			return r;
	}

	*ret = rows;
	return 0;
}

int request_campaign(const json_t *request, char *why, uint32_t *ret_id, uint32_t *ret_limit)
{
	json_int_t limit = REQUEST_LIMIT;
	const char *verb, *text;
	uint32_t id, rows = 0;
	int r;

	r = unpack(request, why, "{s:s, s:s, s?I}", "verb", &verb, "id", &text, "limit", &limit);
	if (r < 0)
		return r;
	r = read_limit(limit, why, &rows);
	if (r < 0)
		return r;
	if (campaign_parse(text, &id) < 0)
		return refuse(why, REQUEST_WHY, "%.40s: not the id of a campaign, such as c-1f3a",
			      text);

	*ret_id = id;
	*ret_limit = rows;
	return 0;
}

static int read_seeds(const json_t *lines, char *why, struct seeds *ret)
{
	json_t *line;
	size_t i;

	json_array_foreach((json_t *)lines, i, line) {
		char text[PREFIX_TEXT + SEED_NOTE];
		const char *value = json_string_value(line);
		int r;

		if (!value || strlen(value) >= sizeof(text))
			return refuse(why, REQUEST_WHY, "seed %zu: not an address and a note",
				      i + 1);
		snprintf(text, sizeof(text), "%s", value);
		r = seed_parse(text, why, REQUEST_WHY, &ret->list[ret->n]);
		if (r < 0)
			return r;
		ret->n += (size_t)r;
	}
	return 0;
}

int request_seeds(const json_t *request, char *why, uint32_t *ret_ttl_sec, struct seeds *ret)
{
	_cleanup_(freep) struct seed *list = NULL;
	json_int_t ttl = REQUEST_SEED_TTL_SEC;
	struct seeds seeds = { 0 };
	const char *verb;
	json_t *lines;
	int r;

	r = unpack(request, why, "{s:s, s?I, s:o}", "verb", &verb, "ttl_sec", &ttl, "seeds",
		   &lines);
	if (r < 0)
		return r;
	if (ttl < 1 || ttl > REQUEST_TTL_MAX_SEC)
		return refuse(why, REQUEST_WHY, "ttl: 1 to %d s", REQUEST_TTL_MAX_SEC);
	if (!json_array_size(lines) || json_array_size(lines) > SEEDS_MAX)
		return refuse(why, REQUEST_WHY, "seeds: 1 to %d addresses", SEEDS_MAX);
	list = calloc(json_array_size(lines), sizeof(*list));
	if (!list)
		return -ENOMEM;
	seeds.list = list;
	r = read_seeds(lines, why, &seeds);
	if (r < 0)
		return r;

	seeds.list = take_ptr(list);
	*ret_ttl_sec = (uint32_t)ttl;
	*ret = seeds;
	return 0;
}

int request_hello(const json_t *request, char *why, const char **ret_id, const char **ret_name)
{
	const char *verb, *id, *name = "";
	int r;

	r = ret_name ? unpack(request, why, "{s:s, s:s, s:s}", "verb", &verb, "id", &id, "name",
			      &name)
		     : unpack(request, why, "{s:s, s:s}", "verb", &verb, "id", &id);
	if (r < 0)
		return r;
	*ret_id = id;
	if (ret_name)
		*ret_name = name;
	return 0;
}

int request_mode(const json_t *request, char *why, enum seine_mode *ret)
{
	const char *verb, *name;
	int r;

	r = unpack(request, why, "{s:s, s:s}", "verb", &verb, "mode", &name);
	if (r < 0)
		return r;
	r = name_find(mode_names, ARRAY_LEN(mode_names), name);
	if (r < 0)
		return refuse(why, REQUEST_WHY, "mode: observe or enforce");

	*ret = r;
	return 0;
}

/* What an action needs, and nothing that it would ignore. */
static int check_action(enum seine_action action, json_int_t share, json_int_t rate,
			json_int_t burst, char *why)
{
	if (share == ABSENT ? action == SEINE_CANARY : share < 1 || share > SEINE_SHARE)
		return refuse(why, REQUEST_WHY, "share: more than 0 %% and at most 100 %%");
	if (share != ABSENT && action != SEINE_CANARY && action != SEINE_DROP)
		return refuse(why, REQUEST_WHY, "share: with action canary or drop");
	if (action == SEINE_LIMIT ? rate < 1 || rate > UINT32_MAX : rate != ABSENT)
		return refuse(why, REQUEST_WHY,
			      "rate: 1 or more packets per second, with action limit");
	if (burst != ABSENT && (action != SEINE_LIMIT || burst < 1 || burst > REQUEST_BURST_MAX))
		return refuse(why, REQUEST_WHY, "burst: 1 to %d packets, with action limit",
			      REQUEST_BURST_MAX);
	return 0;
}

static int read_action(const char *name, json_int_t share, json_int_t rate, json_int_t burst,
		       char *why, struct seine_entry *ret)
{
	enum seine_action action;
	int r;

	if (action_parse(name, &action) < 0)
		return refuse(why, REQUEST_WHY, "action: watch, canary, drop or limit");
	r = check_action(action, share, rate, burst, why);
	if (r < 0)
		return r;

	ret->action = action;
	if (share != ABSENT)
		ret->share = share;
	if (action == SEINE_LIMIT) {
		ret->rate_pps = rate;
		ret->burst = burst != ABSENT ? burst : 1;
	}
	return 0;
}

int request_drop(const json_t *request, uint32_t now_sec, char *why, struct entry *ret)
{
	const char *verb, *prefix, *action = "drop", *hello = NULL, *note = "";
	json_int_t ttl = ABSENT, share = ABSENT, rate = ABSENT, burst = ABSENT;
	struct entry e = { .row = { .origin = SEINE_OPERATOR, .added_sec = now_sec } };
	int permanent = 0, r;

	r = unpack(request, why, "{s:s, s:s, s?I, s?b, s?s, s?I, s?I, s?I, s?s, s?s}", "verb",
		   &verb, "prefix", &prefix, "ttl_sec", &ttl, "permanent", &permanent, "action",
		   &action, "share", &share, "rate_pps", &rate, "burst", &burst, "hello", &hello,
		   "note", &note);
	if (r < 0)
		return r;
	r = entry_prefix_parse(prefix, why, &e.prefix);
	if (r < 0)
		return r;
	r = read_expiry(permanent, ttl, now_sec, why, &e.row.expires_sec);
	if (r < 0)
		return r;
	r = read_action(action, share, rate, burst, why, &e.row);
	if (r < 0)
		return r;
	r = read_note(note, why, e.row.note);
	if (r < 0)
		return r;
	if (hello && hello_parse(hello, (uint64_t *)&e.row.hello_key) < 0)
		return refuse(why, REQUEST_WHY,
			      "hello: a key of 16 hexadecimal digits, as `seine src` shows it");

	*ret = e;
	return 0;
}

int request_allow(const json_t *request, uint32_t now_sec, char *why, struct allow_entry *ret)
{
	struct allow_entry a = { .row = { .origin = SEINE_OPERATOR, .added_sec = now_sec } };
	const char *verb, *prefix, *note = "";
	int permanent = 0, r;
	json_int_t ttl = ABSENT;

	r = unpack(request, why, "{s:s, s:s, s?I, s?b, s?s}", "verb", &verb, "prefix", &prefix,
		   "ttl_sec", &ttl, "permanent", &permanent, "note", &note);
	if (r < 0)
		return r;
	r = entry_prefix_parse(prefix, why, &a.prefix);
	if (r < 0)
		return r;
	r = read_expiry(permanent || ttl == ABSENT, ttl, now_sec, why, &a.row.expires_sec);
	if (r < 0)
		return r;
	r = read_note(note, why, a.row.note);
	if (r < 0)
		return r;

	*ret = a;
	return 0;
}
