/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `campaign seed`, `seeds`, `unseed`: addresses that an operator knows to be bad. They are written
 * to history first, then held in the mind, whose next round uses them.
 */
#include <errno.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/requests.h"

_Static_assert(REQUEST_WHY >= HISTORY_WHY, "history writes into our `why`");

static void seeds_clear(struct seeds *s)
{
	free(s->list);
}

/* Has anything been seen of it, as far as observations go back? */
static bool is_seen(const struct agent *a, const uint8_t source[16], const struct moment *m,
		    struct features *ret)
{
	return observations_find(a->mind->observations, source, WINDOW_SEASON, m->now_sec, ret) ==
	       0;
}

/* --- Adding ----------------------------------------------------------------------------------- */

/* As sources are: IPv6 masked; each once. */
static void prepare(const struct agent *a, const struct moment *m, uint32_t ttl_sec,
		    struct seeds *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct seed *seed = &s->list[i];
		struct prefix address = prefix_of(seed->source, 128);
		struct prefix source = request_source_of(a, &address);

		memcpy(seed->source, source.ip, sizeof(seed->source));
		seed->added_sec = m->unix_sec;
		seed->expires_sec = m->unix_sec + ttl_sec;
	}
	seeds_settle(s, m->unix_sec);
}

static size_t new_ones(const struct agent *a, const struct seeds *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += !seeds_hold(&a->mind->seeds, s->list[i].source);
	return n;
}

static json_t *count(const struct agent *a, const struct moment *m, const struct seeds *s)
{
	json_int_t seen = 0, members = 0;
	struct features f;

	for (size_t i = 0; i < s->n; i++) {
		const uint8_t *source = s->list[i].source;

		seen += is_seen(a, source, m, &f);
		members += request_campaign_of(a, source) != NULL;
	}
	return json_pack("{s:I, s:I, s:I, s:I}", "given", (json_int_t)s->n, "new",
			 (json_int_t)new_ones(a, s), "seen", seen, "members", members);
}

/* On the disk before it counts, so that nothing is believed that a restart would forget. */
static int take_in(struct agent *a, const struct moment *m, const struct seeds *s, char *why)
{
	size_t more = new_ones(a, s);
	int r = 0;

	if (a->mind->seeds.n + more > SEEDS_MAX)
		return request_fail(-EINVAL, why,
				    "seeds: %zu more would be more than %d; `seine campaign "
				    "unseed` forgets the %zu there are",
				    more, SEEDS_MAX, a->mind->seeds.n);
	if (a->history)
		r = history_add_seeds(a->history, s, why);
	if (r == 0)
		r = mind_add_seeds(a->mind, s, m->unix_sec);
	return r;
}

int request_campaign_seed(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret)
{
	_cleanup_(seeds_clear) struct seeds more = { 0 };
	_cleanup_(json_decrefp) json_t *counted = NULL;
	uint32_t ttl_sec;
	int r;

	r = request_seeds(request, why, &ttl_sec, &more);
	if (r < 0)
		return r;
	prepare(a, m, ttl_sec, &more);
	counted = count(a, m, &more);
	r = take_in(a, m, &more, why);
	if (r < 0)
		return r;
	ret->head = answer_new("seeds added");
	json_object_update(ret->head, counted);
	json_object_set_new(ret->head, "ttl_sec", json_integer(ttl_sec));
	json_object_set_new(ret->head, "total", json_integer((json_int_t)a->mind->seeds.n));
	json_object_set_new(ret->head, "kept", json_boolean(a->history));
	return 0;
}

/* --- Listing and clearing --------------------------------------------------------------------- */

static json_t *seed_row(struct agent *a, const void *row, const struct moment *m)
{
	const struct seed *seed = row;
	const struct campaign *c = request_campaign_of(a, seed->source);
	struct features f;
	bool seen = is_seen(a, seed->source, m, &f);

	return json_pack(
		"{s:o, s:I, s:I, s:I, s:b, s:o, s:o, s:o}", "source", answer_address(seed->source),
		"added", (json_int_t)seed->added_sec, "expires", (json_int_t)seed->expires_sec,
		"left_sec",
		(json_int_t)(seed->expires_sec > m->unix_sec ? seed->expires_sec - m->unix_sec : 0),
		"seen", seen, "last", seen ? json_time(m, m->now_sec - f.idle_sec) : json_null(),
		"campaign", answer_campaign(c ? c->id : 0), "note",
		answer_text(seed->note, sizeof(seed->note)));
}

int request_campaign_seeds(struct agent *a, const json_t *request, const struct moment *m,
			   char *why, struct answer *ret)
{
	static const char *const no_sorts[] = { "address", NULL };
	_cleanup_(freep) const void **rows = NULL;
	const struct seeds *s = &a->mind->seeds;
	struct request_rows wanted;
	size_t n;
	int r;

	r = request_rows(request, no_sorts, why, &wanted);
	if (r < 0)
		return r;
	n = s->n < wanted.limit ? s->n : wanted.limit;
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rows[i] = &s->list[i];
	ret->head = answer_new("seeds");
	json_object_set_new(ret->head, "total", json_integer((json_int_t)s->n));
	json_object_set_new(ret->head, "kept", json_boolean(a->history));
	return request_put_rows(a, m, "seeds", rows, n, sizeof(*s->list), seed_row, ret);
}

int request_campaign_unseed(struct agent *a, const json_t *request, const struct moment *m,
			    char *why, struct answer *ret)
{
	size_t n = a->mind->seeds.n;
	int r;

	(void)m;
	r = request_nothing(request, why);
	if (r == 0 && a->history)
		r = history_clear_seeds(a->history, why);
	if (r < 0)
		return r;
	mind_clear_seeds(a->mind);
	ret->head = answer_new("seeds cleared");
	json_object_set_new(ret->head, "cleared", json_integer((json_int_t)n));
	return 0;
}
