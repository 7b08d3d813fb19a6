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
#include "user/control/request_read.h"
#include "user/control/seedfile.h"

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

int request_unpack(const json_t *request, char *why, const char *format, ...)
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

int request_nothing(const json_t *request, char *why)
{
	return request_unpack(request, why, "{s:s}", "verb", &(const char *){ NULL });
}

int request_address(const json_t *request, char *why, struct prefix *ret)
{
	const char *verb, *text;
	int r;

	r = request_unpack(request, why, "{s:s, s:s}", "verb", &verb, "address", &text);
	if (r < 0)
		return r;
	return prefix_parse_address(text, why, REQUEST_WHY, ret);
}

int request_prefix(const json_t *request, char *why, struct prefix *ret)
{
	const char *verb, *text;
	int r;

	r = request_unpack(request, why, "{s:s, s:s}", "verb", &verb, "prefix", &text);
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

	r = request_unpack(request, why, "{s:s, s?I, s?s, s?s}", "verb", &verb, "limit", &limit,
			   "sort", &sort, "within", &within);
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

static int read_campaign(const char *text, char *why, uint32_t *ret)
{
	if (campaign_parse(text, ret) < 0)
		return refuse(why, REQUEST_WHY, "%.40s: not the id of a campaign, such as c-1f3a",
			      text);
	return 0;
}

int request_campaign(const json_t *request, char *why, uint32_t *ret_id, uint32_t *ret_limit)
{
	json_int_t limit = REQUEST_LIMIT;
	const char *verb, *text;
	uint32_t id, rows = 0;
	int r;

	r = request_unpack(request, why, "{s:s, s:s, s?I}", "verb", &verb, "id", &text, "limit",
			   &limit);
	if (r < 0)
		return r;
	r = read_limit(limit, why, &rows);
	if (r < 0)
		return r;
	r = read_campaign(text, why, &id);
	if (r < 0)
		return r;

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

	r = request_unpack(request, why, "{s:s, s?I, s:o}", "verb", &verb, "ttl_sec", &ttl, "seeds",
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

	r = ret_name ? request_unpack(request, why, "{s:s, s:s, s:s}", "verb", &verb, "id", &id,
				      "name", &name)
		     : request_unpack(request, why, "{s:s, s:s}", "verb", &verb, "id", &id);
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

	r = request_unpack(request, why, "{s:s, s:s}", "verb", &verb, "mode", &name);
	if (r < 0)
		return r;
	return mode_parse(name, ret) < 0 ? refuse(why, REQUEST_WHY, "mode: observe or enforce") : 0;
}

int request_within(const json_t *request, char *why, struct prefix *ret)
{
	const char *verb, *within = NULL;
	struct prefix p = { 0 };
	int r;

	r = request_unpack(request, why, "{s:s, s?s}", "verb", &verb, "within", &within);
	if (r == 0 && within)
		r = prefix_parse(within, why, REQUEST_WHY, &p);
	if (r < 0)
		return r;
	*ret = p;
	return 0;
}

int request_order(const json_t *request, char *why, uint32_t *ret_id, char ret_note[SEINE_NOTE])
{
	const char *verb, *text, *note = "";
	uint32_t id;
	int r;

	r = request_unpack(request, why, "{s:s, s:s, s?s}", "verb", &verb, "id", &text, "note",
			   &note);
	if (r < 0)
		return r;
	r = read_campaign(text, why, &id);
	if (r == 0)
		r = wish_note(note, why, ret_note);
	if (r < 0)
		return r;
	*ret_id = id;
	return 0;
}

int request_log_rows(const json_t *request, char *why, struct request_log *ret)
{
	const char *verb, *within = NULL, *id = NULL;
	json_int_t limit = REQUEST_LIMIT;
	struct request_log log = { 0 };
	int r;

	r = request_unpack(request, why, "{s:s, s?I, s?s, s?s}", "verb", &verb, "limit", &limit,
			   "within", &within, "id", &id);
	if (r == 0)
		r = read_limit(limit, why, &log.limit);
	if (r == 0 && within)
		r = prefix_parse(within, why, REQUEST_WHY, &log.within);
	if (r == 0 && id)
		r = read_campaign(id, why, &log.campaign);
	if (r == 0 && within && id)
		r = refuse(why, REQUEST_WHY, "log: of a prefix or of a campaign");
	if (r == 0)
		*ret = log;
	return r;
}

int request_trial(const json_t *request, char *why, uint32_t *ret_within_sec)
{
	json_int_t within_sec;
	const char *verb;
	int r;

	r = request_unpack(request, why, "{s:s, s:I}", "verb", &verb, "within_sec", &within_sec);
	if (r < 0)
		return r;
	if (within_sec < REQUEST_TRIAL_MIN_SEC || within_sec > REQUEST_TRIAL_MAX_SEC)
		return refuse(why, REQUEST_WHY, "confirm within: %d s to %d h",
			      REQUEST_TRIAL_MIN_SEC, REQUEST_TRIAL_MAX_SEC / 3600);
	*ret_within_sec = (uint32_t)within_sec;
	return 0;
}
