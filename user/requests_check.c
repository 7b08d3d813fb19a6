/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `check`: everything that bears on one address, and what the datapath would do with it now.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/check.h"
#include "user/control/request.h"
#include "user/dossier.h"
#include "user/requests.h"
#include "user/shoal/profile.h"

/* What the maps hold now; `*ret_allows` is the caller's to free. */
static int read_state(const struct agent *a, uint32_t now_sec, char *why,
		      struct allow_entry **ret_allows, struct check_state *ret)
{
	static const struct entries none;
	struct check_state s = {
		.entries = a->entries ? a->entries : &none,
		.now_sec = now_sec,
	};
	uint32_t beat = 0;
	int r;

	r = datapath_switched_off(a->datapath, &s.off);
	if (r == 0)
		r = datapath_config(a->datapath, &s.cfg);
	if (r == 0)
		r = datapath_last_beat(a->datapath, &beat);
	if (r == 0)
		r = datapath_meta(a->datapath, &s.meta);
	if (r == 0)
		r = datapath_allows(a->datapath, ret_allows, &s.n_allows);
	if (r < 0)
		return request_fail(r, why, "reading the datapath's tables: %s", strerror(-r));

	s.agent_alive = now_sec <= beat + s.cfg.beat_max_sec;
	s.allows = *ret_allows;
	*ret = s;
	return 0;
}

/* ---- what is known of the source ---- */

#define WORK_SAMPLE 1000 /* members that say where nine in ten of them lie */

/* All that the profile points to, beside what the agent holds. */
struct known {
	struct features f;
	enum window window; /* that f is over; WINDOWS: not seen at all */
	struct profile profile;
	json_t *days;
};

static void known_clear(struct known *k)
{
	json_decref(k->days);
}

static enum window find_source(const struct agent *a, const uint8_t source[16], uint32_t now_sec,
			       struct features *ret)
{
	for (enum window w = WINDOW_DAY; w < WINDOWS; w++)
		if (observations_find(a->mind->observations, source, w, now_sec, ret) == 0)
			return w;
	return WINDOWS;
}

/* The one it belongs to; or else one that has its ClientHello. */
static const struct campaign *find_campaign(const struct agent *a, const struct features *f,
					    const uint8_t source[16])
{
	const struct campaigns *all = a->mind->campaigns;
	const struct campaign *own = request_campaign_of(a, source);

	for (size_t i = 0; !own && f && all && i < all->n; i++)
		if (!all->list[i].ended_sec && all->list[i].hello_key == f->hello_key)
			own = &all->list[i];
	return own;
}

static int double_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct span_of nine_in_ten(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), double_compare);
	return (struct span_of){ values[n / 20], values[n - 1 - n / 20] };
}

static int find_work(const struct agent *a, const struct campaign *c, enum window w,
		     uint32_t now_sec, struct work *ret)
{
	_cleanup_(freep) double *values = calloc(3 * WORK_SAMPLE, sizeof(*values));
	size_t step = c->n_members / WORK_SAMPLE + 1, n = 0;
	struct features f;

	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_members; i += step) {
		if (observations_find(a->mind->observations, c->members[i].source, w, now_sec,
				      &f) ||
		    f.log_request <= 0)
			continue;
		values[n] = f.requests;
		values[WORK_SAMPLE + n] = exp(f.log_request);
		values[2 * WORK_SAMPLE + n++] = exp(f.log_response);
	}
	if (n)
		*ret = (struct work){
			.requests = nine_in_ten(values, n),
			.request_bytes = nine_in_ten(values + WORK_SAMPLE, n),
			.response_bytes = nine_in_ten(values + 2 * WORK_SAMPLE, n),
			.n = n,
		};
	return 0;
}

static int add_day(int64_t start_unix, const struct deed *deed, void *arg)
{
	struct known *k = arg;

	json_array_append_new(k->days, json_pack("{s:I, s:I, s:I}", "start", (json_int_t)start_unix,
						 "requests", (json_int_t)deed->sums.requests,
						 "handshakes", (json_int_t)deed->sums.handshakes));
	return 0;
}

