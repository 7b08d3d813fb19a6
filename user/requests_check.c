/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `check`: everything that bears on one address, and what the datapath would do with it now.
 */
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/check.h"
#include "user/control/request.h"
#include "user/requests.h"

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

int request_check(struct agent *a, const json_t *request, const struct moment *m, char *why,
		  struct answer *ret)
{
	_cleanup_(freep) struct allow_entry *allows = NULL;
	struct prefix address, source;
	const struct campaign *c;
	struct check_state state;
	struct features f;
	struct check result;
	bool known;
	int r;

	r = request_address(request, why, &address);
	if (r == 0)
		r = read_state(a, m->now_sec, why, &allows, &state);
	if (r < 0)
		return r;
	source = request_source_of(a, &address);
	known = observations_find(a->mind->observations, source.ip, WINDOW_DAY, m->now_sec, &f) ==
		0;
	if (known)
		state.hello_key = f.hello_key;
	check_address(&state, &address, &result);
	c = request_campaign_of(a, source.ip);

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
			    result.allow ? json_allow(result.allow, m) : json_null());
	json_object_set_new(ret->head, "campaign", answer_campaign(c ? c->id : 0));
	json_object_set_new(ret->head, "source", known ? json_features(a, &f, m) : json_null());
	return 0;
}