static int find_days(const struct agent *a, const uint8_t source[16], struct known *k, char *why)
{
	int r;

	if (!a->history)
		return 0;
	k->days = json_array();
	r = history_days(a->history, source, add_day, k);
	if (r < 0)
		return request_fail(r, why, "history: %s", strerror(-r));
	k->profile.history = true;
	k->profile.days = (uint32_t)json_array_size(k->days);
	return 0;
}

static int find_known(const struct agent *a, const uint8_t source[16], uint32_t now_sec, char *why,
		      struct known *k)
{
	struct profile *p = &k->profile;
	int r = 0;

	*p = (struct profile){
		.seed = seeds_find(&a->mind->seeds, source),
		.noise = a->mind->noise,
		.requests_high = a->mind->requests_high,
		.lfdr_max = a->conf.shoal.lfdr_max,
		.stacks_max = a->conf.shoal.stacks_max,
		.day_sec = a->conf.shoal.day_sec,
		.now_sec = now_sec,
	};
	k->window = find_source(a, source, now_sec, &k->f);
	if (k->window < WINDOWS) {
		p->f = &k->f;
		p->window_sec =
			(uint32_t)((uint64_t)p->day_sec * window_slots(k->window) / SPAN_DAY_SLOTS);
	}
	p->c = find_campaign(a, p->f, source);
	p->member = p->c ? campaign_member(p->c, source) : NULL;
	if (p->c && p->f)
		r = find_work(a, p->c, k->window, now_sec, &p->work);
	return r < 0 ? r : find_days(a, source, k, why);
}

static json_t *json_span(struct span_of s)
{
	return json_pack("[f, f]", s.low, s.high);
}

static json_t *json_work(const struct work *w)
{
	if (!w->n)
		return json_null();
	return json_pack("{s:I, s:o, s:o, s:o}", "members", (json_int_t)w->n, "requests",
			 json_span(w->requests), "request_bytes", json_span(w->request_bytes),
			 "response_bytes", json_span(w->response_bytes));
}

/* The numbers behind the sentences. */
static json_t *json_profile(const struct known *k)
{
	const struct profile *p = &k->profile;
	struct sentence list[SENTENCES_MAX];
	json_t *o = json_pack("{s:s, s:f, s:I, s:f, s:f, s:f, s:f, s:o, s:o}", "standing",
			      standing_name(profile_standing(p)), "log10_e_proven", SOURCE_PROVEN,
			      "dual_needed", (json_int_t)profile_dual_needed(p), "noise_single",
			      p->noise.single, "noise_dual", p->noise.dual, "lfdr_max", p->lfdr_max,
			      "stacks_max", p->stacks_max, "campaign_like",
			      answer_campaign(p->c ? p->c->id : 0), "campaign_work",
			      json_work(&p->work));

	/* Without a round there is no limit yet. */
	json_object_set_new(o, "requests_high",
			    isfinite(p->requests_high) ? json_real(p->requests_high) : json_null());
	json_object_set_new(o, "log10_e",
			    p->f ? json_real(source_log10_e(&p->noise, p->f)) : json_null());
	json_object_set_new(o, "lfdr", p->member ? json_real(p->member->lfdr) : json_null());
	json_object_set_new(o, "window", p->f ? json_string(window_name(k->window)) : json_null());
	json_object_set_new(o, "request_bytes_mean",
			    p->f && p->f->log_request > 0 ? json_real(exp(p->f->log_request))
							  : json_null());
	json_object_set_new(o, "response_bytes_mean",
			    p->f && p->f->log_request > 0 ? json_real(exp(p->f->log_response))
							  : json_null());
	json_object_set_new(o, "seed",
			    p->seed ? answer_text(p->seed->note, SEED_NOTE) : json_null());
	json_object_set_new(o, "day_sec", json_integer(p->day_sec));
	json_object_set_new(o, "days", k->days ? json_incref(k->days) : json_null());
	json_object_set_new(o, "sentences", json_sentences(list, profile_explain(p, list)));
	return o;
}

/* ---- what is listed ---- */

#define GUARDS_SHOWN 8

/* Every claim on a prefix that covers the address, from the longest on, and why it is not in force.
 */
static json_t *json_covering(struct agent *a, const struct prefix *address, const struct moment *m)
{
	const struct claims *c = a->claims;
	json_t *list = json_array();

	for (int len = address->len; len >= 0; len--) {
		struct prefix p = prefix_parent(address, (unsigned int)len);
		const struct entry *e = claims_at(c, &p);

		for (; e && e < c->list + c->n && !prefix_compare(&e->prefix, &p); e++) {
			const struct entry *now = entries_find(a->entries, &p);
			const struct entry *over = claims_overruled(a->entries, e);
			bool in_force = now && !claim_compare(now, e);

			json_array_append_new(list, json_pack("{s:o, s:b, s:o}", "entry",
							      json_entry(a, in_force ? now : e, m),
							      "in_force", in_force, "overruled_by",
							      over ? json_entry(a, over, m)
								   : json_null()));
		}
	}
	return list;
}

static json_t *json_guards(const struct agent *a, const struct prefix *address)
{
	const struct guarded *touched[GUARDS_SHOWN];
	size_t n = guards_touched(&a->guards, address, touched, GUARDS_SHOWN);
	json_t *list = json_array();

	for (size_t i = 0; i < n && i < GUARDS_SHOWN; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:o}", "rule", touched[i]->rule,
						"prefix", answer_prefix(&touched[i]->prefix),
						"note", answer_text(touched[i]->note, SEINE_NOTE)));
	return list;
}

int request_check(struct agent *a, const json_t *request, const struct moment *m, char *why,
		  struct answer *ret)
{
	_cleanup_(freep) struct allow_entry *allows = NULL;
	struct prefix address, source;
	_cleanup_(known_clear) struct known k = { 0 };
	struct check_state state;
	struct check result;
	bool recent;
	int r;

	r = request_address(request, why, &address);
	if (r == 0)
		r = read_state(a, m->now_sec, why, &allows, &state);
	if (r < 0)
		return r;
	source = request_source_of(a, &address);
	r = find_known(a, source.ip, m->now_sec, why, &k);
	if (r < 0)
		return r;
	if (k.profile.f)
		state.hello_key = k.f.hello_key;
	check_address(&state, &address, &result);
	recent = k.profile.f && k.window == WINDOW_DAY;

	ret->head = answer_new("check");
	json_object_set_new(ret->head, "address", answer_prefix(&address));
	json_object_set_new(ret->head, "verdict", json_string(check_name(result.verdict)));
	json_object_set_new(ret->head, "drops", json_boolean(check_drops(result.verdict)));
	json_object_set_new(ret->head, "sentence", json_string(check_sentence(result.verdict)));
	json_object_set_new(ret->head, "mode", json_string(mode_name(state.cfg.mode)));
	json_object_set_new(ret->head, "off", json_boolean(state.off));
	json_object_set_new(ret->head, "entry",
			    result.entry ? json_entry(a, result.entry, m) : json_null());
	json_object_set_new(ret->head, "allow",
			    result.allow ? json_allow(a, result.allow, m) : json_null());
	json_object_set_new(ret->head, "covering", json_covering(a, &address, m));
	json_object_set_new(ret->head, "guards", json_guards(a, &address));
	json_object_set_new(ret->head, "campaign",
			    answer_campaign(k.profile.member ? k.profile.c->id : 0));
	json_object_set_new(ret->head, "source", recent ? json_features(a, &k.f, m) : json_null());
	json_object_set_new(ret->head, "profile", json_profile(&k));
	return 0;
}
